"""The fake on loopback with a client on it, and the check that every request was one that Discord's document
allows."""

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
import simcord.http

if "discord" not in sys.modules:
    sys.modules.setdefault("zstandard", None)  # type: ignore[arg-type]  # the fake has zlib's and Python's own zstd

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.sender import DiscordSurface
from bot.delivery.discord.stores import ChannelStore
from bot.delivery.discord.throttle import Throttle
from bot.desk import recall
from bot.desk.desk import Desk
from bot.process.run import LOADED_AHEAD
from tests.delivery.discord.fake import FakeDiscord
from tests.delivery.discord.stand import Clock, Memory, make_card, make_desk, make_post
from tests.desks import follow_once


@pytest.fixture(scope="session", autouse=True)
def loaded() -> None:
    """What the first chart of a process loads: Discord waits three seconds for an answer, and which test asks first is
    chance."""
    for name in LOADED_AHEAD:
        import_module(name)


@pytest.fixture(autouse=True)
def _followed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most tests stand on one past; what following it does to who waits is tested at the desk."""
    monkeypatch.setattr(recall, "iterate_past", follow_once)


class _Hurried(ModuleType):
    """Asyncio, in which a pause takes a hundredth of its time."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 100)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what comes after discord.py's last try: its pauses between the five that a server's fault gets are 25 seconds,
    in which nothing is tested. That it does pause is, in `test_sender.py`."""
    monkeypatch.setattr(discord.http, "asyncio", _Hurried("asyncio"))


@simcord.http.route("GET", "/gateway/bot")
def recommend_connections(_: object) -> dict[str, Any]:
    """What simcord does not tell: how many connections, and how often we may begin one."""
    starts = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
    return {"url": "wss://gateway.discord.gg", "shards": 1, "session_start_limit": starts}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def desk(memory: Memory, clock: Clock) -> Desk:
    return make_desk(memory, clock)


@contextlib.contextmanager
def pointed_at(fake: FakeDiscord) -> Iterator[None]:
    """discord.py, turned to the fake."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Route, "BASE", fake.base)
        patch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(fake.socket_url))
        patch.setattr(discord.asset.Asset, "BASE", fake.base)
        yield


@pytest.fixture
async def fake() -> AsyncIterator[FakeDiscord]:
    """The fake. A test fails if anything was sent, or answered, that Discord's document does not know."""
    async with FakeDiscord() as server:
        with pointed_at(server):
            yield server
        assert server.problems == []


def make_client(desk: Desk, memory: ChannelStore, *, heartbeat_s: float = 2.0) -> TightropeClient:
    return TightropeClient(
        desk=desk,
        keeping=memory,
        throttle=Throttle(rate=1000),
        guild_ready_timeout=0.1,
        heartbeat_timeout=heartbeat_s,
    )


@contextlib.asynccontextmanager
async def connected(
    desk: Desk, keeping: ChannelStore, *, heartbeat_s: float = 2.0, token: str = "token", within_s: float = 20
) -> AsyncIterator[TightropeClient]:
    """A client that is connected to the fake, or to whatever discord.py is turned to."""
    made = make_client(desk, keeping, heartbeat_s=heartbeat_s)
    running = asyncio.create_task(made.start(token))
    arrived = asyncio.create_task(made.arrived.wait())
    await asyncio.wait({running, arrived}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        running.result()
    try:
        yield made
    finally:
        await made.close()
        await asyncio.wait({running, arrived}, timeout=5)
        await asyncio.to_thread(_await_heartbeats)


def _await_heartbeats() -> None:
    """The threads that beat for discord.py end with their connection, but one may just be about to ask the loop, which a
    busy machine closes before it does."""
    for thread in threading.enumerate():
        if thread.name.startswith("keep-alive-handler"):
            thread.join(2)


@pytest.fixture
async def client(fake: FakeDiscord, desk: Desk, memory: Memory) -> AsyncIterator[TightropeClient]:
    """A client that is connected to the fake."""
    async with connected(desk, memory) as made:
        yield made


@pytest.fixture
def surface(client: TightropeClient, desk: Desk, memory: Memory, clock: Clock) -> DiscordSurface:
    """The sender, with no pauses between its tries."""

    async def late(post):
        await memory.outbox.mark_late(post.id, channel=post.channel)
        return make_card(post, desk)

    async def at_once(seconds: float) -> None:
        await asyncio.sleep(0)

    return DiscordSurface(client, late=late, now=clock.now, sleep=at_once)


@pytest.fixture
def post():
    return make_post()

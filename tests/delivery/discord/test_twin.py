"""A Discord that nobody of us wrote: the npm package discord-digital-twin, in a process of its own, over real sockets.
Login, the registration of commands, a post with its nonce, the look back, an edit, a slash command.

What it lacks, and these tests go around or leave to the fake and to simcord: the application is told at another
address and without its owner; permissions are taken as text alone; READY has no shard; a callback is answered without a
body; no multipart, so no picture and no answer that has one; no rate limits, no compression, no RESUME, no use of a
nonce against a second message."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import PIPE
from typing import Any

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route
from discord.state import AutoShardedConnectionState
from msgspec.structs import replace

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.sender import DiscordSurface
from bot.desk.desk import Desk
from bot.domain.posts import Card, Post
from tests.delivery.discord.conftest import connected
from tests.delivery.discord.stand import Memory, make_card, make_post

FOLDER = Path(__file__).parent / "twin"
LONGEST_LINE = 16 * 1024 * 1024
OWNER = {"id": "6001", "username": "owner", "discriminator": "0", "avatar": None}


@dataclass
class Twin:
    """The other process: where it is, and what is done in it."""

    process: asyncio.subprocess.Process
    place: Mapping[str, str]

    async def do(self, act: str, **given: Any) -> dict[str, Any]:
        """Somebody does something there."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"act": act, **given}).encode() + b"\n")
        return await self.hear()

    async def hear(self) -> dict[str, Any]:
        """Its next line."""
        assert self.process.stdout is not None
        told: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return told

    async def posts(self) -> list[dict[str, Any]]:
        """The messages in its channel that are not a reader's."""
        told = (await self.do("messages"))["messages"]
        return [one for one in told if one["author"]["username"] != "reader"]

    @property
    def channel(self) -> int:
        return int(self.place["channel"])


@pytest.fixture
async def twin(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Twin]:
    """The package, running, with discord.py turned to it."""
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules" / "discord-digital-twin").is_dir():
        pytest.skip("no twin: `npm install` in tests/delivery/discord/twin brings it")
    process = await asyncio.create_subprocess_exec(
        node, "twin.mjs", cwd=FOLDER, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE
    )
    made = Twin(process, {})
    try:
        made.place = await made.hear()
        monkeypatch.setattr(Route, "BASE", f"{made.place['rest']}/v10")
        monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(made.place["gateway"]))

        async def info(self: HTTPClient) -> Any:
            return {"owner": OWNER, **await self.request(Route("GET", "/applications/@me"))}

        monkeypatch.setattr(HTTPClient, "application_info", info)
        upsert = HTTPClient.bulk_upsert_global_commands

        def as_text(self: HTTPClient, application_id: int, payload: list[dict[str, Any]]) -> Any:
            told: list[Any] = [
                {**one, "default_member_permissions": allowed if allowed is None else str(allowed)}
                for one in payload
                for allowed in [one.get("default_member_permissions")]
            ]
            return upsert(self, application_id, told)

        monkeypatch.setattr(HTTPClient, "bulk_upsert_global_commands", as_text)
        ready: Any = AutoShardedConnectionState.parse_ready

        def with_shard(self: AutoShardedConnectionState[Any], data: Any) -> None:
            ready(self, {"shard": [0, 1], **data})

        monkeypatch.setattr(AutoShardedConnectionState, "parse_ready", with_shard)
        answered: Any = discord.InteractionCallbackResponse._update

        def with_body(self: "discord.InteractionCallbackResponse[Any]", data: Any) -> None:
            answered(self, data or {"interaction": {"id": "1"}})

        monkeypatch.setattr(discord.InteractionCallbackResponse, "_update", with_body)
        yield made
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 5)
        except TimeoutError:
            process.kill()
            await process.wait()


@pytest.fixture
async def client(twin: Twin, desk: Desk, memory: Memory) -> AsyncIterator[TightropeClient]:
    """A client that is connected to it; it takes its time to store thirty commands."""
    async with connected(desk, memory, heartbeat_s=60.0, token=twin.place["token"], within_s=90) as made:
        yield made


def surface_of(client: TightropeClient, desk: Desk) -> DiscordSurface:
    async def late(post: Post) -> Card:
        return make_card(post, desk)

    return DiscordSurface(client, late=late, now=lambda: datetime.now(UTC))


async def until_there(twin: Twin, count: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(30):
        while len(found := await twin.posts()) < count:  # noqa: ASYNC110  it tells nothing by itself
            await asyncio.sleep(0.1)
    return found


@pytest.mark.slow
async def test_it_logs_in_and_registers_its_commands(
    twin: Twin, client: TightropeClient, memory: Memory
) -> None:
    assert client.arrived.is_set()
    assert [str(guild.id) for guild in client.guilds] == [twin.place["guild"]]
    async with asyncio.timeout(90):
        while f"discord.commands.{client.application_id}" not in memory.notes.kept:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    assert client.registration.failure is None


@pytest.mark.slow
async def test_a_post_is_there_once_is_found_under_chatter_and_is_edited_in_its_own_message(
    twin: Twin, client: TightropeClient, desk: Desk
) -> None:
    post = replace(make_post(channel=twin.channel), intended_at=datetime.now(UTC))
    card = make_card(post, desk)
    message = await surface_of(client, desk).show(post, card)
    await twin.do("chat", count=120)
    again = replace(post, attempted_at=datetime.now(UTC) - timedelta(seconds=5))
    assert await surface_of(client, desk).show(again, card) == message
    (sent,) = await twin.posts()
    assert (sent["id"], sent["nonce"]) == (message, post.nonce)
    assert sent["embeds"][0]["title"] == "Bitcoin calls for caution"
    labels = [button["label"] for row in sent["components"] for button in row["components"]]
    assert labels == ["Why?", "Mute 24 h", "More"]
    await surface_of(client, desk).edit(replace(post, message_id=message), replace(card, title="Mended"))
    (edited,) = await twin.posts()
    assert (edited["id"], edited["embeds"][0]["title"]) == (message, "Mended")


@pytest.mark.slow
async def test_a_slash_command_is_answered_to_the_asker_alone(twin: Twin, client: TightropeClient) -> None:
    await twin.do("slash", name="help")
    (answer,) = await until_there(twin, 1)
    assert answer["embeds"][0]["title"] == "Commands"
    assert answer["flags"] & discord.MessageFlags.ephemeral.flag

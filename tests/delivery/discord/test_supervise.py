"""The supervisor and the connection: each way to fail, on real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import discord
import pytest

from bot.delivery.discord.absence import NOTE as ABSENT
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.supervise import FIRST_PAUSE_S, LONGEST_PAUSE_S, STEADY_S, run_discord
from bot.desk.desk import Desk
from bot.errors import ConfigError
from tests.delivery.discord.conftest import make_client
from tests.delivery.discord.fake import GUILD, FakeDiscord, Fault
from tests.delivery.discord.stand import Clock, Memory, wish


class House:
    """A bot under its supervisor; its pauses are recorded, not waited for."""

    def __init__(self, desk: Desk, memory: Memory, *, heartbeat_s: float = 2.0) -> None:
        self._heartbeat_s = heartbeat_s
        self.clients: list[TightropeClient] = []
        self.pauses: list[float] = []
        self._desk = desk
        self._memory = memory

    def make(self) -> TightropeClient:
        self.clients.append(make_client(self._desk, self._memory, heartbeat_s=self._heartbeat_s))
        return self.clients[-1]

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await asyncio.sleep(0.01)

    def start(self, token: str = "token") -> asyncio.Task[None]:
        running = run_discord(token, self._desk, self._memory, make=self.make, sleep=self.sleep)
        return asyncio.create_task(running)


@contextlib.asynccontextmanager
async def running(house: House) -> AsyncIterator[asyncio.Task[None]]:
    """The house's bot, stopped in the end whatever happens."""
    task = house.start()
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task}, timeout=5)


@pytest.fixture
async def house(fake: FakeDiscord, desk: Desk, memory: Memory) -> AsyncIterator[House]:
    """A bot that is up."""
    made = House(desk, memory)
    async with running(made):
        await fake.until(lambda: made.clients and made.clients[0].arrived.is_set())
        yield made


async def answers(fake: FakeDiscord) -> bool:
    return bool((await fake.slash("skew")).shown["embeds"])


async def test_a_new_bot_takes_posts_as_soon_as_it_is_there(
    house: House, desk: Desk, fake: FakeDiscord
) -> None:
    await fake.until(lambda: "discord" in desk.sender.surfaces)
    assert await answers(fake)


async def test_a_request_to_reconnect_resumes_and_misses_nothing(house: House, fake: FakeDiscord) -> None:
    await fake.ask_to_reconnect()
    assert await answers(fake)
    assert [said["op"] for said in fake.gateway if said["op"] in (2, 6)] == [2, 6]
    assert len(house.clients) == 1


async def test_a_broken_line_resumes(house: House, fake: FakeDiscord) -> None:
    fake.cut()
    await fake.until(lambda: any(said["op"] == 6 for said in fake.gateway), within_s=20)
    assert await answers(fake)
    assert len(house.clients) == 1


async def test_a_session_that_may_be_resumed_is_resumed(house: House, fake: FakeDiscord) -> None:
    await fake.invalidate(resumable=True)
    await fake.until(lambda: any(said["op"] == 6 for said in fake.gateway), within_s=20)
    assert await answers(fake)


async def test_a_session_that_is_lost_is_begun_anew(
    house: House, fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(shard_id: int | None, *, initial: bool = False) -> None:
        return None

    monkeypatch.setattr(house.clients[0], "before_identify_hook", at_once)
    await fake.invalidate(resumable=False)
    await fake.until(lambda: len(fake.sessions) == 2 and fake.live, within_s=20)
    assert await answers(fake)
    assert len(house.clients) == 1


async def test_a_silent_gateway_is_left_and_resumed(fake: FakeDiscord, desk: Desk, memory: Memory) -> None:
    fake.heartbeat_ms = 200
    house = House(desk, memory, heartbeat_s=0.5)
    async with running(house):
        await fake.until(lambda: house.clients and house.clients[0].arrived.is_set())
        for connection in fake.live:
            connection.silent = True
        await fake.until(lambda: any(said["op"] == 6 for said in fake.gateway), within_s=20)


async def test_a_malformed_event_ends_the_client_and_the_next_one_serves(
    house: House, fake: FakeDiscord
) -> None:
    await fake.dispatch("CHANNEL_CREATE", {"guild_id": str(GUILD), "id": "7009"})
    await fake.until(lambda: len(house.clients) == 2 and house.clients[1].arrived.is_set(), within_s=20)
    assert house.pauses == [FIRST_PAUSE_S]
    assert await answers(fake)


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013, 4014])
async def test_a_final_close_says_what_to_mend(
    fake: FakeDiscord, desk: Desk, memory: Memory, code: int
) -> None:
    house = House(desk, memory)
    async with running(house) as task:
        await fake.until(lambda: house.clients and house.clients[0].arrived.is_set())
        await fake.close_gateway(code)
        with pytest.raises(ConfigError, match="DISCORD_TOKEN"):
            await asyncio.wait_for(task, 10)
        assert house.clients[0].is_closed()


async def test_a_token_that_is_refused_says_so_without_showing_it(
    fake: FakeDiscord, desk: Desk, memory: Memory
) -> None:
    fake.fault("GET", "/users/@me", Fault(status=401, body={"code": 0, "message": "401: Unauthorized"}))
    with pytest.raises(ConfigError) as caught:
        await asyncio.wait_for(House(desk, memory).start("my.secret.token"), 10)
    assert "DISCORD_TOKEN" in str(caught.value)
    assert "secret" not in str(caught.value)


async def test_discord_being_down_at_the_start_is_waited_for(
    fake: FakeDiscord, desk: Desk, memory: Memory
) -> None:
    fake.fault("GET", "/users/@me", Fault(status=503), *[Fault(abort=True)] * 2)  # aiohttp asks again once
    house = House(desk, memory)
    async with running(house):
        await fake.until(lambda: len(house.clients) == 3 and house.clients[2].arrived.is_set(), within_s=20)
        assert house.pauses == [FIRST_PAUSE_S, FIRST_PAUSE_S * 2]


async def test_the_commands_are_not_sent_again_after_a_restart(house: House, fake: FakeDiscord) -> None:
    await fake.dispatch("CHANNEL_CREATE", {"guild_id": str(GUILD), "id": "7009"})
    await fake.until(lambda: len(house.clients) == 2 and house.clients[1].arrived.is_set(), within_s=20)
    assert len(fake.requests("PUT", "/commands")) == 1


@pytest.mark.parametrize("life_s", [1.0, 600.0, STEADY_S - 1, STEADY_S + 1])
async def test_a_client_that_always_fails_stays_within_the_identify_budget(
    desk: Desk, memory: Memory, monkeypatch: pytest.MonkeyPatch, life_s: float
) -> None:
    client = make_client(desk, memory)
    at = [0.0]
    starts: list[float] = []

    async def start(self: discord.Client, token: str) -> None:
        starts.append(at[0])
        at[0] += life_s
        if at[0] > 86_400:
            raise asyncio.CancelledError
        raise KeyError("position")

    async def sleep(seconds: float) -> None:
        assert FIRST_PAUSE_S <= seconds <= LONGEST_PAUSE_S
        at[0] += seconds

    monkeypatch.setattr(discord.Client, "start", start)
    with pytest.raises(asyncio.CancelledError):
        await run_discord("token", desk, memory, make=lambda: client, sleep=sleep, now=lambda: at[0])
    assert 1 < len(starts) < 500


async def test_a_server_that_put_us_out_is_forgotten(house: House, fake: FakeDiscord, memory: Memory) -> None:
    memory.subscriptions.wishes = [wish(), wish(7100, 8100)]
    await fake.dispatch("GUILD_DELETE", {"id": str(GUILD)})
    await fake.until(lambda: memory.subscriptions.forgotten)
    assert memory.subscriptions.forgotten == [str(GUILD)]
    assert [one.guild_id for one in memory.subscriptions.wishes] == ["8100"]


async def test_a_server_that_is_down_keeps_everything(
    house: House, fake: FakeDiscord, memory: Memory
) -> None:
    memory.subscriptions.wishes = [wish()]
    await fake.dispatch("GUILD_DELETE", {"id": str(GUILD), "unavailable": True})
    await fake.until(lambda: house.clients[0].guilds == [] or house.clients[0].guilds[0].unavailable)
    await house.clients[0].reconcile()
    assert memory.subscriptions.forgotten == []
    assert len(memory.subscriptions.wishes) == 1


async def test_a_channel_that_is_deleted_is_no_longer_followed(
    house: House, fake: FakeDiscord, memory: Memory
) -> None:
    memory.subscriptions.wishes = [wish()]
    await fake.dispatch("CHANNEL_DELETE", {**fake.channel(7001), "guild_id": str(GUILD)})
    await fake.until(lambda: memory.subscriptions.wishes == [])


async def test_a_server_that_put_us_out_while_we_were_away_is_forgotten_after_a_day(
    fake: FakeDiscord, desk: Desk, memory: Memory, clock: Clock
) -> None:
    memory.subscriptions.wishes = [wish(), wish(7100, 8100)]
    async with running(House(desk, memory)):
        await fake.until(lambda: "8100" in memory.notes.kept.get(ABSENT, ""))
        assert memory.subscriptions.forgotten == []
    clock.at += timedelta(days=1)
    async with running(House(desk, memory)):
        await fake.until(lambda: memory.subscriptions.forgotten)
        assert memory.subscriptions.forgotten == ["8100"]


async def test_nothing_is_forgotten_while_a_server_of_ours_is_down(
    fake: FakeDiscord, desk: Desk, memory: Memory
) -> None:
    memory.subscriptions.wishes = [wish(), wish(7100, 8100)]
    fake.add_guild(8002, [7002])
    fake.guilds[8002]["unavailable"] = True
    house = House(desk, memory)
    async with running(house):
        await fake.until(lambda: "discord" in desk.sender.surfaces)
        assert memory.subscriptions.forgotten == []


async def test_stopping_closes_the_connection_at_once(fake: FakeDiscord, desk: Desk, memory: Memory) -> None:
    house = House(desk, memory)
    async with running(house):
        await fake.until(lambda: house.clients and house.clients[0].arrived.is_set())
    assert house.clients[0].is_closed()
    await fake.until(lambda: not fake.live)


async def test_stopping_while_it_resumes_stops_it(fake: FakeDiscord, desk: Desk, memory: Memory) -> None:
    house = House(desk, memory)
    async with running(house) as task:
        await fake.until(lambda: house.clients and house.clients[0].arrived.is_set())
        fake.mute = True
        before = len(fake.connections)
        fake.cut()
        await fake.until(lambda: len(fake.connections) > before, within_s=20)
    assert task.cancelled()
    assert house.clients[0].is_closed()
    assert len(house.clients) == 1

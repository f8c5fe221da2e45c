"""Several connections: those that Discord recommends, those of this process alone, each server over its own;
and turns to identify."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from discord import RateLimited, SessionStartLimits

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.shards import EACH_S, Identifies, mine
from bot.delivery.discord.throttle import Throttle
from bot.desk.desk import Desk
from tests.delivery.discord.fake import CHANNEL, FakeDiscord
from tests.delivery.discord.stand import Clock, Memory, wish

ODD, EVEN = (1 << 22) + 1, (2 << 22) + 2  # servers of shard 1 and of shard 0, of two


@asynccontextmanager
async def sharded(desk: Desk, memory: Memory, **options: Any) -> AsyncIterator[TightropeClient]:
    client = TightropeClient(
        desk=desk,
        keeping=memory,
        throttle=Throttle(rate=1000),
        guild_ready_timeout=0.1,
        heartbeat_timeout=2.0,
        **options,
    )
    running = asyncio.create_task(client.start("token"))
    try:
        async with asyncio.timeout(15):
            await client.arrived.wait()
        yield client
    finally:
        await client.close()
        await asyncio.wait({running}, timeout=5)


def identified(fake: FakeDiscord) -> list[Any]:
    return [said["d"]["shard"] for said in fake.gateway if said["op"] == 2]


async def test_as_many_connections_as_discord_recommends_each_with_its_servers(
    fake: FakeDiscord, desk: Desk, memory: Memory
) -> None:
    fake.shards, fake.concurrency = 2, 2
    fake.add_guild(ODD, [7101])
    fake.add_guild(EVEN, [7102])
    async with sharded(desk, memory) as client:
        assert identified(fake) == [[0, 2], [1, 2]]
        assert {guild.id: guild.shard_id for guild in client.guilds if guild.id in (ODD, EVEN)} == {
            ODD: 1,
            EVEN: 0,
        }
        assert client.connected
        for guild, channel in ((ODD, 7101), (EVEN, 7102)):
            asked = await fake.slash("skew", guild=guild, channel=channel)
            assert len(asked.callbacks) == 1
        alone = await fake.slash("skew", guild=None)
        assert len(alone.callbacks) == 1


async def test_a_process_takes_its_own_shards_and_forgets_no_server_of_another(
    fake: FakeDiscord, desk: Desk, memory: Memory, clock: Clock
) -> None:
    fake.add_guild(ODD, [7101])
    gone = (3 << 22) + 1  # of shard 1 too, and the bot is in it no more
    memory.subscriptions.wishes = [
        wish(channel=7101, guild=ODD),
        wish(channel=7102, guild=EVEN),
        wish(channel=7103, guild=gone),
    ]
    async with sharded(desk, memory, shard_ids=[1], shard_count=2) as client:
        assert identified(fake) == [[1, 2]]
        assert [guild.id for guild in client.guilds] == [ODD]
        await client.reconcile()
        clock.at += timedelta(days=1)
        await client.reconcile()
    assert memory.subscriptions.forgotten == [str(gone)]


async def test_a_post_goes_to_a_channel_of_any_shard(fake: FakeDiscord, desk: Desk, memory: Memory) -> None:
    async with sharded(desk, memory, shard_ids=[1], shard_count=2) as client:
        await client.get_partial_messageable(CHANNEL).send("from the other shard's process")
    assert len(fake.posted()) == 1


async def test_when_the_days_starts_are_spent_it_waits_for_new_ones(
    fake: FakeDiscord, desk: Desk, memory: Memory, monkeypatch: Any
) -> None:
    fake.starts_left = 0
    waited: list[float] = []

    async def at_once(seconds: float) -> None:
        waited.append(round(seconds, 1))

    monkeypatch.setattr(Identifies.__init__, "__kwdefaults__", {"now": lambda: 100.0, "sleep": at_once})
    async with sharded(desk, memory):
        assert waited == [1.0]
        assert identified(fake) == [[0, 1]]


async def test_it_connects_where_nobody_tells_how_often_it_may(
    fake: FakeDiscord, desk: Desk, memory: Memory, monkeypatch: Any
) -> None:
    async def refuse(_: TightropeClient) -> SessionStartLimits:
        raise RateLimited(60.0)

    monkeypatch.setattr(TightropeClient, "fetch_session_start_limits", refuse)
    async with sharded(desk, memory) as client:
        assert identified(fake) == [[0, 1]]
        assert client.identifies.concurrency == 1


def limits(*, remaining: int, concurrency: int = 16, reset_after_s: int = 3600) -> SessionStartLimits:
    return SessionStartLimits(
        total=3, remaining=remaining, reset_after=reset_after_s * 1000, max_concurrency=concurrency
    )


async def test_the_days_starts_are_counted_and_the_next_day_has_its_own() -> None:
    clock = {"at": 100.0}

    async def sleep(seconds: float) -> None:
        clock["at"] += seconds

    turns = Identifies(now=lambda: clock["at"], sleep=sleep)
    turns.allow(limits(remaining=2))
    for number in range(2):
        await turns.turn(number)
    assert clock["at"] == 100.0
    await turns.turn(2)
    assert clock["at"] == 100.0 + 3600  # the first of the next day's three
    for number in range(3, 5):
        await turns.turn(number)
    assert clock["at"] == 100.0 + 3600
    await turns.turn(5)
    assert clock["at"] == 100.0 + 3600 + 86_400

    clock["at"] += 3 * 86_400  # nobody connected for days: no wait
    await turns.turn(6)
    assert clock["at"] == 100.0 + 3600 + 4 * 86_400


async def test_each_bucket_identifies_once_in_five_seconds() -> None:
    clock = {"at": 100.0}

    async def sleep(seconds: float) -> None:
        clock["at"] += seconds

    def turns() -> Identifies:
        return Identifies(now=lambda: clock["at"], sleep=sleep)

    one = turns()
    for number in range(4):
        await one.turn(number)
    assert clock["at"] == 100.0 + 3 * EACH_S

    clock["at"] = 100.0
    concurrency = turns()
    concurrency.concurrency = 16
    for number in range(16):
        await concurrency.turn(number)
    assert clock["at"] == 100.0
    await concurrency.turn(16)
    assert clock["at"] == 100.0 + EACH_S


def test_a_server_is_over_one_shard_of_all() -> None:
    for guild in (ODD, EVEN, 8001):
        assert sum(mine(str(guild), [number], 5) for number in range(5)) == 1

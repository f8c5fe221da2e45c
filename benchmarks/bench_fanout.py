"""Posting to many channels on a Discord of our own in another process, and answering commands meanwhile.

Run: python benchmarks/bench_fanout.py [CHANNELS]; about two minutes. Goals: none lost, no 429, at least 95% of
the limit's 50 a second, at most 1.8 ms of our CPU a post; a command's p99 under 250 ms."""

import asyncio
import itertools
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the fake is one of the tests'

# ruff: noqa: E402
import aiohttp
import discord

from bot.charts import PngPainter
from bot.charts.pictures import Pictures
from bot.commands import Request, discover, run
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.routes import Routes
from bot.delivery.discord.sender import DiscordSurface
from bot.delivery.discord.throttle import Throttle, Turn
from bot.desk.cards import Cards
from bot.desk.desk import Desk
from bot.domain.posts import Card, Post
from bot.domain.readings import Heard, Quantity, SeriesReading
from bot.ports import Source
from tests.delivery.discord.at_the_fake import turn
from tests.delivery.discord.stand import Clock, Memory, make_desk, make_post, playbook
from tests.desks import desk_of, market_of

LATENCY_S, LIMIT = 0.12, 50
PICTURE = os.urandom(40_000)  # as large as a chart
IN_FLIGHT = 200
HOUR = timedelta(hours=1)
WITHIN_S = 3.0  # how long Discord waits for an answer: so many are open at a time
COMMANDS = "skew,basis,brief,oi,funding"


class Ran(Struct, frozen=True, kw_only=True):
    """One way of posting: how many arrived, how often it was refused, how fast, at what cost."""

    way: str
    channels: int
    posted: int
    refused: int
    seconds: float
    cpu_ms: float

    def row(self) -> str:
        rate = self.posted / self.seconds
        return (
            f"{self.way:<28}{self.channels:>9}{self.channels - self.posted:>7}{self.refused:>7}{self.seconds:>9.1f}"
            f"{rate:>8.1f}{rate / LIMIT:>8.0%}{self.cpu_ms:>9.2f}"
        )


class HangingVenue:
    """A source that never answers."""

    name = "hanging"
    brings: frozenset[Quantity] = frozenset({"index"})

    async def poll(self, asset: str, at: datetime) -> Heard:
        await asyncio.sleep(3600)
        raise AssertionError

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        return ()


@asynccontextmanager
async def fake(latency_s: float = LATENCY_S, limit: int = LIMIT) -> AsyncIterator[int]:
    """The fake in a process of its own; its port."""
    command = [sys.executable, "-m", "tests.delivery.discord.fake", str(latency_s), str(limit)]
    server = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.PIPE)
    assert server.stdout is not None
    port = int(await server.stdout.readline())
    turn(str(port))
    try:
        yield port
    finally:
        server.terminate()
        await server.wait()


@asynccontextmanager
async def connected(
    desk: Desk, memory: Memory, throttle: Throttle | None = None
) -> AsyncIterator[TightropeClient]:
    client = TightropeClient(desk=desk, keeping=memory, throttle=throttle, guild_ready_timeout=0.1)
    running = asyncio.create_task(client.start("token"))
    await asyncio.wait_for(client.arrived.wait(), 20)
    yield client
    await client.close()
    await asyncio.wait({running})


async def stats(port: int) -> dict[str, int]:
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/stats") as response:
        told: dict[str, int] = await response.json()
        return told


def waiting(count: int) -> list[Post]:
    return [make_post(channel=1_000_000 + number) for number in range(count)]


class Unthrottled(Throttle):
    """As discord.py is by itself."""

    async def turn(self) -> Turn:
        return Turn(left_at=self._now())


class Pictured(Cards):
    """Every post of a story has one picture, drawn once."""

    def of_post(self, post: Post) -> Card:
        return replace(super().of_post(post), image=PICTURE, alt="a line")


def pictured_desk(
    memory: Memory, *, sources: Sequence[Source] = (), pictures: Pictures | None = None
) -> Desk:
    """A desk whose posts all have that picture."""
    market = market_of(memory, Clock(), playbook(), sources=sources)
    desk = desk_of(market, sources=sources, pictures=pictures, concurrency=20, deadline=HOUR)
    desk.cards.__class__ = Pictured
    return desk


async def timed(way: str, channels: int, port: int, work: Callable[[], Awaitable[object]]) -> Ran:
    before = await stats(port)
    cpu, began = time.process_time(), time.perf_counter()
    await work()
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    after = await stats(port)
    posted = after["posted"] - before["posted"]
    return Ran(
        way=way,
        channels=channels,
        posted=posted,
        refused=after["refused"] - before["refused"],
        seconds=seconds,
        cpu_ms=spent * 1000 / channels,
    )


async def naive(channels: int) -> Ran:
    """Everything at once, as most bots do it."""
    memory = Memory()
    desk = make_desk(memory)
    async with fake() as port, connected(desk, memory, Unthrottled()) as client:

        async def send(post: Post) -> None:
            place = client.get_partial_messageable(int(post.channel.removeprefix("discord:")))
            await place.send(embed=discord.Embed(title="t", description="d"))

        async def all_at_once() -> None:
            await asyncio.gather(*(send(post) for post in waiting(channels)), return_exceptions=True)

        return await timed("gather over all channels", channels, port, all_at_once)


async def ours(
    channels: int, *, asked: bool, rounds: int = 5, readers: int = IN_FLIGHT
) -> tuple[Ran, list[float]]:
    """Through outbox, routes, sender and throttle; with `asked`, readers type meanwhile and one venue
    hangs."""
    memory = Memory(kept=waiting(channels))
    desk = (
        pictured_desk(memory, sources=[HangingVenue()], pictures=Pictures(PngPainter()))
        if asked
        else pictured_desk(memory)
    )
    if asked:
        for name in COMMANDS.split(","):  # the first picture loads what draws
            await desk.cards.of_answer(await run(desk.market, discover()[name], Request()))
    async with fake() as port, connected(desk, memory) as client:

        async def late(post: Post) -> Card:
            return desk.cards.of_post(post)

        desk.sender.add_surface(
            "discord", Routes(DiscordSurface(client, late=late, now=desk.market.now), client)
        )
        polling = asyncio.create_task(desk.poller._gather("BTC", desk.market.now())) if asked else None
        drawing = asyncio.create_task(draw(desk)) if asked else None
        pressing = asyncio.create_task(press(port, rounds, readers)) if asked else None
        ran = await timed("ours, readers asking" if asked else "ours", channels, port, desk.sender.deliver)
        waits = await pressing if pressing is not None else []
        for task in (polling, drawing):
            if task is not None:
                task.cancel()
        return ran, waits


async def draw(desk: Desk) -> None:
    """New pictures, two a second."""
    answer = await run(desk.market, discover()["skew"], Request())
    assert answer.chart is not None
    for number in itertools.count():
        await desk.cards.draw(replace(answer.chart, title=f"{answer.chart.title} {number}"))
        await asyncio.sleep(0.5)


async def unhindered(channels: int) -> Ran:
    """As fast as it goes, without a limit: what a post costs us."""
    memory = Memory(kept=waiting(channels))
    desk = pictured_desk(memory)
    async with fake(0.0, 1_000_000) as port, connected(desk, memory, Throttle(rate=100_000)) as client:

        async def late(post: Post) -> Card:
            return desk.cards.of_post(post)

        desk.sender.add_surface(
            "discord", Routes(DiscordSurface(client, late=late, now=desk.market.now), client)
        )
        return await timed("ours, without a limit", channels, port, desk.sender.deliver)


def row(what: str, value: float, unit: str, goal: str, *, held: bool, peer: float | None = None) -> str:
    told: dict[str, object] = {"what": what, "value": value, "unit": unit, "goal": goal, "held": held}
    if peer is not None:
        told |= {"peer": "gather over all channels", "peer_value": peer}
    return f"row: {json.dumps(told, ensure_ascii=False)}"


async def press(port: int, rounds: int, readers: int) -> list[float]:
    await asyncio.sleep(2)
    address = f"http://127.0.0.1:{port}/press?count={readers}&commands={COMMANDS}&within_s={WITHIN_S}"
    found: list[float] = []
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=120)) as session:
        for _ in range(rounds):
            async with session.get(address) as response:
                found += await response.json()
            await asyncio.sleep(1)
    return found


async def main() -> None:
    channels = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print(f"{'':<28}{'channels':>9}{'lost':>7}{'429':>7}{'s':>9}{'a s':>8}{'limit':>8}{'CPU ms':>9}")
    plain = await naive(channels)
    print(plain.row())
    ran, _ = await ours(channels, asked=False)
    print(ran.row())
    busy, waits = await ours(channels, asked=True)
    print(busy.row())
    few, many = await unhindered(channels), await unhindered(10 * channels)
    print(few.row())
    print(many.row())
    waits.sort()
    at = {
        name: waits[int(len(waits) * share)] * 1000
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    }
    told = ", ".join(f"{name} {value:.0f} ms" for name, value in at.items())
    print(f"{len(waits)} commands, {IN_FLIGHT} within {WITHIN_S:g} s, during that fan-out: {told}")
    print(f"memory at most {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    share, flat = ran.posted / ran.seconds / LIMIT, many.cpu_ms / few.cpu_ms
    lost, of = channels - ran.posted, f"{channels:,} channels"
    print(row(f"posts lost, {of}", lost, "posts", "0", held=lost == 0, peer=channels - plain.posted))
    print(row(f"429 met, {of}", ran.refused, "", "0", held=ran.refused == 0, peer=plain.refused))
    print(row(f"of the limit's rate, {of}", round(share * 100, 1), "%", "≥ 95 %", held=share >= 0.95))
    print(
        row(
            "CPU a post",
            round(ran.cpu_ms, 2),
            "ms",
            "≤ 1.8 ms",
            held=ran.cpu_ms <= 1.8,
            peer=round(plain.cpu_ms, 2),
        )
    )
    print(row(f"CPU a post, {channels * 10:,} over {of}", round(flat, 2), "×", "≤ 1.15 ×", held=flat <= 1.15))
    print(row("a command's answer, p99, meanwhile", round(at["p99"]), "ms", "< 250 ms", held=at["p99"] < 250))


if __name__ == "__main__":
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    asyncio.run(main())

"""Sockets on the loopback: what is pushed is tallied once, by hour and side, through every break of the line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web

from bot.domain.readings import Gap, LiquidationTally
from bot.errors import SourceChanged
from bot.sources._ws import Collector, Forced, Stream, Waits
from tests.sources.conftest import START, StillClock

HOUR = timedelta(hours=1)
QUICK = Waits(first_s=0.01, longest_s=0.02, silence_s=0.2)
Serve = Callable[[web.WebSocketResponse], Awaitable[None]]


def read(content: bytes) -> list[Forced]:
    """`BTC long 100 1`: the last word makes it this one. Anything else is refused."""
    words = content.decode().split()
    if words == ["hello"]:
        return []
    if len(words) != 4:
        raise SourceChanged(f"venue liquidations: {content!r}")
    return [forced(words[0], float(words[2]), words[3], long=words[1] == "long")]


def forced(asset: str, usd: float, key: str, *, long: bool = True, minutes: float = 0) -> Forced:
    return Forced(asset=asset, at=START + timedelta(minutes=minutes), long=long, usd=usd, key=(key,))


@asynccontextmanager
async def venue(serve: Serve) -> AsyncIterator[str]:
    async def handler(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await serve(socket)
        return socket

    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  the condition is the code's own state, which sets no event
            await asyncio.sleep(0.005)


@asynccontextmanager
async def listening(clock: StillClock, *streams: Stream) -> AsyncIterator[Collector]:
    collector = Collector("venue", clock.now, waits=QUICK)
    await collector.start(streams)
    try:
        yield collector
    finally:
        await collector.stop()


def told(collector: Collector, asset: str = "BTC") -> LiquidationTally | None:
    """The tally of the hour under way."""
    tallies = [one for one in collector.tallies(asset) if isinstance(one, LiquidationTally)]
    return tallies[-1] if tallies else None


def longs(collector: Collector) -> float:
    tally = told(collector)
    return 0.0 if tally is None or tally.longs_usd is None else tally.longs_usd


async def test_what_is_pushed_is_tallied_by_asset_and_side_as_a_lower_bound(clock: StillClock):
    async def serve(socket: web.WebSocketResponse) -> None:
        for words in ("hello", "BTC long 100 1", "BTC short 40 2", "ETH long 7 3", "BTC long 0.5 4"):
            await socket.send_str(words)
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: len(collector._seen) == 4)
        clock.pass_s(60)
        tally = told(collector)
        assert tally is not None
        assert (tally.longs_usd, tally.shorts_usd, tally.complete) == (100.5, 40.0, False)
        assert (tally.since_at, tally.until_at) == (START, START + timedelta(seconds=60))
        assert told(collector, "ETH") is not None


async def test_a_line_that_breaks_is_opened_again_and_what_is_repeated_counts_once(clock: StillClock):
    connections = 0

    async def serve(socket: web.WebSocketResponse) -> None:
        nonlocal connections
        connections += 1
        await socket.send_str("BTC long 100 1")
        await socket.send_str(f"BTC long 1 again{connections}")
        if connections < 3:
            await socket.close()
        else:
            await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: len(collector._seen) == 4)
        clock.pass_s(1)
        assert longs(collector) == 103.0


async def test_a_message_that_cannot_be_read_does_not_end_the_line(clock: StillClock):
    connections = 0

    async def serve(socket: web.WebSocketResponse) -> None:
        nonlocal connections
        connections += 1
        for words in ("nonsense", "nonsense", "BTC long 5 1"):
            await socket.send_str(words)
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: len(collector._seen) == 1)
        assert connections == 1


async def test_a_venue_is_greeted_and_pinged_and_one_that_stays_silent_is_opened_again(clock: StillClock):
    heard: list[str] = []

    async def serve(socket: web.WebSocketResponse) -> None:
        async for message in socket:
            heard.append(message.data)  # noqa: PERF401  the test looks at it while it grows

    stream = Stream(url="", read=read, greet=("subscribe",), ping="ping", ping_every_s=0.02)
    async with venue(serve) as url:
        quiet = Stream(
            url=url, read=stream.read, greet=stream.greet, ping=stream.ping, ping_every_s=stream.ping_every_s
        )
        async with listening(clock, quiet):
            await until(lambda: heard.count("subscribe") >= 2)
    assert "ping" in heard


async def test_a_venue_that_is_down_is_a_gap_and_its_hour_is_not_told_as_quiet(clock: StillClock):
    async with listening(clock, Stream(url="http://127.0.0.1:9/", read=read)) as collector:
        await asyncio.sleep(0.05)
        clock.pass_s(600)
        assert collector.tallies("BTC") == [
            Gap(who="venue BTC liquidations", reason="venue BTC liquidations: not connected")
        ]


async def test_with_one_of_two_sockets_down_the_hour_is_not_told(clock: StillClock):
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("BTC long 100 1")
        await socket.receive()

    async with venue(serve) as url:
        streams = (Stream(url=url, read=read), Stream(url="http://127.0.0.1:9/", read=read))
        async with listening(clock, *streams) as collector:
            await until(lambda: len(collector._seen) == 1)
            clock.pass_s(60)
            assert told(collector) is None


async def test_what_a_socket_needs_to_know_is_asked_before_it_opens(clock: StillClock):
    asked: list[str] = []

    async def prepare() -> None:
        asked.append("sizes")
        if len(asked) < 3:
            raise SourceChanged("venue sizes: changed")

    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("BTC long 1 1")
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read, prepare=prepare)) as collector:
        await until(lambda: len(collector._seen) == 1)
    assert len(asked) == 3


async def test_a_quiet_hour_on_an_open_line_is_told_as_zero_and_the_hour_before_stays_told(clock: StillClock):
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("BTC long 100 1")
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: len(collector._seen) == 1)
        clock.pass_s(2_400)
        before, now = [one for one in collector.tallies("BTC") if isinstance(one, LiquidationTally)]
        assert (before.since_at, before.until_at, before.longs_usd) == (START, START + HOUR / 2, 100.0)
        assert (now.since_at, now.longs_usd, now.shorts_usd) == (START + HOUR / 2, 0.0, 0.0)


@pytest.mark.parametrize(
    "strange",
    [forced("BTC", 5, "a", minutes=5), forced("BTC", 5, "b", minutes=-60 * 24), forced("BTC", 1e12, "c")],
    ids=["from the future", "of yesterday", "larger than the market"],
)
async def test_a_liquidation_that_cannot_be_is_not_counted(clock: StillClock, strange: Forced):
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: not any(isinstance(one, Gap) for one in collector.tallies("BTC")))
        clock.pass_s(1)
        collector.add(strange)
        collector.add(forced("BTC", 3, "d"))
        assert longs(collector) == 3.0


async def test_it_stops_at_once_and_can_start_again(clock: StillClock):
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.receive()

    async with venue(serve) as url:
        collector = Collector("venue", clock.now, waits=QUICK)
        for _ in range(2):
            await collector.start([Stream(url=url, read=read)])
            assert collector.running
            await collector.stop()
            assert not collector.running
        assert collector.tallies("BTC") == []

"""Sockets on the loopback: what is pushed is tallied once, by hour and side, through every break of the
line."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from bot.domain.readings import Gap, LiquidationTally
from bot.errors import SourceChanged, SourceUnavailable
from bot.sources._ws import Collector, Forced, Stream, Waits, socket_proxy
from tests.said import refused
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


def tallies(collector: Collector, asset: str = "BTC") -> list[LiquidationTally]:
    return [one for one in collector.tallies(asset) if isinstance(one, LiquidationTally)]


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
            Gap(
                who="venue BTC liquidations", reason="about(of='venue BTC liquidations', why=not_connected())"
            )
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

    async with (
        venue(serve) as url,
        listening(clock, Stream(url=url, read=read, prepare=prepare)) as collector,
    ):
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
        await socket.send_str("ETH long 1 1")
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: not any(isinstance(one, Gap) for one in collector.tallies("BTC")))
        clock.pass_s(1)
        collector.add(strange)
        collector.add(forced("BTC", 3, "d"))
        assert longs(collector) == 3.0


def silent(collector: Collector) -> bool:
    return any(isinstance(one, Gap) and "silent_socket" in one.reason for one in collector.tallies("BTC"))


async def test_an_open_socket_that_pushes_nothing_tells_no_zero_however_long_it_stays_open(clock: StillClock):
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("hello")
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: collector._lines[0].up_since is not None)
        for _ in range(25):
            clock.pass_s(3_600)
            assert silent(collector)
            assert told(collector) is None


async def test_a_socket_that_falls_silent_is_a_gap_after_the_time_that_its_stream_can_be_quiet(
    clock: StillClock,
):
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("ETH long 100 1")
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: len(collector._seen) == 1)
        clock.pass_s(3_500)
        assert [(one.longs_usd, one.until_at - one.since_at) for one in tallies(collector)] == [
            (0.0, HOUR / 2),
            (0.0, timedelta(seconds=3_500) - HOUR / 2),
        ]
        clock.pass_s(200)
        assert silent(collector)
        assert [one.until_at for one in tallies(collector)] == [START + HOUR / 2]  # the hour that was heard
        clock.pass_s(3_600)
        assert tallies(collector) == []


async def test_a_socket_that_was_opened_again_tells_nothing_before_it_speaks(clock: StillClock):
    speaks = asyncio.Event()
    connections = 0

    async def serve(socket: web.WebSocketResponse) -> None:
        nonlocal connections
        connections += 1
        if connections == 1:
            await socket.send_str("BTC long 100 1")
            clock.pass_s(60)
            await socket.close()
            return
        await speaks.wait()
        await socket.send_str("ETH long 1 2")
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read)) as collector:
        await until(lambda: connections == 2 and collector._lines[0].up_since is not None)
        clock.pass_s(60)
        assert silent(collector)
        assert told(collector) is None
        speaks.set()
        await until(lambda: len(collector._seen) == 2)
        clock.pass_s(1)
        assert longs(collector) == 100.0


async def test_a_message_with_the_streams_mark_is_a_word_though_nobody_was_closed(clock: StillClock):
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("hello")
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=read, mark=b"hello")) as collector:
        await until(lambda: bool(collector._lines[0].spoke_at))
        clock.pass_s(60)
        assert longs(collector) == 0.0
        assert told(collector) is not None


async def test_of_sockets_that_carry_the_same_one_is_enough_and_an_order_of_both_counts_once(
    clock: StillClock,
):
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("BTC long 100 1")
        await socket.receive()

    async def mute(socket: web.WebSocketResponse) -> None:
        await socket.receive()

    async with venue(serve) as url, venue(serve) as twin, venue(mute) as dead:
        streams = [Stream(url=one, read=read, carries="all") for one in (url, twin, dead)]
        async with listening(clock, *streams) as collector:
            await until(lambda: sum(bool(line.spoke_at) for line in collector._lines) == 2)
            clock.pass_s(60)
            assert longs(collector) == 100.0
            assert not silent(collector)


def filling(usd: float, seconds: float, *, final: bool) -> Forced:
    at = START + timedelta(seconds=seconds)
    return Forced(asset="BTC", at=at, long=True, usd=usd, key=("order",), grows=True, final=final)


@pytest.mark.parametrize(
    ("told_usd", "orders"),
    [
        (50.0, [filling(20, 0, final=False), filling(50, 1, final=True)]),
        (50.0, [filling(20, 0, final=False), filling(20, 0, final=False), filling(50, 1, final=True)] * 2),
        (50.0, [filling(50, 1, final=True), filling(20, 0, final=False)]),  # the other host's, late
        (50.0, [filling(20, 0, final=False), filling(50, 0, final=True)]),  # within one millisecond
        (70.0, [filling(20, 0, final=True), filling(50, 1, final=True)]),  # two orders of the same terms
        (70.0, [filling(20, -90, final=False), filling(50, 0, final=False)]),  # too far apart to be one
    ],
)
def test_an_order_that_fills_in_parts_counts_once_by_what_it_came_to(
    clock: StillClock, told_usd: float, orders: list[Forced]
):
    collector = Collector("venue", clock.now)
    for one in orders:
        collector.add(one)
    assert sum(hour.longs_usd for hour in collector._hours.values()) == told_usd


PROXIES = ("http_proxy", "https_proxy", "ws_proxy", "wss_proxy", "all_proxy", "no_proxy")


async def test_a_socket_goes_through_the_proxy_that_the_environment_names_for_the_web(
    clock: StillClock, monkeypatch: pytest.MonkeyPatch
):
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readline())
        writer.close()

    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    proxy = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = proxy.sockets[0].getsockname()[1]
    monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{port}")
    async with proxy, listening(clock, Stream(url="wss://venue.example/ws", read=read)):
        await until(lambda: bool(asked))
    assert asked[0].startswith(b"CONNECT venue.example:443 ")


@pytest.mark.parametrize(
    ("named", "url", "proxy"),
    [
        ({"https_proxy": "http://web:1"}, "wss://venue.example/ws", "http://web:1"),
        (
            {"https_proxy": "http://web:1", "wss_proxy": "http://own:2"},
            "wss://venue.example/ws",
            "http://own:2",
        ),
        ({"http_proxy": "http://plain:1"}, "wss://venue.example/ws", None),
        ({"http_proxy": "http://plain:1"}, "ws://venue.example/ws", "http://plain:1"),
        ({"all_proxy": "http://any:1"}, "wss://venue.example/ws", "http://any:1"),
        ({"https_proxy": "http://web:1", "no_proxy": "venue.example"}, "wss://venue.example/ws", None),
        ({}, "wss://venue.example/ws", None),
    ],
)
def test_which_proxy_a_socket_takes(
    named: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in named.items():
        monkeypatch.setenv(name, value)
    assert socket_proxy(url) == proxy


def test_a_proxy_that_cannot_carry_a_socket_is_said(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("wss_proxy", "socks5://far:1080")
    monkeypatch.setenv("no_proxy", "")
    with refused(SourceUnavailable, match="of the kind socks5: sockets go through http ones"):
        socket_proxy("wss://venue.example/ws")


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


async def test_connections_that_are_accepted_and_closed_at_once_come_with_growing_pauses(clock: StillClock):
    connections = 0

    async def serve(socket: web.WebSocketResponse) -> None:
        nonlocal connections
        connections += 1
        await socket.send_str("hello")
        await socket.close()

    collector = Collector("venue", clock.now, waits=Waits(first_s=0.02, longest_s=60.0))
    async with venue(serve) as url:
        await collector.start([Stream(url=url, read=read)])
        await asyncio.sleep(1.5)  # pauses of 0.02, 0.04 … 0.64 s at most: seven in all, 75 without growth
        await collector.stop()
    assert 4 <= connections <= 9


async def test_a_line_that_stood_for_a_while_is_opened_again_at_once(clock: StillClock):
    connections = 0

    async def serve(socket: web.WebSocketResponse) -> None:
        nonlocal connections
        connections += 1
        await asyncio.sleep(0.05)
        await socket.close()

    collector = Collector("venue", clock.now, waits=Waits(first_s=0.01, longest_s=60.0, lasting_s=0.02))
    async with venue(serve) as url:
        await collector.start([Stream(url=url, read=read)])
        await until(lambda: connections == 12)  # growing pauses would take ten seconds and more
        await collector.stop()


@pytest.mark.parametrize("trouble", [KeyError("s3cret"), UnicodeError("s3cret"), asyncio.CancelledError()])
async def test_a_task_that_trips_over_anything_is_begun_again_and_said_once(
    clock: StillClock, trouble: BaseException
):
    tried = 0

    async def prepare() -> None:
        nonlocal tried
        tried += 1
        if tried < 4:
            raise trouble

    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("BTC long 100 1")
        await socket.receive()

    with capture_logs() as logs:
        async with venue(serve) as url:
            streams = (Stream(url=url, read=read, prepare=prepare),)
            async with listening(clock, *streams) as collector:
                await until(lambda: len(collector._seen) == 1)
    assert tried == 4
    said = [one for one in logs if one["event"] == "source.socket"]
    assert len(said) == 1
    assert "s3cret" not in str(said)


async def test_a_message_that_trips_its_reader_does_not_end_the_line(clock: StillClock):
    def trip(content: bytes) -> list[Forced]:
        if content == b"odd":
            raise OverflowError("date value out of range")
        return read(content)

    connections = 0

    async def serve(socket: web.WebSocketResponse) -> None:
        nonlocal connections
        connections += 1
        for words in ("odd", "odd", "BTC long 5 1"):
            await socket.send_str(words)
        await socket.receive()

    async with venue(serve) as url, listening(clock, Stream(url=url, read=trip)) as collector:
        await until(lambda: len(collector._seen) == 1)
        assert connections == 1

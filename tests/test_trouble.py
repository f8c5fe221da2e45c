"""A venue that misbehaves on a real connection, through a whole poll: it alone is missing, the poll ends in
its deadline."""

import asyncio
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TypeVar

import httpx
import pytest
from structlog.testing import capture_logs

from bot.archive import open_archive
from bot.desk.desk import Desk
from bot.desk.memory import SourceState
from bot.domain.facts import Facts
from bot.domain.playbook import Playbook
from bot.domain.readings import Gap, Heard, Quantity, SeriesReading
from bot.playbook import CONFIG, read_playbook
from bot.ports import Source
from bot.sources import available
from bot.sources._http import Http, Patience
from tests.desks import desk_of, market_of
from tests.said import english
from tests.shipped_tape import tape_at

T = TypeVar("T")
AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
# Short enough to be waited for, where a venue stalls; elsewhere longer than a loaded machine takes.
STALL_DEADLINE_S = 4.0
DEADLINE_S = 25.0
# What an untroubled poll and a loaded machine may take besides: far less than the request's own limits, which
# the deadline cuts.
BESIDES_S = 15.0
PATIENT = Patience(attempts=2, pause_s=0.01, longest_pause_s=0.02, connect_s=60, read_s=60, total_s=60)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Clock:
    at: datetime = AT

    def now(self) -> datetime:
        return self.at


def reply(status: bytes, content: bytes = b"{}", *headers: bytes) -> Serve:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        length = b"content-length: " + str(len(content)).encode()
        writer.write(
            b"\r\n".join([b"HTTP/1.1 " + status, length, b"connection: close", *headers, b"", content])
        )
        await writer.drain()

    return serve


async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n")
    for _block in range(500):
        writer.write(b"[" * 100_000)
        await writer.drain()


async def stall(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await reader.read()


async def reset(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


BOMB = gzip.compress(b"[" * 50_000_000)
TROUBLES: Mapping[str, tuple[Serve, str]] = {
    "stalls": (stall, "no answer within"),
    "resets": (reset, ""),
    "429": (reply(b"429 Too Many Requests"), "too many requests"),
    "429 for an hour": (reply(b"429 Too Many Requests", b"{}", b"retry-after: 3600"), "too many requests"),
    "500": (reply(b"500 Internal Server Error"), "HTTP 500"),
    "451": (reply(b"451 Unavailable For Legal Reasons"), "this place is not served"),
    "gzip garbage": (reply(b"200 OK", b"not packed", b"content-encoding: gzip"), "cannot be unpacked"),
    "50 MB": (flood, "larger than 8 MB"),
    "50 MB, packed": (reply(b"200 OK", BOMB, b"content-encoding: gzip"), "larger than 8 MB"),
}


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[int]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the bot hung up, which is what some of these troubles are about
        finally:
            writer.close()

    running = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with running:
        yield running.sockets[0].getsockname()[1]


class OneTroubled(httpx.AsyncBaseTransport):
    """The tape, but what is asked of one venue goes to a real server on the loopback."""

    def __init__(self, word: str, port: int) -> None:
        self.tape = tape_at(AT, tuple(available()))
        self.real = httpx.AsyncHTTPTransport()
        self.word, self.port = word, port

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not self.word or self.word not in request.url.host:
            return await self.tape.handle_async_request(request)
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        there = httpx.Request(request.method, url, content=request.content, extensions=request.extensions)
        return await self.real.handle_async_request(there)

    async def aclose(self) -> None:
        await self.real.aclose()


@cache
def playbook() -> Playbook:
    return read_playbook(CONFIG)


@asynccontextmanager
async def desk(
    word: str, port: int, only: Source | None = None, *, deadline_s: float = DEADLINE_S
) -> AsyncIterator[Desk]:
    """A desk over all sources, or over a single one."""

    archive = await open_archive("sqlite://")
    try:
        async with Http(now=lambda: AT, transport=OneTroubled(word, port), patience=PATIENT) as http:
            asked = [only] if only else [source(http, key="key") for source in available().values()]
            market = market_of(
                archive, Clock(), playbook(), assets=("BTC",), sources=asked, history=timedelta(days=1)
            )
            yield desk_of(market, sources=asked, deadline=timedelta(seconds=deadline_s), concurrency=1)
    finally:
        await archive.aclose()


async def polled(word: str, serve: Serve) -> tuple[Facts, dict[str, SourceState]]:
    deadline_s = STALL_DEADLINE_S if word and serve is stall else DEADLINE_S
    async with server(serve) as port, desk(word, port, deadline_s=deadline_s) as one:
        async with asyncio.timeout(deadline_s + BESIDES_S):
            decision = await one.poller.poll("BTC", AT)
        return decision.facts, {hearing.source: hearing for hearing in one.market.source_states()}


def run_apart(asked: Coroutine[object, object, T]) -> T:
    """In a loop of its own that takes no other one's place: asyncio.run would leave that of the tests before unclosed."""
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        return runner.run(asked)


@cache
def untroubled() -> tuple[Facts, dict[str, SourceState]]:
    return run_apart(polled("", stall))


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("venue", ["okx", "binance"])
def test_one_venue_in_trouble_is_missing_and_the_others_say_what_they_said(venue: str, trouble: str):
    serve, word = TROUBLES[trouble]
    facts, hearings = run_apart(polled(venue, serve))
    whole, heard = untroubled()
    assert hearings[venue].heard_at is None
    assert hearings[venue].gaps
    assert all(gap.who.startswith(venue) and gap.reason for gap in hearings[venue].gaps)
    assert any(word in english(gap.reason) for gap in hearings[venue].gaps)
    assert {name: one for name, one in hearings.items() if name != venue} == {
        name: one for name, one in heard.items() if name != venue
    }
    for name in ("spot_usd", "open_interest_coin", "funding_8h_pct"):
        assert facts.known[name].venues == tuple(one for one in whole.known[name].venues if one != venue), (
            name
        )
        assert facts.known[name].of_venues == whole.known[name].of_venues, name


@dataclass
class Moody:
    """A source that says what it is told to."""

    gaps: tuple[Gap, ...] = ()
    name: str = "moody"
    brings: frozenset[Quantity] = frozenset({"index"})

    async def poll(self, asset: str, at: datetime) -> Heard:
        return Heard(readings=(), gaps=self.gaps)

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        return ()


async def test_a_gap_is_logged_when_it_is_news_and_again_when_it_has_been_away():
    def gap(reason: str) -> Gap:
        return Gap(who="moody BTC", reason=reason)

    source = Moody()
    not_listed, rests_30, rests_27 = gap("not listed"), gap("rests for 30 s"), gap("rests for 27.5 s")
    polls = [(not_listed,), (not_listed,), (not_listed, rests_30), (not_listed, rests_27), (), (not_listed,)]
    news = []
    async with server(stall) as port, desk("", port, source) as one:
        for minutes, source.gaps in enumerate(polls):
            with capture_logs() as logged:
                await one.poller.poll("BTC", AT + timedelta(minutes=minutes))
            news.append([line["reason"] for line in logged if line["event"] == "source.gap"])
    assert news == [["not listed"], [], ["rests for 30 s"], [], [], ["not listed"]]

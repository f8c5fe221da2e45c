"""A real market over a small past in memory: real metrics, rules and phrases, no sources."""

import asyncio
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot import commentary, rules
from bot.commands import Request, discover, run
from bot.decide import follow_past
from bot.desk.market import Market
from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.domain.playbook import Holding, Playbook
from bot.domain.posts import Answer, DailyNote, Post, Profile, State, Watch
from bot.errors import InputError
from bot.metrics import CATALOG
from tests.desks import market_of

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
HOURS = 24 * 70


@dataclass
class FixedClock:
    at: datetime = AT

    def now(self) -> datetime:
        return self.at


def hourly(
    metric: str,
    *,
    last: float,
    first: float | None = None,
    asset: str = "BTC",
    venue: str | None = None,
    until: datetime = AT,
    leave_out: range = range(0),
) -> Series:
    """Seventy days of hourly values that go straight from `first` to `last`."""
    start = last if first is None else first
    rows = [
        (
            int((until - timedelta(hours=HOURS - hour)).timestamp() * 1000),
            start + (last - start) * hour / HOURS,
        )
        for hour in range(HOURS + 1)
        if hour not in leave_out
    ]
    return Series(
        metric=metric,
        asset=asset,
        venue=venue,
        at_ms=array("q", [at for at, _ in rows]),
        value=array("d", [value for _, value in rows]),
        covers_s=array("q", [0] * len(rows)),
    )


class MemoryPoints:
    def __init__(self, past: list[Series]) -> None:
        self.past_series = past

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        return [series for series in self.past_series if series.asset == asset]

    async def past(
        self,
        metric: str,
        asset: str,
        since: datetime,
        until: datetime | None = None,
        venue: str | None = None,
    ) -> Series:
        known = (
            one for one in self.past_series if (one.metric, one.asset, one.venue) == (metric, asset, venue)
        )
        empty = Series(
            metric=metric, asset=asset, venue=venue, at_ms=array("q"), value=array("d"), covers_s=array("q")
        )
        return next(known, empty)


class MemoryStates:
    """Nothing was ever judged, but for what `followed` says of a past that is still the one that it was judged on."""

    def __init__(self, points: MemoryPoints, followed: State | None = None) -> None:
        self.taken: list[Call] = []
        self._points = points
        self._followed = followed

    async def load(self, asset: str, profile: Profile) -> State:
        as_it_was = tuple(self._points.past_series) == PAST and asset == "BTC" and not profile.ranges
        return self._followed if self._followed is not None and as_it_was else State()

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        return [call for call in self.taken if since <= call.at and (until is None or call.at <= until)]


class MemoryPosts:
    def __init__(self) -> None:
        self.kept: list[Post] = []
        self.judged: dict[str, Mapping[str, object]] = {}

    async def find(
        self, *, asset: str | None = None, limit: int = 50, before: datetime | None = None
    ) -> Sequence[Post]:
        return sorted(self.kept, key=lambda post: post.intended_at, reverse=True)[:limit]

    async def get(self, post_id: str, channels: Sequence[str] = ()) -> Post | None:
        named = [post for post in self.kept if post.id == post_id]
        return next((post for post in named if post.channel in channels), named[0] if named else None)

    async def evidence(self, post_id: str, channels: Sequence[str] = ()) -> Mapping[str, object]:
        return self.judged.get(post_id, {})


class MemoryOutbox:
    def __init__(self) -> None:
        self.doubtful: list[Post] = []

    async def find_uncertain(self, surface: str) -> Sequence[Post]:
        return self.doubtful


class MemoryWatches:
    def __init__(self) -> None:
        self.kept: list[Watch] = []

    async def find(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        return [one for one in self.kept if asset in (None, one.asset) and reader in (None, one.reader)]

    async def add(self, wish: Watch, *, most: int) -> None:
        if len(self.kept) >= most:
            raise InputError(f"you have {most} watches")
        self.kept.append(replace(wish, id=len(self.kept) + 1))

    async def remove(self, reader: str, number: int | None = None) -> int:
        gone = [one for one in self.kept if one.reader == reader and number in (None, one.id)]
        self.kept = [one for one in self.kept if one not in gone]
        return len(gone)


class MemoryDigests:
    def __init__(self) -> None:
        self.kept: dict[str, DailyNote] = {}

    async def find(self, *, reader: str | None = None) -> Sequence[DailyNote]:
        return [note for note in self.kept.values() if reader in (None, note.reader)]

    async def put(self, note: DailyNote) -> None:
        self.kept[note.reader] = note

    async def remove(self, reader: str) -> int:
        return int(self.kept.pop(reader, None) is not None)


class MemoryArchive:
    """What commands ask of the archive, in memory."""

    def __init__(self, past: Sequence[Series] = (), followed: State | None = None) -> None:
        self.points = MemoryPoints(list(past))
        self.states = MemoryStates(self.points, followed)
        self.posts = MemoryPosts()
        self.outbox = MemoryOutbox()
        self.watches = MemoryWatches()
        self.digests = MemoryDigests()


PAST = (
    hourly("skew_60d_pct", first=5.0, last=20.0),
    hourly("skew_30d_pct", first=6.0, last=24.0),
    hourly("skew_60d_points", first=2.0, last=13.0),
    hourly("basis_60d_pct", first=7.0, last=2.0),
    hourly("basis_90d_pct", first=7.0, last=3.0, until=AT - timedelta(hours=5)),
    hourly("spot_usd", first=95_000.0, last=67_800.0),
    hourly("open_interest_coin", last=527_850.0),
    hourly("open_interest_usd", first=50e9, last=35.8e9),
    hourly("funding_annual_pct", first=10.0, last=1.5),
    hourly("funding_annual_pct", first=10.0, last=1.0, venue="deribit"),
    hourly("funding_annual_pct", first=10.0, last=2.0, venue="okx"),
    hourly("dvol", first=45.0, last=82.6),
)


@pytest.fixture(scope="session")
def playbook(root: Path) -> Playbook:
    def read(folder: str) -> dict[str, str]:
        return {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted((root / "config" / folder).glob("*.toml"))
        }

    book = rules.parse(read("rules"), CATALOG)
    bank = commentary.parse(read("phrases/en"), "en", CATALOG, book)
    published = [
        (date(2026, 2, 28), 720_000.0),
        (date(2026, 1, 31), 713_502.0),
        (date(2025, 12, 31), 700_000.0),
    ]
    holdings = tuple(
        Holding(
            holder="Example Corp.",
            asset="BTC",
            coins=coins,
            average_cost_usd=76_000.0,
            as_of=as_of,
            source="its filing",
        )
        for as_of, coins in published
    )
    return Playbook(catalog=CATALOG, rules=book, banks={"en": bank}, holdings=holdings, hash="abc123")


@pytest.fixture(scope="session")
def followed(playbook: Playbook) -> State:
    """What following that past leads to: each test's first verdict would follow it anew, which takes longer than what
    is tested."""

    async def follow() -> State:
        market = market_of(MemoryArchive(PAST), FixedClock(), playbook)
        facts, history = await market.facts("BTC"), await market.history("BTC")
        past = follow_past(history, playbook, facts, {})
        return State(signals=past.signals(), course=past.course)

    return asyncio.run(follow())


@pytest.fixture
def archive(followed: State) -> MemoryArchive:
    return MemoryArchive(PAST, followed)


@pytest.fixture
def market(archive: Any, playbook: Playbook) -> Market:
    return market_of(archive, FixedClock(), playbook)


@pytest.fixture
def ask(market: Market):
    """Run a command by name."""

    async def asked(name: str, **options: str) -> Answer:
        return await run(market, discover()[name], Request(options=options, channel="preview:"))

    return asked


@pytest.fixture
def figures_of():
    def read(answer: Answer) -> dict[str, str]:
        cells = [cell for table in answer.tables for row in table.rows for cell in row.cells]
        return {figure.label: figure.text for figure in (*cells, *answer.notes, *answer.figures)}

    return read


@pytest.fixture
def rows_of():
    """The tables of an answer: the texts of a row's cells by its label."""

    def read(answer: Answer) -> dict[str, list[str]]:
        return {row.label: [cell.text for cell in row.cells] for table in answer.tables for row in table.rows}

    return read

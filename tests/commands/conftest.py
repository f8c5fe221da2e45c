"""A real desk over a small past in memory: real metrics, rules and phrases, no sources."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import commentary, rules
from bot.commands import Request, discover, run
from bot.desk import Desk, Habits
from bot.domain.facts import Series
from bot.domain.playbook import Holding, Playbook
from bot.domain.posts import Answer, Post, Profile, State, Watch
from bot.errors import InputError
from bot.metrics import CATALOG

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
HOURS = 24 * 70


@dataclass
class FixedClock:
    at: datetime = AT

    def now(self) -> datetime:
        return self.at


def hourly(metric: str, *, last: float, first: float | None = None, asset: str = "BTC", venue: str | None = None,
           until: datetime = AT, leave_out: range = range(0)) -> Series:  # fmt: skip
    """Seventy days of hourly values that go straight from `first` to `last`."""
    start = last if first is None else first
    rows = [
        (int((until - timedelta(hours=HOURS - hour)).timestamp() * 1000), start + (last - start) * hour / HOURS)
        for hour in range(HOURS + 1)
        if hour not in leave_out
    ]
    return Series(
        metric=metric, asset=asset, venue=venue, at_ms=array("q", [at for at, _ in rows]),
        value=array("d", [value for _, value in rows]), covers_s=array("q", [0] * len(rows)),
    )  # fmt: skip


@dataclass
class MemoryArchive:
    past: list[Series] = field(default_factory=list)
    kept: list[Post] = field(default_factory=list)
    judged: dict[str, Mapping[str, object]] = field(default_factory=dict)
    watched: list[Watch] = field(default_factory=list)
    doubtful: list[Post] = field(default_factory=list)

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        return [series for series in self.past if series.asset == asset]

    async def state(self, asset: str, profile: Profile) -> State:
        return State()

    async def posts(
        self, *, asset: str | None = None, limit: int = 50, before: datetime | None = None
    ) -> Sequence[Post]:
        return sorted(self.kept, key=lambda post: post.intended_at, reverse=True)[:limit]

    async def post(self, post_id: str) -> Post | None:
        return next((post for post in self.kept if post.id == post_id), None)

    async def evidence(self, post_id: str) -> Mapping[str, object]:
        return self.judged.get(post_id, {})

    async def uncertain(self, surface: str) -> Sequence[Post]:
        return self.doubtful

    async def watches(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        return [one for one in self.watched if asset in (None, one.asset) and reader in (None, one.reader)]

    async def watch(self, wish: Watch, *, most: int) -> None:
        if len(self.watched) >= most:
            raise InputError(f"you have {most} watches")
        self.watched.append(replace(wish, id=len(self.watched) + 1))

    async def unwatch(self, reader: str, number: int | None = None) -> int:
        gone = [one for one in self.watched if one.reader == reader and number in (None, one.id)]
        self.watched = [one for one in self.watched if one not in gone]
        return len(gone)


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
            path.name: path.read_text(encoding="utf-8") for path in sorted((root / "config" / folder).glob("*.toml"))
        }

    book = rules.parse(read("rules"), CATALOG)
    bank = commentary.parse(read("phrases/en"), "en", CATALOG, book)
    published = [(date(2026, 2, 28), 720_000.0), (date(2026, 1, 31), 713_502.0), (date(2025, 12, 31), 700_000.0)]
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


@pytest.fixture
def archive() -> MemoryArchive:
    return MemoryArchive(past=list(PAST))


@pytest.fixture
def desk(archive: Any, playbook: Playbook) -> Desk:
    async def nothing_due(asset: str, at: datetime) -> Mapping[str, datetime]:
        return {}

    habits = Habits(
        assets=("BTC", "ETH"), deadline=timedelta(seconds=5), late_after=timedelta(minutes=10), history=timedelta(days=120),
        abreast=5,
    )  # fmt: skip
    return Desk(
        clock=FixedClock(),
        archive=archive,
        sources=(),
        playbook=playbook,
        surfaces={},
        habits=habits,
        agenda=nothing_due,
    )


@pytest.fixture
def ask(desk: Desk):
    """Run a command by name."""

    async def asked(name: str, **options: str) -> Answer:
        return await run(desk, discover()[name], Request(options=options, channel="preview:"))

    return asked


@pytest.fixture
def figures_of():
    def read(answer: Answer) -> dict[str, str]:
        return {figure.label: figure.text for figure in answer.figures}

    return read

"""Small parts for these tests: a clock that stands, an archive that notes what it is asked, sources and surfaces
that say what they were told to."""

import asyncio
from array import array
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from msgspec.structs import replace

from bot.desk.market import Market
from bot.domain.facts import Point, Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.posts import Card, Decision, Post, Profile, State, Watch
from bot.domain.readings import Heard, Quantity, SeriesReading, Snapshot
from bot.errors import ArchiveError
from bot.playbook import read_playbook
from bot.ports import Source
from tests.archive.make import story
from tests.desks import market_of

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@cache
def playbook() -> Playbook:
    """The real rules and words."""
    return read_playbook()


@dataclass
class Clock:
    """It stands until a test sets it."""

    at: datetime = AT

    def now(self) -> datetime:
        return self.at


def column(
    metric: str,
    rows: Mapping[datetime, float],
    *,
    asset: str = "BTC",
    venue: str | None = None,
    covers_s: int = 0,
) -> Series:
    """One metric's past."""
    return Series(
        metric=metric,
        asset=asset,
        venue=venue,
        at_ms=array("q", [int(at.timestamp() * 1000) for at in rows]),
        value=array("d", rows.values()),
        covers_s=array("q", [covers_s] * len(rows)),
    )


def hourly(metric: str, value: float, *, days: int = 30, until: datetime = AT, **more: Any) -> Series:
    """The same value each hour, up to a time."""
    hours = range(days * 24, -1, -1)
    return column(metric, {until - hour * HOUR: value for hour in hours}, **more)


@dataclass
class Noting:
    """One repository for all: it answers from its fields, and `notes` what it was asked, in order."""

    past_series: list[Series] = field(default_factory=list)
    remembered: dict[tuple[str, str], State] = field(default_factory=dict)
    called: dict[str, list[Call]] = field(default_factory=dict)
    follows: list[Profile] = field(default_factory=lambda: [Profile()])
    wishes: list[Watch] = field(default_factory=list)
    unsent: dict[str, list[Post]] = field(default_factory=dict)
    unwritable: bool = False
    unread: Profile | None = None
    notes: list[tuple[Any, ...]] = field(default_factory=list)

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        self.notes.append(("series", asset, since))
        return [one for one in self.past_series if one.asset == asset]

    async def load(self, asset: str, profile: Profile) -> State:
        self.notes.append(("load", asset, profile.id))
        return self.remembered.get((asset, profile.id), State())

    async def load_all(self, asset: str, profiles: Sequence[Profile]) -> Callable[[Profile], State]:
        self.notes.append(("load", asset, *(profile.id for profile in profiles)))

        def state_of(profile: Profile) -> State:
            if profile == self.unread:
                raise ArchiveError("the state is damaged")
            return self.remembered.get((asset, profile.id), State())

        return state_of

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        self.notes.append(("calls", asset, since, until))
        return self.called.get(profile.id, []) if profile is not None else []

    async def keep(self, playbook: Playbook, at: datetime) -> None:
        self.notes.append(("keep", playbook.hash, at))

    async def profiles(self, asset: str) -> Sequence[Profile]:
        self.notes.append(("profiles", asset))
        return self.follows

    async def find(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        self.notes.append(("watches", asset))
        return [one for one in self.wishes if asset in (None, one.asset)]

    async def add(self, heard: Sequence[Point], heard_at: datetime | None = None) -> None:
        self.notes.append(("add", tuple(heard), heard_at))

    async def take_unsent(self, surface: str) -> Sequence[Post]:
        self.notes.append(("take", surface))
        return tuple(self.unsent.get(surface, ()))

    async def attempt(self, tried: Sequence[Post], at: datetime) -> None:
        self.notes.append(("attempt", tuple(post.channel for post in tried), at))

    async def mark_sent(
        self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None
    ) -> None:
        self.notes.append(("sent", post_id, channel, sent_at, message_id))
        if self.unwritable:
            raise ArchiveError("database is locked")
        for kept in self.unsent.values():
            kept[:] = [post for post in kept if (post.id, post.channel) != (post_id, channel)]

    async def clear_attempts(self, untried: Sequence[Post]) -> None:
        self.notes.append(("untried", tuple(post.channel for post in untried)))

    async def give_up(self, worthless: Sequence[Post]) -> None:
        self.notes.append(("given up", tuple(post.channel for post in worthless)))


class NotingArchive:
    """What a desk asks of its archive."""

    def __init__(self, *past_series: Series) -> None:
        self.all = Noting(past_series=list(past_series))
        self.points = self.states = self.playbooks = self.subscriptions = self.watches = self.outbox = (
            self.all
        )
        self.committed: list[tuple[str, Profile, Decision, Snapshot]] = []

    async def commit_all(
        self, asset: str, decided: Sequence[tuple[Profile, Decision]], snapshot: Snapshot
    ) -> None:
        self.all.notes.append(("commit", asset, *(profile.id for profile, _ in decided)))
        self.committed += [(asset, *one, snapshot) for one in decided]

    def asked(self, *names: str) -> list[tuple[Any, ...]]:
        """What it was asked, of these names."""
        return [note for note in self.all.notes if note[0] in names]


@dataclass
class Teller:
    """A source that says what it was told to, or raises it, or calls `wait` first."""

    name: str
    says: Heard | Exception = field(default_factory=lambda: Heard(readings=()))
    past: Sequence[SeriesReading] | Exception = ()
    brings: frozenset[Quantity] = frozenset({"index"})
    wait: Callable[[], Awaitable[object]] | None = None
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    async def poll(self, asset: str, at: datetime) -> Heard:
        self.asked.append((asset, at))
        if self.wait is not None:
            await self.wait()
        if isinstance(self.says, Exception):
            raise self.says
        return self.says

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        self.asked.append((asset, since, until))
        if isinstance(self.past, Exception):
            raise self.past
        return self.past


class Place:
    """A surface that keeps what it was shown and can edit; `refuses` names what a channel raises."""

    def __init__(self, notes: list[tuple[Any, ...]] | None = None, **refuses: Exception) -> None:
        self.shown: list[tuple[Post, Card]] = []
        self.refuses = {name.replace("_", ":"): error for name, error in refuses.items()}
        self.notes = notes if notes is not None else []
        self.at_once = self.most_at_once = 0

    async def show(self, post: Post, card: Card) -> str | None:
        self.notes.append(("show", post.channel))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        self.at_once -= 1
        if post.channel in self.refuses:
            raise self.refuses[post.channel]
        self.shown.append((post, card))
        return f"message in {post.channel}"


def post_to(channel: str, name: str = "abcd1234", *, locale: str = "en", at: datetime = AT) -> Post:
    """A post for a channel."""
    return Post(
        id=name,
        channel=channel,
        asset="BTC",
        reason="scheduled",
        story=replace(story(AT), locale=locale),
        nonce=f"{name}-{channel}"[:24],
        intended_at=at,
    )


def market_on(
    archive: NotingArchive, clock: Clock | None = None, *, sources: Sequence[Source] = (), **more: Any
) -> Market:
    """A market that reads the archive, by the real rules and words."""
    return market_of(archive, clock or Clock(), playbook(), sources=sources, **more)

"""What the desk asks of the world. Each is a small Protocol; app.py chooses who answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.facts import Point, Series
from bot.domain.posts import Card, ChartSpec, Decision, Post, Profile, State
from bot.domain.readings import Heard, Quantity, SeriesReading, Snapshot


class Clock(Protocol):
    """The time, UTC-aware. The tape has its own."""

    def now(self) -> datetime:
        """This moment."""
        ...


class Source(Protocol):
    """One venue or vendor."""

    @property
    def name(self) -> str:
        """Its name in bot.toml, in readings and in gaps."""
        ...

    @property
    def brings(self) -> frozenset[Quantity]:
        """What it can bring."""
        ...

    async def poll(self, asset: str, at: datetime) -> Heard:
        """Everything it has to say of the asset now. Raises SourceError where nothing at all was heard."""
        ...

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """The venue's own history between two times, as far as it keeps it. Empty if it keeps none. Raises SourceError."""
        ...


class Archive(Protocol):
    """Points, states, outbox, subscriptions: what survives a restart."""

    async def series(self, asset: str, since: datetime) -> Sequence[Series]:
        """Every metric's past of one asset since a time, hourly where rolled up, aggregate and per venue."""
        ...

    async def add_points(self, points: Sequence[Point]) -> None:
        """Store points; one that is there already (same metric, asset, venue, time) is replaced."""
        ...

    async def state(self, asset: str, profile: Profile) -> State:
        """What decide() remembered last, routes of the profile's subscriptions included; an empty State at first."""
        ...

    async def commit(self, asset: str, profile: Profile, decision: Decision, snapshot: Snapshot) -> None:
        """Points, state, verdict and posts (as unsent outbox rows) of one evaluation, in one transaction."""
        ...

    async def profiles(self, asset: str) -> Sequence[Profile]:
        """The profiles that some subscription of the asset uses; the default one at least."""
        ...

    async def unsent(self, surface: str) -> Sequence[Post]:
        """Outbox rows of one surface that are not sent, oldest first."""
        ...

    async def mark_sent(self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None) -> None:
        """The post went out."""
        ...

    async def posts(self, *, asset: str | None = None, limit: int = 50, before: datetime | None = None) -> Sequence[Post]:
        """Posts, newest first."""
        ...

    async def post(self, post_id: str) -> Post | None:
        """One post by its short id."""
        ...

    async def evidence(self, post_id: str) -> Mapping[str, object]:
        """What a post was judged on: facts with times and venues, readings and gaps, as plain JSON-ready values."""
        ...


class Surface(Protocol):
    """A place where posts appear. One method: the sender calls it with a card and learns the surface's id of the message."""

    async def show(self, post: Post, card: Card) -> str | None:
        """Show one post. Raises DeliveryError."""
        ...


class Painter(Protocol):
    """Draws charts."""

    async def draw(self, spec: ChartSpec) -> bytes:
        """PNG bytes."""
        ...



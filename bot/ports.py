"""What the desk asks of the world. Each is a small Protocol; app.py chooses who answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from bot.domain.facts import Point, Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.posts import Card, ChartSpec, Decision, Occasion, Post, Profile, State, Watch
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


class Usage(Protocol):
    """One host's budget of requests, and whether it is asked at all."""

    @property
    def host(self) -> str:
        """Its name."""
        ...

    @property
    def used(self) -> float:
        """Weight in use of the limit, now."""
        ...

    @property
    def limit(self) -> float:
        """The weight that may be in use at once."""
        ...

    @property
    def requests(self) -> int:
        """Requests since the start."""
        ...

    @property
    def resting_until(self) -> datetime | None:
        """Until when nothing is asked, if it is left alone now."""
        ...

    @property
    def trouble(self) -> str | None:
        """What its last trouble was, if it has not answered since."""
        ...


class Archive(Protocol):
    """Points, states, outbox, subscriptions: what survives a restart."""

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        """Every metric's past of one asset between two times, hourly where rolled up, aggregate and per venue."""
        ...

    async def add_points(self, points: Sequence[Point], heard_at: datetime | None = None) -> None:
        """Store points; one that is there already (same metric, asset, venue, time) is replaced. With `heard_at` what was known
        of a stretch until then is kept."""
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

    async def uncertain(self, surface: str) -> Sequence[Post]:
        """Posts of one surface of which nobody can tell whether they went out, oldest first."""
        ...

    async def attempt(self, tried: Sequence[Post], at: datetime) -> None:
        """Posts are tried from now on; those that were before keep their time."""
        ...

    async def mark_sent(self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None) -> None:
        """The post went out."""
        ...

    async def posts(
        self, *, asset: str | None = None, limit: int = 50, before: datetime | None = None, channel: str | None = None
    ) -> Sequence[Post]:
        """Posts, newest first; of one asset, of one channel."""
        ...

    async def post(self, post_id: str) -> Post | None:
        """One post by its short id."""
        ...

    async def evidence(self, post_id: str) -> Mapping[str, object]:
        """What a post was judged on: facts with times and venues, readings and gaps, as plain JSON-ready values."""
        ...

    async def occasion(self, post_id: str) -> Occasion | None:
        """What a post stood on, for telling it again; None where it is not known any more."""
        ...

    async def keep_playbook(self, playbook: Playbook, at: datetime) -> None:
        """Keep the files of an edition, so that what it said can be said again."""
        ...

    async def playbook_files(self, name: str) -> Mapping[str, str]:
        """The files of the edition of this hash, path → text; none where it was not kept."""
        ...

    async def past(
        self, metric: str, asset: str, since: datetime, until: datetime | None = None, venue: str | None = None
    ) -> Series:
        """One metric's past between two times; empty columns where nothing is stored."""
        ...

    async def watches(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        """Personal watches, in the order in which they were set."""
        ...

    async def watch(self, wish: Watch, *, most: int) -> None:
        """Set a watch; one on the same line begins anew. Raises InputError where the reader has `most` others."""
        ...

    async def unwatch(self, reader: str, number: int | None = None) -> int:
        """Remove one watch of a reader by its id, or all: how many there were."""
        ...

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        """Each change of stance, or of the rules that judge, oldest first; the first row is the stance at the beginning."""
        ...


class Surface(Protocol):
    """A place where posts appear. One method: the sender calls it with a card and learns the surface's id of the message."""

    async def show(self, post: Post, card: Card) -> str | None:
        """Show one post. Raises DeliveryError."""
        ...


@runtime_checkable
class Edits(Protocol):
    """A surface that can show a post anew that it has shown before."""

    async def edit(self, post: Post, card: Card) -> None:
        """Show the post as its card is now, in the place where it stands. Raises DeliveryError."""
        ...


class Painter(Protocol):
    """Draws charts."""

    async def draw(self, spec: ChartSpec) -> bytes:
        """PNG bytes."""
        ...

"""What several rooms ask of the world. Each is a small Protocol; app.py chooses who answers. What one room asks
of the archive stands in that room."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from bot.domain.playbook import DatedEvent
from bot.domain.posts import Card, ChartSpec, Post
from bot.domain.readings import Heard, Quantity, SeriesReading
from bot.domain.traded import FuturePrices, OptionTrades, TakerTrades


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
        """The venue's own history between two times, as far as it keeps it. Empty if it keeps none. Raises
        SourceError."""
        ...


@runtime_checkable
class FutureKeeper(Protocol):
    """A source that keeps what its dated futures cost, expired ones too."""

    @property
    def name(self) -> str:
        """Its name in bot.toml."""
        ...

    async def recall_futures(self, asset: str, since: datetime, until: datetime) -> FuturePrices:
        """What they cost between two times, the later one left out. Raises SourceError."""
        ...


@runtime_checkable
class OptionKeeper(Protocol):
    """A source that keeps every trade in its options."""

    @property
    def name(self) -> str:
        """Its name in bot.toml."""
        ...

    async def recall_options(self, asset: str, since: datetime, until: datetime) -> OptionTrades:
        """The newest trades between two times, the later one left out. Raises SourceError."""
        ...


@runtime_checkable
class TradeTeller(Protocol):
    """A source that tells the trades in its options as they happen, with who took."""

    @property
    def name(self) -> str:
        """Its name in bot.toml."""
        ...

    async def hear_trades(self, asset: str, since: datetime, until: datetime) -> TakerTrades:
        """The trades between two times, both included, or their newest. Raises SourceError."""
        ...


@runtime_checkable
class DateTeller(Protocol):
    """A source that tells when something that markets wait for is published."""

    @property
    def name(self) -> str:
        """Its name in bot.toml."""
        ...

    async def hear_dates(self, since: datetime, until: datetime) -> Sequence[DatedEvent]:
        """The dates between two times, as far as they are known. Raises SourceError."""
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


class Surface(Protocol):
    """A place where posts appear. One method: the sender calls it with a card and learns the surface's id of
    the message."""

    async def show(self, post: Post, card: Card) -> str | None:
        """Show one post. Raises DeliveryError."""
        ...


@runtime_checkable
class Edits(Protocol):
    """A surface that can show a post anew that it has shown before."""

    async def edit(self, post: Post, card: Card) -> None:
        """Show the post as its card is now, in the place where it stands. Raises DeliveryError."""
        ...


@runtime_checkable
class KeepsTime(Protocol):
    """A surface with a time of its own, in which what stands there is dated."""

    def now(self) -> datetime:
        """This moment, by the surface's clock."""
        ...


@runtime_checkable
class Chooses(Protocol):
    """A surface that knows before a try that one is of no use now."""

    async def is_ready(self, channel: str) -> bool:
        """Whether a post to the channel would be tried now. Raises nothing."""
        ...


@runtime_checkable
class TriesOut(Protocol):
    """A surface that can show a card that is no post, to see whether the way there is open."""

    async def try_out(self, channel: str, card: Card) -> None:
        """Show the card. Raises DeliveryError."""
        ...


class Painter(Protocol):
    """Draws charts."""

    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        """PNG bytes."""
        ...

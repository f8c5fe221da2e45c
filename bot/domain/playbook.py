"""Everything that decide() goes by: the catalog, the rules, the words, the treasuries, the dated events."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Literal

from msgspec import Struct, field

from bot.domain.catalog import Catalog
from bot.domain.rulebook import RuleBook, Severity
from bot.domain.story import PhraseBank


class Holding(Struct, frozen=True, kw_only=True):
    """A corporate holder's coins as it published them: dated, sourced, mark-to-market against spot by
    metrics until the statement is older than `good_for_days`. `source` is a name that needs no translation; the day on
    which it was published is written in each reader's language."""

    holder: str
    asset: str
    coins: float
    average_cost_usd: float
    as_of: date
    source: str
    good_for_days: int = 120
    published_on: date | None = None

    def is_outdated(self, day: date) -> bool:
        """Whether the holder should have published a newer statement by a day."""
        return (day - self.as_of).days > self.good_for_days


class DatedEvent(Struct, frozen=True, kw_only=True):
    """A date that markets wait for, as its publisher gave it, and the day on which that was read."""

    kind: str
    at: datetime
    source: str
    read: date


EventKind = Literal["cascade", "squeeze", "funding-turn", "expiry", "calendar"]
"""What is told as one event."""


class EventRow(Struct, frozen=True, kw_only=True):
    """How one kind of event is told: its severity, for how long after its time, the numbers that it goes by, and the dollars
    below which it is not worth a word, by asset (`each`: any other)."""

    kind: EventKind
    severity: Severity
    late: timedelta
    numbers: Mapping[str, float]
    floors: Mapping[str, float] = field(default_factory=dict)

    def floor_usd(self, asset: str) -> float:
        """The floor of an asset in dollars. Raises KeyError for a kind without floors."""
        return self.floors[asset] if asset in self.floors else self.floors["each"]


class Playbook(Struct, frozen=True, kw_only=True):
    """The catalog of metrics, the rules, one phrase bank a locale, the treasuries, the dated events and how events are told.
    `hash` names this edition;
    `editions` names that of each rule (rules.editions): the state of a rule of another edition is not carried
    on. `texts` are the files that it was read from, by path."""

    catalog: Catalog
    rules: RuleBook
    banks: Mapping[str, PhraseBank]
    holdings: tuple[Holding, ...] = ()
    events: tuple[DatedEvent, ...] = ()
    event_rows: tuple[EventRow, ...] = ()
    hash: str = ""
    editions: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)

    @property
    def moves(self) -> tuple[str, ...]:
        """What a channel may turn off by itself: the alarms on moves, and the kinds of events."""
        return (*self.rules.alarms, *(row.kind for row in self.event_rows))

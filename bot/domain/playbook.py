"""Everything that decide() goes by: the catalog, the rules, the words, the treasuries, the dated events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Literal

from bot.domain.catalog import Catalog
from bot.domain.rulebook import RuleBook, Severity
from bot.domain.story import PhraseBank


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedEvent:
    """A date that markets wait for, as its publisher gave it, and the day on which that was read."""

    kind: str
    at: datetime
    source: str
    read: date


EventKind = Literal["cascade", "squeeze", "funding-turn", "expiry", "calendar"]
"""What is told as one event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRow:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """The catalog of metrics, the rules, one phrase bank a locale, the treasuries, the dated events and how events are told.
    `hash` names this edition;
    `editions` names that of each rule (rules.editions): the state of a rule of another edition is not carried
    on. `texts` are the files that it was read from, by path."""

    catalog: Catalog
    rules: RuleBook
    banks: Mapping[str, PhraseBank]
    holdings: tuple[Holding, ...] = field(default=())
    events: tuple[DatedEvent, ...] = field(default=())
    event_rows: tuple[EventRow, ...] = field(default=())
    hash: str = ""
    editions: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def moves(self) -> tuple[str, ...]:
        """What a channel may turn off by itself: the alarms on moves, and the kinds of events."""
        return (*self.rules.alarms, *(row.kind for row in self.event_rows))

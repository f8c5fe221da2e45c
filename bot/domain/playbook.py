"""Everything that decide() goes by: the catalog, the rules, the words, the treasuries, the dated events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.domain.catalog import Catalog
from bot.domain.rulebook import RuleBook
from bot.domain.story import PhraseBank


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A corporate holder's coins as it published them: dated, sourced, mark-to-market against spot by
    metrics until the statement is older than `good_for_days`."""

    holder: str
    asset: str
    coins: float
    average_cost_usd: float
    as_of: date
    source: str
    good_for_days: int = 120

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """The catalog of metrics, the rules, one phrase bank a locale, the treasuries, the dated events. `hash` names this edition;
    `editions` names that of each rule (rules.editions): the state of a rule of another edition is not carried
    on. `texts` are the files that it was read from, by path."""

    catalog: Catalog
    rules: RuleBook
    banks: Mapping[str, PhraseBank]
    holdings: tuple[Holding, ...] = field(default=())
    events: tuple[DatedEvent, ...] = field(default=())
    hash: str = ""
    editions: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

"""Everything that decide() goes by: the catalog, the rules, the words, the treasuries."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from bot.domain.catalog import Catalog
from bot.domain.rulebook import RuleBook
from bot.domain.story import PhraseBank


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """A corporate holder's coins as it published them: dated, sourced, mark-to-market against spot by metrics."""

    holder: str
    asset: str
    coins: float
    average_cost_usd: float
    as_of: date
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Playbook:
    """The catalog of metrics, the rules, one phrase bank a locale, the treasuries. `hash` names this edition;
    `editions` names that of each rule (rules.editions): the state of a rule of another edition is not carried on. `texts`
    are the files that it was read from, by path."""

    catalog: Catalog
    rules: RuleBook
    banks: Mapping[str, PhraseBank]
    holdings: tuple[Holding, ...] = field(default=())
    hash: str = ""
    editions: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

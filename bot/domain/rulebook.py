"""The judgements of `config/rules/` as values: thresholds, ladders, rules, families, stances."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

Stance = Literal["no-call", "bearish", "overheated", "neutral", "bullish"]
Lean = Literal["bearish", "neutral", "bullish", "overheated"]
Confidence = Literal["high", "medium", "low"]
Severity = Literal["info", "watch", "caution", "alarm"]
Side = Literal["low", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualRange:
    """What was usual from a day on, and who says so."""

    since: date
    low: float
    high: float
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A number in a condition: plain (`side` None), or an end of the usual range plus an offset."""

    number: float
    side: Side | None = None

    def at(self, usual: UsualRange | None) -> float:
        """The number itself, under the usual range in force."""
        if self.side is None or usual is None:
            return self.number
        return self.number + (usual.low if self.side == "low" else usual.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One fact on one side of a threshold, with the way out: `below` is <, `above` is >; it clears at ≥ or ≤ `clears`."""

    fact: str
    below: Threshold | None = None
    above: Threshold | None = None
    clears: Threshold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleIs:
    """Another rule's state, asked for by a combination rule."""

    rule: str
    on: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One judgement. A ladder's step is a rule too: `ladder` names its ladder, `when` holds its one condition.

    `interest` is the move of the rule's first fact below which the finding is not told again in full.
    """

    id: str
    family: str
    when: tuple[Condition | RuleIs, ...]
    vote: int
    severity: Severity
    why: str
    source: str
    mistakes: str
    file: str
    ladder: str | None = None
    mirror: str | None = None
    stance: Literal["overheated"] | None = None
    replaces: tuple[str, ...] = ()
    wait: timedelta = timedelta(hours=1)
    keep: timedelta = timedelta(hours=3)
    interest: float | None = None

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that the rule asks for itself, in order, each once."""
        return tuple(dict.fromkeys(part.fact for part in self.when if isinstance(part, Condition)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Ordered steps over one fact: at most one holds at a time. `bounds` says how far a server may move the usual range."""

    id: str
    family: str
    fact: str
    steps: tuple[str, ...]
    usual: tuple[UsualRange, ...]
    bounds: Mapping[Side, tuple[float, float]]
    file: str

    def usual_on(self, day: date) -> UsualRange | None:
        """The range in force on a day: before the first one's start, the first one holds."""
        if not self.usual:
            return None
        past = [usual for usual in self.usual if usual.since <= day]
        return max(past, key=lambda usual: usual.since) if past else min(self.usual, key=lambda usual: usual.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A group of metrics that has one vote. Known when one of its `anchor` facts is."""

    id: str
    weight: float
    anchor: tuple[str, ...]
    prefixes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StanceRow:
    """One row of the stance table. The row without a condition comes last."""

    id: Stance
    coverage_below: float | None = None
    score_at_most: float | None = None
    score_at_least: float | None = None
    rule_stance: Literal["overheated"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfidenceTable:
    """How far from zero a lean must stand, and how much must be known."""

    high: float
    medium: float
    coverage_high: float
    coverage_medium: float
    neutral_band: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """When an alert is too many."""

    cooldown: timedelta
    repeat: timedelta
    per_hour: int
    per_day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleBook:
    """Everything that judges. `rules` holds steps and combination rules by id, in file order; `order` is the order in which
    they can be evaluated (a rule after those it asks for)."""

    rules: Mapping[str, Rule]
    ladders: Mapping[str, Ladder]
    families: Mapping[str, Family]
    stances: tuple[StanceRow, ...]
    confidence: ConfidenceTable
    notify: Notify
    hold: timedelta
    order: tuple[str, ...] = field(default=())
    hash: str = ""

    @property
    def asks(self) -> tuple[str, ...]:
        """Every fact that a rule or a family's anchor asks for, each once."""
        own = [fact for rule in self.rules.values() for fact in rule.facts]
        return tuple(dict.fromkeys(own + [fact for family in self.families.values() for fact in family.anchor]))

    def usual(self, rule: Rule, day: date, ranges: "Ranges") -> UsualRange | None:
        """The usual range by which a ladder's step is judged on a day, a server's own before the file's."""
        if rule.ladder is None:
            return None
        own = ranges.get(rule.ladder)
        return own if own is not None else self.ladders[rule.ladder].usual_on(day)


Ranges = Mapping[str, UsualRange]
"""A server's own usual ranges, by ladder."""

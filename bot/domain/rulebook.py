"""The judgements of `config/rules/` as values: thresholds, ladders, rules, families, stances."""

import math
from collections.abc import Mapping
from datetime import date, time, timedelta
from typing import Literal

from msgspec import Struct, field

from bot.domain.facts import OwnPast
from bot.domain.readings import Quantity

Stance = Literal["no-call", "bearish", "overheated", "neutral", "bullish", "unclear"]
"""`neutral` is known to be balanced; `unclear` means that what is missing could turn it; `no-call` that less than
half of the weight is known."""
Lean = Literal["bearish", "neutral", "bullish", "overheated", "unclear"]
Confidence = Literal["high", "medium", "low"]
Severity = Literal["info", "watch", "caution", "alarm"]
Side = Literal["low", "high"]


class UsualRange(Struct, frozen=True, kw_only=True):
    """What was usual from a day on, and who says so."""

    since: date
    low: float
    high: float
    source: str


class Threshold(Struct, frozen=True, kw_only=True):
    """A number in a condition: plain (`side` None), or an end of the usual range plus an offset. `of_asset` has the
    assets whose number is another one."""

    number: float
    side: Side | None = None
    of_asset: tuple[tuple[str, float], ...] = ()

    def at(self, usual: UsualRange | None, asset: str = "") -> float:
        """The number itself, for an asset, under the usual range in force."""
        if self.side is None or usual is None:
            return next((number for name, number in self.of_asset if name == asset), self.number)
        return self.number + (usual.low if self.side == "low" else usual.high)


class Condition(Struct, frozen=True, kw_only=True):
    """One fact on one side of a threshold, with the way out: `below` is <, `above` is >; it clears at ≥ or ≤
    `clears`.

    `beyond` asks, where enough of its own past is known, that the fact also be beyond this percent of that past;
    the way out moves along. `ranked`: the thresholds are ranks (0-100) in that past, not values."""

    fact: str
    below: Threshold | None = None
    above: Threshold | None = None
    clears: Threshold | None = None
    beyond: float | None = None
    ranked: bool = False


class RuleIs(Struct, frozen=True, kw_only=True):
    """Another rule's state, asked for by a combination rule. `counting`: not whether it is on, but whether its ladder
    weighs anything on its side: a level that is outside the usual range for ever asks for nothing new."""

    rule: str
    on: bool = True
    counting: bool = False


class Rule(Struct, frozen=True, kw_only=True):
    """One judgement. A ladder's step is a rule too: `ladder` names its ladder, `when` holds its one
    condition.

    `interest` is the move of the rule's first fact below which the finding is not told again in full. `absolute`: a
    step that needs no yardstick, its vote counts in full whatever is ordinary for the asset. `turns`: an alarm that
    may turn the stance at once.
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
    absolute: bool = False
    turns: bool = False

    @property
    def facts(self) -> tuple[str, ...]:
        """The facts that the rule asks for itself, in order, each once."""
        return tuple(dict.fromkeys(part.fact for part in self.when if isinstance(part, Condition)))


class Ladder(Struct, frozen=True, kw_only=True):
    """Ordered steps over one fact: at most one holds at a time. `bounds` says how far a server may move the
    usual range.

    `past`: it is judged by its own past too; `extremes` are two rules on its rank in that past, the low one and the
    high one (a ladder without them says nothing of an extreme). `stands_in_for` names the ladder of the same quantity
    that speaks instead of this one while its fact is known. `interest` is the unit of interest: the least move of the
    fact that is worth a word."""

    id: str
    family: str
    fact: str
    steps: tuple[str, ...]
    usual: tuple[UsualRange, ...]
    bounds: Mapping[Side, tuple[float, float]]
    file: str
    interest: float = 1.0
    past: bool = False
    extremes: tuple[str, ...] = ()
    stands_in_for: str | None = None

    def usual_on(self, day: date) -> UsualRange | None:
        """The range in force on a day: before the first one's start, the first one holds."""
        if not self.usual:
            return None
        past = [usual for usual in self.usual if usual.since <= day]
        return (
            max(past, key=lambda usual: usual.since)
            if past
            else min(self.usual, key=lambda usual: usual.since)
        )


class Family(Struct, frozen=True, kw_only=True):
    """A group of metrics that has one vote. Known when one of its `anchor` facts is. `needs` names what a source must
    bring, any of them, for an installation to have the family at all."""

    id: str
    weight: float
    anchor: tuple[str, ...]
    prefixes: tuple[str, ...]
    needs: tuple[Quantity, ...] = ()


class StanceRow(Struct, frozen=True, kw_only=True):
    """One row of the stance table. The row without a condition comes last. The scores are those of editions from
    before the balance."""

    id: Stance
    coverage_below: float | None = None
    score_at_most: float | None = None
    score_at_least: float | None = None
    rule_stance: Literal["overheated"] | None = None


class BalanceTable(Struct, frozen=True, kw_only=True):
    """From which balance on the verdict leans. It enters a lean at `enters` and leaves it at `leaves`, by the median of
    the last `days`; it is taken once a day at `taken_at` (UTC). `counts_from` is the number of steps from which on a
    ladder or a family counts as leaning; `coverage` the share of the weight below which there is no call."""

    enters: float
    leaves: float
    days: int
    taken_at: time
    counts_from: float
    coverage: float


class PastTable(Struct, frozen=True, kw_only=True):
    """How a fact's own past is taken. `days` is how far back, `lag` how long before the day of use it ends.

    By its rank in that past a level outside the book counts from `agrees[0]` on and in full from `agrees[1]`; by
    itself the rank counts from `extreme[0]` on and one step from `extreme[1]` (both mirrored below 50). `full_days`
    is the number of days from which on the past weighs in full, `least_days` the number below which no confidence is
    high; a finding that is on for `background` is no news any more. A range and moves are taken of the last
    `range_days`, and of the last `weeks`."""

    days: int
    lag: timedelta
    agrees: tuple[float, float]
    extreme: tuple[float, float]
    full_days: int
    least_days: int
    background: timedelta
    range_days: int
    weeks: int


class DirectionTable(Struct, frozen=True, kw_only=True):
    """When the verdict deepens, eases or turns: against the balance of `window` ago, by `step` points of balance at
    least; it also eases when it has come back from its episode's furthest point by `back` (a share of it)."""

    window: timedelta
    step: float
    back: float


class PathTable(Struct, frozen=True, kw_only=True):
    """When a post tells, beside two ends of a move, how far a reading went in between: from `beyond` of its own ordinary
    moves outside both. And when it tells that a reading did not move: beside a move of the price of at least `contrast`
    ordinary days."""

    beyond: float
    contrast: float


class AlarmLine(Struct, frozen=True, kw_only=True):
    """One size of a move that is told: `size` in units of the alarm's `unit`, and for some assets no later than an
    absolute `no_later`."""

    size: float
    severity: Severity
    no_later: tuple[tuple[str, float], ...] = ()


class AlarmRule(Struct, frozen=True, kw_only=True):
    """A move that is told while it happens, whatever the stance. `fact` is the move ("balance": the balance itself, over
    `within`), `unit` the fact that it is measured in (None: in its own unit). `lines` are the sizes, smallest first;
    `falls` says to which side. `turns` names the size from which on it may turn the stance (None: never).

    An episode begins with the first line crossed and ends when `retraced` (a share) of the move is taken back, or
    after `lasts`; each line is told once in it. `level` is the fact behind the move: where it stands and where it came
    from. `after` names the alarm in whose time alone this one is told."""

    id: str
    family: str
    fact: str
    falls: bool
    lines: tuple[AlarmLine, ...]
    unit: str | None
    level: str | None
    after: str | None
    within: timedelta
    retraced: float
    lasts: timedelta
    why: str
    source: str
    mistakes: str
    file: str
    mirror: str | None = None
    turns: float | None = None


class ShippedPast(Struct, frozen=True, kw_only=True):
    """A fact's own past of a dated stretch, shipped with the rules for an installation that has no days of its own
    yet. It is used for times after its end, for a year, and weighs like its `days`."""

    asset: str
    fact: str
    since: date
    until: date
    quantiles: tuple[float, float, float, float, float]
    days: int
    source: str
    file: str


class AssetRow(Struct, frozen=True, kw_only=True):
    """How an asset is judged. `book` says whether the published usual ranges hold for it; `borrowed` is the asset of
    which they were published, where that is another one."""

    id: str
    book: bool
    borrowed: str | None = None
    why: str = ""


class ConfidenceTable(Struct, frozen=True, kw_only=True):
    """How far from zero a lean must stand, and how much must be known. `neutral_band` is of editions from before the
    balance."""

    high: float
    medium: float
    coverage_high: float
    coverage_medium: float
    neutral_band: float = 0.0


class Notify(Struct, frozen=True, kw_only=True):
    """When an alert is too many."""

    cooldown: timedelta
    repeat: timedelta
    per_hour: int
    per_day: int


class RuleBook(Struct, frozen=True, kw_only=True):
    """Everything that judges. `rules` holds steps and combination rules by id, in file order; `order` is the
    order in which they can be evaluated (a rule after those it asks for).

    `balance` is None in editions from before it: those are judged by their score (`bot.rules.score`). Then there
    are no `past`, `direction`, `alarms`, `assets` and `shipped` either. `path` is None in editions that tell of a move its
    two ends alone."""

    rules: Mapping[str, Rule]
    ladders: Mapping[str, Ladder]
    families: Mapping[str, Family]
    stances: tuple[StanceRow, ...]
    confidence: ConfidenceTable
    notify: Notify
    hold: timedelta
    order: tuple[str, ...] = field(default=())
    hash: str = ""
    balance: BalanceTable | None = None
    past: PastTable | None = None
    direction: DirectionTable | None = None
    path: PathTable | None = None
    alarms: Mapping[str, AlarmRule] = field(default_factory=dict)
    assets: Mapping[str, AssetRow] = field(default_factory=dict)
    shipped: tuple[ShippedPast, ...] = ()

    @property
    def asks(self) -> tuple[str, ...]:
        """Every fact that a rule, an alarm or a family's anchor asks for, each once."""
        own = [fact for rule in self.rules.values() for fact in rule.facts]
        own += [fact for family in self.families.values() for fact in family.anchor]
        for alarm in self.alarms.values():
            own += [fact for fact in (alarm.fact, alarm.unit, alarm.level) if fact and fact != "balance"]
        return tuple(dict.fromkeys(own))

    @property
    def with_past(self) -> tuple[str, ...]:
        """Every fact that is judged by its own past, each once."""
        ladders = [ladder.fact for ladder in self.ladders.values() if ladder.past]
        parts = [part for rule in self.rules.values() for part in rule.when if isinstance(part, Condition)]
        return tuple(dict.fromkeys([*ladders, *(part.fact for part in parts if part.beyond is not None)]))

    def has_published_ranges(self, asset: str) -> bool:
        """Whether the published usual ranges hold for an asset."""
        row = self.assets.get(asset)
        return row is None or row.book

    def usual_in_own_past(self, ladder: Ladder, pasts: Mapping[str, OwnPast]) -> UsualRange | None:
        """What is usual by a fact's own past, 20 to 80% of it, to a tenth of a unit of interest: its ends are written as
        they are judged. None where too few days of it are known."""
        past = pasts.get(ladder.fact)
        if not ladder.usual or self.past is None or past is None or past.days < self.past.least_days:
            return None
        digits = 1 - math.floor(math.log10(ladder.interest))
        low, high = round(past.quantiles[1], digits), round(past.quantiles[3], digits)
        return UsualRange(since=date.min, low=low, high=high, source="its own past")

    def usual(
        self, ladder: Ladder, day: date, ranges: "Ranges", asset: str, pasts: Mapping[str, OwnPast]
    ) -> UsualRange | None:
        """The usual range in force on a day: a server's own, else the published one, else, for an asset of which none is
        published, that of its own past."""
        if ladder.id in ranges:
            return ranges[ladder.id]
        if self.has_published_ranges(asset):
            return ladder.usual_on(day)
        return self.usual_in_own_past(ladder, pasts)

    def ladder_of(self, rule: Rule, part: Condition) -> Ladder | None:
        """The ladder whose usual range a condition's thresholds may name: the rule's own, or the one over its fact."""
        if rule.ladder is not None:
            return self.ladders[rule.ladder]
        return next((ladder for ladder in self.ladders.values() if ladder.fact == part.fact), None)


Ranges = Mapping[str, UsualRange]
"""A server's own usual ranges, by ladder."""

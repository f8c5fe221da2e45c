"""The shape of the rule files: which keys there are, and of which type. What they mean is checked in
parse.py."""

from datetime import date, time, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bot.domain.files import FileShape
from bot.domain.readings import Quantity
from bot.domain.rulebook import Severity, Stance

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Prose = Annotated[str, StringConstraints(min_length=1)]
Span = Annotated[str, StringConstraints(pattern=r"^[0-9]+(m|h|d)$")]
"""A duration: minutes, hours or days."""
Vote = Annotated[int, Field(ge=-2, le=2)]
Count = Annotated[int, Field(ge=0)]
Rank = Annotated[float, Field(gt=0, lt=100)]
Positive = Annotated[float, Field(gt=0)]

UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class UsualEnd(FileShape):
    """An end of the usual range, plus an offset."""

    usual: Literal["low", "high"]
    plus: float = 0.0


class OfAssets(FileShape):
    """A number for every asset, and another one for some."""

    each: float
    of: Annotated[dict[str, float], Field(min_length=1)]


Number = float | UsualEnd | OfAssets


class UsualShape(FileShape):
    """One row of a ladder's usual ranges."""

    since: date = Field(alias="from")
    low: float
    high: float
    source: Prose


class BoundsShape(FileShape):
    """How far a server may move either end of its usual range."""

    low: tuple[float, float]
    high: tuple[float, float]


class ConditionShape(FileShape):
    """A fact on one side of a number, or another rule's state."""

    fact: Prose | None = None
    below: Number | None = None
    above: Number | None = None
    clear_above: Number | None = None
    clear_below: Number | None = None
    beyond: Rank | None = None
    rule: Id | None = None
    is_: Literal["on", "off", "counting"] | None = Field(default=None, alias="is")


class Judged(FileShape):
    """What steps and rules have in common."""

    id: Id
    vote: Vote
    severity: Severity
    mirror: Id | None = None
    stance: Literal["overheated"] | None = None
    replaces: tuple[Id, ...] = ()
    interest: Positive | None = None
    turns: bool = False
    wait: Span | None = Field(default=None, alias="for")
    keep: Span | None = Field(default=None, alias="keep_for")


class StepShape(Judged):
    """One step of a ladder. What it does not say itself, its ladder says."""

    below: Number | None = None
    above: Number | None = None
    clear_above: Number | None = None
    clear_below: Number | None = None
    absolute: bool = False
    why: Prose | None = None
    source: Prose | None = None
    mistakes: Prose | None = None


class RuleShape(Judged):
    """A combination rule."""

    family: Id
    when: Annotated[tuple[ConditionShape, ...], Field(min_length=1)]
    why: Prose
    source: Prose
    mistakes: Prose


class ExtremeShape(Judged):
    """What is told where a ladder's fact stands at one end of its own past."""

    why: Prose | None = None
    source: Prose | None = None
    mistakes: Prose | None = None


class ExtremesShape(FileShape):
    """Both ends of a ladder's own past."""

    low: ExtremeShape
    high: ExtremeShape


class LadderShape(FileShape):
    """One fact, ordered steps."""

    id: Id
    family: Id
    fact: Prose
    usual: tuple[UsualShape, ...] = ()
    bounds: BoundsShape | None = None
    why: Prose
    source: Prose
    mistakes: Prose
    interest: Positive | None = None
    past: bool = False
    extremes: ExtremesShape | None = None
    stands_in_for: Id | None = None
    steps: Annotated[tuple[StepShape, ...], Field(min_length=1)]


class FamilyShape(FileShape):
    """One family: its weight, the facts that make it known, the metrics that belong to it."""

    id: Id
    weight: Annotated[float, Field(ge=0)]
    anchor: Annotated[tuple[Prose, ...], Field(min_length=1)]
    facts: Annotated[tuple[Prose, ...], Field(min_length=1)]
    needs: tuple[Quantity, ...] = ()


class RowShape(FileShape):
    """One condition of the stance table of editions from before the balance."""

    score: Literal["at_most", "at_least"] | None = None
    coverage: Literal["below"] | None = None
    value: float | None = None
    rule_stance: Literal["overheated"] | None = None


class StanceShape(FileShape):
    """One row of the stance table of editions from before the balance; the last has no condition."""

    id: Stance
    when: Annotated[tuple[RowShape, ...], Field(max_length=1)] = ()


class DefaultsShape(FileShape):
    """Durations of every rule that does not say its own."""

    wait: Span = Field(alias="for")
    keep: Span = Field(alias="keep_for")
    hold: Span = Field(alias="hold_for")


class ConfidenceShape(FileShape):
    """How far from zero a lean must stand, and how much must be known."""

    high: float
    medium: float
    coverage_high: float
    coverage_medium: float
    neutral_band: float = 0.0


class BalanceShape(FileShape):
    """From which balance on the verdict leans."""

    enters: Positive
    leaves: Positive
    days: Annotated[int, Field(ge=1, le=9)]
    taken_at: time
    counts_from: Positive
    coverage: Annotated[float, Field(gt=0, le=1)]


class PastTableShape(FileShape):
    """How a fact's own past is taken."""

    days: Annotated[int, Field(ge=1)]
    lag: Span
    agrees: tuple[Rank, Rank]
    extreme: tuple[Rank, Rank]
    full_days: Annotated[int, Field(ge=1)]
    least_days: Annotated[int, Field(ge=1)]
    background: Span
    range_days: Annotated[int, Field(ge=1)]
    weeks: Annotated[int, Field(ge=1)]


class DirectionShape(FileShape):
    """When the verdict deepens, eases or turns."""

    window: Span
    step: Positive
    back: Annotated[float, Field(gt=0, lt=1)]


class PathShape(FileShape):
    """When the way between two readings is told, and when that there was none."""

    beyond: Positive
    contrast: Positive


class AssetShape(FileShape):
    """How an asset is judged."""

    id: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]+$")]
    book: bool
    borrowed: str | None = None
    why: Prose


class LineShape(FileShape):
    """One size of a move that is told."""

    size: Positive
    severity: Severity
    no_later: dict[str, Positive] = Field(default_factory=dict)


class AlarmShape(FileShape):
    """A move that is told while it happens."""

    id: Id
    family: Id
    fact: Prose
    falls: bool
    unit: Prose | None = None
    level: Prose | None = None
    after: Id | None = None
    within: Span
    retraced: Annotated[float, Field(gt=0, le=1)]
    lasts: Span
    turns: Positive | None = None
    mirror: Id | None = None
    why: Prose
    source: Prose
    mistakes: Prose
    lines: Annotated[tuple[LineShape, ...], Field(min_length=1)]


class ShippedPastShape(FileShape):
    """A fact's own past of a dated stretch."""

    asset: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]+$")]
    fact: Prose
    since: date = Field(alias="from")
    until: date = Field(alias="to")
    quantiles: tuple[float, float, float, float, float]
    n: Annotated[int, Field(ge=1)]
    source: Prose


class NotifyShape(FileShape):
    """When an alert is too many."""

    cooldown: Span
    repeat: Span
    per_hour: Count
    per_day: Count


def read_span(text: str) -> timedelta:
    """A span as rule files have it: 90m, 6h, 3d."""
    return timedelta(**{UNITS[text[-1]]: int(text[:-1])})

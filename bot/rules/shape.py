"""The shape of the rule files: which keys there are, and of which type. What they mean is checked in parse.py."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from bot.domain.rulebook import Severity, Stance

Id = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
Prose = Annotated[str, StringConstraints(min_length=1)]
Span = Annotated[str, StringConstraints(pattern=r"^[0-9]+(m|h|d)$")]
"""A duration: minutes, hours or days."""
Vote = Annotated[int, Field(ge=-2, le=2)]
Count = Annotated[int, Field(ge=0)]


class Shape(BaseModel):
    """A table without keys that nobody knows."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, populate_by_name=True)


class UsualEnd(Shape):
    """An end of the usual range, plus an offset."""

    usual: Literal["low", "high"]
    plus: float = 0.0


Number = float | UsualEnd


class UsualShape(Shape):
    """One row of a ladder's usual ranges."""

    since: date = Field(alias="from")
    low: float
    high: float
    source: Prose


class BoundsShape(Shape):
    """How far a server may move either end of its usual range."""

    low: tuple[float, float]
    high: tuple[float, float]


class ConditionShape(Shape):
    """A fact on one side of a number, or another rule's state."""

    fact: Prose | None = None
    below: Number | None = None
    above: Number | None = None
    clear_above: Number | None = None
    clear_below: Number | None = None
    rule: Id | None = None
    is_: Literal["on", "off"] | None = Field(default=None, alias="is")


class Judged(Shape):
    """What steps and rules have in common."""

    id: Id
    vote: Vote
    severity: Severity
    mirror: Id | None = None
    stance: Literal["overheated"] | None = None
    replaces: tuple[Id, ...] = ()
    interest: Annotated[float, Field(gt=0)] | None = None
    wait: Span | None = Field(default=None, alias="for")
    keep: Span | None = Field(default=None, alias="keep_for")


class StepShape(Judged):
    """One step of a ladder. What it does not say itself, its ladder says."""

    below: Number | None = None
    above: Number | None = None
    clear_above: Number | None = None
    clear_below: Number | None = None
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


class LadderShape(Shape):
    """One fact, ordered steps."""

    id: Id
    family: Id
    fact: Prose
    usual: tuple[UsualShape, ...] = ()
    bounds: BoundsShape | None = None
    why: Prose
    source: Prose
    mistakes: Prose
    interest: Annotated[float, Field(gt=0)] | None = None
    steps: Annotated[tuple[StepShape, ...], Field(min_length=1)]


class FamilyShape(Shape):
    """One family: its weight, the facts that make it known, the metrics that belong to it."""

    id: Id
    weight: Annotated[float, Field(ge=0)]
    anchor: Annotated[tuple[Prose, ...], Field(min_length=1)]
    facts: Annotated[tuple[Prose, ...], Field(min_length=1)]


class RowShape(Shape):
    """One condition of the stance table."""

    score: Literal["at_most", "at_least"] | None = None
    coverage: Literal["below"] | None = None
    value: float | None = None
    rule_stance: Literal["overheated"] | None = None


class StanceShape(Shape):
    """One row of the stance table; the last has no condition."""

    id: Stance
    when: Annotated[tuple[RowShape, ...], Field(max_length=1)] = ()


class DefaultsShape(Shape):
    """Durations of every rule that does not say its own."""

    wait: Span = Field(alias="for")
    keep: Span = Field(alias="keep_for")
    hold: Span = Field(alias="hold_for")


class ConfidenceShape(Shape):
    """How far from zero a lean must stand, and how much must be known."""

    high: float
    medium: float
    coverage_high: float
    coverage_medium: float
    neutral_band: float


class NotifyShape(Shape):
    """When an alert is too many."""

    cooldown: Span
    repeat: Span
    per_hour: Count
    per_day: Count

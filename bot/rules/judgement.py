"""What one evaluation found, and what changed in it."""

from collections.abc import Mapping

from msgspec import Struct, field

from bot.domain.judgement import Course, Phase, Signal, Verdict
from bot.rules.run import EvaluationTrace
from bot.rules.states import Cell


class Change(Struct, frozen=True, kw_only=True):
    """A rule that went from one phase to another in this evaluation. `told` is what is announced of it: "on",
    "cleared", "unsettled", or "" for nothing (muted, told lately, or not worth it)."""

    rule: str
    before: Phase
    after: Phase
    told: str = ""


class Judgement(Struct, frozen=True, kw_only=True):
    """What one evaluation found: every rule's signal, the verdict, what changed, and which rules are told (`counts`):
    they are on, no more extreme step covers them, and no sum of parts replaces them. `counting` are those of them that
    weigh something; `course` is what is remembered of the balance."""

    signals: Mapping[str, Signal]
    verdict: Verdict
    changed: tuple[Change, ...] = ()
    counts: frozenset[str] = field(default=frozenset())
    counting: frozenset[str] = field(default=frozenset())
    course: Course | None = None


def changes(ran: EvaluationTrace, cells: Mapping[str, Cell]) -> tuple[Change, ...]:
    """The rules that changed their phase, or are announced."""
    names = {**ran.before, **ran.told}
    return tuple(
        Change(
            rule=name,
            before=ran.before.get(name, cells[name].phase),
            after=cells[name].phase,
            told=ran.told.get(name, ""),
        )
        for name in names
    )

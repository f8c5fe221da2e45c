"""Three-valued conditions: true, false, or unknown, and what a fuller set of facts could still make of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.facts import Facts
from bot.domain.judgement import Truth
from bot.rules.plan import Job, Test
from bot.rules.states import Cell


@dataclass(frozen=True, slots=True)
class Outcome:
    """A rule's truth now. `may_turn_on` and `may_turn_off`: what facts of other families, if they were known, could still
    make of it."""

    truth: Truth
    may_turn_on: bool = False
    may_turn_off: bool = False


TRUE = Outcome("true")
FALSE = Outcome("false")

Values = Mapping[str, float]
Bounds = frozenset[str]
"""The names of facts that are lower bounds."""


def values_of(facts: Facts, asked: Iterable[str]) -> tuple[Values, Bounds]:
    """Of the facts that are asked for the known ones as plain numbers, and which of them are lower bounds."""
    known = [fact for name in asked if (fact := facts.known.get(name)) is not None]
    return {fact.name: fact.value for fact in known}, frozenset(fact.name for fact in known if fact.lower_bound)


def holds(test: Test, values: Values, bounds: Bounds, remembered: bool) -> bool | None:
    """Whether a condition is met (None: unknown); by its way out if the rule was on. A lower bound can make `above` true
    and never false, `below` false and never true."""
    value = values.get(test.fact)
    if value is None:
        return None
    threshold = test.clear if remembered else test.entry
    if test.above:
        met = value > threshold
        return None if not met and test.fact in bounds else met
    met = value < threshold
    return None if met and test.fact in bounds else met


def plainly(job: Job, values: Values, bounds: Bounds, remembered: bool) -> Truth | None:
    """The truth where the job's own numbers settle it: nothing unknown, no lower bound, no other rule (None otherwise).

    Says what judge() says; most evaluations end here."""
    for fact, above, entry, clear in job.numbers:
        value = values.get(fact)
        if value is None or fact in bounds:
            return None
        threshold = clear if remembered else entry
        if value <= threshold if above else value >= threshold:
            return "false"
    return None if job.asks else "true"


def judge(
    job: Job,
    values: Values,
    bounds: Bounds,
    remembered: bool,
    cells: Mapping[str, Cell],
    shaky: frozenset[str] | set[str],
) -> Outcome:
    """The conjunction of a rule's conditions. Any false → false; else any unknown → unknown; else true.

    `cells` holds the rules that it may ask for, evaluated already; `shaky` those among them that facts of other families
    could still turn.
    """
    own_unknown = foreign_unknown = False
    for test in job.tests:
        met = holds(test, values, bounds, remembered)
        if met is False:
            return FALSE
        if met is None:
            if test.foreign and test.fact not in values:
                foreign_unknown = True
            else:
                own_unknown = True
    unsure = held = False
    for ask in job.asks:
        cell = cells[ask.rule]
        unknown = cell.phase == "unknown"
        turnable = ask.rule in shaky or (ask.foreign and cell.truth == "unknown")
        if not turnable and not unknown and cell.votes != ask.on:
            return FALSE
        unsure = unsure or turnable
        held = held or (turnable and not unknown and cell.votes != ask.on)
        own_unknown = own_unknown or (unknown and not turnable)
        foreign_unknown = foreign_unknown or (unknown and turnable)
    if not (own_unknown or foreign_unknown or unsure):
        return TRUE
    truth: Truth = "false" if held else "unknown" if own_unknown or foreign_unknown else "true"
    open_ = foreign_unknown or unsure
    return Outcome(truth, may_turn_on=open_ and not own_unknown, may_turn_off=open_)

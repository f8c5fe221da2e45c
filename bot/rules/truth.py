"""Three-valued conditions: true, false, or unknown."""

from collections.abc import Iterable, Mapping

from bot.domain.facts import Facts
from bot.domain.judgement import Truth
from bot.rules.plan import CompiledCondition, Job

Values = Mapping[str, float]
Bounds = frozenset[str]
"""The names of facts that are lower bounds."""


def values_of(facts: Facts, asked: Iterable[str]) -> tuple[Values, Bounds]:
    """Of the facts that are asked for the known ones as plain numbers, and which of them are lower bounds; a change that
    is not known by what was estimated of it."""
    told = (facts.known.get(name) or facts.estimated.get(name) for name in asked)
    known = [fact for fact in told if fact is not None]
    return {fact.name: fact.value for fact in known}, frozenset(
        fact.name for fact in known if fact.lower_bound
    )


def holds(test: CompiledCondition, values: Values, bounds: Bounds, remembered: bool) -> bool | None:
    """Whether a condition is met (None: unknown); by its way out if the rule was on. A lower bound can make
    `above` true and never false, `below` false and never true."""
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
    """The truth where the job's own numbers settle it: nothing unknown, no lower bound, no other rule (None
    otherwise).

    Says what judge() says; most evaluations end here."""
    for fact, above, entry, clear in job.numbers:
        value = values.get(fact)
        if value is None or fact in bounds:
            return None
        threshold = clear if remembered else entry
        if value <= threshold if above else value >= threshold:
            return "false"
    return None if job.asks else "true"

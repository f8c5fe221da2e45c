"""Why a rule is on or not: each of its conditions with the value that it met."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

from bot.domain.facts import Facts
from bot.domain.judgement import Truth
from bot.domain.rulebook import Ranges, RuleBook
from bot.rules.evaluate import plan_for
from bot.rules.plan import Ask, CompiledCondition, RulePlan
from bot.rules.run import weigh, with_ranks
from bot.rules.truth import Bounds, Values, holds, values_of
from bot.rules.yardstick import Weighed


class ExplainedCondition(Struct, frozen=True, kw_only=True):
    """One condition: what it asks for (a fact's or a rule's name), on which side of which threshold, where
    its way out is, what was found (None: unknown, `reason` says why) and whether it is met."""

    asks: str
    kind: Literal["fact", "rule"]
    truth: Truth
    above: bool = False
    threshold: float | None = None
    clears: float | None = None
    value: float | None = None
    wanted: str = ""
    reason: str = ""


class Explained(Struct, frozen=True, kw_only=True):
    """A rule at a moment: its truth by its way in, and every condition."""

    rule: str
    truth: Truth
    parts: tuple[ExplainedCondition, ...]


def explain(book: RuleBook, rule: str, facts: Facts, at: datetime, ranges: Ranges = {}) -> Explained:  # noqa: B006
    """The conditions of a rule at given facts, as if nothing had been on before. `rule` must be in the
    book."""
    ready = plan_for(book, facts, at, ranges)
    values, bounds = values_of(facts, ready.asked)
    weighed = weigh(ready, values)
    seen = with_ranks(ready, values, weighed)
    truths: dict[str, Explained] = {}
    for job in ready.jobs:
        parts = [_fact(test, facts, seen, bounds) for test in job.tests]
        parts += [_rule(ready, ask, truths[ask.rule].truth, weighed) for ask in job.asks]
        met = [part.truth for part in parts]
        truth: Truth = "false" if "false" in met else "unknown" if "unknown" in met else "true"
        truths[job.rule.id] = Explained(rule=job.rule.id, truth=truth, parts=tuple(parts))
        if job.rule.id == rule:
            break
    return truths[rule]


def _fact(test: CompiledCondition, facts: Facts, seen: Values, bounds: Bounds) -> ExplainedCondition:
    met = holds(test, seen, bounds, remembered=False)
    value = seen.get(test.fact)
    reason = ""
    if met is None:
        reason = (
            "only a lower bound is known"
            if value is not None
            else facts.why_unknown(test.fact.partition("@")[0])
        )
    return ExplainedCondition(
        asks=test.fact,
        kind="fact",
        truth=_word(met),
        above=test.above,
        threshold=test.entry,
        clears=test.clear,
        value=value,
        reason=reason,
    )


def _rule(ready: RulePlan, ask: Ask, truth: Truth, weighed: Mapping[str, Weighed]) -> ExplainedCondition:
    if not ask.counting or ask.ladder is None:
        met = None if truth == "unknown" else (truth == "true") == ask.on
        return ExplainedCondition(
            asks=ask.rule, kind="rule", truth=_word(met), wanted="on" if ask.on else "off"
        )
    found = next((weighed[one.ladder] for one in ready.group_of[ask.ladder] if one.ladder in weighed), None)
    met = None if found is None else ask.sign * found.book >= ready.counts_from
    return ExplainedCondition(asks=ask.rule, kind="rule", truth=_word(met), wanted="counting")


def _word(met: bool | None) -> Truth:
    return "unknown" if met is None else "true" if met else "false"

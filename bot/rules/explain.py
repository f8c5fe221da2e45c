"""Why a rule is on or not: each of its conditions with the value that it met."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.domain.facts import Facts
from bot.domain.judgement import Truth
from bot.domain.rulebook import Ranges, RuleBook
from bot.rules.plan import Test, plan
from bot.rules.truth import holds, values_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One condition: what it asks for (a fact's or a rule's name), on which side of which threshold, where its way out is,
    what was found (None: unknown, `reason` says why) and whether it is met."""

    asks: str
    kind: Literal["fact", "rule"]
    truth: Truth
    above: bool = False
    threshold: float | None = None
    clears: float | None = None
    value: float | None = None
    wanted: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A rule at a moment: its truth by its way in, and every condition."""

    rule: str
    truth: Truth
    parts: tuple[Part, ...]


def explain(book: RuleBook, rule: str, facts: Facts, at: datetime, ranges: Ranges = {}) -> Explained:  # noqa: B006
    """The conditions of a rule at given facts, as if nothing had been on before. `rule` must be in the book."""
    ready = plan(book, at.date(), ranges)
    truths: dict[str, Explained] = {}
    for job in ready.jobs:
        parts = [_fact(test, facts) for test in job.tests]
        parts += [_rule(ask.rule, ask.on, truths[ask.rule].truth) for ask in job.asks]
        met = [part.truth for part in parts]
        truth: Truth = "false" if "false" in met else "unknown" if "unknown" in met else "true"
        truths[job.rule.id] = Explained(rule=job.rule.id, truth=truth, parts=tuple(parts))
        if job.rule.id == rule:
            break
    return truths[rule]


def _fact(test: Test, facts: Facts) -> Part:
    values, bounds = values_of(facts, (test.fact,))
    met = holds(test, values, bounds, remembered=False)
    value = values.get(test.fact)
    reason = ""
    if met is None:
        reason = "only a lower bound is known" if value is not None else facts.why_unknown(test.fact)
    return Part(
        asks=test.fact, kind="fact", truth=_word(met), above=test.above, threshold=test.entry, clears=test.clear,
        value=value, reason=reason,
    )  # fmt: skip


def _rule(name: str, on: bool, truth: Truth) -> Part:
    met = None if truth == "unknown" else (truth == "true") == on
    return Part(asks=name, kind="rule", truth=_word(met), wanted="on" if on else "off")


def _word(met: bool | None) -> Truth:
    return "unknown" if met is None else "true" if met else "false"

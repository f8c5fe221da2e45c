"""One evaluation of all rules: conditions, states, the balance, the verdict."""

from collections.abc import Mapping
from datetime import datetime
from math import fsum

from bot.domain.facts import Facts
from bot.domain.judgement import Course, Finding, Missing, Signal, Verdict
from bot.domain.rulebook import Ranges, RuleBook
from bot.rules.judged import MomentOutcome, TellableRule, judge_moment
from bot.rules.judgement import Change, Judgement, changes
from bot.rules.plan import RulePlan, plan, stands_on
from bot.rules.score import evaluate_by_score
from bot.rules.states import SignalsOfCells, cells_of
from bot.rules.truth import values_of
from bot.rules.yardstick import STEPS

__all__ = [
    "Change",
    "Judgement",
    "balance_shares",
    "evaluate",
    "families_without",
    "is_background",
    "plan_for",
]


def evaluate(
    book: RuleBook,
    facts: Facts,
    signals: Mapping[str, Signal],
    at: datetime,
    ranges: Ranges = {},  # noqa: B006 (never written to)
    *,
    settled: bool = False,
    course: Course | None = None,
) -> Judgement:
    """Judge the facts at a time, from the signals and the course that the last evaluation left.

    `settled` evaluates as if every value had held long enough: nothing waits and nothing lingers; rules that
    are on in `signals` are still judged by their way out. `ranges` are a server's own usual ranges. An edition from
    before the balance is judged by its score."""
    if book.balance is None:
        return evaluate_by_score(book, facts, signals, at, ranges, settled=settled)
    ready = plan_for(book, facts, at, ranges)
    cells = cells_of(signals, book.order)
    values, bounds = values_of(facts, ready.asked)
    found = judge_moment(ready, cells, values, bounds, at.timestamp(), course or Course(), settled=settled)
    after = SignalsOfCells(cells)
    return Judgement(
        signals=after,
        verdict=_verdict(ready, found, facts, after, at, settled=settled),
        changed=changes(found.ran, cells),
        counts=found.counts,
        counting=found.counting,
        course=found.course,
    )


def plan_for(book: RuleBook, facts: Facts, at: datetime, ranges: Ranges) -> RulePlan:
    """The book made ready for some facts: their day, asset, own pasts, and the families that are not there."""
    return plan(book, at.date(), ranges, facts.asset, families_without(book, facts), facts.pasts)


def families_without(book: RuleBook, facts: Facts) -> tuple[str, ...]:
    """The families that this installation does not have, because no source of it brings what they need."""
    if facts.sought is None:
        return ()
    sought = set(facts.sought)
    return tuple(
        family.id
        for family in book.families.values()
        if family.needs and family.weight > 0 and sought.isdisjoint(family.needs)
    )


def _verdict(
    ready: RulePlan,
    found: MomentOutcome,
    facts: Facts,
    signals: Mapping[str, Signal],
    at: datetime,
    *,
    settled: bool,
) -> Verdict:
    findings = tuple(_finding(ready, one, signals[one.rule], at) for one in found.told)
    course = found.course
    return Verdict(
        asset=facts.asset,
        at=at,
        stance=found.stance,
        confidence=found.confidence,
        score=(found.balance[0] / 100.0, found.balance[1] / 100.0),
        coverage=found.coverage,
        families=found.leans,
        votes=found.votes,
        findings=findings,
        missing=_missing(ready, found, facts, findings),
        balance=found.balance,
        middle=found.middle,
        direction=found.direction,
        since=None if settled or found.stance == "no-call" else course.since,
        peak=None if not course.peak else fsum(course.peak.values()),
        peak_at=course.peak_at,
        leaning=found.leaning,
        without=ready.without,
        own_days=ready.own_days,
        turned_by=None if settled or found.stance == "no-call" else course.turned_by,
        alarms=found.alarms,
    )


def _finding(ready: RulePlan, told: TellableRule, signal: Signal, at: datetime) -> Finding:
    rule = ready.book.rules[told.rule]
    return Finding(
        rule=told.rule,
        family=rule.family,
        vote=rule.vote,
        severity=rule.severity,
        facts=stands_on(ready.book, told.rule),
        since=signal.on_since or signal.since,
        held=signal.held,
        points=0.0 if signal.held else told.points,
        ordinary=told.ordinary,
        background=is_background(ready.book, signal, at),
        rank=told.rank,
    )


def balance_shares(book: RuleBook, verdict: Verdict) -> Mapping[str, float]:
    """Each known family's share of the balance, in points of it; empty of an edition from before the balance."""
    if verdict.balance is None:
        return {}
    weights = {family.id: family.weight for family in book.families.values()}
    whole = fsum(weight for family, weight in weights.items() if family not in verdict.without)
    return {
        family: 100.0 * weights[family] * (low + high) / 2.0 / (STEPS * whole)
        for family, (low, high) in verdict.votes.items()
        if weights[family] and family in verdict.families
    }


def is_background(book: RuleBook, signal: Signal, at: datetime) -> bool:
    """Whether a rule has been on for so long that it is no news."""
    return has_lasted(book, signal.on_since or signal.since, at)


def has_lasted(book: RuleBook, since: datetime, at: datetime) -> bool:
    """Whether what is on since a time is no news any more."""
    return book.past is not None and at - since >= book.past.background


def _missing(
    ready: RulePlan, found: MomentOutcome, facts: Facts, findings: tuple[Finding, ...]
) -> tuple[Missing, ...]:
    """The families that weigh something and are unknown, then the facts for want of which a finding is held."""
    families = [
        Missing(family=name, fact=None, reason=facts.why_unknown(ready.book.families[name].anchor[0]))
        for name in ready.weights
        if name not in found.leans
    ]
    wanted = dict.fromkeys(fact for finding in findings if finding.held for fact in finding.facts)
    held = [
        Missing(family=None, fact=fact, reason=facts.why_unknown(fact))
        for fact in wanted
        if fact not in facts.known
    ]
    return (*families, *held)

"""The sum: one vote a family, a score that is a range where something is unknown, a stance, how sure.

score = Σ w·v / (2 Σ w) over all families; an unknown family may vote anything, so less data widens the range
and can never make a stronger verdict."""

from collections.abc import Mapping
from datetime import datetime
from itertools import combinations

from bot.domain.facts import Facts
from bot.domain.judgement import Finding, Missing, Signal, Verdict
from bot.domain.rulebook import Confidence, Family, Lean, RuleBook, Stance, StanceRow
from bot.rules.plan import FAMILY_UNKNOWN_VOTE, RulePlan, ScoreSum, stands_on
from bot.rules.states import Cell
from bot.rules.truth import Values

VOTING = ("on", "recovering")
SUMS_KEPT = 1_000
"""A plan lives as long as the bot: what it remembers has an end."""


def add_up(ready: RulePlan, cells: Mapping[str, Cell], values: Values, shaky: set[str]) -> ScoreSum:
    """The verdict in numbers, from the rules' states, the known facts (for what is known) and the rules that
    could still turn."""
    voting = frozenset([name for name, cell in cells.items() if cell.phase in VOTING])
    known = tuple([family.id for family in ready.book.families.values() if _is_known(family, values)])
    key = (voting, known, frozenset(shaky))
    total = ready.sums.get(key)
    if total is None:
        if len(ready.sums) >= SUMS_KEPT:
            ready.sums.clear()
        total = ready.sums[key] = _add_up(ready, *key)
    return total


def _is_known(family: Family, values: Values) -> bool:
    for fact in family.anchor:  # noqa: SIM110 (twice as fast as any())
        if fact in values:
            return True
    return False


def _add_up(
    ready: RulePlan, voting: frozenset[str], known: tuple[str, ...], shaky: frozenset[str]
) -> ScoreSum:
    votes: dict[str, tuple[int, int]] = {}
    leans: dict[str, Lean] = {}
    counts: set[str] = set()
    low = high = known_weight = 0.0
    for family in ready.book.families.values():
        names = [job.id for job in ready.of_family[family.id]]
        vote, effective = family_vote(ready, family.id, voting.intersection(names))
        counts |= effective
        if family.id in known:
            known_weight += family.weight
            leans[family.id] = _lean(ready.book, vote, effective)
            votes[family.id] = _range(ready, family.id, voting.intersection(names), shaky.intersection(names))
        else:
            votes[family.id] = (-FAMILY_UNKNOWN_VOTE, FAMILY_UNKNOWN_VOTE)
        low += family.weight * votes[family.id][0]
        high += family.weight * votes[family.id][1]
    whole = FAMILY_UNKNOWN_VOTE * ready.total_weight
    score = (low / whole, high / whole)
    coverage = known_weight / ready.total_weight
    stance, sure = _stance(ready.book.stances, score, coverage, _overheated(ready, voting, leans, shaky))
    confidence = _confidence(ready.book, stance, score, coverage) if sure else "low"
    return ScoreSum(
        stance=stance,
        confidence=confidence,
        score=score,
        coverage=coverage,
        votes=votes,
        leans=leans,
        counts=frozenset(counts),
    )


def family_vote(ready: RulePlan, family: str, voting: frozenset[str]) -> tuple[int, frozenset[str]]:
    """A family's vote if these of its rules are on (the largest in size; equal size and opposite sign is 0),
    and those of them that count: not covered by a more extreme step, not replaced."""
    known = ready.votes.get((family, voting))
    if known is None:
        rules = ready.book.rules
        replaced = {part for name in voting for part in rules[name].replaces}
        effective = frozenset(
            name
            for name in voting
            if name not in replaced and not any(step in voting for step in ready.by_rule[name].covered_by)
        )
        most = max((rules[name].vote for name in effective), default=0)
        least = min((rules[name].vote for name in effective), default=0)
        most, least = max(most, 0), min(least, 0)
        vote = 0 if most == -least else most if most > -least else least
        known = ready.votes[family, voting] = (vote, effective)
    return known


def _range(ready: RulePlan, family: str, voting: frozenset[str], turning: frozenset[str]) -> tuple[int, int]:
    """The least and the largest vote over every way in which the turning rules could stand."""
    fixed = voting - turning
    found = [
        family_vote(ready, family, fixed.union(some))[0]
        for size in range(len(turning) + 1)
        for some in combinations(turning, size)
    ]
    return min(found), max(found)


def _lean(book: RuleBook, vote: int, effective: frozenset[str]) -> Lean:
    if any(book.rules[name].stance for name in effective):
        return "overheated"
    return "bearish" if vote < 0 else "bullish" if vote > 0 else "neutral"


def _overheated(
    ready: RulePlan, voting: frozenset[str], leans: Mapping[str, Lean], shaky: frozenset[str]
) -> bool | None:
    """Whether a rule with the stance overheated is on in a known family (None: it cannot be told)."""
    hot = [job.id for job in ready.jobs if job.rule.stance]
    on = [name for name in hot if name in voting and ready.book.rules[name].family in leans]
    if any(name not in shaky for name in on):
        return True
    untold = any(family not in leans for family in ready.overheating) or not shaky.isdisjoint(hot)
    return None if untold else False


def _stance(
    rows: tuple[StanceRow, ...], score: tuple[float, float], coverage: float, hot: bool | None
) -> tuple[Stance, bool]:
    """The stance of the first row that is true; a row that cannot be told ends the search with neutral, not
    sure."""
    for row in rows:
        met = _row(row, score, coverage, hot)
        if met is None:
            return "neutral", False
        if met:
            return row.id, True
    return "neutral", False


def _row(row: StanceRow, score: tuple[float, float], coverage: float, hot: bool | None) -> bool | None:
    low, high = score
    if row.coverage_below is not None:
        return coverage < row.coverage_below
    if row.score_at_most is not None:
        return True if high <= row.score_at_most else False if low > row.score_at_most else None
    if row.score_at_least is not None:
        return True if low >= row.score_at_least else False if high < row.score_at_least else None
    return True if row.rule_stance is None else hot


def _confidence(book: RuleBook, stance: Stance, score: tuple[float, float], coverage: float) -> Confidence:
    table = book.confidence
    if stance == "overheated":
        return (
            "high"
            if coverage >= table.coverage_high
            else "medium"
            if coverage >= table.coverage_medium
            else "low"
        )
    if stance == "neutral":
        inside = -table.neutral_band < score[0] and score[1] < table.neutral_band
        return "high" if coverage >= table.coverage_high and inside else "low"
    if stance == "no-call":
        return "low"
    size = -score[1] if stance == "bearish" else score[0]
    return "high" if size >= table.high else "medium" if size >= table.medium else "low"


def put_in_words(
    ready: RulePlan, total: ScoreSum, facts: Facts, signals: Mapping[str, Signal], at: datetime
) -> Verdict:
    """The verdict as the commentary takes it: findings in the order of the rule files, and what is
    missing."""
    book = ready.book
    findings = tuple(_finding(ready, name, signals[name]) for name in book.rules if name in total.counts)
    return Verdict(
        asset=facts.asset,
        at=at,
        stance=total.stance,
        confidence=total.confidence,
        score=total.score,
        coverage=total.coverage,
        families=total.leans,
        votes={family: (float(low), float(high)) for family, (low, high) in total.votes.items()},
        findings=findings,
        missing=_missing(book, total, facts, findings),
    )


def _finding(ready: RulePlan, name: str, signal: Signal) -> Finding:
    rule = ready.book.rules[name]
    return Finding(
        rule=name,
        family=rule.family,
        vote=rule.vote,
        severity=rule.severity,
        facts=stands_on(ready.book, name),
        since=signal.since,
        held=signal.held,
    )


def _missing(
    book: RuleBook, total: ScoreSum, facts: Facts, findings: tuple[Finding, ...]
) -> tuple[Missing, ...]:
    """The families that weigh something and are unknown, then the facts for want of which a finding is
    held."""
    families = [
        Missing(family=family.id, fact=None, reason=facts.why_unknown(family.anchor[0]))
        for family in book.families.values()
        if family.weight > 0 and family.id not in total.leans
    ]
    wanted = dict.fromkeys(fact for finding in findings if finding.held for fact in finding.facts)
    held = [
        Missing(family=None, fact=fact, reason=facts.why_unknown(fact))
        for fact in wanted
        if fact not in facts.known
    ]
    return (*families, *held)

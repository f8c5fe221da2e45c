"""What would change the view: the nearest moves of facts at which a rule clears or the stance changes.

Every flip was tried: the rules were evaluated at the moved facts, as if each value had held long enough.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import combinations

from msgspec import Struct

from bot.domain.facts import Facts
from bot.domain.judgement import Flip, Move, Signal, Verdict
from bot.domain.rulebook import Ranges, RuleBook
from bot.rules.plan import CompiledCondition, RulePlan, ScoreSum, plan, stands_on
from bot.rules.score.run import run
from bot.rules.score.verdict import add_up
from bot.rules.states import Cell, cell_of
from bot.rules.truth import Bounds, Values, values_of

MOVES_AT_MOST = 3
TRIED_SIDE_BY_SIDE = 14
"""Of the single moves, so many of the most promising are combined: 14 give 91 pairs and 364 triples."""


class _Try(Struct, frozen=True):
    """A fact moved to a value at which some condition turns. `effort` is the way in the fact's own units of
    interest."""

    fact: str
    start: float
    end: float
    effort: float


class _Bench(Struct):
    """The rules, set up to be evaluated again and again at moved facts."""

    ready: RulePlan
    cells: Mapping[str, Cell]
    values: Values
    bounds: Bounds
    at: float

    def at_moved(self, tries: tuple[_Try, ...]) -> tuple[ScoreSum, Mapping[str, Cell]]:
        """The verdict in numbers and the cells, with some facts moved."""
        values = {**self.values, **{one.fact: one.end for one in tries}}
        bounds = self.bounds - {one.fact for one in tries}
        cells = {name: cell.copy() for name, cell in self.cells.items()}
        ran = run(self.ready, cells, values, bounds, self.at, settled=True)
        return add_up(self.ready, cells, values, ran.shaky), cells


def flips_by_score(
    book: RuleBook,
    facts: Facts,
    signals: Mapping[str, Signal],
    verdict: Verdict,
    ranges: Ranges = {},  # noqa: B006
) -> tuple[Flip, ...]:
    """First the smallest sets of moves that change the stance, one for each stance that they lead to; then,
    for each rule that is on, the nearest move at which it clears. `signals` are those that the evaluation
    left."""
    at: datetime = verdict.at
    ready = plan(book, at.date(), ranges, facts.asset)
    values, bounds = values_of(facts, ready.asked)
    before = {name: cell_of(signals.get(name)) for name in ready.by_rule}
    bench = _Bench(ready, before, values, bounds, at.timestamp())
    now, cells = bench.at_moved(())
    tries = sorted(_tries(bench.ready, values), key=lambda one: (one.effort, one.fact, one.end))
    return (*_of_stance(bench, now, tries, verdict), *_of_rules(bench, cells, tries, verdict))


def _tries(ready: RulePlan, values: Values) -> Iterator[_Try]:
    """Every value of a known fact at which some condition turns, met or cleared. Only facts that lead a rule
    are moved: nobody waits for the hours since a low."""
    units = _units(ready)
    seen: set[tuple[str, float]] = set()
    for job in ready.jobs:
        for test in job.tests:
            start = values.get(test.fact)
            if start is None or test.fact not in units:
                continue
            for end in _ends(test):
                if end != start and (test.fact, end) not in seen:
                    seen.add((test.fact, end))
                    yield _Try(test.fact, start, end, abs(end - start) / units[test.fact])


def _units(ready: RulePlan) -> dict[str, float]:
    """Each leading fact's unit of interest: the smallest one of the rules that it leads, or else of its
    bands."""
    units: dict[str, float] = {}
    for job in ready.jobs:
        for test in job.tests[:1]:
            unit = job.rule.interest or _band(test)
            units[test.fact] = min(unit, units.get(test.fact, unit))
    return units


def _band(test: CompiledCondition) -> float:
    return abs(test.entry - test.clear) or abs(test.entry) / 10 or 1.0


def _ends(test: CompiledCondition) -> tuple[float, float]:
    """Where a condition is cleared (its way out counts as out), and where it is met: a tenth of its band past
    the entry."""
    band = _band(test)
    digits = max(0, 2 - math.floor(math.log10(band)))
    return test.clear, round(test.entry + (band / 10 if test.above else -band / 10), digits)


def _of_rules(
    bench: _Bench, cells: Mapping[str, Cell], tries: list[_Try], verdict: Verdict
) -> Iterator[Flip]:
    for finding in verdict.findings:
        if not cells[finding.rule].votes:
            continue
        rule = bench.ready.book.rules[finding.rule]
        about = set(stands_on(bench.ready.book, finding.rule))
        # A rule's leading fact is what its words are about: it is moved first.
        leading = rule.facts[:1]
        near = sorted(tries, key=lambda one, leading=leading: one.fact not in leading)  # type: ignore[misc]
        for one in near:
            if one.fact in about and not bench.at_moved((one,))[1][finding.rule].votes:
                yield Flip(moves=(_move(one, finding.rule),), stance=None)
                break


def _of_stance(bench: _Bench, now: ScoreSum, tries: list[_Try], verdict: Verdict) -> Iterator[Flip]:
    if now.stance != verdict.stance:
        return
    found: set[str] = {verdict.stance, "no-call"}
    promising = _promising(bench, now, tries)
    for size in range(1, MOVES_AT_MOST + 1):
        pool = tries if size == 1 else promising
        sets = [some for some in combinations(pool, size) if len({one.fact for one in some}) == size]
        for some in sorted(sets, key=lambda some: math.fsum(one.effort for one in some)):
            total, _ = bench.at_moved(some)
            if total.stance not in found:
                found.add(total.stance)
                yield Flip(
                    moves=tuple(_told(one, now.counts, total.counts, bench.ready) for one in some),
                    stance=total.stance,
                )
        if len(found) > 2:
            return


def _promising(bench: _Bench, now: ScoreSum, tries: list[_Try]) -> list[_Try]:
    """The moves that change the score, for each fact and score the nearest, the cheapest for their effect
    first."""
    best: dict[tuple[str, tuple[float, float]], tuple[float, _Try]] = {}
    for one in tries:
        score = bench.at_moved((one,))[0].score
        effect = abs(sum(score) - sum(now.score))
        if effect and (one.fact, score) not in best:
            best[one.fact, score] = (one.effort / effect, one)
    ranked = sorted(best.values(), key=lambda pair: (pair[0], pair[1].fact, pair[1].end))
    return [one for _, one in ranked[:TRIED_SIDE_BY_SIDE]]


def _told(one: _Try, before: frozenset[str], after: frozenset[str], ready: RulePlan) -> Move:
    """The move, named by the rule that it turns: one that asks for the fact itself before one that asks for
    other rules, one that comes to count before one that no longer does."""
    turned = [job.rule for job in ready.jobs if (job.rule.id in before) != (job.rule.id in after)]
    about = [rule for rule in turned if one.fact in rule.facts] or turned
    rule = max(about, key=lambda rule: (rule.id in after, abs(rule.vote))).id if about else ""
    return _move(one, rule, comes_on=rule in after)


def _move(one: _Try, rule: str, *, comes_on: bool = False) -> Move:
    return Move(fact=one.fact, start=one.start, end=one.end, rule=rule, comes_on=comes_on)

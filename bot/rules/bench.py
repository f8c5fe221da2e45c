"""The rules set up to be judged again and again at moved facts, as if each value had held long enough."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from bot.rules.balance import FamilySteps, Sum, add_up, hot_families, steps_of, sum_of
from bot.rules.plan import Job, RulePlan
from bot.rules.run import EvaluationScene, EvaluationTrace, advance_rule, run, stays_off, with_ranks
from bot.rules.states import Cell
from bot.rules.truth import Bounds, Values


class Moved(Struct, frozen=True):
    """What the rules come to at moved facts: the sum, and the rules' cells."""

    total: Sum
    cells: Mapping[str, Cell]
    ran: EvaluationTrace


class Bench:
    """One moment, to be judged at moved facts. Only the rules are looked at again that a moved fact can reach."""

    def __init__(
        self, ready: RulePlan, cells: Mapping[str, Cell], values: Values, bounds: Bounds, at: float
    ) -> None:
        self.ready = ready
        self.values = values
        self._bounds = bounds
        self._at = at
        settled = {name: cell.copy() for name, cell in cells.items()}
        ran = run(ready, settled, values, bounds, at, settled=True)
        self._seen = dict(with_ranks(ready, values, ran.weighed))
        self.now = Moved(add_up(ready, settled, ran), settled, ran)
        self._judged: dict[tuple[tuple[str, float], ...], Moved] = {}

    def judge_moved(self, changed: Mapping[str, float]) -> Moved:
        """The market with some facts moved; a moved fact is no lower bound. The same move is judged once."""
        if not changed:
            return self.now
        key = tuple(sorted(changed.items()))
        found = self._judged.get(key)
        if found is None:
            found = self._judged[key] = self._judge(changed)
        return found

    def _judge(self, changed: Mapping[str, float]) -> Moved:
        seen = {**self._seen, **changed}
        weighed = dict(self.now.ran.weighed)
        jobs: dict[str, Job] = {}
        families: set[str] = set()
        for fact, value in changed.items():
            for one in self.ready.yardsticks_of.get(fact, ()):
                weighed[one.ladder] = found = one.weigh(value)
                families.add(one.family)
                if found.rank is not None:
                    seen[one.rank_name] = found.rank
            jobs.update({name: self.ready.by_rule[name] for name in _reach(self.ready, fact)})
        ran = EvaluationTrace(weighed=weighed, gone=self.now.ran.gone)
        cells = dict(self.now.cells)
        bounds = self._bounds - changed.keys()
        jobs = {name: job for name, job in jobs.items() if not stays_off(job, cells[name], seen, bounds)}
        cells.update({name: cells[name].copy() for name in jobs})
        scene = EvaluationScene(seen, bounds, self._at, settled=True, held=False)
        for job in jobs.values() if len(changed) == 1 else self.ready.jobs:
            if job.id in jobs:
                advance_rule(self.ready, job, cells, scene, ran)
                if job.followed:
                    families.add(job.rule.family)
        return Moved(self._sum(cells, ran, families), cells, ran)

    def _sum(self, cells: Mapping[str, Cell], ran: EvaluationTrace, families: Iterable[str]) -> Sum:
        hot = hot_families(self.ready, ran.weighed)
        steps: dict[str, FamilySteps] = dict(self.now.total.families)
        for family in families:
            if family in steps:
                steps[family] = steps_of(self.ready, family, cells, ran.weighed)
        return sum_of(self.ready, steps, hot, ran.gone)


def _reach(ready: RulePlan, fact: str) -> tuple[str, ...]:
    """The rules that a fact can reach: those that ask for it, and those that ask for these. Every plan of a book has the
    same ones, so they are looked for once."""
    known = ready.reach.get(fact)
    if known is None:
        known = ready.reach[fact] = _find_reach(ready, fact)
    return known


def _find_reach(ready: RulePlan, fact: str) -> tuple[str, ...]:
    names = {fact, *(one.rank_name for one in ready.yardsticks_of.get(fact, ()))}
    ladders = {one.ladder for one in ready.yardsticks_of.get(fact, ())}
    groups = {one.ladder for ladder in ladders for one in ready.group_of[ladder]}
    found: dict[str, None] = {}
    for job in ready.jobs:
        asks = any(ask.rule in found or (ask.counting and ask.ladder in groups) for ask in job.asks)
        if asks or any(number[0] in names for number in job.numbers):
            found[job.id] = None
    return tuple(found)

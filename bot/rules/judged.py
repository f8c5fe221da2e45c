"""One moment judged by the balance: the sum, the stance that follows, what is told of it."""

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from datetime import UTC, datetime
from typing import NamedTuple

from msgspec import Struct

from bot.domain.judgement import Course, Direction, MoveAlarm
from bot.domain.rulebook import Confidence, Lean, Stance
from bot.rules.alarms import with_alarms
from bot.rules.balance import add_up, speaking
from bot.rules.course import middle_of, with_sample
from bot.rules.direction import direction_of, with_peak
from bot.rules.plan import Job, RulePlan
from bot.rules.run import EvaluationTrace, run
from bot.rules.stance import alarm_call, confidence_of, leaning_of, stance_by, with_stance
from bot.rules.states import Cell
from bot.rules.truth import Bounds, Values
from bot.rules.yardstick import Weighed

VOTING = ("on", "recovering")


class TellableRule(NamedTuple):
    """A rule that is on and told: what its family weighs by it (0 where it only is told), whether its level is
    ordinary for its own past, where it stands in that past, and whether it counts: whether it weighs as much as a
    ladder must to lean. A rule without a vote is told and never counts."""

    rule: str
    points: float
    ordinary: bool
    rank: float | None
    counts: bool


class MomentOutcome(Struct, frozen=True, kw_only=True):
    """What a moment came to."""

    stance: Stance
    confidence: Confidence
    balance: tuple[float, float]
    middle: tuple[float, float]
    coverage: float
    leans: Mapping[str, Lean]
    votes: Mapping[str, tuple[float, float]]
    leaning: Lean | None
    direction: Direction | None
    told: tuple[TellableRule, ...]
    alarms: tuple[MoveAlarm, ...]
    course: Course
    ran: EvaluationTrace

    @property
    def counts(self) -> frozenset[str]:
        """The rules that are told."""
        return frozenset([one.rule for one in self.told])

    @property
    def ordinary(self) -> frozenset[str]:
        """Those of them whose level is ordinary for its own past."""
        return frozenset([one.rule for one in self.told if one.ordinary])

    @property
    def counting(self) -> frozenset[str]:
        """Those of them that count."""
        return frozenset([one.rule for one in self.told if one.counts])


def judge_moment(
    ready: RulePlan,
    cells: MutableMapping[str, Cell],
    values: Values,
    bounds: Bounds,
    at: float,
    course: Course,
    *,
    settled: bool = False,
    held: bool = False,
) -> MomentOutcome:
    """Judge one moment. The cells are advanced; the course comes back with this moment in it.

    `held` judges as if every value had held for as long as rules wait and linger, as a day's figure has. `settled` does
    so of the balance too: that of now is that of three days, no stance was before, and nothing is known of where it
    came from."""
    book = ready.book
    if book.balance is None or book.direction is None:
        raise ValueError("an edition that judges by score has no balance")
    when = datetime.fromtimestamp(at, UTC)
    ran = run(ready, cells, values, bounds, at, settled=settled, held=held)
    total = add_up(ready, cells, ran)
    grades = {name: (grade, ready.by_rule[name].side) for name, grade in ran.turning.items()}
    direction = None
    alarms: tuple[MoveAlarm, ...] = ()
    if settled:
        call = alarm_call(book.balance, grades, total.balance)
        middle = total.balance
        taken = stance_by(None, *middle, total.hot, book.balance)
    else:
        course = with_sample(course, when, total, ready.course_kept)
        course = with_peak(course, when, ready.weights, book.balance)
        course, alarms, more = with_alarms(ready, course, when, values, ran.gone)
        call = alarm_call(book.balance, {**grades, **more}, total.balance)
        course = with_stance(course, when, book.balance, call)
        middle = middle_of(course, when, book.balance.days)
        taken = course.taken or "unclear"
    stance: Stance = "no-call" if total.coverage < book.balance.coverage else taken
    if not settled:
        direction = direction_of(course, when, stance, ready.weights, book.direction)
    return MomentOutcome(
        stance=stance,
        confidence=confidence_of(ready, stance, middle, total.coverage, call, total.balance),
        balance=total.balance,
        middle=middle,
        coverage=total.coverage,
        leans=total.leans,
        votes={
            family: (steps.low, steps.high) if (steps := total.families.get(family)) else (-2.0, 2.0)
            for family in ready.of_family
            if family not in ready.without
        },
        leaning=leaning_of(total.balance, book.balance) if stance == "unclear" else None,
        direction=direction,
        told=tuple(tellable(ready, cells, ran, ran.awake)),
        alarms=alarms,
        course=course,
        ran=ran,
    )


def tellable(
    ready: RulePlan, cells: Mapping[str, Cell], ran: EvaluationTrace, among: Iterable[Job] | None = None
) -> Iterator[TellableRule]:
    """The rules (`among` some; None: all) that are on, no more extreme step covers them, no sum of parts replaces them, and
    their ladder is the one that speaks; in the order of the rule files."""
    jobs = ready.jobs if among is None else among
    on = [job for job in jobs if cells[job.id].phase in VOTING]
    names = {job.id for job in on}
    replaced = {part for job in on for part in job.rule.replaces}
    for job in sorted(on, key=lambda job: ready.order[job.id]):
        if job.id in replaced or not names.isdisjoint(job.covered_by) or job.rule.family in ready.without:
            continue
        if job.rule.ladder is None:
            yield _of_rule(ready, job, cells[job.id])
        elif (found := _of_ladder(ready, job, ran.weighed)) is not None:
            yield found


def _of_rule(ready: RulePlan, job: Job, cell: Cell) -> TellableRule:
    points = float(job.rule.vote) if cell.must else 0.0
    return TellableRule(job.id, points, False, None, _counts(ready, points))


def _of_ladder(ready: RulePlan, job: Job, weighed: Mapping[str, Weighed]) -> TellableRule | None:
    """A step or an extreme of a ladder; None where another ladder speaks for it. Where none is known, it is held."""
    ladder = job.rule.ladder or ""
    group = ready.group_of[ladder]
    found = speaking(group, weighed)
    if found is None:
        return TellableRule(job.id, 0.0, False, None, False)
    mine = weighed.get(ladder)
    if mine is not found:
        return None
    points = found.points if found.points * job.side > 0.0 else 0.0
    return TellableRule(job.id, points, bool(job.side) and not points, found.rank, _counts(ready, points))


def _counts(ready: RulePlan, points: float) -> bool:
    return bool(points) and abs(points) >= ready.counts_from

"""A whole history judged hour by hour, by the code that judges one moment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime

from msgspec import Struct

from bot.domain.facts import OwnPast
from bot.domain.judgement import Course, Direction, MoveAlarm, Signal
from bot.domain.rulebook import Confidence, Lean, Ranges, RuleBook, Stance
from bot.rules import score
from bot.rules.judged import judge_moment
from bot.rules.judgement import Change, changes
from bot.rules.plan import RulePlan, plan
from bot.rules.run import EvaluationTrace
from bot.rules.states import Cell, cell_of, signal_of

Columns = Mapping[str, Sequence[float | None]]
"""A fact's value at each time; None or nan where it is unknown."""


class JudgedMoment(Struct, frozen=True, kw_only=True):
    """The verdict at one time of a replay, in numbers. `votes` is each family's range, `counts` the rules that are
    told, `counting` those of them that weigh something, `ordinary` those whose level is ordinary for its own past,
    `changed` the rules that changed their phase or are announced.

    Of editions from before the balance, `balance` and what follows from it is None or empty."""

    at: datetime
    stance: Stance
    confidence: Confidence
    score: tuple[float, float]
    coverage: float
    families: Mapping[str, Lean]
    counts: frozenset[str]
    counting: frozenset[str]
    changed: tuple[Change, ...]
    votes: Mapping[str, tuple[float, float]]
    balance: tuple[float, float] | None = None
    middle: tuple[float, float] | None = None
    direction: Direction | None = None
    leaning: Lean | None = None
    alarms: tuple[MoveAlarm, ...] = ()
    ordinary: frozenset[str] = frozenset()


class Replay:
    """Judges one moment after another. What it remembers can be taken out as signals and course at any time.

    `asset`, `without` (families that are not there) and `pasts` (the facts' own pasts, worked out once a day; None:
    judged by the book alone) are as `evaluate` takes them from the facts."""

    def __init__(
        self,
        book: RuleBook,
        ranges: Ranges | None = None,
        signals: Mapping[str, Signal] | None = None,
        *,
        course: Course | None = None,
        asset: str = "",
        without: tuple[str, ...] = (),
        cells: Mapping[str, Cell] | None = None,
    ) -> None:
        self._book = book
        self._ranges = ranges or {}
        given = signals or {}
        self.cells: dict[str, Cell] = (
            dict(cells) if cells is not None else {name: cell_of(given.get(name)) for name in book.order}
        )
        self.course = course or Course()
        self._asset = asset
        self._without = without
        self._key: tuple[date, Mapping[str, OwnPast] | None] | None = None
        self._ready = plan(book, date.min, self._ranges, asset, without)

    def judge(
        self,
        values: Mapping[str, float],
        at: datetime,
        bounds: frozenset[str] = frozenset(),
        pasts: Mapping[str, OwnPast] | None = None,
        *,
        settled: bool = False,
        held: bool = False,
    ) -> JudgedMoment:
        """The verdict on the known values at a time later than the last one. `bounds` names lower bounds; `held` and
        `settled` are as `judge_moment` takes them."""
        key = (at.date(), pasts)
        if self._key is None or self._key[0] != key[0] or self._key[1] is not pasts:
            self._key = key
            self._ready = plan(self._book, key[0], self._ranges, self._asset, self._without, pasts)
        ready = self._ready
        if self._book.balance is None:
            return self._judge_by_score(ready, values, at, bounds, settled=settled)
        found = judge_moment(
            ready, self.cells, values, bounds, at.timestamp(), self.course, settled=settled, held=held
        )
        self.course = found.course
        return JudgedMoment(
            at=at,
            stance=found.stance,
            confidence=found.confidence,
            score=(found.balance[0] / 100.0, found.balance[1] / 100.0),
            coverage=found.coverage,
            families=found.leans,
            counts=found.counts,
            counting=found.counting,
            changed=self._changes(found.ran),
            votes=found.votes,
            balance=found.balance,
            middle=found.middle,
            direction=found.direction,
            leaning=found.leaning,
            alarms=found.alarms,
            ordinary=found.ordinary,
        )

    def _judge_by_score(
        self,
        ready: RulePlan,
        values: Mapping[str, float],
        at: datetime,
        bounds: frozenset[str],
        *,
        settled: bool,
    ) -> JudgedMoment:
        ran = score.run(ready, self.cells, values, bounds, at.timestamp(), settled=settled)
        total = score.add_up(ready, self.cells, values, ran.shaky)
        return JudgedMoment(
            at=at,
            stance=total.stance,
            confidence=total.confidence,
            score=total.score,
            coverage=total.coverage,
            families=total.leans,
            counts=total.counts,
            counting=total.counts,
            changed=self._changes(ran),
            votes={family: (float(low), float(high)) for family, (low, high) in total.votes.items()},
        )

    def _changes(self, ran: EvaluationTrace) -> tuple[Change, ...]:
        return changes(ran, self.cells) if ran.before or ran.told else ()

    def signals(self, rules: Iterable[str] | None = None) -> Mapping[str, Signal]:
        """The state after the last moment of some rules (None: all), as evaluate() takes it."""
        cells = {name: self.cells[name] for name in (self.cells if rules is None else rules)}
        return {name: signal_of(name, cell) for name, cell in cells.items() if cell.evaluated >= 0}


def replay(
    book: RuleBook,
    times: Sequence[datetime],
    columns: Columns,
    ranges: Ranges = {},  # noqa: B006
    *,
    asset: str = "",
    bounds: frozenset[str] = frozenset(),
    signals: Mapping[str, Signal] | None = None,
) -> Iterator[JudgedMoment]:
    """The verdict at each of some ascending times. Each column is as long as `times`; `bounds` names columns
    of lower bounds; `signals` are those that an earlier evaluation left."""
    judge = Replay(book, ranges, signals, asset=asset).judge
    known = list(columns.items())
    for number, at in enumerate(times):
        row = ((name, column[number]) for name, column in known)
        yield judge({name: value for name, value in row if value is not None and value == value}, at, bounds)  # noqa: PLR0124

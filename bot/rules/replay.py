"""A whole history judged hour by hour, by the code that judges one moment."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.judgement import Signal
from bot.domain.rulebook import Confidence, Lean, Ranges, RuleBook, Stance
from bot.rules.evaluate import Change, changes, run
from bot.rules.plan import plan
from bot.rules.states import Cell, cell_of, signal_of
from bot.rules.verdict import add_up

Columns = Mapping[str, Sequence[float | None]]
"""A fact's value at each time; None or nan where it is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """The verdict at one time of a replay, in numbers: `votes` is each family's range, `counts` the rules that count,
    `changed` the rules that changed their phase or are announced."""

    at: datetime
    stance: Stance
    confidence: Confidence
    score: tuple[float, float]
    coverage: float
    families: Mapping[str, Lean]
    counts: frozenset[str]
    changed: tuple[Change, ...]


class Replay:
    """Judges one moment after another. What it remembers can be taken out as signals at any time."""

    def __init__(self, book: RuleBook, ranges: Ranges = {}, signals: Mapping[str, Signal] | None = None) -> None:  # noqa: B006
        self._book = book
        self._ranges = ranges
        given = signals or {}
        self._cells: dict[str, Cell] = {name: cell_of(given.get(name)) for name in book.order}

    def judge(self, values: Mapping[str, float], at: datetime, bounds: frozenset[str] = frozenset()) -> Moment:
        """The verdict on the known values at a time later than the last one. `bounds` names lower bounds."""
        ready = plan(self._book, at.date(), self._ranges)
        ran = run(ready, self._cells, values, bounds, at.timestamp(), settled=False)
        total = add_up(ready, self._cells, values, ran.shaky)
        return Moment(
            at=at, stance=total.stance, confidence=total.confidence, score=total.score, coverage=total.coverage,
            families=total.leans, counts=total.counts, changed=changes(ran, self._cells) if ran.before or ran.told else (),
        )  # fmt: skip

    def signals(self, rules: Iterable[str] | None = None) -> Mapping[str, Signal]:
        """The state after the last moment of some rules (None: all), as evaluate() takes it."""
        cells = {name: self._cells[name] for name in (self._cells if rules is None else rules)}
        return {name: signal_of(name, cell) for name, cell in cells.items() if cell.evaluated >= 0}


def replay(
    book: RuleBook,
    times: Sequence[datetime],
    columns: Columns,
    ranges: Ranges = {},  # noqa: B006
    *,
    bounds: frozenset[str] = frozenset(),
    signals: Mapping[str, Signal] | None = None,
) -> Iterator[Moment]:
    """The verdict at each of some ascending times. Each column is as long as `times`; `bounds` names columns of lower
    bounds; `signals` are those that an earlier evaluation left."""
    judge = Replay(book, ranges, signals).judge
    known = list(columns.items())
    for number, at in enumerate(times):
        row = ((name, column[number]) for name, column in known)
        yield judge({name: value for name, value in row if value is not None and value == value}, at, bounds)  # noqa: PLR0124

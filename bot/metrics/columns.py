"""One metric's past as numpy columns: rows in the order in which they became known, and hourly cells over
them."""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from bot.domain.chain import Bools, Floats, Ints

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

_AT, _KNOWN, _COVERS, _VALUE, _LEAST = range(5)


class _SharedRows:
    """Growing storage that columns share. Rows are only ever added behind the last one, so a shorter column
    that looks at the same storage never changes."""

    __slots__ = ("cells", "ends", "used")

    def __init__(self, cells: Floats, ends: Ints, used: int) -> None:
        self.cells = cells
        self.ends = ends
        self.used = used

    @classmethod
    def of(cls, cells: Floats) -> _SharedRows:
        return cls(cells, _ends(cells), cells.shape[1])

    @classmethod
    def with_room(cls, length: int) -> _SharedRows:
        """Without a row, with room for as many and for as many again."""
        room = max(64, 2 * length)
        return cls(np.empty((5, room)), np.empty(room, np.int64), 0)

    def add(self, other: _SharedRows, first: int, last: int) -> None:
        """Behind the last row, some of other storage's rows, as they are there."""
        end = self.used + last - first
        self.cells[:, self.used : end] = other.cells[:, first:last]
        self.ends[self.used : end] = other.ends[first:last]
        self.used = end


def _floats(told: Iterable[float]) -> Floats:
    """A column at once where it is one already, a number after another elsewhere."""
    return np.asarray(told, np.float64) if isinstance(told, array) else np.fromiter(told, np.float64)


def _ends(cells: Floats) -> Ints:
    """The hour that each row ends in."""
    return np.asarray((cells[_KNOWN] - (cells[_COVERS] > 0.0)) // HOUR_MS, np.int64)


class HistoryColumn(Struct, frozen=True, eq=False):
    """The rows of one metric at one venue (or the aggregate), oldest knowledge first.

    ==========  =======================================================================================
    at_ms       when the row's stretch starts (an instant: when it was observed), ms since 1970 UTC
    known_ms    when its value was known: `at_ms` and what it covers, ascending
    covers_ms   the length of its stretch; 0 for an instant
    value       the value at `known_ms` (a bar's close, its low, its high)
    at_least    1 where the true value may be higher, else 0
    ==========  =======================================================================================
    """

    rows: _SharedRows
    length: int

    @classmethod
    def of(
        cls,
        at_ms: Iterable[float],
        value: Iterable[float],
        covers_s: Iterable[float],
        at_least: Iterable[float] = (),
    ) -> HistoryColumn:
        """A column of rows in any order. Of rows with the same start and length the later one counts."""
        at, covers, least = _floats(at_ms), _floats(covers_s) * 1000.0, _floats(at_least)
        least = least if len(least) else np.zeros(len(at))
        return cls._sorted(np.vstack([at, at + covers, covers, _floats(value), least]))

    @classmethod
    def _sorted(cls, cells: Floats) -> HistoryColumn:
        order = np.lexsort((-cells[_COVERS], cells[_KNOWN]))
        cells = cells[:, order]
        same = (np.diff(cells[_KNOWN]) == 0.0) & (np.diff(cells[_COVERS]) == 0.0)
        cells = np.ascontiguousarray(cells[:, np.append(~same, True)]) if len(order) else cells
        return cls(_SharedRows.of(cells), cells.shape[1])

    def extend(self, new: HistoryColumn) -> HistoryColumn:
        """This column and another one's rows; one that is there already (same start and length) is
        replaced."""
        if not new.length:
            return self
        added = new.rows.cells[:, : new.length]
        if not self.length or added[_KNOWN, 0] > self.known_ms[-1]:
            return self._appended(added)
        # A past that is filled from the newest month to the oldest comes before all that is there.
        first, last = added[_KNOWN, [0, -1]].tolist()
        start, end = self.known_ms.searchsorted(first), self.known_ms.searchsorted(last, side="right")
        cells = self.rows.cells
        among = HistoryColumn._sorted(np.hstack([cells[:, start:end], added])) if start < end else new
        rows = _SharedRows.with_room(start + among.length + self.length - end)
        rows.add(self.rows, 0, start)
        rows.add(among.rows, 0, among.length)
        rows.add(self.rows, end, self.length)
        return HistoryColumn(rows, rows.used)

    def with_instant(self, at_ms: float, value: float, at_least: bool) -> HistoryColumn:
        """This column and one observation: the cheap way to grow at every poll."""
        if self.length and at_ms <= self.known_ms[-1]:
            row = np.array([[at_ms], [at_ms], [0.0], [value], [float(at_least)]])
            return self.extend(HistoryColumn(_SharedRows.of(row), 1))
        rows, last = self._room(1), self.length
        rows.cells[:, last] = at_ms, at_ms, 0.0, value, at_least
        rows.ends[last] = at_ms // HOUR_MS
        rows.used = last + 1
        return HistoryColumn(rows, last + 1)

    def _appended(self, added: Floats) -> HistoryColumn:
        rows, length = self._room(added.shape[1]), self.length + added.shape[1]
        rows.cells[:, self.length : length] = added
        rows.ends[self.length : length] = _ends(added)
        rows.used = length
        return HistoryColumn(rows, length)

    def _room(self, more: int) -> _SharedRows:
        """These rows with room for more behind them: in place, unless somebody else has added there
        already."""
        rows, length = self.rows, self.length + more
        if rows.used == self.length and length <= rows.cells.shape[1]:
            return rows
        roomy = _SharedRows.with_room(length)
        roomy.add(rows, 0, self.length)
        return roomy

    def until(self, when_ms: float) -> HistoryColumn:
        """What was known by then."""
        return HistoryColumn(self.rows, self._rows_known(when_ms))

    def _rows_known(self, when_ms: float) -> int:
        """How many rows were known by then: of now, which is asked most, all of them, without a search."""
        length = self.length
        if length and self.rows.cells.item(_KNOWN, length - 1) <= when_ms:
            return length
        return int(self.known_ms.searchsorted(when_ms, side="right"))

    def first(self, length: int) -> HistoryColumn:
        """The first rows."""
        return HistoryColumn(self.rows, length)

    def __len__(self) -> int:
        return self.length

    @property
    def at_ms(self) -> Floats:
        """The starts."""
        return self.rows.cells[_AT, : self.length]

    @property
    def known_ms(self) -> Floats:
        """The times of knowledge, ascending."""
        return self.rows.cells[_KNOWN, : self.length]

    @property
    def covers_ms(self) -> Floats:
        """The lengths."""
        return self.rows.cells[_COVERS, : self.length]

    @property
    def value(self) -> Floats:
        """The values."""
        return self.rows.cells[_VALUE, : self.length]

    @property
    def at_least(self) -> Floats:
        """1 where the true value may be higher."""
        return self.rows.cells[_LEAST, : self.length]

    def before(self, when_ms: Floats, tolerance_ms: float) -> tuple[Floats, Ints]:
        """For each time the last value known at or before it, nan where none is young enough, and the rows'
        numbers."""
        if (
            len(when_ms) == 1
        ):  # what live asks for, a hundred times a poll: numpy's arrays of one cost tenfold
            value, row = self.before_one(float(when_ms[0]), tolerance_ms)
            return np.array([value]), np.array([row])
        found = self.known_ms.searchsorted(when_ms, side="right") - 1
        rows = np.maximum(found, 0)
        if not self.length:
            return np.full(len(when_ms), np.nan), rows
        young = (found >= 0) & (when_ms - self.known_ms[rows] <= tolerance_ms)
        return np.where(young, self.value[rows], np.nan), rows

    def before_one(self, when_ms: float, tolerance_ms: float) -> tuple[float, int]:
        """`before` for one time."""
        cells, found = self.rows.cells, self._rows_known(when_ms) - 1
        if found < 0 or not when_ms - cells.item(_KNOWN, found) <= tolerance_ms:
            return np.nan, max(found, 0)
        return cells.item(_VALUE, found), found

    def span(self, row: int) -> tuple[float, float]:
        """When a row starts, and when its value was known."""
        cells = self.rows.cells
        return cells.item(_AT, row), cells.item(_KNOWN, row)

    def value_at(self, row: int) -> tuple[float, bool]:
        """The value of a row, and whether the true one may be higher."""
        cells = self.rows.cells
        return cells.item(_VALUE, row), cells.item(_LEAST, row) > 0.0

    def has(self, span: tuple[float, float] | None) -> bool:
        """Whether the last row that was known by the end of a span has just this start and end, and a value."""
        if span is None:
            return False
        at_ms, known_ms = span
        value, row = self.before_one(known_ms, 0.0)
        return value == value and self.rows.cells.item(_AT, row) == at_ms  # noqa: PLR0124 - nan is not itself

    @property
    def ends(self) -> Ints:
        """The hour (hours since 1970 UTC) that each row ends in: its last covered one, or the one it was
        observed in."""
        return self.rows.ends[: self.length]

    def hourly(self, first: int, last: int) -> Floats:
        """The value of each hour from `first` to `last`, both included (hours since 1970 UTC), nan where
        nothing speaks for it.

        An hour takes the last row that was observed in it. A row longer than an hour (a daily one) speaks for
        all its hours, but only where nothing was observed within its stretch: else a replay would know it
        before its time."""
        cells = np.full(last - first + 1, np.nan)
        start, stop = self.ends.searchsorted(first), self.ends.searchsorted(last, side="right")
        long_reach = self.covers_ms[start:stop] > HOUR_MS
        if not long_reach.any():
            cells[self.ends[start:stop] - first] = self.value[start:stop]
            return cells
        observed = ~long_reach
        self._spread(cells, first, start + np.flatnonzero(long_reach), self.known_ms[start:stop][observed])
        cells[self.ends[start:stop][observed] - first] = self.value[start:stop][observed]
        return cells

    def hourly_with(self, estimates: HistoryColumn, first: int, last: int) -> tuple[Floats, Bools]:
        """As `hourly`, an hour for which nothing speaks by its estimate; and which hours stand on one."""
        cells = self.hourly(first, last)
        if not len(estimates):
            return cells, np.zeros(len(cells), np.bool_)
        guessed = estimates.hourly(first, last)
        holes = np.isnan(cells) & ~np.isnan(guessed)
        return np.where(holes, guessed, cells), holes

    def _spread(self, cells: Floats, first: int, rows: Ints, observed_ms: Floats) -> None:
        """Fill the hours of long rows within which nothing was observed; the later known one wins. A row that does not
        begin on the hour speaks from the next full one on: the hour that it begins in belongs to the row before, which
        was known by the end of it."""
        within = np.searchsorted(observed_ms, self.known_ms[rows]) - np.searchsorted(
            observed_ms, self.at_ms[rows]
        )
        rows = rows[within == 0]
        begins = -(-self.at_ms[rows] // HOUR_MS).astype(np.int64) - first
        lengths = np.maximum(self.ends[rows] - first - begins + 1, 1)
        skipped = np.cumsum(lengths) - lengths
        spread = np.repeat(begins - skipped, lengths) + np.arange(int(lengths.sum()))
        inside = (spread >= 0) & (spread < len(cells))
        cells[spread[inside]] = np.repeat(self.value[rows], lengths)[inside]

"""What each fact has been in its own last year, worked out once a day.

Formula: the 5, 20, 50, 80 and 95% quantiles of the hourly values of the last 365 days, a day's figure speaking for all
its hours; the stretch ends a day before the day of use, so that a shock does not measure itself. A gap is left out and
makes nothing unknown; where nobody measured an hour, its estimate stands for it, and is counted.
Source: Hyndman and Fan, Sample Quantiles in Statistical Packages, The American Statistician 50
(1996), definition 7."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.catalog import Catalog, FactName
from bot.domain.chain import Bools, Floats, Ints
from bot.domain.facts import OwnPast
from bot.domain.rulebook import PastTable, RuleBook, ShippedPast
from bot.metrics.columns import HOUR_MS
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.views import hour_rows, kind_of, look_back_of, replay_views

QUANTILES = (0.05, 0.20, 0.50, 0.80, 0.95)
WEEK_HOURS = 7 * 24


def day_of(at: datetime) -> datetime:
    """The UTC day that a time lies in, for which its pasts are worked out."""
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


class PastReader:
    """The hourly values of some facts, read once, of which each day's past is a window."""

    def __init__(self, history: History, catalog: Catalog, book: RuleBook, asset: str) -> None:
        self._table = book.past
        self._asset = asset
        self._shipped = [row for row in book.shipped if row.asset == asset]
        names = dict.fromkeys([*book.with_past, *(row.fact for row in self._shipped)])
        facts = [catalog.resolve(name) for name in names]
        self._first, cells = _hourly({fact.name: _cells(history, fact) for fact in facts})
        self._known = {
            fact.name: KnownHours.of(
                cells[fact.name], _estimated(history, fact, self._first, cells[fact.name]), self._first
            )
            for fact in facts
        }

    def on(self, day: datetime) -> Mapping[str, OwnPast]:
        """Each fact's past for a day; one without any sample and without a shipped row is left out."""
        found = self.judged_by(day)
        if self._table is None:
            return found
        start, end = self._stretch(day, self._table)
        return {name: self._known[name].tell(past, start, end, self._table) for name, past in found.items()}

    def judged_by(self, day: datetime) -> Mapping[str, OwnPast]:
        """The same pasts with no more than rules judge by: quantiles, days and source."""
        if self._table is None:
            return {}
        found: dict[str, OwnPast] = {}
        start, end = self._stretch(day, self._table)
        for name, known in self._known.items():
            own = known.past(name, start, end)
            shipped = _in_force(self._shipped, name, day)
            past = own if shipped is None else _blended(own, shipped)
            if past is not None:
                found[name] = past
        return found

    def _stretch(self, day: datetime, table: PastTable) -> tuple[int, int]:
        """The places of the hours of a day's past, counted from the first hour that is known of any fact."""
        end = int(to_ms(day - table.lag) // HOUR_MS) - self._first
        return max(end - table.days * 24, 0), max(end, 0)


class KnownHours(Struct, frozen=True):
    """One fact's hours as they are known: the values of all known hours one after the other, and of each hour how many
    are known before it; so that a day's past is a slice, of which nothing but the quantiles is worked out anew."""

    cells: Floats
    values: Floats
    hours: Ints
    before: Ints
    days_before: Ints
    estimated_before: Ints
    ordered: OrderedStretch

    @classmethod
    def of(cls, cells: Floats, estimated: Bools, first: int) -> KnownHours:
        """From the value of each hour, which of them stand on an estimate, and the first hour since 1970."""
        known = ~np.isnan(cells)
        rows = np.flatnonzero(known)
        hours = rows + first
        return cls(
            cells=cells,
            values=(values := cells[rows]),
            hours=hours,
            before=_counted(known),
            days_before=_counted(np.diff(hours // 24) > 0),  # they ascend
            estimated_before=_counted(estimated[rows]),
            ordered=OrderedStretch(values),
        )

    def past(self, name: str, start: int, end: int) -> OwnPast | None:
        """The past in the hours from a place to another, counted from the first, as far as it is judged by; None without
        any known."""
        low, high = self._known_in(start, end)
        if low == high:
            return None
        return OwnPast(
            fact=name,
            quantiles=quantiles_of(self.ordered.between(low, high)),
            days=1 + int(self.days_before[high - 1] - self.days_before[low]),
        )

    def tell(self, past: OwnPast, start: int, end: int, table: PastTable) -> OwnPast:
        """The past in these hours with what is told of it besides; of one that has no hour of its own, nothing."""
        low, high = self._known_in(start, end)
        if low == high:
            return past
        start, end = min(start, len(self.cells)), min(end, len(self.cells))
        lately = self.values[int(self.before[max(end - table.range_days * 24, start)]) : high]
        guessed = int(self.estimated_before[high] - self.estimated_before[low])
        return replace(
            past,
            since=to_time(float(self.hours[low]) * HOUR_MS),
            until=to_time(float(self.hours[high - 1] + 1) * HOUR_MS),
            low_90d=float(lately.min()) if len(lately) else None,
            high_90d=float(lately.max()) if len(lately) else None,
            weekly_moves=_weekly(self.cells[start:end], table.weeks),
            estimated_pct=round(guessed / (high - low) * 100.0, 1),
        )

    def _known_in(self, start: int, end: int) -> tuple[int, int]:
        """The places of the known values in these hours."""
        last = len(self.cells)
        return int(self.before[min(start, last)]), int(self.before[min(end, last)])


class OrderedStretch:
    """A stretch of some values in ascending order, moved along them: all are put in order once, and which of them are in
    the stretch is all that changes from one day to the next."""

    def __init__(self, values: Floats) -> None:
        self._values = values
        self._low = self._high = 0
        self._ascending: Floats | None = None
        self._places: Ints = np.empty(0, np.int64)
        self._inside: Bools = np.empty(0, np.bool_)
        self._asked = 0

    def between(self, low: int, high: int) -> Floats:
        """The values from a place to another, ascending."""
        self._asked += 1
        if self._asked == 1:
            return np.sort(self._values[low:high])  # whoever asks for one day alone needs no more
        if self._ascending is None:
            order = np.argsort(self._values)
            self._ascending, self._places = self._values[order], np.argsort(order)
            self._inside = np.zeros(len(order), np.bool_)
        if low >= self._high or high <= self._low:
            self._inside[:] = False
            self._inside[self._places[low:high]] = True
        else:
            self._inside[self._places[self._low : low]] = False
            self._inside[self._places[high : self._high]] = False
            self._inside[self._places[low : self._low]] = True
            self._inside[self._places[self._high : high]] = True
        self._low, self._high = low, high
        return self._ascending.compress(
            self._inside
        )  # a mask as index takes ten times as long where it is mixed


def _counted(which: Bools) -> Ints:
    """How many are so before each place, and in all."""
    return np.concatenate([[0], np.cumsum(which)])


def quantiles_of(ordered: Floats) -> tuple[float, float, float, float, float]:
    """The QUANTILES of some ascending values, at least one: the same as np.quantile's, without its care for shapes and
    for what is not a number."""
    last = len(ordered) - 1
    marks: list[float] = []
    for quantile in QUANTILES:
        below = int(place := last * quantile)
        low, high, share = float(ordered[below]), float(ordered[min(below + 1, last)]), place - below
        # From the nearer end, as numpy does: equal ends give themselves.
        marks.append(low + (high - low) * share if share < 0.5 else high - (high - low) * (1.0 - share))
    first, second, third, fourth, fifth = marks
    return first, second, third, fourth, fifth


class DailyPasts:
    """The pasts that one asset is judged by at each time of a replay, worked out once a day."""

    def __init__(self, history: History, catalog: Catalog, book: RuleBook, asset: str) -> None:
        self._reader = None if book.past is None else PastReader(history, catalog, book, asset)
        self._day: datetime | None = None
        self._found: Mapping[str, OwnPast] | None = None

    def on(self, at: datetime) -> Mapping[str, OwnPast] | None:
        """The pasts for the day of a time; None of an edition that has none."""
        day = day_of(at)
        if self._reader is not None and day != self._day:
            self._day, self._found = day, self._reader.judged_by(day)
        return self._found


def own_pasts(
    history: History, catalog: Catalog, book: RuleBook, asset: str, at: datetime
) -> Mapping[str, OwnPast]:
    """Each fact's past for the day of a time."""
    return PastReader(history, catalog, book, asset).on(day_of(at))


def _hourly(columns: Mapping[str, tuple[int, Floats] | None]) -> tuple[int, dict[str, Floats]]:
    """The values of each hour from the first one that is known on, nan where nothing speaks for it; and that hour."""
    there = {name: found for name, found in columns.items() if found is not None}
    if not there:
        return 0, {name: np.empty(0) for name in columns}
    first = min(start for start, _ in there.values())
    last = max(start + len(cells) for start, cells in there.values())
    full: dict[str, Floats] = {}
    for name in columns:
        full[name] = np.full(last - first, np.nan)
        if name in there:
            start, cells = there[name]
            full[name][start - first : start - first + len(cells)] = cells
    return first, full


def _cells(history: History, fact: FactName) -> tuple[int, Floats] | None:
    column, estimates = history.column(fact.metric.name), history.estimates(fact.metric.name)
    if fact.view is None and len(estimates):
        both = [one for one in (column, estimates) if len(one)]
        first = min(int(one.at_ms.min() // HOUR_MS) for one in both)
        last = max(int(one.ends[-1]) for one in both)
        return first, column.hourly_with(estimates, first, last)[0]
    if not len(column):
        return None
    first, last = int(column.at_ms.min() // HOUR_MS), int(column.ends[-1])
    if fact.view is None:
        return first, column.hourly(first, last)
    suffix = fact.view.suffix
    views = replay_views(history, fact.metric, (kind_of(suffix),), (look_back_of(suffix),))
    if views is None:
        return None
    rows = hour_rows(column)
    cells = np.full(last - first + 1, np.nan)
    values = views.values[suffix]
    # A view of a day's figure speaks for the hours of that day, as the figure does.
    ends = column.ends[rows]
    begins = np.minimum(-(-column.at_ms[rows] // HOUR_MS).astype(np.int64), ends)
    if (begins == ends).all():
        cells[ends - first] = values
        return first, cells
    for begin, end, value in zip(begins, ends, values, strict=True):
        cells[max(int(begin) - first, 0) : int(end) + 1 - first] = value
    return first, cells


def _estimated(history: History, fact: FactName, first: int, cells: Floats) -> Bools:
    """Which hours of a fact's cells stand on an estimate."""
    estimates = history.estimates(fact.metric.name)
    if fact.view is not None or not len(estimates) or not len(cells):
        return np.zeros(len(cells), np.bool_)
    column = history.column(fact.metric.name)
    return column.hourly_with(estimates, first, first + len(cells) - 1)[1]


def _weekly(window: Floats, weeks: int) -> tuple[float, ...]:
    """The changes over whole weeks back from the end, newest first; a week of which an end is not known is left out."""
    ends = window[::-1][::WEEK_HOURS][: weeks + 1]
    moves = ends[:-1] - ends[1:]
    return tuple(round(float(move), 6) for move in moves if not np.isnan(move))


def _in_force(rows: Iterable[ShippedPast], fact: str, day: datetime) -> ShippedPast | None:
    """The shipped row of a fact that is used on a day: after its end, for a year."""
    for row in rows:
        if row.fact == fact and row.until < day.date() <= row.until + timedelta(days=365):
            return row
    return None


def _blended(own: OwnPast | None, row: ShippedPast) -> OwnPast | None:
    """The own past, with a shipped row in the place of the days that are not there yet."""
    have = 0 if own is None else own.days
    lacking = max(row.days - have, 0)
    if own is not None and not lacking:
        return own
    share = lacking / (lacking + have)
    marks = row.quantiles
    if own is not None:
        pairs = zip(row.quantiles, own.quantiles, strict=True)
        mixed = [share * shipped + (1.0 - share) * mine for shipped, mine in pairs]
        marks = (mixed[0], mixed[1], mixed[2], mixed[3], mixed[4])
    base = own or OwnPast(
        fact=row.fact,
        quantiles=marks,
        days=0,
        since=datetime(row.since.year, row.since.month, row.since.day, tzinfo=UTC),
        until=datetime(row.until.year, row.until.month, row.until.day, tzinfo=UTC),
    )
    return replace(base, quantiles=marks, days=lacking + have, source="shipped")

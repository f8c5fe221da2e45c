"""The views of a metric: changes, percentile, z-score, "its lowest since".

One function over hourly columns: live asks it for the last row, a replay for all.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from functools import cache, cached_property, lru_cache
from math import isnan, sqrt

import numpy as np
from msgspec import Struct, field

from bot.domain.catalog import RANK, VIEWS, Metric
from bot.domain.chain import Bools, Floats, Ints
from bot.metrics.columns import DAY_MS, HOUR_MS, HistoryColumn
from bot.metrics.history import History

WINDOW_HOURS = 90 * 24
RECORD_HOURS = 365 * 24
MIN_DAYS = 60
MIN_MEDIAN_DAYS = 30
MIN_HOURS_SHARE = 0.80
MIN_RECORD_SHARE = 0.95
FEW_ROWS = 48
ROWS_TO_ROLL = 1_000
"""From how many rows on a window is rolled over all of them at once. For fewer, such as the last weeks before a start, what
rolls takes longer to import than they take one by one."""
LOOK_BACKS = {
    label: (VIEWS[f"change_{label}"].window, VIEWS[f"change_{label}"].window.total_seconds() * 1000.0)
    for label in ("1h", "24h", "7d")
}
"""How far back the changes look: as a time, and in milliseconds."""
KINDS = ("change", "unusual", "record")
"""The kinds of views, each worked out on its own: against another time, against the last 90 days, against the
last year."""


class Views(Struct, kw_only=True, eq=False):
    """The views of one metric at some of its rows, of the kinds that were asked for; nan where a view is not
    known.

    `known_ms`: the rows' times. `values`: a column for each suffix of `VIEWS` that the metric has.
    `since_ms`: for `lowest_since` and `highest_since` the time that stands beside them. `at_least`: where
    such a record is only known to be at least that old, because nothing as extreme is in all the past that is
    known. `common`: for each look-back ("1h", "24h", "7d") which venues (rows: `venues`) were compared. `days`:
    days with a sample among the last 90."""

    known_ms: Floats
    values: dict[str, Floats] = field(default_factory=dict)
    since_ms: dict[str, Floats] = field(default_factory=dict)
    at_least: dict[str, Bools] = field(default_factory=dict)
    days: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    venues: tuple[str, ...] = ()
    common: dict[str, Bools] = field(default_factory=dict)

    def venues_compared(self, suffix: str, row: int = 0) -> tuple[str, ...]:
        """The venues that a change compares at one of the rows; none for the other views."""
        there = self.common.get(look_back_of(suffix))
        if there is None:
            return ()
        return tuple(name for name, is_there in zip(self.venues, there[:, row], strict=True) if is_there)


@cache
def kind_of(suffix: str) -> str:
    """The kind of a view, one of `KINDS`."""
    if suffix.endswith("_since"):
        return "record"
    return "change" if suffix.startswith(("change_", "before_")) else "unusual"


@cache
def look_back_of(suffix: str) -> str:
    """How far back a view looks that is a change, one of `LOOK_BACKS`; of others, its own suffix."""
    return suffix.removeprefix("change_").removeprefix("before_").removesuffix("_pct")


def view_at(history: History, metric: Metric, at_ms: float, kinds: Collection[str] = KINDS) -> Views | None:
    """The views at the last row known by then, None where there is no row: what live asks for."""
    length = len(history.column(metric.name).until(at_ms))
    return _views(history, metric, np.array([length - 1]), length, kinds) if length else None


def replay_views(
    history: History,
    metric: Metric,
    kinds: Collection[str] = KINDS,
    look_backs: Collection[str] = tuple(LOOK_BACKS),
    rows: Ints | None = None,
) -> Views | None:
    """The views at the last row of each hour, None where there is no row: what a replay asks for. Of the changes those that
    look so far back; of the hours those that end with one of the `rows`, ascending, where any are named."""
    column = history.column(metric.name)
    if not len(column):
        return None
    rows = hour_rows(column) if rows is None else rows
    return _views(history, metric, rows, len(column), kinds, look_backs)


def _views(
    history: History,
    metric: Metric,
    rows: Ints,
    length: int,
    kinds: Collection[str],
    look_backs: Collection[str] = tuple(LOOK_BACKS),
) -> Views:
    """Views of a metric at some of the first `length` rows of its aggregate column, each the last one of its
    hour."""
    column = history.column(metric.name).first(length)
    seen = Views(known_ms=column.known_ms[rows])
    if "unusual" in kinds or "record" in kinds:
        ends = column.ends[rows]
        reach = RECORD_HOURS if "record" in kinds else WINDOW_HOURS
        first = max(int(ends[0]) - reach, int(column.at_ms.min() // HOUR_MS))
        cells = column.hourly(first, int(ends[-1]))
        covered = _Coverage(cells, first)
        estimates = history.estimates(metric.name)
        if "unusual" in kinds and len(estimates):
            begin = max(int(ends[0]) - WINDOW_HOURS, min(first, int(estimates.at_ms.min() // HOUR_MS)))
            filled, _ = column.hourly_with(estimates, begin, int(ends[-1]))
            _add_unusual(seen, filled, ends - begin, _Coverage(filled, begin), amount=metric.amount)
        elif "unusual" in kinds:
            _add_unusual(seen, cells, ends - first, covered, amount=metric.amount)
            _rank_sums_among_same_venues(seen, history, metric, rows, first)
        if "record" in kinds:
            _add_records(seen, cells, ends - first, covered, first)
            _drop_lows_that_lost_a_venue(seen, history, metric, rows, first)
    if "change" in kinds and not (
        len(rows) == 1 and _add_changes_among_same_venues(seen, history, metric, int(rows[0]))
    ):
        _add_changes(seen, history, metric, rows, look_backs)
    return seen


def _venues_of_sums(
    history: History, metric: Metric, rows: Ints, first: int
) -> tuple[Bools, Floats, Bools] | None:
    """Of a sum over several venues, for each venue and row whether it is in the sum there; the venues' cells; and whether
    enough of its last 90 days is told. None where there is no such sum."""
    venues = history.venues(metric.name)
    if metric.combine != "sum" or len(venues) < 2 or metric.judged:
        return None
    column = history.column(metric.name)
    ends = column.ends[rows] - first
    begins, last = np.maximum(ends - (WINDOW_HOURS - 1), 0), first + int(ends[-1])
    here = ~np.isnan(
        _stack([_exactly(history.column(metric.name, one), column, rows) for one in venues], len(rows))
    )
    cells = _stack([history.column(metric.name, one).hourly(first, last) for one in venues], last - first + 1)
    enough = np.zeros_like(here)
    for place, own in enumerate(cells):
        covered = _Coverage(own, first)
        days, hours = covered.days(begins, ends), covered.hours(begins, ends)
        enough[place] = (days >= MIN_DAYS) & (hours >= MIN_HOURS_SHARE * 24 * days)
    return here, cells, enough


def _drop_lows_that_lost_a_venue(
    seen: Views, history: History, metric: Metric, rows: Ints, first: int
) -> None:
    """A sum that lacks a venue which told its last 90 days is low for that: since when it was as low is not known."""
    found = _venues_of_sums(history, metric, rows, first)
    if found is None:
        return
    here, _, enough = found
    lost = here.any(axis=0) & (enough & ~here).any(axis=0)
    seen.values["lowest_since"] = np.where(lost, np.nan, seen.values["lowest_since"])
    seen.since_ms["lowest_since"] = np.where(lost, np.nan, seen.since_ms["lowest_since"])
    seen.at_least["lowest_since"] = seen.at_least["lowest_since"] & ~lost


def _rank_sums_among_same_venues(
    seen: Views, history: History, metric: Metric, rows: Ints, first: int
) -> None:
    """Of a sum, how unusual it is among sums of the same venues: those of its row that told enough of the last 90 days.
    One that is new, or of which no past is told, is left out of both; where all told enough, or none, nothing
    changes."""
    of_sums = _venues_of_sums(history, metric, rows, first)
    if of_sums is None:
        return
    here, cells, enough = of_sums
    if not (here.sum(axis=0) > 1).any():
        return
    ends = history.column(metric.name).ends[rows] - first
    kept = here & enough & ~np.isnan(cells[:, ends])
    partly = (kept.sum(axis=0) > 0) & (kept != here).any(axis=0)
    if not partly.any():
        return
    sets, set_of = np.unique(kept[:, partly], axis=1, return_inverse=True)
    for number in range(sets.shape[1]):
        own_rows = np.flatnonzero(partly)[set_of == number]
        together = np.asarray(cells[sets[:, number]].sum(axis=0), np.float64)
        found = Views(known_ms=seen.known_ms[own_rows])
        _add_unusual(found, together, ends[own_rows], _Coverage(together, first), amount=metric.amount)
        for suffix, values in found.values.items():
            seen.values[suffix][own_rows] = values
        seen.days[own_rows] = found.days


def _add_unusual(seen: Views, cells: Floats, ends: Ints, covered: _Coverage, *, amount: bool) -> None:
    """How unusual the value is among those of the last 90 days, where enough of them are known; of an amount, how many
    times their median it is."""
    begins = np.maximum(ends - (WINDOW_HOURS - 1), 0)
    days, hours = covered.days(begins, ends), covered.hours(begins, ends)
    seen.days = days
    enough = (days >= MIN_DAYS) & (hours >= MIN_HOURS_SHARE * 24 * days)
    percentile, zscore = _unusual(cells, ends, hours) if enough.any() else (np.full(len(ends), np.nan),) * 2
    seen.values[RANK] = np.where(enough, percentile, np.nan)
    seen.values["zscore_90d"] = np.where(enough, zscore, np.nan)
    if amount:
        enough = (days >= MIN_MEDIAN_DAYS) & (hours >= MIN_HOURS_SHARE * 24 * days)
        median = _medians(cells, ends) if enough.any() else np.full(len(ends), np.nan)
        seen.values["times_median_90d"] = np.where(enough, _ratio(cells[ends], median), np.nan)


def _add_records(seen: Views, cells: Floats, ends: Ints, covered: _Coverage, first: int) -> None:
    """Since when nothing was as low, or as high."""
    places, at_least = _records(cells, ends, covered)
    for suffix, place in places.items():
        seen.since_ms[suffix] = np.where(place < 0, np.nan, (place + first) * float(HOUR_MS))
        seen.values[suffix] = (seen.known_ms - seen.since_ms[suffix]) / DAY_MS
    seen.at_least.update(at_least)


@lru_cache(maxsize=1024)
def tolerance(max_age: timedelta, window: timedelta) -> float:
    """How much older than asked the value at a look-back's far end may be, in milliseconds; for an hour's, by half of
    it."""
    if window <= timedelta(hours=1):
        return 500.0 * window.total_seconds()
    return 1000.0 * max(timedelta(hours=1), max_age, 0.05 * window).total_seconds()


def hour_rows(column: HistoryColumn) -> Ints:
    """The last row of each hour: the steps of a replay."""
    cells = column.ends
    return np.flatnonzero(np.append(np.diff(cells) != 0, True)) if len(cells) else np.empty(0, np.int64)


class _Coverage:
    """How many hours and days of a stretch of cells have a value."""

    def __init__(self, cells: Floats, first: int) -> None:
        self._shift = first % 24
        end = self._shift + len(cells)
        self._there = np.zeros(end + -end % 24, np.bool_)
        self.there = self._there[self._shift : end]
        np.equal(cells, cells, out=self.there)  # nan is not itself

    @cached_property
    def _hours(self) -> Ints:
        """Hours with a value before each hour of whole days."""
        return np.append(0, self._there.cumsum(dtype=np.int64))

    @cached_property
    def _days(self) -> Ints:
        """Days with a value before each day."""
        return np.append(0, (np.diff(self._hours[::24]) > 0).cumsum(dtype=np.int64))

    def hours(self, begins: Ints, ends: Ints) -> Ints:
        """Hours with a value from `begins` to `ends`, both included."""
        if len(ends) == 1:
            return np.array([self.hours_between(int(begins[0]), int(ends[0]))])
        return np.asarray(self._hours[ends + self._shift + 1] - self._hours[begins + self._shift])

    def days(self, begins: Ints, ends: Ints) -> Ints:
        """UTC days with a value in that stretch; a day that it cuts counts by the hours inside."""
        if len(ends) == 1:
            return np.array([self.days_between(int(begins[0]), int(ends[0]))])
        begins, ends = begins + self._shift, ends + self._shift
        first_day, last_day = begins // 24, ends // 24
        whole = self._days[last_day] - self._days[np.minimum(first_day + 1, last_day)]
        head = self._hours[np.minimum((first_day + 1) * 24, ends + 1)] > self._hours[begins]
        tail = self._hours[ends + 1] > self._hours[np.maximum(last_day * 24, begins)]
        return np.asarray(whole + head + (tail & (last_day > first_day)))

    def hours_between(self, begin: int, end: int) -> int:
        """`hours` of one stretch."""
        return int(np.count_nonzero(self.there[begin : end + 1]))

    def days_between(self, begin: int, end: int) -> int:
        """`days` of one stretch."""
        there, begin, end = self._there, begin + self._shift, end + self._shift + 1
        second, last = (begin // 24 + 1) * 24, (end - 1) // 24 * 24
        if last < second:
            return int(there[begin:end].any())
        # Eight hours at a time: 24 of them are three numbers, of which one is not nothing.
        days = there[second:last].view(np.uint64).reshape(-1, 3)
        whole = int(np.count_nonzero(days[:, 0] | days[:, 1] | days[:, 2]))
        return whole + bool(np.count_nonzero(there[begin:second])) + bool(np.count_nonzero(there[last:end]))


def _unusual(cells: Floats, ends: Ints, hours: Ints) -> tuple[Floats, Floats]:
    """Percentile (ties count half) and z-score (population) of each end among the last 90 days, itself
    included.

    `hours` says how many of their hours have a value.
    """
    if len(ends) >= ROWS_TO_ROLL:
        import pandas as pd

        window = pd.Series(cells).rolling(WINDOW_HOURS, min_periods=1)
        rank = window.rank().to_numpy()[ends]
        spread = window.std(ddof=0).to_numpy()[ends]
        distance = cells[ends] - window.mean().to_numpy()[ends]
        return np.asarray((rank - 0.5) / hours * 100.0), _ratio(distance, spread)
    percentile, distance, spread = np.empty(len(ends)), np.empty(len(ends)), np.empty(len(ends))
    for i, end in enumerate(ends.tolist()):
        stretch = _known(cells[max(end - WINDOW_HOURS + 1, 0) : end + 1])
        count, value = len(stretch), cells[end]
        below = np.count_nonzero(stretch < value)
        equal = np.count_nonzero(stretch == value)
        percentile[i] = (below + equal / 2) / count * 100.0
        mean = np.add.reduce(stretch) / count
        distance[i] = value - mean
        apart = stretch - mean
        spread[i] = 0.0 if equal == count else sqrt(np.add.reduce(apart * apart) / count)
    return percentile, _ratio(distance, spread)


def _known(stretch: Floats) -> Floats:
    """The values that are known of some."""
    there = stretch == stretch  # noqa: PLR0124 - nan is not itself
    return stretch if there.all() else stretch[there]


def _medians(cells: Floats, ends: Ints) -> Floats:
    """The median of the last 90 days at each end, itself included."""
    if len(ends) >= ROWS_TO_ROLL:
        import pandas as pd

        return np.asarray(pd.Series(cells).rolling(WINDOW_HOURS, min_periods=1).median().to_numpy()[ends])
    return np.array([_median_of(cells[max(end - WINDOW_HOURS + 1, 0) : end + 1]) for end in ends])


def _median_of(stretch: Floats) -> float:
    """The median of the known ones, nan where there is none."""
    known = _known(stretch)
    if not len(known):
        return np.nan
    low, high = (len(known) - 1) // 2, len(known) // 2
    parted = np.partition(known, (low, high))
    return float((parted[low] + parted[high]) / 2.0)


def _ratio(above: Floats, below: Floats) -> Floats:
    """The ratio, nan where `below` is nothing."""
    return np.asarray(np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0.0))


def _records(cells: Floats, ends: Ints, covered: _Coverage) -> tuple[dict[str, Ints], dict[str, Bools]]:
    """For each end the last earlier cell at most as high (as low), within a year; -1 where it cannot be
    known.

    Where nothing as extreme is in all the past that is known, the cell is where that past begins, and the
    second answer is True: such a record is at least that old. It is told from 60 days on. Either way 95% of
    the days between must have a value."""
    if len(ends) == 1:
        return _records_of_one(cells, int(ends[0]), covered)
    holes = np.isnan(cells)
    earliest = np.maximum(ends - RECORD_HOURS, 0)
    heard = np.flatnonzero(~holes)
    begin = heard[np.minimum(np.searchsorted(heard, earliest), len(heard) - 1)]
    found = _last_as_extreme(cells, holes, ends)
    ends, earliest, begin = (np.concatenate((one, one)) for one in (ends, earliest, begin))
    open_ended = found < earliest
    found = np.where(open_ended, begin, found)
    dense = covered.days(found, ends) >= MIN_RECORD_SHARE * (ends // 24 - found // 24 + 1)
    known = dense & (~open_ended | (ends - found >= MIN_DAYS * 24))
    places, at_least = np.where(known, found, -1), open_ended & known
    half = len(ends) // 2
    return (
        {"lowest_since": places[:half], "highest_since": places[half:]},
        {"lowest_since": at_least[:half], "highest_since": at_least[half:]},
    )


def _records_of_one(cells: Floats, end: int, covered: _Coverage) -> tuple[dict[str, Ints], dict[str, Bools]]:
    """`_records` of one row, which is all that live asks for: number by number, where numpy's arrays of one cost tenfold."""
    value, earliest = cells[end], max(end - RECORD_HOURS, 0)
    places, at_least = dict[str, Ints](), dict[str, Bools]()
    for suffix in ("lowest_since", "highest_since"):
        if value != value:  # noqa: PLR0124 - nan is not itself
            found = end - 1
        else:
            found = _last(cells[:end] <= value if suffix == "lowest_since" else cells[:end] >= value)
        is_open_ended = found < earliest
        if is_open_ended:
            heard = np.flatnonzero(covered.there)
            found = int(heard[min(int(heard.searchsorted(earliest)), len(heard) - 1)])
        days = covered.days_between(found, end)
        known = days >= MIN_RECORD_SHARE * (end // 24 - found // 24 + 1) and (
            not is_open_ended or end - found >= MIN_DAYS * 24
        )
        places[suffix] = np.array([found if known else -1])
        at_least[suffix] = np.array([is_open_ended and known])
    return places, at_least


def _last_as_extreme(cells: Floats, holes: Bools, ends: Ints) -> Ints:
    """The index of the last earlier value that is not above the one at each end, then of the last that is not below it; -1
    where there is none."""
    if len(ends) <= FEW_ROWS:
        low = [end - 1 if holes[end] else _last(cells[:end] <= cells[end]) for end in ends]
        high = [end - 1 if holes[end] else _last(cells[:end] >= cells[end]) for end in ends]
        return np.array(low + high, dtype=np.int64)
    # Both ways in one search: the wall between them is lower than everything, so neither sees the other.
    both = np.concatenate([np.where(holes, np.inf, cells), [-np.inf], np.where(holes, np.inf, -cells)])
    shift = len(cells) + 1
    found = _last_at_most(both, np.concatenate([ends, ends + shift]))
    return np.asarray(found - np.repeat([0, shift], len(ends)))


def _last_at_most(ground: Floats, ends: Ints) -> Ints:
    """The index of the last earlier value that is not above the one at each end; -1 where there is none."""
    # Jump from each cell to the last one that its neighbor could not rule out, all cells at once: everything
    # between a cell and its place is above it, so where the place is above it too, nothing before that one's
    # own place can be the answer either.
    bounded = np.append(-np.inf, ground)
    place = np.arange(-1, len(ground))
    place[0] = 0
    active, above, now = np.arange(1, len(bounded)), ground, place[1:].copy()
    while len(active) > FEW_ROWS:
        jump = bounded[now] > above
        active, above, now = active[jump], above[jump], place[now[jump]]
        place[active] = now
    for cell in active:
        place[cell] = _last(ground[: cell - 1] <= ground[cell - 1]) + 1
    return np.asarray(place[ends + 1] - 1)


def _last(hits: Bools) -> int:
    """The last place that is True, -1 where none is."""
    backwards = hits[::-1]
    place = int(backwards.argmax()) if len(hits) else 0
    return len(hits) - 1 - place if len(hits) and backwards[place] else -1


def _add_changes_among_same_venues(seen: Views, history: History, metric: Metric, row: int) -> bool:
    """As `_add_changes` for one row, which is all that live asks for: number by number, where numpy's arrays of one cost
    tenfold. False where other venues stood behind a value then, and the changes are still to be worked out."""
    column = history.column(metric.name)
    standing = metric.venues_of or metric.name
    venues = history.venues(standing)
    columns = [history.column(standing, venue) for venue in venues]
    beside = history.column(standing) if metric.venues_of else column
    breaks = [history.breaks_ms(venue, metric.counts) if metric.counts else () for venue in venues]
    _, known_ms = column.span(row)
    now, now_least = column.value_at(row)
    at = _beside_of(beside, column, row)
    told, values = [own.has(at) for own in columns], dict[str, float]()
    for label, (window, window_ms) in LOOK_BACKS.items():
        then_ms = known_ms - window_ms
        before, found = column.before_one(then_ms, tolerance(metric.max_age, window))
        at = _beside_of(beside, column, found)
        for was_told, own, anew_ms in zip(told, columns, breaks, strict=True):
            anew = anew_ms and any(then_ms < at_ms <= known_ms for at_ms in anew_ms)
            if was_told != (not anew and own.has(at)):
                return False
        # The difference of two figures that may each be higher says nothing.
        is_known = not (now_least or column.value_at(found)[1])
        change = now - before if is_known else np.nan
        values[f"change_{label}"] = change
        values[f"before_{label}"] = before if is_known and not isnan(now) else np.nan
        if metric.amount:
            values[f"change_{label}_pct"] = change / before * 100.0 if before > 0.0 else np.nan
    seen.values.update({suffix: np.array([value]) for suffix, value in values.items()})
    seen.venues = venues
    seen.common.update(dict.fromkeys(LOOK_BACKS, np.array(told, np.bool_).reshape(-1, 1)))
    return True


def _beside_of(beside: HistoryColumn, column: HistoryColumn, row: int) -> tuple[float, float] | None:
    """Start and end of the row of the aggregate `beside` that was the last one at a row of `column`."""
    if beside is column:
        return column.span(row)
    return beside.span(beside.before_one(column.span(row)[1], np.inf)[1]) if len(beside) else None


def _add_changes(
    seen: Views, history: History, metric: Metric, rows: Ints, look_backs: Collection[str]
) -> None:
    """The changes, like for like: which venues were compared at each look-back, and the venues' names."""
    column = history.column(metric.name)
    known_ms, values = seen.known_ms, seen.values
    standing = metric.venues_of or metric.name
    venues = seen.venues = history.venues(standing)
    columns = [history.column(standing, venue) for venue in venues]
    beside = history.column(standing) if metric.venues_of else column
    here = _stack([_beside(own, beside, column, rows) for own in columns], len(rows))
    told, now_least = ~np.isnan(here), column.at_least[rows] > 0.0
    breaks = [history.breaks_ms(venue, metric.counts) if metric.counts else () for venue in venues]
    for label, (window, window_ms) in LOOK_BACKS.items():
        if label not in look_backs:
            continue
        then_ms = known_ms - window_ms
        tolerance_ms = tolerance(metric.max_age, window)
        now = column.value[rows]
        before, found = column.before(then_ms, tolerance_ms)
        then = _stack([_beside(own, beside, column, found) for own in columns], len(rows))
        anew = (
            _stack([_is_between(then_ms, ms, known_ms) for ms in breaks], len(rows)) > 0.0
            if any(breaks)
            else None
        )
        then = then if anew is None else np.where(anew, np.nan, then)
        same = (told != np.isnan(then)).all(axis=0)
        seen.common[label] = told
        whole = np.ones(len(rows), np.bool_)
        if not same.all():
            there = _stack([own.before(then_ms, tolerance_ms)[0] for own in columns], len(rows))
            there = there if anew is None else np.where(anew, np.nan, there)
            both = told & ~np.isnan(there)
            weights = _weights(history, metric, venues, known_ms, tolerance_ms)
            now = np.where(same, now, _combined(metric, here, both, weights))
            before = np.where(same, before, _combined(metric, there, both, weights))
            seen.common[label] = np.where(same, told, both)
            whole = same | (both == told).all(axis=0)
        # The difference of two figures that may each be higher says nothing.
        now = np.where(now_least | (column.at_least[found] > 0.0), np.nan, now)
        values[f"change_{label}"] = now - before
        # Shown beside the value now, so only where just the venues of the value now were compared.
        values[f"before_{label}"] = np.where(np.isnan(now) | ~whole, np.nan, before)
        if metric.amount:
            values[f"change_{label}_pct"] = _ratio(now - before, before) * 100.0


def _is_between(begins_ms: Floats, times_ms: Collection[float], ends_ms: Floats) -> Floats:
    """1 for each stretch that one of the times lies in, its end included, else 0."""
    inside = np.zeros(len(begins_ms))
    for time_ms in times_ms:
        inside = np.maximum(inside, (begins_ms < time_ms) & (time_ms <= ends_ms))
    return inside


def told_by(history: History, metric: Metric, column: HistoryColumn, rows: Ints) -> Bools:
    """For each venue of a metric (rows) whether it stands behind each of some rows of the aggregate (columns)."""
    standing = metric.venues_of or metric.name
    beside = history.column(standing) if metric.venues_of else column
    columns = [history.column(standing, venue) for venue in history.venues(standing)]
    return ~np.isnan(_stack([_beside(own, beside, column, rows) for own in columns], len(rows)))


def _exactly(own: HistoryColumn, column: HistoryColumn, rows: Ints) -> Floats:
    """A venue's values in the very rows of the aggregate (same start and end), nan where it has none."""
    if not len(own) or not len(column):
        return np.full(len(rows), np.nan)
    if len(rows) > 1 and _same_rows(own, column):
        return own.value[rows]
    if len(rows) == 1:
        row, known_ms = int(rows[0]), float(column.known_ms[rows[0]])
        value, at = own.before_one(known_ms, np.inf)
        there = float(own.known_ms[at]) == known_ms and own.at_ms[at] == column.at_ms[row]
        return np.array([value if there else np.nan])
    values, found = own.before(column.known_ms[rows], np.inf)
    same = (own.at_ms[found] == column.at_ms[rows]) & (own.known_ms[found] == column.known_ms[rows])
    return np.where(same, values, np.nan)


def _beside(own: HistoryColumn, beside: HistoryColumn, column: HistoryColumn, rows: Ints) -> Floats:
    """A venue's values in the rows of the aggregate `beside` that were the last ones at some rows of `column`."""
    if beside is column:
        return _exactly(own, column, rows)
    if not len(beside):
        return np.full(len(rows), np.nan)
    _, found = beside.before(column.known_ms[rows], np.inf)
    return _exactly(own, beside, found)


def _same_rows(own: HistoryColumn, column: HistoryColumn) -> bool:
    """Whether a venue's rows are just those of the aggregate, as where it is the only one."""
    return len(own) == len(column) and bool(
        (own.at_ms == column.at_ms).all() and (own.known_ms == column.known_ms).all()
    )


def _stack(columns: list[Floats], rows: int) -> Floats:
    """A row for each venue."""
    return np.array(columns) if columns else np.empty((0, rows))


def _weights(
    history: History, metric: Metric, venues: tuple[str, ...], known_ms: Floats, tolerance_ms: float
) -> Floats:
    """What each venue weighs at the later end: the same weights serve both ends, so a shift of weight is no
    move."""
    if metric.combine != "weighted":
        return np.ones((len(venues), len(known_ms)))
    weighing = [history.column(metric.weight, venue) for venue in venues]
    return _stack([own.before(known_ms, tolerance_ms)[0] for own in weighing], len(known_ms))


def _combined(metric: Metric, values: Floats, both: Bools, weights: Floats) -> Floats:
    """The aggregate over the venues that are there at both ends, nan where there is none or no rule to
    combine them."""
    if metric.combine is None:
        return np.full(values.shape[1], np.nan)
    if metric.combine == "median":
        return _median(np.where(both, values, np.nan))
    both = both & ~np.isnan(weights)
    total = np.where(both, values * weights, 0.0).sum(axis=0)
    if metric.combine == "sum":
        return np.where(both.any(axis=0), total, np.nan)
    return _ratio(total, np.where(both, weights, 0.0).sum(axis=0))


def _median(values: Floats) -> Floats:
    """The median of each column's known values, nan where there is none."""
    ordered = np.sort(values, axis=0)
    count = np.count_nonzero(~np.isnan(ordered), axis=0)
    where = np.arange(values.shape[1])
    low = ordered[np.maximum((count - 1) // 2, 0), where]
    return np.asarray((low + ordered[np.minimum(count // 2, len(values) - 1), where]) / 2.0)

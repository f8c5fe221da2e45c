"""What a metric was at one time and is at another, like for like, and how large a day's change of it usually is."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from math import fsum

import numpy as np
from msgspec import Struct

from bot.domain.catalog import Metric
from bot.domain.facts import TrailPoint
from bot.metrics.columns import HistoryColumn
from bot.metrics.history import History, to_time

DAY_MS = 86_400_000.0
USUAL_DAYS = 30
LEAST_DAYS = 10
LEAST_AGE = timedelta(hours=1)
WIDEST_GAP_MS = 6 * 3_600_000.0


class ValuePair(Struct, frozen=True, kw_only=True):
    """A metric's value `before` and `after`, in its own unit, and `size`: the change in usual days of its own
    (`usual_change`); None where too little of its past is known. `extreme` is the farthest value in between, where it lies
    outside both by a usual day or more (`farthest_between`), and `extreme_size` its distance from `before` as `size`."""

    metric: str
    before: float
    after: float
    size: float | None
    extreme: float | None = None
    extreme_size: float | None = None

    @property
    def farthest_size(self) -> float:
        """How far it went from `before` at most, whichever way, in usual days; 0 where that is not known."""
        return max(abs(self.size or 0.0), abs(self.extreme_size or 0.0))


def pair_of(history: History, metric: Metric, then_ms: float, now_ms: float) -> ValuePair | None:
    """The pair at two times (milliseconds since 1970), each the last value known by then and not older than the metric
    may be (an hour at least). A sum counts the venues alone that are there at both ends. None where either end is not
    known."""
    oldest_ms = max(metric.max_age, LEAST_AGE).total_seconds() * 1000.0
    ends = [_value_at(history.column(metric.name), at, oldest_ms) for at in (then_ms, now_ms)]
    if metric.combine == "sum" and (venues := history.venues(metric.name)):
        columns = [history.column(metric.name, venue) for venue in venues]
        both = [
            (before, after)
            for column in columns
            if (before := _value_at(column, then_ms, oldest_ms)) is not None
            and (after := _value_at(column, now_ms, oldest_ms)) is not None
        ]
        ends = [fsum(one[0] for one in both), fsum(one[1] for one in both)] if both else [None, None]
    before, after = ends
    if before is None or after is None:
        return None
    usual = usual_change(history.column(metric.name), now_ms, oldest_ms)
    size = None if usual is None or usual <= 0.0 else (after - before) / usual
    extreme = extreme_size = None
    if usual and metric.combine != "sum":  # of a sum other venues may have been heard in between
        point = farthest_between(history.column(metric.name), (before, after), (then_ms, now_ms), usual)
        if point is not None:
            extreme, extreme_size = point.value, (point.value - before) / usual
    return ValuePair(
        metric=metric.name, before=before, after=after, size=size, extreme=extreme, extreme_size=extreme_size
    )


def farthest_between(
    column: HistoryColumn, ends: tuple[float, float], times_ms: tuple[float, float], least: float
) -> TrailPoint | None:
    """The reading between two times that lies farthest outside those at its two `ends`, by `least` or more, in the metric's
    unit; None where there is none, or where for more than six hours nothing was read."""
    first, last = (int(column.known_ms.searchsorted(at, side="right")) for at in times_ms)
    values, times = column.value[first:last], column.known_ms[first:last]
    if not values.size or np.diff(times, prepend=times_ms[0], append=times_ms[1]).max() > WIDEST_GAP_MS:
        return None
    above, below = float(values.max()) - max(ends), min(ends) - float(values.min())
    if max(above, below) < least:
        return None
    place = first + int(values.argmax() if above >= below else values.argmin())
    return TrailPoint(at=to_time(float(column.known_ms[place])), value=float(column.value[place]))


def usual_change(column: HistoryColumn, now_ms: float, oldest_ms: float) -> float | None:
    """The root of the mean square of the changes from day to day over the 30 days that end a day before, in the
    metric's unit; None under ten of them."""
    days = [_value_at(column, now_ms - day * DAY_MS, oldest_ms) for day in range(1, USUAL_DAYS + 2)]
    changes = [near - far for near, far in pairwise(days) if near is not None and far is not None]
    return float(np.sqrt(np.mean(np.square(changes)))) if len(changes) >= LEAST_DAYS else None


def _value_at(column: HistoryColumn, at_ms: float, oldest_ms: float) -> float | None:
    place = int(column.known_ms.searchsorted(at_ms, side="right")) - 1
    if place < 0 or at_ms - column.known_ms[place] > oldest_ms:
        return None
    return float(column.value[place])

"""What a metric read on its way to now, so that two ends of a move are not taken for the whole of it.

Each reading counts as it was told; a bar speaks by its close, where nothing was observed in it. Of what is summed or weighed
over venues only readings of the venues of now are compared, and none from before a venue's sums were counted anew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import numpy as np

from bot.domain.catalog import Catalog, Metric
from bot.domain.chain import Bools, Floats
from bot.domain.facts import Trail, TrailPoint
from bot.metrics.columns import HOUR_MS, HistoryColumn
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.views import told_by

REACH = timedelta(days=8)
MOST_APART = timedelta(hours=6)
"""Readings that lie farther apart do not say how high or low it was between them."""
FOLLOWED = (
    "skew_",
    "basis_",
    "funding_annual_pct",
    "dvol",
    "open_interest_coin",
    "open_interest_usd",
    "spot_usd",
    "iv_term_slope_points",
    "put_call_volume_ratio",
    "vs_",
    "balance",
)
"""By how their names begin, the metrics of which a text tells moves."""


class LazyTrails(Mapping[str, Trail]):
    """The trails of the followed metrics that are told, each worked out when it is first asked for."""

    def __init__(self, history: History, catalog: Catalog, at: datetime) -> None:
        self._history, self._catalog, self._at = history, catalog, at
        self._made: dict[str, Trail | None] = {}

    def __getitem__(self, name: str) -> Trail:
        if name not in self._made:
            metric = self._catalog.metrics.get(name) if name.startswith(FOLLOWED) else None
            self._made[name] = trail_of(self._history, metric, self._at) if metric is not None else None
        trail = self._made[name]
        if trail is None:
            raise KeyError(name)
        return trail

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._catalog.metrics if self.get(name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


def trail_of(history: History, metric: Metric, at: datetime) -> Trail | None:
    """The trail of one metric up to a time; None where nothing was told within its reach."""
    column = history.column(metric.name).until(to_ms(at))
    first_ms = to_ms(at - REACH)
    for venue in history.venues(metric.name) if metric.counts else ():
        first_ms = max(
            (first_ms, *(ms for ms in history.breaks_ms(venue, metric.counts or "") if ms <= to_ms(at)))
        )
    rows = np.flatnonzero((column.known_ms >= first_ms) & _speaks(column))
    if not len(rows):
        return None
    if metric.combine in ("sum", "weighted"):
        told = told_by(history, metric, column, rows)
        rows = rows[(told == told[:, -1:]).all(axis=0)]
    times, values = column.known_ms[rows][::-1], column.value[rows][::-1]
    apart_ms = MOST_APART.total_seconds() * 1000.0
    holes = np.flatnonzero(times[:-1] - times[1:] > apart_ms)
    reach = int(holes[0]) + 1 if len(holes) else len(times)
    if to_ms(at) - times[0] > apart_ms:
        return None
    return Trail(
        since=to_time(float(times[reach - 1])),
        apart=MOST_APART,
        highs=_records(times[:reach], values[:reach]),
        lows=_records(times[:reach], -values[:reach], sign=-1.0),
    )


def _speaks(column: HistoryColumn) -> Bools:
    """Which rows are readings: what was observed, and bars of up to an hour in which nothing was."""
    covers, known = column.covers_ms, column.known_ms
    observed = known[covers == 0.0]
    inside = observed.searchsorted(known, side="right") > observed.searchsorted(column.at_ms, side="left")
    return np.asarray((covers == 0.0) | ((covers <= HOUR_MS) & ~inside))


def _records(times: Floats, values: Floats, sign: float = 1.0) -> tuple[TrailPoint, ...]:
    """The rows, newest first, that are higher than all before them in that order."""
    highest = np.maximum.accumulate(values)
    new = np.append(True, values[1:] > highest[:-1])
    return tuple(
        TrailPoint(at=to_time(float(time)), value=sign * float(value))
        for time, value in zip(times[new], values[new], strict=True)
    )

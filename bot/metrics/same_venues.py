"""A sum over venues, like for like: where another venue comes or goes it steps though nothing moved."""

from __future__ import annotations

from datetime import timedelta

import numpy as np

from bot.domain.chain import Floats
from bot.metrics.columns import HistoryColumn
from bot.metrics.history import History


def sum_over_same_venues(
    history: History, name: str, shown: tuple[int, int], least: timedelta
) -> HistoryColumn:
    """The rows of a metric from the first to before the last number of `shown`, each summed over the venues of the last of
    them alone, in the metric's unit; rows that lack one of these are left out. As they are where no venue is known beside
    them, or where the same ones are known for less than `least`."""
    rows, these = history.column(name), slice(*shown)
    known = rows.known_ms[these]
    told = [_values_at(history.column(name, venue), known) for venue in history.venues(name)]
    same = [values for values in told if len(known) and not np.isnan(values[-1])]
    covers_s = rows.covers_ms[these] / 1000.0
    as_heard = HistoryColumn.of(rows.at_ms[these], rows.value[these], covers_s)
    if not same:
        return as_heard
    sums = np.sum(same, axis=0)
    kept = ~np.isnan(sums)
    if known[-1] - known[kept][0] < least / timedelta(milliseconds=1):
        return as_heard
    return HistoryColumn.of(rows.at_ms[these][kept], sums[kept], covers_s[kept])


def _values_at(column: HistoryColumn, known_ms: Floats) -> Floats:
    """A column's values that were known at just these times; nan for the others."""
    if not len(column):
        return np.full(len(known_ms), np.nan)
    places = np.minimum(column.known_ms.searchsorted(known_ms), len(column) - 1)
    return np.where(column.known_ms[places] == known_ms, column.value[places], np.nan)

"""How far estimates lie from what was measured at the same time.

Formula: over each estimated stretch of which at least half the hours were measured, the difference of the estimate and
the median of the hourly values; `bias` is the median of the differences, `spread` the median distance from it.
Source: Huber and Ronchetti, Robust Statistics, on the median absolute deviation."""

from datetime import datetime

import numpy as np
from msgspec import Struct

from bot.metrics.columns import HOUR_MS
from bot.metrics.history import History, to_time

LEAST_STRETCHES = 3


class Calibration(Struct, frozen=True, kw_only=True):
    """Estimates of one metric against readings of the same stretches: how many were compared, by how much an estimate
    lies above the reading in the middle, and how far half of them lie from that at most; in the metric's unit (points
    where that is a percentage)."""

    metric: str
    stretches: int
    bias: float
    spread: float


def compare_estimates(history: History, metric: str) -> Calibration | None:
    """A metric's estimates against its readings; None where fewer than three stretches have both."""
    estimates, readings = history.estimates(metric), history.column(metric)
    if not len(estimates) or not len(readings):
        return None
    apart = []
    for at_ms, known_ms, value in zip(estimates.at_ms, estimates.known_ms, estimates.value, strict=True):
        first, last = int(at_ms // HOUR_MS) + 1, int(known_ms // HOUR_MS)
        cells = readings.hourly(first, last)
        measured = cells[~np.isnan(cells)]
        if 2 * len(measured) >= len(cells) > 0:
            apart.append(float(value) - float(np.median(measured)))
    if len(apart) < LEAST_STRETCHES:
        return None
    bias = float(np.median(apart))
    spread = float(np.median(np.abs(np.array(apart) - bias)))
    return Calibration(metric=metric, stretches=len(apart), bias=bias, spread=spread)


def readings_begin(history: History, metric: str) -> datetime | None:
    """When a metric's readings take over from its estimates; None where it has none of either."""
    estimates, readings = history.estimates(metric), history.column(metric)
    if not len(estimates) or not len(readings):
        return None
    return to_time(float(readings.known_ms[0]))

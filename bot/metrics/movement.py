"""How much the price moves on an ordinary day, and whether it left the range of the month.

Formula: an ordinary day is one standard deviation: Deribit's DVOL as it stood a day before, divided by √365; where
there is none, the standard deviation of the daily returns of the thirty days that ended a day before. A day before,
so that a shock is not measured by itself. Source: Hull, Options, Futures, and Other Derivatives, on volatility per
day."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.chain import Floats
from bot.metrics.columns import DAY_MS, HOUR_MS
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.moment import MetricInputs
from bot.reasons import reason

MAX_AGE = timedelta(hours=3)
DAYS = 30
LEAST_RETURNS = 20
DAYS_A_YEAR = 365.0

Compute = Callable[[MetricInputs, History], Measured | Unknown]


def _ordinary_day(moment: MetricInputs, history: History) -> Measured | Unknown:
    then_ms = to_ms(moment.at) - DAY_MS
    implied, _ = history.column("dvol").before(np.array([then_ms]), MAX_AGE.total_seconds() * 1000.0)
    if np.isfinite(implied[0]):
        value = float(implied[0]) / float(np.sqrt(DAYS_A_YEAR))
        return Measured(value=value, observed_at=moment.at, venues=("deribit",), of_venues=1)
    realized = realized_day(history, then_ms)
    if realized is None:
        return Unknown(reason=reason("no_ordinary_day", days=LEAST_RETURNS))
    return Measured(value=realized, observed_at=moment.at)


def realized_day(history: History, until_ms: float) -> float | None:
    """The standard deviation of the daily returns of the thirty days before a time, in percent; None where too few are
    known."""
    column = history.column("spot_usd").until(until_ms)
    if not len(column):
        return None
    last = int(until_ms // HOUR_MS)
    cells = column.hourly(last - DAYS * 24, last)
    return daily_spread(cells[::-24])


def daily_spread(closes: Floats) -> float | None:
    """The standard deviation of the returns between daily closes, newest first, in percent; None of too few."""
    returns = np.log(closes[:-1] / closes[1:])
    known = returns[~np.isnan(returns)]
    return float(known.std() * 100.0) if len(known) >= LEAST_RETURNS else None


def _break(extreme: str) -> Compute:
    def compute(moment: MetricInputs, history: History) -> Measured | Unknown:
        spot = moment.measure("spot_usd")
        if isinstance(spot, Unknown):
            return spot
        then_ms = to_ms(moment.at) - DAY_MS
        before, _ = history.column(extreme).before(np.array([then_ms]), MAX_AGE.total_seconds() * 1000.0)
        if not np.isfinite(before[0]):
            return Unknown(reason=reason("no_past_value", metric=extreme, days=1))
        return Measured(
            value=(spot.value / float(before[0]) - 1.0) * 100.0,
            observed_at=spot.observed_at,
            venues=spot.venues,
            of_venues=spot.of_venues,
            missing=spot.missing,
            extreme_at=to_time(then_ms),
        )

    return compute


METRICS = (
    Metric(
        name="ordinary_day_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(0.01, 100.0),
        compute=_ordinary_day,
        formula="DVOL of a day before / √365; else the standard deviation of the daily returns of 30 days",
    ),
    Metric(
        name="break_of_low_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(-100.0, 100_000.0),
        compute=_break("low_30d_usd"),
        formula="(spot / the 30-day low as it stood a day before - 1) x 100",
    ),
    Metric(
        name="break_of_high_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(-100.0, 100_000.0),
        compute=_break("high_30d_usd"),
        formula="(spot / the 30-day high as it stood a day before - 1) x 100",
    ),
)

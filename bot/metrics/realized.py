"""How much the price really moved, and how far the expected movement lies above that.

Formula, of hourly bars, in % a year of 8,760 hours, with r = ln(C₂/C₁) of closes an hour apart and no mean taken off:
close to close √(Σr²/n x 8,760); by the range of each bar (Parkinson 1980) √(Σln(H/L)²/(4 ln 2 x n) x 8,760). Known where
95% of the hours are. The premium is DVOL, which looks 30 days ahead, minus what came close to close in the 30 days before:
the month ahead is not known, so it says how dear movement is against the month that was. It says how much, never which
way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from math import log

import numpy as np

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.chain import Floats
from bot.metrics.columns import HOUR_MS
from bot.metrics.history import History, to_ms
from bot.metrics.moment import MetricInputs
from bot.reasons import reason

BAR_MAX_AGE = timedelta(hours=3)
MIN_SHARE = 0.95
HOURS_A_YEAR = 8_760.0
SPANS_DAYS = (7, 30)
PARKINSON = 4.0 * log(2.0)

Compute = Callable[[MetricInputs, History], Measured | Unknown]


def close_to_close(closes: Floats) -> float | None:
    """The volatility of hourly closes, oldest first (nan where not known), % a year; None where under 95% of the returns
    are known."""
    return _yearly(np.log(closes[1:] / closes[:-1]) ** 2)


def by_range(highs: Floats, lows: Floats) -> float | None:
    """The volatility by the range of hourly bars (nan where not known), % a year; None where under 95% of them are
    known."""
    return _yearly(np.log(highs / lows) ** 2 / PARKINSON)


def _yearly(squares: Floats) -> float | None:
    known = squares[np.isfinite(squares)]
    if not len(squares) or len(known) < MIN_SHARE * len(squares):
        return None
    return float(np.sqrt(known.mean() * HOURS_A_YEAR) * 100.0)


def realized_at(history: History, until_ms: float, days: int) -> float | None:
    """The close-to-close volatility of the days before a time, % a year; None where it is not known."""
    last = int(until_ms // HOUR_MS)
    column = history.column("spot_usd").until(until_ms)
    return close_to_close(column.hourly(last - 24 * days, last)) if len(column) else None


def premiums_of_days(history: History, now_ms: float, days: int = 365) -> Floats:
    """DVOL minus the realized volatility of 30 days, as it was at this hour of each of the last days (points), newest
    first; days on which either was not known are left out."""
    last, span = int(now_ms // HOUR_MS), 24 * 30
    closes = history.column("spot_usd").hourly(last - 24 * days - span, last)
    implied = history.column("dvol").hourly(last - 24 * days, last)
    squares = np.log(closes[1:] / closes[:-1]) ** 2
    known = np.isfinite(squares)
    sums = np.concatenate(([0.0], np.cumsum(np.where(known, squares, 0.0))))
    counts = np.concatenate(([0], np.cumsum(known)))
    ends = np.arange(len(closes) - 1, span - 1, -24)[1:]
    heard = counts[ends] - counts[ends - span]
    whole = heard >= MIN_SHARE * span
    came = np.sqrt((sums[ends] - sums[ends - span]) / np.maximum(heard, 1) * HOURS_A_YEAR) * 100.0
    found = np.where(whole, implied[ends - span] - came, np.nan)
    return np.asarray(found[np.isfinite(found)])


def _realized(days: int) -> Compute:
    def compute(moment: MetricInputs, history: History) -> Measured | Unknown:
        return _told(moment, realized_at(history, to_ms(moment.at), days), days)

    return compute


def _parkinson(days: int) -> Compute:
    def compute(moment: MetricInputs, history: History) -> Measured | Unknown:
        last = int(to_ms(moment.at) // HOUR_MS)
        highs, lows = (
            history.column(name).hourly(last - 24 * days, last - 1)
            for name in ("spot_high_usd", "spot_low_usd")
        )
        return _told(moment, by_range(highs, lows), days)

    return compute


def _told(moment: MetricInputs, value: float | None, days: int) -> Measured | Unknown:
    spot = moment.measure("spot_usd")
    if isinstance(spot, Unknown):
        return spot
    if value is None:
        return Unknown(reason=reason("no_hourly_bars", days=days))
    return Measured(
        value=value,
        observed_at=spot.observed_at,
        venues=spot.venues,
        of_venues=spot.of_venues,
        missing=spot.missing,
    )


def _premium(moment: MetricInputs, _: History) -> Measured | Unknown:
    implied, came = moment.measure("dvol"), moment.measure("realized_30d_pct")
    if isinstance(implied, Unknown) or isinstance(came, Unknown):
        return implied if isinstance(implied, Unknown) else came
    return Measured(
        value=implied.value - came.value,
        observed_at=min(implied.observed_at, came.observed_at),
        venues=implied.venues,
        of_venues=implied.of_venues,
        missing=implied.missing,
    )


METRICS = (
    *(
        Metric(
            name=f"realized_{days}d_pct",
            unit="% a year",
            max_age=BAR_MAX_AGE,
            valid=(0.1, 1_000.0),
            compute=_realized(days),
            formula=f"√(mean of the squared hourly log returns of {days} days x 8,760) x 100",
        )
        for days in SPANS_DAYS
    ),
    *(
        Metric(
            name=f"realized_{days}d_range_pct",
            unit="% a year",
            max_age=BAR_MAX_AGE,
            valid=(0.1, 1_000.0),
            compute=_parkinson(days),
            formula=f"√(mean of ln(high/low)² / (4 ln 2) of the hourly bars of {days} days x 8,760) x 100",
        )
        for days in SPANS_DAYS
    ),
    Metric(
        name="volatility_premium_points",
        unit="vol points",
        max_age=BAR_MAX_AGE,
        valid=(-500.0, 400.0),
        compute=_premium,
        formula="DVOL - realized volatility of 30 days, close to close",
    ),
)

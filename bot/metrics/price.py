"""Spot, its extremes, and the way from them.

Formula: spot is the median of the venues' index. The 30-day extremes are those of the hourly highs and lows
and of spot itself; they are told where bars cover 95% of the 30 days' hours. An extreme's time is the start
of its bar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np
from msgspec.structs import replace

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.chain import Floats
from bot.domain.readings import FutureQuote, SpotQuote
from bot.metrics.columns import HOUR_MS, HistoryColumn
from bot.metrics.combine import WeighedValue
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.moment import MetricInputs
from bot.reasons import reason

MAX_AGE = timedelta(minutes=30)
BAR_MAX_AGE = timedelta(hours=3)
DAYS = 30
MIN_SHARE = 0.95

Compute = Callable[[MetricInputs, History], Measured | Unknown]


def _spot(moment: MetricInputs, _: History) -> Measured | Unknown:
    parts = {
        quote.instrument.venue: WeighedValue(value=quote.index_usd, observed_at=quote.observed_at)
        for quote in moment.readings(FutureQuote, MAX_AGE)
        if quote.index_usd > 0.0
    }
    for quote in moment.readings(SpotQuote, MAX_AGE):
        parts[quote.venue] = WeighedValue(value=quote.index_usd, observed_at=quote.observed_at)
    return moment.combine("spot_usd", parts, "index")


def _bars(moment: MetricInputs, _: History) -> Measured | Unknown:
    return Unknown(reason=reason("no_bar")) if moment.venues_asked("index") else moment.silence("index")


def covered_share(column: HistoryColumn, since_ms: float, until_ms: float) -> float:
    """The share of the hours between two times that bars speak for."""
    first, last = int(since_ms // HOUR_MS) + 1, int((until_ms - 1) // HOUR_MS)
    bars = (column.covers_ms > 0.0) & (column.known_ms > since_ms) & (column.at_ms < until_ms)
    begins = np.maximum((column.at_ms[bars] // HOUR_MS).astype(np.int64) - first, 0)
    ends = np.minimum(((column.known_ms[bars] - 1) // HOUR_MS).astype(np.int64) - first, last - first)
    cells = last - first + 2
    open_bars = np.bincount(begins, minlength=cells) - np.bincount(ends + 1, minlength=cells)
    return float((np.cumsum(open_bars)[:-1] > 0).mean())


def _extreme(bar_metric: str, lowest: bool) -> Compute:
    def compute(moment: MetricInputs, history: History) -> Measured | Unknown:
        until_ms = to_ms(moment.at)
        since_ms = until_ms - DAYS * 24 * HOUR_MS
        bars = history.column(bar_metric)
        share = covered_share(bars, since_ms, until_ms)
        if share < MIN_SHARE:
            return Unknown(reason=reason("bars_warming", have=int(share * DAYS), days=DAYS))
        at_ms, value = _since(bars, since_ms)
        spot_at_ms, spot = _since(history.column("spot_usd"), since_ms)
        at_ms, value = np.append(at_ms, spot_at_ms), np.append(value, spot)
        now = moment.measure("spot_usd")
        if isinstance(now, Measured):
            at_ms, value = np.append(at_ms, to_ms(now.observed_at)), np.append(value, now.value)
        place = int(np.argmin(value) if lowest else np.argmax(value))
        return Measured(
            value=float(value[place]),
            observed_at=now.observed_at if isinstance(now, Measured) else to_time(float(bars.known_ms[-1])),
            venues=now.venues if isinstance(now, Measured) else (),
            of_venues=now.of_venues if isinstance(now, Measured) else 0,
            missing=now.missing if isinstance(now, Measured) else (),
            extreme_at=to_time(float(at_ms[place])),
        )

    return compute


def _since(column: HistoryColumn, since_ms: float) -> tuple[Floats, Floats]:
    """Times and values of the rows that start within the window."""
    inside = column.at_ms >= since_ms
    return column.at_ms[inside], column.value[inside]


def _from_extreme(name: str) -> Compute:
    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        spot, extreme = moment.measure("spot_usd"), moment.measure(name)
        if isinstance(spot, Unknown) or isinstance(extreme, Unknown):
            return spot if isinstance(spot, Unknown) else extreme
        return Measured(
            value=(spot.value / extreme.value - 1.0) * 100.0,
            observed_at=min(spot.observed_at, extreme.observed_at),
            venues=spot.venues,
            of_venues=spot.of_venues,
            missing=spot.missing,
            extreme_at=extreme.extreme_at,
        )

    return compute


def _hours_since(name: str) -> Compute:
    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        extreme = moment.measure(name)
        if isinstance(extreme, Unknown):
            return extreme
        if extreme.extreme_at is None:
            return Unknown(reason=reason("no_time_of", metric=name))
        hours = (moment.at - extreme.extreme_at).total_seconds() / 3600.0
        return replace(extreme, value=hours, by_venue=None)

    return compute


METRICS = (
    Metric(
        name="spot_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e8),
        compute=_spot,
        formula="the median over venues of their index",
        amount=True,
        combine="median",
        apart_pct=5.0,
    ),
    Metric(
        name="spot_high_usd",
        unit="USD",
        max_age=BAR_MAX_AGE,
        valid=(0.01, 1e8),
        compute=_bars,
        formula="the highest price of the last bar, as the venue tells it",
        amount=True,
        combine="median",
    ),
    Metric(
        name="spot_low_usd",
        unit="USD",
        max_age=BAR_MAX_AGE,
        valid=(0.01, 1e8),
        compute=_bars,
        formula="the lowest price of the last bar, as the venue tells it",
        amount=True,
        combine="median",
    ),
    Metric(
        name="high_30d_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e8),
        compute=_extreme("spot_high_usd", lowest=False),
        formula="the highest of the bars' highs of the last 30 days and of spot",
        amount=True,
    ),
    Metric(
        name="low_30d_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e8),
        compute=_extreme("spot_low_usd", lowest=True),
        formula="the lowest of the bars' lows of the last 30 days and of spot",
        amount=True,
    ),
    Metric(
        name="drawdown_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(-100.0, 0.0),
        compute=_from_extreme("high_30d_usd"),
        formula="(spot / 30-day high - 1) x 100",
    ),
    Metric(
        name="rebound_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(0.0, 100_000.0),
        compute=_from_extreme("low_30d_usd"),
        formula="(spot / 30-day low - 1) x 100",
    ),
    Metric(
        name="hours_since_high",
        unit="h",
        max_age=MAX_AGE,
        valid=(0.0, 721.0),
        compute=_hours_since("high_30d_usd"),
        formula="the time since the 30-day high was set",
    ),
    Metric(
        name="hours_since_low",
        unit="h",
        max_age=MAX_AGE,
        valid=(0.0, 721.0),
        compute=_hours_since("low_30d_usd"),
        formula="the time since the 30-day low was set",
    ),
)

"""Against gold and against the Nasdaq 100.

Formula: the 30-day return of spot - the other's, each from its last value and the one known 30 days before it
(5% of the window earlier at most; for the Nasdaq, which rests on weekends and holidays, five days). Gold is
tokenized: PAXG or XAUT, one ounce."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.readings import SpotQuote
from bot.metrics.combine import WeighedValue
from bot.metrics.history import History, to_ms
from bot.metrics.moment import MetricInputs
from bot.metrics.views import tolerance
from bot.reasons import reason

GOLD_MAX_AGE = timedelta(hours=3)
NASDAQ_MAX_AGE = timedelta(days=5)
GOLD = ("PAXG", "XAUT")
WINDOW = timedelta(days=30)

Compute = Callable[[MetricInputs, History], Measured | Unknown]


def _gold(moment: MetricInputs, _: History) -> Measured | Unknown:
    parts = {
        f"{quote.venue} {quote.asset}": WeighedValue(value=quote.index_usd, observed_at=quote.observed_at)
        for quote in moment.readings(SpotQuote, GOLD_MAX_AGE, GOLD)
    }
    return moment.combine("gold_usd", parts, "gold")


def _nasdaq(moment: MetricInputs, _: History) -> Measured | Unknown:
    return Unknown(reason=reason("no_close")) if moment.venues_asked("nasdaq") else moment.silence("nasdaq")


def _return_pct(
    moment: MetricInputs, history: History, name: str, max_age: timedelta
) -> tuple[float, Measured] | Unknown:
    """The 30-day return in %, and the value it ends with."""
    now = moment.measure(name)
    if isinstance(now, Unknown):
        return now
    then_ms = np.array([to_ms(now.observed_at - WINDOW)])
    before = float(history.column(name).before(then_ms, tolerance(max_age, WINDOW))[0][0])
    if np.isnan(before):
        return Unknown(reason=reason("no_past_value", metric=name, days=WINDOW.days))
    return (now.value / before - 1.0) * 100.0, now


def _against(name: str, max_age: timedelta) -> Compute:
    def compute(moment: MetricInputs, history: History) -> Measured | Unknown:
        spot = _return_pct(moment, history, "spot_usd", timedelta(minutes=30))
        other = _return_pct(moment, history, name, max_age)
        if isinstance(spot, Unknown):
            return spot
        if isinstance(other, Unknown):
            return other
        return Measured(
            value=spot[0] - other[0],
            observed_at=min(spot[1].observed_at, other[1].observed_at),
            venues=spot[1].venues,
            of_venues=spot[1].of_venues,
            missing=spot[1].missing,
        )

    return compute


METRICS = (
    Metric(
        name="gold_usd",
        unit="USD",
        max_age=GOLD_MAX_AGE,
        valid=(10.0, 1e6),
        compute=_gold,
        formula="the price of one ounce of tokenized gold (PAXG or XAUT), the median of those heard",
        amount=True,
        combine="median",
    ),
    Metric(
        name="nasdaq_points",
        unit="points",
        max_age=NASDAQ_MAX_AGE,
        valid=(100.0, 1e7),
        compute=_nasdaq,
        formula="the last close of the Nasdaq 100",
        amount=True,
        combine="median",
    ),
    Metric(
        name="vs_gold_30d_pct",
        unit="points",
        max_age=GOLD_MAX_AGE,
        valid=(-1_000.0, 10_000.0),
        compute=_against("gold_usd", GOLD_MAX_AGE),
        formula="30-day return of spot in % - of gold in %",
    ),
    Metric(
        name="vs_nasdaq_30d_pct",
        unit="points",
        max_age=NASDAQ_MAX_AGE,
        valid=(-1_000.0, 10_000.0),
        compute=_against("nasdaq_points", NASDAQ_MAX_AGE),
        formula="30-day return of spot in % - of the Nasdaq 100 in %",
    ),
)

"""Spot, its extremes, and the way from them."""

from datetime import timedelta

from bot.domain.catalog import Measured, Metric, Unknown


def _later(moment: object, history: object) -> Measured | Unknown:
    return Unknown(reason="not measured yet")


METRICS = (
    Metric(
        name="spot_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(0.01, 1e8),
        compute=_later,
        formula="median over venues of their index",
        amount=True,
    ),
    Metric(
        name="spot_high_usd",
        unit="USD",
        max_age=timedelta(hours=3),
        valid=(0.01, 1e8),
        compute=_later,
        formula="highest index or perpetual price of the last bar, as the venue tells it",
        amount=True,
    ),
    Metric(
        name="spot_low_usd",
        unit="USD",
        max_age=timedelta(hours=3),
        valid=(0.01, 1e8),
        compute=_later,
        formula="lowest index or perpetual price of the last bar, as the venue tells it",
        amount=True,
    ),
    Metric(
        name="high_30d_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(0.01, 1e8),
        compute=_later,
        formula="highest of the hourly highs of the last 30 days and of spot",
        amount=True,
    ),
    Metric(
        name="low_30d_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(0.01, 1e8),
        compute=_later,
        formula="lowest of the hourly lows of the last 30 days and of spot",
        amount=True,
    ),
    Metric(
        name="drawdown_pct",
        unit="%",
        max_age=timedelta(minutes=30),
        valid=(-100.0, 0.0),
        compute=_later,
        formula="(spot / 30-day high - 1) x 100",
    ),
    Metric(
        name="rebound_pct",
        unit="%",
        max_age=timedelta(minutes=30),
        valid=(0.0, 100_000.0),
        compute=_later,
        formula="(spot / 30-day low - 1) x 100",
    ),
    Metric(
        name="hours_since_high",
        unit="h",
        max_age=timedelta(minutes=30),
        valid=(0.0, 721.0),
        compute=_later,
        formula="time since the 30-day high was set",
    ),
    Metric(
        name="hours_since_low",
        unit="h",
        max_age=timedelta(minutes=30),
        valid=(0.0, 721.0),
        compute=_later,
        formula="time since the 30-day low was set",
    ),
)

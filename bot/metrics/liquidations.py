"""Positions closed by force."""

from datetime import timedelta

from bot.domain.catalog import Measured, Metric, Unknown


def _later(moment: object, history: object) -> Measured | Unknown:
    return Unknown(reason="not measured yet")


METRICS = (
    Metric(
        name="liquidations_1h_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of longs and shorts over one hour",
        amount=True,
    ),
    Metric(
        name="liquidations_1h_long_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of longs over one hour",
        amount=True,
    ),
    Metric(
        name="liquidations_1h_short_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of shorts over one hour",
        amount=True,
    ),
    Metric(
        name="liquidations_24h_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of longs and shorts over 24 hours",
        amount=True,
    ),
    Metric(
        name="liquidations_24h_long_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of longs over 24 hours",
        amount=True,
    ),
    Metric(
        name="liquidations_24h_short_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of shorts over 24 hours",
        amount=True,
    ),
    Metric(
        name="liquidations_5d_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of longs and shorts over five days",
        amount=True,
    ),
    Metric(
        name="liquidations_5d_long_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of longs over five days",
        amount=True,
    ),
    Metric(
        name="liquidations_5d_short_usd",
        unit="USD",
        max_age=timedelta(hours=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="force-closed notional of shorts over five days",
        amount=True,
    ),
    Metric(
        name="liquidations_max_day_1y_usd",
        unit="USD",
        max_age=timedelta(days=2),
        valid=(0.0, 1e12),
        compute=_later,
        formula="largest UTC day of force-closed notional in a year",
        amount=True,
    ),
    Metric(
        name="liquidations_24h_pct_of_oi",
        unit="%",
        max_age=timedelta(hours=2),
        valid=(0.0, 100.0),
        compute=_later,
        formula="liquidations of 24 hours / open interest x 100",
    ),
    Metric(
        name="liquidations_5d_pct_of_oi",
        unit="%",
        max_age=timedelta(hours=2),
        valid=(0.0, 100.0),
        compute=_later,
        formula="liquidations of five days / open interest x 100",
    ),
)

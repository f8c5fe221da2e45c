"""What dated futures and perpetuals cost above spot, and how accounts stand."""

from datetime import timedelta

from bot.domain.catalog import Measured, Metric, Unknown


def _later(moment: object, history: object) -> Measured | Unknown:
    return Unknown(reason="not measured yet")


METRICS = (
    Metric(
        name="basis_30d_pct",
        unit="% a year",
        max_age=timedelta(minutes=30),
        valid=(-200.0, 500.0),
        compute=_later,
        formula="(mark / index - 1) x 365 / days to expiry x 100, interpolated in days to 30",
    ),
    Metric(
        name="basis_60d_pct",
        unit="% a year",
        max_age=timedelta(minutes=30),
        valid=(-200.0, 500.0),
        compute=_later,
        formula="(mark / index - 1) x 365 / days to expiry x 100, interpolated in days to 60",
    ),
    Metric(
        name="basis_90d_pct",
        unit="% a year",
        max_age=timedelta(minutes=30),
        valid=(-200.0, 500.0),
        compute=_later,
        formula="(mark / index - 1) x 365 / days to expiry x 100, interpolated in days to 90",
    ),
    Metric(
        name="perp_premium_pct",
        unit="%",
        max_age=timedelta(minutes=30),
        valid=(-20.0, 20.0),
        compute=_later,
        formula="(perpetual mark / index - 1) x 100, weighted by open interest",
    ),
    Metric(
        name="long_short_ratio",
        unit="ratio",
        max_age=timedelta(hours=2),
        valid=(0.001, 1_000.0),
        compute=_later,
        formula="accounts long / accounts short, median of venues",
    ),
)

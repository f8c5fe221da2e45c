"""What perpetuals charge one side for the other."""

from datetime import timedelta

from bot.domain.catalog import Measured, Metric, Unknown


def _later(moment: object, history: object) -> Measured | Unknown:
    return Unknown(reason="not measured yet")


METRICS = (
    Metric(
        name="funding_8h_pct",
        unit="%",
        max_age=timedelta(hours=1),
        valid=(-10.0, 10.0),
        compute=_later,
        formula="funding rate brought to 8 hours, weighted by open interest",
    ),
    Metric(
        name="funding_annual_pct",
        unit="% a year",
        max_age=timedelta(hours=1),
        valid=(-10_950.0, 10_950.0),
        compute=_later,
        formula="8-hour funding x 1,095",
    ),
)

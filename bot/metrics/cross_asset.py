"""Against gold and against the Nasdaq 100."""

from datetime import timedelta

from bot.domain.catalog import Measured, Metric, Unknown


def _later(moment: object, history: object) -> Measured | Unknown:
    return Unknown(reason="not measured yet")


METRICS = (
    Metric(
        name="gold_usd",
        unit="USD",
        max_age=timedelta(hours=3),
        valid=(10.0, 1e6),
        compute=_later,
        formula="price of tokenized gold (one ounce), as the venue tells it",
        amount=True,
    ),
    Metric(
        name="nasdaq_points",
        unit="points",
        max_age=timedelta(days=5),
        valid=(100.0, 1e7),
        compute=_later,
        formula="close of the Nasdaq 100",
        amount=True,
    ),
    Metric(
        name="vs_gold_30d_pct",
        unit="points",
        max_age=timedelta(hours=3),
        valid=(-1_000.0, 10_000.0),
        compute=_later,
        formula="30-day return of spot - of gold",
    ),
    Metric(
        name="vs_nasdaq_30d_pct",
        unit="points",
        max_age=timedelta(days=5),
        valid=(-1_000.0, 10_000.0),
        compute=_later,
        formula="30-day return of spot - of the Nasdaq 100",
    ),
)

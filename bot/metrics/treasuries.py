"""Corporate holders, marked to market. A statement of fact, never advice."""

from datetime import timedelta

from bot.domain.catalog import Measured, Metric, Unknown


def _later(moment: object, history: object) -> Measured | Unknown:
    return Unknown(reason="not measured yet")


METRICS = (
    Metric(
        name="treasury_cost_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(0.01, 1e13),
        compute=_later,
        formula="coins held x average cost, summed over the configured holders",
        amount=True,
    ),
    Metric(
        name="treasury_unrealized_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(-1e13, 1e13),
        compute=_later,
        formula="coins held x (spot - average cost), summed over the configured holders",
    ),
)

"""How much is open in futures and perpetuals, and why it moved."""

from datetime import timedelta

from bot.domain.catalog import Measured, Metric, Unknown


def _later(moment: object, history: object) -> Measured | Unknown:
    return Unknown(reason="not measured yet")


METRICS = (
    Metric(
        name="open_interest_coin",
        unit="coins",
        max_age=timedelta(minutes=30),
        valid=(1e-6, 1e12),
        compute=_later,
        formula="open interest of futures and perpetuals, one side counted once, in coins at each venue's index",
        amount=True,
    ),
    Metric(
        name="open_interest_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(0.01, 1e13),
        compute=_later,
        formula="open interest of futures and perpetuals, one side counted once, in dollars",
        amount=True,
    ),
    Metric(
        name="open_interest_price_effect_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(-1e13, 1e13),
        compute=_later,
        formula="coins 24 hours ago x the change of the index",
    ),
    Metric(
        name="open_interest_position_effect_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(-1e13, 1e13),
        compute=_later,
        formula="the change of coins over 24 hours x the index now",
    ),
    Metric(
        name="open_interest_price_effect_7d_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(-1e13, 1e13),
        compute=_later,
        formula="coins 7 days ago x the change of the index",
    ),
    Metric(
        name="open_interest_position_effect_7d_usd",
        unit="USD",
        max_age=timedelta(minutes=30),
        valid=(-1e13, 1e13),
        compute=_later,
        formula="the change of coins over 7 days x the index now",
    ),
)

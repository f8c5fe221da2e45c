"""`/price`: spot, how far from its high and its low, and beside gold and the Nasdaq."""

from bot.commands import Command, Request
from bot.commands._telling import ASSET, about_metric
from bot.desk import Desk
from bot.domain.posts import Answer

LEAD = "spot_usd"
SHOWN = (
    "spot_usd",
    "spot_usd.change_24h_pct",
    "spot_usd.change_7d_pct",
    "high_30d_usd",
    "drawdown_pct",
    "low_30d_usd",
    "rebound_pct",
    "vs_gold_30d_pct",
    "vs_nasdaq_30d_pct",
)


async def answer(desk: Desk, request: Request) -> Answer:
    """The price as last stored. Raises InputError."""
    return await about_metric(desk, request, about="price", lead=LEAD, shown=SHOWN)


COMMAND = Command(name="price", options=(ASSET,), answer=answer, shared=True)

"""`/oi`: open interest in coins and in dollars, and what of its change is price and what is positions."""

from dataclasses import replace

from bot.commands import Command, Request
from bot.commands._charts import split_chart
from bot.commands._telling import ASSET, about_metric
from bot.desk import Desk
from bot.domain.posts import Answer

LEAD = "open_interest_usd"
SHOWN = (
    "open_interest_usd",
    "open_interest_coin",
    "open_interest_usd.change_24h_pct",
    "open_interest_coin.change_24h_pct",
    "open_interest_usd.change_7d_pct",
    "open_interest_coin.change_7d_pct",
    "open_interest_price_effect_usd",
    "open_interest_position_effect_usd",
    "open_interest_price_effect_7d_usd",
    "open_interest_position_effect_7d_usd",
)


async def answer(desk: Desk, request: Request) -> Answer:
    """Open interest as last stored, its change split into price and positions. Raises InputError."""
    asset = desk.asset(request.options.get("asset"))
    said = await about_metric(desk, request, about="oi", lead=LEAD, shown=SHOWN)
    return replace(said, chart=split_chart(desk, await desk.history(asset), await desk.facts(asset), request.profile))


COMMAND = Command(name="oi", options=(ASSET,), answer=answer, shared=True)

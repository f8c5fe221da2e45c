"""`/options`: puts against calls, how dear volatility is, and what expires next."""

from bot.commands import Command, Request
from bot.commands._telling import ASSET, about_metric
from bot.desk import Desk
from bot.domain.posts import Answer

LEAD = "put_call_oi_ratio"
SHOWN = (
    "put_call_oi_ratio",
    "put_call_oi_ratio.percentile_90d",
    "put_call_volume_ratio",
    "dvol",
    "dvol.change_7d",
    "dvol.percentile_90d",
    "iv_term_slope_points",
    "option_open_interest_usd",
    "max_pain_usd",
    "next_expiry_notional_usd",
)


async def answer(desk: Desk, request: Request) -> Answer:
    """The options market as last stored. Raises InputError."""
    return await about_metric(desk, request, about="options", lead=LEAD, shown=SHOWN)


COMMAND = Command(name="options", options=(ASSET,), answer=answer, shared=True)

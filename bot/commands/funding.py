"""`/funding`: what perpetual futures pay, normalized to eight hours and to a year."""

from dataclasses import replace

from bot.commands import Command, Request
from bot.commands._charts import funding_chart
from bot.commands._telling import ASSET, about_metric
from bot.desk import Desk
from bot.domain.posts import Answer

LEAD = "funding_annual_pct"
SHOWN = (
    "funding_annual_pct",
    "funding_8h_pct",
    "funding_annual_pct.change_24h",
    "funding_annual_pct.change_7d",
    "funding_annual_pct.percentile_90d",
    "perp_premium_pct",
)


async def answer(desk: Desk, request: Request) -> Answer:
    """Funding as last stored, in all and by venue. Raises InputError."""
    asset = desk.asset(request.options.get("asset"))
    said = await about_metric(desk, request, about="funding", lead=LEAD, shown=SHOWN)
    return replace(said, chart=funding_chart(desk, await desk.history(asset), request.profile))


COMMAND = Command(name="funding", options=(ASSET,), answer=answer, shared=True)

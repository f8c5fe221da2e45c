"""`/funding`: what perpetual futures pay, normalized to eight hours and to a year."""

from msgspec.structs import replace

from bot.commands import Command, Request
from bot.commands._charts import funding_chart
from bot.commands._tables import side_by_side
from bot.commands._telling import ASSET, about_metric
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Profile, Table

LEAD = "funding_annual_pct"
BESIDE = ("funding_8h_pct", "perp_premium_pct")


async def answer(market: Market, request: Request) -> Answer:
    """Funding as last stored, in all and by venue. Raises InputError."""
    asset = market.asset(request.options.get("asset"))
    said = await about_metric(market, request, about="funding", lead=LEAD, more_tables=_beside)
    return replace(said, chart=funding_chart(market, await market.history(asset), request.profile))


def _beside(market: Market, facts: Facts, profile: Profile) -> tuple[Table, ...]:
    return side_by_side(market, BESIDE, facts, profile)


COMMAND = Command(name="funding", options=(ASSET,), answer=answer, shared=True)

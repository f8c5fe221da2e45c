"""`/price`: spot, how far from its high and its low, and beside gold and the Nasdaq."""

from datetime import timedelta

from msgspec.structs import replace

from bot.commands import Command, CommandOption, Request
from bot.commands._charts import history_chart
from bot.commands._option_charts import move_chart
from bot.commands._tables import grid, missing_note
from bot.commands._telling import ASSET, about_metric, go_on, pick_chart
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table

LEAD = "spot_usd"
PAST = ("", "before_24h", "before_7d")
CHANGES = (("change", (f"{LEAD}.change_24h_pct", f"{LEAD}.change_7d_pct")),)
MONTH = (("high_30d_usd", ("high_30d_usd", "drawdown_pct")), ("low_30d_usd", ("low_30d_usd", "rebound_pct")))
BESIDE = (("gold", ("vs_gold_30d_pct",)), ("nasdaq", ("vs_nasdaq_30d_pct",)))


HISTORY, MOVE = "history", "move"
CHARTS = (HISTORY, MOVE)
LOOK_BACK = timedelta(days=30)


async def answer(market: Market, request: Request) -> Answer:
    """The price as last stored, with its past or what options expect of it. Raises InputError."""
    asset, profile = market.asset(request.options.get("asset")), request.profile
    wanted = pick_chart(request.options.get("chart"), CHARTS)
    other = next(chart for chart in CHARTS if chart != wanted)
    word = market.bank(profile).words.get(f"button.{other}", other)
    button = go_on(word, "price", {"asset": asset, "chart": other})
    said = await about_metric(
        market,
        request,
        about="price",
        lead=LEAD,
        past=PAST,
        more_tables=_beside,
        notes=_missing,
        buttons=(button,),
    )
    if wanted == MOVE:
        chart = move_chart(market, await market.history(asset), await market.facts(asset), profile)
        if chart is not None:
            return replace(said, chart=chart)
    since, alt = market.now() - LOOK_BACK, f"{said.title}. {said.body}"
    chart = await history_chart(market, asset, LEAD, since, profile, heading=said.title, alt=alt)
    return replace(said, chart=chart)


def _beside(market: Market, facts: Facts, profile: Profile) -> tuple[Table, ...]:
    return (
        *grid(market, CHANGES, facts, profile, ("24h", "7d")),
        *grid(market, MONTH, facts, profile, ("price", "away")),
        *grid(market, BESIDE, facts, profile, ("against",)),
    )


def _missing(market: Market, facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    return missing_note(market, [name for _, names in (*MONTH, *BESIDE) for name in names], facts, profile)


COMMAND = Command(
    name="price", options=(ASSET, CommandOption(name="chart", choices=CHARTS)), answer=answer, shared=True
)

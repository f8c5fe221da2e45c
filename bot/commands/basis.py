"""`/basis`: what dated futures pay over spot in a year, at one tenor and along the others, with the curve by
expiry and venue."""

from msgspec.structs import replace

from bot.commands import Command, CommandOption, Request
from bot.commands._charts import curve_chart, tenor_rates
from bot.commands._heard import rates_now
from bot.commands._tables import missing_note, side_by_side
from bot.commands._telling import ASSET, about_metric, add_note, go_on, title
from bot.commands._tenors import metric_of, suggest_tenors, tenors
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table


async def answer(market: Market, request: Request) -> Answer:
    """The basis of the tenor as last stored; an old reading says its age. Raises InputError."""
    asset = market.asset(request.options.get("asset"))
    name = metric_of(market, "basis", request.options.get("tenor"))
    others = {days: other for days, other in tenors(market, "basis").items() if other != name}
    buttons = tuple(
        go_on(title(market, other, request.profile), "basis", {"asset": asset, "tenor": days})
        for days, other in others.items()
    )

    def more_tables(market: Market, facts: Facts, profile: Profile) -> tuple[Table, ...]:
        return side_by_side(market, others.values(), facts, profile)

    def missing(market: Market, facts: Facts, profile: Profile) -> tuple[Figure, ...]:
        return missing_note(market, others.values(), facts, profile)

    said = await about_metric(
        market, request, about="basis", lead=name, more_tables=more_tables, notes=missing, buttons=buttons
    )
    chart = curve_chart(market, asset, rates_now(market, asset), request.profile)
    if chart is None:
        rates = tenor_rates(await market.history(asset), market, tenors(market, "basis"))
        chart = curve_chart(market, asset, rates, request.profile)
        if chart is not None:
            said = add_note(
                said, market.say("answer", "curve-none", await market.facts(asset), request.profile)
            )
    return replace(said, chart=chart)


COMMAND = Command(
    name="basis",
    options=(ASSET, CommandOption(name="tenor", suggest=suggest_tenors("basis"))),
    answer=answer,
    shared=True,
)

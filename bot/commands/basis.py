"""`/basis`: what dated futures pay over spot in a year, at one tenor and along the others, with the curve by expiry and venue."""

from dataclasses import replace

from bot.commands import Command, Option, Request
from bot.commands._charts import curve_chart, tenor_rates
from bot.commands._heard import rates_now
from bot.commands._telling import ASSET, about_metric, go_on, noted, title
from bot.commands._tenors import metric_of, suggest_tenors, tenors
from bot.desk import Desk
from bot.domain.posts import Answer

VIEWS = ("change_24h", "change_7d", "percentile_90d")


async def answer(desk: Desk, request: Request) -> Answer:
    """The basis of the tenor as last stored; an old reading says its age. Raises InputError."""
    asset = desk.asset(request.options.get("asset"))
    name = metric_of(desk, "basis", request.options.get("tenor"))
    others = {days: other for days, other in tenors(desk, "basis").items() if other != name}
    buttons = tuple(
        go_on(title(desk, other, request.profile), "basis", {"asset": asset, "tenor": days})
        for days, other in others.items()
    )
    shown = [name, *(f"{name}.{view}" for view in VIEWS), *others.values()]
    said = await about_metric(desk, request, about="basis", lead=name, shown=shown, buttons=buttons)
    chart = curve_chart(desk, asset, rates_now(desk, asset), request.profile)
    if chart is None:
        rates = tenor_rates(await desk.history(asset), desk, tenors(desk, "basis"))
        chart = curve_chart(desk, asset, rates, request.profile)
        if chart is not None:
            said = noted(said, desk.say("answer", "curve-none", await desk.facts(asset), request.profile))
    return replace(said, chart=chart)


COMMAND = Command(
    name="basis", options=(ASSET, Option(name="tenor", suggest=suggest_tenors("basis"))), answer=answer, shared=True
)

"""`/skew`: what puts cost beside matching calls, at one tenor and along the others."""

from dataclasses import replace
from datetime import timedelta

from bot.commands import Command, Option, Request
from bot.commands._charts import history_chart, stance_changes, stretch
from bot.commands._telling import ASSET, about_metric, go_on, title
from bot.commands._tenors import metric_of, suggest_tenors, tenors
from bot.desk import Desk
from bot.domain.posts import Answer

VIEWS = ("change_24h", "change_7d", "percentile_90d")
LOOK_BACK = timedelta(days=30)


async def answer(desk: Desk, request: Request) -> Answer:
    """The skew of the tenor as last stored; an old reading says its age. Raises InputError."""
    asset = desk.asset(request.options.get("asset"))
    name = metric_of(desk, "skew", request.options.get("tenor"))
    others = {days: other for days, other in tenors(desk, "skew").items() if other != name}
    buttons = tuple(
        go_on(title(desk, other, request.profile), "skew", {"asset": asset, "tenor": days})
        for days, other in others.items()
    )
    shown = [name, *(f"{name}.{view}" for view in VIEWS), name.replace("_pct", "_points"), *others.values()]
    said = await about_metric(desk, request, about="skew", lead=name, shown=shown, buttons=buttons)
    past = stretch(await desk.history(asset), name, desk.now() - LOOK_BACK, desk.now(), desk.playbook.catalog)
    chart = history_chart(
        desk, name, past, await desk.facts(asset), request.profile, heading=said.title, alt=f"{said.title}. {said.body}",
        marks=stance_changes(await desk.archive.posts(asset=asset), desk, request.profile),
    )  # fmt: skip
    return replace(said, chart=chart)


COMMAND = Command(
    name="skew", options=(ASSET, Option(name="tenor", suggest=suggest_tenors("skew"))), answer=answer, shared=True
)

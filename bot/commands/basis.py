"""`/basis`: what dated futures pay over spot in a year, at one tenor and along the others."""

from bot.commands import Command, Option, Request
from bot.commands._telling import figures, go_on, joined, meaning, suggest_assets, title, told
from bot.commands._tenors import metric_of, suggest_tenors, tenors
from bot.desk import Desk
from bot.domain.posts import Answer

VIEWS = ("change_24h", "change_7d", "percentile_90d")


async def answer(desk: Desk, request: Request) -> Answer:
    """The basis of the tenor as last stored; an old reading says its age. Raises InputError."""
    profile = request.profile
    asset = desk.asset(request.options.get("asset"))
    name = metric_of(desk, "basis", request.options.get("tenor"))
    facts = await desk.facts(asset)
    others = {days: other for days, other in tenors(desk, "basis").items() if other != name}
    body, spans = joined(told(desk, "basis", name, facts, profile), meaning(desk, name, profile))
    shown = [name, *(f"{name}.{view}" for view in VIEWS), *others.values()]
    return Answer(
        title=f"{asset}: {title(desk, name, profile)}",
        body=body,
        body_spans=spans,
        figures=figures(desk, shown, facts, profile),
        buttons=tuple(
            go_on(title(desk, other, profile), "basis", {"asset": asset, "tenor": days})
            for days, other in others.items()
        ),
        footer=desk.footer(facts, profile),
    )


COMMAND = Command(
    name="basis",
    options=(Option(name="asset", suggest=suggest_assets), Option(name="tenor", suggest=suggest_tenors("basis"))),
    answer=answer,
)

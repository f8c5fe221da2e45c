"""`/skew`: what puts cost beside matching calls, at one tenor and along the others."""

from bot.commands import Command, Option, Request
from bot.commands._telling import figures, go_on, joined, meaning, suggest_assets, title, told
from bot.commands._tenors import metric_of, suggest_tenors, tenors
from bot.desk import Desk
from bot.domain.posts import Answer

VIEWS = ("change_24h", "change_7d", "percentile_90d")


async def answer(desk: Desk, request: Request) -> Answer:
    """The skew of the tenor as last stored; an old reading says its age. Raises InputError."""
    profile = request.profile
    asset = desk.asset(request.options.get("asset"))
    name = metric_of(desk, "skew", request.options.get("tenor"))
    facts = await desk.facts(asset)
    others = {days: other for days, other in tenors(desk, "skew").items() if other != name}
    body, spans = joined(told(desk, "skew", name, facts, profile), meaning(desk, name, profile))
    shown = [name, *(f"{name}.{view}" for view in VIEWS), name.replace("_pct", "_points"), *others.values()]
    return Answer(
        title=f"{asset}: {title(desk, name, profile)}",
        body=body,
        body_spans=spans,
        figures=figures(desk, shown, facts, profile),
        buttons=tuple(
            go_on(title(desk, other, profile), "skew", {"asset": asset, "tenor": days})
            for days, other in others.items()
        ),
        footer=desk.footer(facts, profile),
    )


COMMAND = Command(
    name="skew",
    options=(Option(name="asset", suggest=suggest_assets), Option(name="tenor", suggest=suggest_tenors("skew"))),
    answer=answer,
)

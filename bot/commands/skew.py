"""`/skew`: what puts cost beside matching calls, at one tenor and along the others; its history, or the smile
of now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from bot.commands import Command, CommandOption, Request
from bot.commands._charts import history_chart
from bot.commands._heard import smile_now
from bot.commands._option_charts import term_chart
from bot.commands._tables import missing_note, side_by_side
from bot.commands._telling import ASSET, about_metric, add_note, go_on, pick_chart, title
from bot.commands._tenors import metric_of, suggest_tenors, tenors
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Button, Figure, Profile, Table

HISTORY, SMILE, TERM = "history", "smile", "term"
CHARTS = (HISTORY, SMILE, TERM)
LOOK_BACK = timedelta(days=30)


async def answer(market: Market, request: Request) -> Answer:
    """The skew of the tenor as last stored; an old reading says its age. Raises InputError."""
    asset = market.asset(request.options.get("asset"))
    name = metric_of(market, "skew", request.options.get("tenor"))
    known = tenors(market, "skew")
    days = next(days for days, other in known.items() if other == name)
    others = {days: other for days, other in known.items() if other != name}
    wanted = pick_chart(request.options.get("chart"), CHARTS)
    buttons = _buttons(market, request, {"asset": asset}, days, wanted)

    def more_tables(market: Market, facts: Facts, profile: Profile) -> tuple[Table, ...]:
        return side_by_side(market, [name.replace("_pct", "_points"), *others.values()], facts, profile)

    def missing(market: Market, facts: Facts, profile: Profile) -> tuple[Figure, ...]:
        return missing_note(market, others.values(), facts, profile)

    said = await about_metric(
        market, request, about="skew", lead=name, more_tables=more_tables, notes=missing, buttons=buttons
    )
    if wanted == SMILE:
        smile = await smile_now(market, asset, float(days), request.profile)
        if smile is not None:
            return replace(said, chart=smile)
        said = add_note(said, market.say("answer", "smile-none", await market.facts(asset), request.profile))
    if wanted == TERM:
        term = term_chart(market, await market.facts(asset), known, request.profile)
        if term is not None:
            return replace(said, chart=term)
    since = market.now() - LOOK_BACK
    alt = f"{said.title}. {said.body}"
    chart = await history_chart(market, asset, name, since, request.profile, heading=said.title, alt=alt)
    return replace(said, chart=chart)


def _buttons(
    market: Market, request: Request, asked: Mapping[str, str], days: str, wanted: str
) -> tuple[Button, ...]:
    """The other tenors with the same chart, and the other charts of the same tenor."""
    kept = {**asked, "chart": wanted} if wanted != HISTORY else asked
    known = market.bank(request.profile).words
    return (
        *(
            go_on(title(market, name, request.profile), "skew", {**kept, "tenor": tenor})
            for tenor, name in tenors(market, "skew").items()
            if tenor != days
        ),
        *(
            go_on(known.get(f"button.{other}", other), "skew", {**asked, "tenor": days, "chart": other})
            for other in CHARTS
            if other != wanted
        ),
    )


COMMAND = Command(
    name="skew",
    options=(
        ASSET,
        CommandOption(name="tenor", suggest=suggest_tenors("skew")),
        CommandOption(name="chart", choices=CHARTS),
    ),
    answer=answer,
    shared=True,
)

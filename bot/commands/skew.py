"""`/skew`: what puts cost beside matching calls, at one tenor and along the others; its history, or the smile
of now."""

from collections.abc import Mapping
from datetime import timedelta

from msgspec.structs import replace

from bot.commands import Command, CommandOption, Request
from bot.commands._charts import history_chart
from bot.commands._expiries import footer_of, number_origin, without_chain
from bot.commands._heard import smile_now
from bot.commands._option_charts import term_chart
from bot.commands._smiles import listed_days, tell_outside, wide_now
from bot.commands._tables import missing_note, side_by_side
from bot.commands._telling import ASSET, about_metric, add_note, go_on, pick_chart, title
from bot.commands._tenors import days_typed, metric_of, suggest_distances, tenors
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Button, Figure, Profile, Table
from bot.metrics.wings import NEAR_DELTA

HISTORY, SMILE, TERM = "history", "smile", "term"
CHARTS = (HISTORY, SMILE, TERM)
LOOK_BACK = timedelta(days=30)
LONGEST_BESIDE_DAYS = 90  # of the tenors in the table: a telephone has room for so many


async def answer(market: Market, request: Request) -> Answer:
    """The skew of the tenor as last stored; an old reading says its age. One at another distance is read from the smile of
    now. Raises InputError."""
    asset, known = market.asset(request.options.get("asset")), tenors(market, "skew")
    typed = request.options.get("tenor")
    if typed and f"{(distance := days_typed(market, asset, typed)):g}" not in known:
        return await _between_tenors(market, request, asset, distance)
    name = metric_of(market, "skew", f"{distance:g}" if typed else None)
    days = next(days for days, other in known.items() if other == name)
    others = {
        days: other for days, other in known.items() if other != name and int(days) <= LONGEST_BESIDE_DAYS
    }
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


async def _between_tenors(market: Market, request: Request, asset: str, days: float) -> Answer:
    """The skew at a distance that is not stored: of the smile of now, so without a past."""
    profile, facts = request.profile, await market.facts(asset)
    heading = f"{asset}: {market.bank(profile).words['title.skew_any']}"
    listed = listed_days(market, asset)
    if listed is None:
        return without_chain(market, profile, asset, heading)
    kept = tenors(market, "skew")
    found = wide_now(market, asset, days)
    if found is None:
        said = tell_outside(market, facts, profile, days, listed)
        chart, footer = None, market.footer(facts, profile, ())
    else:
        chain, smile = found
        names = {
            "window": number_origin("distance, days", days),
            "hits": number_origin("delta of either leg, %", NEAR_DELTA * 100.0),
            "value": number_origin("skew, % of at the money", smile.skew_pct or 0.0),
            "low": number_origin("25-delta put, % a year", smile.put25 or 0.0),
            "high": number_origin("25-delta call, % a year", smile.call25 or 0.0),
            "base": number_origin("at the money, % a year", smile.atm or 0.0),
        }
        said = market.say("answer", "skew-any", facts, profile, names)
        chart = await smile_now(market, asset, days, profile)
        footer = footer_of(market, profile, asset, (chain,))
    return Answer(
        title=heading,
        body=said.text,
        body_spans=said.spans,
        tables=side_by_side(market, kept.values(), facts, profile),
        chart=chart,
        buttons=tuple(
            go_on(title(market, name, profile), "skew", {"asset": asset, "tenor": tenor})
            for tenor, name in kept.items()
        ),
        footer=footer,
    )


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
        CommandOption(name="tenor", suggest=suggest_distances),
        CommandOption(name="chart", choices=CHARTS),
    ),
    answer=answer,
    shared=True,
)

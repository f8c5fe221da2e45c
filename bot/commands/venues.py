"""`/venues`: one reading venue by venue, now and a day ago."""

from datetime import timedelta

from bot.commands import Command, CommandOption, Request
from bot.commands._naming import metric_named, suggest_metrics
from bot.commands._tables import lead_of, old_note
from bot.commands._telling import ASSET, cell_of_venue, go_on, tell_fact, title, with_verdict
from bot.commentary import NO_VALUE, venue_name
from bot.desk.market import Market
from bot.domain.posts import Answer, Table, TableRow

MOST_VENUES = 10
DAY = timedelta(days=1)


async def answer(market: Market, request: Request) -> Answer:
    """The metric in all, and each venue's own value beside the one of a day ago. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    name = metric_named(market, request.options["metric"], profile)
    facts, history = await market.facts(asset), await market.history(asset)
    words = market.bank(profile).words
    rows = []
    for venue in history.venues(name)[:MOST_VENUES]:
        now = cell_of_venue(market, history, name, venue, profile)
        before = cell_of_venue(market, history, name, venue, profile, ago=DAY)
        if (now.text, before.text) != (NO_VALUE, NO_VALUE):
            rows.append(TableRow(label=venue_name(venue, words), cells=(now, before)))
    columns = (words["column.now"], words["column.before_24h"])
    said = tell_fact(market, "history", name, facts.of_those([name]), profile)
    alone = market.say("answer", "venues-none", facts, profile) if not rows else None
    told = Answer(
        title=f"{asset}: {title(market, name, profile)}",
        body=(alone or said).text,
        body_spans=(alone or said).spans,
        lead=lead_of(market, name, facts, profile),
        tables=(Table(rows=tuple(rows), columns=columns),) if rows else (),
        notes=old_note(market, [name], facts, profile),
        buttons=(go_on(words["button.history"], "history", {"metric": name, "asset": asset}),),
        footer=market.footer(facts, profile, [name]),
    )
    return await with_verdict(market, asset, profile, told)


COMMAND = Command(
    name="venues",
    options=(CommandOption(name="metric", required=True, suggest=suggest_metrics), ASSET),
    answer=answer,
    shared=True,
)

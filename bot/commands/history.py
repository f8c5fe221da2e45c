"""`/history`: how a metric went, its usual range as a band, gaps as gaps."""

import re
from collections.abc import Sequence
from datetime import timedelta

from bot.commands import Command, CommandOption, Request
from bot.commands._charts import history_chart
from bot.commands._heard import expiry_of_max_pain
from bot.commands._naming import metric_named, suggest_metrics
from bot.commands._tables import lead_of, missing_note, old_note, past_table, shown_by
from bot.commands._telling import ASSET, go_on, tell_fact, title, with_verdict
from bot.commentary import date_line
from bot.desk.market import Market
from bot.domain.catalog import RANK
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Button, Figure, Profile
from bot.errors import InputError
from bot.reasons import reason

MAX_PAIN = "max_pain_usd"
WINDOWS = ("24h", "7d", "30d", "90d")
USUAL = "30d"
LONGEST = timedelta(days=366)


async def answer(market: Market, request: Request) -> Answer:
    """The metric over the window as it is stored, with a chart. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    name = metric_named(market, request.options["metric"], profile)
    window = (request.options.get("window") or USUAL).strip().lower()
    since = market.now() - _length(window)
    facts = await market.facts(asset)
    said = tell_fact(market, "history", name, facts, profile)
    body, spans = said.text, said.spans
    heading = f"{asset}: {title(market, name, profile)}"
    tables = past_table(market, name, facts, profile)
    shown = [name, *shown_by(tables)]
    missing = missing_note(market, _views(name), facts, profile) if tables else ()
    said_all = Answer(
        title=heading,
        body=body,
        body_spans=spans,
        lead=lead_of(market, name, facts, profile),
        tables=tables,
        notes=(
            *_expiry_note(market, name, facts, profile),
            *missing,
            *old_note(market, shown, facts, profile),
        ),
        chart=await history_chart(
            market, asset, name, since, profile, heading=heading, alt=f"{heading}. {said.text}"
        ),
        buttons=_others(asset, name, window),
        footer=market.footer(facts, profile, [name]),
    )
    return await with_verdict(market, asset, profile, said_all)


def _expiry_note(market: Market, name: str, facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    """Which expiry the max pain of now is of; that this is not known where its chain is not in memory."""
    fact, bank = facts.get(MAX_PAIN), market.bank(profile)
    if name != MAX_PAIN or (fact is None and MAX_PAIN not in facts.stale):
        return ()
    expiry = expiry_of_max_pain(market, facts.asset, fact.at) if fact is not None else None
    if expiry is None:
        return (Figure(label="", text=bank.words["note.max_pain_undated"]),)
    return (date_line("note.max_pain_of", expiry, bank, fact=fact, day=True),)


def _views(name: str) -> Sequence[str]:
    return [name, *(f"{name}.{view}" for view in ("change_24h", "change_7d", RANK))]


def _length(window: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,4})(h|d)", window)
    length = timedelta(hours=int(match[1]) * (24 if match[2] == "d" else 1)) if match else timedelta(0)
    if not timedelta(hours=1) <= length <= LONGEST:
        raise InputError(reason("unknown_window", typed=window, known=", ".join(WINDOWS)))
    return length


def _others(asset: str, name: str, window: str) -> tuple[Button, ...]:
    return tuple(
        go_on(other, "history", {"metric": name, "window": other, "asset": asset})
        for other in WINDOWS
        if other != window
    )


COMMAND = Command(
    name="history",
    options=(
        CommandOption(name="metric", required=True, suggest=suggest_metrics),
        CommandOption(
            name="window",
            suggest=lambda market, profile, typed: [one for one in WINDOWS if one.startswith(typed)],
        ),
        ASSET,
    ),
    answer=answer,
    shared=True,
)

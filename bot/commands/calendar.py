"""`/calendar`: the next dated events and the large expiries, and what options price for the stretch around each."""

from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct

from bot.commands import Command, Request
from bot.commands._expiries import (
    date_origin,
    day_of,
    expiry_time,
    footer_of,
    heading_of,
    heard_ms,
    number_origin,
    table,
    write_number,
    young_chains,
)
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET, join_texts
from bot.commentary import NO_VALUE
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table
from bot.domain.story import Text
from bot.metrics.events import PricedStretch, price_stretch
from bot.metrics.expiries import open_by_expiry
from bot.metrics.smile import Smile, legs

AHEAD = timedelta(days=60)
MOST_EVENTS, MOST_EXPIRIES = 6, 3
LEAST_SHARE_PCT = 5.0
EXPIRY = "expiry"


class Coming(Struct, frozen=True, kw_only=True):
    """A date ahead: what it is, when, and what is priced for the stretch around it, where that is known."""

    kind: str
    at: datetime
    priced: PricedStretch | None


async def answer(market: Market, request: Request) -> Answer:
    """What lies ahead within sixty days, the nearest first. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    smiles = heard_smiles(market, asset)
    coming = coming_events(market, asset, smiles)
    nothing = Facts(asset=asset, at=market.now(), known={})
    body, spans = join_texts(_told(market, nothing, profile, coming), between="\n")
    return Answer(
        title=heading_of(market, profile, asset, "calendar"),
        lead=_lead(market, profile, coming),
        body=body,
        body_spans=spans,
        tables=_table(market, profile, coming),
        footer=footer_of(market, profile, asset, young_chains(market, asset)[:1])
        if smiles
        else market.footer(nothing, profile, ()),
    )


def heard_smiles(market: Market, asset: str) -> tuple[Smile, ...]:
    """The smiles of the venue with the most open interest, as of when its chain was heard; empty where none is young."""
    for chain in young_chains(market, asset):
        found = market.memory.of_poll(asset, f"legs {chain.venue}", partial(legs, chain, heard_ms(chain)))
        if found:
            return found
    return ()


def coming_events(market: Market, asset: str, smiles: tuple[Smile, ...]) -> tuple[Coming, ...]:
    """The dated events and the large expiries of the next sixty days, the nearest first."""
    now = market.now()
    dated = [
        (one.kind, one.at)
        for one in market.memory.events_with(market.playbook.events)
        if now < one.at <= now + AHEAD
    ]
    expiries = [
        one
        for one in open_by_expiry(young_chains(market, asset), now.timestamp() * 1000)
        if one.share_pct >= LEAST_SHARE_PCT and expiry_time(one.expires_ms) <= now + AHEAD
    ]
    large = sorted(expiries, key=lambda one: -one.coins)[:MOST_EXPIRIES]
    dated = sorted(dated, key=lambda one: one[1])[:MOST_EVENTS]
    dated += [(EXPIRY, expiry_time(one.expires_ms)) for one in large]
    return tuple(
        Coming(kind=kind, at=at, priced=price_stretch(smiles, (at - now).total_seconds() / 86_400))
        if kind != EXPIRY
        else Coming(kind=kind, at=at, priced=None)
        for kind, at in sorted(dated, key=lambda one: one[1])
    )


def _lead(market: Market, profile: Profile, coming: tuple[Coming, ...]) -> Figure | None:
    """The next event's day, and what is priced for it; None without one."""
    first = next((one for one in coming if one.kind != EXPIRY), None)
    if first is None:
        return None
    names = {"when": (date_origin("event", first.at), "day")}
    if first.priced is None:
        return lead_in_words(market, "lead.calendar_day", profile, names)
    size = number_origin("move of the stretch, %", first.priced.move_pct)
    return lead_in_words(market, "lead.calendar", profile, {**names, "value": (size, "plusminus")})


def _told(market: Market, facts: Facts, profile: Profile, coming: tuple[Coming, ...]) -> Text:
    first = next((one for one in coming if one.kind != EXPIRY), None)
    if first is None:
        return market.say("answer", "calendar-none", facts, profile)
    names = {"last_at": date_origin("event", first.at)}
    if first.priced is None:
        return market.say("answer", f"calendar-{first.kind}-unpriced", facts, profile, names)
    now = facts.at
    names |= {
        "value": number_origin("move of the stretch, %", first.priced.move_pct),
        "then": date_origin("stretch begins", now + timedelta(days=first.priced.since_days)),
        "until": date_origin("stretch ends", now + timedelta(days=first.priced.until_days)),
    }
    return market.say("answer", f"calendar-{first.kind}", facts, profile, names)


def _table(market: Market, profile: Profile, coming: tuple[Coming, ...]) -> tuple[Table, ...]:
    """FOMC: 9 Dec, ±3.7%, 3 d."""
    words = market.bank(profile).words
    rows = []
    for one in coming:
        told = [NO_VALUE, NO_VALUE]
        if one.priced is not None:
            days = one.priced.until_days - one.priced.since_days
            told = [
                write_number(market, profile, "plusminus", one.priced.move_pct),
                write_number(market, profile, "bare", round(days, 1)),
            ]
        rows.append((words[f"event.{one.kind}"], [day_of(market, profile, one.at), *told]))
    return table([words["calendar.day"], words["calendar.priced"], words["calendar.days"]], rows)


COMMAND = Command(name="calendar", options=(ASSET,), answer=answer, shared=True)

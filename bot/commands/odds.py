"""`/odds`: what options price for a settlement above or below a level at an expiry. A price, never a chance."""

import re

from bot.commands import Command, CommandOption, Request
from bot.commands._expiries import (
    EXPIRY,
    date_origin,
    expiry_named,
    expiry_time,
    fitted_at,
    fitted_near,
    footer_of,
    heading_of,
    listed_ms,
    number_origin,
    spell_expiry,
    without_chain,
    young_chains,
)
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET, join_texts
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer
from bot.errors import InputError
from bot.reasons import reason

USUAL_DAYS = 30.0
THOUSANDS = {"": 1.0, "k": 1e3, "m": 1e6}


async def answer(market: Market, request: Request) -> Answer:
    """What a settlement above and below the level is priced at. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    chain = next(iter(young_chains(market, asset)), None)
    heading = heading_of(market, profile, asset, "odds")
    typed = request.options.get("expiry")
    times = [] if chain is None else [expiry_time(one) for one in listed_ms(chain)]
    smile = None
    if typed and chain is not None:
        at = expiry_named(typed, times, market.now())
        smile = fitted_at(market, chain, round(at.timestamp() * 1000))
        if smile is None:
            others = ", ".join(spell_expiry(one) for one in times if one != at)
            raise InputError(reason("unknown_expiry", typed=typed, known=others))
    smile = smile or next(iter(fitted_near(market, asset, (USUAL_DAYS,))), None)
    if smile is None:
        return without_chain(market, profile, asset, heading)
    facts = Facts(asset=asset, at=market.now(), known={})
    level = _level(request.options.get("level"), smile.forward_usd)
    under = smile.price_under(level)
    names = {
        "value": number_origin("level", level),
        "last_at": date_origin("expiry", expiry_time(smile.expires_ms)),
        "low": number_origin("lowest strike", smile.lowest_usd),
        "high": number_origin("highest strike", smile.highest_usd),
        "base": number_origin("forward", smile.forward_usd),
    }
    lead = None
    if under is None:
        said = market.say("answer", "odds-outside", facts, profile, names)
    else:
        names |= {
            "other": number_origin("priced over, %", (1.0 - under) * 100.0),
            "total": number_origin("priced under, %", under * 100.0),
        }
        said = market.say("answer", "odds", facts, profile, names)
        above = level >= smile.forward_usd
        shown = {"value": (names["other" if above else "total"], "pct")}
        lead = lead_in_words(market, "lead.odds_above" if above else "lead.odds_below", profile, shown)
    body, spans = join_texts(said)
    return Answer(
        title=heading,
        body=body,
        body_spans=spans,
        lead=lead,
        footer=footer_of(market, profile, asset, (smile,)),
    )


def _level(typed: str | None, forward_usd: float) -> float:
    """The level meant by "100000", "100,000", "100.000", "$100k" or "+10%" of the forward. Raises InputError."""
    plain = re.sub(r"[\s$']|usd", "", (typed or "").lower()).replace("−", "-")
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", plain):
        plain = re.sub(r"[.,]", "", plain)
    plain = plain.replace(",", ".")
    if share := re.fullmatch(r"([+-]?\d{1,3}(?:\.\d+)?)%", plain):
        level = forward_usd * (1.0 + float(share[1]) / 100.0)
    elif number := re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([km]?)", plain):
        level = float(number[1]) * THOUSANDS[number[2]]
    else:
        raise InputError(reason("unknown_level", typed=typed or ""))
    if level <= 0.0:
        raise InputError(reason("unknown_level", typed=typed or ""))
    return level


COMMAND = Command(
    name="odds",
    options=(CommandOption(name="level", required=True), EXPIRY, ASSET),
    answer=answer,
    shared=True,
)

"""`/hedge`: what a put so far below the price costs, for each coin and as a share of the price."""

import re

from bot.commands import Command, CommandOption, Request
from bot.commands._expiries import (
    date_origin,
    expiry_time,
    footer_of,
    heading_of,
    number_origin,
    table,
    without_chain,
    write_number,
    young_chains,
)
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET, join_texts
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Profile, Table
from bot.domain.story import Text
from bot.errors import InputError
from bot.metrics import History
from bot.metrics.protection import (
    METRIC,
    USUAL_DAYS,
    USUAL_FALL_PCT,
    PutPrice,
    PutSpread,
    days_cheaper,
    price_put,
    price_spread,
)
from bot.reasons import reason

FALLS_PCT = (5.0, 10.0, 20.0)
EXPIRY_DAYS = 30.0
LONGEST_DAYS = 400
DEEPEST_PCT = 90.0
LEAST_DAYS = 30


async def answer(market: Market, request: Request) -> Answer:
    """What the listed put nearest to the fall costs at the expiry nearest to the days asked, what a put spread does, and
    how dear the usual put is in its own past. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    fall, days = _fall(request.options.get("fall")), _days(request.options.get("days"))
    heading = heading_of(market, profile, asset, "hedge")
    facts = await market.facts(asset)
    spot, chains = facts.get("spot_usd"), young_chains(market, asset)
    nothing = Facts(asset=asset, at=market.now(), known={})
    if spot is None or not chains:
        return without_chain(market, profile, asset, heading)
    for chain in chains:
        put = price_put(chain, spot.value, fall, days)
        if put is None:
            continue
        spread = price_spread(chain, spot.value, put, min(2.0 * fall, DEEPEST_PCT))
        others = [price_put(chain, spot.value, one, days) for one in FALLS_PCT if one != fall]
        shown = {one.strike_usd: one for one in (put, *others) if one is not None}
        body, spans = join_texts(
            _told_put(market, nothing, profile, put, spot.value),
            *_told_spread(market, nothing, profile, spread),
            *_told_past(market, await market.history(asset), facts, profile),
            between="\n",
        )
        return Answer(
            title=heading,
            body=body,
            body_spans=spans,
            lead=lead_in_words(
                market,
                "lead.hedge",
                profile,
                {"value": (number_origin("cost, % of the price", put.share_pct), "cost")},
            ),
            tables=_table(
                market, profile, [shown[strike] for strike in sorted(shown, reverse=True)], spot.value
            ),
            footer=footer_of(market, profile, asset, (chain,)),
        )
    names = {
        "base": number_origin("fall asked for, %", fall),
        "total": number_origin("days asked for", float(days)),
    }
    said = market.say("answer", "hedge-none", nothing, profile, names)
    footer = footer_of(market, profile, asset, chains)
    return Answer(title=heading, body=said.text, body_spans=said.spans, footer=footer)


def _told_put(market: Market, facts: Facts, profile: Profile, put: PutPrice, spot_usd: float) -> Text:
    names = {
        "last_at": date_origin("expiry", expiry_time(put.expires_ms)),
        "low": number_origin("strike", put.strike_usd),
        "value": number_origin("cost, % of the price", put.share_pct),
        "total": number_origin("cost for one coin", put.price_usd),
        "other": number_origin("cost of a year, % of the price", put.yearly_pct),
        "base": number_origin("below the price, %", (1.0 - put.strike_usd / spot_usd) * 100.0),
    }
    return market.say("answer", "hedge", facts, profile, names)


def _told_spread(market: Market, facts: Facts, profile: Profile, spread: PutSpread | None) -> list[Text]:
    if spread is None:
        return []
    names = {
        "low": number_origin("strike sold", spread.sold.strike_usd),
        "value": number_origin("cost of both, % of the price", spread.share_pct),
        "total": number_origin("cost of both for one coin", spread.price_usd),
    }
    return [market.say("answer", "hedge-spread", facts, profile, names)]


def _told_past(market: Market, history: History, facts: Facts, profile: Profile) -> list[Text]:
    """How dear the usual put is among its own days; how far it has come where these are too few."""
    fact = facts.get(METRIC)
    if fact is None:
        return []
    cheaper, days = days_cheaper(history, fact.value, market.now().timestamp() * 1000)
    names = {
        "base": number_origin("usual fall, %", USUAL_FALL_PCT),
        "window": number_origin("usual days", USUAL_DAYS),
        "value": number_origin("usual cost, %", fact.value),
        "hits": number_origin("days on which it cost less", float(cheaper)),
        "total": number_origin("days known", float(days)),
        "other": number_origin("days needed", float(LEAST_DAYS)),
    }
    about = "hedge-rank" if days >= LEAST_DAYS else "hedge-young"
    return [market.say("answer", about, Facts(asset=facts.asset, at=facts.at, known={}), profile, names)]


def _table(market: Market, profile: Profile, puts: list[PutPrice], index_usd: float) -> tuple[Table, ...]:
    """80,000: −10.2%, 1.24%, 1,106."""
    words = market.bank(profile).words
    rows = [
        (
            write_number(market, profile, "coins", put.strike_usd),
            [
                write_number(market, profile, "signed", (put.strike_usd / index_usd - 1.0) * 100.0),
                write_number(market, profile, "cost", put.share_pct),
                write_number(market, profile, "coins", put.price_usd),
            ],
        )
        for put in puts
    ]
    return table([words["column.away"], words["hedge.cost"], words["hedge.coin"]], rows)


def _fall(typed: str | None) -> float:
    found = re.fullmatch(r"-?\s*(\d{1,2}(?:[.,]\d+)?)\s*%?", (typed or "10").strip().replace("−", "-"))
    fall = float(found[1].replace(",", ".")) if found else 0.0
    if not 0.0 < fall < 100.0:
        raise InputError(reason("unknown_fall", typed=typed or ""))
    return fall


def _days(typed: str | None) -> float:
    found = re.fullmatch(r"(\d{1,3})\s*d?(?:ays?)?", (typed or f"{EXPIRY_DAYS:.0f}").strip().lower())
    days = int(found[1]) if found else 0
    if not 1 <= days <= LONGEST_DAYS:
        raise InputError(reason("unknown_days", typed=typed or "", most=LONGEST_DAYS))
    return float(days)


COMMAND = Command(
    name="hedge",
    options=(CommandOption(name="fall"), ASSET, CommandOption(name="days")),
    answer=answer,
    shared=True,
)

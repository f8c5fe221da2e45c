"""`/expiries`: what is open in options by expiry: coins, share of all, puts for each call, max pain."""

from bot.commands import Command, Request
from bot.commands._expiries import (
    date_origin,
    day_of,
    expiry_time,
    footer_of,
    heading_of,
    number_origin,
    table,
    without_chain,
    write_number,
    young_chains,
)
from bot.commands._heard import expiries_now
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET
from bot.commentary import NO_VALUE
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Profile, Table
from bot.metrics.expiries import ExpiryOpen, open_by_expiry

MOST = 8


async def answer(market: Market, request: Request) -> Answer:
    """What falls away at each expiry, over all venues whose chain is young. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    heading = heading_of(market, profile, asset, "expiries")
    chains = young_chains(market, asset)
    expiries = open_by_expiry(chains, market.now().timestamp() * 1000)
    if not expiries:
        return without_chain(market, profile, asset, heading)
    largest, near = max(expiries, key=lambda one: one.coins), expiries[0]
    names = {
        "last_at": date_origin("largest expiry", expiry_time(largest.expires_ms)),
        "value": number_origin("largest expiry, coins", largest.coins),
        "base": number_origin("largest expiry, % of all", largest.share_pct),
        "low": number_origin("max pain of the largest", largest.max_pain_usd),
        "then": date_origin("next expiry", expiry_time(near.expires_ms)),
        "other": number_origin("next expiry, coins", near.coins),
        "total": number_origin("next expiry, % of all", near.share_pct),
    }
    facts = Facts(asset=asset, at=market.now(), known={})
    spot = (await market.facts(asset)).get("spot_usd")
    said = market.say("answer", "expiries-one" if largest is near else "expiries", facts, profile, names)
    return Answer(
        title=heading,
        body=said.text,
        body_spans=said.spans,
        lead=lead_in_words(
            market,
            "lead.expiries",
            profile,
            {"value": (names["base"], "pct"), "when": (names["last_at"], "day")},
        ),
        tables=_table(market, profile, _shown(expiries)),
        chart=expiries_now(market, asset, spot.value, profile) if spot else None,
        footer=footer_of(market, profile, asset, chains),
    )


def _shown(expiries: tuple[ExpiryOpen, ...]) -> tuple[ExpiryOpen, ...]:
    """The largest ones, in the order of time."""
    kept = sorted(expiries, key=lambda one: -one.coins)[:MOST]
    return tuple(one for one in expiries if one in kept)


def _table(market: Market, profile: Profile, expiries: tuple[ExpiryOpen, ...]) -> tuple[Table, ...]:
    """27 Feb: 14%, 0.62, 95,000."""
    words = market.bank(profile).words
    rows = [
        (
            day_of(market, profile, expiry_time(one.expires_ms)),
            [
                write_number(market, profile, "pct", one.share_pct),
                NO_VALUE if one.put_call is None else write_number(market, profile, "ratio", one.put_call),
                write_number(market, profile, "coins", one.max_pain_usd),
            ],
        )
        for one in expiries
    ]
    return table([words["expiries.share"], words["expiries.put_call"], words["expiries.pain"]], rows)


COMMAND = Command(name="expiries", options=(ASSET,), answer=answer, shared=True)

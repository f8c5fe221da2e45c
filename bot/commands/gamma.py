"""`/gamma`: how many coins hedges of open options would change by for a move of 1%, by strike, and what follows under
one named assumption on who holds what."""

from math import fsum

from msgspec import Struct

from bot.commands import Command, Request
from bot.commands._expiries import (
    footer_of,
    heading_of,
    heard_ms,
    number_origin,
    table,
    without_chain,
    write_number,
    young_chains,
)
from bot.commands._heard import gamma_now
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET, join_texts
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table
from bot.domain.story import Text
from bot.metrics.expiries import StrikeGamma, find_flip, hedges_by_strike
from bot.metrics.flow import dealers_gamma

MOST = 3
NEAR_FLIP = 0.01
WHOLE_FROM = 100.0  # coins: from a gross gamma of so many on, parts of a coin say nothing


class GammaSigns(Struct, frozen=True, kw_only=True):
    """What is known of gamma at a price (USD): by strike, the level at which the usual net turns (None: nowhere near), and
    what the day's trades left with who stood on the other side, for 1% in coins (None: not known)."""

    strikes: tuple[StrikeGamma, ...]
    spot_usd: float
    flip_usd: float | None
    flow_coin: float | None


async def answer(market: Market, request: Request) -> Answer:
    """Gross gamma by strike at the venue with the most open interest; net of puts under the usual assumption, and signed by
    who took in the day's trades; where the sign turns, if both agree and the price is not too near. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    heading = heading_of(market, profile, asset, "gamma")
    spot, chains = (await market.facts(asset)).get("spot_usd"), young_chains(market, asset)
    if spot is None or not chains:
        return without_chain(market, profile, asset, heading)
    chain, at_ms = chains[0], heard_ms(chains[0])
    strikes, flip = market.memory.of_poll(
        asset,
        f"gamma {chain.venue} {spot.value}",
        lambda: (hedges_by_strike(chain, spot.value, at_ms), find_flip(chain, spot.value, at_ms)),
    )
    if not strikes:
        return without_chain(market, profile, asset, heading)
    trades = market.memory.trades(asset)
    flow = (
        market.memory.of_poll(
            asset,
            f"gamma flow {chain.venue} {spot.value}",
            lambda: dealers_gamma(chain, trades, spot.value, at_ms),
        )
        if trades is not None
        else None
    )
    nothing = Facts(asset=asset, at=market.now(), known={})
    signs = GammaSigns(strikes=strikes, spot_usd=spot.value, flip_usd=flip, flow_coin=flow)
    body, spans = join_texts(*_told(market, nothing, profile, signs), between="\n")
    return Answer(
        title=heading,
        body=body,
        body_spans=spans,
        lead=_lead(market, profile, strikes),
        tables=_table(market, profile, strikes),
        chart=gamma_now(market, asset, spot.value, profile),
        footer=footer_of(market, profile, asset, chains[:1]),
    )


def _whole(coins: float, gross: float) -> float:
    """Coins in whole ones where the gross gamma is of many."""
    return float(round(coins)) if gross >= WHOLE_FROM else coins


def _lead(market: Market, profile: Profile, strikes: tuple[StrikeGamma, ...]) -> Figure:
    """3,666 coins."""
    gross = number_origin("gross gamma for 1%, coins", fsum(one.gross_coin for one in strikes))
    return lead_in_words(market, "lead.gamma", profile, {"value": (gross, "coins")})


def _told(market: Market, facts: Facts, profile: Profile, signs: GammaSigns) -> list[Text]:
    strikes, flip, flow = signs.strikes, signs.flip_usd, signs.flow_coin
    largest = max(strikes, key=lambda one: one.gross_coin)
    gross, net = fsum(one.gross_coin for one in strikes), fsum(one.net_coin for one in strikes)
    names = {
        "value": number_origin("gross gamma for 1%, coins", gross),
        "low": number_origin("strike of the most", largest.strike_usd),
        "total": number_origin("gamma at that strike, coins", _whole(largest.gross_coin, gross)),
    }
    held = {"value": number_origin("net gamma, coins", _whole(abs(net), gross))}
    if flow is None:
        signed = market.say("answer", "gamma-flow-none", facts, profile)
    else:
        taken = {"value": number_origin("gamma of the day's trades, coins", _whole(abs(flow), gross))}
        about = "gamma-flow-long" if flow > 0.0 else "gamma-flow-short"
        signed = market.say("answer", about, facts, profile, taken)
    if flip is not None and flow is not None and (flow > 0.0) != (net > 0.0):
        turned = market.say("answer", "gamma-disputed", facts, profile)
    elif flip is None:
        turned = market.say("answer", "gamma-no-flip", facts, profile)
    elif abs(flip / signs.spot_usd - 1.0) <= NEAR_FLIP:
        turned = market.say("answer", "gamma-near-flip", facts, profile)
    else:
        turned = market.say("answer", "gamma-flip", facts, profile, {"low": number_origin("flip", flip)})
    return [
        market.say("answer", "gamma", facts, profile, names),
        market.say("answer", "gamma-long" if net > 0.0 else "gamma-short", facts, profile, held),
        signed,
        turned,
    ]


def _table(market: Market, profile: Profile, strikes: tuple[StrikeGamma, ...]) -> tuple[Table, ...]:
    """100,000: 561, −11."""
    words = market.bank(profile).words
    gross = fsum(one.gross_coin for one in strikes)
    shown = sorted(sorted(strikes, key=lambda one: -one.gross_coin)[:MOST], key=lambda one: -one.strike_usd)
    rows = [
        (
            write_number(market, profile, "coins", one.strike_usd),
            [
                write_number(market, profile, "coins", _whole(value, gross))
                for value in (one.gross_coin, one.net_coin)
            ],
        )
        for one in shown
    ]
    return table([words["gamma.gross"], words["gamma.net"]], rows)


COMMAND = Command(name="gamma", options=(ASSET,), answer=answer, shared=True)

"""`/flow`: the day's large trades in options: the legs of a block as one line, the side as the taker's."""

from datetime import datetime

from bot.commands import Command, Request
from bot.commands._expiries import day_of, expiry_time, heading_of, number_origin, table, write_number
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET
from bot.commentary import NO_VALUE
from bot.desk.market import Market
from bot.domain.facts import Fact, Facts
from bot.domain.posts import Answer, Profile, Table
from bot.domain.story import Origin
from bot.domain.traded import TakerTrades
from bot.metrics.flow import DayFlow, OptionTrade, TradedLeg, read_flow

MOST_LINES = 9
MOST_LEGS = 2
LONGEST_BESIDE = 13  # letters of a trade for which there is room beside its cells on a telephone
IN_THOUSANDS = 10_000.0


async def answer(market: Market, request: Request) -> Answer:
    """What changed hands in the last day, and the large trades of it, largest first. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    heading = heading_of(market, profile, asset, "flow")
    nothing = Facts(asset=asset, at=market.now(), known={})
    trades = market.memory.trades(asset)
    flow = None if trades is None else market.memory.of_poll(asset, "flow", lambda: read_flow(trades))
    if trades is None or flow is None:
        said = market.say("answer", "flow-none", nothing, profile)
        return Answer(
            title=heading, body=said.text, body_spans=said.spans, footer=market.footer(nothing, profile, ())
        )
    said = market.say("answer", "flow" if trades.is_whole else "flow-part", nothing, profile, _counts(flow))
    return Answer(
        title=heading,
        body=said.text,
        body_spans=said.spans,
        lead=lead_in_words(market, "lead.flow", profile, {"value": (_counts(flow)["value"], "usd")}),
        tables=_table(market, profile, flow),
        footer=_footer(market, profile, trades),
    )


def _counts(flow: DayFlow) -> dict[str, Origin]:
    return {
        "total": number_origin("trades", float(flow.count)),
        "value": number_origin("their notional, USD", flow.notional_usd),
        "base": number_origin("95th percentile of their notional, USD", flow.large_from_usd),
    }


def _table(market: Market, profile: Profile, flow: DayFlow) -> tuple[Table, ...]:
    """+63K C+P 1Aug: 1.6M, 101K, −1.4. The largest ones for whose lines there is room."""
    words = market.bank(profile).words
    rows, left = [], MOST_LINES
    for trade in flow.large:
        over, legs = trade.over_mark_points, _legs(market, profile, trade)
        left -= 1 if len(legs) <= LONGEST_BESIDE else 2
        if left < 0:
            break
        cells = [
            _in_few(market, profile, trade.notional_usd),
            _in_few(market, profile, trade.premium_usd),
            NO_VALUE if over is None else write_number(market, profile, "bare", over),
        ]
        rows.append((legs, cells))
    return table([words["flow.size"], words["flow.paid"], words["flow.iv"]], rows)


def _in_few(market: Market, profile: Profile, usd: float) -> str:
    """Dollars in few letters: 126M, 1.6M, −250K, 0."""
    words, size = market.bank(profile).words, abs(usd)
    scale, unit = (1e6, "flow.million") if size >= 999_500.0 else (1e3, "flow.thousand")
    number = usd / scale
    shown = write_number(
        market, profile, "bare", round(number, 1) if scale == 1e6 and size < 9.95e6 else round(number)
    )
    return words[unit].format(shown) if shown.strip("−-0") else "0"


def _legs(market: Market, profile: Profile, trade: OptionTrade) -> str:
    """What the taker bought (+) and sold (−), strikes in thousands from ten thousand on: "+60K/−70K C 27Feb", a straddle
    "+63K C+P 1Aug"; of many legs the first ones and how many more."""
    shown = trade.legs[:MOST_LEGS]
    strikes = [f"{_sign(leg)}{_strike(market, profile, leg.strike_usd)}" for leg in shown]
    rights = ["C" if leg.is_call else "P" for leg in shown]
    days = [day_of(market, profile, expiry_time(leg.expires_ms)).replace(" ", "") for leg in shown]
    if len(set(strikes)) == 1:
        text = f"{strikes[0]} {'+'.join(rights)}" if len(set(days)) == 1 else f"{strikes[0]} {rights[0]}"
    elif len(set(rights)) == 1:
        text = f"{'/'.join(strikes)} {rights[0]}"
    else:
        text = "/".join(f"{strike}{right}" for strike, right in zip(strikes, rights, strict=True))
    more = len(trade.legs) - len(shown)
    return f"{text} {'/'.join(dict.fromkeys(days))}" + (f" +{more}" if more else "")


def _sign(leg: TradedLeg) -> str:
    return "+" if leg.coins > 0.0 else "−" if leg.coins < 0.0 else "±"


def _strike(market: Market, profile: Profile, strike_usd: float) -> str:
    if strike_usd < IN_THOUSANDS:
        return f"{strike_usd:g}"
    return f"{write_number(market, profile, 'bare', strike_usd / 1000.0)}K"


def _footer(market: Market, profile: Profile, trades: TakerTrades) -> str:
    at: datetime = expiry_time(trades.until_ms)
    stood_on = Fact(name="option_open_interest_coin", value=0.0, at=at, venues=(trades.venue,), of_venues=1)
    return market.footer(Facts(asset=trades.asset, at=market.now(), known={stood_on.name: stood_on}), profile)


COMMAND = Command(name="flow", options=(ASSET,), answer=answer, shared=True)

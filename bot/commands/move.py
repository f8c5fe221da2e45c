"""`/move`: how far options price the asset to move by each expiry, between which levels, and how such moves held."""

import math
from datetime import timedelta
from functools import partial

from msgspec import Struct

from bot.commands import Command, Request
from bot.commands._expiries import (
    date_origin,
    day_of,
    expiry_time,
    fitted_near,
    footer_of,
    heading_of,
    heard_ms,
    number_origin,
    table,
    without_chain,
    write_number,
    young_chains,
)
from bot.commands._option_charts import move_chart
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET, go_on, join_texts
from bot.commentary import NO_VALUE
from bot.desk.market import Market
from bot.domain.chain import Floats
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table
from bot.domain.story import Origin, Text
from bot.metrics import History
from bot.metrics.density import ExpirySmile
from bot.metrics.smile import DAY_MS, legs

MONTH_DAYS = 30.0
ONE_SIGMA = (0.16, 0.84)
TWO_SIGMAS = (0.025, 0.975)
SHOWN_DAYS = (0.0, 7.0, 30.0, 90.0)
YEAR = timedelta(days=365)
NEXT_TO = timedelta(hours=26)  # of daily rows too there is one


class HeldMoves(Struct, frozen=True, kw_only=True):
    """How often the price thirty days later lay within one standard deviation of what the volatility index priced:
    `held_pct` of `windows`, which overlap and so are worth about `independent`."""

    held_pct: float
    windows: int
    independent: int


async def answer(market: Market, request: Request) -> Answer:
    """The expected move of each expiry that has a smile, from the venue with the most open interest. Raises
    InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    heading = heading_of(market, profile, asset, "move")
    smiles = fitted_near(market, asset, SHOWN_DAYS)
    moves = _moves(market, asset, smiles)
    if not moves:
        return without_chain(market, profile, asset, heading)
    facts = Facts(asset=asset, at=market.now(), known={})
    history, now_s = await market.history(asset), market.now().timestamp()
    held = market.memory.of_poll(asset, "moves held", lambda: held_moves(history, now_s))
    near, far = moves[0], min(moves, key=lambda one: abs(one[0].years * 365.0 - MONTH_DAYS))
    body, spans = join_texts(
        _told_moves(market, facts, profile, near, far),
        *_told_levels(market, facts, profile, far[0]),
        *_told_past(market, facts, profile, held),
        between="\n",
    )
    return Answer(
        title=heading,
        body=body,
        body_spans=spans,
        lead=_lead(market, profile, far),
        tables=_table(market, profile, _shown(moves)),
        chart=move_chart(market, history, await market.facts(asset), profile),
        buttons=(go_on(market.bank(profile).words["button.odds"], "odds", {"asset": asset}),),
        footer=footer_of(market, profile, asset, smiles),
    )


def _moves(
    market: Market, asset: str, smiles: tuple[ExpirySmile, ...]
) -> tuple[tuple[ExpirySmile, float], ...]:
    """Each fitted expiry with one standard deviation as a share of its forward: by the quoted volatility at the money,
    which needs no fit, where the chain has it."""
    quoted: dict[int, float] = {}
    for chain in young_chains(market, asset):
        if smiles and chain.venue == smiles[0].venue:
            at_ms = heard_ms(chain)
            found = market.memory.of_poll(asset, f"legs {chain.venue}", partial(legs, chain, at_ms))
            quoted = {round(at_ms + leg.days * DAY_MS): leg.atm for leg in found if leg.atm is not None}
    return tuple(
        (one, quoted[one.expires_ms] / 100.0 * math.sqrt(one.years))
        if one.expires_ms in quoted
        else (one, one.move_share)
        for one in smiles
    )


def _told_moves(
    market: Market,
    facts: Facts,
    profile: Profile,
    near: tuple[ExpirySmile, float],
    far: tuple[ExpirySmile, float],
) -> Text:
    names = _named("near", "last_at", "value", "total", near)
    names["base"] = number_origin("straddle, %", far[0].straddle_share * 100.0)
    if far[0] is near[0]:
        return market.say("answer", "move-one", facts, profile, names)
    return market.say("answer", "move", facts, profile, names | _named("far", "then", "other", "hits", far))


def _lead(market: Market, profile: Profile, move: tuple[ExpirySmile, float]) -> Figure:
    """±15.7% by 27 February 2026."""
    named = _named("far", "then", "other", "hits", move)
    return lead_in_words(
        market, "lead.move", profile, {"value": (named["other"], "plusminus"), "when": (named["then"], "day")}
    )


def _named(which: str, when: str, size: str, usd: str, move: tuple[ExpirySmile, float]) -> dict[str, Origin]:
    smile, share = move
    return {
        when: date_origin(f"{which} expiry", expiry_time(smile.expires_ms)),
        size: number_origin(f"{which} move, %", share * 100.0),
        usd: number_origin(f"{which} move, USD", share * smile.forward_usd),
    }


def _told_levels(market: Market, facts: Facts, profile: Profile, smile: ExpirySmile) -> list[Text]:
    """The levels with 16% on either side, and with 2.5%; as far as they lie between the quoted strikes."""
    names = {"last_at": date_origin("expiry", expiry_time(smile.expires_ms))}
    for (under, over), keys in (
        (ONE_SIGMA, ("base", "low", "high")),
        (TWO_SIGMAS, ("other", "before", "after")),
    ):
        low, high = smile.level_at(under), smile.level_at(over)
        if low is None or high is None:
            break
        names |= {
            keys[0]: number_origin(f"priced on either side, {under:g}", under * 100.0),
            keys[1]: number_origin(f"level under which {under:g} is priced", low),
            keys[2]: number_origin(f"level over which {1 - over:g} is priced", high),
        }
    if "base" not in names:
        return []
    about = "move-levels" if "other" in names else "move-near-levels"
    return [market.say("answer", about, facts, profile, names)]


def _told_past(market: Market, facts: Facts, profile: Profile, held: HeldMoves | None) -> list[Text]:
    if held is None:
        return []
    names = {
        "base": number_origin("windows that held, %", held.held_pct),
        "total": number_origin("windows", float(held.windows)),
        "hits": number_origin("windows that do not overlap", float(held.independent)),
    }
    return [market.say("answer", "move-held", facts, profile, names)]


def _shown(moves: tuple[tuple[ExpirySmile, float], ...]) -> list[tuple[ExpirySmile, float]]:
    """The nearest expiry, and those nearest to a week, a month and a quarter."""
    near = {min(moves, key=lambda one: abs(one[0].years * 365.0 - days))[0].expires_ms for days in SHOWN_DAYS}
    return [one for one in moves if one[0].expires_ms in near]


def _table(market: Market, profile: Profile, moves: list[tuple[ExpirySmile, float]]) -> tuple[Table, ...]:
    """30 Jan: ±4.7%, 85,299, 93,199."""
    columns = ["σ√T", *(write_number(market, profile, "pct", end * 100.0) for end in ONE_SIGMA)]
    rows = []
    for smile, share in moves:
        ends = [smile.level_at(end) for end in ONE_SIGMA]
        told = [NO_VALUE if end is None else write_number(market, profile, "coins", end) for end in ends]
        size = write_number(market, profile, "plusminus", share * 100.0)
        rows.append((day_of(market, profile, expiry_time(smile.expires_ms)), [size, *told]))
    return table(columns, rows)


def held_moves(history: History, now_s: float) -> HeldMoves | None:
    """How moves over thirty days held in the last year, a window a day: |ln(S₃₀/S₀)| ≤ DVOL₀/100 · √(30/365). None
    where less than sixty windows are known."""
    index, spot = history.column("dvol"), history.column("spot_usd")
    if not len(index.value) or not len(spot.value):
        return None
    held = windows = 0
    span_ms, near_ms = MONTH_DAYS * DAY_MS, NEXT_TO.total_seconds() * 1000
    for day in range(int(YEAR.days - MONTH_DAYS), -1, -1):
        begin = now_s * 1000 - span_ms - day * DAY_MS
        values = [
            _near(column.known_ms, column.value, at, near_ms)
            for column, at in ((index, begin), (spot, begin), (spot, begin + span_ms))
        ]
        known = [value for value in values if value is not None and value > 0.0]
        if len(known) == len(values):
            priced, first, last = known
            windows += 1
            held += abs(math.log(last / first)) <= priced / 100.0 * math.sqrt(MONTH_DAYS / 365.0)
    if windows < 2 * MONTH_DAYS:
        return None
    return HeldMoves(
        held_pct=held / windows * 100.0, windows=windows, independent=max(int(windows / MONTH_DAYS), 1)
    )


def _near(known_ms: Floats, value: Floats, at_ms: float, within_ms: float) -> float | None:
    """The last value known at a time, None where that is older than `within_ms`."""
    place = int(known_ms.searchsorted(at_ms, side="right")) - 1
    return float(value[place]) if place >= 0 and at_ms - known_ms[place] <= within_ms else None


COMMAND = Command(name="move", options=(ASSET,), answer=answer, shared=True)

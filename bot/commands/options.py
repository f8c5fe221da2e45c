"""`/options`: puts against calls, how dear volatility is, and what expires next."""

from collections.abc import Sequence

from msgspec.structs import replace

from bot.commands import Command, CommandOption, Request
from bot.commands._heard import expiries_now, expiry_of_max_pain, gamma_now
from bot.commands._option_charts import volatility_chart
from bot.commands._tables import line_of, missing_note, side_by_side
from bot.commands._telling import ASSET, about_metric, go_on, pick_chart
from bot.commentary import cell, date_line
from bot.commentary.cards import word_text
from bot.desk.market import Market
from bot.domain.catalog import RANK
from bot.domain.facts import Facts
from bot.domain.posts import Answer, ChartSpec, Figure, Profile, Table
from bot.domain.story import Origin
from bot.metrics import History
from bot.metrics.realized import premiums_of_days

LEAD = "put_call_oi_ratio"
COLUMNS = ("", "before_24h", RANK)
PREMIUM = "volatility_premium_points"
SHOWN = (LEAD, "put_call_volume_ratio", "dvol", PREMIUM, "iv_term_slope_points")
LEAST_DAYS = 30
SIZES = ("option_open_interest_usd", "next_expiry_notional_usd")
MAX_PAIN = "max_pain_usd"


VOLATILITY, GAMMA, EXPIRIES = "volatility", "gamma", "expiries"
CHARTS = (VOLATILITY, GAMMA, EXPIRIES)


async def answer(market: Market, request: Request) -> Answer:
    """The options market as last stored, with one of its charts. Raises InputError."""
    asset, profile = market.asset(request.options.get("asset")), request.profile
    wanted = pick_chart(request.options.get("chart"), CHARTS)
    known = market.bank(profile).words
    buttons = tuple(
        go_on(known.get(f"button.{other}", other), "options", {"asset": asset, "chart": other})
        for other in CHARTS
        if other != wanted
    )
    said = await about_metric(
        market,
        request,
        about="options",
        lead=LEAD,
        past=(),
        more_tables=_table,
        notes=_notes,
        buttons=buttons,
    )
    premium = _premium(market, await market.facts(asset), await market.history(asset), profile)
    return replace(said, notes=(*premium, *said.notes), chart=await _chart(market, asset, wanted, profile))


def _table(market: Market, facts: Facts, profile: Profile) -> tuple[Table, ...]:
    return side_by_side(market, SHOWN, facts, profile, COLUMNS)


def _notes(market: Market, facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    bank, catalog = market.bank(profile), market.playbook.catalog
    sizes = [
        replace(cell(name, facts, catalog, bank), label=bank.words[f"row.{name}"])
        for name in SIZES
        if name in facts.known or name in facts.stale
    ]
    missing = missing_note(market, (*SHOWN, *SIZES, MAX_PAIN), facts, profile)
    return (*_max_pain(market, facts, profile), *line_of(bank.words["note.sizes"], sizes), *missing)


def _premium(market: Market, facts: Facts, history: History, profile: Profile) -> tuple[Figure, ...]:
    """How dear movement is among the days of the last year, with what came in a month beside it; nothing where the premium
    or its past is not known."""
    fact, came = facts.get(PREMIUM), facts.get("realized_30d_pct")
    if fact is None or came is None:
        return ()
    days = premiums_of_days(history, market.now().timestamp() * 1000)
    if len(days) < LEAST_DAYS:
        return ()
    names = {
        "came": (Origin(kind="fact", ref=came.name, value=came.value), "pct"),
        "hits": (Origin(kind="count", ref="days with less", value=float((days < fact.value).sum())), "count"),
        "total": (Origin(kind="count", ref="days known", value=float(len(days))), "count"),
    }
    said = word_text("note.premium_rank", market.bank(profile), names)
    return (Figure(label=market.bank(profile).words["note.premium"], text=said.text, spans=said.spans),)


def _max_pain(market: Market, facts: Facts, profile: Profile) -> Sequence[Figure]:
    """Max pain with the expiry that it is of; nothing where the chain that it was read from is not in memory, for without
    its date it says nothing."""
    bank, fact = market.bank(profile), facts.get(MAX_PAIN)
    expiry = expiry_of_max_pain(market, facts.asset, fact.at) if fact is not None else None
    if expiry is None:
        return ()
    one = date_line("note.max_pain_of", expiry, bank, fact=fact, day=True)
    return (replace(one, label=bank.words["note.max_pain"]),)


async def _chart(market: Market, asset: str, wanted: str, profile: Profile) -> ChartSpec | None:
    """The chart that is wanted; what options expect beside what came where that cannot be drawn."""
    facts = await market.facts(asset)
    spot = facts.value("spot_usd")
    chart = None
    if wanted != VOLATILITY and spot is not None:
        drawn = gamma_now if wanted == GAMMA else expiries_now
        chart = drawn(market, asset, spot, profile)
    return chart or volatility_chart(market, await market.history(asset), facts, profile)


COMMAND = Command(
    name="options", options=(ASSET, CommandOption(name="chart", choices=CHARTS)), answer=answer, shared=True
)

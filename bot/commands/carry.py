"""`/carry`: what funding and dated futures pay at each venue, and the widest pair: long where funding is lowest, short
where it is highest."""

from datetime import timedelta

from bot.commands import Command, Request
from bot.commands._expiries import heading_of, number_origin, table, write_number
from bot.commands._tables import lead_in_words
from bot.commands._telling import ASSET, join_texts
from bot.commentary import NO_VALUE, venue_name
from bot.desk.market import Market
from bot.domain.facts import Fact, Facts
from bot.domain.posts import Answer, Profile, Table
from bot.domain.story import Origin
from bot.metrics import History
from bot.metrics.history import to_time

FUNDING = "funding_annual_pct"
BASIS = ("basis_60d_pct", "basis_30d_pct", "basis_90d_pct")
SPANS = {"7d": timedelta(days=7), "30d": timedelta(days=30)}
LEAST_SHARE = 0.8
MOST_VENUES = 5


async def answer(market: Market, request: Request) -> Answer:
    """Rates by venue, % a year before cost, and what the widest pair of them paid lately. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    history, facts = await market.history(asset), await market.facts(asset)
    rates = latest_by_venue(market, history, FUNDING)
    nothing = Facts(asset=asset, at=market.now(), known={})
    heading = heading_of(market, profile, asset, "carry")
    if len(rates) < 2:
        said = market.say("answer", "carry-none", nothing, profile)
        return Answer(
            title=heading,
            body=said.text,
            body_spans=said.spans,
            footer=market.footer(facts, profile, [FUNDING]),
        )
    low, high = min(rates, key=lambda venue: rates[venue]), max(rates, key=lambda venue: rates[venue])
    names = {
        "value": number_origin("lowest funding, % a year", rates[low]),
        "other": number_origin("highest funding, % a year", rates[high]),
        "total": number_origin("carry, % a year", rates[high] - rates[low]),
        "source": Origin(kind="input", ref="lowest venue", value=_venue(market, profile, low)),
        "sources": Origin(kind="input", ref="highest venue", value=_venue(market, profile, high)),
    }
    now_ms = market.now().timestamp() * 1000
    paid = {label: earned_by_pair(history, low, high, now_ms, span) for label, span in SPANS.items()}
    more = {
        name: number_origin(f"paid in {label}, %", value)
        for name, label in (("value", "7d"), ("other", "30d"))
        if (value := paid[label]) is not None
    }
    about = "carry-7d" if "other" not in more else "carry-30d" if "value" not in more else "carry-paid"
    earned = [market.say("answer", about, nothing, profile, more)] if more else []
    body, spans = join_texts(
        market.say("answer", "carry", nothing, profile, names),
        *earned,
        market.say("answer", "carry-cost", nothing, profile),
        between="\n",
    )
    return Answer(
        title=heading,
        body=body,
        body_spans=spans,
        lead=lead_in_words(market, "lead.carry", profile, {"value": (names["total"], "pct")}),
        tables=_table(market, profile, history, rates),
        footer=market.footer(facts, profile, [name for name in (FUNDING, *BASIS) if name in facts.known]),
    )


def latest_by_venue(market: Market, history: History, name: str) -> dict[str, float]:
    """Each venue's own last value of a metric, as far as it is fresh."""
    found = {}
    for venue in history.venues(name):
        column = history.column(name, venue)
        at, value = to_time(float(column.known_ms[-1])), float(column.value[-1])
        fact = Fact(name=name, value=value, at=at, venues=(venue,), of_venues=1)
        if market.playbook.catalog.fresh(fact, market.now()):
            found[venue] = value
    return found


def earned_by_pair(
    history: History, long_at: str, short_at: str, now_ms: float, span: timedelta
) -> float | None:
    """What being long at one venue and short at the other was paid over a span, % of the notional before cost: the
    difference of the two mean rates, for as long. None where either venue is known for less than four fifths of
    it."""
    days = span.total_seconds() / 86_400
    since_ms = now_ms - days * 86_400_000
    means = []
    for venue in (long_at, short_at):
        column = history.column(FUNDING, venue)
        rows = (column.known_ms > since_ms) & (column.known_ms <= now_ms)
        known = column.known_ms[rows]
        if len(known) < 2 or known[-1] - known[0] < LEAST_SHARE * days * 86_400_000:
            return None
        means.append(float(column.value[rows].mean()))
    return (means[1] - means[0]) * days / 365.0


def _venue(market: Market, profile: Profile, venue: str) -> str:
    return venue_name(venue, market.bank(profile).words)


def _table(market: Market, profile: Profile, history: History, rates: dict[str, float]) -> tuple[Table, ...]:
    """OKX: 4.2%, 5.1%."""
    words = market.bank(profile).words
    curves = [latest_by_venue(market, history, name) for name in BASIS]
    ends = {min(rates, key=lambda one: rates[one]), max(rates, key=lambda one: rates[one])}
    others = sorted({*rates, *(venue for curve in curves for venue in curve)} - ends)
    rows = []
    for venue in sorted({*ends, *others[: MOST_VENUES - len(ends)]}):
        basis = next((curve[venue] for curve in curves if venue in curve), None)
        cells = [
            NO_VALUE if rate is None else write_number(market, profile, "pct", rate)
            for rate in (rates.get(venue), basis)
        ]
        rows.append((_venue(market, profile, venue), cells))
    return table([words["carry.funding"], words["carry.basis"]], rows)


COMMAND = Command(name="carry", options=(ASSET,), answer=answer, shared=True)

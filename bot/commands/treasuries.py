"""`/treasuries`: what corporate holders paid and what that is worth now: dated, sourced, no advice."""

from collections.abc import Sequence
from datetime import date

from bot.commands import Command, Request
from bot.commands._expiries import write_day
from bot.commands._tables import lead_of, missing_note, within_words
from bot.commands._telling import ASSET
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.playbook import Holding
from bot.domain.posts import Answer, Figure, Profile
from bot.domain.story import Origin

RESULT = "treasury_unrealized_usd"
SHOWN = ("treasury_cost_usd", RESULT, "spot_usd")


async def answer(market: Market, request: Request) -> Answer:
    """The configured holders of the asset as they published their coins. Raises InputError."""
    profile = request.profile
    asset = market.asset(request.options.get("asset"))
    facts = await market.facts(asset)
    holders = _last(market.playbook.holdings, asset, facts.at.date())
    said = market.say("answer", "treasuries" if holders else "treasuries-none", facts, profile)
    sums = [
        market.figure(name, facts, profile)
        for name in SHOWN
        if name != RESULT and (name in facts.known or name in facts.stale)
    ]
    return Answer(
        lead=_lead(market, facts, profile) if holders else None,
        title=f"{asset}: {market.bank(profile).words.get('title.treasuries', 'treasuries')}",
        body=said.text,
        body_spans=said.spans,
        figures=(
            *(_figure(market, holding, facts, profile) for holding in holders),
            *(sums if holders else ()),
        ),
        notes=missing_note(market, SHOWN, facts, profile) if holders else (),
        footer=market.footer(facts, profile, SHOWN),
    )


def _lead(market: Market, facts: Facts, profile: Profile) -> Figure | None:
    """−$5.9bn against what was paid; None while it is not known."""
    found = lead_of(market, RESULT, facts, profile)
    return within_words(market.bank(profile).words["lead.treasuries"], found) if found else None


def _last(holdings: Sequence[Holding], asset: str, day: date) -> Sequence[Holding]:
    """What each holder of the asset had last published by a day."""
    known = (holding for holding in holdings if holding.asset == asset and holding.as_of <= day)
    return list({holding.holder: holding for holding in sorted(known, key=lambda one: one.as_of)}.values())


def _source(market: Market, holding: Holding, profile: Profile) -> str:
    """SEC, 8-K, 2 February 2026."""
    if holding.published_on is None:
        return holding.source
    return f"{holding.source}, {write_day(market, profile, holding.published_on)}"


def _figure(market: Market, holding: Holding, facts: Facts, profile: Profile) -> Figure:
    names = {
        "value": Origin(kind="treasury", ref=f"{holding.holder}:coins", value=holding.coins),
        "low": Origin(
            kind="treasury", ref=f"{holding.holder}:average_cost_usd", value=holding.average_cost_usd
        ),
        "last_at": Origin(kind="date", ref=f"{holding.holder}:as_of", value=holding.as_of.isoformat()),
        "source": Origin(
            kind="input", ref=f"{holding.holder}:source", value=_source(market, holding, profile)
        ),
    }
    day, about = facts.at.date(), "treasury"
    if holding.is_outdated(day):
        age_days = (day - holding.as_of).days
        names["hits"] = Origin(kind="count", ref=f"{holding.holder}:age in days", value=float(age_days))
        about = "treasury-outdated"
    said = market.say("answer", about, facts, profile, names)
    return Figure(label=holding.holder, text=said.text, spans=said.spans)


COMMAND = Command(name="treasuries", options=(ASSET,), answer=answer, shared=True)

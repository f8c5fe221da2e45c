"""`/treasuries`: what corporate holders paid and what that is worth now: dated, sourced, no advice."""

from bot.commands import Command, Request
from bot.commands._telling import ASSET, figures, joined
from bot.desk import Desk
from bot.domain.playbook import Holding
from bot.domain.posts import Answer
from bot.domain.story import Origin

SHOWN = ("treasury_cost_usd", "treasury_unrealized_usd", "spot_usd")


async def answer(desk: Desk, request: Request) -> Answer:
    """The configured holders of the asset as they published their coins. Raises InputError."""
    profile = request.profile
    asset = desk.asset(request.options.get("asset"))
    facts = await desk.facts(asset)
    holders = [holding for holding in desk.playbook.holdings if holding.asset == asset]
    said = [desk.say("answer", "treasury", facts, profile, _names(holding)) for holding in holders]
    body, spans = joined(*said or [desk.say("answer", "treasury-none", facts, profile)])
    return Answer(
        title=f"{asset}: {desk.bank(profile).words.get('command.treasuries', 'treasuries')}",
        body=body,
        body_spans=spans,
        figures=figures(desk, SHOWN, facts, profile) if holders else (),
        footer=desk.footer(facts, profile),
    )


def _names(holding: Holding) -> dict[str, Origin]:
    return {
        "holder": Origin(kind="name", ref=holding.holder, value=holding.holder),
        "value": Origin(kind="treasury", ref=f"{holding.holder}:coins", value=holding.coins),
        "low": Origin(kind="treasury", ref=f"{holding.holder}:average_cost_usd", value=holding.average_cost_usd),
        "last_at": Origin(kind="date", ref=f"{holding.holder}:as_of", value=holding.as_of.isoformat()),
        "source": Origin(kind="input", ref=f"{holding.holder}:source", value=holding.source),
    }


COMMAND = Command(name="treasuries", options=(ASSET,), answer=answer)

"""`/brief`: the verdict now, with its commentary at the length that is asked for."""

from typing import get_args

from bot.commands import Command, CommandOption, Request
from bot.commands._tables import missing_note, old_note, side_by_side
from bot.commands._telling import ASSET, join_texts
from bot.commands.summary import summary_chart
from bot.desk.market import Market
from bot.domain.posts import Answer
from bot.domain.story import Length
from bot.errors import InputError
from bot.reasons import reason

LENGTHS: tuple[Length, ...] = get_args(Length)
MOST_FIGURES = 6
COLUMNS = ("", "before_24h")


async def answer(market: Market, request: Request) -> Answer:
    """The commentary of now. An article that cannot be written is answered with the embed, and why. Raises
    InputError."""
    asset = market.asset(request.options.get("asset"))
    story, verdict, reason = await market.brief(
        asset, request.profile, _length(request.options.get("length"))
    )
    facts = await market.facts(asset)
    leading = dict.fromkeys(finding.facts[0] for finding in verdict.findings if finding.facts)
    body, spans = join_texts(*story.paragraphs, reason or "")
    named = list(leading)[:MOST_FIGURES]
    tables = side_by_side(market, named, facts, request.profile, COLUMNS)
    return Answer(
        title=story.headline.text if story.headline else asset,
        title_spans=story.headline.spans if story.headline else (),
        body=body,
        body_spans=spans,
        tables=tables,
        notes=(
            *missing_note(market, named, facts, request.profile),
            *old_note(market, named, facts, request.profile),
        ),
        stance=verdict.stance,
        stance_word=f"{asset} · {market.bank(request.profile).words[f'stance.{verdict.stance}']}",
        at=facts.at,
        chart=summary_chart(market, story, verdict, await market.history(asset), facts),
        footer=story.footer.text if story.footer else market.footer(facts, request.profile),
    )


def _length(typed: str | None) -> Length | None:
    if not typed:
        return None
    for length in LENGTHS:
        if length == typed.strip().lower():
            return length
    raise InputError(reason("unknown_length", typed=typed, known=", ".join(LENGTHS)))


COMMAND = Command(
    name="brief", options=(ASSET, CommandOption(name="length", choices=LENGTHS)), answer=answer, shared=True
)

"""`/brief`: the verdict now, with its commentary at the length that is asked for."""

from typing import get_args

from bot.commands import Command, Option, Request
from bot.commands._telling import ASSET, figures, joined
from bot.commands.summary import summary_chart
from bot.desk import Desk
from bot.domain.posts import Answer
from bot.domain.story import Length
from bot.errors import InputError

LENGTHS: tuple[Length, ...] = get_args(Length)
MOST_FIGURES = 6


async def answer(desk: Desk, request: Request) -> Answer:
    """The commentary of now. An article that cannot be written is answered with the embed, and why. Raises InputError."""
    asset = desk.asset(request.options.get("asset"))
    story, verdict, reason = await desk.brief(asset, request.profile, _length(request.options.get("length")))
    facts = await desk.facts(asset)
    leading = dict.fromkeys(finding.facts[0] for finding in verdict.findings if finding.facts)
    body, spans = joined(*story.paragraphs, reason or "")
    return Answer(
        title=story.headline.text if story.headline else asset,
        title_spans=story.headline.spans if story.headline else (),
        body=body,
        body_spans=spans,
        figures=figures(desk, list(leading)[:MOST_FIGURES], facts, request.profile),
        chart=summary_chart(desk, story, verdict, await desk.history(asset), facts),
        footer=story.footer.text if story.footer else desk.footer(facts, request.profile),
    )


def _length(typed: str | None) -> Length | None:
    if not typed:
        return None
    for length in LENGTHS:
        if length == typed.strip().lower():
            return length
    raise InputError(f"unknown length {typed!r}: one of {', '.join(LENGTHS)}")


COMMAND = Command(
    name="brief",
    options=(ASSET, Option(name="length", choices=LENGTHS)),
    answer=answer,
    shared=True,
)

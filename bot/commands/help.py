"""`/help`: every command with its options and what it answers."""

from bot.commands import Command, Request, discover, usage
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure


async def answer(market: Market, request: Request) -> Answer:
    """All commands. Raises nothing."""
    words = market.bank(request.profile).words
    nothing = Facts(asset=market.assets[0], at=market.now(), known={})
    said = market.say("answer", "help", nothing, request.profile)
    return Answer(
        title=words.get("title.help", "help"),
        body=said.text,
        body_spans=said.spans,
        figures=tuple(
            Figure(label=usage(command), text=words.get(f"command.{command.name}", command.name))
            for command in discover().values()
        ),
        footer=market.footer(nothing, request.profile),
    )


COMMAND = Command(name="help", options=(), answer=answer, shared=True, private=True)

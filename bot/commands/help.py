"""`/help`: every command, those of one kind together; with a command's name how it is asked."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from bot.commands import Command, CommandOption, Request, discover, usage
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile
from bot.errors import InputError
from bot.reasons import reason

KINDS: Final[Mapping[str, Sequence[str]]] = {
    "market": ("brief", "balance", "changes", "price", "calendar", "record"),
    "readings": ("skew", "basis", "oi", "funding", "liquidations", "options"),
    "trades": ("move", "odds", "hedge", "expiries", "gamma", "flow", "carry"),
    "any": ("history", "compare", "venues", "explain"),
    "own": ("watch", "watches", "digest"),
}
"""Which commands stand together; what none of them has stands last, under "more"."""


def suggest_commands(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """Commands whose name begins so."""
    return [name for name in discover() if name.startswith(_name(typed))]


async def answer(market: Market, request: Request) -> Answer:
    """All commands, or one. Raises InputError for one that there is not."""
    commands, profile = discover(), request.profile
    words = market.bank(profile).words
    nothing = Facts(asset=market.assets[0], at=market.now(), known={})
    typed = request.options.get("command")
    if typed:
        name = _name(typed)
        if name not in commands:
            raise InputError(reason("unknown_command", typed=typed, known=", ".join(commands)))
        return _of_one(commands[name], words)
    said = market.say("answer", "help", nothing, profile)
    return Answer(
        title=words.get("title.help", "help"),
        body="\n".join([said.text, *_by_kind(commands, words)]),
        body_spans=said.spans,
    )


def _name(typed: str) -> str:
    return typed.strip().removeprefix("/").lower()


def _by_kind(commands: Iterable[str], words: Mapping[str, str]) -> Sequence[str]:
    """A line for each kind: The market: /brief /balance."""
    placed = {name for names in KINDS.values() for name in names}
    kinds = {**KINDS, "more": [name for name in commands if name not in placed]}
    return [
        f"{words.get(f'help.{kind}', kind)}: {' '.join(f'/{name}' for name in names)}"
        for kind, names in kinds.items()
    ]


def _of_one(command: Command, words: Mapping[str, str]) -> Answer:
    return Answer(
        title=usage(command),
        body=words.get(f"command.{command.name}", command.name),
        figures=tuple(
            Figure(label=option.name, text=words.get(f"option.{command.name}.{option.name}", option.name))
            for option in command.options
        ),
        footer="",
    )


COMMAND = Command(
    name="help",
    options=(CommandOption(name="command", suggest=suggest_commands),),
    answer=answer,
    shared=True,
    private=True,
)

"""Every command, one file each: its name, options, suggestions and answer. Commands know no surface; every
surface shows all.

A module of this package with a `COMMAND` is a command. Its description and its options' descriptions are
phrases (`config/phrases/<locale>/commands.toml`)."""

import importlib
import pkgutil
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog
from msgspec import Struct, field

from bot.commands._beginning import add_beginning
from bot.desk.market import Market
from bot.domain.posts import Answer, Profile
from bot.errors import InputError
from bot.reasons import reason

log = structlog.get_logger()

ABOUT_ASSETS = frozenset({"asset", "assets"})
"""The options of commands that tell of a market."""


class Request(Struct, frozen=True, kw_only=True):
    """Who asks what. `options` holds what was typed, by option name; an option left out is not there.

    `profile` is the asker's server's (the default one elsewhere); `direct` the channel of the asker's direct
    messages, None where a surface has none."""

    options: Mapping[str, str] = field(default_factory=dict)
    profile: Profile = field(default_factory=Profile)
    surface: str = "preview"
    guild_id: str | None = None
    channel: str | None = None
    user_id: str | None = None
    direct: str | None = None


class CommandOption(Struct, frozen=True, kw_only=True):
    """One option of a command. `suggest` gives what may be typed, in the words of a profile, for autocomplete;
    `choices` are few and fixed."""

    name: str
    required: bool = False
    choices: tuple[str, ...] = ()
    suggest: Callable[[Market, Profile, str], Sequence[str]] | None = None
    max_length: int = 60


class AnswerFunction(Protocol):
    """What a command does."""

    def __call__(self, market: Market, request: Request) -> Awaitable[Answer]:
        """The answer. Raises InputError for input that cannot be taken."""
        ...


class Command(Struct, frozen=True, kw_only=True):
    """One command. `shared`: its answer does not depend on who asks or where, so many who ask at once may get
    the same; `private`: only the asker sees it."""

    name: str
    options: tuple[CommandOption, ...]
    answer: AnswerFunction
    shared: bool = False
    private: bool = False


def discover() -> Mapping[str, Command]:
    """All commands by name, in alphabetical order."""
    found: dict[str, Command] = {}
    for module in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        if module.name.startswith("_"):
            continue
        command = getattr(importlib.import_module(f"{__name__}.{module.name}"), "COMMAND", None)
        if isinstance(command, Command):
            found[command.name] = command
    return found


def usage(command: Command) -> str:
    """How the command is typed: `/skew [asset] [tenor]`."""
    parts = [f"<{option.name}>" if option.required else f"[{option.name}]" for option in command.options]
    return " ".join([f"/{command.name}", *parts])


async def run(market: Market, command: Command, request: Request) -> Answer:
    """The command's answer; for input that cannot be taken a private one that says what would be right. About an asset
    of which nothing was heard yet, it says when that will be."""
    begun_s = time.perf_counter()
    try:
        for option in command.options:
            typed = request.options.get(option.name)
            if option.required and not typed:
                raise InputError(reason("option_missing", option=option.name, usage=usage(command)))
            if typed is not None and len(typed) > option.max_length:
                raise InputError(reason("option_long", option=option.name, most=option.max_length))
        said = await command.answer(market, request)
        if said.private or ABOUT_ASSETS.isdisjoint(option.name for option in command.options):
            return said
        asset = market.asset(request.options.get("asset"))
        return await add_beginning(market, asset, request.profile, said)
    except InputError as error:
        return market.refuse(error, request.profile)
    finally:
        took_s = round(time.perf_counter() - begun_s, 4)
        log.info("answer.given", command=command.name, surface=request.surface, took_s=took_s)

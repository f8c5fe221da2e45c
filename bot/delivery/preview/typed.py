"""A typed command line taken apart, put together, and completed: `/skew BTC 60`, `/skew asset:BTC
tenor:60`."""

import difflib
import re
from collections.abc import Mapping, Sequence

from msgspec import Struct

from bot.commands import Command, CommandOption, usage
from bot.desk.market import Market
from bot.domain.posts import Button, Profile
from bot.errors import InputError
from bot.reasons import reason

LONGEST_LINE = 200
MOST_SUGGESTIONS = 25

_WORD = re.compile(
    r'(?P<empty>[A-Za-z_]+):\s*$|(?:(?P<name>[A-Za-z_]+):\s*)?(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))'
)


class Typed(Struct, frozen=True, kw_only=True):
    """A command and what was given for its options, by option name."""

    command: Command
    options: Mapping[str, str]


def parse(line: str, commands: Mapping[str, Command]) -> Typed:
    """The command that a line names, with its options: in their order, by name, or both. A command with one
    option takes all that follows as its value. Raises InputError that says which word is wrong and what would
    be right."""
    if len(line) > LONGEST_LINE:
        raise InputError(reason("line_long", most=LONGEST_LINE))
    name, _, rest = line.strip().partition(" ")
    command = _command(name, commands)
    options: dict[str, str] = {}
    free: list[str] = []
    for given, value in _words(rest):
        if given is None:
            free.append(value)
            continue
        if given not in {option.name for option in command.options}:
            raise InputError(reason("unknown_option", typed=given, usage=usage(command)))
        if given in options:
            raise InputError(reason("given_twice", option=given, usage=usage(command)))
        options[given] = value
    open_options = [option.name for option in command.options if option.name not in options]
    if len(command.options) == 1 and open_options and free:
        free = [" ".join(free)]
    if len(free) > len(open_options):
        raise InputError(reason("word_too_many", typed=free[len(open_options)], usage=usage(command)))
    options.update(zip(open_options, free, strict=False))
    return Typed(command=command, options=options)


def line_of(button: Button) -> str:
    """The line that a reader would type instead of pressing the button."""
    parts = [
        f'{name}:"{value}"' if " " in value else f"{name}:{value}" for name, value in button.arguments.items()
    ]
    return " ".join([f"/{button.command}", *parts])


def suggest(line: str, commands: Mapping[str, Command], market: Market, profile: Profile) -> Sequence[str]:
    """Whole lines that the typed one may become, in the words of a profile, at most 25."""
    name, space, rest = line.lstrip().partition(" ")
    wanted = name.removeprefix("/").lower()
    if not space:
        return [f"/{known}" for known in commands if known.startswith(wanted)]
    command = commands.get(wanted)
    if command is None or len(line) > LONGEST_LINE:
        return []
    head, named, option, begun = _last(command, rest)
    if option is None:
        return []
    start = f"/{command.name} " + "".join(f"{word} " for word in head) + named
    values = _values(market, profile, option, begun)[:MOST_SUGGESTIONS]
    return [start + (f'"{value}"' if " " in value else value) for value in values]


def _command(name: str, commands: Mapping[str, Command]) -> Command:
    wanted = name.removeprefix("/").lower()
    if not wanted:
        raise InputError(reason("no_command", known=_listed(commands)))
    if wanted in commands:
        return commands[wanted]
    near = difflib.get_close_matches(wanted, commands, n=1)
    if near:
        raise InputError(reason("unknown_command_near", typed=name[:40], near=f"/{near[0]}"))
    raise InputError(reason("unknown_command", typed=name[:40], known=_listed(commands)))


def _listed(commands: Mapping[str, Command]) -> str:
    return ", ".join(f"/{known}" for known in commands)


def _words(rest: str) -> list[tuple[str | None, str]]:
    found: list[tuple[str | None, str]] = []
    for match in _WORD.finditer(rest):
        if match["empty"]:
            continue  # "tenor:" with nothing behind it is an option left out
        value = match["quoted"] if match["quoted"] is not None else match["bare"]
        found.append((match["name"].lower() if match["name"] else None, value))
    return found


def _last(command: Command, rest: str) -> tuple[list[str], str, CommandOption | None, str]:
    """The words before the one being typed, its "name:" if it has one, the option that it belongs to, what of
    it is there."""
    words = rest.split(" ")
    head, begun = [word for word in words[:-1] if word], words[-1]
    given = {word.partition(":")[0].lower() for word in head if ":" in word}
    free = sum(":" not in word for word in head)
    still_open = [option for option in command.options if option.name not in given]
    name, colon, value = begun.partition(":")
    if colon:
        option = next((option for option in still_open if option.name == name.lower()), None)
        return head, f"{name.lower()}:", option, value
    return head, "", still_open[free] if free < len(still_open) else None, begun


def _values(market: Market, profile: Profile, option: CommandOption, begun: str) -> Sequence[str]:
    if option.choices:
        return [choice for choice in option.choices if begun.lower() in choice.lower()]
    return option.suggest(market, profile, begun) if option.suggest else []

"""A typed command line taken apart, put together, and completed: `/skew BTC 60`, `/skew asset:BTC tenor:60`."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.commands import Command, Option, usage
from bot.desk import Desk
from bot.domain.posts import Button
from bot.errors import InputError

LONGEST_LINE = 200
MOST_SUGGESTIONS = 25

_WORD = re.compile(r'(?P<empty>[A-Za-z_]+):\s*$|(?:(?P<name>[A-Za-z_]+):\s*)?(?:"(?P<quoted>[^"]*)"|(?P<bare>\S+))')


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A command and what was given for its options, by option name."""

    command: Command
    options: Mapping[str, str]


def parse(line: str, commands: Mapping[str, Command]) -> Typed:
    """The command that a line names, with its options: in their order, by name, or both. A command with one option takes all
    that follows as its value. Raises InputError that says which word is wrong and what would be right."""
    if len(line) > LONGEST_LINE:
        raise InputError(f"the line is longer than {LONGEST_LINE} characters")
    name, _, rest = line.strip().partition(" ")
    command = _command(name, commands)
    options: dict[str, str] = {}
    free: list[str] = []
    for given, value in _words(rest):
        if given is None:
            free.append(value)
            continue
        if given not in {option.name for option in command.options}:
            raise InputError(f"unknown option {given!r}: {usage(command)}")
        if given in options:
            raise InputError(f"{given} is given twice: {usage(command)}")
        options[given] = value
    open_options = [option.name for option in command.options if option.name not in options]
    if len(command.options) == 1 and open_options and free:
        free = [" ".join(free)]
    if len(free) > len(open_options):
        raise InputError(f"{free[len(open_options)]!r} is one word too many: {usage(command)}")
    options.update(zip(open_options, free, strict=False))
    return Typed(command=command, options=options)


def line_of(button: Button) -> str:
    """The line that a reader would type instead of pressing the button."""
    parts = [f'{name}:"{value}"' if " " in value else f"{name}:{value}" for name, value in button.arguments.items()]
    return " ".join([f"/{button.command}", *parts])


def suggest(line: str, commands: Mapping[str, Command], desk: Desk) -> Sequence[str]:
    """Whole lines that the typed one may become, at most 25."""
    name, space, rest = line.lstrip().partition(" ")
    wanted = name.removeprefix("/").lower()
    if not space:
        return [f"/{known}" for known in commands if known.startswith(wanted)][:MOST_SUGGESTIONS]
    command = commands.get(wanted)
    if command is None or len(line) > LONGEST_LINE:
        return []
    head, named, option, begun = _last(command, rest)
    if option is None:
        return []
    start = f"/{command.name} " + "".join(f"{word} " for word in head) + named
    return [start + (f'"{value}"' if " " in value else value) for value in _values(desk, option, begun)][
        :MOST_SUGGESTIONS
    ]


def _command(name: str, commands: Mapping[str, Command]) -> Command:
    wanted = name.removeprefix("/").lower()
    if not wanted:
        raise InputError(f"no command: type one of {_listed(commands)}")
    if wanted in commands:
        return commands[wanted]
    near = difflib.get_close_matches(wanted, commands, n=1)
    hint = f"the nearest is /{near[0]}" if near else f"one of {_listed(commands)}"
    raise InputError(f"unknown command {name[:40]!r}: {hint}")


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


def _last(command: Command, rest: str) -> tuple[list[str], str, Option | None, str]:
    """The words before the one being typed, its "name:" if it has one, the option that it belongs to, what of it is there."""
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


def _values(desk: Desk, option: Option, begun: str) -> Sequence[str]:
    if option.choices:
        return [choice for choice in option.choices if begun.lower() in choice.lower()]
    return option.suggest(desk, begun) if option.suggest else []

"""A file that an operator or an editor writes, read into a checked shape: one way for settings, rules, words, tapes."""

import re
from collections.abc import Iterator
from typing import Any, TypeVar

import tomli
from pydantic import BaseModel, ConfigDict, ValidationError

from bot.errors import ConfigError, Problem

LONGEST_SHOWN = 60
MOST_PARTS = 64
ENDLESS_KEY = re.compile(
    rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{MOST_PARTS}}}""", re.ASCII
)
"""A key of so many parts takes a parser minutes: its work grows with their square."""


class FileShape(BaseModel):
    """A table without keys that nobody knows."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, populate_by_name=True, defer_build=True
    )


S = TypeVar("S", bound=BaseModel)


def read_tables(text: str, file: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises ConfigError that names the file and the line."""
    if any(ENDLESS_KEY.search(line) for line in text.split("\n") if line.count(".") >= MOST_PARTS):
        raise ConfigError([Problem(file=file, id="", reason="not TOML: nested too deeply")])
    try:
        return tomli.loads(text)
    except RecursionError as error:
        raise ConfigError([Problem(file=file, id="", reason="not TOML: nested too deeply")]) from error
    except ValueError as error:  # of tomli itself, or of a number with thousands of digits
        raise ConfigError([Problem(file=file, id="", reason=f"not TOML: {error}")]) from error


def read_shape(model: type[S], text: str, file: str) -> S:
    """A TOML text in its shape. Raises ConfigError with every problem."""
    return check_shape(model, read_tables(text, file), file)


def check_shape(model: type[S], tables: object, file: str, about: str = "") -> S:
    """Tables in their shape; `about` names what they describe, where the file holds several. Raises ConfigError
    with every problem."""
    try:
        return model.model_validate(tables)
    except ValidationError as error:
        raise ConfigError(list(problems_in(error, file, about))) from error


def problems_in(
    error: ValidationError, file: str, about: str = "", *, secret: bool = False
) -> Iterator[Problem]:
    """What is wrong, each with its key: in `id` where the whole file has one shape, else in the reason beside the
    name of what it is about. What was given is shown, unless it may be `secret`."""
    for one in error.errors():
        where = ".".join(str(part) for part in one["loc"])
        said = _reason(one["type"], one["msg"], None if secret else one["input"])
        if about:
            yield Problem(file=file, id=about, reason=f"{where}: {said}" if where else said)
        else:
            yield Problem(file=file, id=where, reason=said)


def _reason(kind: str, message: str, given: object) -> str:
    if kind == "extra_forbidden":
        return "unknown key: remove it or mend its spelling"
    shown = isinstance(given, str | int | float) and len(str(given)) < LONGEST_SHOWN
    return f"{message}, not {given!r}" if shown else message

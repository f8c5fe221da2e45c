"""Values to JSON and back, exactly: the only place that knows how a value is spelled in the database."""

from typing import Any, TypeVar

import msgspec

from bot.errors import ArchiveError

T = TypeVar("T")


def encode(value: object) -> str:
    """JSON of a value made of our frozen dataclasses, mappings, tuples, times and numbers."""
    return msgspec.json.encode(value).decode()


def decode(text: str, kind: type[T], subject: str) -> T:
    """The value that `encode` spelled. Raises ArchiveError that names the subject where the text is of
    another shape."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, ValueError) as error:
        raise ArchiveError(
            f"{subject}: stored in a shape that this version does not read: {error}"
        ) from error


def plain(value: object) -> Any:
    """The value as dicts, lists, texts and numbers: ready for JSON, times in ISO 8601."""
    return msgspec.json.decode(msgspec.json.encode(value))

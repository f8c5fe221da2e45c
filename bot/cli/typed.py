"""What a command is given to read: a file by its name, or what is typed or piped to it where the name is `-`."""

import sys
from collections.abc import Iterator
from pathlib import Path

from bot.given import decode_given, open_given, read_given_text, take_bytes, take_lines

TYPED = "standard input"


def read_text(file: str) -> str:
    """The text. Raises InputError."""
    return decode_given(take_bytes(sys.stdin.buffer, TYPED)) if file == "-" else read_given_text(Path(file))


def read_lines(file: str) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty as they come, each with its number. Raises InputError."""
    if file == "-":
        yield from take_lines(sys.stdin.buffer, TYPED)
        return
    with open_given(Path(file)) as source:
        yield from take_lines(source, file)

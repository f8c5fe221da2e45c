"""Files that somebody names to a command. Whatever is named, a device or a pipe too, no more of it is read than a
limit, and what cannot be read says why."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

from bot.errors import InputError

MOST: Final = 64 * 2**20


class Unreadable(InputError):
    """A file that cannot be read; `reason` says why, without its name."""

    def __init__(self, name: str, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{name}: cannot be read: {reason}")


def read_given(file: Path, most: int = MOST) -> bytes:
    """The bytes of a file. Raises Unreadable where there are more of them than `most`."""
    with open_given(file) as source:
        return take_bytes(source, str(file), most)


def read_given_text(file: Path, most: int = MOST) -> str:
    """A file's text. Raises InputError, with the line where a byte is not UTF-8."""
    return decode_given(read_given(file, most), str(file))


def open_given(file: Path) -> BinaryIO:
    """The file, open. Raises Unreadable."""
    try:
        return file.open("rb")
    except OSError as error:
        raise Unreadable(str(file), error.strerror or type(error).__name__) from error


def take_bytes(source: BinaryIO, name: str, most: int = MOST) -> bytes:
    """All that a file or a pipe has. Raises Unreadable where that is more than `most`."""
    try:
        held = source.read(most + 1)
    except OSError as error:
        raise Unreadable(name, error.strerror or type(error).__name__) from error
    if len(held) > most:
        raise Unreadable(name, f"larger than {most // 2**20} MB")
    return held


def take_lines(source: BinaryIO, name: str, longest: int = MOST) -> Iterator[tuple[int, bytes]]:
    """The lines that are not empty as they come, each with its number. Raises Unreadable at one that does not end."""
    for number in count(1):
        try:
            line = source.readline(longest + 1)
        except OSError as error:
            raise Unreadable(name, error.strerror or type(error).__name__) from error
        if not line:
            return
        if len(line) > longest:
            raise Unreadable(name, f"line {number} is longer than {longest // 2**20} MB")
        if line.strip():
            yield number, line


def decode_given(held: bytes, name: str = "") -> str:
    """The text in some bytes. Raises InputError, with the line where one is not UTF-8."""
    try:
        return held.decode("utf-8")
    except UnicodeDecodeError as error:
        line = held.count(b"\n", 0, error.start) + 1
        raise InputError(f"{name}: line {line} is not UTF-8".removeprefix(": ")) from error

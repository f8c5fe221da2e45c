"""What the sources share in reading wire formats: strict decoding, numbers written as text, times in milliseconds."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar

import msgspec

from bot.domain.readings import Gap, Heard, Reading
from bot.errors import SourceChanged, SourceError, SourceUnavailable

T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FUTURE = timedelta(seconds=30)
LARGEST = 1e15  # a thousand times what the whole market is worth in dollars, and more than any count of coins
_FAR_MS = 32_503_680_000_000  # the year 3000: venues write such times for "never"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def decode(decoder: "msgspec.json.Decoder[T]", body: bytes, subject: str) -> T:
    """The typed value of a JSON body. Raises SourceChanged that says where the shape differs."""
    try:
        return decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise SourceChanged(f"{subject}: {error}") from error


def utc(ms: int) -> datetime:
    """A moment from milliseconds since 1970 UTC."""
    return EPOCH + timedelta(milliseconds=ms)


def told_at(ms: int | None, subject: str) -> datetime | None:
    """A moment that a venue tells in milliseconds; 0 and absence tell nothing. Raises SourceChanged for what is no time."""
    if not ms:
        return None
    if not 0 < ms < _FAR_MS:
        raise SourceChanged(f"{subject}: {ms} is not a time in milliseconds")
    return utc(ms)


def to_ms(at: datetime) -> int:
    """Milliseconds since 1970 UTC of a moment."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def observed(ms: int | None, server_at: datetime, subject: str) -> datetime:
    """When a reading was observed: its own time, else the server's. Raises SourceUnavailable for one from the future."""
    at = told_at(ms, subject) or server_at
    if at > server_at + FUTURE:
        raise SourceUnavailable(f"{subject}: its time {at:%Y-%m-%dT%H:%M:%SZ} lies in the future")
    return min(at, server_at)


def number(text: str | float | None, subject: str) -> float | None:
    """A number that a venue writes as text (or as a number). Empty and absent tell nothing: None. Raises SourceChanged for
    text that is no decimal number, and for one too large to mean anything."""
    if text is None or text == "":
        return None
    if isinstance(text, str) and not _NUMBER.fullmatch(text):
        raise SourceChanged(f"{subject}: {text[:40]!r} is not a number")
    value = float(text)
    if not abs(value) < LARGEST:
        raise SourceChanged(f"{subject}: {str(text)[:40]!r} is not a plausible number")
    return value


def positive(text: str | float | None, subject: str) -> float | None:
    """As `number`; zero and below tell nothing (a price of 0 is a venue's way to say that there is none)."""
    value = number(text, subject)
    return value if value is not None and value > 0 else None


def amount(text: str | float | None, subject: str) -> float | None:
    """As `number`; below zero tells nothing (nothing can be open or traded less than not at all). Zero is a figure."""
    value = number(text, subject)
    return value if value is not None and value >= 0 else None


def gather(who: str, parts: Mapping[str, Sequence[Reading | Gap] | BaseException]) -> Heard:
    """One poll from the outcomes of its requests, by what each is about. A failure becomes a gap. Raises the first failure
    where nothing at all was heard, and any exception that is not a SourceError."""
    readings: list[Reading] = []
    gaps: list[Gap] = []
    failures: list[SourceError] = []
    for part in parts.values():
        if isinstance(part, SourceError):
            failures.append(part)
        elif isinstance(part, BaseException):
            raise part
        else:
            readings += [one for one in part if not isinstance(one, Gap)]
            gaps += [one for one in part if isinstance(one, Gap)]
    if failures and not readings and not gaps:
        raise failures[0]
    gaps += [
        Gap(who=f"{who} {about}", reason=str(part)) for about, part in parts.items() if isinstance(part, SourceError)
    ]
    return Heard(readings=tuple(readings), gaps=tuple(gaps))


def unique(names: Iterable[str], subject: str) -> None:
    """Raises SourceChanged where a name comes twice: what it counts would be counted twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SourceChanged(f"{subject}: {name} comes twice")
        seen.add(name)

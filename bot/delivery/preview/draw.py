"""Cards to HTML. The templates escape everything; no text of a card is ever taken for markup."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bot.commands import Command, usage
from bot.delivery.preview.grounds import Basis, Ground, Part, cut
from bot.delivery.preview.typed import line_of
from bot.desk import Hearing
from bot.domain.catalog import Catalog
from bot.domain.posts import Card

LONG = 90  # a figure with more to say gets a row to itself
LARGE = 1e9  # from here on nobody looks for decimals
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message of the stream: a post (then `reason` says why it came) or the answer to a typed `line`.
    `picture` is the address of a post's picture, which is drawn when it is asked for, and `words` what it shows."""

    key: str
    at: datetime
    card: Card
    basis: Basis
    catalog: Catalog
    asset: str = ""
    reason: str = ""
    late: bool = False
    line: str = ""
    picture: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """All that the page shows. `last` is the newest post's id, `times` those of the posts that the slider reaches, `past`
    the time that is looked back to (None: now), `lines` the first suggestions of the box."""

    entries: Sequence[Entry]
    hearings: Sequence[Hearing]
    now: datetime
    commands: Sequence[Command]
    words: Mapping[str, str]
    last: str
    lines: Sequence[str]
    longest: int
    times: Sequence[datetime]
    past: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """An entry as its template wants it."""

    entry: Entry
    parts: Mapping[str, Part]
    grounds: tuple[Ground, ...]


class Draw:
    """The templates of this folder, loaded once."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
            lstrip_blocks=True,
        )  # fmt: skip
        self._templates.globals["long"] = LONG
        self._templates.filters.update(
            moment=moment, iso=iso, seconds=seconds, age=age, base64=_base64, plain=plain, line_of=line_of, usage=usage
        )

    def home(self, shown: Shown) -> str:
        """The whole page."""
        drawn = [_drawn(entry) for entry in shown.entries]
        return self._fill(
            "home.html", drawn=drawn, **{field.name: getattr(shown, field.name) for field in fields(shown)}
        )

    def entry(self, entry: Entry) -> str:
        """One message of the stream."""
        return self._fill("entry.html", one=_drawn(entry))

    def bar(self, hearings: Sequence[Hearing], now: datetime) -> str:
        """The sources and how long ago each was heard."""
        return self._fill("bar.html", hearings=hearings, now=now)

    def _fill(self, name: str, **values: Any) -> str:
        return self._templates.get_template(name).render(values)


def moment(at: datetime) -> str:
    """6 Feb 2026, 14:00 UTC."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def iso(at: datetime) -> str:
    """2026-02-06T14:00:00Z."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds(at: datetime) -> int:
    """Seconds since 1970, rounded up: a post of that very time is not left out."""
    return math.ceil(at.timestamp())


def age(passed: timedelta) -> str:
    """3 min, 5 h, 2 d: always rounded down."""
    minutes = max(0, int(passed.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def plain(value: float | str) -> str:
    """The value behind a number, unrounded as far as a reader can use it."""
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:,.10g}"


def _base64(image: bytes) -> str:
    return base64.b64encode(image).decode()


def _drawn(entry: Entry) -> Drawn:
    parts, grounds = cut(entry.card, entry.basis, entry.catalog)
    return Drawn(entry=entry, parts=parts, grounds=grounds)

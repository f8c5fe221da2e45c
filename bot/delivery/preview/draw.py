"""Cards to HTML. The templates escape everything; no text of a card is ever taken for markup."""

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from msgspec import Struct

from bot.commands import Command, usage
from bot.commentary import in_words
from bot.delivery.preview.admin import AdminView
from bot.delivery.preview.board import BoardState, ReadingDetail
from bot.delivery.preview.light import light_of
from bot.delivery.preview.look import Voice
from bot.delivery.preview.provenance import CardBasis, Part, Provenance, cut
from bot.delivery.preview.times import age, iso, moment, seconds
from bot.delivery.preview.typed import line_of
from bot.desk.memory import SourceState
from bot.domain.catalog import Catalog
from bot.domain.posts import Card
from bot.ports import Usage

if TYPE_CHECKING:
    from jinja2.runtime import Context

LONG = 90  # a figure with more to say gets a row to itself
LARGE = 1e9  # from here on nobody looks for decimals
TEMPLATES = Path(__file__).parent / "templates"


class Entry(Struct, frozen=True, kw_only=True):
    """One message of the stream: a post (then `reason` says why it came) or the answer to a typed `line`.
    `picture` is the address of a post's picture, which is drawn when it is asked for, and `words` what it
    shows."""

    key: str
    at: datetime
    card: Card
    basis: CardBasis
    catalog: Catalog
    asset: str = ""
    reason: str = ""
    late: bool = False
    line: str = ""
    picture: str = ""
    words: str = ""


class Shown(Struct, frozen=True, kw_only=True):
    """All that the page shows. `last` is the newest post's id, `times` those of the posts that the slider
    reaches, `past` the time that is looked back to (None: now), `lines` the first suggestions of the box, `guarded`
    whether the reader has a session to end; `strip` is every asset's board where there are several, `newest` the post of
    now beside that of then; `entries` are the newest first, `looks` what a reader may choose: name, chosen, values with
    their words."""

    entries: Sequence[Entry]
    board: BoardState
    strip: Sequence[BoardState]
    direction: str
    hearings: Sequence[SourceState]
    budgets: Sequence[Usage]
    now: datetime
    looks: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]
    commands: Sequence[Command]
    last: str
    lines: Sequence[str]
    longest: int
    times: Sequence[datetime]
    past: datetime | None
    guarded: bool = False
    newest: Entry | None = None


class Drawn(Struct, frozen=True, kw_only=True):
    """An entry as its template wants it."""

    entry: Entry
    parts: Mapping[str, Part]
    grounds: tuple[Provenance, ...]


class Draw:
    """The templates of this folder, loaded once."""

    @cached_property
    def _templates(self) -> "jinja2.Environment":
        made = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        made.globals["long"] = LONG
        made.filters.update(
            moment=moment,
            iso=iso,
            seconds=seconds,
            age=age,
            base64=_base64,
            plain=plain,
            line_of=line_of,
            usage=usage,
            say=jinja2.pass_context(_say),
            worded=jinja2.pass_context(_worded),
        )
        return made

    def home(self, shown: Shown, voice: Voice) -> str:
        """The whole page."""
        drawn = [_drawn(entry) for entry in shown.entries]
        light = light_of(shown.hearings, shown.now, voice.words)
        values = {name: getattr(shown, name) for name in shown.__struct_fields__}
        values["newest"] = _drawn(shown.newest) if shown.newest else None
        return self._fill("home.html", voice, drawn=drawn, light=light, **values)

    def login(self, trouble: str) -> str:
        """The form that asks for the password, and why it is shown again."""
        return self._templates.get_template("login.html").render(trouble=trouble)

    def entry(self, entry: Entry, voice: Voice) -> str:
        """One message of the stream."""
        return self._fill("entry.html", voice, one=_drawn(entry))

    def bar(
        self, hearings: Sequence[SourceState], budgets: Sequence[Usage], now: datetime, voice: Voice
    ) -> str:
        """The sources' light, and behind it each one's age and budget."""
        light = light_of(hearings, now, voice.words)
        return self._fill("bar.html", voice, hearings=hearings, budgets=budgets, now=now, light=light)

    def board(
        self, board: BoardState, strip: Sequence[BoardState], direction: str, voice: Voice
    ) -> tuple[str, str]:
        """The pinned lines and the board."""
        values = {"board": board, "strip": strip, "direction": direction}
        return self._fill("pin.html", voice, **values), self._fill("board.html", voice, **values)

    def reading(self, detail: ReadingDetail, at: datetime | None, voice: Voice, *, alone: bool) -> str:
        """What one reading stands on; `alone`: as a page of its own."""
        name = "readingpage.html" if alone else "reading.html"
        return self._fill(name, voice, detail=detail, at=at)

    def admin(self, view: AdminView, voice: Voice) -> str:
        """The operator's side."""
        return self._fill("admin.html", voice, parts=view.parts, state=view.state)

    def _fill(self, name: str, voice: Voice, **values: Any) -> str:
        return self._templates.get_template(name).render(values | {"look": voice.look, "words": voice.words})


def _say(context: "Context", key: str, **values: object) -> str:
    """The reader's words for a key of the page, filled."""
    return str(context["words"][f"page.{key}"].format(**values))


def _worded(context: "Context", text: str) -> str:
    """A reason in the reader's words."""
    return in_words(text, context["words"])


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

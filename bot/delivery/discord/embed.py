"""A card as Discord embeds, pure: within every limit, and what is too long goes on in the next embed or
message, never cut.

Limits: Discord's documents of August 2026. Lengths are counted in UTF-16 units, which is never less than
Discord counts."""

import io
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import discord
from msgspec import Struct

from bot.commentary import in_columns
from bot.delivery.discord.tables import fence
from bot.domain.colors import STANCE_COLORS
from bot.domain.posts import Card
from bot.domain.story import Span

TITLE: Final = 256
DESCRIPTION: Final = 4096
FIELDS: Final = 25
FIELD_NAME: Final = 256
FIELD_VALUE: Final = 1024
FOOTER: Final = 2048
MESSAGE: Final = 6000
EMBEDS: Final = 10
LONGEST_ALT: Final = 1024
PICTURE: Final = "chart.png"
EMPTY: Final = "\u200b"  # Discord refuses a field without a name or a value
COLORS: Final = {stance: int(color.dark[1:], 16) for stance, color in STANCE_COLORS.items()}


class EmbedPage(Struct, frozen=True, kw_only=True):
    """What one message holds. `pictured`: the card's image belongs to it, attached as `chart.png`."""

    embeds: tuple[discord.Embed, ...]
    pictured: bool = False


def pages(card: Card) -> tuple[EmbedPage, ...]:
    """The card as one message, or as several where it does not fit into one. The last one has picture and
    footer; the others are numbered, and each page of a post carries the post's short id."""
    title, body = _title_and_body(card)
    footer = card.footer
    if _size(footer) > FOOTER:
        body, footer = f"{body}\n\n{footer}", card.post_id or ""
    spare = MESSAGE - max(_size(footer), _size(card.post_id or "") + 10)
    groups = _group(_embeds(card, title, body, spare), spare)
    for number, group in enumerate(groups[:-1], 1):
        group[-1].set_footer(text=f"{card.post_id or ''} {number}/{len(groups)}".strip())
    last = groups[-1][-1]
    if footer:
        last.set_footer(text=footer)
    last.timestamp = card.at
    if card.image is not None:
        last.set_image(url=f"attachment://{PICTURE}")
    color = COLORS.get(card.stance or "")
    for group in groups:
        for embed in group:
            embed.color = color
    return tuple(
        EmbedPage(embeds=tuple(group), pictured=card.image is not None and group is groups[-1])
        for group in groups
    )


def picture(card: Card) -> list[discord.File]:
    """The card's image as an attachment with its words: one file, or none."""
    if card.image is None:
        return []
    return [
        discord.File(io.BytesIO(card.image), filename=PICTURE, description=card.alt[:LONGEST_ALT] or None)
    ]


def plain(text: str) -> str:
    """A text that others wrote, with nothing in it that Discord would format, link or take for a mention."""
    escaped = discord.utils.escape_markdown(text, ignore_links=False)
    return escaped.replace("<", "\\<").replace("@", "@\u200b")


def escape_mentions(text: str) -> str:
    """A text with nothing in it that Discord would take for a mention."""
    return re.sub(r"<(?=[@#:/at])", r"\\<", text).replace("@", "@\u200b")


def render_text(text: str, spans: Sequence[Span], *, moments: bool = True, typed: bool = False) -> str:
    """A text with what a reader typed made plain and, unless told otherwise, its moments in each reader's own
    time zone. `typed`: all of it may hold what a reader typed, as an error does."""
    around = plain if typed else escape_mentions
    made, done = "", 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.start < done or text[span.start : span.end] != span.text:
            continue
        made += around(text[done : span.start]) + _render_span(span, moments=moments)
        done = span.end
    return made + around(text[done:])


def split_text(text: str, limit: int) -> tuple[str, ...]:
    """The text in pieces of at most `limit`: at paragraph ends, then at line and sentence ends, then between
    words."""
    return tuple(_pieces(text.strip(), limit, ("\n\n", "\n", ". ", " ")))


def _pieces(text: str, limit: int, ends: tuple[str, ...]) -> Iterator[str]:
    if _size(text) <= limit:
        if text:
            yield text
        return
    if not ends:
        yield from _hard(text, limit)
        return
    end, piece = ends[0], ""
    for part in _parts(text, end):
        if _size(piece + part.rstrip()) <= limit:
            piece += part
            continue
        if piece.strip():
            yield piece.strip()
        *whole, piece = _pieces(part, limit, ends[1:]) if _size(part.rstrip()) > limit else (part,)
        yield from whole
    if piece.strip():
        yield piece.strip()


def _parts(text: str, end: str) -> list[str]:
    """The text's parts, each with its end."""
    return re.findall(rf".*?{re.escape(end)}|.+$", text, re.DOTALL)


def _hard(text: str, limit: int) -> Iterator[str]:
    """A word that is longer than the limit."""
    piece = ""
    for letter in text:
        if _size(piece + letter) > limit:
            yield piece
            piece = ""
        piece += letter
    yield piece


def _render_span(span: Span, *, moments: bool) -> str:
    if span.origin.kind == "input":
        return plain(span.text)
    if (
        moments
        and span.origin.kind == "date"
        and span.filter == "moment"
        and isinstance(span.origin.value, str)
    ):
        return f"<t:{int(datetime.fromisoformat(span.origin.value).timestamp())}:f>"
    return escape_mentions(span.text)


def _title_and_body(card: Card) -> tuple[str, str]:
    title = render_text(card.title, card.spans.get("title", ()), moments=False, typed=card.private)
    body = "\n".join(_body_parts(card))
    return (title, body) if _size(title) <= TITLE else ("", f"**{title}**\n\n{body}")


def _body_parts(card: Card) -> Iterator[str]:
    """What was asked for as a large number, the sentence, the tables, the small print."""
    if card.lead is not None:
        yield f"# {render_text(card.lead.text, card.lead.spans, typed=card.private)}"
    if card.body:
        yield render_text(card.body, card.spans.get("body", ()), typed=card.private)
    if block := fence(card.tables):
        yield block
    if card.table:
        yield f"```\n{in_columns(card.table)}\n```"
    for note in card.notes:
        text = render_text(note.text, note.spans, typed=card.private)
        for line in (f"{note.label}: {text}" if note.label else text).splitlines():
            yield f"-# {line}"


def _fields(card: Card) -> Iterator[tuple[str, str]]:
    for index, figure in enumerate(card.fields):
        name = figure.label
        text = render_text(
            figure.text, figure.spans or card.spans.get(f"fields.{index}", ()), typed=card.private
        )
        if _size(name) > FIELD_NAME:
            name, text = EMPTY, f"{name}\n{text}"
        for value in split_text(text, FIELD_VALUE) or (EMPTY,):
            yield name or EMPTY, value
            name = EMPTY


def _embeds(card: Card, title: str, body: str, spare: int) -> list[discord.Embed]:
    first, *rest = split_text(body, DESCRIPTION) or ("",)
    head = discord.Embed(title=title or None, description=first or None)
    if card.stance_word:
        head.set_author(name=card.stance_word)
    made = [head, *(discord.Embed(description=piece) for piece in rest)]
    for name, value in _fields(card):
        full = len(made[-1].fields) == FIELDS or _total([made[-1]]) + _size(name) + _size(value) > spare
        if full:
            made.append(discord.Embed())
        made[-1].add_field(name=name, value=value, inline=_size(value) <= 40)
    return made


def _group(embeds: Sequence[discord.Embed], spare: int) -> list[list[discord.Embed]]:
    groups: list[list[discord.Embed]] = [[]]
    for embed in embeds:
        if groups[-1] and (len(groups[-1]) == EMBEDS or _total([*groups[-1], embed]) > spare):
            groups.append([])
        groups[-1].append(embed)
    return groups


def _total(embeds: Sequence[discord.Embed]) -> int:
    """What Discord counts towards the limit of a message."""
    return sum(
        _size(embed.title or "")
        + _size(embed.description or "")
        + _size(embed.author.name or "")
        + _size(embed.footer.text or "")
        + sum(_size(field.name or "") + _size(field.value or "") for field in embed.fields)
        for embed in embeds
    )


def _size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2

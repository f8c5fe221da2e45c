"""A card as the messages of a webhook: Discord's embeds, or Slack's blocks.

Limits: Slack's documents of 2026: a header of 150 letters, a section of 3,000, fifty blocks a message."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.commentary import in_columns
from bot.domain.posts import Card

HEADER, SECTION, FIELD, FIELDS, CONTEXT = 150, 3000, 2000, 10, 3000
NARROW = 4  # columns of a table

Json = Mapping[str, Any]


def discord_messages(card: Card) -> Sequence[tuple[Json, bool]]:
    """One message a page of embeds, and whether the picture belongs to it. Nobody is called by it."""
    from bot.delivery.discord.embed import pages  # discord.py takes 0.4 s to import: only where it is used

    return [
        (
            {"embeds": [embed.to_dict() for embed in page.embeds], "allowed_mentions": {"parse": []}},
            page.pictured,
        )
        for page in pages(card)
    ]


def slack_message(card: Card) -> Json:
    """One message of blocks; `text` is what a notification shows."""
    return {"text": escape(card.title), "blocks": list(_blocks(card)), "unfurl_links": False}


def escape(text: str) -> str:
    """A text with nothing in it that Slack would take for markup, a link or a mention."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _blocks(card: Card) -> Iterator[Json]:
    if card.title:
        title = card.title if len(card.title) <= HEADER else f"{card.title[: HEADER - 1]}…"
        yield {"type": "header", "text": {"type": "plain_text", "text": title, "emoji": False}}
    for piece in _pieces(card.body):
        yield _section(piece)
    if card.table:
        yield _section(f"```{escape(in_columns(card.table, NARROW))}```"[:SECTION])
        for note in card.notes:
            yield {"type": "context", "elements": [{"type": "mrkdwn", "text": escape(note.text)[:SECTION]}]}
    for start in range(0, len(card.fields), FIELDS):
        yield {
            "type": "section",
            "fields": [
                {"type": "mrkdwn", "text": f"*{escape(one.label)}*\n{escape(one.text)}"[:FIELD]}
                for one in card.fields[start : start + FIELDS]
            ],
        }
    if card.footer:
        told = {"type": "mrkdwn", "text": escape(card.footer)[:CONTEXT]}
        yield {"type": "context", "elements": [told]}


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def _pieces(text: str) -> Iterator[str]:
    """The paragraphs, as many in a block as fit."""
    piece = ""
    for paragraph in escape(text).split("\n\n"):
        joined = f"{piece}\n\n{paragraph}" if piece else paragraph
        if len(joined) <= SECTION:
            piece = joined
            continue
        if piece:
            yield piece
        *whole, piece = [paragraph[at : at + SECTION] for at in range(0, max(len(paragraph), 1), SECTION)]
        yield from whole
    if piece.strip():
        yield piece

"""A message as the bytes of its request: worked out once for all the channels that get the same, but for the
nonce.

What discord.py makes of embeds, pictures and mentions is asked of discord.py itself, once a page; then each
channel costs a join of bytes and one write to its socket."""

import json
import re
from collections import OrderedDict
from collections.abc import Hashable
from typing import Any, Final, cast

from aiohttp import FormData, payload
from discord.http import HTTPClient, Route, handle_message_parameters
from msgspec import Struct

from bot.delivery.discord.buttons import view_of
from bot.delivery.discord.embed import EmbedPage, pages, picture
from bot.delivery.discord.postextras import mentions_of
from bot.domain.posts import Card

KEPT: Final = 64  # of at most 50 KB
HOLE: Final = "0123456789abcdefhole"  # where each channel's nonce goes
JSON: Final = "application/json"


class Body(Struct, frozen=True):
    """A request's bytes around the nonce."""

    before: bytes
    after: bytes
    content_type: str

    def with_nonce(self, nonce: str) -> payload.BytesPayload:
        """The request's body with a nonce."""
        if not re.fullmatch(r"[\w.-]{1,25}", nonce):
            raise ValueError(f"nonce {nonce!r}: at most 25 letters and digits")
        return payload.BytesPayload(
            b"".join((self.before, nonce.encode(), self.after)), content_type=self.content_type
        )


class Bodies:
    """The bodies of the last cards that were sent."""

    def __init__(self) -> None:
        self._made: OrderedDict[Hashable, tuple[Body, ...]] = OrderedDict()

    async def of(self, card: Card, role: str | None = None) -> tuple[Body, ...]:
        """The bodies of a card's pages; the first calls a role. The buttons belong to the last one."""
        key = _key(card), role
        made = self._made.get(key)
        if made is None:
            shown = pages(card)
            bodies: list[Body] = []
            for page in shown:
                bodies.append(await _body(card, page, last=page is shown[-1], role=None if bodies else role))
            self._made[key] = made = tuple(bodies)
            while len(self._made) > KEPT:
                self._made.popitem(last=False)
        self._made.move_to_end(key)
        return made


async def post_message(http: HTTPClient, channel_id: int, body: Body, nonce: str) -> str:
    """Post it; the message's id. Raises what discord.py raises."""
    route = Route("POST", "/channels/{channel_id}/messages", channel_id=channel_id)
    told = await http.request(route, data=body.with_nonce(nonce))
    return str(int(cast("dict[str, Any]", told)["id"]))  # a message has a number: else it is no answer


def _key(card: Card) -> Hashable:
    """What a card looks like: cards that are equal in this have the same body."""
    fields = tuple((one.label, one.text, one.spans) for one in card.fields)
    buttons = tuple((one.label, one.command, tuple(one.arguments.items())) for one in card.buttons)
    spans = tuple(card.spans.items())
    seen = (
        card.title,
        card.body,
        card.footer,
        card.alt,
        card.stance,
        card.stance_word,
        card.at,
        card.post_id,
        card.private,
        card.table,
        tuple((one.label, one.text) for one in card.notes),
    )
    return seen, fields, buttons, spans, card.image


async def _body(card: Card, page: EmbedPage, *, last: bool, role: str | None) -> Body:
    view = view_of(card.buttons) if last else None
    content, mentions = mentions_of(role)
    files = picture(card) if page.pictured else []
    optional: dict[str, Any] = {"view": view} if view else {}
    if files:
        optional["files"] = files
    if content:
        optional["content"] = content
    with handle_message_parameters(
        embeds=page.embeds, nonce=HOLE, allowed_mentions=mentions, **optional
    ) as made:
        shown = made.payload or json.loads(made.multipart[0]["value"] if made.multipart else "{}")
        text = json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()
        if not files:
            return Body(*_split_at_hole(text), JSON)
        form = FormData(quote_fields=False)  # as discord.py does: Discord knows no escaped brackets
        form.add_field("payload_json", text.decode())
        form.add_field("files[0]", files[0].fp.read(), filename=files[0].filename, content_type="image/png")
        whole = form()
        return Body(*_split_at_hole(await whole.as_bytes()), whole.content_type)


def _split_at_hole(text: bytes) -> tuple[bytes, bytes]:
    before, hole, after = text.rpartition(HOLE.encode())
    if not hole:
        raise ValueError("the nonce has no place in the message")
    return before, after

"""What an answer of Discord means for a post: the one table, by code first and then by status.

Docs: https://docs.discord.com/developers/topics/opcodes-and-status-codes (JSON error codes). Limits: only
50001 and 50013 say that we may not post somewhere. A page of HTML is no word of Discord's API, whatever its
status: it comes from what stands before it, and passes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final

import discord
from msgspec import Struct

HOUR_S: Final = 3600.0
LONGEST_REST_S: Final = 86_400.0


class Meaning(StrEnum):
    """What we do about it."""

    WAIT = "wait"
    """Nothing is wrong with the post or the channel: later, as it is."""
    GONE = "gone"
    """There is no such channel: its subscriptions end, its admins hear it."""
    FORBIDDEN = "forbidden"
    """We may not post there: an occasion towards a pause."""
    CLOSED = "closed"
    """A reader takes no direct messages from us: their watches wait."""
    BLOCKED = "blocked"
    """The server's own rules against spam stopped this one post: it is dropped, the admins hear it."""
    OURS = "ours"
    """We asked for what may not be asked: an error of ours, this one post is dropped."""
    DONE = "done"
    """It was sent, and somebody has deleted it since."""


class Row(Struct, frozen=True, kw_only=True):
    """One row of the table. `rest_s` is how long nothing is asked of that channel, where Discord itself does
    not say; `everywhere` that the whole of Discord is not to be asked either."""

    code: int | None = None
    status: int | None = None
    meaning: Meaning
    says: str
    rest_s: float | None = None
    everywhere: bool = False


TABLE: Final = (
    Row(code=10003, meaning=Meaning.GONE, says="unknown channel"),
    Row(code=10004, meaning=Meaning.GONE, says="unknown server"),
    Row(code=10008, meaning=Meaning.DONE, says="the message of this nonce was deleted"),
    Row(code=50001, meaning=Meaning.FORBIDDEN, says="we may not see the channel"),
    Row(code=50013, meaning=Meaning.FORBIDDEN, says="a permission is missing"),
    Row(code=50007, meaning=Meaning.CLOSED, says="the reader takes no direct messages from us"),
    Row(code=50278, meaning=Meaning.CLOSED, says="we share no server with the reader"),
    Row(code=200000, meaning=Meaning.BLOCKED, says="AutoMod stopped the message"),
    Row(code=200001, meaning=Meaning.BLOCKED, says="AutoMod stopped the title"),
    Row(code=240000, meaning=Meaning.BLOCKED, says="a link in it is held for harmful"),
    Row(code=20009, meaning=Meaning.BLOCKED, says="it is held for explicit"),
    Row(code=50035, meaning=Meaning.OURS, says="a form that Discord does not take"),
    Row(code=40005, meaning=Meaning.OURS, says="it is too large"),
    Row(code=50006, meaning=Meaning.OURS, says="an empty message"),
    Row(code=50045, meaning=Meaning.OURS, says="a file that is too large"),
    Row(code=50109, meaning=Meaning.OURS, says="no JSON"),
    Row(code=50008, meaning=Meaning.OURS, says="no messages in a channel of this kind"),
    Row(code=50024, meaning=Meaning.OURS, says="not in a channel of this kind"),
    Row(
        code=30046, meaning=Meaning.WAIT, says="too many edits of a message older than an hour", rest_s=HOUR_S
    ),
    Row(code=20022, meaning=Meaning.WAIT, says="too many edits of published messages", rest_s=HOUR_S),
    Row(code=20028, meaning=Meaning.WAIT, says="too many writes to the channel"),
    Row(code=20029, meaning=Meaning.WAIT, says="too many writes to the server"),
    Row(code=20016, meaning=Meaning.WAIT, says="slow mode"),
    Row(code=50083, meaning=Meaning.WAIT, says="the thread is archived", rest_s=HOUR_S),
    Row(code=160005, meaning=Meaning.WAIT, says="the thread is locked", rest_s=HOUR_S),
    Row(code=40333, meaning=Meaning.WAIT, says="Cloudflare stands before Discord's API", everywhere=True),
    Row(code=40006, meaning=Meaning.WAIT, says="switched off for the time being"),
    Row(code=40004, meaning=Meaning.WAIT, says="sending messages is switched off for the time being"),
    Row(code=130000, meaning=Meaning.WAIT, says="overloaded"),
    Row(status=401, meaning=Meaning.WAIT, says="the token is not known just now", everywhere=True),
    Row(status=408, meaning=Meaning.WAIT, says="it took too long"),
    Row(status=409, meaning=Meaning.WAIT, says="something else is changing it"),
    Row(status=413, meaning=Meaning.OURS, says="it is too large"),
    Row(status=429, meaning=Meaning.WAIT, says="too many requests"),
    Row(status=400, meaning=Meaning.OURS, says="a request that Discord does not take"),
)
HTML: Final = Row(meaning=Meaning.WAIT, says="a page of HTML, no answer of the API")
CLOUDFLARE: Final = Row(
    status=429, meaning=Meaning.WAIT, says="Cloudflare's own limit (1015)", rest_s=60.0, everywhere=True
)
PASSED_ON: Final = "Via"  # a header that the API's own answers have
SERVER: Final = Row(meaning=Meaning.WAIT, says="Discord itself has failed")
UNKNOWN: Final = Row(meaning=Meaning.WAIT, says="an answer that is not in the table", rest_s=HOUR_S)

_BY_CODE: Final = {row.code: row for row in TABLE if row.code is not None}
_BY_STATUS: Final = {row.status: row for row in TABLE if row.status is not None}


def row_of(status: int, code: int, *, is_html: bool = False, is_apis: bool = True) -> Row:
    """The row that an answer falls under. `is_apis`: the API itself gave it; a 429 that it did not give bans the address,
    whether it is HTML or JSON."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if status == 413:  # the one page of HTML that says something: what stands before the API refuses the size
        return _BY_STATUS[413]
    if status == 429 and (is_html or not is_apis):
        return CLOUDFLARE
    if is_html:
        return HTML
    return _BY_STATUS.get(status, SERVER if status >= 500 else UNKNOWN)


def row_of_error(error: discord.HTTPException) -> Row:
    """The row that an answer falls under which discord.py raised."""
    is_apis = bool(error.response.headers.get(PASSED_ON))
    return row_of(error.status, error.code, is_html=is_html(error), is_apis=is_apis)


def is_html(error: discord.HTTPException) -> bool:
    """Whether the answer was no JSON: what the API itself says is."""
    return "json" not in error.response.headers.get("Content-Type", "")


def retry_after_s(error: discord.HTTPException) -> float | None:
    """How long Discord itself asks us to wait: its Retry-After header, in seconds or as a date. None where it
    does not say, or says nonsense."""
    return read_retry_after(error.response.headers, datetime.now(UTC))


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The header's seconds, at most a day; None where it is not there or not to be read."""
    text = headers.get("Retry-After", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - now).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(seconds, LONGEST_REST_S) if seconds >= 0 else None

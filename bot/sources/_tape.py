"""The transport that answers from a tape, in the venues' wire formats: a demo differs from live by it and the clock alone.

The server's clock (Date header, envelope) is the tape's clock; what it tells is the moment at or before it, and carries that
moment's own time. The same moment gives the same bytes. Hosts that are not on the tape cannot be reached.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

import httpx
import msgspec

from bot.errors import ConfigError, Problem
from bot.sources import _tape_deribit
from bot.sources._tape_market import Answer, Asked, Hours, Scene, market
from bot.sources._tape_table import HEADER, Moment, Tape, parse

__all__ = ["Tape", "TapeTransport", "parse"]

NOT_YET = 503
VENUES: Mapping[str, tuple[str, Callable[[Scene, Asked], Answer]]] = {
    _tape_deribit.HOST: (_tape_deribit.VENUE, _tape_deribit.answer),
}


class TapeTransport(httpx.AsyncBaseTransport):
    """Answers the requests of the sources from a tape.

    `now` is the tape's clock. `venues` are those that can be reached: open interest is shared out among them by the tape's
    shares, and Deribit carries the rest. Raises ConfigError for a venue that the tape knows no share of.
    """

    def __init__(
        self, tape: Tape, now: Callable[[], datetime], *, venues: Sequence[str] = (_tape_deribit.VENUE,)
    ) -> None:
        self._tape = tape
        self._now = now
        self._venues = frozenset(venues)
        self._shares = shares(tape, venues)
        self._hours = Hours.of(tape)
        self._scene: Scene | None = None
        self._encode = msgspec.json.Encoder().encode

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The venue's reply. Raises httpx.ConnectError for a host that is not on the tape or is switched off."""
        venue, answer = VENUES.get(request.url.host, ("", None))
        if answer is None or venue not in self._venues:
            raise httpx.ConnectError(f"{request.url.host} is not on the tape", request=request)
        now = self._now()
        moment = self._tape.moment_at(now)
        if moment is None:
            return _response(request, now, NOT_YET, b"the tape has not begun")
        body = await request.aread()
        asked = Asked(
            path=request.url.path,
            params=dict(request.url.params),
            body=msgspec.json.decode(body) if body else None,
            now=now,
        )
        status, content = answer(self._at(moment), asked)
        return _response(request, now, status, content if isinstance(content, bytes) else self._encode(content))

    def _at(self, moment: Moment) -> Scene:
        if self._scene is None or self._scene.moment is not moment:
            self._scene = Scene(
                tape=self._tape,
                moment=moment,
                markets={asset: market(moment, factors) for asset, factors in self._tape.assets.items()},
                hours=self._hours.until(moment.at.timestamp() * 1000),
                shares=self._shares,
            )
        return self._scene


def shares(tape: Tape, venues: Sequence[str]) -> Mapping[str, float]:
    """Each venue's share of open interest, adding up to 1. Raises ConfigError for a venue without one."""
    stated = {venue: tape.shares.get(venue) for venue in venues if venue != _tape_deribit.VENUE}
    missing = [venue for venue, share in stated.items() if share is None]
    if missing:
        raise ConfigError([Problem(file=HEADER, id=f"shares.{venue}", reason="missing") for venue in missing])
    known = {venue: share for venue, share in stated.items() if share is not None}
    return {**known, _tape_deribit.VENUE: 1 - sum(known.values())}


def _response(request: httpx.Request, now: datetime, status: int, content: bytes) -> httpx.Response:
    date = format_datetime(now.astimezone(UTC).replace(microsecond=0), usegmt=True)
    headers = {"date": date, "content-type": "application/json"}
    return httpx.Response(status, headers=headers, content=content, request=request)

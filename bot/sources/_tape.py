"""The transport that answers from a tape, in the venues' wire formats: a demo differs from live by it and the
clock alone.

The server's clock (Date header, envelope) is the tape's clock; what it tells is the moment at or before it,
and carries that moment's own time. The same moment gives the same bytes. Hosts that are not on the tape
cannot be reached."""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

import httpx
import msgspec

from bot.sources import _tape_wire
from bot.sources._tape_course import TapeCourse
from bot.sources._tape_market import TapeHours, hourly_bars, list_options, market
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_table import Tape, TapeMoment, parse
from bot.sources._tape_wire import deribit

__all__ = ["Tape", "TapeTransport", "parse"]

NOT_YET = 503
Venue = Callable[[Scene, Asked], Answer]


def _hosts() -> Iterator[tuple[str, tuple[str, Venue]]]:
    """Each host of every file of the wire formats, with its venue's name and the function that answers."""
    for found in pkgutil.iter_modules(_tape_wire.__path__):
        if not found.name.startswith("_"):
            wire = importlib.import_module(f"{_tape_wire.__name__}.{found.name}")
            yield from ((host, (wire.VENUE, wire.answer)) for host in wire.HOSTS)


VENUES: Mapping[str, tuple[str, Venue]] = dict(_hosts())
ON_THE_TAPE = frozenset(name for name, _ in VENUES.values())
"""The sources that a tape can answer; a new one works live before it has a wire format here."""


class TapeTransport(httpx.AsyncBaseTransport):
    """Answers the requests of the sources from a tape.

    `now` is the tape's clock. `venues` are those that can be reached: open interest is shared out among them
    by the tape's shares, and Deribit carries the rest."""

    def __init__(
        self, tape: Tape, now: Callable[[], datetime], *, venues: Sequence[str] = (deribit.VENUE,)
    ) -> None:
        self._tape = tape
        self._now = now
        self._venues = frozenset(venues)
        bars = hourly_bars(tape)
        moments = {asset: tape.course_of(factors) for asset, factors in tape.assets.items()}
        self._hours = {asset: TapeHours.of(bars, own, tape.starts_at) for asset, own in moments.items()}
        self._courses = {
            asset: TapeCourse.of(own, tape.assets[asset], self._hours[asset])
            for asset, own in moments.items()
        }
        self._scene: Scene | None = None
        self._encode = msgspec.json.Encoder().encode

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The venue's reply. Raises httpx.ConnectError for a host that is not on the tape or is switched
        off."""
        venue, answer = VENUES.get(request.url.host, ("", None))
        if answer is None or venue not in self._venues:
            raise httpx.ConnectError(f"{request.url.host} is not on the tape", request=request)
        now = self._now()
        moment = self._tape.moment_at(now)
        if moment is None:
            return _response(request, now, NOT_YET, b"the tape has not begun")
        body = await request.aread()
        asked = Asked(
            host=request.url.host,
            path=request.url.path,
            params=dict(request.url.params),
            body=msgspec.json.decode(body) if body else None,
            now=now,
        )
        status, content = answer(self._at(moment), asked)
        return _response(
            request, now, status, content if isinstance(content, bytes) else self._encode(content)
        )

    def _at(self, moment: TapeMoment) -> Scene:
        if self._scene is None or self._scene.moment is not moment:
            self._scene = Scene(
                tape=self._tape,
                moment=moment,
                markets={
                    asset: market(moment, factors, list_options(self._tape.moments, factors))
                    for asset, factors in self._tape.assets.items()
                },
                hours={
                    asset: hours.until(moment.at.timestamp() * 1000) for asset, hours in self._hours.items()
                },
                courses=self._courses,
                shares=self._reached(self._tape.shares),
                option_shares=self._reached(self._tape.option_shares),
            )
        return self._scene

    def _reached(self, stated: Mapping[str, float]) -> Mapping[str, float]:
        return {venue: share for venue, share in stated.items() if venue in self._venues}


def _response(request: httpx.Request, now: datetime, status: int, content: bytes) -> httpx.Response:
    headers = {"date": _date(now), "content-type": "application/json"}
    return httpx.Response(status, headers=headers, content=content, request=request)


@lru_cache(maxsize=64)
def _date(now: datetime) -> str:
    """A server's time as its Date header writes it."""
    return format_datetime(now.astimezone(UTC).replace(microsecond=0), usegmt=True)

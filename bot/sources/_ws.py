"""Liquidations as venues push them: one task a socket, reconnecting, tallied by asset, side and hour.

Docs: each stream's are in its venue's file.
Units: USD of notional; hours are UTC hours by the liquidation's own time.
Limits: venues push a part only (Binance the latest order of a symbol each second), and a lost connection loses what came
meanwhile: every tally is a lower bound. An hour in which a socket of the venue was never connected is not told at all.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import aiohttp
import structlog

from bot.domain.readings import Gap, LiquidationTally, Reading
from bot.errors import SourceError

log = structlog.get_logger()

HOUR = timedelta(hours=1)
KEPT = timedelta(hours=3)
AHEAD = timedelta(seconds=30)
REMEMBERED = 20_000
LARGEST_USD = 1e10
MESSAGE_LIMIT_BYTES = 1024 * 1024
SILENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Forced:
    """One position closed by force: what it was worth, which side it was on, and the venue's words that make it this one."""

    asset: str
    at: datetime
    long: bool
    usd: float
    key: tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One socket: where, what to say after connecting, what to say now and then, and how to read what comes.

    `read` gives the liquidations in one message (none in a greeting or a pong), and raises SourceError for a message that
    cannot be read. `prepare` is awaited before each connection.
    """

    url: str
    read: Callable[[bytes], Sequence[Forced]]
    greet: tuple[str, ...] = ()
    ping: str | None = None
    ping_every_s: float = 20.0
    prepare: Callable[[], Awaitable[object]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Seconds before a socket is opened again: at first, at most; and how long one may be silent, pongs included."""

    first_s: float = 1.0
    longest_s: float = 60.0
    silence_s: float = SILENCE_S


@dataclass(slots=True)
class _Hour:
    longs_usd: float = 0.0
    shorts_usd: float = 0.0


@dataclass(slots=True)
class _Line:
    """What is known of one socket: since when it is connected, and the hours in which it was, with the first moment in each."""

    up_since: datetime | None = None
    heard_from: dict[datetime, datetime] = field(default_factory=dict)


class Collector:
    """The sockets of one venue. `start` and `stop` from the same event loop; `tallies` at any time."""

    def __init__(self, venue: str, now: Callable[[], datetime], *, waits: Waits | None = None) -> None:
        self._venue = venue
        self._now = now
        self._waits = waits or Waits()
        self._lines: list[_Line] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._hours: dict[tuple[str, datetime], _Hour] = {}
        self._seen: OrderedDict[tuple[object, ...], None] = OrderedDict()
        self._complaint = ""

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return bool(self._tasks)

    async def start(self, streams: Sequence[Stream]) -> None:
        """Open every socket, and again whenever one closes, until `stop`."""
        if self.running:
            return
        self._session = aiohttp.ClientSession(trust_env=True)
        self._lines = [_Line() for _ in streams]
        self._tasks = [
            asyncio.create_task(self._listen(stream, line), name=f"{self._venue} liquidations")
            for stream, line in zip(streams, self._lines, strict=True)
        ]

    async def stop(self) -> None:
        """Close every socket. What was tallied stays."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._session is not None:
            await self._session.close()
            self._session = None

    def tallies(self, asset: str) -> list[Reading | Gap]:
        """The asset's tally of each of the last hours, the one under way included; a gap where a socket is not connected."""
        now = self._now()
        self._forget(now)
        heard: list[Reading | Gap] = []
        for hour in (_hour_of(now) - HOUR, _hour_of(now)):
            since_at = self._heard_from(hour, now)
            until_at = min(hour + HOUR, now)
            if since_at is None or since_at >= until_at:
                continue
            told = self._hours.get((asset, hour), _Hour())
            heard.append(
                LiquidationTally(
                    source=self._venue,
                    observed_at=until_at,
                    venue=self._venue,
                    asset=asset,
                    since_at=since_at,
                    until_at=until_at,
                    longs_usd=told.longs_usd,
                    shorts_usd=told.shorts_usd,
                    complete=False,
                )
            )
        if self.running and any(line.up_since is None for line in self._lines):
            who = f"{self._venue} {asset} liquidations"
            heard.append(Gap(who=who, reason=f"{who}: not connected"))
        return heard

    def add(self, forced: Forced) -> None:
        """Count one liquidation, once, in the hour of its own time. One from the future or from long ago is left out."""
        now = self._now()
        if not now - KEPT <= forced.at <= now + AHEAD or not 0 < forced.usd < LARGEST_USD or forced.key in self._seen:
            return
        self._seen[forced.key] = None
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        hour = self._hours.setdefault((forced.asset, _hour_of(forced.at)), _Hour())
        if forced.long:
            hour.longs_usd += forced.usd
        else:
            hour.shorts_usd += forced.usd

    def _heard_from(self, hour: datetime, now: datetime) -> datetime | None:
        """From when in an hour every socket was connected at least once; None where one never was."""
        for line in self._lines:
            if line.up_since is not None:
                _mark(line, now)
        starts = [line.heard_from.get(hour) for line in self._lines]
        known = [start for start in starts if start is not None]
        return max(known) if known and len(known) == len(starts) else None

    def _forget(self, now: datetime) -> None:
        oldest = _hour_of(now - KEPT)
        self._hours = {key: told for key, told in self._hours.items() if key[1] >= oldest}
        for line in self._lines:
            line.heard_from = {hour: start for hour, start in line.heard_from.items() if hour >= oldest}

    async def _listen(self, stream: Stream, line: _Line) -> None:
        wait_s = self._waits.first_s
        while True:
            try:
                await self._once(stream, line)
                wait_s = self._waits.first_s
            except (aiohttp.ClientError, SourceError, OSError, TimeoutError) as error:
                log.info("source.socket", venue=self._venue, url=stream.url, reason=str(error) or type(error).__name__)
            if line.up_since is not None:
                _mark(line, self._now())
                line.up_since, wait_s = None, self._waits.first_s
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, self._waits.longest_s)

    def _read(self, stream: Stream, content: bytes) -> None:
        """Count what is in a message; one that cannot be read is left out, and said once."""
        try:
            for forced in stream.read(content):
                self.add(forced)
        except SourceError as error:
            if str(error) != self._complaint:
                self._complaint = str(error)
                log.warning("source.message", venue=self._venue, reason=self._complaint)

    async def _once(self, stream: Stream, line: _Line) -> None:
        """One connection, until it closes. Raises what ended it, if not a plain close."""
        if self._session is None:
            return
        if stream.prepare is not None:
            await stream.prepare()
        async with self._session.ws_connect(
            stream.url, max_msg_size=MESSAGE_LIMIT_BYTES, heartbeat=stream.ping_every_s if stream.ping is None else None
        ) as socket:
            for words in stream.greet:
                await socket.send_str(words)
            line.up_since = self._now()
            _mark(line, line.up_since)
            pinging = asyncio.create_task(_keep_up(socket, stream))
            try:
                while True:
                    message = await socket.receive(timeout=None if stream.ping is None else self._waits.silence_s)
                    if message.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                        return
                    content = message.data.encode() if isinstance(message.data, str) else message.data
                    self._read(stream, content)
            finally:
                pinging.cancel()


async def _keep_up(socket: aiohttp.ClientWebSocketResponse, stream: Stream) -> None:
    """Say the stream's own ping now and then; without one the WebSocket's own does it."""
    while stream.ping is not None and not socket.closed:
        await asyncio.sleep(stream.ping_every_s)
        await socket.send_str(stream.ping)


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _mark(line: _Line, now: datetime) -> None:
    """Write down that the socket is connected now, and has been since `up_since`."""
    hour = _hour_of(line.up_since or now)
    while hour <= now:
        line.heard_from.setdefault(hour, max(hour, line.up_since or now))
        hour += HOUR

"""Liquidations as venues push them: one task a socket, reconnecting, tallied by asset, side and hour.

Docs: each stream's are in its venue's file. Units: USD of notional; hours are UTC hours by the liquidation's
own time. Limits: venues push a part only (Binance the latest order of a symbol each second), and a lost
connection loses what came meanwhile: every tally is a lower bound. An hour in which a socket of the venue was
never connected is not told at all, and neither is one in which it said nothing for longer than it can have had
nothing to say: a socket that is open and pushes nothing is no market without liquidations."""

import asyncio
import contextlib
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import aiohttp
import structlog
from msgspec import Struct, field

from bot.domain.readings import Gap, LiquidationTally, Reading
from bot.errors import SourceError, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._http import proxy_for

log = structlog.get_logger()

HOUR = timedelta(hours=1)
KEPT = timedelta(hours=3)
AHEAD = timedelta(seconds=30)
REMEMBERED = 20_000
ORDER_LASTS = timedelta(minutes=1)
LARGEST_USD = 1e10
MESSAGE_LIMIT_BYTES = 1024 * 1024
SILENCE_S = 60.0


class Forced(Struct, frozen=True, kw_only=True):
    """One position closed by force: what it was worth, which side it was on, and the venue's words that make
    it this one.

    `grows`: `usd` is what the order has come to so far, and a later message of the same key tells more, until
    one that is `final`."""

    asset: str
    at: datetime
    long: bool
    usd: float
    key: tuple[object, ...]
    grows: bool = False
    final: bool = True


class Stream(Struct, frozen=True, kw_only=True):
    """One socket: where, what to say after connecting, what to say now and then, and how to read what comes.

    `read` gives the liquidations in one message (none in a greeting or a pong), and raises SourceError for a
    message that cannot be read. `prepare` is awaited before each connection. `mark` is what each message about
    the market holds, and no greeting and no pong does; without one, a message counts that `read` found a
    liquidation in. `speaks_within` is how long the market can leave this stream without such a message. Streams
    of one `carries` bring the same, and one of them is enough."""

    url: str
    read: Callable[[bytes], Sequence[Forced]]
    greet: tuple[str, ...] = ()
    ping: str | None = None
    ping_every_s: float = 20.0
    prepare: Callable[[], Awaitable[object]] | None = None
    mark: bytes | None = None
    speaks_within: timedelta = HOUR
    carries: str = ""


class Waits(Struct, frozen=True, kw_only=True):
    """Seconds before a socket is opened again: at first, at most; how long one must have stood for the pauses to be
    short again; and how long one may be silent, pongs included."""

    first_s: float = 1.0
    longest_s: float = 60.0
    lasting_s: float = 60.0
    silence_s: float = SILENCE_S


class _HeardHour(Struct):
    longs_usd: float = 0.0
    shorts_usd: float = 0.0


class _Counted(Struct, frozen=True, kw_only=True):
    """What was last counted of a key: its time, what it had come to, and whether that was the end of it."""

    at: datetime
    usd: float
    final: bool


class _SocketLine(Struct):
    """What is known of one socket: since when it is connected and whether it spoke since, the hours in which it was
    connected, with the first moment in each, and the hours in which it spoke, with the last moment in each."""

    stream: Stream
    up_since: datetime | None = None
    spoke: bool = False
    heard_from: dict[datetime, datetime] = field(default_factory=dict)
    spoke_at: dict[datetime, datetime] = field(default_factory=dict)

    def mark_connected(self, now: datetime) -> None:
        """Write down that the socket is connected now, and has been since `up_since`."""
        hour = _hour_of(self.up_since or now)
        while hour <= now:
            self.heard_from.setdefault(hour, max(hour, self.up_since or now))
            hour += HOUR

    def mark_spoken(self, now: datetime) -> None:
        """Write down that a message about the market came now."""
        self.spoke = True
        self.spoke_at[_hour_of(now)] = now

    def silent(self, now: datetime) -> bool:
        """Whether the open socket has said nothing since it was opened, or for longer than it can have had nothing
        to say."""
        return not self.spoke or now - max(self.spoke_at.values()) > self.stream.speaks_within

    def tells_from(self, hour: datetime, until: datetime) -> datetime | None:
        """From when in an hour it tells what there was, up to `until`; None where it does not."""
        last = max((at for one, at in self.spoke_at.items() if one <= hour), default=None)
        if last is None or until - last > self.stream.speaks_within:
            return None
        mute = hour == _hour_of(until) and self.up_since is not None and self.silent(until)
        return None if mute else self.heard_from.get(hour)

    def forget(self, oldest: datetime) -> None:
        """Keep what is told of hours from `oldest` on, and the last word before."""
        self.heard_from = {hour: at for hour, at in self.heard_from.items() if hour >= oldest}
        latest = max(self.spoke_at, default=oldest)
        before = max((hour for hour in self.spoke_at if hour < oldest), default=latest)
        self.spoke_at = {hour: at for hour, at in self.spoke_at.items() if hour >= min(oldest, before)}


class Collector:
    """The sockets of one venue. `start` and `stop` from the same event loop; `tallies` at any time."""

    def __init__(self, venue: str, now: Callable[[], datetime], *, waits: Waits | None = None) -> None:
        self._venue = venue
        self._now = now
        self._waits = waits or Waits()
        self._lines: list[_SocketLine] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._hours: dict[tuple[str, datetime], _HeardHour] = {}
        self._seen: OrderedDict[tuple[object, ...], _Counted] = OrderedDict()
        self._complaint = ""

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped."""
        return bool(self._tasks)

    async def start(self, streams: Sequence[Stream]) -> None:
        """Open every socket, and again whenever one closes, until `stop`."""
        if self.running:
            return
        self._session = aiohttp.ClientSession()
        self._lines = [_SocketLine(stream) for stream in streams]
        self._tasks = [
            asyncio.create_task(self._listen(line), name=f"{self._venue} liquidations")
            for line in self._lines
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
        """The asset's tally of each of the last hours, the one under way included; a gap where a socket is
        not connected, or is and says nothing."""
        now = self._now()
        self._forget(now)
        heard: list[Reading | Gap] = []
        for hour in (_hour_of(now) - HOUR, _hour_of(now)):
            until_at = min(hour + HOUR, now)
            since_at = self._heard_from(hour, until_at)
            if since_at is None or since_at >= until_at:
                continue
            told = self._hours.get((asset, hour), _HeardHour())
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
        who = f"{self._venue} {asset} liquidations"
        why = self._missing(now) if self.running else None
        return heard if why is None else [*heard, Gap(who=who, reason=about(who, why))]

    def add(self, forced: Forced) -> None:
        """Count one liquidation, once, in the hour of its own time; of one that grows what it grew by. One from
        the future or from long ago is left out."""
        now = self._now()
        if not now - KEPT <= forced.at <= now + AHEAD or not 0 < forced.usd < LARGEST_USD:
            return
        usd = _not_counted(forced, self._seen.get(forced.key))
        if usd is None:
            return
        self._seen[forced.key] = _Counted(at=forced.at, usd=forced.usd, final=forced.final)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        hour = self._hours.setdefault((forced.asset, _hour_of(forced.at)), _HeardHour())
        if forced.long:
            hour.longs_usd += usd
        else:
            hour.shorts_usd += usd

    def _carriers(self) -> list[list[_SocketLine]]:
        """The sockets by what they carry: of each of these lists one has to be heard."""
        groups: dict[str, list[_SocketLine]] = {}
        for line in self._lines:
            groups.setdefault(line.stream.carries or line.stream.url, []).append(line)
        return list(groups.values())

    def _missing(self, now: datetime) -> str | None:
        """Why liquidations are not heard in full now, as a reason; None where they are."""
        for lines in self._carriers():
            if all(line.up_since is None for line in lines):
                return reason("not_connected")
            if all(line.up_since is None or line.silent(now) for line in lines):
                longest = max(line.stream.speaks_within for line in lines)
                return reason("silent_socket", minutes=round(longest.total_seconds() / 60))
        return None

    def _heard_from(self, hour: datetime, until: datetime) -> datetime | None:
        """From when in an hour all that is pushed was heard; None where it was not."""
        now = self._now()
        for line in self._lines:
            if line.up_since is not None:
                line.mark_connected(now)
        starts = []
        for lines in self._carriers():
            told = [at for line in lines if (at := line.tells_from(hour, until)) is not None]
            if not told:
                return None
            starts.append(min(told))
        return max(starts, default=None)

    def _forget(self, now: datetime) -> None:
        oldest = _hour_of(now - KEPT)
        self._hours = {key: told for key, told in self._hours.items() if key[1] >= oldest}
        for line in self._lines:
            line.forget(oldest)

    async def _listen(self, line: _SocketLine) -> None:
        """Connect, and connect again with growing pauses whatever ended it. Only a connection that stood for a while
        makes the pauses short again: one that is accepted and closed at once does not."""
        stream = line.stream
        wait_s = self._waits.first_s
        told = ""
        while True:
            begun_s, why, unreached = time.monotonic(), "closed", False
            try:
                await self._once(line)
            except SourceError as error:
                why, unreached = str(error), True
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                why, unreached = type(error).__name__, True
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                why = "given up"  # what was awaited was cancelled, not this task
            except Exception as error:
                why = type(error).__name__
                if why != told:
                    log.exception("source.socket_failed", venue=self._venue)
            if line.up_since is not None:
                line.mark_connected(self._now())
                line.up_since, unreached = None, False
            if time.monotonic() - begun_s >= self._waits.lasting_s:
                wait_s, told = self._waits.first_s, ""
            # Who never got through is a gap of each poll, and said there.
            if why != told and not unreached:
                told = why
                log.info("source.socket", venue=self._venue, host=urlsplit(stream.url).hostname, reason=why)
            await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(wait_s * 2, self._waits.longest_s)

    def _read(self, line: _SocketLine, content: bytes) -> None:
        """Count what is in a message; one that cannot be read is left out, and said once."""
        try:
            told = line.stream.read(content)
            mark = line.stream.mark
            if told or (mark is not None and mark in content):
                line.mark_spoken(self._now())
            for forced in told:
                self.add(forced)
        except Exception as error:
            complaint = str(error) if isinstance(error, SourceError) else type(error).__name__
            if complaint != self._complaint:
                self._complaint = complaint
                trace = None if isinstance(error, SourceError) else error
                log.warning("source.message", venue=self._venue, reason=complaint, exc_info=trace)

    async def _once(self, line: _SocketLine) -> None:
        """One connection, until it closes. Raises what ended it, if not a plain close."""
        stream = line.stream
        if self._session is None:
            return
        if stream.prepare is not None:
            await stream.prepare()
        async with self._session.ws_connect(
            stream.url,
            proxy=socket_proxy(stream.url),
            max_msg_size=MESSAGE_LIMIT_BYTES,
            heartbeat=stream.ping_every_s if stream.ping is None else None,
        ) as socket:
            for words in stream.greet:
                await socket.send_str(words)
            line.up_since, line.spoke = self._now(), False
            line.mark_connected(line.up_since)
            pinging = asyncio.create_task(_keep_up(socket, stream))
            try:
                while True:
                    message = await socket.receive(
                        timeout=None if stream.ping is None else self._waits.silence_s
                    )
                    if message.type not in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY}:
                        return
                    content = message.data.encode() if isinstance(message.data, str) else message.data
                    self._read(line, content)
            finally:
                pinging.cancel()


async def _keep_up(socket: aiohttp.ClientWebSocketResponse, stream: Stream) -> None:
    """Say the stream's own ping now and then; without one the WebSocket's own does it."""
    while stream.ping is not None and not socket.closed:
        await asyncio.sleep(stream.ping_every_s)
        with contextlib.suppress(ConnectionError):  # whoever receives is told of the end
            await socket.send_str(stream.ping)


def socket_proxy(url: str) -> str | None:
    """The proxy that the environment names for a socket: its own (`wss_proxy`), else the one for the web. Raises
    SourceUnavailable for one that cannot carry sockets."""
    parts = urlsplit(url)
    schemes = ("wss", "https") if parts.scheme in {"wss", "https"} else ("ws", "http")
    proxy = proxy_for(*schemes, host=parts.hostname or "")
    if proxy is not None and urlsplit(proxy).scheme not in {"http", "https"}:
        raise SourceUnavailable(
            about(parts.hostname or url, reason("proxy_kind", kind=urlsplit(proxy).scheme))
        )
    return proxy


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _not_counted(forced: Forced, before: _Counted | None) -> float | None:
    """How much of a liquidation is new, in dollars, where `before` is what was last counted of its key; None where
    nothing is. What grows is one order as long as its messages follow each other and none was the last."""
    if before is None:
        return forced.usd
    if not forced.grows or forced.at < before.at:
        return None
    if forced.at == before.at or (not before.final and forced.at - before.at <= ORDER_LASTS):
        return forced.usd - before.usd if forced.usd > before.usd else None
    return forced.usd

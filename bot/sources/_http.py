"""The one way to ask the web: time limits, a size limit, retries, budgets, breakers, and clocks compared.

Docs: HTTP semantics (RFC 9110) for status codes and `Retry-After`; Cloudflare's error 1015 is its rate limit.
Units: seconds, bytes (after unpacking).
Limits: each source states its hosts' budgets with `allow`; a host without one gets `MODEST`.

What an answer means:

====================  ==================================================================================================
network, 408, 5xx     waiting helps: asked again with a growing, jittered pause; several in a row and the host rests
429, error 1015       too many requests: asked again if `Retry-After` is short, else the host rests for as long as it says
418                   banned for having gone on after 429: rests for `Retry-After`, two minutes at least, never asked again at once
403                   barred for a while, or our place is not served: rests ten minutes
451                   our place is not served by law: rests an hour
401                   the key is not taken: SourceChanged, a person is needed
other 3xx and 4xx     the request is not understood any more: SourceChanged; unless the body has words that its source
                      knows as passing trouble (`allow`): then waiting helps
====================  ==================================================================================================
"""

from __future__ import annotations

import asyncio
import random
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode
from urllib.request import getproxies, proxy_bypass

import httpx
from msgspec import Struct
from msgspec.structs import replace

from bot.errors import SourceChanged, SourceUnavailable
from bot.reasons import about, reason, without_subject
from bot.sources._hosts import Budget, Host, HostUsage, Purse

BODY_LIMIT_BYTES = 8 * 1024 * 1024
CLOCKS_APART = timedelta(seconds=30)
MODEST = Budget(burst=20, per_s=2)

TOO_MANY = 429
BANNED = 418
KEY_REFUSED = 401
BARRED = 403
NOT_HERE = 451
COME_BACK = {408, 425}
OVERSPENT = {TOO_MANY, BANNED}
RESTS = {
    TOO_MANY: timedelta(minutes=1),
    BANNED: timedelta(minutes=2),
    BARRED: timedelta(minutes=10),
    NOT_HERE: timedelta(hours=1),
}
MEANINGS = {TOO_MANY: "too_many_requests", BANNED: "banned", BARRED: "barred", NOT_HERE: "not_served"}

LONGEST_REST_S = 3 * 86_400.0
"""Who says "come back in a year" is asked again before."""

FAILURES: Mapping[str, str] = {
    "ConnectTimeout": "slow",
    "TimeoutException": "silent",
    "ProxyError": "proxy",
    "ConnectError": "refused",
    "NetworkError": "broken",
}
"""What the first of httpx's exceptions means that a failure is."""

HEADERS = {"accept": "*/*", "accept-encoding": "gzip", "user-agent": "tightrope"}

Params = Mapping[str, str | int]


if TYPE_CHECKING:
    Transport = httpx.AsyncBaseTransport
else:  # httpx is imported where something is asked (bot/late.py)
    Transport = Any
"""What carries requests: the network, a tape, or a test's own answers."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long to try: times a request is made, the pauses between, the longest wait for a budget or a
    `Retry-After`, the time limits of one connection and one read, and of the whole request with all its
    pauses. All in seconds."""

    attempts: int = 3
    pause_s: float = 0.3
    longest_pause_s: float = 3.0
    longest_wait_s: float = 5.0
    connect_s: float = 4.0
    read_s: float = 8.0
    total_s: float = 10.0

    def as_httpx(self) -> dict[str, float]:
        """The time limits of one connection, in the words of httpx's transport."""
        return {"connect": self.connect_s, "read": self.read_s, "write": self.read_s, "pool": self.total_s}


class Reply(Struct, frozen=True, kw_only=True):
    """A good answer: its body, whom it is about (for error messages), when we heard it, and when the server
    says it spoke (`dated_at`, the Date header). `tolerance` is how far the two clocks may be apart; in a
    recording they are not compared."""

    subject: str
    body: bytes
    heard_at: datetime
    dated_at: datetime | None = None
    tolerance: timedelta = CLOCKS_APART

    def server_at(self, envelope_at: datetime | None = None) -> datetime:
        """The server's time: the envelope's, else the Date header's, else ours.

        Raises SourceUnavailable where it is too far from ours: then one of the clocks is wrong, or the answer
        is old, and no reading in it can be aged."""
        told = envelope_at or self.dated_at
        if told is None:
            return self.heard_at
        apart = told - self.heard_at
        if abs(apart) > self.tolerance:
            seconds = apart.total_seconds()
            raise SourceUnavailable(about(self.subject, reason("clocks_apart", seconds=f"{seconds:+.0f}")))
        return told


class _Rest(Exception):
    """An answer after which the host is left alone for a time; `of_all`: each that shares its budget."""

    def __init__(self, meaning: str, time: timedelta, *, of_all: bool = False) -> None:
        self.meaning = meaning
        self.time = time
        self.of_all = of_all
        super().__init__(meaning)


class Http:
    """One pool of connections for all sources. Use as an async context manager, or call `aclose`.

    Requests go to httpx's transport itself: its client adds cookies, redirects and authentication, which no
    venue needs (docs/decisions/0003)."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        steady: Callable[[], datetime] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        patience: Patience | None = None,
    ) -> None:
        self._now = now
        self._steady = steady or now
        self._sleep = sleep
        self._patience = patience or Patience()
        self._hosts: dict[str, Host] = {}
        self._pools: dict[str, Purse] = {}
        self._shared: dict[str, tuple[datetime, asyncio.Task[Reply]]] = {}
        self._given = transport
        self._limits = {"timeout": self._patience.as_httpx()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection, and give up what is still being asked for several."""
        for _, task in self._shared.values():
            task.cancel()
        await asyncio.gather(*(task for _, task in self._shared.values()), return_exceptions=True)
        self._shared.clear()
        if self._given is not None:
            await self._given.aclose()

    def _transport(self) -> Transport:
        """What carries the requests: opened when the first is made."""
        if self._given is None:
            self._given = network()
        return self._given

    def now(self) -> datetime:
        """This moment, by the clock that server times are compared with."""
        return self._now()

    def allow(
        self, host: str, budget: Budget, *, pool: str = "", passing: Callable[[bytes], bool] | None = None
    ) -> None:
        """State a host's documented limit. Sources that share a host share its budget: the first one to state
        it wins. Hosts of one `pool` share one budget, and rest together when that was overspent. `passing` says
        of the body of a refusal whether waiting helps against it."""
        shared = self._pools.setdefault(pool, Purse(budget)) if pool else Purse(budget)
        self._hosts.setdefault(host, Host(host, shared, passing=passing))

    def usage(self) -> tuple[HostUsage, ...]:
        """Each host's budget and health, by name."""
        steady = self._steady()
        told = (self._hosts[name].usage(steady) for name in sorted(self._hosts))
        ahead = self._now() - steady
        return tuple(
            replace(one, resting_until=one.resting_until + ahead) if one.resting_until else one
            for one in told
        )

    async def get(
        self,
        url: str,
        *,
        subject: str,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        cost: float = 1,
        share_s: float = 0,
    ) -> Reply:
        """The answer to a GET. `cost` is its weight in the host's budget; a question asked again within
        `share_s` gets the first one's answer (one request then serves all assets). Raises SourceUnavailable,
        SourceChanged."""
        if params:
            url = f"{url}?{urlencode(params)}"
        return await self._ask_shared(
            partial(self._request, "GET", url, headers or {}), url, subject, cost, share_s
        )

    async def post(
        self, url: str, *, subject: str, body: bytes, cost: float = 1, share_s: float = 0
    ) -> Reply:
        """The answer to a POST of JSON; as `get`. Raises SourceUnavailable, SourceChanged."""
        headers = {"content-type": "application/json"}
        ask = partial(self._request, "POST", url, headers, body)
        return await self._ask_shared(ask, f"{url} {body.decode()}", subject, cost, share_s)

    def _request(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> httpx.Request:
        return httpx.Request(
            method, _read_url(url), headers={**HEADERS, **headers}, content=body, extensions=self._limits
        )

    async def _ask_shared(
        self, make: Callable[[], httpx.Request], question: str, subject: str, cost: float, share_s: float
    ) -> Reply:
        if share_s <= 0:
            return await self._ask(make(), subject, cost)
        now = self._steady()
        _, task = self._shared.get(question, (now, None))
        if task is None or _is_over(*self._shared[question], now):
            task = asyncio.create_task(self._ask(make(), subject, cost))
            task.add_done_callback(_retrieve)
            self._shared = {
                asked: known for asked, known in self._shared.items() if not _is_over(*known, now)
            }
            self._shared[question] = (now + timedelta(seconds=share_s), task)
        return await asyncio.shield(task)

    async def _ask(self, request: httpx.Request, subject: str, cost: float) -> Reply:
        name = request.url.host
        host = self._hosts.get(name) or self._hosts.setdefault(name, Host(name, Purse(MODEST)))
        try:
            async with asyncio.timeout(self._patience.total_s):
                self._refuse_while_resting(host, subject)
                if not host.doubtful:
                    return await self._try(request, subject, host, cost)
                async with host.probe:
                    self._refuse_while_resting(host, subject)
                    return await self._try(request, subject, host, cost)
        except TimeoutError as error:
            host.note_failure(reason("no_answer", seconds=self._patience.total_s), self._steady())
            raise SourceUnavailable(
                about(subject, reason("no_answer", seconds=self._patience.total_s))
            ) from error

    def _refuse_while_resting(self, host: Host, subject: str) -> None:
        rest_s = host.resting_s(self._steady())
        if rest_s > 0:
            raise SourceUnavailable(
                about(subject, reason("resting", host=host.name, seconds=round(rest_s), why=host.trouble)),
                retry_after_s=rest_s,
            )

    async def _try(self, request: httpx.Request, subject: str, host: Host, cost: float) -> Reply:
        attempt = 1
        while True:
            await self._wait_for_budget(host, cost, subject)
            try:
                reply = await self._once(request, subject, host)
            except SourceUnavailable as error:
                pause_s = self._pause_s(attempt, error.retry_after_s)
                if pause_s is None or host.resting_s(self._steady()) > 0:
                    host.note_failure(without_subject(str(error)), self._steady())
                    raise
                attempt += 1
                await self._sleep(pause_s)
            except _Rest as rest:
                for one in self._sharing(host) if rest.of_all else (host,):
                    one.rest(rest.meaning, self._steady(), rest.time)
                rest_s = rest.time.total_seconds()
                raise SourceUnavailable(about(subject, rest.meaning), retry_after_s=rest_s) from rest
            except SourceChanged:
                host.note_answer()
                raise
            else:
                host.note_answer()
                return reply

    async def _wait_for_budget(self, host: Host, cost: float, subject: str) -> None:
        wait_s = host.wait_s(cost, self._steady())
        if wait_s > self._patience.longest_wait_s:
            raise SourceUnavailable(
                about(subject, reason("budget_spent", host=host.name)), retry_after_s=wait_s
            )
        host.spend(cost, self._steady())
        if wait_s > 0:
            await self._sleep(wait_s)

    def _sharing(self, host: Host) -> tuple[Host, ...]:
        """The hosts that share the host's budget, itself among them."""
        return tuple(one for one in self._hosts.values() if one.purse is host.purse)

    def _pause_s(self, attempt: int, asked_s: float | None) -> float | None:
        """The pause before the next attempt, or None where there is none: the server's own word, or longer
        each time."""
        if attempt >= self._patience.attempts:
            return None
        if asked_s is not None:
            return asked_s if asked_s <= self._patience.longest_wait_s else None
        grown_s = self._patience.pause_s * 2.0 ** (attempt - 1)
        return min(self._patience.longest_pause_s, grown_s) * random.uniform(0.5, 1.5)

    async def _once(self, request: httpx.Request, subject: str, host: Host) -> Reply:
        try:
            response = await self._transport().handle_async_request(request)
            try:
                body = await _body(response, subject)
            finally:
                await response.aclose()
        except (SourceUnavailable, SourceChanged):
            raise
        except Exception as error:  # whatever a transport trips over ends one request, not the poll
            raise SourceUnavailable(about(subject, _how(error))) from error
        heard_at = self._now()
        if response.status_code != httpx.codes.OK:
            self._refuse(response, body, subject, heard_at, host)
        return Reply(
            subject=subject, body=body, heard_at=heard_at, dated_at=_date(response.headers.get("date"))
        )

    def _refuse(
        self, response: httpx.Response, body: bytes, subject: str, heard_at: datetime, host: Host
    ) -> None:
        """Raise what the status means; see the table above."""
        status = response.status_code
        after_s = _retry_after_s(response.headers.get("retry-after"), heard_at)
        if status == BARRED and b"1015" in body:
            status = TOO_MANY
        meaning = reason(MEANINGS.get(status, "refused"), status=status)
        if status == TOO_MANY and after_s is not None and after_s <= self._patience.longest_wait_s:
            raise SourceUnavailable(about(subject, meaning), retry_after_s=after_s)
        if status in RESTS:
            told = timedelta(seconds=after_s or 0)
            rest = told if status == TOO_MANY and after_s else max(told, RESTS[status])
            raise _Rest(meaning, rest, of_all=status in OVERSPENT)
        if status >= httpx.codes.INTERNAL_SERVER_ERROR or status in COME_BACK:
            raise SourceUnavailable(
                about(subject, reason("http_status", status=status)), retry_after_s=after_s
            )
        if status == KEY_REFUSED:
            raise SourceChanged(about(subject, reason("key_refused", status=status)))
        said = body[:120].decode("utf-8", "replace")
        if host.passing(body):
            raise SourceUnavailable(
                about(subject, reason("http_said", status=status, said=said)), retry_after_s=after_s
            )
        raise SourceChanged(about(subject, reason("http_said", status=status, said=said)))


@lru_cache(maxsize=256)
def _read_url(url: str) -> httpx.URL:
    """An address as httpx has it: most questions of a poll are those of the poll before, and reading one takes longer than
    all else that a request is made of."""
    return httpx.URL(url)


def _is_over(until: datetime, task: asyncio.Task[Reply], now: datetime) -> bool:
    """Whether a shared answer is to be asked for again: it is too old, or it was none."""
    return task.done() and (now >= until or task.cancelled() or task.exception() is not None)


def _retrieve(task: asyncio.Task[Reply]) -> None:
    """Look at the outcome: each asker gets it, and one whose askers all went away is not reported as never
    looked at."""
    if not task.cancelled():
        task.exception()


def network() -> httpx.AsyncHTTPTransport:
    """The real network, through the proxy that the environment names, if any."""
    limits = httpx.Limits(max_connections=40, keepalive_expiry=60)
    return httpx.AsyncHTTPTransport(limits=limits, proxy=proxy_for("https"))


def proxy_for(*schemes: str, host: str = "") -> str | None:
    """The proxy that the environment names for the first of these schemes that it names one for, else for all
    (`https_proxy`, `all_proxy` …); None where it names none, or excepts the host (`no_proxy`)."""
    named = getproxies()
    found = next((named[scheme] for scheme in (*schemes, "all") if named.get(scheme)), None)
    return None if found is None or (host and proxy_bypass(host)) else found


async def _body(response: httpx.Response, subject: str) -> bytes:
    """The unpacked body, never more than the limit, whatever a small packed body would swell to."""
    if (
        response.is_stream_consumed
    ):  # a transport without a network (a tape, a test) hands the body over whole
        _check_size(len(response.content), subject)
        return response.content
    packing = response.headers.get("content-encoding", "identity").lower()
    if packing not in {"gzip", "x-gzip", "identity"}:
        raise SourceChanged(about(subject, reason("packed", how=packing[:20])))
    unpacker = None if packing == "identity" else _Unpacker(subject)
    parts = bytearray()
    async for chunk in response.aiter_raw():
        parts += chunk if unpacker is None else unpacker.unpack(chunk)
        _check_size(len(parts), subject)
    if unpacker is not None and not unpacker.complete:
        raise SourceUnavailable(about(subject, reason("cut_off")))
    return bytes(parts)


class _Unpacker:
    """A gzip body as it comes, of one member or of several (RFC 1952, 2.2)."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def complete(self) -> bool:
        """Whether the last member that began is over."""
        return self._member.eof

    def unpack(self, chunk: bytes) -> bytes:
        """What a chunk holds, no more than the limit for each of its members. Raises SourceUnavailable."""
        told = bytearray()
        while chunk:
            if self._member.eof:
                self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                told += self._member.decompress(chunk, BODY_LIMIT_BYTES + 1)
            except zlib.error as error:
                raise SourceUnavailable(about(self._subject, reason("unpackable"))) from error
            _check_size(len(told), self._subject)
            chunk = self._member.unused_data
        return bytes(told)


def _check_size(size_bytes: int, subject: str) -> None:
    if size_bytes > BODY_LIMIT_BYTES:
        raise SourceChanged(about(subject, reason("too_large", megabytes=BODY_LIMIT_BYTES // 1024 // 1024)))


def _how(error: Exception) -> str:
    """What kind of failure it was, by its class: its words are a library's, and may hold an address."""
    if not isinstance(error, httpx.HTTPError | OSError):
        return reason("unreadable", kind=type(error).__name__)
    found = next((how for kind, how in FAILURES.items() if isinstance(error, getattr(httpx, kind))), "broken")
    if found == "refused" and isinstance(_first(error), socket.gaierror):
        found = "unresolved"
    if found == "refused" and isinstance(_first(error), ssl.SSLError):
        found = "untrusted"
    return reason("unreachable", how=found)


def _first(error: BaseException) -> BaseException:
    """What an error began with."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return error


@lru_cache(maxsize=64)
def _date(header: str | None) -> datetime | None:
    if header is None:
        return None
    try:
        told = parsedate_to_datetime(header)
        return (told if told.tzinfo else told.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):  # a year or a zone that no calendar has
        return None


def _retry_after_s(header: str | None, now: datetime) -> float | None:
    """Seconds to wait: the header holds them, or a date. None where it is absent or unreadable."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return min(float(header), LONGEST_REST_S)
    told = _date(header)
    return None if told is None else min(max(0.0, (told - now).total_seconds()), LONGEST_REST_S)

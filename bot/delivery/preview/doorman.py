"""Who may hold a connection to the page, and for how long without asking anything.

aiohttp waits for the first line of a request for as long as the other side likes. A few hundred connections that say
nothing would use up the process's files, and with them its requests to venues: so there are fewer of them than files,
and each must have asked something within seconds."""

import asyncio
import contextlib
import resource
import time
from collections.abc import Awaitable, Callable
from typing import cast

import structlog
from aiohttp import web

log = structlog.get_logger()

HEADERS_S = 10.0
IDLE_S = 60.0
MOST = 200
FILES_SHARE = 4  # of the process's files at most this part is the page's
BACKLOG = 16  # so many are accepted in one turn of the loop
SWEEP_S = 1.0


class Doorman:
    """Lets connections in, drops those that say nothing. `factory` makes what serves one."""

    def __init__(self, factory: Callable[[], asyncio.Protocol], *, most: int | None = None) -> None:
        self._factory = factory
        self._most = most or min(MOST, max(8, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // FILES_SHARE))
        self._lines: dict[asyncio.BaseTransport, _CallerProtocol] = {}
        self._full = False

    def receive(self) -> asyncio.Protocol:
        """One connection's protocol."""
        return _CallerProtocol(self._factory(), self)

    @web.middleware
    async def watch(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Around all that a request does: its connection has asked something, and is at work."""
        line = self._lines.get(cast(asyncio.BaseTransport, request.transport))
        if line is None:
            return await handler(request)
        line.asked, line.at_work = True, True
        try:
            return await handler(request)
        finally:
            line.at_work, line.quiet_s = False, time.monotonic()

    async def sweep(self) -> None:
        """Close, for ever, what has said nothing for too long."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now_s = time.monotonic()
            for line in tuple(self._lines.values()):
                if not line.at_work and now_s - line.quiet_s > (IDLE_S if line.asked else HEADERS_S):
                    line.drop()

    def enter(self, line: "_CallerProtocol") -> None:
        """A connection was made; where there are too many, the oldest that never asked anything goes."""
        if line.transport is None:
            return
        self._lines[line.transport] = line
        if len(self._lines) <= self._most:
            return
        if not self._full:  # once, not for each of hundreds
            log.warning("page.full", connections=self._most)
        self._full = True
        silent = next((one for one in self._lines.values() if not one.asked), line)
        silent.drop()

    def leave(self, line: "_CallerProtocol") -> None:
        """A connection is over."""
        if line.transport is not None:
            self._lines.pop(line.transport, None)
        if len(self._lines) < self._most // 2:
            self._full = False


class _CallerProtocol(asyncio.Protocol):
    """One connection: hands everything on to what serves it."""

    def __init__(self, inner: asyncio.Protocol, doorman: Doorman) -> None:
        self._inner = inner
        self._doorman = doorman
        self.transport: asyncio.Transport | None = None
        self.asked = False
        self.at_work = False
        self.quiet_s = time.monotonic()

    def drop(self) -> None:
        """End it at once."""
        self._doorman.leave(self)
        if self.transport is not None:
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._inner.connection_made(transport)
        self._doorman.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._doorman.leave(self)
        with contextlib.suppress(Exception):
            self._inner.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()

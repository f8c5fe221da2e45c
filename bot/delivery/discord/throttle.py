"""A throttle of our own: Discord allows a bot 50 requests a second in all, and discord.py only reacts once it is refused."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Final

import aiohttp

RATE: Final = 48  # two below the limit: requests do not arrive as evenly as they are sent
LIMITED: Final = "/api/"
FREE: Final = ("/interactions/", "/webhooks/")
CATCH_UP: Final = 8  # turns that a late wake-up may make good at once


class Throttle:
    """At most `rate` turns in any second, evenly spaced, first come, first served. The clock (monotonic seconds) is an
    argument."""

    def __init__(
        self,
        rate: int = RATE,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap_s = 1 / rate
        self._now = now
        self._sleep = sleep
        self._due = now()
        self._taken: deque[float] = deque(maxlen=rate)
        self._queue = asyncio.Lock()

    async def turn(self) -> None:
        """Return when it is the caller's turn."""
        async with self._queue:
            full = len(self._taken) == self._taken.maxlen
            at = max(self._due, self._taken[0] + 1) if full else self._due
            if at > self._now():
                await self._sleep(at - self._now())
            now = self._now()
            self._taken.append(now)
            self._due = max(self._due, now - CATCH_UP * self._gap_s) + self._gap_s

    def trace(self) -> aiohttp.TraceConfig:
        """The throttle in front of every request, discord.py's own repeats included. Answers to interactions and the gateway are
        outside Discord's limit, and do not wait."""

        async def wait(
            session: aiohttp.ClientSession, context: SimpleNamespace, asked: aiohttp.TraceRequestStartParams
        ) -> None:
            if LIMITED in asked.url.path and not any(free in asked.url.path for free in FREE):
                await self.turn()

        config = aiohttp.TraceConfig()
        config.on_request_start.append(wait)
        return config

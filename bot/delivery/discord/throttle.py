"""A throttle of our own: Discord allows a bot 50 requests a second in all, and discord.py only reacts once it is refused."""

import asyncio
import time
from collections.abc import Awaitable, Callable

RATE = 49.0  # one below the limit


class Throttle:
    """At most `rate` turns in any second, first come, first served. The clock (monotonic seconds) is an argument."""

    def __init__(
        self,
        rate: float = RATE,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._gap_s = 1 / rate
        self._now = now
        self._sleep = sleep
        self._next = now()

    async def turn(self) -> None:
        """Return when it is the caller's turn. Turns are evenly spaced: bursts would meet Discord's limit, not ours."""
        at = max(self._next, self._now())
        self._next = at + self._gap_s
        wait = at - self._now()
        if wait > 0:
            await self._sleep(wait)

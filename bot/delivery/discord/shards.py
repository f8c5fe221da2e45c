"""When a shard may identify itself, and which servers are whose.

Limits: 1,000 IDENTIFY a day, and in five seconds one for each of `max_concurrency` buckets (a shard's is its
number modulo that); GET /gateway/bot tells both, and when the day is over. A server is its id without the last 22
bits, modulo the number of shards."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

import discord
import structlog

log = structlog.get_logger()

EACH_S: Final = 5.0
SERVER_BITS: Final = 22
DAY_S: Final = 86_400.0


class Identifies:
    """Turns to identify: in each bucket one in five seconds, and of all no more than the day still allows."""

    def __init__(
        self,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.concurrency = 1
        self.across: Callable[[int], Awaitable[None]] | None = (
            None  # waits for other processes of the same bot
        )
        self._now = now
        self._sleep = sleep
        self._free_at: dict[int, float] = {}
        self._left: int | None = None  # of this day; None: nobody has told
        self._a_day = 0
        self._new_day_at = 0.0
        self._queues: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    def allow(self, limits: discord.SessionStartLimits) -> None:
        """Go by what Discord allows from now on."""
        self.concurrency = max(limits.max_concurrency, 1)
        self._left, self._a_day = limits.remaining, limits.total
        self._new_day_at = self._now() + limits.reset_after / 1000

    async def turn(self, shard_id: int | None) -> None:
        """Return when the shard may identify itself."""
        bucket = (shard_id or 0) % self.concurrency
        async with self._queues[bucket]:
            wait_s = self._free_at.get(bucket, 0.0) - self._now()
            if wait_s > 0:
                await self._sleep(wait_s)
            await self._spend()
            if self.across is not None:
                await self.across(bucket)
            self._free_at[bucket] = self._now() + EACH_S

    async def _spend(self) -> None:
        """One of the day's starts; where none is left, of the next day's."""
        if self._left is None:
            return
        wait_s = self._new_day_at - self._now()
        if self._left <= 0 and wait_s > 0:
            log.warning("discord.starts_spent", wait_s=round(wait_s))
            await self._sleep(wait_s)
        if self._now() >= self._new_day_at:
            self._left, self._new_day_at = self._a_day, self._new_day_at + DAY_S
        self._left -= 1


def mine(guild_id: str, shard_ids: Iterable[int], shard_count: int) -> bool:
    """Whether a server's events come over one of these shards."""
    return (int(guild_id) >> SERVER_BITS) % shard_count in set(shard_ids)

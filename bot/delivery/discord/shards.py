"""When a shard may identify itself, and which servers are whose.

Limits: 1,000 IDENTIFY a day, and in five seconds one for each of `max_concurrency` buckets (a shard's is its
number modulo that); GET /gateway/bot tells both. A server is its id without the last 22 bits, modulo the
number of shards."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

EACH_S: Final = 5.0
SERVER_BITS: Final = 22


class Identifies:
    """Turns to identify: in each bucket one in five seconds."""

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
        self._queues: defaultdict[int, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def turn(self, shard_id: int | None) -> None:
        """Return when the shard may identify itself."""
        bucket = (shard_id or 0) % self.concurrency
        async with self._queues[bucket]:
            wait_s = self._free_at.get(bucket, 0.0) - self._now()
            if wait_s > 0:
                await self._sleep(wait_s)
            if self.across is not None:
                await self.across(bucket)
            self._free_at[bucket] = self._now() + EACH_S


def mine(guild_id: str, shard_ids: Iterable[int], shard_count: int) -> bool:
    """Whether a server's events come over one of these shards."""
    return (int(guild_id) >> SERVER_BITS) % shard_count in set(shard_ids)

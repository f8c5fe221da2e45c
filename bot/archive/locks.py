"""Locks that a process has as long as it lives: PostgreSQL's advisory locks, on a connection of their own.

They end with the connection, so that what a process held is free when it dies, or when its connection is
lost. On SQLite, where one process does everything, whoever asks gets them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.engine import Database, run_to_the_end, translate_errors
from bot.errors import ArchiveError

# Advisory locks are numbers, one space for the whole database; these must only differ from each other.
POLLER: Final = (7_463_002, 0)
SHARD: Final = 7_463_003  # and the shard's number
IDENTIFY: Final = 7_463_004  # and the bucket's

EACH_S: Final = 5.0  # between two identifies of one bucket, by Discord's rule
TRY_S: Final = 0.5


class SessionLocks:
    """All of some locks, or none of them."""

    def __init__(self, database: Database, keys: Sequence[tuple[int, int]], subject: str) -> None:
        self._database = database
        self._keys = keys
        self._subject = subject
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    @run_to_the_end
    async def acquire(self) -> bool:
        """Take the locks; False where another process has one of them. Raises ArchiveError."""
        async with self._turn:
            if self._database.is_sqlite or await self._stands():
                return True
            await self._let_go()
            return await self._take()

    @run_to_the_end
    async def is_holding(self) -> bool:
        """Whether the connection that holds them still stands."""
        async with self._turn:
            return await self._stands()

    @run_to_the_end
    async def release(self) -> None:
        """Give them back."""
        async with self._turn:
            await self._let_go()

    async def _take(self) -> bool:
        with translate_errors(self._subject):
            # Outside any transaction: it would stay open as long as the process lives.
            connection = await self._database.engine.connect()
            self._connection = await connection.execution_options(isolation_level="AUTOCOMMIT")
            for key in self._keys:
                asked = text("SELECT pg_try_advisory_lock(:kind, :number)").bindparams(
                    kind=key[0], number=key[1]
                )
                if not (await self._connection.execute(asked)).scalar():
                    await self._let_go()
                    return False
        return True

    async def _stands(self) -> bool:
        if self._connection is None:
            return self._database.is_sqlite
        try:
            with translate_errors(self._subject):
                await self._connection.execute(text("SELECT 1"))
        except ArchiveError:
            return False
        return True

    async def _let_go(self) -> None:
        if self._connection is not None:
            connection, self._connection = self._connection, None
            # Closed for good, not handed back: the locks belong to the server's session.
            await connection.invalidate()
            await connection.close()


class Turns:
    """Turns to identify at Discord over all processes: in each bucket one in five seconds."""

    def __init__(
        self, database: Database, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._database = database
        self._sleep = sleep
        self._resting: set[asyncio.Task[None]] = set()

    async def __call__(self, bucket: int) -> None:
        """Return when it is this process's turn. Raises ArchiveError."""
        if self._database.is_sqlite:
            return
        locks = SessionLocks(self._database, [(IDENTIFY, bucket)], f"turn {bucket} to identify")
        while not await locks.acquire():
            await self._sleep(TRY_S)
        resting = asyncio.create_task(self._rest(locks))
        self._resting.add(resting)
        resting.add_done_callback(self._resting.discard)

    async def _rest(self, locks: SessionLocks) -> None:
        try:
            await self._sleep(EACH_S)
        finally:
            await locks.release()

"""Waking the processes that send when there is something to send: PostgreSQL's LISTEN and NOTIFY.

One word a commit, never one a row: each takes a lock on the whole database. A word can be lost with its
connection, so whoever waits also looks once in a while."""

import asyncio
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.engine import Database, run_to_the_end, translate_errors

CHANNEL = "tightrope_outbox"


async def notify(connection: AsyncConnection) -> None:
    """Wake the senders of other processes when the caller's transaction is committed. On SQLite there are
    none."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text(f"SELECT pg_notify('{CHANNEL}', '')"))


class Wake:
    """Waits until posts were committed by any process, or a while has passed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told = asyncio.Event()
        self._connection: AsyncConnection | None = None

    async def wait(self, timeout_s: float = 1.0) -> bool:
        """True where somebody was heard, False where the time passed. Raises ArchiveError where the database
        is gone."""
        if not self._database.is_sqlite and self._connection is None:
            await self._listen()
        try:
            async with asyncio.timeout(timeout_s):
                await self._told.wait()
        except TimeoutError:
            return False
        finally:
            self._told.clear()
        return True

    def tell(self) -> None:
        """Wake whoever waits in this process."""
        self._told.set()

    async def aclose(self) -> None:
        """Stop listening."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await connection.invalidate()
            await connection.close()

    @run_to_the_end
    async def _listen(self) -> None:
        with translate_errors("outbox"):
            connection = await self._database.engine.connect()
            raw: Any = (await connection.get_raw_connection()).driver_connection
            await raw.add_listener(CHANNEL, self._hear)
            raw.add_termination_listener(self._lost)
            self._connection = connection

    def _hear(self, *_: object) -> None:
        self.tell()

    def _lost(self, *_: object) -> None:
        """Listen afresh at the next wait; somebody may have called meanwhile."""
        self._connection = None
        self.tell()

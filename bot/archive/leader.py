"""Who polls and judges: one process at a time, and a fence against one that was replaced and does not know
it.

On PostgreSQL the leader holds an advisory lock on a connection of its own: it ends with the connection, so a
leader that dies is replaced at the next try. On SQLite it is a lock on a file beside the database."""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import IO

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.files import open_private
from bot.archive.locks import POLLER, SessionLocks
from bot.archive.schema import leadership
from bot.errors import ArchiveError


class FileLock:
    """A lock on a file beside the database, held by one process until it releases it or ends."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.lock")
        self._file: IO[str] | None = None

    def acquire(self) -> bool:
        """Take the lock; False where another process has it."""
        if self._file is not None:
            return True
        file = os.fdopen(open_private(self._path), "w")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            self._file.close()
            self._file = None


class Leadership:
    """One role that one process has. `epoch` is its term: each new leader's is higher; 0 while this process
    is none."""

    def __init__(self, database: Database, role: str = "poller") -> None:
        self._database = database
        self._role = role
        self._file = FileLock(Path(database.path)) if database.path else None
        self._locks = SessionLocks(database, [POLLER], "leadership")
        self.epoch = 0
        self._turn = asyncio.Lock()

    @run_to_the_end
    async def acquire(self) -> bool:
        """Become the leader, or learn that this process still is: False where another process is. Raises
        ArchiveError."""
        async with self._turn:
            return await self._acquire()

    @run_to_the_end
    async def release(self) -> None:
        """Stop being the leader."""
        async with self._turn:
            await self._release()

    async def _acquire(self) -> bool:
        if self.epoch and await self._locks.is_holding():
            return True
        await self._release()
        if not await (asyncio.to_thread(self._file.acquire) if self._file else self._locks.acquire()):
            return False
        async with self._database.write("leadership") as connection:
            row = upsert(connection, leadership).values(role=self._role, epoch=1)
            raised = row.on_conflict_do_update(
                index_elements=["role"], set_={"epoch": leadership.c.epoch + 1}
            )
            self.epoch = (await connection.execute(raised.returning(leadership.c.epoch))).scalar_one()
        return True

    async def _release(self) -> None:
        self.epoch = 0
        if self._file is not None:
            self._file.release()
        await self._locks.release()

    async def fence(self, connection: AsyncConnection) -> None:
        """Refuse a write, in its own transaction, of a process that is no longer the leader; one that never
        was may write. Raises ArchiveError."""
        if not self.epoch:
            return
        # The row stays locked to the end of the transaction, so no new leader can begin in between.
        wanted = select(leadership.c.epoch).where(leadership.c.role == self._role).with_for_update(read=True)
        current = (await connection.execute(wanted)).scalar()
        if current != self.epoch:
            raise ArchiveError(
                f"{self._role}: replaced by another process (term {current}, ours was {self.epoch}); nothing was stored"
            )

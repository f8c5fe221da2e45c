"""Small writes that come at the same time, in one transaction: each would wait for the disk by itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.engine import Database
from bot.errors import ArchiveError

Wish = TypeVar("Wish")

WriteWishes = Callable[[AsyncConnection, Sequence[Wish]], Awaitable[Sequence[ArchiveError | None]]]
"""Writes some wishes in the caller's transaction: for each why it could not be, or None."""


class WritesTogether(Generic[Wish]):
    """What is wished until a transaction begins is written in it; what comes later, in the next one."""

    def __init__(self, database: Database, subject: str, write: WriteWishes[Wish]) -> None:
        self._database = database
        self._subject = subject
        self._write = write
        self._waiting: list[tuple[Wish, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, wish: Wish) -> None:
        """Done when it is committed. Raises ArchiveError."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((wish, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_all())
        await done

    async def _write_all(self) -> None:
        while self._waiting:
            taken: list[tuple[Wish, asyncio.Future[None]]] = []
            try:
                told = await self._database.finish(lambda taken=taken: self._write_some(taken))  # type: ignore[misc]
            except BaseException as error:
                # Who came while the transaction failed to begin is told too: they would wait for nobody.
                taken += self._waiting
                self._waiting = []
                _tell(taken, [error] * len(taken))
                if not isinstance(error, Exception):
                    raise
            else:
                _tell(taken, told)

    async def _write_some(
        self, taken: list[tuple[Wish, asyncio.Future[None]]]
    ) -> Sequence[ArchiveError | None]:
        """What waits when the transaction has begun is `taken`; so is what was when it is begun again."""
        async with self._database.write(self._subject) as connection:
            taken += self._waiting
            self._waiting = []
            return await self._write(connection, [wish for wish, _ in taken])


def _tell(taken: Sequence[tuple[object, asyncio.Future[None]]], told: Sequence[BaseException | None]) -> None:
    for (_, done), error in zip(taken, told, strict=True):
        if done.done():
            continue  # nobody waits any more
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

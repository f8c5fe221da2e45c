"""A database in memory as SQLAlchemy's asynchronous engine drives it, answered where it is asked.

The driver for files hands each statement to a thread of its own and waits for it, four times a question. A database in
memory waits for no disk: the way there and back takes longer than the answer."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self


class MemoryCursor:
    """A cursor of sqlite3 whose methods can be awaited, as SQLAlchemy awaits those of aiosqlite."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    async def __aenter__(self) -> Self:
        return self

    @property
    def description(self) -> Any:
        """The columns of the last question, as DB-API has them; None where it has no answer."""
        return self._cursor.description

    @property
    def rowcount(self) -> int:
        """How many rows the last statement changed; -1 where it changes none."""
        return self._cursor.rowcount

    @property
    def lastrowid(self) -> int | None:
        """The number of the last row that was added."""
        return self._cursor.lastrowid

    @property
    def arraysize(self) -> int:
        """How many rows `fetchmany` gives where nothing is said."""
        return self._cursor.arraysize

    @arraysize.setter
    def arraysize(self, rows: int) -> None:
        self._cursor.arraysize = rows

    async def execute(self, statement: str, values: Any = ()) -> Self:
        """Do one statement. Raises sqlite3.Error."""
        self._cursor.execute(statement, values or ())
        return self

    async def executemany(self, statement: str, rows: Iterable[Any]) -> Self:
        """Do a statement for each of some rows. Raises sqlite3.Error."""
        self._cursor.executemany(statement, rows)
        return self

    async def fetchone(self) -> Any:
        """The next row; None behind the last one."""
        return self._cursor.fetchone()

    async def fetchmany(self, size: int | None = None) -> Sequence[Any]:
        """The next rows."""
        return self._cursor.fetchmany() if size is None else self._cursor.fetchmany(size)

    async def fetchall(self) -> Sequence[Any]:
        """All rows that are left."""
        return self._cursor.fetchall()

    async def close(self) -> None:
        """Let go of the answer."""
        self._cursor.close()


class MemoryConnection:
    """A database in memory, which ends with it. Transactions begin where we say so, as for files."""

    def __init__(self) -> None:
        # SQLAlchemy's adapter looks here for whether it is open.
        self._connection: sqlite3.Connection | None = sqlite3.connect(
            ":memory:", check_same_thread=False, isolation_level=None
        )

    @property
    def isolation_level(self) -> str | None:
        """None: sqlite3 begins no transaction by itself."""
        return self._opened.isolation_level

    def cursor(self) -> MemoryCursor:
        """A new cursor."""
        return MemoryCursor(self._opened.cursor())

    async def execute(self, statement: str, values: Any = ()) -> MemoryCursor:
        """Do one statement on a new cursor. Raises sqlite3.Error."""
        return await self.cursor().execute(statement, values)

    async def commit(self) -> None:
        """End the transaction, if there is one, and keep it."""
        self._opened.commit()

    async def rollback(self) -> None:
        """End the transaction, if there is one, and undo it."""
        self._opened.rollback()

    async def create_function(
        self, name: str, narg: int, func: Callable[..., Any], *, deterministic: bool = False
    ) -> None:
        """Let statements call a function."""
        self._opened.create_function(name, narg, func, deterministic=deterministic)

    async def close(self) -> None:
        """Let go of the database."""
        self.stop()

    def stop(self) -> None:
        """As `close`, at once."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("connection closed")
        return self._connection


async def open_in_memory() -> MemoryConnection:
    """A new, empty database in memory."""
    return MemoryConnection()

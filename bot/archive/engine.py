"""The connection to the database: opening, transactions, and errors in our own words."""

import sqlite3
from asyncio import to_thread
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.errors import ArchiveError

Found = TypeVar("Found")

BUSY_TIMEOUT_MS = 10_000

# What SQLite says, and what the operator can do about it.
ADVICE = (
    ("database or disk is full", "the disk is full: free some space, nothing is lost"),
    ("readonly database", "the file or its folder may not be written: give the bot's user the right to write there"),
    ("unable to open database file", "the file cannot be opened: check that its folder exists and may be written"),
    ("malformed", "the file is damaged: stop the bot and run `bot restore BACKUP`"),
    ("not a database", "the file is not a database or is damaged: stop the bot and run `bot restore BACKUP`"),
    ("database is locked", "another process holds the file: is the bot running twice?"),
)


class Database:
    """One database. `read` and `write` are transactions; a write sees all or nothing of itself stored."""

    def __init__(self, url: str) -> None:
        self.url = _async_url(url)
        self.engine: AsyncEngine = _create(self.url)
        self._writer = self.engine.execution_options(writes=True)
        # A file is read on a thread in one go: over the driver's own thread each statement takes four trips.
        self._reader = _file_reader(self.url) if self.path else None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is one file (or memory) of our own, not a server."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def path(self) -> str | None:
        """The file, or None for memory or a server."""
        return self.url.database if self.is_sqlite and self.url.database not in (None, "", ":memory:") else None

    @asynccontextmanager
    async def read(self, subject: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads. Raises ArchiveError that starts with the subject."""
        with translated(subject):
            async with self.engine.begin() as connection:
                yield connection

    async def reading(self, subject: str, work: Callable[[Connection], Found]) -> Found:
        """What `work` reads in one transaction, off the event loop. Raises ArchiveError that starts with the subject."""
        if self._reader is None:
            async with self.read(subject) as connection:
                return await connection.run_sync(work)
        with translated(subject):
            return await to_thread(_in_transaction, self._reader, work)

    @asynccontextmanager
    async def write(self, subject: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes: committed at the end, undone by any error. Raises ArchiveError."""
        with translated(subject):
            async with self._writer.begin() as connection:
                yield connection

    async def aclose(self) -> None:
        """Close every connection."""
        await self.engine.dispose()
        if self._reader is not None:
            self._reader.dispose()


class translated:  # noqa: N801  (a context manager that reads as a word)
    """Turns the database's errors into ArchiveError: the subject, the reason, what to do."""

    def __init__(self, subject: str) -> None:
        self._subject = subject

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, SQLAlchemyError | OSError | sqlite3.Error):
            raise ArchiveError(f"{self._subject}: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    told = str(error.orig if isinstance(error, DBAPIError) else error).strip() or type(error).__name__
    for sign, advice in ADVICE:
        if sign in told.lower():
            return advice
    return told.splitlines()[0]


def upsert(connection: AsyncConnection, table: Table) -> Any:
    """An INSERT of this database's dialect, which knows ON CONFLICT: both spell it alike, SQLAlchemy keeps two classes."""
    return upsert_of(connection.dialect.name, table)


def upsert_of(dialect: str, table: Table) -> Any:
    """`upsert` for a dialect by its name."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # a dialect of fifteen modules: only where it is spoken

    return postgresql.insert(table)


def _async_url(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ArchiveError(
            f"database address {url!r}: not an address such as sqlite:///var/tightrope.sqlite"
        ) from error
    drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
    backend = parsed.drivername.partition("+")[0]
    if backend not in drivers:
        raise ArchiveError(f"database address: {parsed.drivername!r} is neither sqlite nor postgresql")
    return parsed.set(drivername=drivers[backend])


def _create(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        with translated("database"):
            return create_async_engine(url, pool_size=5, max_overflow=5, pool_pre_ping=True)
    # In memory there is one connection, and transactions take turns on it: two on one connection would mingle.
    size = 1 if url.database in (None, "", ":memory:") else 5
    # The connection used last is the one used next: each keeps pages of its own in memory.
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=size, max_overflow=0, pool_use_lifo=True
    )
    _prepared(engine.sync_engine)
    return engine


def _in_transaction(engine: Engine, work: Callable[[Connection], Found]) -> Found:
    with engine.begin() as connection:
        return work(connection)


def _file_reader(url: URL) -> Engine:
    return _prepared(create_engine(url.set(drivername="sqlite"), pool_size=2, max_overflow=0, pool_use_lifo=True))


def _prepared(engine: Engine) -> Engine:
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(raw: Any, _record: object) -> None:
    # sqlite3 opens transactions on its own and late; we say BEGIN ourselves, so that reads are consistent too.
    raw.isolation_level = None
    cursor = raw.cursor()
    for pragma in _pragmas():
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _pragmas() -> Sequence[str]:
    return (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "cache_size = -4000",
    )


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another wrote in between; IMMEDIATE waits its turn.
    writes = connection.get_execution_options().get("writes", False)
    statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
    raw: Any = connection.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection):
        raw.execute(statement)
    else:
        # By a statement of SQLAlchemy's it would be a cursor made, used and closed: three hops to the driver's thread, not one.
        raw.run_async(lambda driver: driver.execute(statement))

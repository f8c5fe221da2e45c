"""The connection to the database: opening, transactions that run to their end, and errors in our own words."""

import asyncio
import os
import random
import sqlite3
from asyncio import to_thread
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from functools import lru_cache, partial, wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import structlog
from sqlalchemy import Dialect, Engine, Select, Table, create_engine, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import URL, Connection, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from bot.archive.advice import GONE, advise, is_read_only, may_be_repeated
from bot.archive.memory import open_in_memory
from bot.errors import ArchiveError

log = structlog.get_logger()

Found = TypeVar("Found")
Given = ParamSpec("Given")

BUSY_TIMEOUT_MS = 10_000
TRIES = 4
PAUSE_S = 0.05
CLOSING_S = 10.0
CHECKPOINT_S = 1.0


class Database:
    """One database. `read` and `write` are transactions; a write sees all or nothing of itself stored."""

    def __init__(self, url: str) -> None:
        self.url = _async_url(url)
        self.engine: AsyncEngine = _create(self.url)
        self._writer = self.engine.execution_options(writes=True)
        # A file is read on a thread in one go: over the driver's own thread each statement takes four trips.
        self._reader = _file_reader(self.url) if self.path else None
        self._running: set[asyncio.Future[Any]] = set()
        self._opened: tuple[int, int] | None = None
        # A file has one writer at a time. Whoever waits for it within this process waits in turn, however long;
        # whoever asks the file itself again and again may be passed over until its patience ends.
        self._turn: AbstractAsyncContextManager[None] = asyncio.Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is one file (or memory) of our own, not a server."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def path(self) -> str | None:
        """The file, or None for memory or a server."""
        return (
            self.url.database if self.is_sqlite and self.url.database not in (None, "", ":memory:") else None
        )

    @asynccontextmanager
    async def read(self, subject: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that only reads. Raises ArchiveError that starts with the subject."""
        self._look_for_file(subject)
        with translate_errors(subject):
            async with self.engine.begin() as connection:
                yield connection

    async def read_in_thread(self, subject: str, work: Callable[[Connection], Found]) -> Found:
        """What `work` reads in one transaction, off the event loop. Raises ArchiveError that starts with the
        subject. It is done to its end, as by `finish`: on a file a thread does so by itself."""
        if self._reader is None:
            return await self.finish(partial(self._read_over_driver, subject, work))
        self._look_for_file(subject)
        loop = asyncio.get_running_loop()
        return await self._to_its_end(loop.run_in_executor(None, _read_by, self._reader, subject, work))

    async def _read_over_driver(self, subject: str, work: Callable[[Connection], Found]) -> Found:
        async with self.read(subject) as connection:
            return await connection.run_sync(work)

    @asynccontextmanager
    async def write(self, subject: str) -> AsyncIterator[AsyncConnection]:
        """A transaction that writes: committed at the end, undone by any error. Raises ArchiveError."""
        self._look_for_file(subject)
        with translate_errors(subject):
            async with self._turn, self._writer.begin() as connection:
                yield connection

    def _look_for_file(self, subject: str) -> None:
        """Raises ArchiveError where the file that was opened is not the one at its path any more: an open file outlives
        its name, and what is written to it is gone with the process."""
        if self.path is None:
            return
        try:
            about = os.stat(self.path)  # noqa: PTH116 - before every read: a Path takes longer than the question
            found = about.st_dev, about.st_ino
        except OSError:
            found = None
        if self._opened is None:
            self._opened = found
        elif found != self._opened:
            raise ArchiveError(f"{subject}: {self.path} {GONE}")

    async def finish(self, work: Callable[[], Awaitable[Found]]) -> Found:
        """What some work on this database comes to, done to its end even where whoever waits for it is
        cancelled: a statement that is broken off takes its connection with it, and a database in memory is
        its connection. Where a server could not bring its transaction into an order with others', or had no
        connection left, it is done again. Raises ArchiveError."""
        return await self._to_its_end(asyncio.create_task(self._repeat(work)))

    async def _to_its_end(self, running: asyncio.Future[Found]) -> Found:
        self._running.add(running)
        running.add_done_callback(self._running.discard)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            running.add_done_callback(_log_failure)
            raise

    async def _repeat(self, work: Callable[[], Awaitable[Found]]) -> Found:
        for tried in range(1, TRIES):
            try:
                return await work()
            except ArchiveError as error:
                if is_read_only(error.__cause__):
                    # What was the first server is a standby now: its connections would go on reading.
                    await self.engine.dispose()
                if not may_be_repeated(error.__cause__):
                    raise
                await asyncio.sleep(PAUSE_S * 2**tried * random.uniform(0.5, 1.5))
        return await work()

    async def checkpoint(self) -> None:
        """Bring what stands in a file's write-ahead log into the file, and make the log empty, as far as no
        reader is at it: a log is never made smaller by itself. A server does the like on its own."""
        if self.path is not None:
            with translate_errors(f"database {self.path}"):
                await to_thread(_checkpoint, self.path)

    async def aclose(self) -> None:
        """Close every connection, once what runs has ended."""
        if self._running:
            await asyncio.wait(self._running, timeout=CLOSING_S)
        await self.engine.dispose()
        if self._reader is not None:
            self._reader.dispose()


class OnDatabase(Protocol):
    """What works on a database."""

    _database: Database


Own = TypeVar("Own", bound=OnDatabase)


def run_to_the_end(
    method: Callable[Concatenate[Own, Given], Coroutine[Any, Any, Found]],
) -> Callable[Concatenate[Own, Given], Coroutine[Any, Any, Found]]:
    """A repository's method as `Database.finish` does it: a transaction of its own that no cancellation
    reaches."""

    @wraps(method)
    async def run(self: Own, /, *args: Given.args, **kwargs: Given.kwargs) -> Found:
        return await self._database.finish(lambda: method(self, *args, **kwargs))

    return run


def _log_failure(task: asyncio.Future[Any]) -> None:
    """Tell what became of work that nobody waited for any more."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.warning(
            "archive.failed", reason=str(error) if isinstance(error, ArchiveError) else type(error).__name__
        )


@contextmanager
def translate_errors(subject: str) -> Iterator[None]:
    """Turn the database's errors into ArchiveError: the subject, the reason, what to do."""
    try:
        yield
    except (SQLAlchemyError, OSError, sqlite3.Error) as error:
        raise ArchiveError(f"{subject}: {advise(error)}") from error


def has_plain_driver(connection: Connection) -> bool:
    """Whether `fetch_plainly` can ask over this connection: it is one to a file, on the thread that asks."""
    return isinstance(connection.connection.dbapi_connection, sqlite3.Connection)


def fetch_plainly(
    connection: Connection, statement: Select[Any], values: Mapping[str, object]
) -> list[tuple[Any, ...]]:
    """The rows that a statement finds with some values for its places, as SQLite's own driver gives them, in a fraction of
    the time that SQLAlchemy takes to make its own: for columns of numbers, texts and bytes alone. Raises sqlite3.Error."""
    raw: Any = connection.connection.dbapi_connection
    words, places = _in_words(statement, connection.dialect)
    if not raw.in_transaction:
        raw.execute("BEGIN")
    found: list[tuple[Any, ...]] = raw.execute(words, [values[place] for place in places]).fetchall()
    return found


@lru_cache(maxsize=64)
def _in_words(statement: Select[Any], dialect: Dialect) -> tuple[str, tuple[str, ...]]:
    """A statement in the words of a dialect, and the names of its places in their order."""
    compiled: Any = statement.compile(dialect=dialect)
    return str(compiled), tuple(compiled.positiontup)


def upsert(connection: AsyncConnection, table: Table) -> Any:
    """An INSERT of this database's dialect, which knows ON CONFLICT: both spell it alike, SQLAlchemy keeps
    two classes."""
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
    except (ArgumentError, ValueError):
        # Neither the address nor what the library says of it: a password may stand anywhere in it.
        raise ArchiveError(
            "database address: not an address such as sqlite:///var/tightrope.sqlite"
            " or postgresql://user:password@host/name"
        ) from None
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
    }
    backend = parsed.drivername.partition("+")[0]
    if backend not in drivers:
        raise ArchiveError("database address: it begins with neither sqlite: nor postgresql:")
    return parsed.set(drivername=drivers[backend])


def _create(url: URL) -> AsyncEngine:
    if url.get_backend_name() != "sqlite":
        with translate_errors("database"):
            return create_async_engine(url, pool_size=5, max_overflow=5, pool_pre_ping=True)
    # In memory there is one connection, and transactions take turns on it: two on one connection would
    # mingle.
    is_in_memory = url.database in (None, "", ":memory:")
    size, how = (1, {"async_creator": open_in_memory}) if is_in_memory else (5, {})
    # The connection used last is the one used next: each keeps pages of its own in memory.
    engine = create_async_engine(
        url, poolclass=AsyncAdaptedQueuePool, pool_size=size, max_overflow=0, pool_use_lifo=True, **how
    )
    _prepared(engine.sync_engine)
    return engine


def _read_by(engine: Engine, subject: str, work: Callable[[Connection], Found]) -> Found:
    """What `work` reads in one transaction, which begins with its first question and is undone as the connection goes back:
    there is nothing to commit."""
    with translate_errors(subject), engine.connect() as connection:
        return work(connection)


def _file_reader(url: URL) -> Engine:
    return _prepared(
        create_engine(url.set(drivername="sqlite"), pool_size=2, max_overflow=0, pool_use_lifo=True)
    )


def _checkpoint(path: str) -> None:
    connection = sqlite3.connect(path, timeout=CHECKPOINT_S)
    try:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    finally:
        connection.close()


def _prepared(engine: Engine) -> Engine:
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(raw: Any, _record: object) -> None:
    # sqlite3 opens transactions on its own and late; we say BEGIN ourselves, so that reads are consistent
    # too.
    if raw.isolation_level is not None:
        raw.isolation_level = None
    cursor = raw.cursor()
    try:
        for pragma in _pragmas():
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    except sqlite3.Error:
        raw.close()  # the pool knows nothing of it yet
        raise


def _pragmas() -> Sequence[str]:
    return (
        f"busy_timeout = {BUSY_TIMEOUT_MS}",
        "journal_mode = WAL",
        "synchronous = FULL",
        "foreign_keys = ON",
        "trusted_schema = OFF",
        "cache_size = -4000",
    )


def _begin(connection: Connection) -> None:
    # A deferred transaction that reads and then writes fails at once when another wrote in between; IMMEDIATE
    # waits its turn.
    writes = connection.get_execution_options().get("writes", False)
    statement = "BEGIN IMMEDIATE" if writes else "BEGIN"
    raw: Any = connection.connection.dbapi_connection
    if isinstance(raw, sqlite3.Connection):
        if not raw.in_transaction:  # `fetch_plainly` begins it too
            raw.execute(statement)
    else:
        # By a statement of SQLAlchemy's it would be a cursor made, used and closed: three hops to the
        # driver's thread, not one.
        raw.run_async(lambda driver: driver.execute(statement))

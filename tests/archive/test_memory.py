"""A database in memory answers as one in a file does: transactions, errors, and nothing left of it."""

import sqlite3
import threading

import pytest
from sqlalchemy import text

from bot.archive import open_archive
from bot.archive.engine import Database
from bot.archive.memory import open_in_memory
from bot.errors import ArchiveError
from tests.archive.make import point


async def test_what_is_written_is_there_to_read_and_an_error_undoes_all_of_it() -> None:
    database = Database("sqlite://")
    async with database.write("making") as connection:
        await connection.execute(text("CREATE TABLE numbers (value INTEGER UNIQUE)"))
    async with database.write("filling") as connection:
        added = await connection.execute(text("INSERT INTO numbers VALUES (1), (2)"))
        assert added.rowcount == 2
    with pytest.raises(ArchiveError, match="adding"):
        await _add_known(database)
    async with database.read("reading") as connection:
        found = await connection.execute(text("SELECT value FROM numbers ORDER BY value"))
        assert found.all() == [(1,), (2,)]
        assert (await connection.execute(text("SELECT count(*) FROM numbers"))).scalar() == 2
        rows = await connection.stream(text("SELECT value FROM numbers ORDER BY value"))
        assert [row.value async for row in rows] == [1, 2]
    await database.aclose()


async def _add_known(database: Database) -> None:
    async with database.write("adding") as connection:
        await connection.execute(text("INSERT INTO numbers VALUES (3)"))
        await connection.execute(text("INSERT INTO numbers VALUES (1)"))


async def test_no_thread_is_started_for_it() -> None:
    before = threading.active_count()
    archive = await open_archive("sqlite://")
    await archive.points.add([point(20.0)])
    assert [kept.value for kept in await archive.points.latest()] == [20.0]
    assert threading.active_count() == before
    await archive.aclose()


async def test_each_is_a_database_of_its_own() -> None:
    one, other = await open_archive("sqlite://"), await open_archive("sqlite://")
    await one.points.add([point(20.0)])
    assert await other.points.latest() == ()
    await one.aclose()
    await other.aclose()


async def test_one_that_is_closed_says_so() -> None:
    connection = await open_in_memory()
    assert await (await connection.execute("SELECT ?", (7,))).fetchone() == (7,)
    await connection.close()
    await connection.close()
    with pytest.raises(sqlite3.OperationalError, match="closed"):
        await connection.execute("SELECT 1")

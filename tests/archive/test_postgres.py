"""PostgreSQL in trouble: said in our own words, and lived through without a start anew."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.archive import SqlArchive, open_archive
from bot.archive.engine import Database
from bot.errors import ArchiveError
from tests.archive.make import point
from tests.archive.postgres import restart

pytestmark = pytest.mark.slow

LIMITED = "tightrope_limited"


async def tell(address: str, *statements: str) -> None:
    """Let the server's owner say something."""
    database = Database(address)
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        for statement in statements:
            await alone.execute(text(statement))
    await database.aclose()


@asynccontextmanager
async def standby(address: str) -> AsyncIterator[None]:
    """The server takes no writes for a while, as what was the first one after a failover."""
    await tell(address, "ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
    await asyncio.sleep(0.3)
    try:
        yield
    finally:
        await tell(
            address,
            "SET default_transaction_read_only = off",
            "ALTER SYSTEM RESET default_transaction_read_only",
            "SELECT pg_reload_conf()",
        )
        await asyncio.sleep(0.3)


async def latest(archive: SqlArchive) -> list[float]:
    return [kept.value for kept in await archive.points.latest()]


async def test_a_failover_to_a_server_that_only_reads_is_said_and_its_connections_are_left(
    postgres: str, postgres_archive: SqlArchive
) -> None:
    await postgres_archive.points.add([point(1.0)])
    async with standby(postgres):
        with pytest.raises(ArchiveError, match="only reads"):
            await postgres_archive.points.add([point(2.0)])
        assert "Connections in pool: 0" in postgres_archive.database.engine.pool.status()
        assert await latest(postgres_archive) == [1.0]
    await postgres_archive.points.add([point(2.0)])
    assert await latest(postgres_archive) == [2.0]


async def test_a_leader_whose_connection_is_lost_in_a_failover_leads_again_in_a_new_term(
    postgres: str, postgres_archive: SqlArchive, postgres_url: str
) -> None:
    assert await postgres_archive.leadership.acquire()
    async with standby(postgres):
        with pytest.raises(ArchiveError, match="only reads"):
            await postgres_archive.points.add([point(1.0)])
        await tell(
            postgres,
            "SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity"
            f" WHERE datname = '{make_url(postgres_url).database}'",
        )
        with pytest.raises(ArchiveError, match="only reads"):
            await postgres_archive.leadership.acquire()
    assert await postgres_archive.leadership.acquire()
    assert postgres_archive.leadership.epoch == 2
    await postgres_archive.points.add([point(2.0)])
    assert await latest(postgres_archive) == [2.0]


async def test_where_no_connection_is_left_it_is_said_and_the_next_free_one_serves(
    postgres: str, postgres_url: str
) -> None:
    name = make_url(postgres_url).database
    await tell(
        postgres,
        f"DROP ROLE IF EXISTS {LIMITED}",
        f"CREATE ROLE {LIMITED} LOGIN CONNECTION LIMIT 2",
        f"GRANT ALL ON DATABASE {name} TO {LIMITED}",
    )
    await tell(
        postgres_url,
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {LIMITED}",
        f"GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {LIMITED}",
    )
    limited = make_url(postgres_url).set(username=LIMITED).render_as_string(hide_password=False)
    first, second = await open_archive(limited), await open_archive(limited)
    await second.database.engine.dispose()
    held = [await first.database.engine.connect() for _ in range(2)]
    for connection in held:
        await connection.execute(text("SELECT 1"))
    with pytest.raises(ArchiveError, match="no connection left"):
        await second.points.add([point(1.0)])
    waiting = asyncio.create_task(second.points.add([point(2.0)]))
    await asyncio.sleep(0.05)
    await held[0].invalidate()
    await held[0].close()
    await waiting
    assert await latest(second) == [2.0]
    await held[1].close()
    await first.aclose()
    await second.aclose()
    await tell(postgres_url, f"DROP OWNED BY {LIMITED}", f"DROP ROLE {LIMITED}")


async def test_what_could_not_be_brought_into_an_order_is_done_again(
    postgres: str, postgres_url: str
) -> None:
    name = make_url(postgres_url).database
    await tell(postgres, f"ALTER DATABASE {name} SET default_transaction_isolation = 'repeatable read'")
    archive = await open_archive(postgres_url)
    await archive.notes.set("commands", "before")
    async with archive.database.write("test") as connection:
        await connection.execute(text("UPDATE notes SET value = 'meanwhile' WHERE name = 'commands'"))
        setting = asyncio.create_task(archive.notes.set("commands", "after"))
        await asyncio.sleep(0.3)  # it waits for the row, and then cannot have it as it was
        assert not setting.done()
    await setting
    assert await archive.notes.get("commands") == "after"
    counted = text("SELECT xact_rollback FROM pg_stat_database WHERE datname = current_database()")
    rolled_back = 0
    for _ in range(100):  # the server brings its counts up to date once in a while
        async with archive.database.read("test") as connection:
            rolled_back = (await connection.execute(counted)).scalar_one()
        if rolled_back:
            break
        await asyncio.sleep(0.1)
    assert rolled_back > 0
    await archive.aclose()


async def test_two_who_wait_for_each_other_both_come_through(postgres_archive: SqlArchive) -> None:
    async def swap(first: str, second: str) -> None:
        async with postgres_archive.database.write("test") as connection:
            change = "UPDATE notes SET value = value || '.' WHERE name = :name"
            await connection.execute(text(change), {"name": first})
            await asyncio.sleep(0.2)
            await connection.execute(text(change), {"name": second})

    for name in ("a", "b"):
        await postgres_archive.notes.set(name, "")
    finish = postgres_archive.database.finish
    await asyncio.gather(finish(lambda: swap("a", "b")), finish(lambda: swap("b", "a")))
    assert [await postgres_archive.notes.get(name) for name in ("a", "b")] == ["..", ".."]


async def test_a_server_that_restarts_is_gone_for_a_while_and_then_serves(
    postgres: str, postgres_archive: SqlArchive
) -> None:
    assert await postgres_archive.leadership.acquire()
    await postgres_archive.points.add([point(1.0)])
    restarting = asyncio.create_task(asyncio.to_thread(restart, postgres))
    said: set[str] = set()
    while not restarting.done():
        try:
            await postgres_archive.points.add([point(2.0)])
        except ArchiveError as error:
            said.add(str(error).partition(": ")[2])
        await asyncio.sleep(0.02)
    await restarting
    assert await postgres_archive.leadership.acquire()
    await postgres_archive.points.add([point(3.0)])
    assert await latest(postgres_archive) == [3.0]
    assert all("next try connects anew" in one or "server cannot be reached" in one for one in said), said


async def test_a_database_that_is_not_there_is_said_to_be_none(postgres: str) -> None:
    with pytest.raises(ArchiveError, match="no database of this name"):
        await open_archive(make_url(postgres).set(database="nothere").render_as_string(hide_password=False))

"""Whoever waits for the archive may be cancelled at any moment: what was begun is done to its end."""

import asyncio
import inspect
import random
import sqlite3
import time
from collections.abc import AsyncIterator, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text

from bot.archive import SqlArchive, open_archive
from bot.domain.posts import Profile
from bot.errors import ArchiveError
from tests.archive.make import NOON, decision, point, post, snapshot, state

TIMES = 200


@pytest.fixture
async def in_memory() -> AsyncIterator[SqlArchive]:
    archive = await open_archive("sqlite://")
    yield archive
    await archive.aclose()


@pytest.fixture(
    params=["in_memory", "file_archive", pytest.param("postgres_archive", marks=pytest.mark.slow)]
)
def any_archive(request: pytest.FixtureRequest) -> SqlArchive:
    opened: SqlArchive = request.getfixturevalue(request.param)
    return opened


def evaluation(archive: SqlArchive, number: int) -> asyncio.Task[None]:
    at = NOON + timedelta(minutes=number)
    told = (post(f"post{number:04}", at=at),)
    return asyncio.create_task(archive.commit("BTC", Profile(), decision(at, posts=told), snapshot(at)))


async def test_two_hundred_readers_who_do_not_wait_leave_the_archive_whole(any_archive: SqlArchive) -> None:
    by_seed = random.Random(16)
    await evaluation(any_archive, 0)
    for number in range(TIMES):
        reads: list[Coroutine[Any, Any, object]] = [
            any_archive.posts.find(),
            any_archive.points.series("BTC", NOON),
            any_archive.states.load("BTC", Profile()),
            any_archive.posts.evidence("post0000"),
        ]
        reading = asyncio.gather(*reads) if number % 2 else asyncio.gather(*reads[::-1])
        for _ in range(by_seed.randrange(12)):
            await asyncio.sleep(0)
        reading.cancel()
        await asyncio.wait({reading})
    assert [kept.id for kept in await any_archive.posts.find()] == ["post0000"]
    assert await any_archive.states.load("BTC", Profile()) == state()


async def test_an_evaluation_whose_poll_is_broken_off_is_stored_whole(any_archive: SqlArchive) -> None:
    by_seed = random.Random(25)
    for number in range(TIMES // 4):
        storing = evaluation(any_archive, number)
        for _ in range(1 + by_seed.randrange(40)):
            await asyncio.sleep(0)
        storing.cancel()
        await asyncio.wait({storing})
    kept = await any_archive.posts.find(limit=TIMES)
    for _ in range(300):  # nothing tells when what nobody waits for has ended
        if len(kept) == TIMES // 4:
            break
        await asyncio.sleep(0.05)
        kept = await any_archive.posts.find(limit=TIMES)
    assert len(await any_archive.states.verdicts("BTC", NOON)) == len(kept) == TIMES // 4
    async with any_archive.database.read("test") as connection:
        assert (await connection.execute(text("SELECT count(*) FROM stories"))).scalar() == len(kept)


async def test_closing_waits_for_what_nobody_waits_for_any_more(file_archive: SqlArchive) -> None:
    storing = asyncio.create_task(file_archive.points.add([point(1.0)]))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    storing.cancel()
    await asyncio.wait({storing})
    await file_archive.aclose()
    again = await open_archive(f"sqlite:///{file_archive.database.path}")
    assert [kept.value for kept in await again.points.latest()] == [1.0]
    await again.aclose()


async def test_closing_waits_for_a_reading_that_nobody_waits_for_any_more(file_archive: SqlArchive) -> None:
    done: list[int] = []
    await file_archive.points.add([point(1.0)])

    def read(connection: Connection) -> None:
        time.sleep(0.05)
        done.append(connection.execute(text("SELECT count(*) FROM points")).scalar_one())

    reading = asyncio.create_task(file_archive.database.read_in_thread("points", read))
    await asyncio.sleep(0.01)
    reading.cancel()
    await asyncio.wait({reading})
    await file_archive.aclose()
    assert (reading.cancelled(), done) == (True, [1])


async def test_a_reading_that_fails_where_nobody_waits_is_in_the_log_in_our_words(
    file_archive: SqlArchive, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(connection: Connection) -> None:
        time.sleep(0.02)
        raise sqlite3.OperationalError

    reading = asyncio.create_task(file_archive.database.read_in_thread("history of BTC", fail))
    await asyncio.sleep(0.005)
    reading.cancel()
    await asyncio.wait({reading})
    await asyncio.sleep(0.05)
    said = capsys.readouterr()
    assert "history of BTC: SQLite answered with OperationalError" in said.out + said.err


async def test_what_fails_where_nobody_waits_is_in_the_log(
    in_memory: SqlArchive, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise ArchiveError("the disk is gone")

    waiting = asyncio.create_task(in_memory.database.finish(fail))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    await asyncio.sleep(0.05)
    said = capsys.readouterr()
    assert "archive.failed" in said.out + said.err
    assert "the disk is gone" in said.out + said.err


async def test_no_method_of_the_archive_is_within_reach_of_a_cancellation(in_memory: SqlArchive) -> None:
    """Public coroutines alone: those that take a connection are part of one that is kept from it."""
    reached = []
    rooms = {name: room for name, room in vars(in_memory).items() if type(room).__name__.startswith("Sql")}
    assert {"points", "states", "outbox", "posts", "watches"} <= rooms.keys()
    rooms |= {"leadership": in_memory.leadership, "shards": in_memory.shards(())}
    for name, room in rooms.items():
        for method_name, method in inspect.getmembers(type(room), inspect.iscoroutinefunction):
            own = "connection" in inspect.signature(method).parameters
            if not method_name.startswith("_") and not own and not hasattr(method, "__wrapped__"):
                reached.append(f"{name}.{method_name}")
    assert sorted(reached) == [
        "digests.due",
        "outbox.take_unsent",  # these two ask others, and nothing else; the rest reads by `read_in_thread`
        "points.latest",
        "points.past",
        "points.series",
    ]

"""Locks that live as long as their process: who has them, when they are free, and turns across processes."""

import asyncio

import pytest

from bot.archive import SqlArchive, open_archive
from bot.archive.locks import Turns
from tests.archive.test_processes import cut_others

slow = pytest.mark.slow


async def test_on_sqlite_whoever_asks_gets_them(file_archive: SqlArchive) -> None:
    assert await file_archive.shards((0, 1)).acquire()
    assert await file_archive.shards((1,)).acquire()
    await file_archive.turns(0)


@slow
async def test_all_or_none(postgres_archive: SqlArchive) -> None:
    both, one, other = (postgres_archive.shards(ids) for ids in ((0, 1), (1, 2), (2,)))
    assert await both.acquire()
    assert await both.acquire()
    assert not await one.acquire()
    assert await other.acquire()
    await both.release()
    assert not await one.acquire()
    await other.release()
    assert await one.acquire()
    await one.release()


@slow
async def test_they_are_free_when_the_connection_is_lost_and_can_be_taken_anew(postgres_url: str) -> None:
    here, there = await open_archive(postgres_url), await open_archive(postgres_url)
    mine = here.shards((0,))
    assert await mine.acquire()
    await cut_others(there)
    assert not await mine.is_holding()
    assert await mine.acquire()
    await cut_others(there)
    theirs = there.shards((0,))
    assert await theirs.acquire()
    assert not await mine.acquire()
    await theirs.release()
    await here.aclose()
    await there.aclose()


@slow
async def test_a_turn_is_one_process_s_until_its_rest_is_over(postgres_archive: SqlArchive) -> None:
    rested, tried = asyncio.Event(), asyncio.Event()

    async def rest(_: float) -> None:
        await rested.wait()

    async def again(_: float) -> None:
        tried.set()
        await asyncio.sleep(0.01)

    await Turns(postgres_archive.database, sleep=rest)(0)
    await Turns(postgres_archive.database, sleep=rest)(1)
    second = asyncio.create_task(Turns(postgres_archive.database, sleep=again)(0))
    await tried.wait()
    assert not second.done()
    rested.set()
    async with asyncio.timeout(10):
        await second

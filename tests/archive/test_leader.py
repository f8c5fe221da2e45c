"""One leader at a time, and a fence against one that was replaced."""

import pytest

from bot.archive import Leadership, SqlArchive, open_archive
from bot.domain.posts import Profile
from bot.errors import ArchiveError
from tests.archive.make import NOON, decision, point, snapshot


async def test_of_two_processes_one_leads_until_it_lets_go(archive: SqlArchive) -> None:
    other = Leadership(archive.database)
    assert await archive.leadership.acquire()
    assert not await other.acquire()
    assert (archive.leadership.epoch, other.epoch) == (1, 0)

    await archive.leadership.release()
    assert await other.acquire()
    assert other.epoch == 2
    assert await other.acquire()
    assert other.epoch == 2
    await other.release()


async def test_one_that_was_replaced_and_does_not_know_it_stores_nothing(archive: SqlArchive) -> None:
    assert await archive.leadership.acquire()
    await archive.commit("BTC", Profile(), decision(), snapshot())
    ours = archive.leadership.epoch
    await archive.leadership.release()
    other = Leadership(archive.database)
    assert await other.acquire()
    archive.leadership.epoch = ours

    with pytest.raises(ArchiveError, match="replaced by another process"):
        await archive.commit("BTC", Profile(), decision(stance="bullish"), snapshot())
    with pytest.raises(ArchiveError, match="replaced by another process"):
        await archive.points.add([point(3.0)])
    assert [verdict.stance for verdict in await archive.states.verdicts("BTC", NOON)] == ["bearish"]
    await other.release()


async def test_in_memory_there_is_nobody_else() -> None:
    archive = await open_archive("sqlite://")
    assert await archive.leadership.acquire()
    await archive.points.add([point(3.0)])
    await archive.aclose()

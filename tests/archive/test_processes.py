"""Several real processes on one database: one leads, all send, none twice, whoever dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.archive import SqlArchive, open_archive
from bot.domain.posts import Profile
from tests.archive.make import decision, point, post, snapshot

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


@contextmanager
def process(role: str, url: str, name: str) -> Iterator[subprocess.Popen[str]]:
    worker = [sys.executable, "-m", "tests.archive.worker", role, url, name]
    begun = subprocess.Popen(
        worker, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        yield begun
    finally:
        begun.kill()
        begun.wait()
        if begun.stdout:
            begun.stdout.close()


def line(of: subprocess.Popen[str]) -> str:
    assert of.stdout is not None
    return of.stdout.readline().strip()


async def acquired(archive: SqlArchive) -> bool:
    """Try for fifteen seconds to lead."""
    for _ in range(150):
        if await archive.leadership.acquire():
            return True
        await asyncio.sleep(0.1)
    return False


async def test_a_leader_that_is_killed_is_replaced(url: str) -> None:
    archive = await open_archive(url)
    with process("lead", url, "first") as first:
        assert await asyncio.to_thread(line, first) == "first leads 1"
        assert not await archive.leadership.acquire()
        first.send_signal(signal.SIGKILL)
        assert await acquired(archive)
    assert archive.leadership.epoch == 2
    await archive.points.add([point(1.0)])
    await archive.aclose()


async def test_a_leader_that_is_stopped_for_a_while_is_not_replaced_and_goes_on(postgres_url: str) -> None:
    archive = await open_archive(postgres_url)
    with process("lead", postgres_url, "first") as first:
        await asyncio.to_thread(line, first)
        first.send_signal(signal.SIGSTOP)
        assert not await archive.leadership.acquire()
        first.send_signal(signal.SIGCONT)
        assert not await archive.leadership.acquire()
    await archive.aclose()


async def test_a_leader_whose_connection_was_cut_leads_again_in_a_new_term_or_not_at_all(
    postgres_url: str,
) -> None:
    archive = await open_archive(postgres_url)
    other = await open_archive(postgres_url)
    assert await archive.leadership.acquire()
    await cut_others(other)

    assert await other.leadership.acquire()
    assert not await archive.leadership.acquire()
    await other.leadership.release()
    assert await archive.leadership.acquire()
    assert archive.leadership.epoch == 3
    await archive.commit("BTC", Profile(), decision(), snapshot())
    await archive.aclose()
    await other.aclose()


async def cut_others(archive: SqlArchive) -> None:
    """Returns when they are gone, and what they held is free."""
    cut = "SELECT pg_terminate_backend(pid, 9000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    async with archive.database.read("test") as connection:
        await connection.execute(text(cut))


async def test_a_database_that_was_away_loses_nothing_that_was_stored(postgres_url: str) -> None:
    archive, other = await open_archive(postgres_url), await open_archive(postgres_url)
    await archive.commit("BTC", Profile(), decision(posts=(post(),)), snapshot())
    await cut_others(other)

    assert [left.id for left in await archive.outbox.find_unsent("console")] == ["abcd1234"]
    await archive.points.add([point(2.0)])
    await archive.aclose()
    await other.aclose()


async def test_three_senders_of_which_one_dies_send_each_post_once(url: str) -> None:
    archive = await open_archive(url)
    channels = [f"discord:{number}" for number in range(100)]
    posts = tuple(post(channel=channel) for channel in channels)
    await archive.commit("BTC", Profile(), decision(posts=posts), snapshot())

    with process("send", url, "mortal") as mortal:
        assert await asyncio.to_thread(mortal.wait) == -signal.SIGKILL
        with process("send", url, "a") as one, process("send", url, "b") as two:
            said = await asyncio.gather(*(asyncio.to_thread(worker.communicate) for worker in (one, two)))

    assert sorted(said[0][0].split() + said[1][0].split()) == sorted(channels)
    assert await archive.outbox.count() == {"sent": 100}
    await archive.aclose()

"""Waking the senders."""

import asyncio

import pytest

from bot.archive import SqlArchive, open_archive
from bot.domain.posts import Profile
from tests.archive.make import decision, post, snapshot


async def test_waiting_ends_after_a_while(archive: SqlArchive) -> None:
    assert await archive.wake.wait(0.01) is False
    assert await archive.wake.wait(0.01) is False


async def test_posts_wake_a_sender_of_the_same_process(archive: SqlArchive) -> None:
    waiting = asyncio.create_task(archive.wake.wait(30))
    await archive.commit("BTC", Profile(), decision(posts=(post(),)), snapshot())
    assert await waiting is True


@pytest.mark.slow
async def test_posts_of_another_process_wake_and_an_evaluation_without_posts_does_not(
    postgres_url: str,
) -> None:
    writer, sender = await open_archive(postgres_url), await open_archive(postgres_url)
    assert await sender.wake.wait(0.01) is False
    await writer.commit("BTC", Profile(), decision(), snapshot())
    assert await sender.wake.wait(0.2) is False

    waiting = asyncio.create_task(sender.wake.wait(30))
    await writer.commit("BTC", Profile(), decision(posts=(post(),)), snapshot())
    assert await waiting is True
    await writer.aclose()
    await sender.aclose()

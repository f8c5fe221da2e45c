"""Small writes that come at the same time are one transaction, and each is told how it went."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive import SqlArchive
from bot.archive.engine import Database
from bot.archive.together import WritesTogether
from bot.domain.posts import Profile
from bot.errors import ArchiveError
from tests.archive.make import NOON, decision, post, snapshot


class Kept:
    """Wishes as they were written, a list for each transaction; an odd one cannot be."""

    def __init__(self) -> None:
        self.written: list[list[int]] = []

    async def write(
        self, connection: AsyncConnection, wishes: Sequence[int]
    ) -> Sequence[ArchiveError | None]:
        self.written.append(list(wishes))
        return [ArchiveError(f"{wish} is odd") if wish % 2 else None for wish in wishes]


async def test_what_comes_at_once_is_one_transaction_and_what_comes_later_the_next(
    file_archive: SqlArchive,
) -> None:
    kept = Kept()
    writes = WritesTogether[int](file_archive.database, "a test", kept.write)
    await asyncio.gather(*(writes.add(wish) for wish in (2, 4, 6)))
    await writes.add(8)
    assert kept.written == [[2, 4, 6], [8]]


async def test_one_that_cannot_be_written_is_told_why_and_the_others_are_written(
    file_archive: SqlArchive,
) -> None:
    writes = WritesTogether[int](file_archive.database, "a test", Kept().write)
    told = await asyncio.gather(*(writes.add(wish) for wish in (2, 3, 4)), return_exceptions=True)
    assert [str(one) if one else None for one in told] == [None, "3 is odd", None]


async def test_all_are_told_that_there_was_no_transaction_and_the_next_is_tried(
    file_archive: SqlArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept()
    writes = WritesTogether[int](file_archive.database, "a test", kept.write)

    def refuse(_self: Database, subject: str) -> None:
        raise ArchiveError(f"{subject}: the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Database, "_look_for_file", refuse)
        told = await asyncio.gather(*(writes.add(wish) for wish in (2, 4)), return_exceptions=True)
    assert [str(one) for one in told] == ["a test: the disk is full"] * 2
    await writes.add(6)
    assert kept.written == [[6]]


async def test_one_that_nobody_waits_for_any_more_is_written_all_the_same(file_archive: SqlArchive) -> None:
    kept = Kept()
    writes = WritesTogether[int](file_archive.database, "a test", kept.write)
    adding = asyncio.create_task(writes.add(2))
    await asyncio.sleep(0)
    adding.cancel()
    await writes.add(4)
    assert sorted(wish for some in kept.written for wish in some) == [2, 4]


async def test_posts_that_went_out_side_by_side_are_each_marked_with_their_own(archive: SqlArchive) -> None:
    channels = [f"preview:{number}" for number in range(5)]
    await archive.commit(
        "BTC", Profile(), decision(posts=tuple(post(channel=one) for one in channels)), snapshot()
    )
    marks = [
        archive.outbox.mark_sent(
            "abcd1234", channel=channel, sent_at=NOON + timedelta(minutes=place), message_id=str(place)
        )
        for place, channel in enumerate([*channels, "preview:nowhere"])
    ]
    told = await asyncio.gather(*marks, return_exceptions=True)
    assert told[:-1] == [None] * 5
    assert str(told[-1]) == "post abcd1234: not in the outbox for preview:nowhere"
    sent = {one.channel: (one.sent_at, one.message_id) for one in await archive.posts.find()}
    assert sent == {
        channel: (NOON + timedelta(minutes=place), str(place)) for place, channel in enumerate(channels)
    }

"""Daily notes in the archive: kept, due once a day, blocked with the watches, ended."""

from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from bot.archive import SqlArchive
from bot.domain.posts import DailyNote, Profile
from bot.process.schedule import slots_between
from tests.archive.make import NOON, decision, post, snapshot

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def note(reader: str = "6001", **given: Any) -> DailyNote:
    made = DailyNote(
        reader=f"discord:{reader}",
        channel=f"discord:dm:{reader}",
        assets=("BTC", "ETH"),
        metrics=("skew_60d_pct", "dvol"),
        post_at="08:00",
        zone="Asia/Tokyo",
        created_at=NOON,
        locale="es",
    )
    return replace(made, **given)


async def due(archive: SqlArchive, at: datetime) -> list[tuple[str, datetime]]:
    return [(one.reader, slot) for one, slot in await archive.digests.due(at, slots_between)]


async def test_a_note_comes_back_as_it_was_set_and_the_next_one_takes_its_place(archive: SqlArchive) -> None:
    await archive.digests.put(note())
    await archive.digests.put(note("6002", last_slot_at=NOON, blocked_at=NOON))
    assert await archive.digests.find() == (note(), note("6002", last_slot_at=NOON, blocked_at=NOON))
    await archive.digests.put(note(post_at="21:00"))
    assert await archive.digests.find(reader="discord:6001") == (note(post_at="21:00"),)


async def test_it_is_due_at_its_hour_in_its_zone_and_once_a_day(archive: SqlArchive) -> None:
    await archive.digests.put(note())
    eight = NOON + 11 * HOUR  # 08:00 in Tokyo is 23:00 in Greenwich
    assert await due(archive, eight - timedelta(seconds=1)) == []
    assert await due(archive, eight + HOUR) == [("discord:6001", eight)]
    sent = replace(post("digest01", "discord:dm:6001", at=eight), reason="digest")
    await archive.commit("BTC", Profile(), decision(posts=(sent,)), snapshot())
    assert await due(archive, eight + HOUR) == []
    assert await due(archive, eight + 3 * DAY) == [("discord:6001", eight + 3 * DAY)]


async def test_an_hour_before_it_was_set_is_not_made_up_for(archive: SqlArchive) -> None:
    await archive.digests.put(note(post_at="11:00", zone="UTC"))
    assert await due(archive, NOON + HOUR) == []


async def test_a_clock_that_was_wrong_does_not_silence_it(archive: SqlArchive) -> None:
    await archive.digests.put(note(last_slot_at=NOON + 400 * DAY, created_at=NOON - DAY))
    assert await due(archive, NOON) == [("discord:6001", NOON - 13 * HOUR)]


async def test_a_reader_who_takes_no_direct_messages_has_none_until_they_go_through(
    archive: SqlArchive,
) -> None:
    await archive.digests.put(note())
    await archive.watches.block("discord:dm:6001", NOON)
    assert await due(archive, NOON + DAY) == []
    await archive.watches.block("discord:dm:6001", None)
    assert len(await due(archive, NOON + DAY)) == 1


async def test_it_is_ended(archive: SqlArchive) -> None:
    await archive.digests.put(note())
    assert await archive.digests.remove("discord:6002") == 0
    assert await archive.digests.remove("discord:6001") == 1
    assert await archive.digests.find() == ()

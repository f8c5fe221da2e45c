"""What a venue tells otherwise later takes the place of what it told before, and what was known before is
still told for its time."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.archive import SqlArchive
from bot.archive.blocks import HOUR_MS
from bot.domain.facts import Point, Restatement
from bot.domain.posts import Profile
from bot.domain.story import Text
from tests.archive.make import NOON, decision, point, post, snapshot

HOUR = timedelta(hours=1)
LOW = "spot_low_usd"
AGO = NOON - timedelta(days=3)


def bar(value: float, at: datetime = NOON - HOUR, *, venue: str | None = None, covers_s: int = 3600) -> Point:
    return replace(point(value, at, LOW, venue=venue), covers_s=covers_s)


async def lows(archive: SqlArchive, until: datetime | None = None) -> list[float]:
    return list((await archive.points.past(LOW, "BTC", AGO, until)).value)


async def unsettled(archive: SqlArchive) -> list[Restatement]:
    return list(await archive.restatements.find_open("BTC"))


async def test_a_restated_bar_is_told_anew_from_now_on_and_as_it_was_for_a_time_before(
    archive: SqlArchive,
) -> None:
    await archive.points.add([bar(60_150.0)], NOON)
    await archive.points.add([bar(60_400.0)], NOON + HOUR)

    assert await lows(archive) == [60_400.0]
    assert await lows(archive, NOON + HOUR) == [60_400.0]
    assert await lows(archive, NOON + HOUR - timedelta(seconds=1)) == [60_150.0]
    told = {one.metric: list(one.value) for one in await archive.points.series("BTC", AGO, NOON)}
    assert told[LOW] == [60_150.0]


async def test_of_several_restatements_each_holds_for_its_own_time(archive: SqlArchive) -> None:
    for hours, value in enumerate((60_150.0, 60_400.0, 60_300.0, 60_150.0)):
        await archive.points.add([bar(value)], NOON + hours * HOUR)

    known = [await lows(archive, NOON + hours * HOUR) for hours in range(4)]
    assert known == [[60_150.0], [60_400.0], [60_300.0], [60_150.0]]


async def test_what_is_no_longer_kept_as_heard_is_restated_all_the_same(archive: SqlArchive) -> None:
    await archive.points.add([bar(60_150.0, NOON - 30 * 24 * HOUR)], NOON - 29 * 24 * HOUR)
    await archive.prune(NOON, minutes_days=14)
    await archive.points.add([bar(60_400.0, NOON - 30 * 24 * HOUR)], NOON)

    past = await archive.points.past(LOW, "BTC", NOON - 40 * 24 * HOUR, NOON - HOUR)
    assert list(past.value) == [60_150.0]


async def test_a_bar_that_grows_an_instant_and_the_same_again_are_no_restatements(
    archive: SqlArchive,
) -> None:
    await archive.points.add([bar(60_150.0, covers_s=1800), point(20.0)], NOON)
    await archive.points.add([bar(60_100.0), point(21.0)], NOON + HOUR)
    await archive.points.add([bar(60_100.0)], NOON + 2 * HOUR)

    assert await unsettled(archive) == []


async def test_a_restatement_says_who_what_and_when_until_it_is_settled(archive: SqlArchive) -> None:
    await archive.points.add([bar(60_150.0, venue="deribit")], NOON)
    heard = replace(decision(points=(bar(60_400.0, venue="deribit"),)), facts=decision().facts)
    await archive.commit(
        "BTC", (await archive.subscriptions.profiles("BTC"))[0], heard, snapshot(NOON + HOUR)
    )

    (one,) = await unsettled(archive)
    assert (one.metric, one.venue, one.at, one.covers_s) == (LOW, "deribit", NOON - HOUR, HOUR_MS // 1000)
    assert (one.before, one.after, one.heard_at) == (60_150.0, 60_400.0, NOON + HOUR)
    assert await archive.restatements.find_open("ETH") == ()
    await archive.corrections.add({}, [one.id], NOON + HOUR)
    assert await unsettled(archive) == []


async def test_restatements_and_corrections_have_their_time_as_posts_have(archive: SqlArchive) -> None:
    await archive.points.add([bar(60_150.0)], NOON)
    await archive.points.add([bar(60_400.0)], NOON + HOUR)
    await archive.commit("BTC", Profile(), decision(posts=(post(),)), snapshot())
    words = Text(slot="correction", about="any", text="Corrected.")
    await archive.corrections.add({post().id: [words]}, [], NOON + HOUR)
    assert [one.corrections for one in await archive.posts.find()] == [(words,)]

    later = NOON + timedelta(days=801)
    await archive.points.add([point(1.0, later)])
    await archive.prune(later, hours_days=800)
    assert await unsettled(archive) == []
    await archive.commit("BTC", Profile(), decision(posts=(post(),)), snapshot())
    assert [one.corrections for one in await archive.posts.find()] == [()]

"""A past that is taken out of one archive and put into another is the same there, row by row."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from bot.archive import SqlArchive, open_archive
from bot.archive.schema import metadata
from bot.domain.facts import Point
from tests.archive.make import NOON, point

BTC = "BTC"
HOUR = timedelta(hours=1)
COPIED = ("series", "bases", "points", "hours", "restatements")


@pytest.fixture
async def other() -> AsyncIterator[SqlArchive]:
    opened = await open_archive("sqlite://")
    yield opened
    await opened.aclose()


async def tables(archive: SqlArchive) -> Mapping[str, list[tuple[Any, ...]]]:
    async with archive.database.read("all") as connection:
        return {
            table.name: [tuple(row) for row in await connection.execute(select(table))]
            for table in metadata.sorted_tables
            if table.name in COPIED
        }


def past() -> list[Point]:
    """Three grains, an aggregate and a venue's own, more than one value an hour, and a rate of minus zero."""
    bars = [
        replace(point(60_000.0 - hour, NOON + hour * HOUR, "spot_low_usd"), covers_s=3600)
        for hour in range(30)
    ]
    minutes = [point(20.0 + step, NOON + step * timedelta(minutes=20)) for step in range(9)]
    lows = [
        point(60_000.0 + step, NOON + step * timedelta(minutes=20), "spot_low_usd", venue="okx")
        for step in range(9)
    ]
    days = [
        replace(point(1e8, NOON - day * 24 * HOUR, "liquidations_24h_usd"), covers_s=86_400, lower_bound=True)
        for day in range(3)
    ]
    rates = [
        point(value, NOON + number * HOUR, "funding_8h_pct", venue="okx")
        for number, value in enumerate((0.01, -0.0, 0.0))
    ]
    return [*minutes, *lows, *rates, *days, *bars]


async def test_every_row_is_the_same_in_the_other_archive(
    file_archive: SqlArchive, other: SqlArchive
) -> None:
    for one in past():  # numbered as they come, not in the order of their names
        await file_archive.points.add([one], NOON)
    await file_archive.points.add([replace(past()[-1], value=1.0)], NOON + HOUR)

    assert await other.past_copies.copy_in(await file_archive.past_copies.copy_out(BTC))
    there, here = await tables(other), await tables(file_archive)
    assert {name: len(rows) for name, rows in here.items()} == {
        "series": 5,
        "bases": 3,
        "points": 54,
        "hours": 8,
        "restatements": 1,
    }
    assert there == here


async def test_it_reads_the_same_in_the_other_archive(archive: SqlArchive, other: SqlArchive) -> None:
    await other.points.add(past(), NOON)

    assert await archive.past_copies.copy_in(await other.past_copies.copy_out(BTC))
    assert await archive.points.latest(BTC) == await other.points.latest(BTC)
    since = NOON - timedelta(days=9)
    for mine, theirs in zip(
        await archive.points.series(BTC, since), await other.points.series(BTC, since), strict=True
    ):
        assert (mine.metric, mine.venue, mine.at_ms, mine.value) == (
            theirs.metric,
            theirs.venue,
            theirs.at_ms,
            theirs.value,
        )


async def test_what_is_known_of_the_asset_already_is_left_as_it_is(
    file_archive: SqlArchive, other: SqlArchive
) -> None:
    await other.points.add(past(), NOON)
    await file_archive.points.add([point(3.0, NOON, "dvol")], NOON)
    before = await tables(file_archive)

    assert not await file_archive.past_copies.copy_in(await other.past_copies.copy_out(BTC))
    assert await tables(file_archive) == before


async def test_it_is_put_beside_another_assets_past(file_archive: SqlArchive, other: SqlArchive) -> None:
    await other.points.add(past(), NOON)
    await file_archive.points.add([point(3.0, asset="ETH")], NOON)

    assert await file_archive.past_copies.copy_in(await other.past_copies.copy_out(BTC))
    assert await file_archive.points.latest("ETH") == (point(3.0, asset="ETH"),)
    assert await file_archive.points.latest(BTC) == await other.points.latest(BTC)


async def test_of_an_asset_without_a_past_nothing_is_copied(
    file_archive: SqlArchive, other: SqlArchive
) -> None:
    copied = await file_archive.past_copies.copy_out(BTC)
    assert (copied.series, list(copied.at_ms)) == ((), [])
    assert await other.past_copies.copy_in(copied)
    assert await other.points.latest() == ()

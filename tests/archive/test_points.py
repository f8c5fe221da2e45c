"""Points: stored as heard, rolled up by choosing, gaps left as gaps."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import bot.archive.points
from bot.archive import SqlArchive, open_archive
from bot.archive.points import to_ms
from bot.domain.facts import Point, Series
from bot.errors import ArchiveError
from tests.archive.make import NOON, point

BTC = "BTC"
LONG_AGO = NOON - timedelta(days=400)


def times(series: Series) -> list[datetime]:
    return [datetime.fromtimestamp(ms / 1000, UTC) for ms in series.at_ms]


def of(found: tuple[Series, ...] | list[Series], metric: str, venue: str | None = None) -> Series:
    return next(series for series in found if (series.metric, series.venue) == (metric, venue))


async def test_a_point_comes_back_with_all_that_it_stands_on(archive: SqlArchive) -> None:
    whole = Point(
        metric="liquidations_24h_usd",
        asset=BTC,
        at=NOON,
        value=1.8e9,
        venues=("okx", "bybit"),
        of_venues=5,
        lower_bound=True,
        covers_s=3600,
    )
    await archive.points.add([whole, point(0.0, metric="funding_8h_pct", venue="okx")])

    assert await archive.points.latest(BTC) == (point(0.0, metric="funding_8h_pct", venue="okx"), whole)
    assert await archive.points.latest("ETH") == ()


async def test_the_same_series_and_time_is_replaced_and_a_correction_reaches_the_roll_up(
    archive: SqlArchive,
) -> None:
    await archive.points.add([point(20.0)])
    await archive.points.add([point(3.0)])

    assert [kept.value for kept in await archive.points.latest()] == [3.0]
    assert list(of(list(await archive.points.series(BTC, LONG_AGO)), "skew_60d_pct").value) == [3.0]


async def test_an_earlier_point_that_comes_late_does_not_become_the_latest(archive: SqlArchive) -> None:
    await archive.points.add([point(20.0, NOON + timedelta(minutes=30))])
    await archive.points.add([point(3.0, NOON), point(4.0, NOON - timedelta(hours=1))])

    assert [kept.value for kept in await archive.points.latest()] == [20.0]


async def test_recent_history_is_as_heard_and_older_history_by_the_hour(archive: SqlArchive) -> None:
    start = NOON - timedelta(days=10)
    every = [start + timedelta(minutes=20 * step) for step in range(10 * 72 + 1)]
    await archive.points.add([point(float(step), at) for step, at in enumerate(every)])

    found = times((await archive.points.series(BTC, LONG_AGO))[0])

    older = [at for at in found if at < NOON - timedelta(hours=25)]
    assert all(at.minute == 40 for at in older)
    assert len(older) == 10 * 24 - 25
    recent = [at for at in found if at >= NOON - timedelta(hours=25)]
    assert recent == [at for at in every if at >= NOON - timedelta(hours=25)]


@pytest.mark.parametrize("until", [None, NOON - timedelta(hours=30), NOON - timedelta(days=320)])
async def test_a_file_tells_the_same_as_a_database_that_is_asked_over_its_own_thread(
    file_archive: SqlArchive, until: datetime | None
) -> None:
    in_memory, start = await open_archive("sqlite://"), NOON - timedelta(days=3)
    every = [
        replace(point(float(step), start + timedelta(minutes=20 * step), metric, venue=venue), **more)
        for step in range(3 * 72)
        for metric, venue, more in (
            ("skew_60d_pct", None, {}),
            ("skew_60d_pct", "okx", {}),
            ("spot_low_usd", None, {"covers_s": 1200}),
            ("liquidations_1h_usd", None, {"lower_bound": step % 7 == 0, "covers_s": 3600 * (step % 5)}),
        )
    ]
    told = []
    for archive in (file_archive, in_memory):
        await archive.points.add([point(1.0, NOON - timedelta(days=380)), *every])
        await archive.points.add([replace(point(5.0, start), covers_s=3600, metric="spot_low_usd")], NOON)
        assert (await archive.prune(NOON, minutes_days=1, hours_days=300))["hours"] == 1
        names = {(one.metric, one.venue) for one in every} | {("nonsense", None)}
        told.append(
            [
                *await archive.points.series(BTC, LONG_AGO, until),
                *[
                    await archive.points.past(metric, BTC, since, until, venue)
                    for metric, venue in sorted(names, key=repr)
                    for since in (LONG_AGO, start + timedelta(hours=5))
                ],
            ]
        )
    assert repr(told[0]) == repr(told[1])
    rows = sum(len(one.value) for one in told[0])
    assert rows == 2 if until is not None and until < start else rows > 500
    await in_memory.aclose()


async def test_a_gap_stays_a_gap(archive: SqlArchive) -> None:
    heard = [NOON - timedelta(days=9), NOON - timedelta(days=8), NOON]
    await archive.points.add([point(1.0, at) for at in heard])

    assert times((await archive.points.series(BTC, LONG_AGO))[0]) == heard


async def test_an_hour_s_point_of_a_high_is_the_highest_and_of_a_low_the_lowest_with_its_own_time(
    archive: SqlArchive,
) -> None:
    old = NOON - timedelta(days=30)
    for minutes, high, low in ((0, 70.0, 60.0), (15, 72.0, 59.0), (30, 71.0, 61.0)):
        at = old + timedelta(minutes=minutes)
        await archive.points.add(
            [point(high, at, metric="spot_high_usd"), point(low, at, metric="spot_low_usd")]
        )
    await archive.points.add([point(1.0, NOON, metric="spot_high_usd")])

    found = list(await archive.points.series(BTC, LONG_AGO))
    highs, lows = of(found, "spot_high_usd"), of(found, "spot_low_usd")
    assert (highs.value[0], times(highs)[0]) == (72.0, old + timedelta(minutes=15))
    assert (lows.value[0], times(lows)[0]) == (59.0, old + timedelta(minutes=15))


async def test_a_bar_that_is_heard_again_replaces_itself_even_where_it_fell(archive: SqlArchive) -> None:
    old = NOON - timedelta(days=30)
    await archive.points.add([point(72.0, old, metric="spot_high_usd"), point(1.0, metric="spot_high_usd")])
    await archive.points.add([point(70.0, old, metric="spot_high_usd")])

    assert list((await archive.points.series(BTC, LONG_AGO))[0].value) == [70.0, 1.0]


async def test_one_metric_s_past_ends_where_it_is_told_to(archive: SqlArchive) -> None:
    await archive.points.add([point(float(hour), NOON + timedelta(hours=hour)) for hour in range(5)])

    found = await archive.points.past(
        "skew_60d_pct", BTC, NOON + timedelta(hours=1), NOON + timedelta(hours=3)
    )
    assert list(found.value) == [1.0, 2.0, 3.0]
    assert found.value.typecode == "d"
    assert list((await archive.points.past("skew_60d_pct", BTC, NOON, venue="okx")).value) == []


async def test_what_is_no_number_is_refused_and_nothing_is_stored(archive: SqlArchive) -> None:
    for value in (float("nan"), float("inf")):
        with pytest.raises(ArchiveError, match="BTC skew_60d_pct"):
            await archive.points.add([point(1.0, metric="dvol"), point(value)])
    assert await archive.points.latest() == ()


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ArchiveError, match="no zone"):
        to_ms(datetime(2026, 2, 6))  # noqa: DTZ001


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_in_whatever_order_points_come_the_history_is_the_same(
    archive: SqlArchive, data: st.DataObject
) -> None:
    asset = data.draw(st.uuids()).hex
    minutes = data.draw(st.lists(st.integers(0, 5000), unique=True, min_size=1, max_size=12))
    heard = [point(float(minute), NOON + timedelta(minutes=minute), asset=asset) for minute in minutes]
    await archive.points.add(heard)
    first = (await archive.points.series(asset, NOON))[0]
    for one in data.draw(st.permutations(heard)):
        await archive.points.add([Point(metric="again", asset=asset, at=one.at, value=one.value)])
    again = of(list(await archive.points.series(asset, NOON)), "again")
    assert (list(first.at_ms), list(first.value)) == (list(again.at_ms), list(again.value))


async def test_a_moment_an_hour_s_bar_and_a_day_s_bar_of_one_time_stay_three(archive: SqlArchive) -> None:
    midnight = NOON - timedelta(hours=12)
    three = [replace(point(float(covers), midnight), covers_s=covers) for covers in (0, 3600, 86400)]
    await archive.points.add(three)

    found = (await archive.points.series(BTC, LONG_AGO))[0]
    assert (list(found.value), list(found.covers_s)) == ([0.0, 3600.0, 86400.0], [0, 3600, 86400])
    assert await archive.points.latest() == (three[2],)


async def test_a_bar_that_grows_takes_its_own_place_and_never_shrinks(archive: SqlArchive) -> None:
    for value, covers in ((70.0, 300), (75.0, 900), (74.0, 3600), (71.0, 600)):
        await archive.points.add([replace(point(value, NOON, metric="spot_high_usd"), covers_s=covers)])
    await archive.points.add([point(1.0, NOON + timedelta(days=3), metric="dvol")])

    high = of(list(await archive.points.series(BTC, LONG_AGO)), "spot_high_usd")
    assert (list(high.value), list(high.covers_s)) == ([74.0], [3600])
    assert list((await archive.points.past("spot_high_usd", BTC, LONG_AGO)).value) == [74.0]


async def test_many_who_store_hours_of_one_day_at_once_lose_none(
    archive: SqlArchive, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = bot.archive.points._blocks

    async def read_and_think(*arguments: Any) -> Any:
        known = await read(*arguments)
        await asyncio.sleep(0.02)
        return known

    monkeypatch.setattr(bot.archive.points, "_blocks", read_and_think)
    await archive.points.add([point(0.0, NOON, metric="dvol")])
    midnight = NOON - timedelta(days=10, hours=12)
    several = [point(float(hour), midnight + timedelta(hours=hour), metric="dvol") for hour in range(6)]
    await asyncio.gather(*(archive.points.add([one]) for one in several))

    assert list((await archive.points.past("dvol", BTC, midnight)).value) == [
        *(float(hour) for hour in range(6)),
        0.0,
    ]


async def test_a_lower_bound_stays_one_in_history(archive: SqlArchive) -> None:
    await archive.points.add([point(1.0), replace(point(2.0, NOON + timedelta(minutes=1)), lower_bound=True)])
    assert list((await archive.points.series(BTC, LONG_AGO))[0].lower_bound) == [0, 1]

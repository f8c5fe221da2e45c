"""How long things are kept."""

from datetime import UTC, datetime, timedelta

from bot.archive import SqlArchive
from bot.domain.facts import Series
from bot.domain.posts import Profile
from tests.archive.make import NOON, decision, point, post, snapshot

BTC = "BTC"
EVER = datetime(2020, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def seen(series: Series) -> list[tuple[datetime, float]]:
    return [
        (datetime.fromtimestamp(ms / 1000, UTC), value)
        for ms, value in zip(series.at_ms, series.value, strict=True)
    ]


async def test_what_is_dropped_as_heard_stays_by_the_hour(archive: SqlArchive) -> None:
    times = [NOON - 20 * DAY + timedelta(minutes=20 * step) for step in range(7)]
    await archive.points.add([point(float(step), at) for step, at in enumerate(times)])
    before = await archive.points.past("skew_60d_pct", BTC, EVER)
    assert len(before.value) == 7
    await archive.points.add([point(1.0, metric="dvol")])

    dropped = await archive.prune(NOON, minutes_days=14)

    assert dropped["points"] == 7
    assert seen(await archive.points.past("skew_60d_pct", BTC, EVER)) == [
        (times[2], 2.0),
        (times[5], 5.0),
        (times[6], 6.0),
    ]
    assert [kept.value for kept in await archive.points.latest()] == [1.0, 6.0]


async def test_an_hour_that_is_half_kept_as_heard_is_kept_whole(archive: SqlArchive) -> None:
    edge = NOON - 14 * DAY
    await archive.points.add(
        [point(float(minute), edge + timedelta(minutes=minute)) for minute in (-1, 1, 20, 40)]
    )
    await archive.points.add([point(1.0, NOON + timedelta(minutes=30), metric="dvol")])
    await archive.prune(NOON + timedelta(minutes=30), minutes_days=14)
    assert [value for _, value in seen(await archive.points.past("skew_60d_pct", BTC, EVER))] == [
        -1.0,
        1.0,
        20.0,
        40.0,
    ]


async def test_what_is_dropped_by_the_hour_stays_by_the_day_and_nothing_is_told_twice(
    archive: SqlArchive,
) -> None:
    start = datetime(2023, 5, 1, tzinfo=UTC)
    heard = [start + timedelta(hours=hour) for hour in range(72)] + [NOON]
    for metric in ("skew_60d_pct", "spot_high_usd"):
        await archive.points.add([point(float(at.hour % 20), at, metric=metric) for at in heard])

    dropped = await archive.prune(NOON, hours_days=800)
    again = await archive.prune(NOON + DAY, hours_days=800)

    assert (dropped["hours"], again["hours"]) == (6, 0)
    last = [start + timedelta(hours=23 + 24 * day) for day in range(3)]
    highest = [start + timedelta(hours=19 + 24 * day) for day in range(3)]
    assert seen(await archive.points.past("skew_60d_pct", BTC, EVER)) == [(at, 3.0) for at in last] + [
        (NOON, 12.0)
    ]
    assert seen(await archive.points.past("spot_high_usd", BTC, EVER)) == [(at, 19.0) for at in highest] + [
        (NOON, 12.0)
    ]


async def test_a_day_is_a_gap_where_nothing_was_heard(archive: SqlArchive) -> None:
    await archive.points.add([point(1.0, NOON - 1000 * DAY), point(2.0, NOON - 990 * DAY), point(3.0, NOON)])
    await archive.prune(NOON, hours_days=800)
    assert [at for at, _ in seen(await archive.points.past("skew_60d_pct", BTC, EVER))] == [
        NOON - 1000 * DAY,
        NOON - 990 * DAY,
        NOON,
    ]


async def test_verdicts_and_recent_posts_outlive_the_evaluations_that_said_nothing(
    archive: SqlArchive,
) -> None:
    for number in range(3):
        at = NOON - 30 * DAY + timedelta(hours=number)
        told = (post(at=at),) if number == 2 else ()
        await archive.commit(BTC, Profile(), decision(at, posts=told, stance="bearish"), snapshot(at))

    await archive.points.add([point(1.0)])
    assert (await archive.prune(NOON))["evaluations"] == 1
    assert len(await archive.states.verdicts(BTC, EVER)) == 2
    assert (await archive.posts.evidence("abcd1234"))["playbook"] == "c0ffee"


async def test_old_posts_go_and_their_verdicts_stay(archive: SqlArchive) -> None:
    at = NOON - 900 * DAY
    await archive.commit(BTC, Profile(), decision(at, posts=(post(at=at),)), snapshot(at))
    await archive.commit(BTC, Profile(), decision(NOON, posts=(post("new00000"),)), snapshot(NOON))

    assert (await archive.prune(NOON))["posts"] == 1
    assert [kept.id for kept in await archive.posts.find()] == ["new00000"]
    assert await archive.posts.evidence("abcd1234") == {}
    assert len(await archive.states.verdicts(BTC, EVER)) == 2


async def test_a_clock_that_is_ahead_drops_nothing(archive: SqlArchive) -> None:
    await archive.points.add([point(1.0, NOON - 30 * DAY), point(2.0, NOON)])
    for ahead in (DAY + timedelta(minutes=1), 3650 * DAY):
        assert set((await archive.prune(NOON + ahead)).values()) == {0}
    assert (await archive.prune(NOON + DAY))["points"] == 1


async def test_a_clock_that_was_ahead_for_a_poll_drops_nothing_that_night(archive: SqlArchive) -> None:
    await archive.points.add([point(1.0, NOON - 10 * DAY), point(2.0, NOON)])
    await archive.prune(NOON)
    far = NOON + 3650 * DAY
    await archive.points.add([point(3.0, far)])
    assert set((await archive.prune(far)).values()) == {0}
    await archive.points.add([point(4.0, NOON + DAY)])
    assert set((await archive.prune(NOON + DAY)).values()) == {0}
    assert [value for _, value in seen(await archive.points.past("skew_60d_pct", BTC, EVER, far))][:3] == [
        1.0,
        2.0,
        4.0,
    ]


async def test_a_clock_that_is_behind_drops_less(archive: SqlArchive) -> None:
    await archive.points.add([point(1.0, NOON - 15 * DAY), point(2.0, NOON - DAY), point(3.0, NOON)])
    assert (await archive.prune(NOON - DAY, minutes_days=14))["points"] == 0
    assert (await archive.prune(NOON, minutes_days=14))["points"] == 1


async def test_an_archive_that_never_heard_anything_drops_nothing(archive: SqlArchive) -> None:
    assert set((await archive.prune(NOON)).values()) == {0}

"""How long things are kept: points as heard for weeks, by the hour for years, by the day for good."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec import Struct
from sqlalchemy import and_, delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.blocks import DAY_MS, HOUR_MS, HourRow, choose, sign, unpack
from bot.archive.engine import Database, upsert
from bot.archive.points import to_ms
from bot.archive.schema import (
    EPOCH,
    corrections,
    days,
    evaluations,
    hours,
    notes,
    points,
    posts,
    restatements,
    series,
    stories,
)

log = structlog.get_logger()

DAY: Final = timedelta(days=1)
LEAP: Final = timedelta(days=60)
NOTE: Final = "pruned"
TABLES: Final = ("points", "hours", "posts", "evaluations")


class Retention(Struct, frozen=True, kw_only=True):
    """For how long points are kept as heard, and hours and posts."""

    minutes: timedelta
    hours: timedelta


async def prune(database: Database, at: datetime, keep: Retention) -> dict[str, int]:
    """Drop what has had its time: how many rows of each table. Hours that go leave one point a day behind.

    Time is counted from the newest stored reading, not from the clock. Where that reading is over a day old, or
    far from where it was at the last pruning, the clock may have been set, and nothing goes: a record that is
    dropped by mistake is lost, one that is kept a day too long is not. Raises ArchiveError."""
    async with database.write("retention") as connection:
        newest = await _newest(connection, at)
        told = (await connection.execute(select(notes.c.value).where(notes.c.name == NOTE))).scalar()
        before = None if told is None else datetime.fromisoformat(told)
        if newest is not None:
            row = upsert(connection, notes).values(name=NOTE, value=newest.isoformat())
            changed = {"value": row.excluded.value}
            await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=changed))
        if newest is None or at - newest > DAY or (before is not None and newest - before > LEAP):
            since = None if before is None else before.isoformat()
            log.warning("retention.waits", at=at, newest=newest, newest_before=since)
            return dict.fromkeys(TABLES, 0)
        return await _drop(connection, newest, keep)


async def _newest(connection: AsyncConnection, at: datetime) -> datetime | None:
    """The time of the newest stored reading that is not of the future."""
    known = select(func.max(points.c.at_ms)).where(points.c.at_ms <= to_ms(at))
    newest_ms = (await connection.execute(known)).scalar()
    return None if newest_ms is None else EPOCH + timedelta(milliseconds=newest_ms)


async def _drop(connection: AsyncConnection, at: datetime, keep: Retention) -> dict[str, int]:
    # Whole hours and whole days go, so that no roll-up loses the point that it chose.
    hour = to_ms(at - keep.minutes) // HOUR_MS
    day = to_ms(at - keep.hours) // DAY_MS
    await _keep_days(connection, day)
    mine = select(series.c.id)
    old_points = and_(points.c.series_id.in_(mine), points.c.at_ms < hour * HOUR_MS)
    old_hours = and_(hours.c.series_id.in_(mine), hours.c.day < day)
    silent = and_(
        evaluations.c.at < at - keep.minutes,
        evaluations.c.verdict.is_(None),
        ~exists().where(stories.c.evaluation_id == evaluations.c.id),
    )
    return {
        "points": (await connection.execute(delete(points).where(old_points))).rowcount,
        "hours": (await connection.execute(delete(hours).where(old_hours))).rowcount,
        "posts": await _drop_posts(connection, at - keep.hours),
        "evaluations": (await connection.execute(delete(evaluations).where(silent))).rowcount,
    }


async def _keep_days(connection: AsyncConnection, day: int) -> None:
    numbered = await connection.execute(select(series.c.id, series.c.metric))
    ways = {number: sign(metric) for number, metric in numbered}
    going: dict[int, list[HourRow]] = defaultdict(list)
    for number, _, block in await connection.execute(
        select(hours).where(hours.c.series_id.in_(list(ways)), hours.c.day < day)
    ):
        going[number] += unpack(block)
    rows = [
        {"series_id": number, **row._asdict()}
        for number, mine in going.items()
        for row in choose(mine, (), DAY_MS, ways[number])
    ]
    if rows:
        await connection.execute(upsert(connection, days).on_conflict_do_nothing(), rows)


async def _drop_posts(connection: AsyncConnection, before: datetime) -> int:
    gone = (await connection.execute(delete(posts).where(posts.c.intended_at < before))).rowcount
    await connection.execute(delete(stories).where(stories.c.id.not_in(select(posts.c.story_id))))
    await connection.execute(delete(corrections).where(corrections.c.post_id.not_in(select(posts.c.id))))
    await connection.execute(delete(restatements).where(restatements.c.heard_at < before))
    await connection.execute(
        update(evaluations).where(evaluations.c.at < before).values(evidence=None, before=None)
    )
    return gone

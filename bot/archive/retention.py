"""How long things are kept: points as heard for weeks, by the hour for years, by the day for good."""

from collections import defaultdict
from datetime import datetime, timedelta

from sqlalchemy import and_, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.blocks import DAY_MS, HOUR_MS, Row, choose, sign, unpack
from bot.archive.engine import upsert
from bot.archive.points import to_ms
from bot.archive.schema import corrections, days, evaluations, hours, points, posts, restatements, series, stories


async def prune(connection: AsyncConnection, at: datetime, *, minutes_days: int, hours_days: int) -> dict[str, int]:
    """Drop what has had its time: how many rows of each table. Hours that go leave one point a day behind."""
    # Whole hours and whole days go, so that no roll-up loses the point that it chose.
    hour = to_ms(at - timedelta(days=minutes_days)) // HOUR_MS
    day = to_ms(at - timedelta(days=hours_days)) // DAY_MS
    await _keep_days(connection, day)
    mine = select(series.c.id)
    old_points = and_(points.c.series_id.in_(mine), points.c.at_ms < hour * HOUR_MS)
    old_hours = and_(hours.c.series_id.in_(mine), hours.c.day < day)
    dropped = {
        "points": (await connection.execute(delete(points).where(old_points))).rowcount,
        "hours": (await connection.execute(delete(hours).where(old_hours))).rowcount,
    }
    dropped["posts"] = await _drop_posts(connection, at - timedelta(days=hours_days))
    silent = and_(
        evaluations.c.at < at - timedelta(days=minutes_days),
        evaluations.c.verdict.is_(None),
        ~exists().where(stories.c.evaluation_id == evaluations.c.id),
    )
    dropped["evaluations"] = (await connection.execute(delete(evaluations).where(silent))).rowcount
    return dropped


async def _keep_days(connection: AsyncConnection, day: int) -> None:
    numbered = await connection.execute(select(series.c.id, series.c.metric))
    ways = {number: sign(metric) for number, metric in numbered}
    going: dict[int, list[Row]] = defaultdict(list)
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
    await connection.execute(update(evaluations).where(evaluations.c.at < before).values(evidence=None, before=None))
    return gone

"""What was told otherwise later: the value that was known before stays known for its time.

Only stretches (bars, daily rows, tallies) are restated; an instant is heard once. The new value takes the old
one's place where history is read, and the old one is kept here with the time until which it was known."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.blocks import DAY_MS, Columns, HourRow, unpack
from bot.archive.engine import Database, run_to_the_end
from bot.archive.schema import EPOCH, points, restatements, series
from bot.domain.facts import Restatement

Rows = Mapping[int, Mapping[int, HourRow]]
"""By the number of a series and a start in milliseconds."""


class SqlRestatements:
    """The table of restatements."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(
        self,
        connection: AsyncConnection,
        heard: Rows,
        blocks: Mapping[tuple[int, int], bytes],
        heard_at: datetime,
    ) -> None:
        """Keep the old value of each stretch that is about to get another one. `blocks` is what the hours
        hold of its days."""
        stretches = {
            number: {at_ms: row for at_ms, row in mine.items() if row.covers_s}
            for number, mine in heard.items()
        }
        known = await _known(connection, {number: mine for number, mine in stretches.items() if mine}, blocks)
        rows = [
            {
                "series_id": number,
                "at_ms": at_ms,
                "covers_s": row.covers_s,
                "before": known[number, at_ms].value,
                "after": row.value,
                "heard_at": heard_at,
            }
            for number, mine in stretches.items()
            for at_ms, row in mine.items()
            if (number, at_ms) in known and _restates(row, known[number, at_ms])
        ]
        if rows:
            await connection.execute(restatements.insert(), rows)

    def put_back(self, connection: Connection, columns: Mapping[int, Columns], until_ms: int) -> None:
        """Put back into columns the values that were known at a time, where they were told otherwise
        since."""
        known_at = EPOCH + timedelta(milliseconds=until_ms)
        later = restatements.c.series_id.in_(columns), restatements.c.heard_at > known_at
        # The latest first, so that the first one after the time, whose `before` was known then, is put back
        # last.
        order = restatements.c.heard_at.desc(), restatements.c.id.desc()
        for row in connection.execute(select(restatements).where(*later).order_by(*order)).all():
            columns[row.series_id].put_back(row.at_ms, row.covers_s, row.before)

    @run_to_the_end
    async def find_open(self, asset: str) -> tuple[Restatement, ...]:
        """What venues told otherwise of an asset, and nobody has looked yet which posts rest on it; the
        earliest first."""
        wanted = (
            select(restatements, series.c.metric, series.c.asset, series.c.venue)
            .join(series, series.c.id == restatements.c.series_id)
            .where(series.c.asset == asset, restatements.c.settled_at.is_(None))
            .order_by(restatements.c.heard_at, restatements.c.id)
        )
        async with self._database.read(f"restatements of {asset}") as connection:
            return tuple(_restatement(row) for row in await connection.execute(wanted))

    async def settle(self, connection: AsyncConnection, numbers: Sequence[int], at: datetime) -> None:
        """The posts that rest on these have been looked at."""
        wanted = update(restatements).where(restatements.c.id.in_(numbers))
        await connection.execute(wanted.values(settled_at=at))


def _restatement(row: Row[Any]) -> Restatement:
    return Restatement(
        id=row.id,
        metric=row.metric,
        asset=row.asset,
        venue=row.venue or None,
        at=EPOCH + timedelta(milliseconds=row.at_ms),
        covers_s=row.covers_s,
        before=row.before,
        after=row.after,
        heard_at=row.heard_at,
    )


def _restates(row: HourRow, before: HourRow) -> bool:
    return row.covers_s == before.covers_s and row.value != before.value


async def _known(
    connection: AsyncConnection, wanted: Rows, blocks: Mapping[tuple[int, int], bytes]
) -> dict[tuple[int, int], HourRow]:
    """What is stored of some stretches: as heard, else by the hour."""
    if not wanted:
        return {}
    found = {
        (number, row.at_ms): row
        for number, mine in wanted.items()
        for day in {at_ms // DAY_MS for at_ms in mine}
        if (number, day) in blocks
        for row in unpack(blocks[number, day])
        if row.at_ms in mine
    }
    starts = [at_ms for mine in wanted.values() for at_ms in mine]
    within = points.c.series_id.in_(wanted), points.c.at_ms.between(min(starts), max(starts))
    for kept in await connection.execute(select(points).where(*within)):
        if kept.at_ms in wanted[kept.series_id]:
            found[kept.series_id, kept.at_ms] = HourRow(kept.at_ms, kept.value, kept.basis_id, kept.covers_s)
    return found

"""The past of one asset, taken out of an archive as it is, and put into another: much faster than to hear it anew."""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import Dialect, Row, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.blocks import Columns, pack_days, sign, unpack
from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.leader import Leadership
from bot.archive.schema import bases, hours, points, restatements, series
from bot.domain.past_copy import CopiedBasis, CopiedRestatement, CopiedSeries, PastCopy


class SqlPastCopies:
    """Whole pasts, out of the tables of points and into them."""

    def __init__(self, database: Database, leadership: Leadership) -> None:
        self._database = database
        self._leadership = leadership

    @run_to_the_end
    async def copy_out(self, asset: str) -> PastCopy:
        """All that is stored of an asset as it was heard, and what was told otherwise since."""
        async with self._database.read(f"past of {asset}") as connection:
            mine = select(series).where(series.c.asset == asset).order_by(series.c.id)
            found = (await connection.execute(mine)).all()
            places = {row.id: place for place, row in enumerate(found)}
            grounds = (await connection.execute(select(bases).order_by(bases.c.id))).all()
            within = points.c.series_id.in_(places)
            wanted = select(points).where(within).order_by(points.c.series_id, points.c.at_ms)
            rows = (await connection.execute(wanted)).all()
            told = (
                select(restatements).where(restatements.c.series_id.in_(places)).order_by(restatements.c.id)
            )
            otherwise = (await connection.execute(told)).all()
            packed = select(hours).where(hours.c.series_id.in_(places))
            below = set(_minus_zeros((await connection.execute(packed)).all()))
        used = {row.basis_id for row in rows}
        grounds = [row for row in grounds if row.id in used]
        basis_at = {row.id: place for place, row in enumerate(grounds)}
        counts = {number: len(list(own)) for number, own in groupby(rows, key=itemgetter(0))}
        return PastCopy(
            asset=asset,
            series=tuple(
                CopiedSeries(metric=row.metric, venue=row.venue, grain=row.grain, rows=counts.get(row.id, 0))
                for row in found
            ),
            bases=tuple(
                CopiedBasis(venues=row.venues, of_venues=row.of_venues, lower_bound=bool(row.lower_bound))
                for row in grounds
            ),
            restatements=tuple(
                CopiedRestatement(
                    series=places[row.series_id],
                    at_ms=row.at_ms,
                    covers_s=row.covers_s,
                    before=row.before,
                    after=row.after,
                    heard_at=row.heard_at,
                    settled_at=row.settled_at,
                )
                for row in otherwise
            ),
            at_ms=array("q", [row.at_ms for row in rows]),
            value=array("d", [-0.0 if (row.series_id, row.at_ms) in below else row.value for row in rows]),
            basis=array("H", [basis_at[row.basis_id] for row in rows]),
            covers_s=array("I", [row.covers_s for row in rows]),
        )

    @run_to_the_end
    async def copy_in(self, past: PastCopy) -> bool:
        """Store a past, rolled up by the hour as if it had been heard here. False, and nothing is changed, where something
        of the asset is stored already."""
        async with self._database.write(f"past of {past.asset}") as connection:
            await self._leadership.fence(connection)
            known = select(series.c.id).where(series.c.asset == past.asset).limit(1)
            if (await connection.execute(known)).first() is not None:
                return False
            grounds = await _number(connection, bases, [_basis(one) for one in past.bases])
            numbers = await _number(connection, series, [_place(past.asset, one) for one in past.series])
            columns = list(_columns_of(past, grounds))
            signs = [sign(one.metric) for one in past.series]
            dialect = connection.dialect
            await _insert_rows(connection, _inserting(dialect, points), list(_point_rows(numbers, columns)))
            blocks = [
                (number, day, block)
                for number, column, way in zip(numbers, columns, signs, strict=True)
                for day, block in pack_days(column, way)
            ]
            await _insert_rows(connection, _inserting(dialect, hours), blocks)
            if past.restatements:
                told = [
                    {
                        "series_id": numbers[one.series],
                        "at_ms": one.at_ms,
                        "covers_s": one.covers_s,
                        "before": one.before,
                        "after": one.after,
                        "heard_at": one.heard_at,
                        "settled_at": one.settled_at,
                    }
                    for one in past.restatements
                ]
                await connection.execute(restatements.insert(), told)
        return True


def _minus_zeros(blocks: Iterable[Row[Any]]) -> Iterator[tuple[int, int]]:
    """The series and times of rows whose value is minus zero: SQLite keeps the sign in a block alone."""
    for packed in blocks:
        for row in unpack(packed.block):
            if row.value == 0 and math.copysign(1, row.value) < 0:
                yield packed.series_id, row.at_ms


def _basis(basis: CopiedBasis) -> dict[str, Any]:
    return {"venues": basis.venues, "of_venues": basis.of_venues, "lower_bound": basis.lower_bound}


def _place(asset: str, one: CopiedSeries) -> dict[str, Any]:
    return {"asset": asset, "metric": one.metric, "venue": one.venue, "grain": one.grain}


async def _number(
    connection: AsyncConnection, table: Table, wanted: Sequence[dict[str, Any]]
) -> Sequence[int]:
    """The number of each of some rows, in their order; what is new is numbered in that order too."""
    if not wanted:
        return ()
    await connection.execute(upsert(connection, table).on_conflict_do_nothing(), list(wanted))
    names = tuple(wanted[0])
    found = await connection.execute(select(table))
    numbers = {tuple(getattr(row, name) for name in names): row.id for row in found}
    return [numbers[tuple(row.values())] for row in wanted]


def _columns_of(past: PastCopy, grounds: Sequence[int]) -> Iterator[Columns]:
    """The rows of each series, their bases by number."""
    start = 0
    for one in past.series:
        end = start + one.rows
        column = Columns()
        column.at_ms, column.value = past.at_ms[start:end], past.value[start:end]
        column.basis_id = array("H", [grounds[place] for place in past.basis[start:end]])
        column.covers_s = past.covers_s[start:end]
        yield column
        start = end


def _point_rows(numbers: Sequence[int], columns: Sequence[Columns]) -> Iterator[tuple[Any, ...]]:
    for number, column in zip(numbers, columns, strict=True):
        yield from zip(
            [number] * len(column), column.at_ms, column.value, column.basis_id, column.covers_s, strict=True
        )


async def _insert_rows(connection: AsyncConnection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    if rows:
        await connection.exec_driver_sql(statement, rows)


def _inserting(dialect: Dialect, table: Table) -> str:
    """The INSERT of whole rows in the words of a dialect: rows of plain numbers need no look-up by name."""
    return str(table.insert().compile(dialect=dialect))

"""Points: every number's past. Stored as heard, and at once rolled up to one point an hour.

A roll-up chooses, it never averages: an hour's point is a point that was heard, with its own time. It is the hour's last
one; of `spot_high_usd` and `spot_low_usd` the extreme one. A gap is an hour without a row.
"""

import math
from array import array
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import BigInteger, ColumnElement, Select, Table, and_, cast, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.engine import Database, upsert
from bot.archive.schema import EPOCH, bases, days, hours, points, series
from bot.domain.facts import Point, Series
from bot.errors import ArchiveError

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
# As far back as `.change_24h` looks, with a day to spare, history is read as it was heard; before that, by the hour.
RECENT_HOURS = 48
HIGHEST = frozenset({"spot_high_usd"})
LOWEST = frozenset({"spot_low_usd"})
SIGNS = {"last": 0, "highest": 1, "lowest": -1}


class Place(NamedTuple):
    """Which series a point belongs to. `venue` is empty for the aggregate."""

    asset: str
    metric: str
    venue: str


class Basis(NamedTuple):
    """What a value stands on, apart from the number itself."""

    venues: str
    of_venues: int
    lower_bound: bool
    covers_s: int


Key = TypeVar("Key", Place, Basis)


class Row(NamedTuple):
    """One stored point."""

    series_id: int
    at_ms: int
    value: float
    basis_id: int


class PointStore:
    """The tables of points. Numbers of series and bases are remembered: they are never changed or removed."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._series: dict[Place, int] = {}
        self._bases: dict[Basis, int] = {}

    async def intern(self, heard: Sequence[Point]) -> None:
        """Give a number to each series and basis that is new, in a transaction of its own. Raises ArchiveError."""
        for point in heard:
            if not math.isfinite(point.value):
                raise ArchiveError(
                    f"{point.asset} {point.metric}: {point.value} is not a value; a gap is a point left out"
                )
        places = {_place(point) for point in heard} - self._series.keys()
        grounds = {_basis(point) for point in heard} - self._bases.keys()
        if not places and not grounds:
            return
        async with self._database.write("naming series") as connection:
            found_places = await _number(connection, series, Place, places)
            found_bases = await _number(connection, bases, Basis, grounds)
        self._series |= found_places
        self._bases |= found_bases

    async def store(self, connection: AsyncConnection, heard: Sequence[Point]) -> None:
        """Store points that are interned, in the caller's transaction; the same series and time is replaced."""
        if not heard:
            return
        rows: dict[tuple[int, int], Row] = {}
        rule_of: dict[int, str] = {}
        for point in heard:
            series_id, at_ms = self._series[_place(point)], to_ms(point.at)
            rows[series_id, at_ms] = Row(series_id, at_ms, point.value, self._bases[_basis(point)])
            rule_of[series_id] = rule(point.metric)
        await self._put(connection, points, [row._asdict() for row in rows.values()], ("series_id", "at_ms"), true())
        chosen = choose(rows.values(), rule_of, HOUR_MS)
        for name, where in _replaces(upsert(connection, hours).excluded).items():
            batch = [rolled(row, HOUR_MS) for row in chosen if rule_of[row.series_id] == name]
            await self._put(connection, hours, batch, ("series_id", "bucket"), where)

    async def series(self, asset: str, since: datetime) -> tuple[Series, ...]:
        """Every series of one asset since a time, each ascending: by the day, then by the hour, then as heard."""
        async with self._database.read(f"history of {asset}") as connection:
            found = await connection.execute(select(series).where(series.c.asset == asset).order_by(series.c.id))
            places = {row.id: Place(row.asset, row.metric, row.venue) for row in found}
            mine = select(series.c.id).where(series.c.asset == asset)
            columns = await _columns(connection, lambda table: table.c.series_id.in_(mine), to_ms(since), None)
        return tuple(_series(places[series_id], column) for series_id, column in columns.items())

    async def past(
        self, metric: str, asset: str, since: datetime, until: datetime | None = None, venue: str | None = None
    ) -> Series:
        """One series between two times, ends included; empty columns where nothing is stored."""
        place = Place(asset, metric, venue or "")
        async with self._database.read(f"history of {asset} {metric}") as connection:
            known = and_(series.c.asset == asset, series.c.metric == metric, series.c.venue == place.venue)
            number = (await connection.execute(select(series.c.id).where(known))).scalar()
            if number is None:
                return _series(place, _Column())
            end = None if until is None else to_ms(until)
            columns = await _columns(connection, lambda table: table.c.series_id == number, to_ms(since), end)
        return _series(place, columns.get(number, _Column()))

    async def latest(self, asset: str | None = None) -> tuple[Point, ...]:
        """The newest point of every series (of one asset), by asset, metric and venue, the aggregate first."""
        # One look-up by key for each series; a GROUP BY over the whole table takes a thousand times as long.
        newest = (
            select(func.max(hours.c.bucket)).where(hours.c.series_id == series.c.id).correlate(series).scalar_subquery()
        )
        wanted = (
            select(series.c.asset, series.c.metric, series.c.venue, at_ms(hours).label("at_ms"), hours.c.value, bases)
            .select_from(series)
            .join(hours, and_(hours.c.series_id == series.c.id, hours.c.bucket == newest))
            .join(bases, bases.c.id == hours.c.basis_id)
            .where(true() if asset is None else series.c.asset == asset)
            .order_by(series.c.asset, series.c.metric, series.c.venue)
        )
        async with self._database.read("latest points") as connection:
            return tuple(_point(row) for row in await connection.execute(wanted))

    @staticmethod
    async def _put(
        connection: AsyncConnection,
        table: Table,
        rows: list[dict[str, Any]],
        key: tuple[str, ...],
        where: ColumnElement[bool],
    ) -> None:
        if not rows:
            return
        statement = upsert(connection, table)
        changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
        await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed, where=where), rows)


def rule(metric: str) -> str:
    """How a roll-up chooses among the points of one hour or day: "last", "highest" or "lowest"."""
    return "highest" if metric in HIGHEST else "lowest" if metric in LOWEST else "last"


def choose(rows: Iterable[Row], rule_of: dict[int, str], bucket_ms: int) -> list[Row]:
    """One row for each series and bucket of `bucket_ms`, by its series' rule; of equals the later one."""
    chosen: dict[tuple[int, int], Row] = {}
    for row in sorted(rows, key=lambda row: (row.series_id, row.at_ms)):
        key = row.series_id, row.at_ms // bucket_ms
        sign = SIGNS[rule_of[row.series_id]]
        if key not in chosen or sign * row.value >= sign * chosen[key].value:
            chosen[key] = row
    return list(chosen.values())


def to_ms(at: datetime) -> int:
    """Whole milliseconds since 1970 UTC, rounded down. Raises ArchiveError for a time without a zone."""
    if at.tzinfo is None:
        raise ArchiveError(f"{at.isoformat()} has no zone")
    return (at - EPOCH) // timedelta(milliseconds=1)


class _Column:
    """Three columns that grow together."""

    __slots__ = ("at_ms", "covers_s", "value")

    def __init__(self) -> None:
        self.at_ms = array("q")
        self.value = array("d")
        self.covers_s = array("q")


def _place(point: Point) -> Place:
    return Place(point.asset, point.metric, point.venue or "")


def _basis(point: Point) -> Basis:
    return Basis(",".join(point.venues), point.of_venues, point.lower_bound, point.covers_s)


def rolled(row: Row, bucket_ms: int) -> dict[str, Any]:
    """The row as the table of roll-ups of that size keeps it."""
    bucket, after_ms = divmod(row.at_ms, bucket_ms)
    return {
        "series_id": row.series_id, "bucket": bucket, "after_ms": after_ms, "value": row.value, "basis_id": row.basis_id
    }  # fmt: skip


def _replaces(new: Any) -> dict[str, ColumnElement[bool]]:
    """When a new point takes the place of its hour's, by rule. One of the same time always does: it is a correction."""
    same = new.after_ms == hours.c.after_ms
    return {
        "last": new.after_ms >= hours.c.after_ms,
        "highest": or_(same, new.value > hours.c.value),
        "lowest": or_(same, new.value < hours.c.value),
    }


async def _number(connection: AsyncConnection, table: Table, kind: type[Key], wanted: set[Key]) -> dict[Key, int]:
    if not wanted:
        return {}
    rows = [item._asdict() for item in sorted(wanted)]
    await connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)
    found = await connection.execute(select(table))
    numbers = {kind(**{name: getattr(row, name) for name in kind._fields}): row.id for row in found}
    return {item: numbers[item] for item in wanted}


def at_ms(table: Table) -> ColumnElement[int]:
    """The time of a rolled-up point, in milliseconds since 1970 UTC."""
    size = HOUR_MS if table is hours else DAY_MS
    return cast(table.c.bucket, BigInteger) * size + table.c.after_ms


async def _columns(connection: AsyncConnection, mine: Any, since_ms: int, until_ms: int | None) -> dict[int, _Column]:
    covers = dict((await connection.execute(select(bases.c.id, bases.c.covers_s))).all())
    newest = (await connection.execute(select(func.max(hours.c.bucket)).where(mine(hours)))).scalar()
    if newest is None:
        return {}
    recent = max(newest - RECENT_HOURS + 1, since_ms // HOUR_MS)
    columns: dict[int, _Column] = {}
    for statement in (
        _rolled_up(days, DAY_MS, since_ms, None).where(mine(days)),
        _rolled_up(hours, HOUR_MS, since_ms, recent).where(mine(hours)),
        _as_heard(max(since_ms, recent * HOUR_MS)).where(mine(points)),
    ):
        for series_id, time, value, basis_id in await connection.execute(statement):
            if until_ms is not None and time > until_ms:
                continue
            column = columns.get(series_id)
            if column is None:
                column = columns[series_id] = _Column()
            column.at_ms.append(time)
            column.value.append(value)
            column.covers_s.append(covers[basis_id])
    return columns


def _rolled_up(table: Table, size: int, since_ms: int, before: int | None) -> Select[Any]:
    statement = select(table.c.series_id, at_ms(table), table.c.value, table.c.basis_id)
    statement = statement.where(table.c.bucket >= since_ms // size, at_ms(table) >= since_ms)
    if before is not None:
        # What is no longer kept as heard is still there by the hour: a series may have ended long ago.
        start = cast(table.c.bucket, BigInteger) * size
        same = points.c.series_id == table.c.series_id
        heard = exists().where(same, points.c.at_ms >= start, points.c.at_ms < start + size)
        statement = statement.where(or_(table.c.bucket < before, ~heard))
    return statement.order_by(table.c.series_id, table.c.bucket)


def _as_heard(since_ms: int) -> Select[Any]:
    statement = select(points.c.series_id, points.c.at_ms, points.c.value, points.c.basis_id)
    return statement.where(points.c.at_ms >= since_ms).order_by(points.c.series_id, points.c.at_ms)


def _series(place: Place, column: _Column) -> Series:
    return Series(
        metric=place.metric, asset=place.asset, venue=place.venue or None,
        at_ms=column.at_ms, value=column.value, covers_s=column.covers_s,
    )  # fmt: skip


def _point(row: Any) -> Point:
    return Point(
        metric=row.metric, asset=row.asset, venue=row.venue or None, at=EPOCH + timedelta(milliseconds=row.at_ms),
        value=row.value, venues=tuple(row.venues.split(",")) if row.venues else (), of_venues=row.of_venues,
        lower_bound=bool(row.lower_bound), covers_s=row.covers_s,
    )  # fmt: skip

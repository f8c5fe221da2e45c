"""Points: every number's past, stored as heard and at once rolled up by the hour (`blocks.py` says how)."""

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache, reduce
from itertools import chain, groupby
from operator import add, itemgetter
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Connection,
    Dialect,
    Select,
    Table,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    text,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.blocks import DAY_MS, HOUR_MS, PACKED, Columns, HourRow, add_rows, sign, unpack
from bot.archive.engine import Database, fetch_plainly, has_plain_driver, run_to_the_end, upsert, upsert_of
from bot.archive.leader import Leadership
from bot.archive.restatements import SqlRestatements
from bot.archive.schema import EPOCH, bases, days, hours, points, series
from bot.domain.facts import Point, Series
from bot.errors import ArchiveError

# As far back as `.change_24h` looks, history is read as it was heard; before that, by the hour.
RECENT_HOURS = 26
END_MS = 2**62
LAST_DAY = 2**31 - 1
LOCK = 7_463_003


class Place(NamedTuple):
    """Which series a point belongs to. `venue` is empty for the aggregate.

    `grain` keeps apart what speaks for a moment (0), for up to an hour (1) and for longer (2): a daily bar,
    an hour's bar and a reading may all begin at midnight, and none of them replaces another."""

    asset: str
    metric: str
    venue: str
    grain: int


class PointBasis(NamedTuple):
    """What a value stands on: venues joined by commas, of how many, and whether it is only a lower bound."""

    venues: str
    of_venues: int
    lower_bound: bool


Key = TypeVar("Key", Place, PointBasis)

GRAINS = select(series.c.id, series.c.grain).where(
    series.c.asset == bindparam("asset"),
    series.c.metric == bindparam("metric"),
    series.c.venue == bindparam("venue"),
)
"""The numbers of one metric's series at one venue."""

Numbered = dict[int, dict[int, HourRow]]
"""Number of the series → time in milliseconds → row."""


class SqlPoints:
    """The tables of points. The numbers of series and bases are remembered: they are never changed or
    removed."""

    def __init__(self, database: Database, leadership: Leadership, restatements: SqlRestatements) -> None:
        self._database = database
        self._leadership = leadership
        self._restatements = restatements
        self._places: dict[Place, int] = {}
        self._bases: dict[PointBasis, int] = {}
        self._by_number: dict[int, PointBasis] = {}
        self._least: set[int] = set()
        self._ways: dict[int, int] = {}

    @run_to_the_end
    async def add(self, heard: Sequence[Point], heard_at: datetime | None = None) -> None:
        """Store points; one that is there already (same metric, asset, venue, time) is replaced. With
        `heard_at` what was known of a stretch until then is kept."""
        numbered = await self.intern(heard)
        async with self._database.write("storing points") as connection:
            await self._leadership.fence(connection)
            await self.store(connection, numbered, heard_at)

    @run_to_the_end
    async def intern(self, heard: Sequence[Point]) -> Numbered:
        """Points by the numbers of their series and bases; what is new gets one, in a transaction of its own.
        Raises ArchiveError."""
        for point in heard:
            if not math.isfinite(point.value):
                raise ArchiveError(
                    f"{point.asset} {point.metric}: {point.value} is not a value; a gap is a point left out"
                )
        named = [
            (
                _place(point.asset, point.metric, point.venue, point.covers_s),
                _basis(point.venues, point.of_venues, point.lower_bound),
                point,
            )
            for point in heard
        ]
        times_ms = {at: to_ms(at) for at in {point.at for point in heard}}
        places = {place for place, _, _ in named} - self._places.keys()
        grounds = {basis for _, basis, _ in named} - self._bases.keys()
        if places or grounds:
            async with self._database.write("naming series") as connection:
                found_places = await _number(connection, series, Place, places)
                found_bases = await _number(connection, bases, PointBasis, grounds)
            self._places |= found_places
            self._bases |= found_bases
        rows: Numbered = {}
        for place, basis, point in named:
            number, at_ms = self._places[place], times_ms[point.at]
            mine = rows.get(number)
            if mine is None:
                mine = rows[number] = {}
                self._ways[number] = sign(point.metric)
            if at_ms not in mine or point.covers_s >= mine[at_ms].covers_s:
                mine[at_ms] = HourRow(at_ms, point.value, self._bases[basis], point.covers_s)
        return rows

    async def store(
        self, connection: AsyncConnection, heard: Numbered, heard_at: datetime | None = None
    ) -> None:
        """`add` for what `intern` numbered, in the caller's transaction."""
        if not heard:
            return
        # A block is read, changed and written: on PostgreSQL two who do so at once would lose one's hour.
        # SQLite has one writer.
        if connection.dialect.name == "postgresql":
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        blocks = await _blocks(connection, heard)
        if heard_at is not None:
            await self._restatements.record(connection, heard, blocks, heard_at)
        flat = [(number, *row) for number, mine in heard.items() for row in mine.values()]
        # Hundreds of plain numbers as they are: by the statement itself each would be looked up by name on
        # its way.
        await connection.exec_driver_sql(_replacing(connection.dialect, points, unless="covers_s"), flat)
        await connection.exec_driver_sql(
            _replacing(connection.dialect, hours), list(_rolled_up(heard, self._ways, blocks))
        )

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> tuple[Series, ...]:
        """Every series of one asset between two times, as known at the later one, each ascending: by the day,
        then by the hour, then as heard."""
        since_ms, until_ms = to_ms(since), END_MS if until is None else to_ms(until)

        def read(connection: Connection) -> tuple[Series, ...]:
            found = connection.execute(select(series).where(series.c.asset == asset).order_by(series.c.id))
            places = {row.id: Place(row.asset, row.metric, row.venue, row.grain) for row in found}
            return tuple(self._series(places, self._columns(connection, places, since_ms, until_ms)))

        return await self._database.read_in_thread(f"history of {asset}", read)

    async def past(
        self,
        metric: str,
        asset: str,
        since: datetime,
        until: datetime | None = None,
        venue: str | None = None,
    ) -> Series:
        """One series between two times, ends included, as known at the later one; empty columns where nothing
        is stored."""
        since_ms, until_ms = to_ms(since), END_MS if until is None else to_ms(until)
        wanted = {"asset": asset, "metric": metric, "venue": venue or ""}

        def read(connection: Connection) -> Series:
            ask = fetch_plainly if has_plain_driver(connection) else Connection.execute
            found = ask(connection, GRAINS, wanted)
            places = {number: Place(asset, metric, venue or "", grain) for number, grain in found}
            merged = list(self._series(places, self._columns(connection, places, since_ms, until_ms)))
            return merged[0] if merged else self._one(Place(asset, metric, venue or "", 0), Columns())

        return await self._database.read_in_thread(f"history of {asset} {metric}", read)

    async def latest(self, asset: str | None = None) -> tuple[Point, ...]:
        """The newest point of every metric (of one asset), by asset, metric and venue, the aggregate
        first."""
        # One look-up by key for each series; a GROUP BY over the whole table takes a thousand times as long.
        newest = (
            select(func.max(hours.c.day))
            .where(hours.c.series_id == series.c.id)
            .correlate(series)
            .scalar_subquery()
        )
        wanted = (
            select(series.c.asset, series.c.metric, series.c.venue, hours.c.block)
            .join(hours, and_(hours.c.series_id == series.c.id, hours.c.day == newest))
            .where(true() if asset is None else series.c.asset == asset)
        )

        def read(connection: Connection) -> tuple[Point, ...]:
            found: dict[tuple[str, str, str], HourRow] = {}
            for of, metric, venue, block in connection.execute(wanted):
                last, key = unpack(block).last, (of, metric, venue)
                if key not in found or _known_ms(last) > _known_ms(found[key]):
                    found[key] = last
            self._know(connection, {row.basis_id for row in found.values()})
            return tuple(self._point(key, row) for key, row in sorted(found.items()))

        return await self._database.read_in_thread("latest points", read)

    def _columns(
        self, connection: Connection, places: Mapping[int, Place], since_ms: int, until_ms: int
    ) -> dict[int, Columns]:
        """The rows of some series between two times."""
        mine = sorted(places)
        hourly = _read_between(connection, hours, "day", mine, since_ms // DAY_MS, LAST_DAY)
        newest = min(max((column.at_ms[-1] for column in hourly.values()), default=0), until_ms)
        recent = (newest // HOUR_MS - RECENT_HOURS + 1) * HOUR_MS
        heard = _read_between(connection, points, "at_ms", mine, max(recent, since_ms), until_ms)
        # What is older than the hours is kept by the day: only a series whose hours begin later can have such
        # days.
        older = [
            number for number in mine if number not in hourly or hourly[number].at_ms[0] >= since_ms + DAY_MS
        ]
        daily = _read_between(connection, days, "at_ms", older, since_ms, until_ms) if older else {}
        found = {}
        for number in mine:
            after = heard.get(number)
            # What is no longer kept as heard is still there by the hour: a series may have ended long ago.
            end = after.at_ms[0] // HOUR_MS * HOUR_MS - 1 if after else END_MS
            before = hourly[number].between(since_ms, end) if number in hourly else None
            parts = [part for part in (daily.get(number), before, after) if part]
            whole = reduce(add, parts) if parts else Columns()
            found[number] = whole if until_ms == END_MS else whole.between(since_ms, until_ms)
        if until_ms != END_MS:
            self._restatements.put_back(connection, found, until_ms)
        self._know(connection, {basis for column in found.values() for basis in set(column.basis_id)})
        return found

    def _know(self, connection: Connection, wanted: set[int]) -> None:
        if wanted <= self._by_number.keys():
            return
        for row in connection.execute(select(bases)):
            self._by_number[row.id] = PointBasis(row.venues, row.of_venues, bool(row.lower_bound))
        self._least = {number for number, basis in self._by_number.items() if basis.lower_bound}

    def _series(self, places: Mapping[int, Place], columns: Mapping[int, Columns]) -> Iterator[Series]:
        """The grains of each metric and venue as one series."""
        grains: dict[Place, list[Columns]] = {}
        for number, place in places.items():
            if columns[number]:
                grains.setdefault(place._replace(grain=0), []).append(columns[number])
        for place, parts in grains.items():
            rows = parts[0] if len(parts) == 1 else sorted(chain(*parts), key=_in_order)
            yield self._one(place, rows if isinstance(rows, Columns) else Columns.of(rows))

    def _one(self, place: Place, column: Columns) -> Series:
        least = self._least.intersection(column.basis_id) if self._least else self._least
        return Series(
            metric=place.metric,
            asset=place.asset,
            venue=place.venue or None,
            at_ms=column.at_ms,
            value=column.value,
            covers_s=column.covers_s,
            lower_bound=array("b", [number in least for number in column.basis_id] if least else ()),
        )

    def _point(self, key: tuple[str, str, str], row: HourRow) -> Point:
        asset, metric, venue = key
        basis = self._by_number[row.basis_id]
        return Point(
            metric=metric,
            asset=asset,
            venue=venue or None,
            at=EPOCH + timedelta(milliseconds=row.at_ms),
            value=row.value,
            venues=tuple(basis.venues.split(",")) if basis.venues else (),
            of_venues=basis.of_venues,
            lower_bound=basis.lower_bound,
            covers_s=row.covers_s,
        )


def to_ms(at: datetime) -> int:
    """Whole milliseconds since 1970 UTC, rounded down. Raises ArchiveError for a time without a zone."""
    if at.tzinfo is None:
        raise ArchiveError(f"{at.isoformat()} has no zone")
    return (at - EPOCH) // timedelta(milliseconds=1)


# Of a hundred thousand points of a past that is filled a few hundred differ in these.
@lru_cache(maxsize=4096)
def _place(asset: str, metric: str, venue: str | None, covers_s: int) -> Place:
    grain = 0 if covers_s == 0 else 1 if covers_s * 1000 <= HOUR_MS else 2
    return Place(asset, metric, venue or "", grain)


@lru_cache(maxsize=4096)
def _basis(venues: tuple[str, ...], of_venues: int, lower_bound: bool) -> PointBasis:
    return PointBasis(",".join(venues), of_venues, lower_bound)


def _known_ms(row: HourRow) -> int:
    return row.at_ms + 1000 * row.covers_s


def _in_order(row: HourRow) -> tuple[int, int]:
    return row.at_ms, row.covers_s


def _read_between(
    connection: Connection, table: Table, column: str, series_ids: Sequence[int], first: int, last: int
) -> dict[int, Columns]:
    """Of each series that has any the rows of a table that have a column between two values. A server is asked once for
    all; a file series by series."""
    if not has_plain_driver(connection):
        wanted = {"ids": series_ids, "first": first, "last": last}
        every = groupby(connection.execute(_between(table, column), wanted).all(), key=itemgetter(0))
        if table is hours:
            return {number: Columns.of_blocks([block for _, _, block in rows]) for number, rows in every}
        return {number: Columns.of([row[1:] for row in rows]) for number, rows in every}
    statement, found = _between_of_one(table, column), dict[int, Columns]()
    for number in series_ids:
        mine = fetch_plainly(connection, statement, {"id": number, "first": first, "last": last})
        if mine and table is hours:
            found[number] = Columns.of_blocks([block for (block,) in mine])
        elif mine:
            found[number] = Columns.of_packed(mine)
    return found


@lru_cache
def _between_of_one(table: Table, column: str) -> Select[Any]:
    """The rows of one series (`id`) that have a column between two values, in the order of the key: blocks, or time, value
    and `PACKED`."""
    shown: tuple[ColumnElement[Any], ...] = (
        (table.c.block,) if table is hours else (table.c.at_ms, table.c.value, literal_column(PACKED))
    )
    within = table.c[column].between(bindparam("first"), bindparam("last"))
    mine = table.c.series_id == bindparam("id")
    return select(*shown).where(mine, within).order_by(*table.primary_key.columns)


@lru_cache
def _between(table: Table, column: str) -> Select[Any]:
    """The rows of some series (`ids`) that have a column between two values (`first`, `last`), in the order of the key.
    Made once: SQLAlchemy takes longer to make it than SQLite to answer it."""
    within = table.c[column].between(bindparam("first"), bindparam("last"))
    mine = table.c.series_id.in_(bindparam("ids", expanding=True))
    return select(table).where(mine, within).order_by(*table.primary_key.columns)


async def _number(
    connection: AsyncConnection, table: Table, kind: type[Key], wanted: set[Key]
) -> dict[Key, int]:
    if not wanted:
        return {}
    rows = [item._asdict() for item in sorted(wanted)]
    await connection.execute(upsert(connection, table).on_conflict_do_nothing(), rows)
    found = await connection.execute(select(table))
    numbers = {kind(**{name: getattr(row, name) for name in kind._fields}): row.id for row in found}
    return {item: numbers[item] for item in wanted}


@lru_cache
def _replacing(dialect: Dialect, table: Table, unless: str | None = None) -> str:
    """The INSERT of whole rows that replaces what has the same key, unless the column named `unless` is
    larger in what is there, in the words of a dialect."""
    statement = upsert_of(dialect.name, table)
    key = table.primary_key.columns.keys()
    changed = {name: statement.excluded[name] for name in table.c.keys() if name not in key}  # noqa: SIM118
    where = None if unless is None else statement.excluded[unless] >= table.c[unless]
    return str(
        statement.on_conflict_do_update(index_elements=key, set_=changed, where=where).compile(
            dialect=dialect
        )
    )


async def _blocks(connection: AsyncConnection, heard: Numbered) -> dict[tuple[int, int], bytes]:
    """The blocks of the days that the rows touch."""
    touched = [at_ms // DAY_MS for mine in heard.values() for at_ms in mine]
    wanted = {"ids": list(heard), "first": min(touched), "last": max(touched)}
    found = await connection.execute(_between(hours, "day"), wanted)
    return {(number, day): block for number, day, block in found}


def _rolled_up(
    heard: Numbered, ways: Mapping[int, int], blocks: Mapping[tuple[int, int], bytes]
) -> Iterator[tuple[int, int, bytes]]:
    for number, mine in heard.items():
        by_day: dict[int, list[HourRow]] = defaultdict(list)
        for row in mine.values():
            by_day[row.at_ms // DAY_MS].append(row)
        for day, rows in by_day.items():
            yield number, day, add_rows(blocks.get((number, day), b""), rows, ways[number])

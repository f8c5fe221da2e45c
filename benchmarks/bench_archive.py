"""The archive at one year of history and 200 series: how long reads take, how much room a row takes, beside bare
sqlite3: a naive read of the latest, and the same rows of one metric as the same arrays.

Run: python benchmarks/bench_archive.py

Writing stands beside SQLAlchemy's ORM over the same driver, file and durability, which does the same work: it
stores the points and brings the last value of their hour up to date."""

import asyncio
import json
import random
import sqlite3
import statistics
import tempfile
import time
from array import array
from bisect import bisect_left
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from bot.archive import SqlArchive, open_archive
from bot.archive.blocks import DAY_MS, HOUR_MS, RECORD_BYTES, HourRow, pack
from bot.archive.points import RECENT_HOURS
from bot.domain.facts import Point

SERIES, DAYS, MINUTES_DAYS = 200, 365, 14
START = datetime(2025, 1, 1, tzinfo=UTC)
END = START + timedelta(days=DAYS)
VENUES = ("deribit", "okx", "bybit", "binance")


def fill(path: Path) -> None:
    """A year of hours and two weeks of five-minute points, in the order in which they are heard: all series
    at each time."""
    raw = sqlite3.connect(path)
    raw.execute("INSERT INTO bases VALUES (1, 'deribit,okx', 4, 0)")
    places = [
        (number, "BTC", f"metric_{number // 5}", ("", *VENUES)[number % 5], 0) for number in range(SERIES)
    ]
    raw.executemany("INSERT INTO series VALUES (?, ?, ?, ?, ?)", places)
    first = int(START.timestamp()) // 86_400
    for day in range(first, first + DAYS):
        for number in range(SERIES):
            rows = [
                HourRow(day * DAY_MS + hour * HOUR_MS + 3_300_000, random.random() * 1e5, 1, 0)
                for hour in range(24)
            ]
            raw.execute("INSERT INTO hours VALUES (?, ?, ?)", (number, day, pack(rows)))
    begin = int((END - timedelta(days=MINUTES_DAYS)).timestamp() * 1000)
    for at_ms in range(begin, int(END.timestamp() * 1000), 300_000):
        raw.executemany(
            "INSERT INTO points VALUES (?, ?, ?, 1, 0)",
            [(n, at_ms, random.random() * 1e5) for n in range(SERIES)],
        )
    raw.commit()
    raw.close()


async def measure(
    name: str,
    work: Callable[[], Awaitable[object]],
    *,
    goal: float | None = None,
    peer_ms: float | None = None,
    times: int = 9,
) -> None:
    """One row: the best of several runs, after one to warm up."""
    [spent] = await taken(work, times=times)
    row(name, "ms", min(spent), goal=goal, peer=peer_ms)
    print(f"{name}: median {statistics.median(spent):.2f} ms")


async def taken(*works: Callable[[], Awaitable[object]], times: int) -> list[list[float]]:
    """Milliseconds of each run of each, after one to warm up; they take turns, so that a busy machine is busy
    for all."""
    spent: list[list[float]] = [[] for _ in works]
    for number in range(times + 1):
        for work, own in zip(works, spent, strict=True):
            begun = time.perf_counter()
            await work()
            if number:
                own.append((time.perf_counter() - begun) * 1000)
    return spent


def row(
    what: str,
    unit: str,
    value: float,
    *,
    goal: float | None = None,
    peer: float | None = None,
    by: str = "bare sqlite3",
    at_most: float | None = None,
) -> None:
    """A row of the table, its peer's value beside it: `goal` in the unit, or `at_most` how often the peer's
    time ours may be."""
    told: dict[str, object] = {"what": what, "value": round(value, 2), "unit": unit}
    if peer is not None:
        told |= {"peer": by, "peer_value": round(peer, 2), "ratio": round(peer / value, 2)}
        if at_most is not None:
            told |= {"goal": f"≤ {at_most:g} x the peer", "held": value <= at_most * peer}
    if goal is not None:
        told |= {"goal": f"≤ {goal:g} {unit}", "held": value <= goal}
    print("row:" + json.dumps(told, ensure_ascii=False))


def room(path: Path) -> None:
    """Bytes a row in each table of points."""
    raw = sqlite3.connect(path)
    for table, each in (("points", 1), ("hours", 24)):
        rows = raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0] * each
        size = raw.execute("SELECT sum(pgsize) FROM dbstat WHERE name = ?", (table,)).fetchone()[0]
        row(f"room in {table}, {rows:,} points", "B a point", size / rows, goal=30)
    raw.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.sqlite"
        archive = await open_archive(f"sqlite:///{path}")
        await asyncio.to_thread(fill, path)
        await asyncio.to_thread(room, path)
        now = END
        latest_ms, written_ms = naive(path)
        engine = await orm(path)
        await measure(
            "latest of all metrics (200 series)",
            lambda: archive.points.latest("BTC"),
            goal=5,
            peer_ms=latest_ms,
        )
        await measure(
            "one metric, 90 days",
            lambda: archive.points.past("metric_3", "BTC", now - timedelta(days=90)),
            goal=20,
        )
        await past_beside_bare(path, archive, now - timedelta(days=30))
        await measure("one metric, a year", lambda: archive.points.past("metric_3", "BTC", START))
        await measure(
            "all series, 120 days (a start)",
            lambda: archive.points.series("BTC", now - timedelta(days=120)),
            times=3,
        )
        await measure("all series, a year", lambda: archive.points.series("BTC", START), times=3)
        tick = iter(range(10_000))

        async def poll() -> None:
            at = now + timedelta(seconds=next(tick))
            await archive.points.add(
                [Point(metric=f"metric_{n}", asset="BTC", at=at, value=1.0) for n in range(200)]
            )

        async def by_orm() -> None:
            at_ms = int(now.timestamp() * 1000) + next(tick)
            async with AsyncSession(engine) as session, session.begin():
                session.add_all(
                    [
                        OrmPoint(series_id=n, at_ms=at_ms, value=1.0, basis_id=1, covers_s=0)
                        for n in range(200)
                    ]
                )
                its_hour = OrmHour.series_id.in_(range(200)), OrmHour.hour == at_ms // HOUR_MS
                known = {
                    one.series_id: one for one in await session.scalars(select(OrmHour).where(*its_hour))
                }
                for n in range(200):
                    hour = known.get(n) or OrmHour(series_id=n, hour=at_ms // HOUR_MS)
                    hour.at_ms, hour.value, hour.basis_id = at_ms, 1.0, 1
                    session.add(hour)

        ours, theirs = await taken(poll, by_orm, times=25)
        written = "200 points in, and their hours"
        orm_ms = statistics.median(theirs)
        row(written, "ms", statistics.median(ours), peer=orm_ms, by="SQLAlchemy ORM", at_most=0.6)
        row(written, "ms", min(ours), peer=written_ms)
        await engine.dispose()
        await archive.aclose()


async def past_beside_bare(path: Path, archive: SqlArchive, since: datetime) -> None:
    """One metric's past, beside the same rows as the same arrays by bare sqlite3, on a thread like ours."""
    raw = sqlite3.connect(path, check_same_thread=False)
    told, bare = await archive.points.past("metric_3", "BTC", since), bare_past(raw, since)
    if (told.at_ms, told.value, told.covers_s) != bare:
        raise SystemExit("the peer tells another past than the archive")
    ours, theirs = await taken(
        lambda: archive.points.past("metric_3", "BTC", since),
        lambda: asyncio.to_thread(bare_past, raw, since),
        times=200,
    )
    row(
        "one metric, 30 days",
        "ms",
        statistics.median(ours),
        peer=statistics.median(theirs),
        by="bare sqlite3, same arrays",
        at_most=1.5,
    )
    raw.close()


def bare_past(raw: sqlite3.Connection, since: datetime) -> tuple["array[int]", "array[float]", "array[int]"]:
    """Times, values and lengths of one metric's past: by the hour from blocks, the last hours as heard."""
    since_ms = int(since.timestamp() * 1000)
    (number,) = raw.execute(
        "SELECT id FROM series WHERE asset = ? AND metric = ? AND venue = ''", ("BTC", "metric_3")
    ).fetchone()
    blocks = raw.execute(
        "SELECT block FROM hours WHERE series_id = ? AND day >= ? ORDER BY day", (number, since_ms // DAY_MS)
    ).fetchall()
    at_ms, value, covers_s = array("q"), array("d"), array("I")
    for (block,) in blocks:
        rows = len(block) // RECORD_BYTES
        at_ms.frombytes(block[: 8 * rows])
        value.frombytes(block[8 * rows : 16 * rows])
        covers_s.frombytes(block[18 * rows :])
    recent_ms = (at_ms[-1] // HOUR_MS - RECENT_HOURS + 1) * HOUR_MS
    first, last = bisect_left(at_ms, since_ms), bisect_left(at_ms, recent_ms)
    heard = raw.execute(
        "SELECT at_ms, value, covers_s FROM points WHERE series_id = ? AND at_ms >= ? ORDER BY at_ms",
        (number, recent_ms),
    ).fetchall()
    times, values, lengths = zip(*heard, strict=True)
    return (
        at_ms[first:last] + array("q", times),
        value[first:last] + array("d", values),
        covers_s[first:last] + array("I", lengths),
    )


class Orm(DeclarativeBase):
    """The tables of the peer."""


class OrmPoint(Orm):
    """A point as an ORM keeps it."""

    __tablename__ = "orm_points"

    series_id: Mapped[int] = mapped_column(primary_key=True)
    at_ms: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[float]
    basis_id: Mapped[int]
    covers_s: Mapped[int]


class OrmHour(Orm):
    """The last point of an hour as an ORM keeps it."""

    __tablename__ = "orm_hours"

    series_id: Mapped[int] = mapped_column(primary_key=True)
    hour: Mapped[int] = mapped_column(primary_key=True)
    at_ms: Mapped[int]
    value: Mapped[float]
    basis_id: Mapped[int]


async def orm(path: Path) -> AsyncEngine:
    """The peer: aiosqlite through SQLAlchemy's ORM, as durable as ours."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}")

    @event.listens_for(engine.sync_engine, "connect")
    def _(raw: Any, _record: object) -> None:
        cursor = raw.cursor()
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    async with engine.begin() as connection:
        await connection.run_sync(Orm.metadata.create_all)
    return engine


def naive(path: Path) -> tuple[float, float]:
    """Milliseconds of bare sqlite3: the latest by a GROUP BY over all points, and 200 rows in one
    transaction, synced."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute(
        "CREATE TABLE naive (series_id INTEGER, at_ms INTEGER, value REAL, PRIMARY KEY (series_id, at_ms))"
    )
    read, written = [], []
    for number in range(3):
        begun = time.perf_counter()
        raw.execute("SELECT series_id, max(at_ms), value FROM points GROUP BY series_id").fetchall()
        read.append((time.perf_counter() - begun) * 1000)
        begun = time.perf_counter()
        raw.execute("BEGIN IMMEDIATE")
        raw.executemany("INSERT INTO naive VALUES (?, ?, ?)", [(n, number, 1.0) for n in range(SERIES)])
        raw.execute("COMMIT")
        written.append((time.perf_counter() - begun) * 1000)
    raw.execute("DROP TABLE naive")
    raw.close()
    return min(read), min(written)


if __name__ == "__main__":
    asyncio.run(main())

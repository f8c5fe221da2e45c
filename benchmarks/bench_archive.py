"""The archive at one year of history and 200 series: how long reads take, how much room a row takes, beside a naive read.

Run: python benchmarks/bench_archive.py
"""

import asyncio
import json
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.archive import open_archive
from bot.archive.blocks import DAY_MS, HOUR_MS, Row, pack
from bot.domain.facts import Point

SERIES, DAYS, MINUTES_DAYS = 200, 365, 14
START = datetime(2025, 1, 1, tzinfo=UTC)
END = START + timedelta(days=DAYS)
VENUES = ("deribit", "okx", "bybit", "binance")


def fill(path: Path) -> None:
    """A year of hours and two weeks of five-minute points, in the order in which they are heard: all series at each time."""
    raw = sqlite3.connect(path)
    raw.execute("INSERT INTO bases VALUES (1, 'deribit,okx', 4, 0)")
    places = [(number, "BTC", f"metric_{number // 5}", ("", *VENUES)[number % 5], 0) for number in range(SERIES)]
    raw.executemany("INSERT INTO series VALUES (?, ?, ?, ?, ?)", places)
    first = int(START.timestamp()) // 86_400
    for day in range(first, first + DAYS):
        for number in range(SERIES):
            rows = [Row(day * DAY_MS + hour * HOUR_MS + 3_300_000, random.random() * 1e5, 1, 0) for hour in range(24)]
            raw.execute("INSERT INTO hours VALUES (?, ?, ?)", (number, day, pack(rows)))
    begin = int((END - timedelta(days=MINUTES_DAYS)).timestamp() * 1000)
    for at_ms in range(begin, int(END.timestamp() * 1000), 300_000):
        raw.executemany(
            "INSERT INTO points VALUES (?, ?, ?, 1, 0)", [(n, at_ms, random.random() * 1e5) for n in range(SERIES)]
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
    await work()
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        spent.append((time.perf_counter() - begun) * 1000)
    row(name, "ms", min(spent), goal=goal, peer=peer_ms)
    print(f"{name}: median {statistics.median(spent):.2f} ms")


def row(what: str, unit: str, value: float, *, goal: float | None = None, peer: float | None = None) -> None:
    """A row of the table."""
    told: dict[str, object] = {"what": what, "value": round(value, 2), "unit": unit}
    if peer is not None:
        told |= {"peer": "bare sqlite3", "peer_value": round(peer, 2), "ratio": round(peer / value, 2)}
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
        await measure("latest of all metrics (200 series)", lambda: archive.latest("BTC"), goal=5, peer_ms=latest_ms)
        await measure("one metric, 90 days", lambda: archive.past("metric_3", "BTC", now - timedelta(days=90)), goal=20)
        await measure("one metric, 30 days", lambda: archive.past("metric_3", "BTC", now - timedelta(days=30)), goal=2)
        await measure("one metric, a year", lambda: archive.past("metric_3", "BTC", START))
        await measure(
            "all series, 120 days (a start)", lambda: archive.series("BTC", now - timedelta(days=120)), times=3
        )
        await measure("all series, a year", lambda: archive.series("BTC", START), times=3)
        tick = iter(range(10_000))

        async def poll() -> None:
            at = now + timedelta(seconds=next(tick))
            await archive.add_points([Point(metric=f"metric_{n}", asset="BTC", at=at, value=1.0) for n in range(200)])

        await measure("200 points in", poll, peer_ms=written_ms)
        await archive.aclose()


def naive(path: Path) -> tuple[float, float]:
    """Milliseconds of bare sqlite3: the latest by a GROUP BY over all points, and 200 rows in one transaction, synced."""
    raw = sqlite3.connect(path, isolation_level=None)
    raw.execute("PRAGMA synchronous = FULL")
    raw.execute("CREATE TABLE naive (series_id INTEGER, at_ms INTEGER, value REAL, PRIMARY KEY (series_id, at_ms))")
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

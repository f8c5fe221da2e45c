"""The archive at one year of history and 200 series: how long reads take, how much room a row takes, beside a naive read.

Run: python benchmarks/bench_archive.py
"""

import asyncio
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


async def measure(name: str, work: Callable[[], Awaitable[object]], goal: str = "", times: int = 9) -> None:
    """One line: the median and the best of several runs, after one to warm up."""
    await work()
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        await work()
        spent.append((time.perf_counter() - begun) * 1000)
    print(f"{name:<58} {statistics.median(spent):9.2f} {min(spent):9.2f}   {goal}")


def room(path: Path) -> None:
    """Bytes a row in each table of points."""
    raw = sqlite3.connect(path)
    for table, each in (("points", 1), ("hours", 24)):
        rows = raw.execute(f"SELECT count(*) FROM {table}").fetchone()[0] * each
        size = raw.execute("SELECT sum(pgsize) FROM dbstat WHERE name = ?", (table,)).fetchone()[0]
        print(f"{table:<58} {rows:9d} points, {size / rows:5.1f} B a point  goal: 30 B or less")
    raw.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.sqlite"
        archive = await open_archive(f"sqlite:///{path}")
        await asyncio.to_thread(fill, path)
        await asyncio.to_thread(room, path)
        print(f"{'':<58} {'median ms':>9} {'best ms':>9}")
        now = END
        await measure("latest of all metrics (200 series)", lambda: archive.latest("BTC"), "goal: 5")
        await measure(
            "one metric, 90 days", lambda: archive.past("metric_3", "BTC", now - timedelta(days=90)), "goal: 20"
        )
        await measure(
            "one metric, 30 days", lambda: archive.past("metric_3", "BTC", now - timedelta(days=30)), "goal: 2"
        )
        await measure("one metric, a year", lambda: archive.past("metric_3", "BTC", START))
        await measure(
            "all series, 120 days (a start)", lambda: archive.series("BTC", now - timedelta(days=120)), times=3
        )
        await measure("all series, a year", lambda: archive.series("BTC", START), times=3)
        tick = iter(range(10_000))

        async def poll() -> None:
            at = now + timedelta(seconds=next(tick))
            await archive.add_points([Point(metric=f"metric_{n}", asset="BTC", at=at, value=1.0) for n in range(200)])

        await measure("200 points in", poll)
        await archive.aclose()
        naive(path)


def naive(path: Path) -> None:
    """What a GROUP BY over all points costs for the same answer."""
    raw = sqlite3.connect(path)
    begun = time.perf_counter()
    raw.execute("SELECT series_id, max(at_ms), value FROM points GROUP BY series_id").fetchall()
    print(f"{'peer: latest by GROUP BY over two weeks, bare sqlite3':<58} {(time.perf_counter() - begun) * 1000:9.2f}")
    begun = time.perf_counter()
    raw.execute("SELECT at_ms, value FROM points WHERE series_id = 15 ORDER BY at_ms").fetchall()
    print(f"{'peer: 14 days of one metric from five-minute points':<58} {(time.perf_counter() - begun) * 1000:9.2f}")
    raw.close()


if __name__ == "__main__":
    asyncio.run(main())

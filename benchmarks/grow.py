"""A year of polls in an archive: how large it grows, how long it takes to start on it and to ask it.

Run: python benchmarks/grow.py [--assets 2] [--days 365]     (a few minutes)

The points are those of one poll of the tape, as many as the real one stores, with other values: every five minutes in the
last two weeks, of which each is kept, and hourly before, where an hour keeps one. Two posts a day for each asset; of the last
two weeks an evaluation an hour. The last night is pruned as the bot does. What it prints is a row of the table in
docs/scaling.md."""

import argparse
import asyncio
import io
import random
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

# ruff: noqa: E402
from rich.console import Console

from bot.archive import SqlArchive, open_archive
from bot.archive.blocks import DAY_MS, HOUR_MS, HourRow, pack
from bot.domain.posts import Decision, Post, Profile
from bot.domain.readings import Snapshot
from bot.metrics import History
from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process.demo import read_tape
from bot.process.settings import load

BEGIN = datetime(2025, 1, 1, tzinfo=UTC)
EVERY = timedelta(minutes=5)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
KEPT_DAYS = 14
HISTORY = timedelta(days=120)
NAMES = ("BTC", "ETH", "SOL", "XRP", "DOGE")


async def one_poll() -> tuple[Decision, Snapshot]:
    """What the tape's second scheduled poll leads to."""
    settings = load(CONFIG, {}).model_copy(update={"assets": ("BTC",)})
    tape = read_tape("february-2026")
    kept: list[tuple[Decision, Snapshot]] = []

    async def keep(asset: str, profile: Profile, decision: Decision, snapshot: Snapshot) -> None:
        kept.append((decision, snapshot))

    async with app.house(settings, read_playbook(), terminal=Console(file=io.StringIO()), tape=tape) as parts:
        parts.archive.commit = keep  # type: ignore[method-assign]
        at = tape.post_times[1]
        parts.clock.set(at)  # type: ignore[attr-defined]
        await parts.desk.poller.poll("BTC", at)
    return kept[0]


def fill_points(path: Path, days: int) -> None:
    """Every series of the file, over all days: packed hours, and of the last two weeks each poll. As a bot of a year would
    have left them, without the year."""
    raw = sqlite3.connect(path)
    series = raw.execute("SELECT series_id, value, basis_id, covers_s FROM points").fetchall()
    first = int(BEGIN.timestamp()) // 86_400
    for day in range(first, first + days):
        blocks = []
        for number, value, basis, covers in series:
            rows = [
                HourRow(
                    day * DAY_MS + hour * HOUR_MS + 3_300_000,
                    value * random.uniform(0.98, 1.02),
                    basis,
                    covers,
                )
                for hour in range(24)
            ]
            blocks.append((number, day, pack(rows)))
        raw.executemany("INSERT OR REPLACE INTO hours VALUES (?, ?, ?)", blocks)
    begin = int((BEGIN + DAY * (days - KEPT_DAYS)).timestamp() * 1000)
    for at_ms in range(
        begin, int((BEGIN + DAY * days).timestamp() * 1000), int(EVERY.total_seconds() * 1000)
    ):
        polled = [
            (number, at_ms, value * random.uniform(0.98, 1.02), basis, covers)
            for number, value, basis, covers in series
        ]
        raw.executemany("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?)", polled)
    raw.commit()
    raw.close()


def posts_of(template: Decision, asset: str, at: datetime) -> tuple[Post, ...]:
    """The template's first post as another day's."""
    return tuple(
        replace(post, id=f"{asset.lower()}{at:%y%m%d%H}", intended_at=at, asset=asset)
        for post in template.posts[:1]
    )


async def fill(archive: SqlArchive, path: Path, assets: Sequence[str], days: int) -> float:
    """All days; how long the last night's pruning took, in seconds."""
    decision, snapshot = await one_poll()
    for asset in assets:
        await archive.points.add([replace(point, asset=asset, at=BEGIN) for point in decision.points])
    await asyncio.to_thread(fill_points, path, days)
    for number in range(days):
        hours = range(24) if number >= days - KEPT_DAYS else (0, 12)
        for asset in assets:
            for hour in hours:
                at = BEGIN + DAY * number + HOUR * hour
                one = replace(
                    decision,
                    points=(),
                    posts=posts_of(decision, asset, at) if hour in (0, 12) else (),
                    facts=replace(decision.facts, asset=asset, at=at),
                    verdict=replace(decision.verdict, asset=asset, at=at),
                )
                await archive.commit(asset, Profile(), one, replace(snapshot, asset=asset, taken_at=at))
    begun_s = time.perf_counter()
    await archive.prune(BEGIN + DAY * days - EVERY)
    return time.perf_counter() - begun_s


async def ask(path: Path, assets: Sequence[str], days: int) -> dict[str, Any]:
    """Times of what a start and readers ask, in milliseconds, and the memory that it takes, in MB."""
    end = BEGIN + DAY * days
    begun_s = time.perf_counter()
    archive = await open_archive(f"sqlite:///{path}")
    histories = [History.of(asset, await archive.points.series(asset, end - HISTORY)) for asset in assets]
    started_ms = (time.perf_counter() - begun_s) * 1000
    told: dict[str, Any] = {"start": started_ms, "histories": len(histories)}
    works = {
        "latest": lambda: archive.points.latest(assets[0]),
        "90 days": lambda: archive.points.past("spot_usd", assets[0], end - timedelta(days=90)),
        "a year": lambda: archive.points.past("spot_usd", assets[0], BEGIN),
        "posts": lambda: archive.posts.find(limit=50),
        "verdicts": lambda: archive.states.verdicts(assets[0], end - timedelta(days=90)),
    }
    for name, work in works.items():
        spent = []
        for _ in range(7):
            begun_s = time.perf_counter()
            await work()
            spent.append((time.perf_counter() - begun_s) * 1000)
        told[name] = min(spent)
    told["rss"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    await archive.aclose()
    return told


def main() -> None:
    """Fill, then ask from a fresh process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--assets", type=int, default=2)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--ask", type=Path)
    given = parser.parse_args()
    assets = NAMES[: given.assets]
    if given.ask:
        told = asyncio.run(ask(given.ask, assets, given.days))
        print(" ".join(f"{name}={value:.1f}" for name, value in told.items()))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "year.sqlite"

        async def whole() -> float:
            archive = await open_archive(f"sqlite:///{path}")
            pruned_s = await fill(archive, path, assets, given.days)
            await archive.aclose()
            return pruned_s

        pruned_s = asyncio.run(whole())
        size_mb = path.stat().st_size / 1e6
        log = Path(f"{path}-wal")
        log_mb = log.stat().st_size / 1e6 if log.exists() else 0.0
        arguments = [sys.executable, __file__, "--assets", str(given.assets), "--days", str(given.days)]
        asked = subprocess.run(
            [*arguments, "--ask", str(path)], check=True, capture_output=True, text=True
        ).stdout
        print(
            f"{given.assets} assets, {given.days} days: file {size_mb:.0f} MB, log {log_mb:.0f} MB,"
            f" a night {pruned_s:.1f} s, {asked.strip()}"
        )


if __name__ == "__main__":
    main()

"""A year of one asset filled from the tape's answers: CPU seconds without what the tape itself costs, requests by host, room
on disk; and a start of the bot on a year of five assets.

Run: python benchmarks/bench_backfill.py [--days 365]
"""

import argparse
import asyncio
import io
import json
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
from rich.console import Console as Terminal

from benchmarks.bench_start import ours
from bot.playbook import CONFIG, read_playbook
from bot.process.app import house
from bot.process.backfill import fill
from bot.process.demo import read_tape
from bot.process.settings import load
from bot.sources._tape import TapeTransport

YEAR = 365
ASSETS = ("BTC", "ETH", "SOL", "XRP", "DOGE")
STARTS = 3
READY_GOAL_S = 1.5


class Timed(httpx.AsyncBaseTransport):
    """The tape, with the CPU seconds that its answers take."""

    def __init__(self, tape: TapeTransport) -> None:
        self._tape = tape
        self.spent_s = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        began = time.process_time()
        response = await self._tape.handle_async_request(request)
        self.spent_s += time.process_time() - began
        return response


async def filled(path: Path, days: int) -> tuple[float, dict[str, int]]:
    """CPU seconds of filling the days of one asset into a file, the tape's own left out; requests by host."""
    tape, settings = read_tape("february-2026"), load(CONFIG, {}).model_copy(update={"assets": ASSETS[:1]})
    timed = Timed(TapeTransport(tape, lambda: tape.starts_at, venues=settings.sources))
    terminal, url = Terminal(file=io.StringIO()), f"sqlite+aiosqlite:///{path}"
    playbook = read_playbook()
    async with house(settings, playbook, terminal=terminal, tape=tape, transport=timed, url=url) as parts:
        began = time.process_time()
        await fill(parts.desk, days, lambda what, number, total: None)
        spent_s = time.process_time() - began - timed.spent_s
        return spent_s, {usage.host: usage.requests for usage in parts.http.usage() if usage.requests}


def copied(path: Path, assets: Sequence[str]) -> None:
    """The first asset's past once more for each of the others."""
    with sqlite3.connect(path) as database:
        for asset in assets[1:]:
            known = list(database.execute("SELECT id FROM series WHERE asset = ?", (assets[0],)))
            for (number,) in known:
                [(made,)] = database.execute(
                    "INSERT INTO series (asset, metric, venue, grain) "
                    "SELECT ?, metric, venue, grain FROM series WHERE id = ? RETURNING id",
                    (asset, number),
                )
                for table, columns in (
                    ("points", "at_ms, value, basis_id, covers_s"),
                    ("days", "at_ms, value, basis_id, covers_s"),
                    ("hours", "day, block"),
                ):
                    database.execute(
                        f"INSERT INTO {table} (series_id, {columns}) SELECT ?, {columns} FROM {table} WHERE series_id = ?",
                        (made, number),
                    )
    database.close()


def size_mb(path: Path) -> float:
    """A database's size once its log is written back."""
    database = sqlite3.connect(path)
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.execute("VACUUM")
    database.close()
    return path.stat().st_size / 1e6


def row(what: str, value: float, unit: str, **more: object) -> str:
    told = {"what": what, "value": round(value, 2), "unit": unit, **more}
    return f"row: {json.dumps(told, ensure_ascii=False)}"


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--days", type=int, default=YEAR)
    days = parser.parse_args().days
    with tempfile.TemporaryDirectory() as folder:
        empty, path = Path(folder) / "empty.sqlite", Path(folder) / "year.sqlite"
        asyncio.run(filled(empty, 0))
        spent_s, requests = asyncio.run(filled(path, days))
        told = ", ".join(f"{host} {count}" for host, count in sorted(requests.items()))
        print(f"{sum(requests.values())} requests for {days} days of one asset: {told}")
        print(row("CPU of a backfill, a year and asset", spent_s * YEAR / days, "s"))
        print(row("room on disk, a year and asset", (size_mb(path) - size_mb(empty)) * YEAR / days, "MB"))
        copied(path, ASSETS)
        environment = {
            "DATABASE_URL": f"sqlite+aiosqlite:///{path}",
            "TIGHTROPE_ASSETS": json.dumps(list(ASSETS)),
        }
        ours(environment)
        starts = [ours(environment) for _ in range(STARTS)]
        ready_s, memory = min(one[0] for one in starts), max(one[1] for one in starts)
        what = f"page answers, with {days} days of {len(ASSETS)} assets"
        bare_s = min(ours()[0] for _ in range(STARTS))
        beside = {
            "peer": "the same with an empty archive",
            "peer_value": round(bare_s, 2),
            "ratio": bare_s / ready_s,
        }
        print(row(what, ready_s, "s", **beside, goal=f"≤ {READY_GOAL_S:g} s", held=ready_s <= READY_GOAL_S))
        print(row("memory then, with 365 days of 5 assets", memory, "MB"))


if __name__ == "__main__":
    main()

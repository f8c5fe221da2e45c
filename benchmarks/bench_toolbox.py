"""The commands about options, from a poll that was heard: the first answer after it, which fits the smiles, and the next.

Run: ./tightrope bench toolbox
"""

import asyncio
import json
import logging
import statistics
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Any

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bot.commands import Request, discover, run
from bot.playbook import read_playbook
from tests.commands.conftest import PAST, FixedClock, MemoryArchive
from tests.commands.tapes import tape_poll
from tests.desks import market_of

ROUNDS = 15
GOAL_MS, GOAL_SKEW_MS, GOAL_SKEW_CALLS = 50.0, 3.0, 1_500
SKEW_ROUNDS = 200
TYPED = {"odds": {"level": "+10%"}}
NAMES = ("skew", "move", "odds", "hedge", "expiries", "gamma", "smile", "calendar", "changes", "carry")


async def timed(name: str) -> tuple[float, float]:
    """Milliseconds of the first answer after a poll and of the next, the shortest of the rounds."""
    market = market_of(MemoryArchive(PAST), FixedClock(), read_playbook())
    command, request = discover()[name], Request(options=TYPED.get(name, {}))
    await run(market, command, request)
    first, later = [], []
    for _ in range(ROUNDS):
        market.memory.keep_snapshot(tape_poll("BTC"))
        for took in (first, later):
            begun_s = time.perf_counter()
            await run(market, command, request)
            took.append((time.perf_counter() - begun_s) * 1000.0)
    return min(first), min(later)


async def skew_again() -> tuple[float, int]:
    """Of a question that was asked before: milliseconds of the middle one of many answers, and the calls of one, of Python's
    functions and of C's."""
    market = market_of(MemoryArchive(PAST), FixedClock(), read_playbook())
    command, request, took, calls = discover()["skew"], Request(), list[float](), 0
    market.memory.keep_snapshot(tape_poll("BTC"))
    for _ in range(SKEW_ROUNDS):
        begun_s = time.perf_counter()
        await run(market, command, request)
        took.append((time.perf_counter() - begun_s) * 1000.0)

    def count(frame: FrameType, event: str, of: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    await run(market, command, request)
    sys.setprofile(None)
    return statistics.median(took), calls


def main() -> None:
    """Measure, and print the rows."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for name in NAMES:
        first, later = asyncio.run(timed(name))
        for what, took_ms in (("the first after a poll", first), ("the next", later)):
            row = {"what": f"/{name}, {what}", "value": round(took_ms, 1), "unit": "ms"}
            print("row:" + json.dumps(row | {"goal": f"≤ {GOAL_MS:g} ms", "held": took_ms <= GOAL_MS}))
    median_ms, calls = asyncio.run(skew_again())
    for what, unit, value, most in (
        ("the middle of many", "ms", round(median_ms, 2), GOAL_SKEW_MS),
        ("one of many", "calls", calls, GOAL_SKEW_CALLS),
    ):
        row = {"what": f"/skew, {what}", "value": value, "unit": unit}
        print("row:" + json.dumps(row | {"goal": f"≤ {most:g} {unit}", "held": value <= most}))


if __name__ == "__main__":
    main()

"""The commands about options, from a poll that was heard: the first answer after it, which fits the smiles, and the next.

Run: ./tightrope bench toolbox
"""

import asyncio
import json
import logging
import sys
import time
from pathlib import Path

import structlog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bot.commands import Request, discover, run
from bot.playbook import read_playbook
from tests.commands.conftest import PAST, FixedClock, MemoryArchive
from tests.commands.tapes import tape_poll
from tests.desks import market_of

ROUNDS = 15
GOAL_MS, GOAL_SKEW_MS = 50.0, 3.0
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


def main() -> None:
    """Measure, and print the rows."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    for name in NAMES:
        first, later = asyncio.run(timed(name))
        for what, took_ms in (("the first after a poll", first), ("the next", later)):
            most = GOAL_SKEW_MS if name == "skew" and took_ms == later else GOAL_MS
            row = {"what": f"/{name}, {what}", "value": round(took_ms, 1), "unit": "ms"}
            print("row:" + json.dumps(row | {"goal": f"≤ {most:g} ms", "held": took_ms <= most}))


if __name__ == "__main__":
    main()

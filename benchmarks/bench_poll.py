"""One poll of every source and two assets on the tape, in CPU seconds, with what the tape itself costs told apart.

Run: python benchmarks/bench_poll.py
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bot.domain.readings import Heard
from bot.sources import available
from bot.sources._http import Http
from bot.sources._tape import TapeTransport
from bot.sources._tape_table import parse

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
ASSETS = ("BTC", "ETH")
GOAL_S = 0.15
RUNS = 15
FOLDER = Path(__file__).resolve().parents[1] / "config" / "tapes" / "february-2026"


class Replayed(httpx.AsyncBaseTransport):
    """Answers of the tape, each worked out once: what is left is the cost of asking and reading."""

    def __init__(self, tape: TapeTransport) -> None:
        self._tape = tape
        self._known: dict[tuple[str, bytes], tuple[bytes, httpx.Headers]] = {}
        self.requests = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request; from the tape where it is the first of its kind."""
        self.requests += 1
        question = (str(request.url), request.content)
        if question not in self._known:
            response = await self._tape.handle_async_request(request)
            self._known[question] = (response.content, response.headers)
        body, headers = self._known[question]
        return httpx.Response(200, content=body, headers=headers)


async def cpu_s(poll: Callable[[], Awaitable[object]]) -> float:
    """CPU seconds of one run, the least of some."""
    taken = []
    for _ in range(RUNS):
        began = time.process_time()
        await poll()
        taken.append(time.process_time() - began)
    return min(taken)


async def measure() -> tuple[float, float, int, int]:
    """CPU seconds of a poll with the tape and without it, its requests, and the readings that it brings."""
    tape = parse({path.name: path.read_text("utf-8") for path in FOLDER.iterdir()})

    def fresh() -> TapeTransport:
        return TapeTransport(tape, lambda: AT, venues=tuple(available()))

    replayed = Replayed(fresh())

    def polling(make: Callable[[], httpx.AsyncBaseTransport]) -> Callable[[], Awaitable[list[Heard]]]:
        async def poll() -> list[Heard]:
            # A new Http each time: what one poll shares between assets must not be shared between polls.
            http = Http(now=lambda: AT, transport=make())
            sources = [source(http, key="key") for source in available().values()]
            return await asyncio.gather(*(source.poll(asset, AT) for source in sources for asset in ASSETS))

        return poll

    heard = await polling(lambda: replayed)()
    requests = replayed.requests
    ours_s = await cpu_s(polling(lambda: replayed))
    both_s = await cpu_s(polling(fresh))
    return both_s, ours_s, requests, sum(len(one.readings) for one in heard)


def main() -> None:
    """Print both figures beside the goal."""
    both_s, ours_s, requests, readings = asyncio.run(measure())
    print(f"poll of {len(available())} sources, {len(ASSETS)} assets: {requests} requests, {readings} readings")
    print(f"CPU with the tape making the answers: {both_s:.3f} s; asking and reading alone: {ours_s:.3f} s")
    print(f"goal {GOAL_S} s: {both_s / GOAL_S:.2f} of it with the tape, {ours_s / GOAL_S:.2f} without")


if __name__ == "__main__":
    main()

"""One poll of every source and two assets on the tape, in CPU seconds, with what the tape itself costs told
apart.

Run: python benchmarks/bench_poll.py
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
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
        self.asked: list[tuple[str, str, bytes]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The answer to a request; from the tape where it is the first of its kind."""
        self.requests += 1
        self.asked.append((request.method, str(request.url), request.content))
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


async def bare(replayed: Replayed, asked: Sequence[tuple[str, str, bytes]]) -> None:
    """The same requests by httpx alone, their replies decoded and thrown away."""
    async with httpx.AsyncClient(transport=replayed) as client:
        replies = await asyncio.gather(
            *(client.request(method, url, content=content) for method, url, content in asked)
        )
    for reply in replies:
        if reply.content[:1] in (b"{", b"["):
            json.loads(reply.content)


async def measure() -> tuple[float, float, float, int, int]:
    """CPU seconds of a poll with the tape, without it, and by httpx alone; its requests, and the readings
    that it brings."""
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
    requests, asked = replayed.requests, tuple(replayed.asked)
    ours_s = await cpu_s(polling(lambda: replayed))
    both_s = await cpu_s(polling(fresh))
    bare_s = await cpu_s(lambda: bare(replayed, asked))
    return both_s, ours_s, bare_s, requests, sum(len(one.readings) for one in heard)


def main() -> None:
    """Print the rows beside the goal."""
    both_s, ours_s, bare_s, requests, readings = asyncio.run(measure())
    print(
        f"poll of {len(available())} sources, {len(ASSETS)} assets: {requests} requests, {readings} readings"
    )
    goal = {"goal": f"≤ {GOAL_S:g} s", "held": both_s <= GOAL_S}
    peer = {"peer": "bare httpx", "peer_value": round(bare_s, 4), "ratio": round(bare_s / ours_s, 2)}
    for row in (
        {
            "what": "CPU of a poll, the tape's answers worked out",
            "value": round(both_s, 4),
            "unit": "s",
            **goal,
        },
        {"what": "CPU of asking and reading alone", "value": round(ours_s, 4), "unit": "s", **peer},
    ):
        print("row:" + json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()

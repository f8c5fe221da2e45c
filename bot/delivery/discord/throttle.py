"""A throttle of our own: Discord allows a bot 50 requests a second in all, and discord.py only reacts once it
is refused."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from types import SimpleNamespace
from typing import Final

import aiohttp
from msgspec import Struct

from bot.delivery.discord.limits import wait_s
from bot.delivery.discord.refusals import Refusals

RATE: Final = 48  # two below the limit: requests do not arrive as evenly as they are sent
LIMITED: Final = "/api/"
FREE: Final = ("/interactions/", "/webhooks/")
CATCH_UP: Final = 2  # turns that a late wake-up may make good at once: no more than the limit spares
WINDOW_S: Final = 1.0
SLOWEST_S: Final = (
    1.0  # a request that is out for longer than this beyond the usual hangs, and was counted long ago
)
LOOK_S: Final = 0.02
CLIMB: Final = (
    1.001  # of the usual, with each answer: a way that became longer is known as such after some seconds
)


class Turn(Struct):
    """One request: when it left, and when its answer came; None while it is out."""

    left_at: float
    answered_at: float | None = None


class Throttle:
    """At most `rate` turns in any second, evenly spaced, first come, first served. The clock (monotonic
    seconds) is an argument.

    Discord counts a request when it arrives. An answer that came later than usual says that its request may
    have arrived later too, and so does one that is still out: such a turn counts from then. What is usual is
    learned again from each answer, and holds for the turns before it as well: where a slow time ends, its last
    requests turn out to have been held up. Nobody's turn comes while the budget of `refusals` is spent."""

    def __init__(
        self,
        rate: int = RATE,
        *,
        refusals: Refusals | None = None,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._rate = rate
        self._refusals = refusals or Refusals(now=now)
        self._gap_s = 1 / (rate + 1)  # a little faster, up to the limit: a late wake-up costs no rate
        self._now = now
        self._sleep = sleep
        self._due = now()
        self._taken: deque[Turn] = deque(maxlen=2 * rate)
        self._usual_s: float | None = None
        self._queue = asyncio.Lock()

    async def turn(self) -> Turn:
        """Return when it is the caller's turn. Who tells `done` of it, keeps the limit where requests are
        held up."""
        async with self._queue:
            while (pause_s := max(self._due - self._now(), self._full_s(), self._refusals.wait_s())) > 0:
                await self._sleep(pause_s)
            now = self._now()
            turn = Turn(left_at=now)
            self._taken.append(turn)
            self._due = max(self._due, now - CATCH_UP * self._gap_s) + self._gap_s
            return turn

    def finish(self, turn: Turn) -> None:
        """The answer is here."""
        turn.answered_at = self._now()
        took_s = turn.answered_at - turn.left_at
        self._usual_s = took_s if self._usual_s is None else min(took_s, self._usual_s * CLIMB)

    def _full_s(self) -> float:
        """How long until a further request keeps the limit."""
        if len(self._taken) < self._rate:
            return 0.0
        now = self._now()
        free_s = wait_s((self._counts_at(turn, now) for turn in self._taken), self._rate, WINDOW_S, now)
        return min(free_s, LOOK_S) if any(turn.answered_at is None for turn in self._taken) else free_s

    def _counts_at(self, turn: Turn, now: float) -> float:
        """When Discord may have counted a turn."""
        if self._usual_s is None:
            return turn.left_at
        if turn.answered_at is not None:
            return max(turn.left_at, min(turn.answered_at - self._usual_s, turn.left_at + SLOWEST_S))
        hangs = now - turn.left_at > self._usual_s + SLOWEST_S
        return turn.left_at if hangs else max(turn.left_at, now - self._usual_s)

    def trace(self, heed: Callable[[Mapping[str, str]], None] | None = None) -> aiohttp.TraceConfig:
        """The throttle in front of every request, discord.py's own repeats included. Answers to interactions
        and the gateway are outside Discord's limit, and do not wait: a reader would get none, and there are
        few. A refusal counts wherever it is. `heed` is shown the headers of each answer."""

        async def wait(
            session: aiohttp.ClientSession, context: SimpleNamespace, asked: aiohttp.TraceRequestStartParams
        ) -> None:
            if LIMITED in asked.url.path and not any(free in asked.url.path for free in FREE):
                context.turn = await self.turn()

        async def finish(
            session: aiohttp.ClientSession,
            context: SimpleNamespace,
            heard: aiohttp.TraceRequestEndParams | aiohttp.TraceRequestExceptionParams,
        ) -> None:
            turn: Turn | None = getattr(context, "turn", None)
            if turn is not None:
                self.finish(turn)
            if isinstance(heard, aiohttp.TraceRequestEndParams) and LIMITED in heard.url.path:
                self._refusals.heed(heard.response)
                if heed is not None:
                    heed(heard.response.headers)

        config = aiohttp.TraceConfig()
        config.on_request_start.append(wait)
        config.on_request_end.append(finish)
        config.on_request_exception.append(finish)
        return config

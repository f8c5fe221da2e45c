"""What Discord refused of late: it bans an address that is refused 10,000 times in ten minutes, so a process
stops asking long before.

Docs: https://docs.discord.com/developers/topics/rate-limits (invalid request limit) Limits: an answer of 401,
403 or 429 counts, whatever it answers; a 429 whose X-RateLimit-Scope is `shared` does not."""

import time
from collections.abc import Callable
from typing import Final

import aiohttp
import structlog

from bot.delivery.discord.limits import SlidingWindow

log = structlog.get_logger()

LIMIT: Final = 10_000
WINDOW_S: Final = 600.0
# Under half: a successor that knows nothing of them may be refused as often, with what was still out when it
# was spent.
BUDGET: Final = 4_000
COUNTED: Final = frozenset({401, 403, 429})


class Refusals:
    """Counts the answers that Discord counts, over its ten minutes; `share` is this process's part of what
    the bot is allowed in all.

    The clock (monotonic seconds) is an argument.
    """

    def __init__(self, share: float = 1.0, *, now: Callable[[], float] = time.monotonic) -> None:
        self.budget = max(1, int(BUDGET * share))
        self._window = SlidingWindow(self.budget, WINDOW_S, now=now)
        self._told = False

    def heed(self, response: aiohttp.ClientResponse) -> None:
        """Count one answer where Discord does; the log hears of each, and once that the budget is spent."""
        if response.status not in COUNTED or response.headers.get("X-RateLimit-Scope") == "shared":
            return
        self._window.add()
        log.info("discord.refused", status=response.status, method=response.method)
        if self.wait_s() > 0 and not self._told:
            self._told = True
            log.warning(
                "discord.refusals_spent", budget=self.budget, within_s=WINDOW_S, wait_s=round(self.wait_s())
            )

    def wait_s(self) -> float:
        """How long until one more refusal keeps to the budget; 0 where it does now."""
        if len(self._window) <= self.budget / 2:
            self._told = False
        return self._window.wait_s()

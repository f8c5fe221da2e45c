"""What is known of one host: the budget of requests spent on it, and whether it is well enough to be asked.

A budget is a bucket: `burst` requests at once, refilled at `per_s`. What is taken beyond it is a debt that
the asker waits off, so the sum over any time stays within the venue's documented limit. The circuit breaker
opens after some failures in a row; when its time is over one request goes first as a probe, and the others
wait for what it learns."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from bot.reasons import reason

FAILURES_TO_OPEN = 3
OPEN_FIRST = timedelta(seconds=30)
OPEN_LONGEST = timedelta(minutes=10)

Health = Literal["well", "probing", "resting"]


class Budget(Struct, frozen=True, kw_only=True):
    """A host's documented limit: `burst` requests (or weight) at once, refilled at `per_s`."""

    burst: float
    per_s: float


class HostUsage(Struct, frozen=True, kw_only=True):
    """A host's state, for `/status` and `bot doctor`: weight in use of the limit, requests since the start,
    health, and what the last trouble was. `resting_until` is set while nothing is asked."""

    host: str
    used: float
    limit: float
    requests: int
    health: Health
    resting_until: datetime | None
    trouble: str | None


class Purse:
    """What is left of a budget: of one host's, or of one that several hosts share. All times are given."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self._tokens = budget.burst
        self._refilled_at: datetime | None = None

    def balance_at(self, now: datetime) -> float:
        """What may be spent now; below zero it is owed."""
        if self._refilled_at is not None and now > self._refilled_at:
            gained = (now - self._refilled_at).total_seconds() * self.budget.per_s
            self._tokens = min(self.budget.burst, self._tokens + gained)
        self._refilled_at = now
        return self._tokens

    def take(self, cost: float, now: datetime) -> None:
        """Spend `cost`."""
        self._tokens = self.balance_at(now) - cost


class Host:
    """One host's budget and breaker. All times are given: it reads no clock. `passing` says of a refusal's body
    whether waiting helps."""

    def __init__(self, name: str, purse: Purse, *, passing: Callable[[bytes], bool] | None = None) -> None:
        self.name = name
        self.purse = purse
        self.probe = asyncio.Lock()
        self._passing = passing
        self._requests = 0
        self._failures = 0
        self._resting_until: datetime | None = None
        self._rest = OPEN_FIRST
        self._trouble: str | None = None

    def wait_s(self, cost: float, now: datetime) -> float:
        """How long to wait until `cost` may be spent, in seconds."""
        return max(0.0, (cost - self.purse.balance_at(now)) / self.purse.budget.per_s)

    def spend(self, cost: float, now: datetime) -> None:
        """Take `cost` from the budget."""
        self.purse.take(cost, now)
        self._requests += 1

    def passing(self, body: bytes) -> bool:
        """Whether the body of a refusal tells of trouble that waiting helps against."""
        return self._passing is not None and self._passing(body)

    def resting_s(self, now: datetime) -> float:
        """Seconds for which nothing may be asked; 0 where the host may be asked."""
        return 0.0 if self._resting_until is None else max(0.0, (self._resting_until - now).total_seconds())

    @property
    def doubtful(self) -> bool:
        """Whether it has rested and has not answered since: the next request is a probe."""
        return self._resting_until is not None

    @property
    def trouble(self) -> str:
        """What the last failure was."""
        return self._trouble or reason("no_trouble")

    def note_answer(self) -> None:
        """It answered: all is forgotten."""
        self._failures = 0
        self._resting_until = None
        self._rest = OPEN_FIRST
        self._trouble = None

    def note_failure(self, trouble: str, now: datetime) -> None:
        """It did not answer, or with an error of its own. Some of these in a row, or one as a probe, and it
        rests."""
        self._failures += 1
        if self.resting_s(now) > 0:
            return  # asked before the rest began
        if self.doubtful:
            self._rest = min(self._rest * 2, OPEN_LONGEST)
        if self.doubtful or self._failures >= FAILURES_TO_OPEN:
            self.rest(trouble, now, self._rest)

    def rest(self, trouble: str, now: datetime, rest: timedelta) -> None:
        """Ask nothing for a while: it said so itself, or it keeps failing. The longer rest wins."""
        self._trouble = trouble
        until = now + rest
        if self._resting_until is None or until > self._resting_until:
            self._resting_until = until

    def usage(self, now: datetime) -> HostUsage:
        """Its state, for people."""
        resting = self.resting_s(now) > 0.0
        return HostUsage(
            host=self.name,
            used=round(self.purse.budget.burst - self.purse.balance_at(now), 1),
            limit=self.purse.budget.burst,
            requests=self._requests,
            health="resting" if resting else "probing" if self.doubtful else "well",
            resting_until=self._resting_until if resting else None,
            trouble=self._trouble,
        )

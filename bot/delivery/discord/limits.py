"""The one idea of a limit: at most so many in any window of so many seconds. What counts, and from when, is the
caller's."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterable


def wait_s(times: Iterable[float], count: int, per_s: float, now: float) -> float:
    """How long until one more keeps to `count` in any `per_s` seconds; 0 where it does now. `times` are those
    that count, in the clock's seconds, in any order."""
    recent = sorted(at for at in times if at > now - per_s)
    if len(recent) < count:
        return 0.0
    return max(
        recent[len(recent) - count] + per_s - now, math.ulp(now)
    )  # it counts: rounding makes it no zero


class SlidingWindow:
    """At most `count` in any `per_s` seconds. The clock (monotonic seconds) is an argument."""

    def __init__(self, count: int, per_s: float, *, now: Callable[[], float] = time.monotonic) -> None:
        self.count = count
        self.per_s = per_s
        self._now = now
        self._at: deque[float] = deque(maxlen=count)  # older ones tell nothing: it is full without them

    def __len__(self) -> int:
        """How many count now."""
        while self._at and self._at[0] <= self._now() - self.per_s:
            self._at.popleft()
        return len(self._at)

    def add(self) -> None:
        """Count one, whether it fits or not."""
        self._at.append(self._now())

    def wait_s(self) -> float:
        """How long until one more fits; 0 where it fits now."""
        return wait_s(self._at, self.count, self.per_s, self._now()) if len(self) == self.count else 0.0

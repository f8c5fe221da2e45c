"""The one idea of a limit, and pauses that no clock can prolong."""

from collections import deque
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.discord.limits import SlidingWindow, wait_s

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


class Ticks:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


def test_what_is_older_than_the_window_does_not_count() -> None:
    assert wait_s([0.0, 0.5, 0.9], 3, 1.0, 0.95) == pytest.approx(0.05)
    assert wait_s([0.0, 0.5, 0.9], 3, 1.0, 1.0) == 0.0
    assert wait_s([0.9, 0.0, 0.5], 2, 1.0, 0.95) == pytest.approx(0.55)
    assert wait_s([], 1, 1.0, 0.0) == 0.0


@given(st.lists(st.floats(0, 20), max_size=60), st.integers(1, 5))
def test_whoever_waits_as_it_says_never_exceeds_it(pauses: list[float], count: int) -> None:
    ticks = Ticks()
    window, taken = SlidingWindow(count, 10.0, now=ticks), deque[float]()
    for pause in pauses:
        ticks.s += pause
        while (left := window.wait_s()) > 0:
            ticks.s += max(left, 1e-6)
        window.add()
        taken.append(ticks.s)
        assert sum(at > ticks.s - 10.0 for at in taken) <= count

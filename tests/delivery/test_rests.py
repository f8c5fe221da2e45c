"""Pauses that no clock can prolong."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.delivery.rests import Rest

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


class OwnTicks:
    def __init__(self) -> None:
        self.s = 100.0

    def __call__(self) -> float:
        return self.s


@pytest.mark.parametrize(
    ("moved", "passed_s", "over"),
    [
        (timedelta(seconds=14), 0.0, False),
        (timedelta(seconds=15), 0.0, True),
        (timedelta(hours=-1), 0.0, True),
        (timedelta(hours=1), 0.0, True),
        (timedelta(0), 15.0, True),
        (timedelta(0), 14.9, False),
    ],
)
def test_a_rest_is_over_by_whichever_clock_says_so_first(
    moved: timedelta, passed_s: float, over: bool
) -> None:
    ticks = OwnTicks()
    rest = Rest(15.0, AT, monotonic=ticks)
    ticks.s += passed_s
    assert rest.is_over(AT + moved) is over


@pytest.mark.parametrize("seconds", [365 * 86_400.0, 1e300, float("inf")])
def test_no_rest_is_longer_than_a_day(seconds: float) -> None:
    rest = Rest(seconds, AT, monotonic=OwnTicks())
    assert not rest.is_over(AT + timedelta(hours=23))
    assert rest.is_over(AT + timedelta(days=1))

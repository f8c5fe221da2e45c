"""Occasions on which a surface refused us."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.channels import OCCASION, add_refusal, is_refused_for_good

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@given(st.lists(st.integers(-600, 600), max_size=30))
def test_occasions_are_at_least_an_hour_apart_from_the_one_before(minutes: list[int]) -> None:
    refused_at: tuple[datetime, ...] = ()
    for step in minutes:
        refused_at = add_refusal(refused_at, AT + timedelta(minutes=step))
    assert all(abs(b - a) >= OCCASION for a, b in pairwise(refused_at))


def test_it_takes_so_many_occasions_over_so_long() -> None:
    for hours, is_it in (((0, 30), False), ((0, 2, 23), False), ((0, 2, 24), True), ((30, 2, 3), True)):
        refused_at = tuple(AT + HOUR * hour for hour in hours)
        assert is_refused_for_good(refused_at, occasions=3, over=DAY) is is_it

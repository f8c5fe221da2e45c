"""Axes: round numbers, short words, round times."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts import ticks
from tests.charts.samples import SPANISH

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (35.8e9, "USD", "$35.8B"),
        (-200e6, "USD", "−$200M"),
        (67_800, "USD", "$67.8K"),
        (999.96, "USD", "$1K"),
        (0.0, "USD", "$0"),
        (20.0, "% of ATM IV", "20%"),
        (-1.06, "% a year", "−1.1%"),
        (-0.001, "%", "0%"),
        (527_850, "coins", "527.9K"),
        (0.536, "ratio", "0.54"),
        (0.01, "%", "0.01%"),
    ],
)
def test_a_number_is_written_as_short_as_it_may_be(value: float, unit: str, shown: str) -> None:
    assert ticks.format_tick(value, unit) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (35_799e6, "35\u00a0800\u00a0M\u00a0$"),
        (-8_501e6, "−8500\u00a0M\u00a0$"),
        (2_244e6, "2240\u00a0M\u00a0$"),
        (999.96e6, "1000\u00a0M\u00a0$"),
        (753.2e6, "753\u00a0M\u00a0$"),
        (0.0, "0\u00a0$"),
    ],
)
def test_dollars_have_three_digits_that_count_in_a_language_without_a_word_for_billions(
    value: float, shown: str
) -> None:
    assert ticks.format_tick(value, "USD", None, SPANISH) == shown


def test_neighbors_on_an_axis_are_told_apart() -> None:
    assert ticks.format_tick(35_799e6, "USD", 1e6, SPANISH) == "35\u00a0799\u00a0M\u00a0$"
    assert [ticks.format_tick(value, "USD", 2.5e9) for value in (32.5e9, 35e9)] == ["$32.5B", "$35.0B"]


@given(st.floats(-1e12, 1e12), st.floats(1e-3, 1e12), st.integers(2, 8))
def test_ticks_lie_inside_and_are_neither_none_nor_too_many(low: float, span: float, most: int) -> None:
    if low + span <= low or span < abs(low) * 1e-6:
        return
    found = ticks.numbers(low, low + span, most)
    assert len(found) <= most + 1
    assert all(low - span * 1e-6 <= value <= low + span * (1 + 1e-6) for value in found)


@given(st.integers(1, 9000), st.integers(3, 6))
def test_times_are_round_inside_and_not_too_many(hours: int, most: int) -> None:
    found, step = ticks.times(AT - timedelta(hours=hours), AT, most)
    assert len(found) <= most + 1
    assert all(AT - timedelta(hours=hours) <= at <= AT for at in found)
    assert all(second - first == step for first, second in pairwise(found))


def test_a_tick_names_its_day_where_one_begins() -> None:
    assert ticks.moment(AT, timedelta(hours=2)) == "14:00"
    assert ticks.moment(AT.replace(hour=0), timedelta(hours=6)) == "6 Feb"


def test_an_axis_of_one_value_has_room_on_both_sides() -> None:
    low, high = ticks.room_around([5.0, 5.0])
    assert low < 5.0 < high

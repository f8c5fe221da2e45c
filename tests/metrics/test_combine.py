"""Several venues' values become one."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.catalog import Measured, Unknown
from bot.metrics.combine import WeighedValue, combine
from tests.metrics.market import NOW


def test_the_aggregate_is_as_old_as_its_oldest_part() -> None:
    old = NOW - timedelta(minutes=9)
    result = combine(
        "sum",
        {"a": WeighedValue(value=1.0, observed_at=NOW), "b": WeighedValue(value=2.0, observed_at=old)},
        ("a", "c"),
    )
    assert isinstance(result, Measured)
    assert (result.value, result.observed_at, result.venues, result.of_venues) == (3.0, old, ("a", "b"), 3)
    assert result.by_venue == {"a": 1.0, "b": 2.0}


def test_one_venue_needs_no_weight() -> None:
    result = combine("weighted", {"a": WeighedValue(value=5.0, observed_at=NOW)}, ())
    assert isinstance(result, Measured)
    assert result.value == 5.0


def test_no_venue_is_unknown_and_not_zero() -> None:
    assert isinstance(combine("sum", {}, ("a",)), Unknown)


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(0.1, 1e9)), min_size=1, max_size=8))
def test_a_weighted_value_lies_between_its_parts(parts: list[tuple[float, float]]) -> None:
    own = {
        str(place): WeighedValue(value=value, observed_at=NOW, weight=weight)
        for place, (value, weight) in enumerate(parts)
    }
    result = combine("weighted", own, ())
    assert isinstance(result, Measured)
    values = [value for value, _ in parts]
    slack = 1e-9 * max(abs(value) for value in values)
    assert min(values) - slack <= result.value <= max(values) + slack


@pytest.mark.parametrize("weight", [None, 0.0])
def test_a_venue_that_weighs_nothing_is_not_counted(weight: float | None) -> None:
    parts = {
        "a": WeighedValue(value=5.0, observed_at=NOW, weight=2.0),
        "b": WeighedValue(value=9.0, observed_at=NOW, weight=weight),
    }
    result = combine("weighted", parts, ())
    assert isinstance(result, Measured)
    assert (result.value, result.venues, result.of_venues) == (5.0, ("a",), 2)

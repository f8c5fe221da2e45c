"""Estimates against readings of the same stretches."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.facts import ESTIMATES, Point
from bot.metrics import History, compare_estimates, readings_begin

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, THIRD = timedelta(hours=1), timedelta(hours=8)
SKEW = "skew_60d_pct"


def estimated(values: Sequence[float]) -> list[Point]:
    """Estimates of eight hours each, from the start on."""
    return [
        Point(
            metric=SKEW,
            asset="BTC",
            at=START + number * THIRD,
            value=value,
            venue=ESTIMATES,
            venues=("deribit",),
            of_venues=1,
            covers_s=8 * 3600,
        )
        for number, value in enumerate(values)
    ]


def read(values: Sequence[float], first: int = 1) -> list[Point]:
    """A reading at the end of each hour, from the `first` on."""
    return [
        Point(metric=SKEW, asset="BTC", at=START + (first + number) * HOUR, value=value, venues=("deribit",))
        for number, value in enumerate(values)
    ]


def test_bias_and_spread_are_of_stretches_that_were_both_estimated_and_measured() -> None:
    told = [*estimated([11.0, 10.5, 12.5, 99.0]), *read([10.0] * 23)]
    found = compare_estimates(History.empty("BTC").extend(told), SKEW)
    assert found is not None
    # The fourth stretch was not measured; the third by seven of its eight hours.
    assert found.stretches == 3
    assert found.bias == pytest.approx(1.0)
    assert found.spread == pytest.approx(0.5)


def test_with_fewer_than_three_stretches_in_common_nothing_is_claimed() -> None:
    told = [*estimated([11.0, 10.5, 12.5]), *read([10.0] * 19)]
    assert compare_estimates(History.empty("BTC").extend(told), SKEW) is None
    assert compare_estimates(History.empty("BTC").extend(estimated([1.0] * 9)), SKEW) is None
    assert compare_estimates(History.empty("BTC").extend(read([1.0] * 90)), SKEW) is None


def test_readings_begin_where_the_first_one_is_known() -> None:
    told = History.empty("BTC").extend([*estimated([11.0] * 6), *read([10.0] * 4, first=30)])
    assert readings_begin(told, SKEW) == START + 30 * HOUR
    assert readings_begin(History.empty("BTC").extend(read([10.0])), SKEW) is None

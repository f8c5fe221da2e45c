"""All hours at once say what the archive says at each of them."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.facts import Point
from bot.errors import InputError
from bot.metrics import CATALOG, History, by_hour, facts_at
from tests.metrics.market import DAY, HOUR, NOW, past, points
from tests.said import refused

NAMES = (
    "skew_30d_pct",
    "skew_30d_pct.percentile_90d",
    "skew_30d_pct.change_24h",
    "open_interest_usd",
    "open_interest_usd.change_7d_pct",
    "open_interest_usd.lowest_since",
    "funding_8h_pct.zscore_90d",
)


def walks(rng: np.random.Generator, holes: float) -> History:
    """Seventy-five days of three metrics, by the hour, of which a share is not known."""
    count = 75 * 24

    def walk(start: float) -> list[float | None]:
        told = start + rng.standard_normal(count).cumsum() * start / 100.0
        return [
            None if hole else float(value)
            for value, hole in zip(told, rng.random(count) < holes, strict=True)
        ]

    return past(
        points("skew_30d_pct", [value and max(min(value, 99.0), -99.0) for value in walk(10.0)]),
        points("open_interest_usd", [value and abs(value) + 1.0 for value in walk(1e9)]),
        points("funding_8h_pct", [value and max(min(value, 9.0), -9.0) for value in walk(0.01)]),
    )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), holes=st.floats(0.0, 0.2))
def test_every_hour_says_what_the_archive_says_then(seed: int, holes: float) -> None:
    rng = np.random.default_rng(seed)
    history = walks(rng, holes)
    hours = by_hour(history, CATALOG, NAMES, NOW - 3 * DAY, NOW)
    assert len(hours.at_ms) == 73
    for step in rng.integers(0, 73, 4).tolist():
        facts = facts_at(history, CATALOG, "BTC", hours.at(step))
        for name in NAMES:
            fact, told = facts.get(name), float(hours.values[name][step])
            assert told == pytest.approx(
                np.nan if fact is None else fact.value, rel=1e-9, abs=1e-9, nan_ok=True
            ), name
            assert bool(hours.at_least[name][step]) == (fact is not None and fact.lower_bound)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), holes=st.floats(0.0, 0.2), hours=st.integers(0, 72))
def test_the_last_hours_say_what_they_say_in_the_whole_past(seed: int, holes: float, hours: int) -> None:
    history = walks(np.random.default_rng(seed), holes)
    whole = by_hour(history, CATALOG, NAMES, NOW - 75 * DAY, NOW)
    last = by_hour(history, CATALOG, NAMES, NOW - hours * HOUR, NOW)
    assert last.at_ms.tolist() == whole.at_ms[-1 - hours :].tolist()
    for name in NAMES:
        assert last.values[name] == pytest.approx(
            whole.values[name][-1 - hours :], rel=1e-9, abs=1e-9, nan_ok=True
        ), name
        assert last.at_least[name].tolist() == whole.at_least[name][-1 - hours :].tolist()


def test_an_hour_without_a_young_value_is_unknown() -> None:
    history = past(points("spot_usd", [100.0], until=NOW - timedelta(minutes=20)))
    hours = by_hour(history, CATALOG, ["spot_usd"], NOW - HOUR, NOW + HOUR)
    assert [hours.at(step) for step in range(3)] == [NOW - HOUR, NOW, NOW + HOUR]
    assert np.isnan(hours.values["spot_usd"]).tolist() == [True, False, True]


def test_lower_bounds_are_told_by_the_hour() -> None:
    least = Point(metric="liquidations_24h_usd", asset="BTC", at=NOW, value=5.0, lower_bound=True)
    hours = by_hour(History.empty("BTC").extend([least]), CATALOG, ["liquidations_24h_usd"], NOW, NOW)
    assert hours.at_least["liquidations_24h_usd"].tolist() == [True]


def test_a_name_that_no_fact_has_is_refused() -> None:
    with refused(InputError, match="skew_31d_pct"):
        by_hour(History.empty("BTC"), CATALOG, ["skew_31d_pct"], NOW, NOW)

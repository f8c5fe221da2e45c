"""The days for which pasts are worked out, and what a fact has been until then."""

from array import array
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.facts import ESTIMATES, OwnPast, Series
from bot.metrics import CATALOG, History, PastReader
from bot.metrics.pasts import QUANTILES, DailyPasts, OrderedStretch, day_of, own_pasts, quantiles_of
from tests.rules.make import book


def test_a_moment_lies_in_a_day_of_utc() -> None:
    there = datetime(2026, 2, 7, 1, 34, 56, 789, tzinfo=timezone(timedelta(hours=2)))
    assert day_of(there) == datetime(2026, 2, 6, tzinfo=UTC)


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60))
@example([1.0])
@example([0.1] * 9)  # equal ends give themselves
@example([5.0, 5.0, 7.0, 7.0, 7.0])
def test_quantiles_are_numpys_to_the_bit(values: list[float]) -> None:
    assert quantiles_of(np.sort(values)) == tuple(np.quantile(values, QUANTILES).tolist())


@given(
    st.lists(st.sampled_from([-1.5, 0.0, 2.0, 2.0, 3.25]) | st.floats(-9, 9), min_size=1, max_size=40),
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=12),
)
def test_an_ordered_stretch_is_in_order_wherever_it_was_before(
    values: list[float], stretches: list[tuple[int, int]]
) -> None:
    moved = OrderedStretch(np.array(values))
    # As days follow each other, and then as they come.
    for low, high in [*sorted(stretches), *stretches]:
        assert moved.between(low, high).tolist() == sorted(values[low:high])


NOON_OF_ALL = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 420 * 24


def hourly(metric: str, values: dict[int, float], venue: str | None) -> Series:
    """Instants at full hours counted back from the end."""
    start_ms = round(NOON_OF_ALL.timestamp() * 1000) - HOURS * 3_600_000
    hours = sorted(values)
    return Series(
        metric=metric,
        asset="BTC",
        venue=venue,
        at_ms=array("q", [start_ms + hour * 3_600_000 for hour in hours]),
        value=array("d", [values[hour] for hour in hours]),
        covers_s=array("l", [0] * len(hours)),
    )


def test_a_past_is_what_its_definition_says_whatever_is_missing() -> None:
    chance = np.random.default_rng(26)
    measured = {h: float(chance.normal(5, 2)) for h in range(200 * 24, HOURS) if chance.random() > 0.3}
    measured = {h: value for h, value in measured.items() if not 300 * 24 <= h < 310 * 24}
    guessed = {h: float(chance.normal(4, 1)) for h in range(60 * 24, 250 * 24) if chance.random() > 0.5}
    told, rules = {**guessed, **measured}, book()
    table = rules.past
    assert table is not None
    past = [hourly("skew_60d_pct", measured, None), hourly("skew_60d_pct", guessed, ESTIMATES)]
    reader = PastReader(History.of("BTC", past), CATALOG, rules, "BTC")
    for back in (0, 1, 50, 200, 330, 400):
        day = NOON_OF_ALL - timedelta(days=back)
        end = HOURS - back * 24 - round(table.lag / timedelta(hours=1))
        stretch = range(max(end - table.days * 24, 0), end)
        window = {h: told[h] for h in stretch if h in told}
        own: OwnPast | None = reader.on(day).get("skew_60d_pct")
        if not window:
            assert own is None or own.source == "shipped"
            continue
        assert own is not None
        known = list(window.values())
        lately = [window[h] for h in window if h >= end - table.range_days * 24]
        assert own.days == len({h // 24 for h in window})
        if own.source != "shipped":
            assert own.quantiles == tuple(np.quantile(known, QUANTILES).tolist())
        assert (own.low_90d, own.high_90d) == ((min(lately), max(lately)) if lately else (None, None))
        assert own.estimated_pct == round(sum(h not in measured for h in window) / len(window) * 100, 1)
        first = NOON_OF_ALL - timedelta(hours=HOURS)
        assert own.since == first + timedelta(hours=min(window))
        assert own.until == first + timedelta(hours=max(window) + 1)


def test_day_after_day_a_past_is_that_of_the_day_alone() -> None:
    chance = np.random.default_rng(27)
    measured = {h: float(chance.integers(0, 9)) for h in range(HOURS) if chance.random() > 0.3}
    history = History.of("BTC", [hourly("skew_60d_pct", measured, None)])
    followed = DailyPasts(history, CATALOG, book(), "BTC")
    for back in range(60, 0, -1):
        at = NOON_OF_ALL - timedelta(days=back)
        found, alone = followed.on(at), own_pasts(history, CATALOG, book(), "BTC", at)
        assert found is not None
        assert found.keys() == alone.keys()
        assert all(
            (one.quantiles, one.days, one.source)
            == (alone[name].quantiles, alone[name].days, alone[name].source)
            for name, one in found.items()
        )
        assert followed.on(at + timedelta(hours=23)) is found

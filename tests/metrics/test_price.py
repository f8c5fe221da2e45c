"""Spot, its extremes, and the way from them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.facts import Facts
from bot.metrics import CATALOG, facts_at
from bot.metrics.columns import HistoryColumn
from bot.metrics.price import covered_share
from tests.metrics.market import DAY, HOUR, NOW, bars, facts, observed, spot
from tests.said import english

MONTH = 720


def test_spot_is_the_median_of_venues() -> None:
    known = facts(spot(100.0), spot(103.0, venue="okx"), spot(104.5, venue="bybit"))
    assert known.value("spot_usd") == 103.0


def test_another_assets_index_is_not_spot() -> None:
    known = facts(spot(90_000.0), spot(4_000.0, asset="PAXG", venue="okx"))
    assert known.value("spot_usd") == 90_000.0
    assert known.value("gold_usd") == 4_000.0


def test_an_index_of_zero_is_refused() -> None:
    assert facts(spot(0.0)).get("spot_usd") is None


def extremes(lows: list[float], highs: list[float], now: float, at: datetime = NOW) -> Facts:
    return facts(
        bars("spot_low_usd", lows, until=at), bars("spot_high_usd", highs, until=at), spot(now, at=at), at=at
    )


def test_the_way_from_the_low_of_the_article() -> None:
    at = datetime(2026, 2, 7, tzinfo=UTC)
    lows = [85_000.0] * MONTH
    lows[-24] = 60_150.0
    known = extremes(lows, [90_600.0] * MONTH, 71_500.0, at)
    assert known.value("low_30d_usd") == 60_150.0
    assert known.known["low_30d_usd"].extreme_at == datetime(2026, 2, 6, tzinfo=UTC)
    assert known.value("rebound_pct") == pytest.approx(18.9, abs=0.05)
    assert known.value("hours_since_low") == 24.0
    assert known.value("drawdown_pct") == pytest.approx((71_500 / 90_600 - 1) * 100)


def test_spot_itself_can_be_the_extreme() -> None:
    known = extremes([100.0] * MONTH, [110.0] * MONTH, 95.0)
    assert (known.value("low_30d_usd"), known.value("rebound_pct"), known.value("hours_since_low")) == (
        95.0,
        0.0,
        0.0,
    )


def test_an_extreme_of_over_thirty_days_ago_is_forgotten() -> None:
    known = extremes([50.0] * 20 + [100.0] * MONTH, [110.0] * (MONTH + 20), 105.0)
    assert known.value("low_30d_usd") == 100.0


def test_a_month_with_too_few_bars_has_no_extremes() -> None:
    known = extremes([100.0] * 600, [110.0] * MONTH, 105.0)
    assert known.get("low_30d_usd") is None
    assert english(known.why_unknown("low_30d_usd")).endswith("warming up: day 25 of 30")
    assert known.get("rebound_pct") is None
    assert known.value("high_30d_usd") == 110.0


def test_a_daily_row_covers_its_day() -> None:
    known = facts(
        bars("spot_low_usd", [100.0] * 32, interval=DAY),
        bars("spot_high_usd", [110.0] * 32, interval=DAY),
        spot(105.0),
    )
    assert known.value("low_30d_usd") == 100.0


def test_a_bar_that_is_still_running_counts_as_far_as_it_went() -> None:
    history = observed(bars("spot_low_usd", [100.0] * MONTH), bars("spot_high_usd", [110.0] * MONTH)).history
    at = NOW + timedelta(minutes=5)
    running = bars("spot_low_usd", [60.0], until=NOW + HOUR)
    seen = observed(running, spot(90.0, at=at), at=at, history=history)
    assert seen.facts.value("low_30d_usd") == 60.0
    assert seen.facts.known["low_30d_usd"].extreme_at == NOW
    assert {point.covers_s for point in seen.points if point.metric == "spot_low_usd"} == {300}


def test_the_archive_alone_tells_the_same_extremes() -> None:
    lows = [100.0] * MONTH
    lows[300] = 80.0
    seen = observed(bars("spot_low_usd", lows), bars("spot_high_usd", [110.0] * MONTH), spot(90.0))
    assert seen.history is not None
    later = facts_at(seen.history, CATALOG, "BTC", NOW + timedelta(minutes=10))
    for name in ("spot_usd", "low_30d_usd", "rebound_pct", "drawdown_pct"):
        assert later.value(name) == seen.facts.value(name), name
    assert later.known["low_30d_usd"].extreme_at == seen.facts.known["low_30d_usd"].extreme_at
    assert later.value("hours_since_low") == pytest.approx(seen.facts.known["hours_since_low"].value + 1 / 6)


@given(days=st.lists(st.floats(200.0, 1e5), min_size=31, max_size=31), now=st.floats(200.0, 1e5))
def test_rebound_is_never_negative_and_drawdown_never_positive(days: list[float], now: float) -> None:
    known = facts(
        bars("spot_low_usd", days, interval=DAY), bars("spot_high_usd", days, interval=DAY), spot(now), at=NOW
    )
    assert known.known["rebound_pct"].value >= 0.0
    assert known.known["drawdown_pct"].value <= 0.0


def test_a_bar_that_begins_after_the_moment_covers_nothing_of_its_past() -> None:
    hour_ms = 3_600_000.0
    told = HistoryColumn.of([0.0, 2 * hour_ms, 9 * hour_ms], [1.0, 1.0, 1.0], [3600.0, 3600.0, 3600.0])
    assert covered_share(told, -hour_ms, 3 * hour_ms) == pytest.approx(2 / 3)

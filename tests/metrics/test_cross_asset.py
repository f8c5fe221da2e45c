"""Against gold and against the Nasdaq 100."""

from datetime import timedelta

import pytest

from tests.metrics.market import DAY, NOW, bars, facts, spot
from tests.said import english


def test_the_return_against_gold_is_a_difference_of_returns() -> None:
    known = facts(
        bars("spot_usd", [100_000.0] * 720 + [80_000.0] * 24),
        bars("gold_usd", [4_000.0] * 720 + [4_400.0] * 24, asset="PAXG"),
        spot(80_000.0),
        spot(4_400.0, asset="PAXG"),
    )
    assert known.value("vs_gold_30d_pct") == pytest.approx(-20.0 - 10.0)


def test_gold_is_the_median_of_its_tokens() -> None:
    known = facts(spot(4_000.0, asset="PAXG"), spot(4_010.0, asset="XAUT"))
    assert known.value("gold_usd") == 4_005.0


def test_the_nasdaq_may_rest_over_a_weekend() -> None:
    """Its last close is two days old; the one thirty days before it fell on a holiday three days earlier."""
    known = facts(
        bars("spot_usd", [100_000.0] * 800),
        bars("nasdaq_points", [20_000.0], until=NOW - 35 * DAY, interval=DAY, asset="NASDAQ100"),
        bars("nasdaq_points", [21_000.0], until=NOW - 2 * DAY, interval=DAY, asset="NASDAQ100"),
        spot(100_000.0),
    )
    assert known.value("vs_nasdaq_30d_pct") == pytest.approx(-5.0)


def test_a_close_of_last_week_is_too_old() -> None:
    known = facts(bars("nasdaq_points", [21_000.0], until=NOW - 6 * DAY, interval=DAY), spot(1.0))
    assert known.get("nasdaq_points") is None


def test_without_the_other_or_its_past_there_is_no_comparison() -> None:
    known = facts(spot(80_000.0), spot(4_400.0, asset="PAXG"))
    assert "30 days before" in english(known.why_unknown("vs_gold_30d_pct"))
    assert facts(spot(80_000.0, at=NOW - timedelta(minutes=1))).get("vs_nasdaq_30d_pct") is None

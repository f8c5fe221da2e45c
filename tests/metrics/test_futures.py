"""Basis, the perpetual's premium, and the ratio of accounts."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.domain.readings import AccountRatio, FutureQuote
from tests.metrics.market import NOW, facts, future, observed
from tests.said import english


def test_basis_is_a_yearly_rate_linear_in_days_between_two_futures() -> None:
    # 20 days at +0.5% are 9.125% a year, 50 days at +1% are 7.3%; 30 days lie a third of the way.
    known = facts(future(20, 100.5, usd=1.0), future(50, 101.0, usd=1.0))
    assert known.value("basis_30d_pct") == pytest.approx(9.125 + (7.3 - 9.125) / 3)


def test_basis_below_spot_is_negative() -> None:
    assert facts(future(30, 99.0, usd=1.0)).value("basis_30d_pct") == pytest.approx(-1.0 * 365 / 30)


def test_basis_is_not_extrapolated() -> None:
    known = facts(future(35, 101.0, usd=1.0), future(80, 102.0, usd=1.0))
    assert known.get("basis_30d_pct") is None
    assert known.get("basis_60d_pct") is not None
    assert known.get("basis_90d_pct") is None
    assert "both sides of 90 days" in english(known.why_unknown("basis_90d_pct"))


def test_a_future_in_its_last_week_is_not_a_rate() -> None:
    known = facts(future(6.9, 101.0, usd=1.0), future(60, 101.0, usd=1.0))
    assert known.get("basis_30d_pct") is None


def test_basis_of_several_venues_is_weighed_by_their_dated_open_interest() -> None:
    known = facts(
        future(30, 101.0, usd=30.0),
        future(30, 103.0, usd=10.0, venue="okx"),
        future(None, 100.0, usd=1e9, venue="okx"),
    )
    rate = 365 / 30
    fact = known.known["basis_30d_pct"]
    assert fact.value == pytest.approx((1.0 * rate * 30 + 3.0 * rate * 10) / 40)
    assert fact.venues == ("deribit", "okx")


def test_a_venue_with_perpetuals_alone_has_no_basis_and_does_no_harm() -> None:
    known = facts(future(None, 100.1, coin=5.0, venue="hyperliquid"), future(30, 101.0, usd=1.0))
    assert known.known["basis_30d_pct"].venues == ("deribit",)
    assert facts(future(None, 100.1, coin=5.0)).get("basis_30d_pct") is None


def test_the_perpetuals_premium_is_apart_from_the_basis_and_weighed() -> None:
    known = facts(future(None, 100.1, coin=3.0), future(None, 99.9, coin=1.0, venue="okx"))
    assert known.value("perp_premium_pct") == pytest.approx((0.1 * 3 - 0.1) / 4)


@pytest.mark.parametrize(("mark", "index"), [(0.0, 100.0), (101.0, 0.0)])
def test_a_price_of_zero_is_a_gap_and_not_a_basis(mark: float, index: float) -> None:
    assert facts(future(30, mark, index=index, usd=1.0)).get("basis_30d_pct") is None


def test_an_absurd_rate_is_refused_and_said() -> None:
    seen = observed(future(30, 200.0, usd=1.0))
    assert seen.facts.get("basis_30d_pct") is None
    assert [gap.who for gap in seen.gaps] == ["metrics basis_30d_pct"]
    assert "refused" in english(seen.facts.why_unknown("basis_30d_pct"))
    assert all(point.metric != "basis_30d_pct" for point in seen.points)


def test_old_futures_are_not_measured() -> None:
    assert facts(future(30, 101.0, usd=1.0, at=NOW - timedelta(minutes=31))).get("basis_30d_pct") is None


def test_the_long_short_ratio_is_the_median_of_venues() -> None:
    ratios = [
        AccountRatio(source=venue, observed_at=NOW, venue=venue, asset="BTC", long_short_ratio=ratio)
        for venue, ratio in (("binance", 1.2), ("bybit", 2.0), ("okx", 0.9))
    ]
    assert facts(*ratios).value("long_short_ratio") == 1.2


@pytest.mark.parametrize(("minutes", "known"), [(1, True), (2, True), (3, False), (60, False)])
def test_a_mark_and_an_index_of_apart_times_make_no_basis_and_no_premium(minutes: int, known: bool) -> None:
    def apart(quote: FutureQuote) -> FutureQuote:
        return replace(quote, index_at=NOW - timedelta(minutes=minutes))

    seen = observed(apart(future(30, 101.0, coin=1.0)), apart(future(None, 100.0, coin=5.0)))
    for name in ("basis_30d_pct", "perp_premium_pct"):
        assert (seen.facts.get(name) is not None) == known
    assert seen.facts.value("open_interest_coin") == 6.0
    said = [] if known else [f"its mark and its index are {minutes} min apart"] * 2
    assert [english(gap.reason).partition(": ")[2] for gap in seen.gaps] == said

"""Funding: each venue's own interval, weighed by open interest."""

from datetime import timedelta

import pytest

from tests.metrics.market import NOW, facts, funding, future
from tests.said import english


@pytest.mark.parametrize(("rate", "hours"), [(0.01, 8.0), (0.005, 4.0), (0.00125, 1.0)])
def test_every_interval_is_brought_to_eight_hours(rate: float, hours: float) -> None:
    known = facts(funding(rate, hours))
    assert known.value("funding_8h_pct") == pytest.approx(0.01)
    assert known.value("funding_annual_pct") == pytest.approx(10.95)


def test_funding_is_weighed_by_the_perpetuals_open_interest() -> None:
    known = facts(
        funding(0.01, 8.0),
        future(None, 100.0, coin=1.0),
        funding(-0.03, 8.0, venue="okx"),
        future(None, 100.0, usd=300.0, venue="okx"),
    )
    assert known.value("funding_8h_pct") == pytest.approx((0.01 * 1 - 0.03 * 3) / 4)


def test_a_venue_of_unknown_open_interest_has_no_part_in_the_aggregate() -> None:
    known = facts(funding(0.01, 8.0), future(None, 100.0, coin=1.0), funding(0.09, 8.0, venue="okx"))
    fact = known.known["funding_8h_pct"]
    assert fact.value == pytest.approx(0.01)
    assert (fact.venues, fact.of_venues) == (("deribit",), 2)


def test_venues_that_cannot_be_weighed_have_no_aggregate() -> None:
    known = facts(funding(0.01, 8.0), funding(0.09, 8.0, venue="okx"))
    assert "open interest" in english(known.why_unknown("funding_8h_pct"))


def test_zero_funding_is_a_value_and_not_missing() -> None:
    assert facts(funding(0.0, 8.0)).value("funding_8h_pct") == 0.0


def test_a_rate_without_an_interval_is_a_gap() -> None:
    assert facts(funding(0.01, 0.0)).get("funding_8h_pct") is None


def test_funding_older_than_an_hour_is_not_judged_by() -> None:
    assert facts(funding(0.01, 8.0, at=NOW - timedelta(hours=2))).get("funding_8h_pct") is None

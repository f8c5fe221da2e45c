"""Liquidations: windows, sides, lower bounds, and the record day."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.readings import LiquidationTally
from tests.metrics.market import DAY, HOUR, NOW, bars, facts, future, observed, tally


def hourly(longs: float | None, shorts: float | None, hours: int, *, venue: str = "binance") -> list[LiquidationTally]:
    return [
        tally(longs, shorts, since=NOW - HOUR * (back + 1), until=NOW - HOUR * back, venue=venue)
        for back in reversed(range(hours))
    ]


def test_a_window_is_the_sum_of_its_tallies_and_at_least_that() -> None:
    known = facts(*hourly(2e6, 1e6, 120))
    assert known.value("liquidations_1h_usd") == 3e6
    assert known.value("liquidations_24h_long_usd") == 48e6
    assert known.value("liquidations_24h_short_usd") == 24e6
    assert known.value("liquidations_5d_usd") == 360e6
    assert known.known["liquidations_5d_usd"].lower_bound


def test_venues_are_added() -> None:
    fact = facts(*hourly(2e6, 1e6, 24), *hourly(5e6, 0.0, 24, venue="okx")).known["liquidations_24h_usd"]
    assert fact.value == 24 * 8e6
    assert fact.venues == ("binance", "okx")


def test_a_window_that_is_not_covered_is_unknown_and_not_less() -> None:
    known = facts(*hourly(2e6, 1e6, 22))
    assert known.get("liquidations_24h_usd") is None
    assert "95%" in known.why_unknown("liquidations_24h_usd")
    assert known.value("liquidations_1h_usd") == 3e6


def test_the_hour_that_is_running_counts_towards_a_day() -> None:
    running = tally(9e6, 0.0, since=NOW, until=NOW + HOUR / 2)
    seen = observed(*hourly(2e6, 1e6, 24), running, at=NOW + HOUR / 2)
    assert seen.facts.value("liquidations_24h_long_usd") == 23 * 2e6 + 9e6
    assert seen.facts.value("liquidations_1h_long_usd") == 2e6


def test_overlapping_tallies_are_not_counted_twice() -> None:
    rolling = [tally(24e6, 24e6, since=NOW - DAY - HOUR * back, until=NOW - HOUR * back) for back in (2, 1, 0)]
    assert facts(*rolling).value("liquidations_24h_usd") == 48e6


def test_a_vendors_full_count_stands_alone() -> None:
    full = tally(90e6, 10e6, since=NOW - DAY, until=NOW, venue="coinglass", complete=True)
    fact = facts(full, *hourly(2e6, 1e6, 24)).known["liquidations_24h_usd"]
    assert (fact.value, fact.lower_bound, fact.venues) == (100e6, False, ("coinglass",))


def test_a_vendors_count_of_most_of_a_window_is_not_added_to_the_venues_it_counts() -> None:
    """Four-hour tallies of five days, one of them missing."""
    told = [
        tally(
            4e6,
            0.0,
            since=NOW - HOUR * (4 * back + 6),
            until=NOW - HOUR * (4 * back + 2),
            venue="coinglass",
            complete=True,
        )
        for back in range(29, -1, -1)
    ]
    late = [one for one in told if one.since_at != NOW - HOUR * 50]
    fact = facts(*late, *hourly(2e6, 1e6, 120)).known["liquidations_5d_long_usd"]
    assert (fact.value, fact.lower_bound, fact.venues) == (29 * 4e6, True, ("coinglass",))


def test_one_side_alone_is_a_lower_bound_of_the_total() -> None:
    full = tally(90e6, None, since=NOW - DAY, until=NOW, venue="coinglass", complete=True)
    known = facts(full)
    assert not known.known["liquidations_24h_long_usd"].lower_bound
    assert known.known["liquidations_24h_usd"].lower_bound
    assert known.get("liquidations_24h_short_usd") is None


def test_nothing_liquidated_is_zero_and_not_missing() -> None:
    assert facts(*hourly(0.0, 0.0, 24)).value("liquidations_24h_usd") == 0.0


def test_the_share_of_open_interest_shows_how_large_it_is() -> None:
    known = facts(*hourly(15e6, 0.0, 120), future(None, 100.0, usd=36e9))
    assert known.value("liquidations_5d_pct_of_oi") == pytest.approx(5.0)
    assert known.known["liquidations_5d_pct_of_oi"].lower_bound


def test_tallies_that_ended_hours_ago_are_no_longer_known() -> None:
    seen = observed(*hourly(2e6, 1e6, 24))
    late = observed(at=NOW + 3 * HOUR, history=seen.history)
    assert late.facts.get("liquidations_1h_usd") is None


def test_the_record_day_of_a_year_has_its_date() -> None:
    at = datetime(2026, 2, 7, tzinfo=UTC)
    longs, shorts = [50e6] * 365, [40e6] * 365
    record = 365 - (at - datetime(2025, 10, 10, tzinfo=UTC)).days
    longs[record], shorts[record] = 4.0e9, 0.65e9
    told = [
        bars(f"liquidations_tally_{side}_usd", values, until=at, interval=DAY, venue="coinglass")
        for side, values in (("long", longs), ("short", shorts))
    ]
    fact = facts(*told, at=at).known["liquidations_max_day_1y_usd"]
    assert fact.value == pytest.approx(4.65e9)
    assert fact.extreme_at == datetime(2025, 10, 10, tzinfo=UTC)
    assert not fact.lower_bound


@pytest.mark.parametrize(("days", "known"), [(340, False), (350, True)])
def test_a_record_needs_ninety_five_percent_of_a_year(days: int, known: bool) -> None:
    at = NOW.replace(hour=0)
    told = [
        bars(f"liquidations_tally_{side}_usd", [1e6] * days, until=at, interval=DAY, venue="coinglass")
        for side in ("long", "short")
    ]
    assert (facts(*told, at=at).get("liquidations_max_day_1y_usd") is not None) is known


def test_a_tally_from_the_future_is_left_out() -> None:
    assert not observed(tally(1.0, 1.0, since=NOW, until=NOW + timedelta(hours=1))).points

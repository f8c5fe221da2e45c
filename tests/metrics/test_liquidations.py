"""Liquidations: windows, sides, lower bounds, and the record day."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.readings import LiquidationTally, Quantity, Reading, VendorOpenInterest
from bot.metrics.columns import DAY_MS, HOUR_MS, HistoryColumn
from bot.metrics.liquidations import MIN_SHARE, _days, _tiles
from tests.metrics.market import DAY, HOUR, NOW, bars, facts, future, observed, tally
from tests.said import english


def hourly(
    longs: float | None, shorts: float | None, hours: int, *, venue: str = "binance"
) -> list[LiquidationTally]:
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
    assert "95%" in english(known.why_unknown("liquidations_24h_usd"))
    assert known.value("liquidations_1h_usd") == 3e6


def test_the_hour_that_is_running_counts_towards_a_day() -> None:
    running = tally(9e6, 0.0, since=NOW, until=NOW + HOUR / 2)
    seen = observed(*hourly(2e6, 1e6, 24), running, at=NOW + HOUR / 2)
    assert seen.facts.value("liquidations_24h_long_usd") == 23 * 2e6 + 9e6
    assert seen.facts.value("liquidations_1h_long_usd") == 2e6


def test_overlapping_tallies_are_not_counted_twice() -> None:
    rolling = [
        tally(24e6, 24e6, since=NOW - DAY - HOUR * back, until=NOW - HOUR * back) for back in (2, 1, 0)
    ]
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
    known = facts(*hourly(15e6, 5e6, 120), future(None, 100.0, usd=36e9, venue="binance"))
    assert known.value("liquidations_5d_pct_of_oi") == pytest.approx(20 / 3)
    assert known.value("liquidations_5d_long_pct_of_oi") == pytest.approx(5.0)
    assert known.value("liquidations_5d_short_pct_of_oi") == pytest.approx(5 / 3)
    for name in SHARES:
        assert known.known[name].lower_bound


SHARES = tuple(f"liquidations_5d{side}_pct_of_oi" for side in ("", "_long", "_short"))
ASKED: dict[Quantity, tuple[str, ...]] = {
    "liquidations": ("binance", "okx", "gate", "coinglass", "coinalyze"),
    "perpetuals": ("binance", "okx", "gate", "kraken"),
}


def test_a_share_sets_the_liquidations_of_venues_against_the_open_interest_of_the_same_ones() -> None:
    told: list[Reading] = [
        *hourly(2e6, 1e6, 24),  # Binance
        *hourly(8e6, 4e6, 24, venue="okx"),  # whose open interest nobody heard
        future(None, 100.0, usd=1e9, venue="binance"),
        future(None, 100.0, usd=9e9, venue="kraken"),  # which pushes no liquidations
    ]
    fact = observed(*told, asked=ASKED).facts.known["liquidations_24h_pct_of_oi"]
    assert fact.value == pytest.approx(24 * 3e6 / 1e9 * 100)
    assert (fact.venues, fact.of_venues, fact.missing) == (("binance",), 3, ("gate", "okx"))
    assert fact.lower_bound


def test_a_vendors_full_count_is_set_against_its_own_open_interest_and_no_venues() -> None:
    full = tally(60e6, 40e6, since=NOW - DAY, until=NOW, venue="coinglass", complete=True)
    venue = future(None, 100.0, usd=1e9, venue="binance")
    own = VendorOpenInterest(
        source="coinglass", observed_at=NOW, venue="coinglass", asset="BTC", open_interest_usd=4e9
    )
    known = observed(full, venue, own, asked=ASKED).facts.known
    fact = known["liquidations_24h_pct_of_oi"]
    assert (fact.value, fact.venues, fact.of_venues, fact.lower_bound) == (2.5, ("coinglass",), 1, False)
    assert known["liquidations_24h_long_pct_of_oi"].value == 1.5
    without = observed(full, venue, asked=ASKED).facts
    assert without.get("liquidations_24h_pct_of_oi") is None
    assert english(without.why_unknown("liquidations_24h_pct_of_oi")).startswith(
        "liquidations are told by coinglass, open interest by binance"
    )


def test_a_share_of_one_side_alone_is_a_lower_bound_and_of_sides_of_different_scopes_unknown() -> None:
    venue = future(None, 100.0, usd=1e9, venue="binance")
    longs = tally(60e6, None, since=NOW - DAY, until=NOW)
    alone = facts(longs, venue).known["liquidations_24h_pct_of_oi"]
    assert (alone.value, alone.lower_bound) == (6.0, True)
    shorts = tally(None, 40e6, since=NOW - DAY, until=NOW, venue="coinglass", complete=True)
    mixed = facts(longs, shorts, venue)
    assert mixed.get("liquidations_24h_pct_of_oi") is None
    assert mixed.value("liquidations_24h_long_pct_of_oi") == 6.0


def test_a_vendor_is_no_venue_of_the_count() -> None:
    known = observed(*hourly(2e6, 1e6, 24), asked=ASKED).facts.known
    fact = known["liquidations_24h_long_usd"]
    assert (fact.venues, fact.of_venues, fact.missing) == (("binance",), 3, ("gate", "okx"))


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


@given(
    rows=st.lists(st.tuples(st.integers(-6, 95), st.integers(1, 8), st.integers(0, 9)), max_size=30),
    holes=st.sets(st.integers(0, 95), max_size=8),
    late=st.integers(0, 3),
)
@example(rows=[(4, 2, 5)], holes={5}, late=0)  # one row alone that overlaps, in the first day
def test_the_days_of_a_past_are_those_of_each_day_by_itself(
    rows: list[tuple[int, int, int]], holes: set[int], late: int
) -> None:
    """Tallies that overlap, that cross midnight, that leave holes; beside whole hours, which are summed at once."""
    whole = [(hour, 1, 3) for hour in range(24 * late, 96) if hour not in holes]
    told = sorted({(begin + length, begin): usd for begin, length, usd in (*whole, *rows)}.items())
    column = HistoryColumn.of(
        [begin * HOUR_MS for (_, begin), _ in told],
        [float(usd) for _, usd in told],
        [(end - begin) * 3_600 for (end, begin), _ in told],
    )
    usd, least = _days(column, 0, 4)
    for day in range(4):
        rows_of_day = _tiles(column, day * DAY_MS, (day + 1) * DAY_MS)
        covered = float(column.covers_ms[rows_of_day].sum())
        if covered < MIN_SHARE * DAY_MS:
            assert np.isnan(usd[day])
        else:
            assert (usd[day], least[day]) == (column.value[rows_of_day].sum(), covered < DAY_MS)

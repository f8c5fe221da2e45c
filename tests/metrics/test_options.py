"""Skew, volatility, put/call and expiries: the reference values of three recorded days, and markets worked
out by hand."""

import math
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from bot.domain.readings import Reading, VolatilityQuote
from bot.metrics import CATALOG, History, observe
from bot.sources.deribit import read_recording
from tests.metrics.market import HOUR, NOW, chain, changed, facts, observed, only, spot
from tests.said import english

# From the exchange's own deltas. Ours know mark volatility and forward alone.
REFERENCE = {
    "2026-01-14": {
        "skew_7d_pct": 4.2615,
        "skew_30d_pct": 5.2657,
        "skew_60d_pct": 6.0114,
        "skew_90d_pct": 6.4329,
        "skew_30d_points": 2.0622,
        "atm_iv_30d_pct": 39.1627,
        "basis_30d_pct": 4.3659,
        "basis_60d_pct": 4.6270,
        "basis_90d_pct": 4.9492,
        "put_call_oi_ratio": 0.7358,
        "spot_usd": 96_726.86,
    },
    "2026-01-19": {
        "skew_7d_pct": 10.2710,
        "skew_30d_pct": 7.1651,
        "skew_60d_pct": 6.5020,
        "skew_90d_pct": 6.8416,
        "skew_30d_points": 2.7283,
        "atm_iv_30d_pct": 38.0781,
        "basis_30d_pct": 2.7671,
        "basis_60d_pct": 4.1788,
        "basis_90d_pct": 4.4879,
        "put_call_oi_ratio": 0.7450,
        "spot_usd": 93_057.88,
    },
    "2026-01-23": {
        "skew_7d_pct": 11.3131,
        "skew_30d_pct": 9.3943,
        "skew_60d_pct": 7.7314,
        "skew_90d_pct": 7.6089,
        "skew_30d_points": 3.3977,
        "atm_iv_30d_pct": 36.1671,
        "basis_30d_pct": 4.5003,
        "basis_60d_pct": 4.5572,
        "basis_90d_pct": 4.5471,
        "put_call_oi_ratio": 0.7279,
        "spot_usd": 89_062.90,
        "put_call_volume_ratio": 0.9025,
        "option_open_interest_usd": 29.647e9,
    },
}
WITHIN = {"skew_30d_points": 0.02, "put_call_oi_ratio": 1e-4, "put_call_volume_ratio": 1e-4, "spot_usd": 0.01}


def within(name: str) -> float:
    if name == "option_open_interest_usd":
        return 0.001e9
    return WITHIN.get(name, 0.005 if name.startswith("basis_") else 0.02)


@pytest.mark.parametrize("day", REFERENCE)
def test_a_recorded_day_has_the_values_worked_out_from_the_exchanges_greeks(shared: Path, day: str) -> None:
    folder = shared / "recordings" / "deribit" / day
    snapshot = read_recording({path.name: path.read_bytes() for path in folder.glob("*.json")}, "BTC")
    known = observe(snapshot, History.empty("BTC"), CATALOG).facts
    for name, expected in REFERENCE[day].items():
        assert known.value(name) == pytest.approx(expected, abs=within(name)), name


SIZES = (("deribit", 10.0), ("okx", 1.0))


def test_a_recording_of_few_options_leaves_skew_unknown_with_a_reason(shared: Path) -> None:
    folder = shared / "recordings" / "deribit" / "2026-05-22"
    snapshot = read_recording({path.name: path.read_bytes() for path in folder.glob("*.json")}, "BTC")
    known = observe(snapshot, History.empty("BTC"), CATALOG).facts
    assert known.get("skew_30d_pct") is None
    assert "around 30 days" in english(known.why_unknown("skew_30d_pct"))
    assert known.value("basis_60d_pct") == pytest.approx(1.9227, abs=0.005)


def smile(days: float, strike: float) -> float:
    return 60.0 - 25.0 * np.log(strike / 90_000.0)


def test_skew_in_percent_is_skew_in_points_over_at_the_money() -> None:
    known = facts(chain(smile), spot(90_000.0))
    for days in (7, 30, 60, 90):
        points, atm = known.known[f"skew_{days}d_points"].value, known.known[f"atm_iv_{days}d_pct"].value
        assert points > 0.0
        assert known.known[f"skew_{days}d_pct"].value == pytest.approx(points / atm * 100.0)


def test_the_term_slope_is_negative_when_the_near_end_is_dearer() -> None:
    known = facts(chain(lambda days, strike: 80.0 if days < 14 else 50.0))
    near, far = known.known["atm_iv_7d_pct"].value, known.known["atm_iv_30d_pct"].value
    assert known.value("iv_term_slope_points") == pytest.approx(far - near)
    assert known.known["iv_term_slope_points"].value < 0.0


def test_the_weeks_expected_move_is_one_standard_deviation_around_spot() -> None:
    known = facts(chain(lambda days, strike: 52.0), spot(90_000.0))
    week = 52.0 * math.sqrt(7 / 365)
    assert known.value("expected_move_7d_pct") == pytest.approx(week)
    assert known.value("expected_low_7d_usd") == pytest.approx(90_000.0 * (1 - week / 100))
    assert known.value("expected_high_7d_usd") == pytest.approx(90_000.0 * (1 + week / 100))
    assert known.known["expected_low_7d_usd"].venues == known.known["atm_iv_7d_pct"].venues


def test_without_options_near_a_week_no_move_is_expected() -> None:
    known = facts(chain(lambda days, strike: 52.0, days=[40.0, 90.0]), spot(90_000.0))
    for name in ("expected_move_7d_pct", "expected_low_7d_usd", "expected_high_7d_usd"):
        assert known.get(name) is None
        assert "around 7 days" in english(known.why_unknown(name))


def test_venues_are_weighed_by_their_open_interest() -> None:
    calm = chain(lambda days, strike: 40.0, venue="deribit", open_interest=30.0)
    afraid = chain(lambda days, strike: 80.0, venue="okx", open_interest=10.0)
    fact = facts(calm, afraid).known["atm_iv_30d_pct"]
    assert fact.value == pytest.approx((3 * 40.0 + 80.0) / 4)
    assert (fact.venues, fact.of_venues) == (("deribit", "okx"), 2)


def test_a_venue_without_the_tenor_leaves_the_others() -> None:
    short = chain(lambda days, strike: 80.0, venue="okx", days=[3.0, 10.0])
    fact = facts(chain(lambda days, strike: 40.0), short).known["atm_iv_30d_pct"]
    assert fact.value == pytest.approx(40.0)
    assert (fact.venues, fact.of_venues) == (("deribit",), 1)


def test_put_call_counts_coins_of_puts_over_coins_of_calls() -> None:
    options = chain(smile, days=[30], strikes=[80_000, 100_000])
    options = changed(
        options,
        open_interest_coin=np.array([10.0, 4.0, 6.0, 8.0]),
        volume_24h_coin=np.array([1.0, 3.0, 1.0, 0.0]),
    )
    known = facts(options, spot(90_000.0))
    assert known.value("put_call_oi_ratio") == pytest.approx(12.0 / 16.0)
    assert known.value("put_call_volume_ratio") == pytest.approx(1.5)
    assert known.value("option_open_interest_coin") == pytest.approx(28.0)
    assert known.value("option_open_interest_usd") == pytest.approx(28.0 * 90_000.0)


def test_a_contract_without_open_interest_makes_the_sums_unknown() -> None:
    options = chain(smile, days=[30], strikes=[80_000, 100_000])
    options = changed(options, open_interest_coin=np.array([10.0, np.nan, 6.0, 8.0]))
    known = facts(options, spot(90_000.0))
    for name in ("put_call_oi_ratio", "option_open_interest_coin", "max_pain_usd"):
        assert known.get(name) is None
        assert "without" in english(known.why_unknown(name))


def test_no_open_calls_make_put_call_unknown_and_not_endless() -> None:
    puts = only(chain(smile, days=[30]), lambda days, strike, is_call: not is_call)
    assert "nothing in calls" in english(facts(puts).why_unknown("put_call_oi_ratio"))


def test_max_pain_is_the_strike_that_pays_holders_least() -> None:
    # At 80 puts pay 20 x 2: 40. At 90 calls pay 10 x 5 and puts 10 x 2: 70. At 100 calls pay 20 x 5 + 10 x 1:
    # 110.
    options = chain(smile, days=[30], strikes=[80.0, 90.0, 100.0], forward=90.0)
    options = changed(options, open_interest_coin=np.array([5.0, 0.0, 1.0, 1.0, 0.0, 2.0]))
    known = facts(options, spot(90.0))
    assert known.value("max_pain_usd") == 80.0
    assert known.value("next_expiry_notional_usd") == pytest.approx(9.0 * 90.0)


def test_the_largest_expiry_of_the_next_35_days_counts_not_a_larger_one_later() -> None:
    options = chain(smile, days=[10, 34, 60], strikes=[80.0, 90.0, 100.0], forward=90.0)
    weight = np.repeat([1.0, 2.0, 50.0], 6)
    assert (
        facts(changed(options, open_interest_coin=weight), spot(90.0)).value("next_expiry_notional_usd")
        == 12.0 * 90.0
    )


def test_a_chain_older_than_half_an_hour_is_not_measured() -> None:
    known = facts(chain(smile, at=NOW - timedelta(minutes=31)))
    assert known.get("skew_30d_pct") is None
    assert known.get("max_pain_usd") is None


def test_dvol_is_what_the_venue_publishes() -> None:
    quote = VolatilityQuote(source="deribit", observed_at=NOW, venue="deribit", asset="BTC", dvol=82.6)
    assert facts(quote).value("dvol") == 82.6


@pytest.mark.parametrize("name", ["next_expiry_notional_usd", "max_pain_usd"])
def test_what_several_venues_make_together_is_compared_only_where_it_is_the_same_venues(name: str) -> None:
    def told(at: datetime, *venues: str) -> list[Reading]:
        chains = [
            chain(lambda *_: 50.0, venue=venue, at=at, open_interest=size)
            for venue, size in SIZES
            if venue in venues
        ]
        return [spot(90_000.0, at=at), *chains]

    first = observed(*told(NOW - HOUR, "deribit", "okx"), at=NOW - HOUR)
    both = observed(*told(NOW, "deribit", "okx"), history=first.history).facts
    assert both.value(f"{name}.change_1h_pct") == pytest.approx(0.0, abs=1e-9)
    fewer = observed(*told(NOW, "okx"), history=first.history).facts
    assert fewer.known[name].venues == ("okx",)
    assert fewer.get(f"{name}.change_1h_pct") is None
    assert fewer.get(f"{name}.before_1h") is None


def test_a_chain_that_is_too_old_to_be_measured_is_a_gap_with_its_age() -> None:
    seen = observed(chain(lambda *_: 50.0, at=NOW - HOUR), spot(90_000.0))
    [gap] = seen.gaps
    assert gap.who == "deribit BTC options"
    assert english(gap.reason).endswith("is 60 min old")

"""Facts that follow from facts given."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.facts import Facts
from bot.errors import InputError
from bot.metrics import CATALOG, derive
from tests.said import english, refused

AT = datetime(2026, 2, 7, tzinfo=UTC)
ARTICLE = {
    "spot_usd": 71_500,
    "low_30d_usd": 60_150,
    "hours_since_low": 24,
    "skew_60d_pct": 20,
    "basis_60d_pct": 2,
    "open_interest_usd": 35.8e9,
    "open_interest_usd.before_7d": 44.3e9,
    "open_interest_coin": 527_850,
    "open_interest_coin.change_7d_pct": 0,
    "liquidations_5d_long_usd": 1.8e9,
    "liquidations_max_day_1y_usd": 4.65e9,
}
TIMES = {
    "liquidations_max_day_1y_usd": datetime(2025, 10, 10, tzinfo=UTC),
    "low_30d_usd": datetime(2026, 2, 6, tzinfo=UTC),
}


def derived(facts: dict[str, float], times: dict[str, datetime] | None = None) -> Facts:
    return derive("BTC", AT, facts, times or {}, CATALOG)


def test_the_articles_market_is_completed() -> None:
    facts = derived(ARTICLE, TIMES)
    assert facts.value("rebound_pct") == pytest.approx(18.87, abs=0.005)
    assert facts.value("open_interest_usd.change_7d_pct") == pytest.approx(-19.19, abs=0.005)
    assert facts.value("open_interest_usd.change_7d") == pytest.approx(-8.5e9)
    assert facts.value("open_interest_coin.before_7d") == 527_850
    assert facts.value("liquidations_5d_pct_of_oi") == pytest.approx(5.03, abs=0.005)
    assert facts.known["liquidations_max_day_1y_usd"].extreme_at == TIMES["liquidations_max_day_1y_usd"]
    assert facts.known["rebound_pct"].extreme_at == TIMES["low_30d_usd"]


def test_what_is_given_stays_as_it_is_given() -> None:
    facts = derived(ARTICLE, TIMES)
    assert {name: facts.value(name) for name in ARTICLE} == ARTICLE


def test_one_side_of_liquidations_is_a_lower_bound_of_the_total() -> None:
    facts = derived(ARTICLE, TIMES)
    assert facts.value("liquidations_5d_usd") == 1.8e9
    assert facts.known["liquidations_5d_usd"].lower_bound
    assert facts.known["liquidations_5d_pct_of_oi"].lower_bound


def test_both_sides_of_liquidations_make_the_total() -> None:
    facts = derived({"liquidations_24h_long_usd": 3e8, "liquidations_24h_short_usd": 1e8})
    assert facts.value("liquidations_24h_usd") == 4e8
    assert not facts.known["liquidations_24h_usd"].lower_bound


def test_a_total_may_be_more_than_the_one_side_that_is_given_but_not_less() -> None:
    facts = derived({"liquidations_24h_usd": 4e8, "liquidations_24h_long_usd": 3e8})
    assert not facts.known["liquidations_24h_usd"].lower_bound
    with refused(InputError, match="liquidations_24h_usd"):
        derived({"liquidations_24h_usd": 2e8, "liquidations_24h_long_usd": 3e8})


def test_each_side_has_its_own_share() -> None:
    facts = derived(
        {"liquidations_24h_long_usd": 3e8, "liquidations_24h_short_usd": 1e8, "open_interest_usd": 20e9}
    )
    assert facts.value("liquidations_24h_long_pct_of_oi") == 1.5
    assert facts.value("liquidations_24h_short_pct_of_oi") == 0.5
    assert facts.value("liquidations_24h_pct_of_oi") == 2.0


MIXED = {"liquidations_5d_long_usd": 1.8e9, "open_interest_usd": 8e9}


@pytest.mark.parametrize(
    ("scopes", "share"),
    [
        ({}, 22.5),  # stated together is one scope
        ({"open_interest_usd": "Binance"}, None),
        ({"liquidations_5d_long_usd": "Binance"}, None),
        ({"open_interest_usd": "Binance", "liquidations_5d_long_usd": "all venues"}, None),
        ({"open_interest_usd": "Binance", "liquidations_5d_long_usd": " binance"}, 22.5),
    ],
)
def test_a_share_follows_only_from_figures_of_one_scope(scopes: dict[str, str], share: float | None) -> None:
    facts = derive("BTC", AT, MIXED, {}, CATALOG, scopes)
    for name in ("liquidations_5d_pct_of_oi", "liquidations_5d_long_pct_of_oi"):
        assert facts.value(name) == share
        if share is None:
            assert english(facts.why_unknown(name)).endswith("are not said to be of one scope")


def test_coins_of_one_venue_make_dollars_of_one_venue_and_sides_of_two_scopes_no_total() -> None:
    stated = {"open_interest_coin": 100_000.0, "spot_usd": 80_000.0, "liquidations_24h_long_usd": 4e8}
    facts = derive("BTC", AT, stated, {}, CATALOG, {"open_interest_coin": "Binance"})
    assert facts.value("open_interest_usd") == 8e9
    assert facts.get("liquidations_24h_long_pct_of_oi") is None
    sides = {"liquidations_24h_long_usd": 3e8, "liquidations_24h_short_usd": 1e8}
    facts = derive("BTC", AT, sides, {}, CATALOG, {"liquidations_24h_short_usd": "OKX"})
    assert facts.get("liquidations_24h_usd") is None


def test_a_scope_of_what_is_not_stated_is_refused() -> None:
    with refused(InputError, match="scope: open_interest_usd is not among the facts"):
        derive("BTC", AT, {"spot_usd": 1.0}, {}, CATALOG, {"open_interest_usd": "Binance"})


def test_the_hours_since_an_extreme_come_from_its_time() -> None:
    facts = derived({"low_30d_usd": 60_150}, {"low_30d_usd": AT - timedelta(hours=30)})
    assert facts.value("hours_since_low") == 30.0


def test_a_change_of_a_percentage_comes_from_its_earlier_value() -> None:
    facts = derived({"skew_30d_pct": 14, "skew_30d_pct.before_24h": 6})
    assert facts.value("skew_30d_pct.change_24h") == 8
    assert "skew_30d_pct.change_24h_pct" not in facts.known


def test_an_earlier_value_comes_from_the_change() -> None:
    assert derived({"skew_30d_pct": 14, "skew_30d_pct.change_7d": 8}).value("skew_30d_pct.before_7d") == 6
    facts = derived({"open_interest_usd": 90.0, "open_interest_usd.change_24h_pct": -10.0})
    assert facts.value("open_interest_usd.before_24h") == pytest.approx(100.0)
    assert facts.value("open_interest_usd.change_24h") == pytest.approx(-10.0)


def test_funding_of_eight_hours_and_of_a_year_make_each_other() -> None:
    assert derived({"funding_8h_pct": 0.01}).value("funding_annual_pct") == pytest.approx(10.95)
    assert derived({"funding_annual_pct": 10.95}).value("funding_8h_pct") == pytest.approx(0.01)


def test_coins_at_spot_make_the_dollars_that_nobody_stated() -> None:
    assert derived({"open_interest_coin": 500_000, "spot_usd": 70_000}).value("open_interest_usd") == 35e9
    stated = derived(ARTICLE, TIMES)
    assert stated.value("open_interest_usd") == 35.8e9
    half = derived({"open_interest_coin": 500_000, "spot_usd": 70_000, "open_interest_usd.before_7d": 44e9})
    assert half.get("open_interest_usd") is None


def test_a_derived_fact_that_is_given_too_wins_if_it_agrees() -> None:
    assert (
        derived({"spot_usd": 71_500, "low_30d_usd": 60_150, "rebound_pct": 18.9}).value("rebound_pct") == 18.9
    )


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"spot_usd": 71_500, "low_30d_usd": 60_150, "rebound_pct": 17.0}, "rebound_pct"),
        ({**ARTICLE, "open_interest_usd.change_7d_pct": -15.0}, "open_interest_usd.change_7d_pct"),
        ({"funding_8h_pct": 0.01, "funding_annual_pct": 12.0}, "funding_annual_pct"),
    ],
)
def test_a_fact_that_contradicts_the_others_is_refused_by_name(facts: dict[str, float], name: str) -> None:
    with refused(InputError, match=name.replace(".", r"\.")):
        derived(facts)


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"skew_60d": 20.0}, "skew_60d"),
        ({"skew_60d_pct.change_9d": 1.0}, "change_9d"),
        ({"skew_60d_pct": float("nan")}, "skew_60d_pct"),
        ({"basis_60d_pct": float("inf")}, "basis_60d_pct"),
        ({"spot_usd": -5.0}, "spot_usd"),
        ({"skew_60d_pct.change_7d_pct": 5.0}, "skew_60d_pct"),
    ],
)
def test_unknown_names_and_senseless_values_are_refused_by_name(facts: dict[str, float], name: str) -> None:
    with refused(InputError, match=name):
        derived(facts)


def test_a_time_without_its_fact_or_from_the_future_is_refused() -> None:
    with refused(InputError, match="high_30d_usd"):
        derived({"spot_usd": 1.0}, {"high_30d_usd": AT})
    with refused(InputError, match="low_30d_usd"):
        derived({"low_30d_usd": 1.0}, {"low_30d_usd": AT + timedelta(seconds=1)})


def test_what_is_not_given_is_unknown_and_says_so() -> None:
    facts = derived({"spot_usd": 70_000})
    assert facts.get("skew_60d_pct") is None
    assert english(facts.why_unknown("skew_60d_pct")) == "not given"
    assert english(facts.why_unknown("skew_60d_pct.percentile_90d")) == "not given"


def test_a_spot_below_its_own_low_tells_no_rebound() -> None:
    assert derived({"spot_usd": 59_000, "low_30d_usd": 60_150}).get("rebound_pct") is None


@given(value=st.floats(0.02, 1e7), before=st.floats(0.02, 1e7))
def test_before_change_and_percent_always_fit_together(value: float, before: float) -> None:
    facts = derived({"spot_usd": value, "spot_usd.before_7d": before})
    change, percent = facts.known["spot_usd.change_7d"].value, facts.value("spot_usd.change_7d_pct")
    assert before + change == pytest.approx(value, rel=1e-9, abs=1e-9)
    if percent is not None:
        assert before * (1 + percent / 100) == pytest.approx(value, rel=1e-9, abs=1e-12 * before)

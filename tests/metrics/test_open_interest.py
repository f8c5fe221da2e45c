"""Open interest in coins and dollars, and why it moved."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.facts import Facts
from bot.domain.readings import FutureQuote, VendorOpenInterest
from bot.metrics import History
from tests.metrics.market import DAY, NOW, chain, facts, future, observed, spot
from tests.said import english

AMOUNTS = st.floats(1.0, 1e6)
PRICES = st.floats(100.0, 200_000.0)


def test_coins_and_dollars_of_a_venue_go_together_by_its_own_index() -> None:
    known = facts(
        future(None, 101.0, coin=30.0),
        future(30, 102.0, usd=500.0),
        future(None, 105.0, index=104.0, usd=1_040.0, venue="bybit"),
    )
    assert known.value("open_interest_coin") == pytest.approx(30.0 + 5.0 + 10.0)
    assert known.value("open_interest_usd") == pytest.approx(3_000.0 + 500.0 + 1_040.0)
    assert known.known["open_interest_usd"].venues == ("bybit", "deribit")


def test_one_contract_without_open_interest_leaves_its_venue_out() -> None:
    known = facts(
        future(None, 100.0, coin=30.0), future(30, 101.0), future(None, 100.0, coin=5.0, venue="okx")
    )
    assert known.value("open_interest_coin") == 5.0
    assert known.known["open_interest_coin"].venues == ("okx",)
    assert known.known["open_interest_coin"].of_venues == 1


def test_no_open_interest_at_all_is_unknown_and_not_nothing() -> None:
    assert "no open interest for perpetual" in english(
        facts(future(None, 100.0)).why_unknown("open_interest_usd")
    )


def test_open_interest_of_zero_everywhere_is_refused() -> None:
    assert facts(future(None, 100.0, coin=0.0)).get("open_interest_usd") is None


def after(*quotes: FutureQuote, before: tuple[FutureQuote, ...], apart: timedelta = DAY) -> Facts:
    """The facts of quotes now, when others were heard some time before."""
    then = NOW - apart
    first = observed(
        *(replace(quote, observed_at=then) for quote in before), at=then, history=History.empty("BTC")
    )
    assert first.history is not None
    return observed(*quotes, history=first.history).facts


def test_a_fall_of_the_price_with_coins_unchanged_is_all_price() -> None:
    known = after(future(None, 80.0, index=80.0, coin=50.0), before=(future(None, 100.0, coin=50.0),))
    assert known.value("open_interest_price_effect_usd") == pytest.approx(-1_000.0)
    assert known.value("open_interest_position_effect_usd") == pytest.approx(0.0)


def test_an_inverse_contract_with_nothing_traded_gains_coins_and_says_that_nobody_opened_them() -> None:
    """Its coins grow from 50 to 62.5 when the price falls by a fifth: no position was opened."""
    known = after(
        future(None, 80.0, index=80.0, usd=5_000.0, inverse=True),
        before=(future(None, 100.0, usd=5_000.0, inverse=True),),
    )
    assert known.value("open_interest_coin.change_24h") == pytest.approx(12.5)
    assert known.value("open_interest_price_effect_usd") == pytest.approx(-1_000.0)
    assert known.value("open_interest_position_effect_usd") == pytest.approx(1_000.0)
    assert known.value("open_interest_inverse_effect_usd") == pytest.approx(1_000.0)


def test_coins_that_are_flat_leave_the_whole_fall_to_the_price_inverse_or_not() -> None:
    """Inverse contracts were closed for as many coins as the fall of the price made of the rest."""
    known = after(
        future(None, 80.0, index=80.0, usd=4_000.0, inverse=True),
        before=(future(None, 100.0, usd=5_000.0, inverse=True),),
    )
    assert known.value("open_interest_coin.change_24h") == pytest.approx(0.0)
    assert known.value("open_interest_price_effect_usd") == pytest.approx(-1_000.0)
    assert known.value("open_interest_position_effect_usd") == pytest.approx(0.0, abs=1e-6)
    assert known.value("open_interest_inverse_effect_usd") == pytest.approx(1_000.0)


def test_linear_contracts_gain_no_coins_untraded() -> None:
    known = after(future(None, 80.0, index=80.0, coin=50.0), before=(future(None, 100.0, coin=50.0),))
    assert known.value("open_interest_inverse_effect_usd") == 0.0


def test_effects_compare_only_venues_that_are_there_at_both_ends() -> None:
    known = after(
        future(None, 80.0, index=80.0, coin=50.0),
        before=(future(None, 100.0, coin=50.0), future(None, 100.0, coin=900.0, venue="okx")),
    )
    assert known.value("open_interest_price_effect_usd") == pytest.approx(-1_000.0)
    assert known.known["open_interest_price_effect_usd"].venues == ("deribit",)
    assert known.value("open_interest_usd.change_24h") == pytest.approx(-1_000.0)


def test_without_a_past_the_effects_are_unknown() -> None:
    assert facts(future(None, 100.0, coin=5.0)).get("open_interest_price_effect_7d_usd") is None


@settings(max_examples=60, deadline=None)
@given(
    linear=st.tuples(AMOUNTS, AMOUNTS),
    inverse=st.tuples(AMOUNTS, AMOUNTS),
    price=st.tuples(PRICES, PRICES),
    week=st.booleans(),
)
def test_both_effects_add_up_to_the_change_in_dollars(
    linear: tuple[float, float], inverse: tuple[float, float], price: tuple[float, float], week: bool
) -> None:
    def quotes(end: int) -> tuple[FutureQuote, ...]:
        index = price[end]
        return (
            future(None, index, index=index, coin=linear[end]),
            future(30, index, index=index, usd=inverse[end] * 1_000.0, inverse=True),
            future(None, index, index=index, coin=2.0 * linear[end], venue="okx"),
            future(30, index, index=index, usd=inverse[end] * 2_000.0, inverse=True, venue="okx"),
        )

    known = after(*quotes(1), before=quotes(0), apart=7 * DAY if week else DAY)
    infix, label = ("_7d", "7d") if week else ("", "24h")
    parts = [known.known[f"open_interest_{part}_effect{infix}_usd"].value for part in ("price", "position")]
    change = known.known[f"open_interest_usd.change_{label}"].value
    assert sum(parts) == pytest.approx(
        change, abs=1e-12 * (known.known["open_interest_usd"].value + abs(change))
    )


def counted(venue: str, usd: float, *, vendor: str = "coinglass") -> VendorOpenInterest:
    return VendorOpenInterest(source=vendor, observed_at=NOW, venue=venue, asset="BTC", open_interest_usd=usd)


def test_what_a_vendor_counts_is_a_figure_of_its_own_and_no_part_of_the_venues_sum() -> None:
    quote = future(None, 100.0, coin=40.0, venue="okx")
    alone, beside = facts(quote), facts(quote, counted("coinglass", 70e9), counted("cme", 16e9))
    for name in ("open_interest_usd", "open_interest_coin"):
        assert beside.value(name) == alone.value(name)
        assert beside.known[name].of_venues == 1
    assert beside.value("open_interest_market_usd") == 70e9
    assert beside.value("open_interest_cme_usd") == 16e9
    assert beside.known["open_interest_cme_usd"].venues == ("coinglass",)


def test_where_no_vendor_tells_of_cme_its_open_interest_is_unknown_and_not_nothing() -> None:
    known = facts(counted("coinglass", 70e9))
    assert known.value("open_interest_market_usd") == 70e9
    assert known.get("open_interest_cme_usd") is None
    assert facts(future(None, 100.0, coin=40.0)).get("open_interest_market_usd") is None


def test_a_vendors_old_count_is_no_count() -> None:
    old = replace(counted("cme", 16e9), observed_at=NOW - 2 * DAY)
    assert facts(old).get("open_interest_cme_usd") is None


def test_a_contract_that_has_expired_is_nowhere_whatever_its_venue_still_lists():
    dead = future(0, 101.0, coin=25_000.0)
    listed = chain(lambda days, strike: 50.0, days=(0.0, 30.0), open_interest=3.0)
    alive = chain(lambda days, strike: 50.0, days=(30.0,), open_interest=3.0)
    with_dead = facts(future(None, 100.0, coin=100.0), dead, spot(100.0), listed)
    without = facts(future(None, 100.0, coin=100.0), spot(100.0), alive)
    assert with_dead.value("open_interest_coin") == 100.0
    assert with_dead.known == without.known

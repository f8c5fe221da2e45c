"""Venues that tell different prices: who is believed, and that the others are left out and named."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.readings import Quantity, Reading
from tests.metrics.market import NOW, chain, changed, future, observed, spot
from tests.said import english

VENUES = ("binance", "bybit", "deribit", "okx", "kraken")


def quotes(**index: float) -> list[Reading]:
    return [spot(usd, venue=venue) for venue, usd in index.items()]


def test_of_two_venues_that_disagree_neither_is_believed_and_both_are_named():
    seen = observed(*quotes(binance=90_000.0, deribit=45_000.0), asked={"index": ("binance", "deribit")})
    assert "spot_usd" not in seen.facts.known
    assert {gap.who for gap in seen.gaps} == {"binance BTC index", "deribit BTC index"}
    assert all("90000" in english(gap.reason) and "45000" in english(gap.reason) for gap in seen.gaps)
    assert "too far apart" in english(seen.facts.unknown["spot_usd"])
    assert seen.points == ()


def test_of_three_venues_the_odd_one_out_alone_is_left_out():
    asked: dict[Quantity, tuple[str, ...]] = {"index": ("binance", "deribit", "okx")}
    seen = observed(*quotes(binance=90_000.0, deribit=90_100.0, okx=9_000.0), asked=asked)
    spot_usd = seen.facts.known["spot_usd"]
    assert spot_usd.value == 90_050.0
    assert spot_usd.venues == ("binance", "deribit")
    assert spot_usd.of_venues == 3
    assert [gap.who for gap in seen.gaps] == ["okx BTC index"]
    assert "okx BTC index: 9000, binance 90000, deribit 90100" in english(seen.gaps[0].reason)


def test_two_against_two_are_all_left_out():
    seen = observed(*quotes(binance=90_000.0, deribit=90_000.0, okx=80_000.0, bybit=80_000.0))
    assert "spot_usd" not in seen.facts.known
    assert len(seen.gaps) == 4


@pytest.mark.parametrize(("other", "known"), [(94_500.0, True), (94_501.0, False)])
def test_five_percent_apart_is_still_agreement(other: float, known: bool):
    assert ("spot_usd" in observed(*quotes(binance=90_000.0, deribit=other)).facts.known) is known


def test_perpetuals_that_disagree_on_their_mark_take_their_open_interest_along():
    seen = observed(
        future(None, 90_000.0, index=90_000.0, venue="binance", coin=10.0),
        future(None, 90_100.0, index=90_000.0, venue="deribit", coin=20.0),
        future(None, 70_000.0, index=90_000.0, venue="okx", coin=40.0),
    )
    assert seen.facts.known["open_interest_coin"].value == 30.0
    assert [gap.who for gap in seen.gaps] == ["okx BTC mark"]


def test_a_dated_futures_mark_may_be_far_from_the_perpetuals():
    seen = observed(
        future(None, 90_000.0, index=90_000.0, venue="binance", coin=10.0),
        future(180.0, 99_000.0, index=90_000.0, venue="deribit", coin=20.0),
    )
    assert seen.gaps == ()
    assert seen.facts.known["open_interest_coin"].value == 30.0


def test_a_venue_that_contradicts_itself_is_believed_by_nobody():
    seen = observed(
        future(None, 90_000.0, index=90_000.0, venue="binance", coin=10.0),
        future(30.0, 90_000.0, index=9.0, venue="binance", coin=10.0),
        spot(90_000.0, venue="deribit"),
        spot(90_000.0, venue="okx"),
    )
    assert [gap.who for gap in seen.gaps] == ["binance BTC index"]
    assert seen.facts.known["spot_usd"].venues == ("deribit", "okx")


def test_an_old_quote_has_no_say():
    old = spot(45_000.0, venue="okx", at=NOW - timedelta(hours=1))
    seen = observed(spot(90_000.0), old)
    assert seen.facts.known["spot_usd"].value == 90_000.0
    assert [(gap.who, english(gap.reason)) for gap in seen.gaps] == [
        ("okx BTC index", "okx BTC index: what it tells of BTC index is 60 min old")
    ]


@pytest.mark.parametrize("turn", [1, -1], ids=["younger last", "younger first"])
def test_of_two_sources_that_tell_the_same_of_a_venue_the_younger_takes_over(turn: int):
    old = NOW - timedelta(minutes=10)
    told = [
        future(None, 90_000.0, index=90_000.0, venue="okx", coin=10.0, at=old),
        future(None, 90_000.0, index=90_000.0, venue="okx", coin=12.0),
    ]
    assert observed(*told[::turn]).facts.known["open_interest_coin"].value == 12.0
    indexes = [spot(90_000.0, venue="okx", at=old), spot(91_000.0, venue="okx")]
    assert observed(*indexes[::turn]).facts.known["spot_usd"].value == 91_000.0


@given(st.lists(st.floats(80_000, 83_000), min_size=3, max_size=5), st.floats(1.06, 1e3), st.booleans())
def test_one_wild_venue_among_three_that_agree_changes_nothing(
    prices: list[float], times: float, above: bool
):
    """Whatever the odd one says, the others say what they would have said without it."""
    sane = quotes(**dict(zip(VENUES, prices, strict=False)))
    wild = 83_000 * times if above else 80_000 / times
    beside = observed(*sane, spot(wild, venue="wild")).facts.known["spot_usd"]
    alone = observed(*sane).facts.known["spot_usd"]
    assert (beside.value, beside.venues) == (alone.value, alone.venues)


@pytest.mark.parametrize("factor", [0.5, 2.0, 10.0, 0.001])
def test_a_chain_whose_forwards_are_of_another_unit_is_a_gap(factor: float) -> None:
    options = chain(lambda _, __: 44.0, days=(10, 38, 66), forward=70_000.0)
    odd = changed(options, forward_usd=options.forward_usd * factor)
    seen = observed(odd, spot(70_000.0), spot(70_010.0, venue="okx"))
    assert [gap.who for gap in seen.gaps] == ["deribit BTC options"]
    assert "atm_iv_30d_pct" not in seen.facts.known
    assert observed(options, spot(70_000.0)).gaps == ()


def test_a_forward_may_carry_more_the_later_it_expires() -> None:
    options = chain(lambda _, __: 44.0, days=(10, 38, 300), forward=70_000.0)
    years = (options.expires_ms - options.row_ms) / (365 * 86_400_000)
    carried = changed(options, forward_usd=70_000.0 * (1.0 + 0.3 * years))
    assert observed(carried, spot(70_000.0)).gaps == ()

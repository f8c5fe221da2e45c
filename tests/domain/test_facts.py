"""Whom a text's facts stand on, counted once."""

from datetime import UTC, datetime

from bot.domain.facts import Fact, count_venues
from bot.domain.readings import VENDORS, venues_of
from bot.sources import available

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


def fact(name: str, *venues: str, missing: tuple[str, ...] = (), of: int = 0) -> Fact:
    expected = of or len(venues) + len(missing)
    return Fact(name=name, value=1.0, at=AT, venues=venues, of_venues=expected, missing=missing)


def counted(*facts: Fact) -> tuple[tuple[str, ...], int, int]:
    count = count_venues(facts, VENDORS)
    return count.sources, count.heard, count.expected


def test_venues_of_several_facts_are_counted_once_out_of_all_that_should_tell_one_of_them() -> None:
    open_interest = fact("open_interest_usd", "binance", "okx", missing=("bybit", "kraken"))
    skew = fact("skew_60d_pct", "deribit", "okx", missing=("bybit",))
    assert counted(open_interest, skew) == (("binance", "deribit", "okx"), 3, 5)


def test_vendors_are_named_and_do_not_make_up_for_venues_that_are_out() -> None:
    open_interest = fact("open_interest_usd", "binance", "okx", missing=("bybit", "kraken"))
    nasdaq, market = fact("vs_nasdaq_30d_pct", "fred"), fact("open_interest_cme_usd", "coinglass")
    assert counted(open_interest, nasdaq, market) == (("binance", "coinglass", "fred", "okx"), 2, 4)
    assert counted(nasdaq) == (("fred",), 0, 0)


def test_a_venue_that_tells_one_fact_and_not_another_is_heard() -> None:
    assert counted(fact("a", "okx", missing=("kraken",)), fact("b", "kraken")) == (("kraken", "okx"), 2, 2)


def test_where_nobody_says_who_is_missing_the_largest_count_stands() -> None:
    assert counted(fact("a", "okx", of=3), fact("b", "kraken", of=2)) == (("kraken", "okx"), 2, 3)


def test_a_venues_market_of_its_own_is_the_venue() -> None:
    assert counted(fact("gold_usd", "binance PAXG"), fact("a", "binance")) == (("binance",), 1, 1)


def test_the_balance_stands_on_families_which_are_no_venues() -> None:
    assert counted(fact("balance", "basis", "options", of=8), fact("a", "okx")) == (("okx",), 1, 1)
    assert counted(fact("balance.change_24h", "basis", of=8)) == ((), 0, 0)


def test_a_vendor_is_a_source_and_speaks_for_a_venue_or_for_none() -> None:
    names = set(available())
    assert set(VENDORS) <= names
    assert {venue for venue in VENDORS.values() if venue} <= names - set(VENDORS)
    assert {name for name, source in available().items() if source.NEEDS_KEY} <= set(VENDORS)
    assert venues_of(["coinalyze", "coinglass", "okx"]) == {"binance", "okx"}

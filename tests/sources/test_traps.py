"""The traps that have fooled published bots: each has a test, named here, and those that no venue's file
holds are below.

The table is checked: a test that is renamed or deleted fails this file.
"""

import ast
from pathlib import Path

import pytest

from bot.domain.readings import FutureQuote, LiquidationTally
from tests.sources.test_poll import whole

TESTS = Path(__file__).resolve().parents[1]
BOT = TESTS.parent / "bot"

TRAPS = {
    "both sides: Bybit's open interest counts longs and shorts": [
        "sources/test_bybit.py::test_one_side_is_counted_in_coins_or_dollars_and_the_other_never",
        "sources/test_bybit.py::test_where_only_both_sides_are_told_half_of_them_is_taken",
        "sources/test_bybit.py::test_the_recorded_ticker_counts_28_199_912_bitcoin_on_one_side",
    ],
    "units: CoinGlass's stablecoin open interest is in coins, the others in dollars": [
        "sources/test_coinglass.py::test_recorded_open_interest_is_coins_in_one_reply_and_dollars_in_the_others"
    ],
    "units: Deribit's options are in coins, its inverse futures in dollars": [
        "sources/test_deribit.py::test_mark_iv_is_in_percent_and_open_interest_in_coins_as_told",
        "sources/test_deribit.py::test_every_number_of_a_poll_is_the_venues_in_its_unit",
    ],
    "units: Binance COIN-M counts contracts of 100 USD": [
        "sources/test_binance.py::test_usd_m_counts_coins_and_coin_m_contracts_of_a_hundred_dollars"
    ],
    "units: OKX's contracts are ctVal x ctMult": [
        "sources/test_okx.py::test_linear_contracts_count_coins_inverse_ones_dollars_each_on_its_own_index",
        "sources/test_okx.py::test_the_recorded_open_interest_and_funding_of_the_bitcoin_swap",
    ],
    "units: Hyperliquid's funding is hourly, its open interest in coins": [
        "sources/test_hyperliquid.py::test_two_assets_are_one_request_and_funding_is_hourly",
        "sources/test_hyperliquid.py::test_the_recorded_contexts_are_worth_2_1216_billion_dollars_in_bitcoin",
    ],
    "units: Kraken's funding is absolute dollars": [
        "sources/test_kraken.py::test_funding_is_absolute_dollars_an_hour_and_becomes_a_share_of_the_index"
    ],
    "percent or fraction": [
        "sources/test_coinglass.py::test_funding_is_in_percent_already_and_told_at_its_bars_end",
        "sources/test_bybit.py::test_option_volatility_is_a_fraction_and_its_open_interest_of_one_side",
        "sources/test_okx.py::test_option_volatility_is_a_fraction_open_interest_in_coins_and_volume_unknown",
        "sources/test_deribit.py::test_mark_iv_is_in_percent_and_open_interest_in_coins_as_told",
    ],
    "empty is many things": [
        "sources/test_wire.py::test_empty_and_absent_are_nothing_and_not_zero",
        "sources/test_wire.py::test_a_price_of_zero_is_none_and_an_open_interest_of_zero_is_zero",
        "sources/test_deribit.py::test_what_is_missing_or_cannot_be_is_nan_and_the_row_stays",
    ],
    "sentinels: a perpetual does not expire in the year 3000": [
        "sources/test_traps.py::test_no_perpetual_expires_and_no_future_after_four_years"
    ],
    "dead or closed endpoints": ["sources/test_traps.py::test_no_source_asks_what_is_dead_or_closed"],
    "throttled liquidations are a lower bound": [
        "sources/test_traps.py::test_no_venues_own_tally_of_liquidations_claims_to_be_all_of_them"
    ],
    "drop-outs are no move": [
        "test_venues.py::test_a_change_is_what_the_venues_at_both_ends_changed_themselves",
        "test_venues.py::test_the_verdict_is_that_of_a_market_in_which_the_missing_venue_never_was",
    ],
    "errors with HTTP 200": [
        "sources/test_okx.py::test_a_refusal_with_http_200_is_no_reading",
        "sources/test_bybit.py::test_a_refusal_with_http_200_is_no_reading",
        "sources/test_coinglass.py::test_a_refusal_with_http_200_is_no_reading",
    ],
    "places: 451 and 403 are a gap of that venue": [
        "sources/test_binance.py::test_a_place_that_is_not_served_is_a_gap_of_this_venue",
        "sources/test_bybit.py::test_a_country_that_is_not_served_is_a_gap_of_this_venue",
        "test_trouble.py::test_one_venue_in_trouble_is_missing_and_the_others_say_what_they_said",
    ],
    "freshness: without a time the server's, from the future never, a foreign clock never": [
        "sources/test_wire.py::test_a_reading_without_a_time_gets_the_servers_and_one_from_the_future_is_refused",
        "sources/test_http.py::test_a_server_whose_clock_is_more_than_30_s_from_ours_is_a_gap",
    ],
}


@pytest.mark.parametrize("trap", TRAPS)
def test_each_trap_has_its_tests(trap: str):
    for place in TRAPS[trap]:
        file, _, name = place.partition("::")
        tree = ast.parse((TESTS / file).read_text("utf-8"))
        assert name in {
            node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }


def test_no_perpetual_expires_and_no_future_after_four_years():
    quotes = [one for heard in whole().values() for one in heard.readings if isinstance(one, FutureQuote)]
    kinds = {quote.instrument.kind for quote in quotes}
    assert kinds == {"future", "perpetual"}
    for quote in quotes:
        expires_at = quote.instrument.expires_at
        assert (expires_at is None) == (quote.instrument.kind == "perpetual"), quote
        assert expires_at is None or expires_at.year <= quote.observed_at.year + 4, quote


def test_no_source_asks_what_is_dead_or_closed():
    asked = "".join(path.read_text("utf-8") for path in (BOT / "sources").glob("*.py"))
    assert "premiumIndex" in asked
    assert "allForceOrders" not in asked
    assert "v1/forceOrders" not in asked


def test_no_venues_own_tally_of_liquidations_claims_to_be_all_of_them():
    tallies = [
        one for heard in whole().values() for one in heard.readings if isinstance(one, LiquidationTally)
    ]
    assert tallies
    assert {tally.source for tally in tallies if tally.complete} <= {"coinglass"}

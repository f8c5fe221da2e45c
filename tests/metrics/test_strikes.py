"""What is open by strike and by expiry, against values worked out by hand."""

from datetime import UTC, datetime
from math import exp, pi, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from msgspec.structs import replace

from bot.domain.chain import OptionChain
from bot.metrics.strikes import ExpiryAmount, gamma_by_strike, largest, open_by_expiry

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
DAY_MS = 86_400_000
Row = tuple[int, float, bool, float, float]


def chain(*rows: Row) -> OptionChain:
    """Rows of days to expiry, strike, is a call, volatility, coins; the forward is 100."""
    at_ms = int(AT.timestamp() * 1000)
    count = len(rows)
    return OptionChain(
        source="deribit",
        venue="deribit",
        asset="BTC",
        observed_at=AT,
        expires_ms=np.array([at_ms + row[0] * DAY_MS for row in rows], np.int64),
        strike_usd=np.array([row[1] for row in rows]),
        is_call=np.array([row[2] for row in rows]),
        forward_usd=np.full(count, 100.0),
        mark_iv_pct=np.array([row[3] for row in rows]),
        open_interest_coin=np.array([row[4] for row in rows]),
        volume_24h_coin=np.ones(count),
        row_ms=np.full(count, at_ms, np.int64),
    )


def test_gamma_of_a_straddle_is_blacks_for_each_side() -> None:
    (row,) = gamma_by_strike(
        chain((73, 100.0, True, 50.0, 3.0), (73, 100.0, False, 80.0, 2.0)), 100.0, within=0.3, most=20
    )

    def by_hand(volatility: float, coins: float, *, is_call: bool) -> float:
        """Gamma less delta over the price plus premium over its square: the options are settled in coins."""
        deviation = volatility * sqrt(0.2)
        density = exp(-0.5 * (deviation / 2) ** 2) / sqrt(2 * pi)
        above = NormalDist().cdf(deviation / 2)
        delta, premium = above - (not is_call), 100.0 * (2 * above - 1)
        gamma = density / (100.0 * deviation) - delta / 100.0 + premium / 100.0**2
        return coins * gamma * 100.0**2 * 0.01

    assert row.strike_usd == 100.0
    assert row.calls_usd == pytest.approx(by_hand(0.5, 3.0, is_call=True))
    assert row.puts_usd == pytest.approx(by_hand(0.8, 2.0, is_call=False))


def test_expiries_add_up_and_far_strikes_are_left_out() -> None:
    one = gamma_by_strike(chain((30, 100.0, True, 50.0, 1.0)), 100.0, within=0.3, most=20)
    both = gamma_by_strike(
        chain((30, 100.0, True, 50.0, 1.0), (60, 100.0, True, 50.0, 1.0), (30, 140.0, True, 50.0, 9.0)),
        100.0,
        within=0.3,
        most=20,
    )
    assert [row.strike_usd for row in both] == [100.0]
    assert one[0].calls_usd < both[0].calls_usd < 2 * one[0].calls_usd


def test_many_strikes_stand_with_round_ones_and_nothing_is_lost() -> None:
    rows: list[Row] = [(30, 80.0 + step, True, 50.0, 1.0) for step in range(41)]
    fine = gamma_by_strike(chain(*rows), 100.0, within=0.3, most=100)
    coarse = gamma_by_strike(chain(*rows), 100.0, within=0.3, most=12)
    assert len(coarse) <= 12
    assert {row.strike_usd % 5.0 for row in coarse} == {0.0}
    assert sum(row.calls_usd for row in coarse) == pytest.approx(sum(row.calls_usd for row in fine))


@pytest.mark.parametrize("coins", [float("nan"), -1.0])
def test_one_contract_that_is_not_told_leaves_the_whole_unknown(coins: float) -> None:
    told = chain((30, 100.0, True, 50.0, 1.0), (30, 105.0, True, 50.0, coins))
    assert gamma_by_strike(told, 100.0, within=0.3, most=20) == ()
    assert open_by_expiry(told, 100.0) == ()


def test_what_is_open_without_a_volatility_leaves_the_whole_unknown_and_what_is_not_open_does_not() -> None:
    rows = ((30, 100.0, True, 50.0, 1.0), (30, 105.0, True, float("nan"), 1.0))
    assert gamma_by_strike(chain(*rows), 100.0, within=0.3, most=20) == ()
    empty = replace(chain(*rows), open_interest_coin=np.array([1.0, 0.0]))
    assert len(gamma_by_strike(empty, 100.0, within=0.3, most=20)) == 1


def test_each_expiry_has_its_dollars_and_the_strike_that_pays_least() -> None:
    """At 100 the calls of 90 pay 30 and the puts of 110 pay 10: at 90 calls pay nothing and puts 20."""
    found = open_by_expiry(
        chain((7, 90.0, True, 50.0, 3.0), (7, 110.0, False, 50.0, 1.0), (40, 120.0, False, 50.0, 2.0)), 100.0
    )
    assert [(row.calls_usd, row.puts_usd, row.max_pain_usd) for row in found] == [
        (300.0, 100.0, 90.0),
        (0.0, 200.0, 120.0),
    ]


def test_an_expiry_with_a_contract_that_is_not_told_is_left_out_alone() -> None:
    found = open_by_expiry(chain((7, 90.0, True, 50.0, float("nan")), (40, 120.0, False, 50.0, 2.0)), 100.0)
    assert [row.puts_usd for row in found] == [200.0]


def test_the_largest_expiries_are_kept_in_the_order_of_time() -> None:
    found = [ExpiryAmount(day, day % 3 * 10.0, 1.0, 90.0) for day in range(1, 7)]
    assert [row.expires_ms for row in largest(found, 4)] == [1, 2, 4, 5]

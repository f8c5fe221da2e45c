"""What is open by expiry and its gamma: by hand, by finite differences, and where it is not known."""

import math

import numpy as np
import pytest

from bot.metrics import expiries
from bot.metrics.density import price_option
from bot.metrics.expiries import find_flip, hedges_by_strike, max_pain, open_by_expiry
from bot.metrics.protection import price_put
from tests.metrics.market import NOW, chain, changed, ms

YEAR_DAYS = 365.0


def flat(days: float, strike: float) -> float:
    return 50.0


def test_each_expiry_has_its_share_its_puts_and_its_max_pain() -> None:
    options = chain(flat, days=[10.0, 40.0], strikes=[80_000.0, 90_000.0, 100_000.0])
    # Ten of each but for the far calls, of which there are thirty: 60 coins near, 120 far.
    coins = np.where((options.expires_ms > ms(NOW) + 20 * 86_400_000) & options.is_call, 30.0, 10.0)
    near, far = open_by_expiry((changed(options, open_interest_coin=coins),), ms(NOW))
    assert (near.coins, far.coins) == (60.0, 120.0)
    assert near.share_pct == pytest.approx(100.0 / 3.0)
    assert near.put_call == 1.0
    assert far.put_call == pytest.approx(1.0 / 3.0)
    assert near.max_pain_usd == 90_000.0
    # Far, calls weigh three times: at 80,000 they pay nothing and puts 10 x (10,000 + 20,000) = 300,000; at
    # 90,000 calls pay 300,000 and puts 100,000.
    assert far.max_pain_usd == 80_000.0


def test_max_pain_is_worked_out_for_nobody_who_does_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def ask(strike: np.ndarray, is_call: np.ndarray, coins: np.ndarray) -> float:
        asked.append(len(coins))
        return 1.0

    monkeypatch.setattr(expiries, "max_pain", ask)
    near, _ = open_by_expiry((chain(flat, days=[10.0, 40.0], strikes=[90_000.0]),), ms(NOW))
    assert not asked
    assert (near.max_pain_usd, near.max_pain_usd) == (1.0, 1.0)
    assert asked == [2]


def test_one_contract_without_open_interest_leaves_no_shares() -> None:
    options = chain(flat, days=[10.0])
    coins = options.open_interest_coin.copy()
    coins[3] = np.nan
    assert open_by_expiry((changed(options, open_interest_coin=coins),), ms(NOW)) == ()
    assert open_by_expiry((), ms(NOW)) == ()


def test_max_pain_is_where_holders_get_least() -> None:
    strikes, calls = np.array([100.0, 110.0, 120.0]), np.array([False, True, True])
    # At 110: the put 0, the call at 110 nothing, the other nothing.
    assert max_pain(strikes, calls, np.array([5.0, 5.0, 5.0])) in (100.0, 110.0)
    # Turned around, with ten times as many puts at 120: there the call alone is paid.
    assert max_pain(strikes, ~calls, np.array([5.0, 5.0, 50.0])) == 120.0


@pytest.mark.parametrize("in_coins", [True, False])
@pytest.mark.parametrize("is_call", [True, False])
def test_gamma_is_the_change_of_the_hedge_when_the_price_moves(in_coins: bool, is_call: bool) -> None:
    venue = "deribit" if in_coins else "bybit"
    options = chain(flat, days=[30.0], strikes=[85_000.0], forward=90_000.0, venue=venue)
    coins = np.where(options.is_call == is_call, 7.0, 0.0)
    (told,) = hedges_by_strike(changed(options, open_interest_coin=coins), 90_000.0, ms(NOW))
    sigma = 0.5 * math.sqrt(30.0 / YEAR_DAYS)

    def hedge(spot: float) -> float:
        step = 0.5
        ends = [price_option(spot + way * step, 85_000.0, sigma, is_call=is_call) for way in (-1, 1)]
        delta = (ends[1] - ends[0]) / (2 * step)
        return delta - (price_option(spot, 85_000.0, sigma, is_call=is_call) / spot if in_coins else 0.0)

    slope = (hedge(90_010.0) - hedge(89_990.0)) / 20.0
    assert told.gross_coin == pytest.approx(7.0 * slope * 900.0, rel=1e-3)
    assert told.net_coin == pytest.approx(told.gross_coin if is_call else -told.gross_coin)


def test_the_flip_is_where_calls_and_puts_weigh_alike() -> None:
    options = chain(flat, days=[30.0], strikes=[80_000.0, 100_000.0], forward=90_000.0, venue="bybit")
    # Puts below, calls above: the further up, the more the calls weigh.
    coins = np.where((options.strike_usd > 90_000.0) == options.is_call, 10.0, 0.0)
    flip = find_flip(changed(options, open_interest_coin=coins), 90_000.0, ms(NOW))
    assert flip is not None
    at_flip = hedges_by_strike(
        changed(options, open_interest_coin=coins, forward_usd=np.full(len(options), flip)), flip, ms(NOW)
    )
    assert sum(one.net_coin for one in at_flip) == pytest.approx(
        0.0, abs=0.01 * sum(one.gross_coin for one in at_flip)
    )
    assert find_flip(options, 90_000.0, ms(NOW)) is None


def test_a_put_is_priced_at_the_listed_strike_and_expiry_nearest_to_what_was_asked() -> None:
    options = chain(flat, days=[10.0, 35.0], strikes=range(60_000, 120_000, 2_000), forward=90_000.0)
    put = price_put(options, 89_500.0, 10.0, 30.0)
    assert put is not None
    assert put.strike_usd == 80_000.0
    assert put.days == pytest.approx(35.0)
    assert put.price_usd == pytest.approx(
        price_option(90_000.0, 80_000.0, 0.5 * math.sqrt(35 / 365), is_call=False)
    )
    assert put.yearly_pct == pytest.approx(put.share_pct * 365 / 35)
    assert price_put(options, 89_500.0, 60.0, 30.0) is None


def test_a_payout_that_no_number_holds_is_the_largest() -> None:
    strikes, calls = np.array([0.0, 90.0, 1e300]), np.array([True, True, False])
    assert max_pain(strikes, calls, np.array([1e300, 1.0, 0.0])) == 0.0

"""What protection costs: by hand, with Black's formula written out."""

from math import log, sqrt
from statistics import NormalDist

import pytest

from bot.metrics.protection import estimate_cost, price_put, price_spread, usual_cost
from bot.metrics.smile import Smile
from tests.metrics.market import chain, observed, spot

CDF = NormalDist().cdf


def put(forward: float, strike: float, iv_pct: float, days: float) -> float:
    sigma = iv_pct / 100.0 * sqrt(days / 365.0)
    d1 = log(forward / strike) / sigma + sigma / 2.0
    return strike * CDF(sigma - d1) - forward * CDF(-d1)


def test_the_usual_put_of_a_flat_smile_is_blacks() -> None:
    # F = S = 90,000, K = 81,000, 50% for 30 days: σ√T = 0.14335, d1 = 0.80669, d2 = 0.66334; 81,000 N(-d2) - 90,000 N(-d1).
    options = chain(lambda days, strike: 50.0, strikes=range(40_000, 140_000, 2_000))
    assert usual_cost(options, 90_000.0) == pytest.approx(
        put(90_000.0, 81_000.0, 50.0, 30.0) / 900.0, rel=1e-4
    )


def test_between_expiries_total_variance_is_linear_in_time() -> None:
    # 40% at 24 days and 60% at 45: w(30) = w(24) + 6/21 of the way to w(45).
    options = chain(lambda days, strike: 40.0 if days < 30 else 60.0, strikes=range(40_000, 140_000, 2_000))
    near, far = 0.16 * 24 / 365, 0.36 * 45 / 365
    iv = sqrt((near + (far - near) * 6 / 21) * 365 / 30) * 100.0
    assert usual_cost(options, 90_000.0) == pytest.approx(put(90_000.0, 81_000.0, iv, 30.0) / 900.0, rel=1e-4)


def test_the_usual_put_is_not_known_where_strikes_or_expiries_do_not_reach() -> None:
    assert usual_cost(chain(lambda days, strike: 50.0, days=[10.0]), 90_000.0) is None
    assert (
        usual_cost(chain(lambda days, strike: 50.0, strikes=[88_000.0, 90_000.0, 92_000.0]), 90_000.0) is None
    )
    assert usual_cost(chain(lambda days, strike: 50.0, strikes=[60_000.0, 90_000.0]), 90_000.0) is None


def test_a_strike_of_nothing_is_no_put() -> None:
    strikes = range(40_000, 140_000, 2_000)
    without = chain(lambda days, strike: 50.0, strikes=strikes)
    beside = chain(lambda days, strike: 50.0, strikes=[0.0, *strikes])
    assert usual_cost(beside, 90_000.0) == usual_cost(without, 90_000.0)


def test_a_smile_of_three_points_estimates_the_same() -> None:
    assert estimate_cost(Smile(30.0, 50.0, 50.0, 50.0), 1.0) == pytest.approx(
        put(1.0, 0.9, 50.0, 30.0) * 100.0, rel=1e-6
    )
    assert estimate_cost(Smile(30.0, None, 50.0, 50.0), 1.0) is None
    assert (
        estimate_cost(Smile(30.0, 15.0, 15.0, 15.0), 1.0) is None
    )  # a tenth is far beyond the put at 25 delta


def test_wide_strikes_are_taken_at_half_their_distance_and_holes_are_not() -> None:
    # As of Solana: strikes 5 apart at a price of 81.4, where 2% are 1.6.
    options = chain(lambda days, strike: 90.0, strikes=[60.0, 65.0, 70.0, 75.0, 80.0, 85.0], forward=81.4)
    bought = price_put(options, 81.4, 10.0, 24.0)
    assert bought is not None
    assert bought.strike_usd == 75.0
    both = price_spread(options, 81.4, bought, 20.0)
    assert both is not None
    assert both.sold.strike_usd == 65.0
    assert both.price_usd == pytest.approx(
        put(81.4, 75.0, 90.0, 24.0) - put(81.4, 65.0, 90.0, 24.0), rel=1e-6
    )
    assert both.share_pct == pytest.approx(both.price_usd / 81.4 * 100.0)
    assert price_spread(options, 81.4, bought, 5.0) is None
    assert (
        price_put(chain(lambda days, strike: 90.0, strikes=[40.0, 85.0], forward=81.4), 81.4, 25.0, 24.0)
        is None
    )


def test_a_poll_measures_the_usual_put_and_says_why_where_it_cannot() -> None:
    options = chain(lambda days, strike: 50.0, strikes=range(40_000, 140_000, 2_000))
    known = observed(options, spot(90_000.0)).facts
    assert known.value("protection_30d_pct") == pytest.approx(
        put(90_000.0, 81_000.0, 50.0, 30.0) / 900.0, rel=1e-4
    )
    short = observed(chain(lambda days, strike: 50.0, days=[10.0]), spot(90_000.0)).facts
    assert "no_put_near" in short.why_unknown("protection_30d_pct")

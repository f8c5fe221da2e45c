"""What options of one expiry price: a flat smile against the normal distribution, a tilted one against numbers worked
out here, three recorded days, and what is left unknown."""

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.chain import OptionChain
from bot.metrics.density import ExpirySmile, fit_expiries, price_option
from bot.sources.deribit import read_recording
from tests.metrics.market import NOW, chain, changed, ms

DAYS = ("2026-01-14", "2026-01-19", "2026-01-23")
NORMAL = NormalDist()


def fitted(smile: object, **more: object) -> tuple[ExpirySmile, ...]:
    return fit_expiries(chain(smile, **more), ms(NOW))  # type: ignore[arg-type]


def recorded(shared: Path, day: str) -> tuple[OptionChain, tuple[ExpirySmile, ...]]:
    folder = shared / "recordings" / "deribit" / day
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    one = next(one for one in read_recording(files, "BTC").readings if isinstance(one, OptionChain))
    return one, fit_expiries(one, one.observed_at.timestamp() * 1000)


def test_a_flat_smile_is_the_lognormal_distribution() -> None:
    (smile,) = fitted(lambda days, strike: 60.0, days=[45.0], forward=90_000.0)
    sigma = 0.6 * math.sqrt(45.0 / 365.0)
    assert smile.move_share == pytest.approx(sigma, rel=1e-6)
    for level in (60_000.0, 80_000.0, 90_000.0, 100_000.0, 130_000.0):
        d2 = (math.log(90_000.0 / level) - sigma * sigma / 2.0) / sigma
        assert smile.price_under(level) == pytest.approx(NORMAL.cdf(-d2), abs=1e-6)
    sixteenth = 90_000.0 * math.exp(NORMAL.inv_cdf(0.16) * sigma - sigma * sigma / 2.0)
    assert smile.level_at(0.16) == pytest.approx(sixteenth, rel=1e-4)


def test_the_straddle_is_both_options_at_the_money_and_four_fifths_of_the_move() -> None:
    (smile,) = fitted(lambda days, strike: 60.0, days=[45.0], forward=90_000.0)
    both = [smile.option_usd(90_000.0, is_call=is_call) or 0.0 for is_call in (True, False)]
    assert smile.straddle_share == pytest.approx(sum(both) / 90_000.0, rel=1e-9)
    assert smile.straddle_share / smile.move_share == pytest.approx(math.sqrt(2.0 / math.pi), rel=0.01)


def test_black_prices_an_option_as_worked_out_by_hand() -> None:
    # F = 100, K = 90, σ√T = 0.2: d1 = ln(100/90)/0.2 + 0.1 = 0.626803, d2 = 0.426803.
    call = 100.0 * NORMAL.cdf(0.6268026) - 90.0 * NORMAL.cdf(0.4268026)
    assert price_option(100.0, 90.0, 0.2, is_call=True) == pytest.approx(call, abs=1e-5)
    assert price_option(100.0, 90.0, 0.2, is_call=False) == pytest.approx(call - 10.0, abs=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    level=st.floats(25.0, 120.0),
    tilt=st.floats(-25.0, 25.0),
    bend=st.floats(0.0, 40.0),
    days=st.floats(2.0, 200.0),
)
def test_every_fit_is_a_distribution_whose_mean_is_the_forward(
    level: float, tilt: float, bend: float, days: float
) -> None:
    def smile(_: float, strike: float) -> float:
        k = math.log(strike / 90_000.0)
        return max(level + tilt * k + bend * k * k, 5.0)

    for one in fitted(smile, days=[days], strikes=[*range(40_000, 200_000, 2_000)]):
        k = one.grid()
        density, under = one.density(k), one.distribution(k)
        assert density.min() >= -1e-6
        mass = float(np.trapezoid(density, k))
        assert under[0] + mass + 1.0 - under[-1] == pytest.approx(1.0, abs=1e-3)
        ends = [one.option_usd(one.lowest_usd, is_call=False), one.option_usd(one.highest_usd, is_call=True)]
        assert None not in ends
        low = one.lowest_usd * under[0] - (ends[0] or 0.0)
        high = one.highest_usd * (1.0 - under[-1]) + (ends[1] or 0.0)
        mean = (low + high) / one.forward_usd + float(np.trapezoid(density * np.exp(k), k))
        assert mean == pytest.approx(1.0, abs=1e-3)
        assert np.all(np.diff(under) >= -1e-9)


@pytest.mark.parametrize("day", DAYS)
def test_recorded_expiries_integrate_to_one_and_to_their_forward(shared: Path, day: str) -> None:
    _, smiles = recorded(shared, day)
    assert len(smiles) >= 10
    for smile in smiles:
        k = smile.grid()
        density, under = smile.density(k), smile.distribution(k)
        assert density.min() >= -1e-6
        assert under[0] + float(np.trapezoid(density, k)) + 1.0 - under[-1] == pytest.approx(1.0, abs=1e-3)
        low = smile.lowest_usd * under[0] - (smile.option_usd(smile.lowest_usd, is_call=False) or 0.0)
        high = smile.highest_usd * (1 - under[-1]) + (
            smile.option_usd(smile.highest_usd, is_call=True) or 0.0
        )
        mean = (low + high) / smile.forward_usd + float(np.trapezoid(density * np.exp(k), k))
        assert mean == pytest.approx(1.0, abs=1e-4)
        assert smile.worst_points < 0.6


def test_the_levels_of_a_recorded_day_are_those_worked_out_by_hand(shared: Path) -> None:
    _, smiles = recorded(shared, "2026-01-23")
    month = min(smiles, key=lambda one: abs(one.years * 365.0 - 35.0))
    assert month is not None
    assert month.move_share * 100 == pytest.approx(11.2, abs=0.05)
    assert (month.price_under(80_200.0) or 0.0) * 100 == pytest.approx(16.0, abs=0.5)
    assert 100 - (month.price_under(99_100.0) or 0.0) * 100 == pytest.approx(16.0, abs=0.5)


def test_beyond_the_outermost_strikes_nothing_is_known() -> None:
    (smile,) = fitted(lambda days, strike: 60.0, days=[45.0], strikes=range(80_000, 102_000, 2_000))
    assert smile.price_under(79_999.0) is None
    assert smile.price_under(100_001.0) is None
    assert smile.option_usd(50_000.0, is_call=False) is None
    assert smile.level_at(0.001) is None


def test_too_few_strikes_and_an_expiry_of_today_have_no_fit() -> None:
    assert fitted(lambda days, strike: 60.0, days=[0.5]) == ()
    assert fitted(lambda days, strike: 60.0, days=[45.0], strikes=[80_000, 90_000, 100_000]) == ()


def test_a_smile_that_would_price_a_settlement_below_zero_is_smoothed_until_it_does_not() -> None:
    def jagged(_: float, strike: float) -> float:
        return 60.0 + (4.0 if strike % 4_000 else -4.0)

    for smile in fitted(jagged, days=[45.0]):
        assert smile.density(smile.grid()).min() >= -1e-6


def test_rows_without_a_volatility_take_no_part() -> None:
    options = chain(lambda days, strike: 60.0, days=[45.0])
    holes = options.mark_iv_pct.copy()
    holes[::3] = np.nan
    (smile,) = fit_expiries(changed(options, mark_iv_pct=holes), ms(NOW))
    assert smile.atm_iv_pct == pytest.approx(60.0, abs=1e-3)

"""The smile: deltas against the exchange's own, legs against values worked out by hand, and what is left
unknown."""

import csv
import math
from datetime import UTC, datetime
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.chain import OptionChain
from bot.metrics.smile import (
    DAY_MS,
    Smile,
    at_tenor,
    deltas,
    legs,
    normal_cdf,
    smile_at,
    smile_points,
    widest_gap_days,
)
from bot.sources.deribit import read_recording
from tests.metrics.market import NOW, chain, changed, ms, only

CDF = NormalDist().cdf
DAYS = ("2026-01-14", "2026-01-19", "2026-01-23")


def recorded_chain(files: dict[str, bytes]) -> OptionChain:
    return next(one for one in read_recording(files, "BTC").readings if isinstance(one, OptionChain))


def flat(days: float, strike: float) -> float:
    return 50.0


def tilted(days: float, strike: float) -> float:
    """Dearer towards low strikes."""
    return 50.0 - 20.0 * math.log(strike / 90_000.0)


def test_the_normal_distribution_is_right_to_fifteen_digits() -> None:
    x = np.linspace(-40.0, 40.0, 20_001)
    truth = np.array([0.5 * math.erfc(-value / math.sqrt(2.0)) for value in x])
    assert np.abs(normal_cdf(x) - truth).max() < 1e-15


def test_the_far_tail_keeps_its_size() -> None:
    assert normal_cdf(np.array([-8.0]))[0] == pytest.approx(0.5 * math.erfc(8.0 / math.sqrt(2.0)), rel=1e-6)


@pytest.mark.parametrize(
    ("strike", "call_delta"),
    # d1 worked out on paper for F = 100, σ = 80%, T = 0.25 years: σ√T = 0.4, d1 = ln(F/K) / 0.4 + 0.2.
    [(100.0, CDF(0.2)), (100.0 * math.exp(0.08), CDF(0.0)), (100.0 * math.exp(-0.4), CDF(1.2))],
)
def test_delta_is_that_of_the_forward_without_rates(strike: float, call_delta: float) -> None:
    options = chain(lambda days, strike: 80.0, days=[91.25], strikes=[strike], forward=100.0)
    assert deltas(options) == pytest.approx([call_delta, call_delta - 1.0], abs=1e-12)


def test_a_row_without_volatility_or_forward_has_no_delta() -> None:
    options = chain(flat, days=[10], strikes=[80_000, 90_000])
    options = changed(
        options,
        mark_iv_pct=np.array([np.nan, 0.0, 50.0, 50.0]),
        forward_usd=np.array([9e4, 9e4, np.nan, 9e4]),
    )
    assert np.isnan(deltas(options)).tolist() == [True, True, True, False]


@pytest.mark.parametrize("day", DAYS)
def test_deltas_from_mark_volatility_alone_are_the_exchanges_own(shared: Path, day: str) -> None:
    folder = shared / "recordings" / "deribit" / day
    files = {path.name: path.read_bytes() for path in folder.glob("*.json")}
    options = recorded_chain(files)
    with (folder / "greeks.csv").open(encoding="utf-8") as file:
        listed = list(csv.DictReader(file))
    theirs = {
        (int(row["expiration_timestamp_ms"]), float(row["strike_usd"]), row["option_type"] == "call"): float(
            row["delta"]
        )
        for row in listed
    }
    kept = zip(
        options.expires_ms.tolist(), options.strike_usd.tolist(), options.is_call.tolist(), strict=True
    )
    error = np.abs(deltas(options) - np.array([theirs[contract] for contract in kept]))
    far = options.expires_ms - options.row_ms > 2 * 86_400_000
    assert error.max() <= 6e-5
    assert error[far].max() <= 4e-5


def test_the_23rd_of_january_has_the_smile_worked_out_from_the_exchanges_greeks(shared: Path) -> None:
    folder = shared / "recordings" / "deribit" / "2026-01-23"
    options = recorded_chain({path.name: path.read_bytes() for path in folder.glob("*.json")})
    smiles = legs(options, ms(options.observed_at))
    for days, expected in ((20.8119, (38.3506, 34.9586, 35.6634)), (34.8119, (39.0489, 35.6494, 36.3234))):
        smile = min(smiles, key=lambda one: abs(one.days - days))
        assert smile.days == pytest.approx(days, abs=1e-4)
        assert (smile.put25, smile.call25, smile.atm) == pytest.approx(expected, abs=0.005)


def test_a_flat_smile_is_the_same_everywhere() -> None:
    smile = at_tenor(legs(chain(flat), ms(NOW)), 30.0)
    assert (smile.put25, smile.call25, smile.atm) == pytest.approx((50.0, 50.0, 50.0), abs=1e-9)


def test_a_leg_is_linear_in_delta_between_the_straddling_strikes() -> None:
    options = chain(
        lambda days, strike: {80_000: 60.0, 85_000: 54.0, 90_000: 50.0, 95_000: 48.0, 100_000: 47.0}[
            int(strike)
        ],
        days=[30],
        strikes=[80_000, 85_000, 90_000, 95_000, 100_000],
    )
    sigma_85, sigma_80 = 0.54 * math.sqrt(30 / 365), 0.60 * math.sqrt(30 / 365)
    put_85 = CDF(-(math.log(90 / 85) / sigma_85 + sigma_85 / 2))
    put_80 = CDF(-(math.log(90 / 80) / sigma_80 + sigma_80 / 2))
    assert put_80 < 0.25 < put_85
    expected = 60.0 + (54.0 - 60.0) * (0.25 - put_80) / (put_85 - put_80)
    assert legs(options, ms(NOW))[0].put25 == pytest.approx(expected, abs=1e-9)


def test_at_the_money_is_linear_in_the_logarithm_of_the_strike() -> None:
    options = chain(
        lambda days, strike: 50.0 if strike < 90_000 else 46.0,
        days=[30],
        strikes=[70_000, 88_000, 93_000, 110_000],
    )
    weight = math.log(90 / 88) / math.log(93 / 88)
    assert legs(options, ms(NOW))[0].atm == pytest.approx(50.0 - 4.0 * weight, abs=1e-9)


def test_between_expiries_total_variance_is_linear() -> None:
    options = chain(lambda days, strike: 40.0 if days == 20 else 60.0, days=[20, 40])
    variance = (40.0**2 * 20 + 60.0**2 * 40) / 2
    assert at_tenor(legs(options, ms(NOW)), 30.0).atm == pytest.approx(math.sqrt(variance / 30.0), abs=1e-9)


def test_nothing_is_extrapolated_in_time() -> None:
    smiles = legs(chain(flat, days=[10, 80]), ms(NOW))
    assert at_tenor(smiles, 7.0).atm is None
    assert at_tenor(smiles, 90.0).atm is None


def test_an_expiry_exactly_at_the_tenor_is_taken_as_it_is() -> None:
    assert at_tenor(legs(chain(tilted, days=[30]), ms(NOW)), 30.0).atm == pytest.approx(50.0, abs=0.05)


def test_expiries_too_far_apart_leave_the_tenor_unknown() -> None:
    assert widest_gap_days(7.0) == 35.0
    assert at_tenor(legs(chain(flat, days=[5, 39]), ms(NOW)), 7.0).atm is not None
    assert at_tenor(legs(chain(flat, days=[5, 41]), ms(NOW)), 7.0).atm is None


def test_a_front_expiry_hours_away_is_left_out() -> None:
    assert legs(chain(flat, days=[0.9, 10]), ms(NOW))[0].days == 10.0


def test_an_expiry_without_puts_still_has_a_call_leg() -> None:
    options = only(chain(flat, days=[30]), lambda days, strike, is_call: is_call)
    smile = legs(options, ms(NOW))[0]
    assert smile.put25 is None
    assert smile.call25 == pytest.approx(50.0)
    assert smile.atm == pytest.approx(50.0)


def test_a_leg_missing_in_one_expiry_is_taken_from_the_next_ones_that_have_it() -> None:
    options = only(chain(flat, days=[10, 24, 45]), lambda days, strike, is_call: is_call or days != 24)
    smile = at_tenor(legs(options, ms(NOW)), 30.0)
    assert smile.put25 == pytest.approx(50.0)


def test_strikes_with_one_side_each_make_the_smile_of_both() -> None:
    options = only(chain(tilted, days=[30]), lambda days, strike, is_call: is_call == (strike >= 90_000))
    smile = legs(options, ms(NOW))[0]
    whole = legs(chain(tilted, days=[30]), ms(NOW))[0]
    assert smile.put25 == whole.put25
    assert smile.call25 == whole.call25
    assert smile.atm == pytest.approx(whole.atm, abs=0.05)


def test_a_hole_around_the_25_delta_strike_leaves_the_leg_unknown() -> None:
    options = only(
        chain(flat, days=[10]), lambda days, strike, is_call: is_call or not 74_000 < strike < 100_000
    )
    assert legs(options, ms(NOW))[0].put25 is None


def test_a_zero_volatility_is_a_row_less_and_not_a_zero() -> None:
    options = chain(flat, days=[30])
    iv = options.mark_iv_pct.copy()
    iv[::5] = 0.0
    smile = legs(changed(options, mark_iv_pct=iv), ms(NOW))[0]
    assert (smile.put25, smile.atm) == pytest.approx((50.0, 50.0), abs=1e-9)


def test_a_smile_that_crosses_25_delta_twice_is_unknown() -> None:
    wild = chain(lambda days, strike: 150.0 if strike == 76_000 else 50.0, days=[30])
    assert legs(wild, ms(NOW))[0].put25 is None


def test_an_empty_or_senseless_chain_has_no_legs() -> None:
    options = chain(flat, days=[30])
    nothing = legs(changed(options, mark_iv_pct=np.full(len(options), np.nan)), ms(NOW))
    assert nothing == ()
    assert at_tenor(nothing, 30.0).put25 is None


def test_the_order_of_rows_does_not_matter() -> None:
    options = chain(tilted)
    order = np.random.default_rng(7).permutation(len(options))
    columns = ("expires_ms", "strike_usd", "is_call", "mark_iv_pct")
    shuffled = changed(options, **{name: getattr(options, name)[order] for name in columns})
    assert legs(options, ms(NOW)) == legs(shuffled, ms(NOW)) != ()


@settings(deadline=None, max_examples=60)
@given(
    tilt=st.floats(-40.0, 40.0),
    level=st.floats(25.0, 120.0),
    tenor=st.floats(4.0, 130.0),
    when=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_puts_are_dearer_exactly_when_low_strikes_are(
    tilt: float, level: float, tenor: float, when: datetime
) -> None:
    options = chain(lambda days, strike: max(level - tilt * math.log(strike / 90_000.0), 5.0), at=when)
    smile = at_tenor(legs(options, ms(when)), tenor)
    if smile.put25 is not None and smile.call25 is not None and abs(tilt) > 1e-6:
        assert (smile.put25 - smile.call25) * tilt > 0.0


@settings(deadline=None, max_examples=60)
@given(
    tenors=st.lists(st.floats(2.0, 150.0), max_size=4, unique=True),
    days=st.lists(st.floats(0.2, 200.0), max_size=6, unique=True),
    puts_missing_in=st.integers(0, 5),
)
def test_the_short_way_to_some_tenors_ends_where_the_long_way_does(
    tenors: list[float], days: list[float], puts_missing_in: int
) -> None:
    options = chain(tilted, days=days, strikes=range(40_000, 160_000, 4_000))
    expiries = sorted(set(options.expires_ms.tolist()))
    missing = expiries[puts_missing_in % len(expiries)] if days else 0
    iv = np.where((options.expires_ms == missing) & ~options.is_call, np.nan, options.mark_iv_pct)
    options = changed(options, mark_iv_pct=iv)
    whole = legs(options, ms(NOW))
    assert smile_at(options, ms(NOW), tenors) == {one: at_tenor(whole, one) for one in tenors}
    at_expiry = tuple((one - ms(NOW)) / DAY_MS for one in expiries)
    assert smile_at(options, ms(NOW), at_expiry) == {one: at_tenor(whole, one) for one in at_expiry}


def test_a_tenor_outside_the_expiries_or_a_chain_of_none_is_unknown() -> None:
    empty = only(chain(flat, days=[30]), lambda days, strike, is_call: False)
    assert smile_at(empty, ms(NOW), (30.0,)) == {30.0: Smile(30.0, None, None, None)}
    found = smile_at(chain(flat, days=[20, 40]), ms(NOW), (10.0, 30.0, 60.0))
    assert [smile.atm for smile in found.values()] == [None, pytest.approx(50.0), None]
    assert smile_at(chain(flat), ms(NOW), ()) == {}


def test_the_smile_of_an_expiry_is_read_off_its_own_rows() -> None:
    whole = chain(lambda days, strike: 50.0 + (strike - 90_000.0) ** 2 / 1e8, days=[10.0, 40.0])
    delta = deltas(whole)
    for expires_ms in sorted(set(whole.expires_ms.tolist())):
        plain = sorted(
            (float(whole.strike_usd[row]), float(whole.mark_iv_pct[row]), float(delta[row]))
            for row in range(len(whole))
            if whole.expires_ms[row] == expires_ms
            and abs(delta[row]) >= 0.05
            and bool(whole.is_call[row]) == bool(whole.strike_usd[row] >= whole.forward_usd[row])
        )
        points = smile_points(whole, expires_ms, least_delta=0.05)
        assert plain
        assert [tuple(point) for point in points] == plain

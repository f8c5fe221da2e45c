"""Answers worked out elsewhere: delta by QuantLib, and a small market by hand as in a spreadsheet.

QuantLib is not needed here, its answers are: `BlackCalculator(PlainVanillaPayoff(right, strike), forward,
σ√T).deltaForward()` of release 1.44, no discounting, T in 365-day years, to twelve digits."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from bot.domain.chain import OptionChain
from bot.metrics.options import TENORS
from bot.metrics.smile import deltas, smile_at
from bot.sources._http import Reply
from bot.sources.deribit import parse_options
from tests.metrics.market import NOW, chain, changed, facts, funding, future, ms, observed, spot
from tests.said import english

# forward, strike, volatility in % a year, days; delta of the call, delta of the put
QUANTLIB = (
    (90_000, 90_000, 50, 30, 0.528568837545, -0.471431162455),
    (90_000, 80_000, 60, 30, 0.779567716945, -0.220432283055),
    (90_000, 100_000, 45, 30, 0.225973480990, -0.774026519010),
    (90_000, 75_000, 72.5, 7, 0.968987975320, -0.031012024680),
    (90_000, 105_000, 38.25, 14, 0.021675504401, -0.978324495599),
    (96_726.86, 110_000, 41.77, 58.3, 0.246098691118, -0.753901308882),
    (96_726.86, 60_000, 88.1, 3.5, 0.999999987875, -0.000000012125),
    (3_200, 2_600, 81.4, 91, 0.762414783895, -0.237585216105),
    (3_200, 4_500, 67, 181.5, 0.313708648826, -0.686291351174),
    (150, 155, 120, 2.25, 0.381738171022, -0.618261828978),
    (89_062.9, 88_000, 35.57, 1.01, 0.742480317314, -0.257519682686),
    (60_000, 200_000, 95, 330, 0.189104345348, -0.810895654652),
)


@pytest.mark.parametrize(("forward", "strike", "iv", "days", "call", "put"), QUANTLIB)
def test_delta_is_what_quantlib_makes_of_it(
    forward: float, strike: float, iv: float, days: float, call: float, put: float
) -> None:
    options = chain(lambda _, __: iv, days=[days], strikes=[strike], forward=forward)
    assert deltas(options) == pytest.approx([call, put], abs=5e-12)


# Volatilities by strike of two expiries, forward 90,000; the legs and the mean of variances below follow on
# paper: 20 days, σ√T of a volatility s in %: s/100 x 0.234082. 40 days: s/100 x 0.331042.
SHEET = {
    20: {75_000: 62.0, 80_000: 57.0, 85_000: 53.0, 90_000: 50.0, 95_000: 48.5, 100_000: 48.0, 105_000: 48.5},
    40: {75_000: 60.0, 80_000: 56.0, 85_000: 52.5, 90_000: 50.0, 95_000: 48.0, 100_000: 47.0, 105_000: 46.5},
}


def on_paper(days: int, side: int) -> float:
    """The 25-delta volatility of one expiry, cell by cell: d1, delta, the two cells around, the line between
    them."""
    cells = []
    for strike, iv in SHEET[days].items():
        spread = iv / 100.0 * (days / 365.0) ** 0.5
        d1 = np.log(90_000 / strike) / spread + spread / 2.0
        cells.append((NormalDist().cdf(side * d1), iv))
    cells.sort()
    (low, low_iv), (high, high_iv) = next(
        (one, two) for one, two in pairwise(cells) if one[0] <= 0.25 < two[0]
    )
    return float(low_iv + (high_iv - low_iv) * (0.25 - low) / (high - low))


def test_skew_of_a_small_market_is_what_the_sheet_says() -> None:
    known = facts(chain(lambda days, strike: SHEET[int(days)][int(strike)], days=SHEET, strikes=SHEET[20]))
    put, call = (
        ((on_paper(20, side) ** 2 * 20 + on_paper(40, side) ** 2 * 40) / 2 / 30) ** 0.5 for side in (-1, 1)
    )
    assert 53.0 < put < 57.0  # between the strikes of 80,000 and 85,000 of both expiries
    assert 47.0 < call < 48.5
    assert known.value("skew_30d_points") == pytest.approx(put - call, abs=1e-9)
    assert known.value("skew_30d_pct") == pytest.approx((put - call) / 50.0 * 100.0, abs=1e-9)
    assert known.value("atm_iv_30d_pct") == pytest.approx(50.0, abs=1e-9)


def test_the_rest_of_a_small_market_is_what_the_sheet_says() -> None:
    known = facts(
        spot(80_000.0),
        funding(-0.02, 8),
        future(30, 80_400.0, index=80_000.0, usd=2e9),
        future(60, 81_200.0, index=80_000.0, usd=1e9),
        future(None, 79_960.0, index=80_000.0, coin=12_000.0),
    )
    assert known.value("funding_8h_pct") == pytest.approx(-0.02)
    assert known.value("funding_annual_pct") == pytest.approx(-21.9)  # three times a day, 365 days
    assert known.value("basis_30d_pct") == pytest.approx(6.083333, abs=1e-6)  # 400 / 80,000 x 365 / 30
    assert known.value("basis_60d_pct") == pytest.approx(9.125)  # 1,200 / 80,000 x 365 / 60
    assert known.value("perp_premium_pct") == pytest.approx(-0.05)  # -40 / 80,000


def test_each_option_venue_has_its_own_skew_beside_the_aggregate() -> None:
    calm = chain(lambda days, strike: 40.0, open_interest=30.0)
    afraid = chain(lambda days, strike: 80.0, venue="okx", open_interest=10.0)
    points = {
        point.venue: point.value
        for point in observed(calm, afraid).points
        if point.metric == "atm_iv_30d_pct"
    }
    assert points == pytest.approx({None: 50.0, "deribit": 40.0, "okx": 80.0})


def test_a_venue_whose_open_interest_is_not_known_weighs_nothing_in_the_aggregate() -> None:
    calm = chain(lambda days, strike: 40.0)
    mute = chain(lambda days, strike: 80.0, venue="okx")
    mute = changed(mute, open_interest_coin=np.full(len(mute), np.nan))
    fact = facts(calm, mute).known["atm_iv_30d_pct"]
    assert fact.value == pytest.approx(40.0)
    assert fact.venues == ("deribit",)


def test_a_tenor_that_ages_out_is_unknown_and_no_error() -> None:
    listed = chain(lambda days, strike: 50.0, days=[5.0, 12.0, 40.0])
    assert facts(listed).value("atm_iv_7d_pct") == pytest.approx(50.0)
    later = NOW + timedelta(days=6)
    aged = changed(listed, observed_at=later, row_ms=np.full(len(listed), ms(later)))
    known = facts(aged, at=later)
    assert known.get("atm_iv_7d_pct") is not None
    later = NOW + timedelta(days=11.5)
    aged = changed(listed, observed_at=later, row_ms=np.full(len(listed), ms(later)))
    known = facts(aged, at=later)
    assert known.get("atm_iv_7d_pct") is None
    assert "around 7 days" in english(known.why_unknown("atm_iv_7d_pct"))


QUOTED_AT = datetime(2026, 1, 23, 12, 30, tzinfo=UTC)


def quoted(bid: float | None, ask: float | None) -> OptionChain:
    """A chain as Deribit replies it, with one quote for all rows."""
    at_ms = ms(QUOTED_AT)
    rows = [
        {
            "instrument_name": f"BTC-{day}-{strike}-{right}",
            "creation_timestamp": at_ms,
            "bid_price": bid,
            "ask_price": ask,
            "mark_iv": 60.0 - strike / 5_000.0,
            "underlying_price": 90_000.0,
            "open_interest": 1.0,
            "volume": 0.0,
        }
        for day in ("13FEB26", "27FEB26")
        for strike in range(60_000, 130_000, 2_500)
        for right in "CP"
    ]
    body = json.dumps({"result": rows, "usOut": at_ms * 1000}).encode()
    reply = Reply(
        subject="deribit BTC options", body=body, heard_at=QUOTED_AT, tolerance=timedelta(seconds=5)
    )
    return next(one for one in parse_options(reply, "BTC") if isinstance(one, OptionChain))


@pytest.mark.parametrize(("bid", "ask"), [(0.0, 0.0), (None, None), (0.05, 0.01), (0.0, 0.02)])
def test_quotes_that_are_zero_crossed_or_missing_do_not_move_the_skew(
    bid: float | None, ask: float | None
) -> None:
    sound, odd = quoted(0.01, 0.011), quoted(bid, ask)
    assert smile_at(odd, ms(QUOTED_AT), TENORS) == smile_at(sound, ms(QUOTED_AT), TENORS)
    assert smile_at(sound, ms(QUOTED_AT), TENORS)[30].put25 is not None

"""Risk reversals and butterflies at 25 and at 10 delta, and what of a smile's change is new: against the exchange's own deltas
on three recorded days, and worked out by hand."""

import csv
from collections.abc import Mapping
from datetime import timedelta
from itertools import pairwise
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from bot.domain.chain import OptionChain, PastSmile
from bot.metrics import CATALOG, History, observe
from bot.metrics.smile import forward_of, smile_at, smile_points
from bot.metrics.wings import (
    QUANTITIES,
    past_strike_smile,
    read_wide,
    split_change,
    strike_smiles,
    wide_at,
    wide_of_chain,
)
from bot.sources.deribit import read_recording
from tests.metrics.market import NOW, chain, changed, facts, ms, only

DAYS = ("2026-01-14", "2026-01-19", "2026-01-23")


def tilted(days: float, strike: float) -> float:
    return 60.0 - 25.0 * log(strike / 90_000.0)


def curved(days: float, strike: float) -> float:
    return 50.0 + 40.0 * log(strike / 90_000.0) ** 2


def from_greeks(path: Path) -> Mapping[int, Mapping[str, float]]:
    """Of each expiry the volatility at −10 and +10 delta by the exchange's own deltas, straight between two strikes, and its
    days from the median time of the rows."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    at_ms = float(np.median([int(row["timestamp_ms"]) for row in rows]))
    found: dict[int, dict[str, float]] = {}
    for expires in sorted({int(row["expiration_timestamp_ms"]) for row in rows}):
        legs = {"days": (expires - at_ms) / 86_400_000}
        for side, wanted in (("put", -0.1), ("call", 0.1)):
            points = sorted(
                (float(row["delta"]), float(row["mark_iv"]))
                for row in rows
                if int(row["expiration_timestamp_ms"]) == expires and row["option_type"] == side
            )
            for (low, first), (high, second) in pairwise(points):
                if low <= wanted <= high and high - low <= 0.14:
                    legs[side] = first + (second - first) * (wanted - low) / (high - low)
        found[expires] = legs
    return found


def at_30_days(legs: Mapping[int, Mapping[str, float]], side: str) -> float:
    known = [(one["days"], one[side]) for one in legs.values() if side in one]
    (near, low), (far, high) = (
        max(one for one in known if one[0] <= 30),
        min(one for one in known if one[0] > 30),
    )
    share = (30 - near) / (far - near)
    return sqrt(((1 - share) * low**2 * near + share * high**2 * far) / 30)


@pytest.mark.parametrize("day", DAYS)
def test_a_recorded_day_has_the_wings_of_the_exchanges_own_deltas(shared: Path, day: str) -> None:
    folder = shared / "recordings" / "deribit" / day
    snapshot = read_recording({path.name: path.read_bytes() for path in folder.glob("*.json")}, "BTC")
    known = observe(snapshot, History.empty("BTC"), CATALOG).facts
    legs = from_greeks(folder / "greeks.csv")
    put, call = at_30_days(legs, "put"), at_30_days(legs, "call")
    assert known.value("skew_10delta_30d_points") == pytest.approx(put - call, abs=0.02)
    atm = known.known["atm_iv_30d_pct"].value
    assert known.value("butterfly_10delta_30d_points") == pytest.approx((put + call) / 2 - atm, abs=0.02)


def test_the_butterfly_is_that_of_the_table_of_23_january(shared: Path) -> None:
    # put 38.8836, call 35.4859, at the money 36.1671: (38.8836 + 35.4859) / 2 - 36.1671 = 1.0177.
    folder = shared / "recordings" / "deribit" / "2026-01-23"
    snapshot = read_recording({path.name: path.read_bytes() for path in folder.glob("*.json")}, "BTC")
    known = observe(snapshot, History.empty("BTC"), CATALOG).facts
    assert known.value("butterfly_30d_points") == pytest.approx(1.0177, abs=0.01)


def test_a_level_smile_has_neither_skew_nor_wings() -> None:
    wide = wide_of_chain(chain(lambda days, strike: 60.0), ms(NOW), 30)
    assert [getattr(wide, name) for name in QUANTITIES] == [pytest.approx(60.0), *[pytest.approx(0.0)] * 4]


def test_the_far_legs_lie_where_the_formula_puts_them() -> None:
    # K = 90,000 exp(±1.281552 σ√T + σ²T/2) with N⁻¹(0.9) = 1.281552, and σ = 60 − 25 ln(K/90,000), by substitution:
    # the put 63.2155% at 79,138, the call 56.8732% at 101,991.
    strikes = range(60_000, 130_000, 100)
    (wide,) = [read_wide(one) for one in strike_smiles(chain(tilted, days=[10.0], strikes=strikes), ms(NOW))]
    assert wide.put10 == pytest.approx(63.2155, abs=1e-3)
    assert wide.call10 == pytest.approx(56.8732, abs=1e-3)
    assert wide.reversal10 == pytest.approx(63.2155 - 56.8732, abs=2e-3)
    assert wide.butterfly10 == pytest.approx((63.2155 + 56.8732) / 2 - 60.0, abs=2e-3)


def test_any_distance_between_the_expiries_is_straight_in_total_variance() -> None:
    by_days = {24.0: 60.0, 45.0: 50.0}
    options = chain(lambda days, strike: by_days[days], days=by_days)
    # 30 days: √((60² x 24 + (50² x 45 − 60² x 24) x 6/21) / 30) = √(93,857.14 / 30)
    assert wide_of_chain(options, ms(NOW), 30).atm == pytest.approx(55.9336, abs=1e-3)
    assert wide_of_chain(options, ms(NOW), 45).atm == pytest.approx(50.0)
    for beyond in (23, 46, 180):
        assert wide_of_chain(options, ms(NOW), beyond).atm is None


def test_near_the_money_the_wings_stand_on_the_very_smile_that_the_skew_stands_on() -> None:
    """The rows of a board were told at times of their own, each with a life of its own."""
    board = chain(tilted, days=[3.0, 9.0], strikes=range(60_000, 130_000, 1_000), forward=90_300.0)
    told_ms = board.row_ms - np.arange(len(board)) % 7 * 240_000
    board = changed(board, row_ms=told_ms)
    wide, smile = wide_of_chain(board, ms(NOW), 7), smile_at(board, ms(NOW), (7,))[7]
    assert (wide.put25, wide.atm, wide.call25) == (smile.put25, smile.atm, smile.call25)
    alone = wide_at([read_wide(one) for one in strike_smiles(board, ms(NOW))], 7)
    for leg in ("put25", "atm", "call25"):
        assert 0.0 < abs(getattr(alone, leg) - getattr(wide, leg)) < 0.01


def test_six_months_are_known_where_expiries_lie_on_both_sides() -> None:
    known = facts(chain(tilted, days=[150.0, 240.0], strikes=range(10_000, 400_000, 4_000)))
    assert known.value("skew_180d_pct") is not None
    assert facts(chain(tilted)).get("skew_180d_pct") is None


def test_strikes_too_far_apart_leave_the_far_legs_unknown() -> None:
    coarse = chain(
        tilted, days=[24.0], strikes=[60_000, 75_000, 84_000, 88_000, 90_000, 94_000, 100_000, 130_000]
    )
    (wide,) = [read_wide(one) for one in strike_smiles(coarse, ms(NOW))]
    assert wide.put25 is not None
    assert wide.call10 is None
    assert wide.reversal10 is wide.butterfly10 is None


def test_25_delta_and_the_money_are_those_of_the_skew() -> None:
    near = smile_at(chain(curved), ms(NOW), (30,))[30]
    wide = wide_of_chain(chain(curved), ms(NOW), 30)
    assert (wide.put25, wide.atm, wide.call25) == (near.put25, near.atm, near.call25)


def one_smile(options: OptionChain):
    (found,) = strike_smiles(options, ms(NOW))
    return found


def test_a_price_that_moves_along_a_smile_makes_nothing_new() -> None:
    before = one_smile(chain(tilted, days=[30.0]))
    after = one_smile(chain(tilted, days=[30.0], forward=85_000.0))
    parts = split_change(before, after)
    # 60 − 25 ln(85/90) = 61.4290: the money moved up the slope.
    assert parts["atm"].along == pytest.approx(25 * log(90 / 85), abs=2e-3)
    for name in QUANTITIES:
        assert parts[name].new == pytest.approx(0.0, abs=1e-9)


def test_what_is_paid_more_at_the_same_strikes_is_new() -> None:
    before = one_smile(chain(tilted, days=[30.0]))
    after = one_smile(chain(lambda days, strike: tilted(days, strike) + 2.0, days=[30.0]))
    parts = split_change(before, after)
    assert parts["atm"].along == 0.0
    assert parts["atm"].new == pytest.approx(2.0)


def test_both_parts_add_up_to_the_change() -> None:
    before = one_smile(chain(tilted, days=[30.0]))
    after = one_smile(chain(lambda days, strike: curved(days, strike) + 5.0, days=[30.0], forward=93_000.0))
    for part in split_change(before, after).values():
        assert part.along + part.new == pytest.approx(part.now - part.before)
    with pytest.raises(ValueError, match="is none of"):
        split_change(before, replace(after, expires_ms=after.expires_ms + 1))


def test_beyond_the_remembered_strikes_nothing_is_known() -> None:
    near = only(chain(tilted, days=[30.0]), lambda days, strike, _: strike >= 80_000)
    after = one_smile(chain(tilted, days=[30.0], forward=70_000.0))
    assert split_change(one_smile(near), after) == {}


def test_a_remembered_smile_is_read_with_its_forward_or_not_at_all() -> None:
    options = chain(tilted, days=[30.0])
    expires_ms = int(options.expires_ms[0])
    points = smile_points(options, expires_ms, least_delta=0.05)
    past = PastSmile(
        venue="deribit",
        at=NOW,
        expires_ms=expires_ms,
        strikes_usd=tuple(point.strike_usd for point in points),
        iv_pct=tuple(point.iv_pct for point in points),
        forward_usd=forward_of(options, expires_ms),
    )
    read = past_strike_smile(past)
    assert read is not None
    then, now = read_wide(read), read_wide(one_smile(options))
    assert then.days == pytest.approx(30.0)
    assert replace(then, days=now.days) == now
    assert past_strike_smile(replace(past, forward_usd=None)) is None
    assert past_strike_smile(replace(past, at=NOW + timedelta(days=31))) is None

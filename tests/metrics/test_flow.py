"""The day's trades put together, by hand; a straddle as the venue told it on 1 August 2026."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import exp, pi, sqrt

import numpy as np
import pytest
from msgspec.structs import replace

from bot.domain.readings import BlockTally, Snapshot
from bot.domain.traded import TakerTrades
from bot.metrics import CATALOG, History, observe
from bot.metrics.expiries import hedges_by_strike
from bot.metrics.flow import dealers_gamma, read_flow, tally_blocks
from tests.metrics.market import NOW, chain, ms

DAY_MS = 86_400_000
AT_MS = 1_785_546_525_278
EXPIRY_MS = ms(datetime(2026, 8, 1, 8, tzinfo=UTC))


def trades(*rows: Mapping[str, object]) -> TakerTrades:
    """Trades of these rows; what a row leaves out is that of a plain call of one coin at the money."""
    usual = {
        "at_ms": ms(NOW),
        "expires_ms": ms(NOW) + 30 * DAY_MS,
        "strike_usd": 90_000.0,
        "is_call": True,
        "is_buy": True,
        "is_block": False,
        "coins": 1.0,
        "premium_usd": 5_000.0,
        "mark_usd": 5_000.0,
        "iv_pct": 50.0,
        "index_usd": 90_000.0,
        "package": "",
    }
    full = [{**usual, **row} for row in rows]
    kinds = {
        "at_ms": np.int64,
        "expires_ms": np.int64,
        "is_call": np.bool_,
        "is_buy": np.bool_,
        "is_block": np.bool_,
    }
    return TakerTrades(
        source="deribit",
        venue="deribit",
        asset="BTC",
        since_ms=ms(NOW) - DAY_MS,
        until_ms=ms(NOW),
        is_whole=True,
        ids=tuple(str(number) for number in range(len(full))),
        package=tuple(str(row["package"]) for row in full),
        **{
            name: np.array([row[name] for row in full], kinds.get(name, np.float64))
            for name in usual
            if name != "package"
        },
    )


STRADDLE = (
    # 0.0008 coins and their mark of 0.00093647 at an index of 62,892.69; 13.35% for the 6.854 hours that are left.
    {"is_call": True, "premium_usd": 50.314, "mark_usd": 58.897},
    {"is_call": False, "premium_usd": 150.94, "mark_usd": 166.04},
)


def test_the_legs_of_a_block_are_one_trade_with_what_the_taker_paid() -> None:
    legs = trades(
        *(
            {
                **leg,
                "at_ms": AT_MS,
                "expires_ms": EXPIRY_MS,
                "strike_usd": 63_000.0,
                "coins": 12.5,
                "iv_pct": 13.35,
                "index_usd": 62_892.69,
                "package": "BLOCK-282155",
                "is_block": True,
            }
            for leg in STRADDLE
        )
    )
    flow = read_flow(legs)
    assert flow is not None
    [trade] = flow.large
    assert flow.count == 1
    assert trade.notional_usd == pytest.approx(2 * 12.5 * 62_892.69)
    assert trade.premium_usd == pytest.approx(12.5 * (50.314 + 150.94))
    assert [(leg.strike_usd, leg.is_call, leg.coins) for leg in trade.legs] == [
        (63_000.0, False, 12.5),
        (63_000.0, True, 12.5),
    ]
    # σ√T = 0.1335 x √(6.8541/8,760) = 0.0037343; d1 = -0.4547; vega a point = 62,892.69 x 0.027972 x 0.35976 / 100 =
    # 6.329 each; the two cost 8.583 and 15.10 less than their marks: -23.683 / 12.658 = -1.871 points.
    assert trade.over_mark_points == pytest.approx(-1.871, abs=0.01)
    assert trade.is_block


def test_a_leg_that_is_sold_is_paid_to_the_taker() -> None:
    bought, sold = {"package": "7", "premium_usd": 5_000.0}, {"package": "7", "premium_usd": 2_000.0}
    spread = trades(bought, {**sold, "strike_usd": 100_000.0, "is_buy": False})
    flow = read_flow(spread)
    assert flow is not None
    assert flow.large[0].premium_usd == pytest.approx(3_000.0)
    assert [leg.coins for leg in flow.large[0].legs] == [1.0, -1.0]


def test_rows_of_one_moment_contract_and_side_are_one_order() -> None:
    swept = trades(
        {"coins": 2.0}, {"coins": 3.0}, {"coins": 1.0, "is_buy": False}, {"coins": 1.0, "at_ms": ms(NOW) - 1}
    )
    flow = read_flow(swept)
    assert flow is not None
    assert flow.count == 3
    assert flow.large[0].notional_usd == pytest.approx(5 * 90_000.0)


def test_large_is_what_reaches_the_days_own_95th_percentile_largest_first() -> None:
    # Sizes 1 to 101 coins: the 95th percentile is 96, which six of them reach.
    day = trades(*({"coins": float(size), "at_ms": ms(NOW) - size} for size in range(1, 102)))
    flow = read_flow(day)
    assert flow is not None
    assert flow.large_from_usd == pytest.approx(96 * 90_000.0)
    assert [one.notional_usd / 90_000.0 for one in flow.large] == pytest.approx([101, 100, 99, 98, 97, 96])
    assert flow.notional_usd == pytest.approx(101 * 102 / 2 * 90_000.0)


def test_an_expired_or_worthless_leg_has_no_volatility_over_its_mark() -> None:
    flow = read_flow(trades({"expires_ms": ms(NOW)}))
    assert flow is not None
    assert flow.large[0].over_mark_points is None
    assert read_flow(trades()) is None


def test_what_takers_bought_is_missing_with_who_stood_on_the_other_side() -> None:
    options = chain(
        lambda days, strike: 50.0, days=[30.0], strikes=[90_000.0], venue="bybit", open_interest=1.0
    )
    at_ms = float(ms(NOW))
    [both] = hedges_by_strike(options, 90_000.0, at_ms)
    each = both.gross_coin / 2.0  # a call's and a put's are alike with dollar settlement
    # Black by hand: σ√T = 0.14335, d1 = 0.07167, φ = 0.39792; Γ = 0.39792 / (90,000 x 0.14335), 1% of spot is 900.
    sigma = 0.5 * sqrt(30 / 365)
    assert each == pytest.approx(exp(-((sigma / 2) ** 2) / 2) / sqrt(2 * pi) / (90_000.0 * sigma) * 900.0)
    bought = trades({"coins": 3.0}, {"coins": 1.0, "is_call": False, "is_buy": False})
    assert dealers_gamma(options, bought, 90_000.0, at_ms) == pytest.approx((1.0 - 3.0) * each)
    assert dealers_gamma(options, trades({"strike_usd": 1.0}), 90_000.0, at_ms) is None


def test_vega_is_blacks() -> None:
    # At the money, 30 days, 50%: vega a point = 90,000 x √(30/365) x φ(0.07167) / 100 = 102.67; 205.3 dollars over the mark.
    flow = read_flow(trades({"premium_usd": 5_205.34}))
    assert flow is not None
    assert flow.large[0].over_mark_points == pytest.approx(205.34 / 102.67, rel=1e-3)


BLOCKS = (
    {"is_block": True, "package": "A", "coins": 100.0, "premium_usd": 5_000.0},
    {"is_block": True, "package": "A", "coins": 100.0, "premium_usd": 2_000.0, "is_buy": False},
    {
        "is_block": True,
        "package": "B",
        "coins": 50.0,
        "premium_usd": 8_000.0,
        "index_usd": 80_000.0,
        "is_buy": False,
    },
    {"coins": 1_000.0},
)


def measured(tally: BlockTally | None, name: str) -> float | None:
    snapshot = Snapshot(asset="BTC", taken_at=NOW, readings=(tally,) if tally else ())
    return observe(snapshot, History.empty("BTC"), CATALOG).facts.value(name)


def test_the_blocks_of_a_day_by_their_notional_and_by_what_takers_paid_for_them() -> None:
    tally = tally_blocks(trades(*BLOCKS))
    # 200 coins at 90,000 and 50 at 80,000; 100 x (5,000 - 2,000) - 50 x 8,000.
    assert measured(tally, "option_blocks_24h_usd") == pytest.approx(22e6)
    assert measured(tally, "option_blocks_premium_24h_usd") == pytest.approx(-100_000.0)


def test_a_day_without_a_block_is_one_of_nothing() -> None:
    assert measured(tally_blocks(trades({})), "option_blocks_24h_usd") == 0.0
    assert measured(tally_blocks(trades()), "option_blocks_24h_usd") == 0.0


def test_blocks_of_less_than_a_day_or_of_its_newest_trades_or_of_an_hour_ago_are_not_known() -> None:
    whole = trades(*BLOCKS)
    for part in (replace(whole, is_whole=False), replace(whole, since_ms=whole.since_ms + 1), None):
        tally = tally_blocks(part) if part else None
        assert measured(tally, "option_blocks_24h_usd") is None
    old = replace(whole, since_ms=whole.since_ms - 3_600_000, until_ms=whole.until_ms - 3_600_000)
    assert measured(tally_blocks(old), "option_blocks_24h_usd") is None

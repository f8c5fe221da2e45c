"""A smile from trades, against the smile of the chain that the trades were made of."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from bot.domain.chain import Floats, OptionChain
from bot.domain.readings import SpotQuote
from bot.domain.traded import OptionTrades
from bot.metrics.history import to_ms
from bot.metrics.smile import DAY_MS, Smile, smile_at
from bot.metrics.traded_smile import ForwardCurve, medians, no_curve, traded_smiles
from bot.sources.deribit import read_recording

RECORDINGS = Path(__file__).resolve().parents[3] / "shared" / "recordings" / "deribit"
DAYS = ("2026-01-14", "2026-01-19", "2026-01-23")
TENORS = (7, 30, 60, 90)
NOISE_POINTS, DRIFT_POINTS = 0.8, 10.0
COINS_A_TRADE, MOST_TRADES = 5.0, 40
AT = datetime(2026, 1, 14, tzinfo=UTC)
NOW_MS = int(AT.timestamp() * 1000)


@cache
def recorded(day: str) -> tuple[OptionChain, ForwardCurve, float]:
    folder = RECORDINGS / day
    if not folder.is_dir():
        pytest.skip("no ../shared")
    snapshot = read_recording(
        {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}, "BTC"
    )
    chain = next(one for one in snapshot.readings if isinstance(one, OptionChain))
    index = next(one.index_usd for one in snapshot.readings if isinstance(one, SpotQuote))
    at_ms = to_ms(chain.observed_at)
    expires = np.unique(chain.expires_ms)
    days = np.asarray((expires - at_ms) / DAY_MS, np.float64)
    forwards: Floats = np.array([np.nanmedian(chain.forward_usd[chain.expires_ms == one]) for one in expires])
    far = days > 1
    rates: Floats = (forwards[far] / index - 1) * 365 / days[far]
    return (chain, ForwardCurve(days[far], rates), index)


def traded(chain: OptionChain, index: float, seed: int) -> OptionTrades:
    """A day's trades in each option by its own volume, each off by a random amount, at a level that drifts to where the
    chain is by the end of the day."""
    chance = np.random.default_rng(seed)
    volume = np.nan_to_num(chain.volume_24h_coin)
    options = np.flatnonzero((volume > 0) & (chain.mark_iv_pct > 0))
    counts = np.clip(np.round(volume[options] / COINS_A_TRADE), 1, MOST_TRADES).astype(int)
    rows = np.repeat(options, counts)
    hours_ago = chance.uniform(0, 24, len(rows))
    course = np.concatenate([[0.0], chance.normal(size=8).cumsum()])
    course *= chance.uniform(0, DRIFT_POINTS) / np.abs(course).max()
    drift = np.interp(hours_ago, np.linspace(0, 24, len(course)), course)
    until_ms = int(to_ms(chain.observed_at))
    order = np.argsort(-hours_ago)
    iv = chain.mark_iv_pct[rows] + drift + chance.normal(0, NOISE_POINTS, len(rows))
    return OptionTrades(
        source="deribit",
        observed_at=chain.observed_at,
        venue="deribit",
        asset="BTC",
        since_ms=until_ms - int(DAY_MS),
        until_ms=until_ms,
        is_whole=True,
        at_ms=(until_ms - hours_ago * 3_600_000).astype(np.int64)[order],
        expires_ms=chain.expires_ms[rows][order],
        strike_usd=chain.strike_usd[rows][order],
        is_call=chain.is_call[rows][order],
        iv_pct=iv[order],
        index_usd=np.full(len(rows), index),
        coins=np.repeat(volume[options] / counts, counts)[order],
        is_block=np.zeros(len(rows), np.bool_),
        is_plain=np.ones(len(rows), np.bool_),
    )


def skew_pct(smile: Smile) -> float:
    assert smile.put25 is not None
    assert smile.call25 is not None
    assert smile.atm is not None
    return (smile.put25 - smile.call25) / smile.atm * 100


def misses(seeds: range) -> Mapping[int, np.ndarray]:
    found: dict[int, list[float]] = {30: [], 60: []}
    for day in DAYS:
        chain, curve, index = recorded(day)
        true = smile_at(chain, to_ms(chain.observed_at), TENORS)
        for seed in seeds:
            estimated = traded_smiles(traded(chain, index, seed), TENORS, curve)
            for days, errors in found.items():
                errors.append(skew_pct(estimated[days]) - skew_pct(true[days]))
    return {days: np.array(errors) for days, errors in found.items()}


def test_a_few_days_of_trades_give_the_skew_of_the_chain_within_a_point_and_a_half() -> None:
    for errors in misses(range(4)).values():
        assert np.median(np.abs(errors)) <= 1.5
        assert abs(errors.mean()) <= 0.5


@pytest.mark.slow
def test_two_hundred_days_of_trades_give_the_skew_of_the_chain_without_bias() -> None:
    for errors in misses(range(200)).values():
        assert np.median(np.abs(errors)) <= 1.5
        assert abs(errors.mean()) <= 0.3
        assert np.percentile(np.abs(errors), 90) <= 3.3


def test_blocks_combinations_and_outliers_do_not_move_it() -> None:
    chain, curve, index = recorded(DAYS[0])
    trades = traded(chain, index, 1)
    before = skew_pct(traded_smiles(trades, TENORS, curve)[60])
    chance = np.random.default_rng(2)
    blocks = chance.random(len(trades)) < 0.2
    moved = replace(trades, iv_pct=trades.iv_pct + 30.0 * blocks, is_plain=~blocks)
    assert skew_pct(traded_smiles(moved, TENORS, curve)[60]) == pytest.approx(before, abs=1.0)
    wild = chance.random(len(trades)) < 0.03
    spoiled = replace(trades, iv_pct=trades.iv_pct + 60.0 * wild)
    assert skew_pct(traded_smiles(spoiled, TENORS, curve)[60]) == pytest.approx(before, abs=1.0)


def test_what_no_trade_tells_is_not_known() -> None:
    chain, curve, index = recorded(DAYS[0])
    trades = traded(chain, index, 1)

    def kept(rows: np.ndarray) -> OptionTrades:
        columns = ("at_ms", "expires_ms", "strike_usd", "is_call", "iv_pct", "index_usd", "coins", "is_plain")
        return replace(trades, **{name: getattr(trades, name)[rows] for name in columns})

    nothing = Smile(30, None, None, None)
    assert traded_smiles(kept(np.zeros(len(trades), np.bool_)), (30,), curve)[30] == nothing
    near = (trades.expires_ms - trades.until_ms) / DAY_MS < 25
    assert traded_smiles(kept(near), (30,), curve)[30] == nothing  # never beyond the last expiry
    calls_above = trades.strike_usd > trades.index_usd
    assert traded_smiles(kept(calls_above), (30,), curve)[30].put25 is None
    at_one_strike = np.abs(trades.strike_usd - 97_000) < 1
    assert traded_smiles(kept(at_one_strike), (30,), curve)[30] == nothing


def test_without_futures_the_forward_is_the_index() -> None:
    assert no_curve().over_index(np.array([10.0, 300.0])).tolist() == [1.0, 1.0]
    curve = ForwardCurve(np.array([30.0, 60.0]), np.array([0.05, 0.10]))
    assert curve.over_index(np.array([15.0, 45.0, 90.0])) == pytest.approx(
        [1 + 0.05 * 15 / 365, 1 + 0.075 * 45 / 365, 1 + 0.10 * 90 / 365]
    )


def test_medians_of_groups() -> None:
    values, group = np.array([5.0, 1.0, 9.0, 4.0, 2.0]), np.array([0, 1, 0, 1, 0])
    assert medians(values, group, 2).tolist() == [5.0, 2.5]

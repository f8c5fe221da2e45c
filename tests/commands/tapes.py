"""The option chain of an asset on the tape, in the shape in which a source brings it; SOL is Bitcoin times factors."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from bot.domain.chain import OptionChain
from bot.domain.readings import Snapshot, SpotQuote
from bot.sources._tape import parse
from bot.sources._tape_market import market
from bot.sources._tape_table import Factors, Tape

FOLDER = Path(__file__).resolve().parents[2] / "config" / "tapes" / "february-2026"
AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
SOL = Factors(
    asset="SOL", price=0.0012, volatility=1.4, coins=120.0, skew=0.8, basis=0.9, note="synthetic: for tests"
)


@cache
def tape() -> Tape:
    return parse({path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()})


@cache
def tape_poll(asset: str, at: datetime = AT) -> Snapshot:
    """What a poll of the tape's afternoon hears of an asset's options and index at Deribit."""
    moment = tape().moment_at(at)
    assert moment is not None
    told = market(moment, tape().assets.get(asset, SOL))
    made = told.chain
    shape = made.strike_usd.shape
    at_ms = round(at.timestamp() * 1000)
    expires = np.array([round(one.timestamp() * 1000) for one in told.option_expiries], np.int64)
    both = [
        (
            np.repeat(expires, shape[1]),
            made.strike_usd.ravel(),
            np.full(made.strike_usd.size, side),
            held.ravel(),
        )
        for side, held in ((True, made.call_open_interest_coin), (False, made.put_open_interest_coin))
    ]
    columns = [np.concatenate(column) for column in zip(*both, strict=True)]
    chain = OptionChain(
        source="deribit",
        venue="deribit",
        asset=asset,
        observed_at=at,
        expires_ms=columns[0],
        strike_usd=columns[1],
        is_call=columns[2].astype(np.bool_),
        forward_usd=np.tile(np.repeat(made.forward_usd, shape[1]), 2),
        mark_iv_pct=np.tile(made.iv_pct.ravel(), 2),
        open_interest_coin=columns[3],
        volume_24h_coin=columns[3] * 0.05,
        row_ms=np.full(len(columns[0]), at_ms, np.int64),
    )
    index = SpotQuote(
        source="deribit", observed_at=at, venue="deribit", asset=asset, index_usd=told.index_usd
    )
    return Snapshot(asset=asset, taken_at=at, readings=(chain, index))

"""What is open by strike and by expiry: gamma in dollars, dollars of calls and puts, the strike that pays holders least.

Formula: gamma in dollars for 1% is `expiries.gamma_coin` x coins x spot (Black 1976 on the row's own forward, r = 0, T
in 365-day years); of coin-settled options the premium's own part is in it, which makes a put far in the money
negative. Who holds which side is not known, so calls and puts are told apart and neither has a sign. Where a venue did
not say how much is open in a contract the whole is not known: a part would look like the whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bot.domain.chain import Bools, Floats, OptionChain
from bot.metrics.expiries import gamma_coin, max_pain

ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


class StrikeAmount(NamedTuple):
    """One strike, in USD, and what calls and puts have there, in USD."""

    strike_usd: float
    calls_usd: float
    puts_usd: float


class ExpiryAmount(NamedTuple):
    """One expiry (milliseconds since 1970 UTC), what is open in calls and puts, in USD at spot, and the strike at which
    they would pay their holders least, in USD."""

    expires_ms: int
    calls_usd: float
    puts_usd: float
    max_pain_usd: float


def gamma_by_strike(
    chain: OptionChain, spot_usd: float, *, within: float, most: int
) -> tuple[StrikeAmount, ...]:
    """Gamma in dollars for 1% of the price, over all expiries, at the strikes within a share of spot; where these are
    more than `most` each stands with its nearest round one. Nothing where it is not known or nothing is open."""
    near = (np.abs(chain.strike_usd / spot_usd - 1.0) <= within) & (chain.expires_ms > chain.row_ms)
    if not near.any() or not _is_told(chain, near):
        return ()
    dollars = _gamma_usd(chain, near, spot_usd)
    if not bool(np.isfinite(dollars).all()) or not bool((dollars != 0.0).any()):
        return ()
    strikes, is_call = chain.strike_usd[near], chain.is_call[near]
    homes = _homes(np.unique(strikes[dollars != 0.0]), most)
    place = np.abs(strikes[:, None] - homes[None, :]).argmin(axis=1)
    calls, puts = (
        np.bincount(place[side], weights=dollars[side], minlength=len(homes)) for side in (is_call, ~is_call)
    )
    return tuple(
        StrikeAmount(float(strike), float(call), float(put))
        for strike, call, put in zip(homes, calls, puts, strict=True)
    )


def open_by_expiry(chain: OptionChain, spot_usd: float) -> tuple[ExpiryAmount, ...]:
    """Each expiry that is to come and has something open, nearest first; one of which a contract is not told is left
    out."""
    found = []
    for expires_ms in np.unique(chain.expires_ms[chain.expires_ms > chain.row_ms]):
        mine = chain.expires_ms == expires_ms
        if not _is_told(chain, mine):
            continue
        coins, is_call = chain.open_interest_coin[mine], chain.is_call[mine]
        calls, puts = (float(coins[side].sum()) * spot_usd for side in (is_call, ~is_call))
        if calls + puts > 0.0:
            pain = max_pain(chain.strike_usd[mine], is_call, coins)
            found.append(ExpiryAmount(int(expires_ms), calls, puts, pain))
    return tuple(found)


def _is_told(chain: OptionChain, rows: Bools) -> bool:
    coins = chain.open_interest_coin[rows]
    return bool((np.isfinite(coins) & (coins >= 0.0)).all())


def _gamma_usd(chain: OptionChain, rows: Bools, spot_usd: float) -> Floats:
    """Each row's gamma in dollars; nothing open has none, nan where something is open and it cannot be worked out."""
    coins, iv, forward = (
        column[rows] for column in (chain.open_interest_coin, chain.mark_iv_pct, chain.forward_usd)
    )
    out = np.where(coins > 0.0, np.nan, 0.0)
    good = (coins > 0.0) & (iv > 0.0) & (forward > 0.0)
    chosen = np.flatnonzero(rows)[good]
    at_ms = float(np.median(chain.row_ms))
    out[good] = coins[good] * gamma_coin(chain, chosen, spot_usd, at_ms) * spot_usd
    return out


def _homes(strikes: Floats, most: int) -> Floats:
    """The strikes; where they are too many, round ones evenly apart that reach over all of them."""
    if len(strikes) <= most:
        return strikes
    least = float(strikes[-1] - strikes[0]) / (most - 2)
    size = 10.0 ** float(np.floor(np.log10(least)))
    step = next(size * factor for factor in ROUND if size * factor >= least)
    first, last = int(np.floor(strikes[0] / step)), int(np.ceil(strikes[-1] / step))
    return np.array([place * step for place in range(first, last + 1)], np.float64)


def largest(found: Sequence[ExpiryAmount], most: int) -> tuple[ExpiryAmount, ...]:
    """The expiries with the most open, nearest first."""
    by_size = sorted(found, key=lambda one: one.calls_usd + one.puts_usd, reverse=True)
    return tuple(sorted(by_size[:most]))

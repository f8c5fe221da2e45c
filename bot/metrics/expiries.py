"""What is open in options by expiry, and the gamma of it by strike.

Max pain is the strike at which an expiry would pay its holders least. Gamma is of coin-settled options, whose
premium is itself paid in coins: with price V in USD the position in coins that hedges one option is Δ − V/S, and its
change with the price Γ − Δ/S + V/S²; with dollar settlement (USDC) it is Γ. Told for a move of 1%, in coins. Source:
Black (1976), r = 0; the premium-adjusted delta as Deribit's documents give it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache, cached_property

import numpy as np
from msgspec import Struct

from bot.domain.chain import Bools, Floats, Ints, OptionChain
from bot.metrics.smile import YEAR_MS, normal_cdf

ROOT_2_PI = 2.5066282746310002
IN_COINS = {"deribit": ("BTC", "ETH"), "okx": ("BTC", "ETH")}
"""Whose options are settled in coins, at which venue; elsewhere they are settled in dollars."""
HALVINGS = 8


@cache
def _shifts() -> Floats:
    """Where the flip is looked for, as shares of the price: closer together around it."""
    return np.concatenate(
        (np.linspace(0.65, 0.89, 13), np.linspace(0.9, 1.1, 21), np.linspace(1.11, 1.35, 13))
    )


@dataclass(frozen=True, kw_only=True)
class ExpiryOpen:
    """What is open at one expiry over some chains: coins, its share of all that is open (%), puts for each call (by
    coins; None without calls); its `options` as strikes (USD), whether calls, and coins."""

    expires_ms: int
    coins: float
    share_pct: float
    put_call: float | None
    options: tuple[Floats, Bools, Floats] = field(repr=False, compare=False)

    @cached_property
    def max_pain_usd(self) -> float:
        """The strike of max pain, worked out where somebody asks for it."""
        return max_pain(*self.options)


class StrikeGamma(Struct, frozen=True, kw_only=True):
    """The gamma at one strike for a move of 1%, in coins: of all that is open, and net of puts."""

    strike_usd: float
    gross_coin: float
    net_coin: float


def open_by_expiry(chains: tuple[OptionChain, ...], at_ms: float) -> tuple[ExpiryOpen, ...]:
    """What is open at each expiry that is still to come, nearest first, over all chains together. Empty where any
    contract's open interest is not known: a share of an unknown whole is none."""
    if not chains:
        return ()
    expires, strike, is_call, coins = (
        np.concatenate([getattr(chain, name) for chain in chains])
        for name in ("expires_ms", "strike_usd", "is_call", "open_interest_coin")
    )
    alive = expires > at_ms
    if not alive.any() or not (np.isfinite(coins[alive]) & (coins[alive] >= 0.0)).all():
        return ()
    whole = float(coins[alive].sum())
    found = []
    for expiry in np.unique(expires[alive]).tolist():
        rows = alive & (expires == expiry)
        total = float(coins[rows].sum())
        if total <= 0.0:
            continue
        calls = float(coins[rows & is_call].sum())
        found.append(
            ExpiryOpen(
                expires_ms=int(expiry),
                coins=total,
                share_pct=total / whole * 100.0,
                put_call=(total - calls) / calls if calls > 0.0 else None,
                options=(strike[rows], is_call[rows], coins[rows]),
            )
        )
    return tuple(found)


def max_pain(strike_usd: Floats, is_call: Bools, coins: Floats) -> float:
    """The listed strike at which a settlement would pay the holders of these options least, USD."""
    settles = np.unique(strike_usd)
    above = settles[:, None] - strike_usd[None, :]
    with np.errstate(over="ignore"):  # what no number holds is more than any other strike pays
        pays = np.where(is_call[None, :], np.maximum(above, 0.0), np.maximum(-above, 0.0)) @ coins
    return float(settles[int(np.argmin(pays))])


def hedges_by_strike(chain: OptionChain, spot_usd: float, at_ms: float) -> tuple[StrikeGamma, ...]:
    """The gamma of what is open at each strike, by strike; rows without volatility, forward or open interest count as
    not there."""
    rows = _usable(chain, at_ms)
    if not rows.any():
        return ()
    gamma = gamma_coin(chain, rows, spot_usd, at_ms) * chain.open_interest_coin[rows]
    strikes, place = np.unique(chain.strike_usd[rows], return_inverse=True)
    gross = np.bincount(place, weights=gamma)
    net = np.bincount(place, weights=np.where(chain.is_call[rows], gamma, -gamma))
    return tuple(
        StrikeGamma(strike_usd=float(strike), gross_coin=float(all_of), net_coin=float(rest))
        for strike, all_of, rest in zip(strikes, gross, net, strict=True)
    )


def find_flip(chain: OptionChain, spot_usd: float, at_ms: float) -> float | None:
    """The price, USD, nearest to the one of now at which the net gamma of calls less puts changes its sign, each
    option keeping its volatility; None where it does not within 35% of the price."""
    rows = np.flatnonzero(_usable(chain, at_ms) & (chain.open_interest_coin > 0.0))
    if not len(rows):
        return None
    signed = np.where(chain.is_call[rows], 1.0, -1.0) * chain.open_interest_coin[rows]

    def net_at(shift: float) -> float:
        return float((gamma_coin(chain, rows, spot_usd, at_ms, shift=shift) * signed).sum())

    shifts = _shifts()
    net = np.array([net_at(shift) for shift in shifts.tolist()])
    turns = np.flatnonzero(net[1:] * net[:-1] < 0.0)
    if not len(turns):
        return None
    turn = turns[int(np.argmin(np.abs((shifts[turns] + shifts[turns + 1]) / 2.0 - 1.0)))]
    low, high, below = float(shifts[turn]), float(shifts[turn + 1]), float(net[turn])
    for _ in range(HALVINGS):
        middle = (low + high) / 2.0
        found = net_at(middle)
        low, high, below = (middle, high, found) if found * below > 0.0 else (low, middle, below)
    return spot_usd * (low + high) / 2.0


def _usable(chain: OptionChain, at_ms: float) -> Bools:
    return (
        (chain.expires_ms > at_ms)
        & (chain.mark_iv_pct > 0.0)
        & (chain.forward_usd > 0.0)
        & (chain.open_interest_coin >= 0.0)
    )


def gamma_coin(
    chain: OptionChain, rows: Bools | Ints, spot_usd: float, at_ms: float, *, shift: float = 1.0
) -> Floats:
    """For some rows the coins that the hedge of one option changes by when the price moves by 1% from `shift` times
    what it is. The rows have a volatility, a forward and time to live."""
    spot, forward = spot_usd * shift, chain.forward_usd[rows] * shift
    strike, is_call = chain.strike_usd[rows], chain.is_call[rows]
    sigma = chain.mark_iv_pct[rows] / 100.0 * np.sqrt((chain.expires_ms[rows] - at_ms) / YEAR_MS)
    d1 = np.log(forward / strike) / sigma + 0.5 * sigma
    # All in the forward's own terms, which moves with the price in proportion.
    gamma = np.exp(-0.5 * d1 * d1) / (ROOT_2_PI * forward * sigma)
    if chain.asset in IN_COINS.get(chain.venue, ()):
        delta = normal_cdf(d1) - ~is_call
        put = strike * normal_cdf(sigma - d1) - forward * normal_cdf(-d1)
        price = np.where(is_call, put + forward - strike, put)
        gamma = gamma - delta / forward + price / forward**2
    return np.asarray(gamma * 0.01 * spot)

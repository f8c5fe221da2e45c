"""The smile: from mark volatility and forward to 25-delta and at-the-money volatility at a fixed distance in
days.

Formula: delta = N(d1) on the row's own forward (a put's is N(d1) - 1), d1 = ln(F/K) / (σ√T) + σ√T/2, r = 0, T
in 365-day years from the row's own time. A leg is linear in delta between the two straddling strikes, at the
money linear in ln(K/F) at 0; between expiries each leg is linear in total variance σ²T. Never outside the
strikes or the expiries that are there. Source: the exchange's own deltas, which these agree with to 4e-5
beyond two days.

What is left out, and then not guessed: a row without a volatility, forward and strike above 0 (and sane);
deltas under 0.005 and over 0.995; an expiry less than 24 hours away; a leg that no two neighboring strikes
straddle, that more than one pair does (a smile that is crossed), or whose pair is more than 0.35 of delta
apart (a hole). Only the put's own rows make the put leg and the call's own the call leg; at the money takes a
strike's mean of both, or the one that is there. Quotes play no part: a zero or crossed bid and ask cannot
move a mark."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import cache
from math import erfc, inf, sqrt
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from bot.domain.chain import Floats, Ints, OptionChain

YEAR_MS = 365 * 86_400_000.0
DAY_MS = 86_400_000.0
LEG_DELTA = 0.25
LEG_D1 = NormalDist().inv_cdf(LEG_DELTA)
ROOT_2 = sqrt(2.0)
LIMIT_D1 = -NormalDist().inv_cdf(0.005)
WIDEST_DELTA = 0.35
WIDEST_LOG_STRIKE_SIGMAS = 1.0
NEAREST_EXPIRY_MS = DAY_MS
MIN_IV_PCT, MAX_IV_PCT = 0.01, 10_000.0
MIN_PRICE_USD, MAX_PRICE_USD = 1e-9, 1e9


@cache
def _bounds() -> tuple[Floats, Floats]:
    """Between what a usable row's volatility, strike, forward and life lie."""
    least = np.array([[MIN_IV_PCT], [MIN_PRICE_USD], [MIN_PRICE_USD], [0.0]])
    return least, np.array([[MAX_IV_PCT], [MAX_PRICE_USD], [MAX_PRICE_USD], [inf]])


class Smile(NamedTuple):
    """The smile at one distance in days, in % a year; a leg is None where it is not known."""

    days: float
    put25: float | None
    call25: float | None
    atm: float | None


def normal_cdf(x: Floats) -> Floats:
    """N(x). Hart's rational approximation as given by West (2005): within 1e-15 of the true value for all
    x."""
    size = np.minimum(np.abs(x), 37.0)
    top = np.full_like(size, 3.52624965998911e-02)
    for factor in _TOP:
        top *= size
        top += factor
    bottom = np.full_like(size, 8.83883476483184e-02)
    for factor in _BOTTOM:
        bottom *= size
        bottom += factor
    tail = np.exp(-0.5 * size * size) * top / bottom
    far = size >= 7.07106781186547
    if far.any():
        tail[far] = _far_tail(size[far])
    return np.where(x > 0.0, 1.0 - tail, tail)


_TOP = (
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
_BOTTOM = (
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)


def _far_tail(size: Floats) -> Floats:
    """The tail beyond seven sigmas, by a continued fraction."""
    fraction = size + 0.65
    for step in (4.0, 3.0, 2.0, 1.0):
        fraction = size + step / fraction
    return np.asarray(np.exp(-0.5 * size * size) / fraction / 2.506628274631)


def deltas(chain: OptionChain, rows: Ints | slice = slice(None)) -> Floats:
    """The delta of each row, or of some (a put's is negative), nan where volatility, forward or time is missing."""
    years = (chain.expires_ms[rows] - chain.row_ms[rows]) / YEAR_MS
    iv, forward, strike = chain.mark_iv_pct[rows], chain.forward_usd[rows], chain.strike_usd[rows]
    good = (years > 0.0) & (iv > 0.0) & (forward > 0.0) & (strike > 0.0)
    out = np.full(len(iv), np.nan)
    sigma = iv[good] / 100.0 * np.sqrt(years[good])
    d1 = np.log(forward[good] / strike[good]) / sigma + 0.5 * sigma
    out[good] = normal_cdf(d1) - ~chain.is_call[rows][good]
    return out


class SmilePoint(NamedTuple):
    """One strike of a smile: USD, % a year, and the delta of the option that gives it (a put's is negative)."""

    strike_usd: float
    iv_pct: float
    delta: float


def smile_points(chain: OptionChain, expires_ms: int, *, least_delta: float) -> tuple[SmilePoint, ...]:
    """One expiry's smile by strike: of puts below the forward and calls from it on, as far as their delta reaches
    `least_delta` (the far wings are a venue's guess)."""
    rows = np.flatnonzero(chain.expires_ms == expires_ms)
    delta = deltas(chain, rows)
    outside = chain.is_call[rows] == (chain.strike_usd[rows] >= chain.forward_usd[rows])
    kept = (np.abs(delta) >= least_delta) & outside
    columns = (chain.strike_usd[rows][kept], chain.mark_iv_pct[rows][kept], delta[kept])
    return tuple(sorted(map(SmilePoint, *(column.tolist() for column in columns))))


def forward_of(chain: OptionChain, expires_ms: int) -> float:
    """The forward of an expiry, USD: the median of its rows."""
    return float(np.median(chain.forward_usd[chain.expires_ms == expires_ms]))


def legs(chain: OptionChain, at_ms: float) -> tuple[Smile, ...]:
    """The smile of each expiry of a chain that has any at a time, nearest first."""
    return _legs(chain, slice(0, len(chain)), at_ms)


def smile_at(chain: OptionChain, at_ms: float, tenors: Sequence[float]) -> Mapping[float, Smile]:
    """The smile at each of some distances in days: `at_tenor` of all `legs`, from the expiries between and
    next to them alone where these have all three."""
    around = _legs(chain, _around(chain.expires_ms, at_ms, tenors), at_ms)
    found = {days: at_tenor(around, days) for days in tenors}
    if any(None in smile for smile in found.values()):
        whole = legs(chain, at_ms)
        found = {days: at_tenor(whole, days) for days in tenors}
    return found


def _around(expires: Ints, at_ms: float, tenors: Sequence[float]) -> slice:
    """The rows from the last expiry before the first tenor to the first expiry at or after the last one."""
    if not tenors:
        return slice(0, 0)
    first, last = expires.searchsorted((at_ms + min(tenors) * DAY_MS, at_ms + max(tenors) * DAY_MS)).tolist()
    start = expires.searchsorted(expires[first - 1]) if first else 0
    return slice(start, expires.searchsorted(expires[last], "right") if last < len(expires) else last)


def _legs(chain: OptionChain, rows: slice | Ints, at_ms: float) -> tuple[Smile, ...]:
    """The smile of the expiries of some rows."""
    expires = chain.expires_ms[rows]
    if not len(expires):
        return ()
    own = (
        chain.mark_iv_pct[rows],
        chain.strike_usd[rows],
        chain.forward_usd[rows],
        expires - chain.row_ms[rows],
    )
    columns = np.array(own)
    least, most = _bounds()
    usable, nearest = (columns > least) & (columns < most), at_ms + NEAREST_EXPIRY_MS
    if expires[0] < nearest or not usable.all():
        return _legs(chain, np.arange(len(chain))[rows][usable.all(axis=0) & (expires >= nearest)], at_ms)
    iv, strike, forward, life_ms = columns
    sigma = iv * np.sqrt(life_ms * (1e-4 / YEAR_MS))
    moneyness = np.log(strike / forward)
    d1 = 0.5 * sigma - moneyness / sigma
    is_call, is_inside = chain.is_call[rows], np.abs(d1) <= LIMIT_D1
    puts, calls = (is_inside > is_call).nonzero()[0], (is_inside & is_call).nonzero()[0]
    # The puts, the calls and the strikes in a row: a leg is where its own third changes sign within an
    # expiry.
    order, first_call, first_strike = np.concatenate((puts, calls)), len(puts), len(puts) + len(calls)
    is_below = np.concatenate((d1[puts] + LEG_D1, d1[calls] - LEG_D1, moneyness)) < 0.0
    put25, call25, atm = dict[int, float | None](), dict[int, float | None](), dict[int, float | None]()
    for place in (is_below[1:] != is_below[:-1]).nonzero()[0].tolist():
        if place + 1 in (first_call, first_strike):
            continue
        is_strike = place >= first_strike
        near = place - first_strike if is_strike else order.item(place)
        far = near + 1 if is_strike else order.item(place + 1)
        expiry = expires.item(near)
        if expires.item(far) != expiry:
            continue
        found = atm if is_strike else call25 if place >= first_call else put25
        if expiry in found:
            found[expiry] = None
        elif is_strike:
            found[expiry] = _at_the_money(near, strike, expires, moneyness, iv, sigma.item(near))
        else:
            sign = 1.0 if found is call25 else -1.0
            found[expiry] = _wing(sign * d1.item(near), sign * d1.item(far), iv.item(near), iv.item(far))
    return tuple(
        Smile((expiry - at_ms) / DAY_MS, put25.get(expiry), call25.get(expiry), atm.get(expiry))
        for expiry in sorted({**put25, **call25, **atm})
    )


def _wing(near_score: float, far_score: float, near_iv: float, far_iv: float) -> float | None:
    """The volatility at 25 delta between two rows, whose deltas are N(score); None where these are too far
    apart."""
    low, high = 0.5 * erfc(-near_score / ROOT_2) - LEG_DELTA, 0.5 * erfc(-far_score / ROOT_2) - LEG_DELTA
    return near_iv + low / (low - high) * (far_iv - near_iv) if abs(high - low) <= WIDEST_DELTA else None


def _at_the_money(
    row: int, strike: Floats, expires: Ints, moneyness: Floats, iv: Floats, sigma: float
) -> float | None:
    """The volatility where ln(K/F) is 0, between a row and the next; a strike's call and put count as their
    mean."""
    low, high = moneyness.item(row), moneyness.item(row + 1)
    first, second = iv.item(row), iv.item(row + 1)
    if row > 0 and _is_same(row - 1, row, strike, expires):
        low, first = (low + moneyness.item(row - 1)) / 2.0, (first + iv.item(row - 1)) / 2.0
    if row + 2 < len(strike) and _is_same(row + 1, row + 2, strike, expires):
        high, second = (high + moneyness.item(row + 2)) / 2.0, (second + iv.item(row + 2)) / 2.0
    if high - low > WIDEST_LOG_STRIKE_SIGMAS * sigma:
        return None
    return first + low / (low - high) * (second - first) if low != high else first


def _is_same(row: int, other: int, strike: Floats, expires: Ints) -> bool:
    """Whether two rows are the call and the put of one strike."""
    return strike.item(row) == strike.item(other) and expires.item(row) == expires.item(other)


def at_tenor(smiles: Sequence[Smile], days: float) -> Smile:
    """The smile at a distance in days, each leg in total variance between the nearest expiries on both sides
    that have it."""
    return Smile(
        days,
        put25=interpolate_variance([(one.days, one.put25) for one in smiles if one.put25 is not None], days),
        call25=interpolate_variance(
            [(one.days, one.call25) for one in smiles if one.call25 is not None], days
        ),
        atm=interpolate_variance([(one.days, one.atm) for one in smiles if one.atm is not None], days),
    )


def interpolate_variance(known: Sequence[tuple[float, float]], tenor: float) -> float | None:
    """Linear in total variance between (days, volatility) of rising days; None outside them, or where those
    around are too far apart to tell."""
    place = bisect_left(known, (tenor, 0.0))
    if place < len(known) and known[place][0] == tenor:
        return known[place][1]
    if place in (0, len(known)):
        return None
    (near, near_iv), (far, far_iv) = known[place - 1], known[place]
    if far - near > widest_gap_days(tenor):
        return None
    low, high = near_iv**2 * near, far_iv**2 * far
    return sqrt((low + (high - low) * (tenor - near) / (far - near)) / tenor)


def widest_gap_days(tenor: float) -> float:
    """How far apart the two expiries around a tenor may be: 35 days, or twice the tenor."""
    return max(35.0, 2.0 * tenor)

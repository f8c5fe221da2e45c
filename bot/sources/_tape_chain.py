"""The tape's option chain: strikes, volatilities and open interest that have the stated skew and volatility.

The legs (put at delta -0.25, at the money, call at +0.25) of each expiry are chosen so that their total
variance, linear between expiries, gives the stated figures at the stated tenors; each expiry's smile is then
fitted until reading it off the listed strikes, linear between neighbors, gives these legs."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from bot.sources._tape_table import SKEW_TENORS_D, Factors, TapeMoment

Floats = npt.NDArray[np.float64]

STRIKES = 32
REACH_SIGMAS = 3.2
DAYS_A_YEAR = 365.0
# How far the mean of the two legs stands above the at-the-money volatility: about what was seen in January
# 2026.
BUTTERFLY = 0.025
WING_SIGMAS = 2.5
LOWEST_IV_PCT = 5.0
QUARTER_DELTA_D1 = 0.674489750196082
FIT_ROUNDS = 25
FIT_PCT = 2e-4
VOLUME_SHARE = 0.05


class TapeChain(Struct, frozen=True, kw_only=True, eq=False):
    """One asset's options at one moment. Rows are expiries, columns are strikes, each with a call and a put.

    Units: strikes and forwards in USD, volatilities in % a year, marks in coins, open interest in coins.
    """

    forward_usd: Floats
    strike_usd: Floats
    iv_pct: Floats
    call_mark_coin: Floats
    put_mark_coin: Floats
    call_open_interest_coin: Floats
    put_open_interest_coin: Floats


def build(
    moment: TapeMoment, factors: Factors, *, days: Floats, forward_usd: Floats, weights: Floats
) -> TapeChain:
    """The chain of one asset at one moment. `days` to each expiry ascend; `weights` share out open
    interest."""
    years = days / DAYS_A_YEAR
    legs = _legs(moment, factors, days)
    strike = _strikes_of(legs, years, forward_usd)
    moneyness = np.log(strike / forward_usd[:, None])
    iv_pct = np.round(_fit(legs, moneyness, years), 4)
    call, put = marks(iv_pct, moneyness, years)
    sigmas = moneyness / (legs[:, 1] / 100 * np.sqrt(years))[:, None]
    calls_coin = moment.option_open_interest_coin * factors.coins / (1 + moment.put_call_ratio)
    share = weights[:, None]
    return TapeChain(
        forward_usd=forward_usd,
        strike_usd=strike,
        iv_pct=iv_pct,
        call_mark_coin=call,
        put_mark_coin=put,
        call_open_interest_coin=_spread(calls_coin, share * np.exp(-0.5 * ((sigmas - 0.5) / 1.2) ** 2)),
        put_open_interest_coin=_spread(
            calls_coin * moment.put_call_ratio, share * np.exp(-0.5 * ((sigmas + 0.5) / 1.2) ** 2)
        ),
    )


def list_strikes(moment: TapeMoment, factors: Factors, days: Floats, forward_usd: Floats) -> Floats:
    """The strikes that are quoted at a moment, a row for each expiry, as `build` has them."""
    return _strikes_of(_legs(moment, factors, days), days / DAYS_A_YEAR, forward_usd)


def _strikes_of(legs: Floats, years: Floats, forward_usd: Floats) -> Floats:
    reach = REACH_SIGMAS * legs[:, 1] / 100 * np.sqrt(years)
    return np.stack([_strikes(price, width) for price, width in zip(forward_usd, reach, strict=True)])


def normal_cdf(values: Floats) -> Floats:
    """The normal distribution function, to double precision."""
    flat = np.fromiter(
        map(math.erf, (values / math.sqrt(2)).ravel().tolist()), dtype=np.float64, count=values.size
    )
    return 0.5 * (1 + flat.reshape(values.shape))


def meet(tenors: Sequence[float], wanted: Floats, days: Floats, first: Floats) -> Floats:
    """Values at `days` that, linear between neighbors, are `wanted` at the tenors: the nearest to `first` in
    proportion.

    Each tenor must lie between the first and the last of `days`; only the values next to a tenor are moved.
    """
    matrix = np.zeros((len(tenors), len(days)))
    for row, tenor in enumerate(tenors):
        right = min(max(int(np.searchsorted(days, tenor)), 1), len(days) - 1)
        part = (tenor - days[right - 1]) / (days[right] - days[right - 1])
        matrix[row, right - 1], matrix[row, right] = 1 - part, part
    scale = np.where(np.abs(first) > 1e-9, np.abs(first), 1e-9)
    moved, *_ = np.linalg.lstsq(matrix * scale, wanted - matrix @ first, rcond=None)
    return np.asarray(first + scale * moved)


def _legs(moment: TapeMoment, factors: Factors, days: Floats) -> Floats:
    """Put, at-the-money and call volatility (%) of each expiry, as rows."""
    skew = np.asarray(moment.skew_pct) / 100
    atm = np.asarray(moment.atm_iv_pct) * factors.volatility
    wanted = np.stack([atm * (1 + BUTTERFLY + skew / 2), atm, atm * (1 + BUTTERFLY - skew / 2)], axis=1)
    tenors = np.asarray(SKEW_TENORS_D, dtype=np.float64)
    legs = np.empty((len(days), 3))
    for leg in range(3):
        variance = wanted[:, leg] ** 2 * tenors
        beyond = max(
            (variance[-1] - variance[-2]) / (tenors[-1] - tenors[-2]), 0.5 * variance[-1] / tenors[-1]
        )
        far = max(days[-1], tenors[-1]) + 1
        knots = [0.0, *tenors, far]
        levels = [0.0, *variance, variance[-1] + beyond * (far - tenors[-1])]
        legs[:, leg] = np.sqrt(meet(SKEW_TENORS_D, variance, days, np.interp(days, knots, levels)) / days)
    return legs


def _strikes(forward_usd: float, reach: float) -> Floats:
    """STRIKES round strikes around the forward, at the smallest round step that spans `reach` (in ln K/F)
    both ways."""
    low, high = forward_usd * math.exp(-reach), forward_usd * math.exp(reach)
    step, lowest = 1, 1
    for step in (digit * 10**power for power in range(9) for digit in (1, 2, 5)):
        lowest = max(1, math.floor(low / step))
        if (lowest + STRIKES - 1) * step >= high:
            break
    strikes: Floats = step * np.arange(lowest, lowest + STRIKES, dtype=np.float64)
    return strikes


def _fit(legs: Floats, moneyness: Floats, years: Floats) -> Floats:
    """Volatilities (%) at the strikes from which the three legs of each expiry are read off."""
    atm = legs[:, 1] / 100 * np.sqrt(years)
    put, call = legs[:, 0] / 100 * np.sqrt(years), legs[:, 2] / 100 * np.sqrt(years)
    left = (put**2 / 2 - QUARTER_DELTA_D1 * put) / atm
    right = (call**2 / 2 + QUARTER_DELTA_D1 * call) / atm
    sigmas = np.clip(moneyness / atm[:, None], -WING_SIGMAS, WING_SIGMAS)
    through = legs.copy()
    for _ in range(FIT_ROUNDS):
        miss = legs - _read(_smile(sigmas, left, right, through), moneyness, years)
        if np.abs(miss).max() < FIT_PCT:
            break
        through += miss
    return _smile(sigmas, left, right, through)


def smile_through(legs: Floats, moneyness: Floats, years: Floats) -> Floats:
    """Volatilities (%) at some ln(K/F) of the smile that has these legs (put, at the money, call; %): a row an
    expiry."""
    atm = legs[:, 1] / 100 * np.sqrt(years)
    put, call = legs[:, 0] / 100 * np.sqrt(years), legs[:, 2] / 100 * np.sqrt(years)
    left = (put**2 / 2 - QUARTER_DELTA_D1 * put) / atm
    right = (call**2 / 2 + QUARTER_DELTA_D1 * call) / atm
    sigmas = np.clip(moneyness / atm[:, None], -WING_SIGMAS, WING_SIGMAS)
    return _smile(sigmas, left, right, legs)


def _smile(sigmas: Floats, left: Floats, right: Floats, through: Floats) -> Floats:
    """The parabola through each expiry's three points, flat beyond the wings."""
    down = (through[:, 0] - through[:, 1]) / left
    up = (through[:, 2] - through[:, 1]) / right
    bend = (up - down) / (right - left)
    slope = up - bend * right
    smile: Floats = np.maximum(
        through[:, 1:2] + slope[:, None] * sigmas + bend[:, None] * sigmas**2, LOWEST_IV_PCT
    )
    return smile


def _read(iv_pct: Floats, moneyness: Floats, years: Floats) -> Floats:
    """Each expiry's legs, read off its strikes: linear in delta for put and call, in ln(K/F) at the money."""
    width = iv_pct / 100 * np.sqrt(years)[:, None]
    call_delta = normal_cdf(-moneyness / width + width / 2)
    rows = np.arange(len(iv_pct))
    legs = np.empty((len(iv_pct), 3))
    for leg, axis, at in ((0, -call_delta, -0.75), (1, moneyness, 0.0), (2, -call_delta, -0.25)):
        before = np.clip((axis <= at).sum(axis=1) - 1, 0, STRIKES - 2)
        start, end = axis[rows, before], axis[rows, before + 1]
        part = (at - start) / (end - start)
        legs[:, leg] = iv_pct[rows, before] * (1 - part) + iv_pct[rows, before + 1] * part
    return legs


def marks(iv_pct: Floats, moneyness: Floats, years: Floats) -> tuple[Floats, Floats]:
    """Black's price of calls and puts, in coins."""
    width = iv_pct / 100 * np.sqrt(years)[:, None]
    first = -moneyness / width + width / 2
    call = normal_cdf(first) - np.exp(moneyness) * normal_cdf(first - width)
    return np.maximum(call, 1e-8), np.maximum(call - 1 + np.exp(moneyness), 1e-8)


def _spread(total_coin: float, weights: Floats) -> Floats:
    """The total over the contracts by weight, to a tenth of a coin each, adding up to the total's tenths
    exactly."""
    tenths = np.floor(weights / weights.sum() * total_coin * 10)
    tenths.flat[int(tenths.argmax())] += round(total_coin * 10) - tenths.sum()
    spread: Floats = np.round(tenths / 10, 1)
    return spread

"""The smile from a day's trades in options, where nobody kept the marks.

Each trade has its own volatility, and the level moves within the day: so what is told is each trade's volatility less
the level of its hour. Level and smile are found in turns: a smile for each expiry (a parabola in strikes counted in
standard deviations, through the median of each contract, weighed by the square root of what was traded in it, robust to
outliers by Huber's weights), then the level of each hour as the median of what its trades lie above their smile. The
smile is that of the last hour's level. Blocks and legs of combinations are priced as a whole and left out. The legs are
read where the delta is a quarter, never beyond the strikes that were traded.

Measured on three recorded chains, with trades made of each option's own volume, 0.8 points of noise and a level that
drifts by up to ten points within the day (`tests/metrics/test_traded_smile.py`): the median error of the skew is under
one point of skew %, its bias under 0.3. Source: Huber, Robust Estimation of a Location Parameter (1964), for the weights;
`smile.py` for what a leg is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np

from bot.domain.chain import Bools, Floats, Ints
from bot.domain.traded import OptionTrades
from bot.metrics.smile import DAY_MS, LEG_D1, YEAR_MS, Smile, at_tenor

HOUR_MS = 3_600_000
NEAREST_MS = DAY_MS
ROUNDS = 3
FIT_ROUNDS = 3
WIDEST_SIGMAS = 1.3
MIN_CONTRACTS, MIN_EACH_SIDE = 5, 2
HUBER = 1.5
LEAST_SCATTER_POINTS = 0.2
AT_THE_MONEY = 5
LEG_ROUNDS = 6
MOST_IV_PCT = 400.0
RIDGE = 1e-9
"""What keeps the equations of a parabola solvable where the contracts say too little of it."""


class ForwardCurve(NamedTuple):
    """What futures of a time cost over the index: days to expiry, ascending, and the premium a year as a fraction; flat
    beyond its ends. Without any, forwards are the index."""

    days: Floats
    rate: Floats

    def over_index(self, days: Floats) -> Floats:
        """Forward over index at some days."""
        if not len(self.days):
            return np.ones_like(days)
        return np.asarray(1.0 + np.interp(days, self.days, self.rate) * days / 365.0)


@cache
def no_curve() -> ForwardCurve:
    """That of a time whose futures nobody told."""
    return ForwardCurve(np.empty(0), np.empty(0))


class _Board(NamedTuple):
    """The contracts of all expiries that are fitted: a row an expiry, a column a contract, padded with weight 0. Beside
    them the trades: the row of each among all, the place of its contract, its expiry and its hour."""

    expires_ms: Ints
    years: Floats
    moneyness: Floats
    weight: Floats
    rows: Ints
    place: Ints
    expiry: Ints
    hour: Ints


def traded_smiles(
    trades: OptionTrades, tenors: Sequence[float], curve: ForwardCurve | None = None
) -> Mapping[float, Smile]:
    """The smile at each of some distances in days, counted from the end of the stretch; a leg that too few trades tell
    of is None."""
    at_ms, ahead = float(trades.until_ms), no_curve() if curve is None else curve
    kept = np.flatnonzero(
        trades.is_plain
        & (trades.iv_pct > 0.0)
        & (trades.iv_pct < MOST_IV_PCT)
        & (trades.index_usd > 0.0)
        & (trades.coins > 0.0)
        & (trades.expires_ms >= at_ms + NEAREST_MS)
    )
    if not len(kept):
        return {days: Smile(days, None, None, None) for days in tenors}
    board = _board(trades, kept, _around(np.unique(trades.expires_ms[kept]), at_ms, tenors), at_ms, ahead)
    if not len(board.expires_ms):
        return {days: Smile(days, None, None, None) for days in tenors}
    count = board.weight.size
    contract = board.expiry * board.weight.shape[1] + board.place
    there, packed = np.unique(contract, return_inverse=True)
    iv = trades.iv_pct[board.rows]
    level = np.zeros(int(board.hour.max()) + 1)
    coefficients, good = np.zeros((len(board.expires_ms), 3)), np.zeros(len(board.expires_ms), np.bool_)
    for turn in range(ROUNDS):
        told = np.zeros(count)
        told[there] = medians(iv - level[board.hour], packed, len(there))
        coefficients, good = _fit(board, told.reshape(board.weight.shape))
        if turn == ROUNDS - 1 or not good.any():
            break
        sigmas = _sigmas(board, coefficients[:, 0]).ravel()[contract]
        own = coefficients[board.expiry]
        near = good[board.expiry] & (np.abs(sigmas) <= WIDEST_SIGMAS)
        over = iv - (own[:, 0] + sigmas * (own[:, 1] + sigmas * own[:, 2]))
        level = _levels(over[near], board.hour[near], level)
    found = [_legs(board, one, coefficients[one], at_ms) for one in np.flatnonzero(good).tolist()]
    return {days: at_tenor(found, days) for days in tenors}


def _around(expires: Ints, at_ms: float, tenors: Sequence[float]) -> list[int]:
    """The expiries between the tenors, and the nearest two beyond them on both sides."""
    days = (expires - at_ms) / DAY_MS
    first = max(int(np.searchsorted(days, min(tenors), side="right")) - 2, 0)
    last = int(np.searchsorted(days, max(tenors))) + 2
    return [int(one) for one in expires[first:last]]


def medians(values: Floats, group: Ints, groups: int) -> Floats:
    """The median of each group's values; each group has some."""
    order = np.lexsort((values, group))
    ordered = values[order]
    begins = np.searchsorted(group[order], np.arange(groups + 1))
    sizes = np.diff(begins)
    return np.asarray((ordered[begins[:-1] + (sizes - 1) // 2] + ordered[begins[:-1] + sizes // 2]) / 2.0)


def _board(trades: OptionTrades, kept: Ints, expires: list[int], at_ms: float, curve: ForwardCurve) -> _Board:
    """The contracts and trades of these expiries; one with too few contracts is left out."""
    contracts: list[tuple[int, Floats, Floats]] = []
    rows: list[Ints] = []
    places: list[Ints] = []
    for expires_ms in expires:
        mine = kept[trades.expires_ms[kept] == expires_ms]
        side = np.where(trades.is_call[mine], 1.0, -1.0)
        _, place = np.unique(trades.strike_usd[mine] * side, return_inverse=True)
        count = int(place.max()) + 1
        if count < MIN_CONTRACTS:
            continue
        days = (expires_ms - trades.at_ms[mine]) / DAY_MS
        moneyness = np.log(trades.strike_usd[mine] / (trades.index_usd[mine] * curve.over_index(days)))
        traded = np.bincount(place, weights=trades.coins[mine], minlength=count)
        # A single large order says no more of a price than several: what one contract may weigh is bounded.
        weight = np.sqrt(np.minimum(traded, 10.0 * float(np.median(traded))))
        contracts.append((expires_ms, medians(moneyness, place, count), weight))
        rows.append(mine)
        places.append(place)
    width = max((len(moneyness) for _, moneyness, _ in contracts), default=0)
    board = np.zeros((2, len(contracts), width))
    for number, (_, moneyness, weight) in enumerate(contracts):
        board[0, number, : len(moneyness)], board[1, number, : len(weight)] = moneyness, weight
    every = np.concatenate(rows) if rows else np.empty(0, np.int64)
    hours = trades.at_ms[every] // HOUR_MS
    _, hour = np.unique(hours, return_inverse=True)
    expires_at = np.array([expires_ms for expires_ms, _, _ in contracts], np.int64)
    return _Board(
        expires_ms=expires_at,
        years=np.asarray((expires_at - at_ms) / YEAR_MS, np.float64),
        moneyness=board[0],
        weight=board[1],
        rows=every,
        place=np.concatenate(places) if places else every,
        expiry=np.repeat(np.arange(len(rows)), [len(one) for one in rows]),
        hour=hour,
    )


def _sigmas(board: _Board, atm: Floats) -> Floats:
    """The contracts' distances from the forward in standard deviations to expiry."""
    width = np.maximum(atm, 1e-3) / 100.0 * np.sqrt(board.years)
    return np.asarray(board.moneyness / width[:, None])


def _fit(board: _Board, iv_pct: Floats) -> tuple[Floats, Bools]:
    """The parabola through each expiry's contracts, its first number the at-the-money volatility that its strikes are
    counted by; and where there are contracts enough, near enough, on both sides."""
    there = board.weight > 0.0
    distance = np.where(there, np.abs(board.moneyness), np.inf)
    nearest = np.argsort(distance, axis=1)[:, :AT_THE_MONEY]
    atm = np.median(np.take_along_axis(iv_pct, nearest, axis=1), axis=1)
    good = (atm > 0.0) & (atm < MOST_IV_PCT)
    coefficients: Floats = np.zeros((len(atm), 3))
    for _ in range(2):
        x = _sigmas(board, atm)
        near = there & (np.abs(x) <= WIDEST_SIGMAS)
        good &= (near.sum(axis=1) >= MIN_CONTRACTS) & ((near & (x < 0)).sum(axis=1) >= MIN_EACH_SIDE)
        good &= (near & (x > 0)).sum(axis=1) >= MIN_EACH_SIDE
        columns = np.stack([np.ones_like(x), x, x * x], axis=2)
        pull = np.where(near, board.weight, 0.0)
        robust = np.ones_like(x)
        for _ in range(FIT_ROUNDS):
            pulled = columns * (pull * robust)[:, :, None]
            square = pulled.transpose(0, 2, 1) @ columns + RIDGE * np.eye(3)
            solved = np.linalg.solve(square, pulled.transpose(0, 2, 1) @ iv_pct[:, :, None])
            coefficients = np.asarray(solved[:, :, 0], np.float64)
            miss = np.abs(iv_pct - (columns @ coefficients[:, :, None])[:, :, 0])
            scatter = np.maximum(1.4826 * _middle(miss, near), LEAST_SCATTER_POINTS)
            robust = np.minimum(1.0, HUBER * scatter[:, None] / np.maximum(miss, 1e-9))
        atm = np.where(good, coefficients[:, 0], atm)
        good &= (atm > 0.0) & (atm < MOST_IV_PCT)
    return coefficients, good


def _middle(values: Floats, there: Bools) -> Floats:
    """The median of each row's values that are there; 0 of none."""
    ordered = np.sort(np.where(there, values, np.inf), axis=1)
    count = there.sum(axis=1)
    rows = np.arange(len(values))
    low, high = (
        ordered[rows, np.maximum((count - 1) // 2, 0)],
        ordered[rows, np.minimum(count // 2, values.shape[1] - 1)],
    )
    return np.asarray(
        np.where(count > 0, (np.where(count > 0, low, 0.0) + np.where(count > 0, high, 0.0)) / 2.0, 0.0)
    )


def _legs(board: _Board, one: int, coefficients: Floats, at_ms: float) -> Smile:
    atm, years = float(coefficients[0]), float(board.years[one])
    there = board.weight[one] > 0.0
    sigmas = board.moneyness[one][there] / (atm / 100.0 * years**0.5)
    near = sigmas[np.abs(sigmas) <= WIDEST_SIGMAS]
    low, high = float(near.min()), float(near.max())
    put25, call25 = (_leg(d1, coefficients, atm, years, low, high) for d1 in (-LEG_D1, LEG_D1))
    return Smile((int(board.expires_ms[one]) - at_ms) / DAY_MS, put25, call25, atm)


def _leg(d1: float, coefficients: Floats, atm: float, years: float, low: float, high: float) -> float | None:
    """The volatility on the parabola where d1 has a value; None beyond the strikes."""
    level, slope, bend = coefficients.tolist()
    root = years**0.5
    sigma, place = level / 100.0 * root, 0.0
    for _ in range(LEG_ROUNDS):
        place = (0.5 * sigma * sigma - d1 * sigma) / (atm / 100.0 * root)
        sigma = (level + place * (slope + place * bend)) / 100.0 * root
    if not low <= place <= high or not sigma > 0.0:
        return None
    return float(level + place * (slope + place * bend))


def _levels(over: Floats, hour: Ints, before: Floats) -> Floats:
    """The level of each hour over that of the last one; an hour without a trade near the money keeps what it had."""
    level = before.copy()
    there, place = np.unique(hour, return_inverse=True)
    level[there] = medians(over, place, len(there))
    return np.asarray(level - level[-1])

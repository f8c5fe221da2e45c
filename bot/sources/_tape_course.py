"""The tape's past as a course: what skew, volatility, basis and put/call were at any hour of the year before and since,
linear between the ends of days and the moments; and the trades in options and futures that this past would have left.

The trades are drawn: one option every five minutes, in turn over the expiries of three days to half a year and over
twelve deltas of puts and calls, at the volatility that the smile of its hour has at its strike. Every fortieth is a block
at a volatility of its own, as blocks are. Puts are larger than calls by the put/call ratio of the hour."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from bot.domain.kept import keep_for_a_day
from bot.sources._tape_chain import BUTTERFLY, DAYS_A_YEAR, Floats, marks, smile_through
from bot.sources._tape_market import HOUR_MS, TapeHours, option_expiries
from bot.sources._tape_table import BASIS_TENORS_D, SKEW_TENORS_D, Factors, TapeMoment
from bot.sources._wire import to_ms, utc

TRADE_MS = 300_000
BLOCK_MS = 8 * HOUR_MS
NEAREST_D, FARTHEST_D = 3.0, 200.0
# d1 of the deltas that are traded, each as a call and as a put: 0.5, 0.25, 0.4, 0.17, 0.32, 0.1.
D1 = (0.0, 0.674489750196082, 0.253347103135800, 0.954165253146195, 0.467698799114508, 1.281551565544600)
SLOTS = 2 * len(D1)
BLOCK_EVERY = 40
BLOCK_IV_OFF = 6.0
COINS = (0.1, 0.4, 1.0, 2.5, 0.3, 5.0, 0.7)

Longs = npt.NDArray[np.int64]


class TapeTrades(Struct, frozen=True, kw_only=True, eq=False):
    """Trades in options as columns, oldest first: time and expiry (milliseconds), strike and index (USD), whether a
    call, volatility (% a year), mark in coins, size in coins, whether a block; and each one's own number."""

    number: Longs
    at_ms: Longs
    expires_ms: Longs
    strike_usd: Floats
    is_call: npt.NDArray[np.bool_]
    iv_pct: Floats
    mark_coin: Floats
    index_usd: Floats
    coins: Floats
    is_block: npt.NDArray[np.bool_]


class TapeCourse(Struct, frozen=True, kw_only=True, eq=False):
    """One asset's course: the tape's index at the ends of the hours, which `price` makes the asset's, and figures at some
    times, as rows; skew and volatility by SKEW_TENORS_D, basis by BASIS_TENORS_D."""

    price: float
    ends_ms: Floats
    index_at_ends_usd: Floats
    at_ms: Floats
    skew_pct: Floats
    atm_iv_pct: Floats
    basis_pct: Floats
    put_call_ratio: Floats

    @classmethod
    def of(cls, moments: Sequence[TapeMoment], factors: Factors, hours: TapeHours) -> "TapeCourse":
        """The course of an asset on a tape, from its own moments."""
        return cls(
            price=factors.price,
            ends_ms=np.append(hours.start_ms[0], hours.start_ms + HOUR_MS),
            index_at_ends_usd=np.append(hours.open_usd[0], hours.close_usd),
            at_ms=np.array([float(to_ms(moment.at)) for moment in moments]),
            skew_pct=np.array([moment.skew_pct for moment in moments]),
            atm_iv_pct=np.array([moment.atm_iv_pct for moment in moments]) * factors.volatility,
            basis_pct=np.array([moment.basis_pct for moment in moments]),
            put_call_ratio=np.array([moment.put_call_ratio for moment in moments]),
        )

    def index_usd(self, at_ms: Floats) -> Floats:
        """The index, linear within the hour."""
        return np.asarray(np.interp(at_ms, self.ends_ms, self.index_at_ends_usd) * self.price)

    def future_usd(self, at_ms: Floats, expires_ms: Floats) -> Floats:
        """What futures of these expiries cost at these times, at the basis of their days to go (the nearest tenor's
        beyond the tenors)."""
        days = (expires_ms - at_ms) / (24 * HOUR_MS)
        rates = self._at_tenors(at_ms, self.basis_pct, BASIS_TENORS_D, days)
        return np.asarray(np.round(self.index_usd(at_ms) * (1 + rates / 100 * days / DAYS_A_YEAR), 2))

    def trades(self, since_ms: int, until_ms: int, newest: int | None = None) -> TapeTrades:
        """The trades in options within two times, ends included: all, or the newest so many."""
        first, last = -(-since_ms // TRADE_MS), until_ms // TRADE_MS
        if newest is not None:
            first = max(first, last - newest + 1)
        number = np.arange(first, last + 1, dtype=np.int64)
        at_ms = number * TRADE_MS
        blocks = at_ms // BLOCK_MS
        expires_ms, slot = np.empty(len(number), np.int64), np.empty(len(number), np.int64)
        for block in np.unique(blocks).tolist():
            rows = np.flatnonzero(blocks == block)
            listed = _traded(block * BLOCK_MS)
            expires_ms[rows] = np.array(listed)[number[rows] % len(listed)]
            slot[rows] = number[rows] // len(listed) % SLOTS
        return self._priced(number, at_ms, expires_ms, slot)

    def _priced(self, number: Longs, at_ms: Longs, expires_ms: Longs, slot: Longs) -> TapeTrades:
        times, expiries = at_ms.astype(np.float64), expires_ms.astype(np.float64)
        days = (expiries - times) / (24 * HOUR_MS)
        years = days / DAYS_A_YEAR
        forward = self.future_usd(times, expiries)
        legs = self._legs(times, days)
        is_call = slot % 2 == 0
        sigma = legs[:, 1] / 100 * np.sqrt(years)
        d1 = np.array(D1)[slot // 2] * np.where(is_call, -1.0, 1.0)
        wanted = forward * np.exp(sigma**2 / 2 - d1 * sigma)
        step = 10.0 ** np.floor(np.log10(forward / 30))
        strike = np.round(wanted / step) * step
        moneyness = np.log(strike / forward)
        iv = smile_through(legs, moneyness[:, None], years)
        call, put = marks(iv, moneyness[:, None], years)
        is_block = number % BLOCK_EVERY == 0
        coins = np.array(COINS)[number % len(COINS)]
        ratio = np.interp(times, self.at_ms, self.put_call_ratio)
        return TapeTrades(
            number=number,
            at_ms=at_ms,
            expires_ms=expires_ms,
            strike_usd=strike,
            is_call=is_call,
            iv_pct=np.round(iv[:, 0] + np.where(is_block, BLOCK_IV_OFF, 0.0), 2),
            mark_coin=np.asarray(np.where(is_call, call[:, 0], put[:, 0]), np.float64).round(8),
            index_usd=np.round(self.index_usd(times), 2),
            coins=np.round(coins * np.where(is_call, 1.0, ratio), 4),
            is_block=is_block,
        )

    def _legs(self, at_ms: Floats, days: Floats) -> Floats:
        """Put, at-the-money and call volatility at each time for each number of days, in total variance between the
        tenors."""
        legs = np.empty((len(at_ms), 3))
        skew = np.stack([np.interp(at_ms, self.at_ms, column) for column in self.skew_pct.T], axis=1) / 100
        atm = np.stack([np.interp(at_ms, self.at_ms, column) for column in self.atm_iv_pct.T], axis=1)
        wanted = (atm * (1 + BUTTERFLY + skew / 2), atm, atm * (1 + BUTTERFLY - skew / 2))
        tenors = np.array(SKEW_TENORS_D, dtype=np.float64)
        for leg, figures in enumerate(wanted):
            variance = figures**2 * tenors
            beyond = np.maximum(days, tenors[-1]) * (variance[:, -1] / tenors[-1])
            inside = _row_by_row(np.maximum(days, tenors[0]), tenors, variance)
            legs[:, leg] = np.sqrt(
                np.where(
                    days <= tenors[0],
                    figures[:, 0] ** 2,
                    np.where(days >= tenors[-1], beyond / np.maximum(days, tenors[-1]), inside / days),
                )
            )
        return legs

    def _at_tenors(self, at_ms: Floats, table: Floats, tenors: Sequence[int], days: Floats) -> Floats:
        figures = np.stack([np.interp(at_ms, self.at_ms, column) for column in table.T], axis=1)
        return _row_by_row(days, np.array(tenors, dtype=np.float64), figures)


def _row_by_row(at: Floats, knots: Floats, figures: Floats) -> Floats:
    """Each row's line through the knots at its own place; the end's figure beyond."""
    place = np.clip(np.searchsorted(knots, at, side="right"), 1, len(knots) - 1)
    part = np.clip((at - knots[place - 1]) / (knots[place] - knots[place - 1]), 0.0, 1.0)
    rows = np.arange(len(figures))
    return np.asarray(figures[rows, place - 1] * (1 - part) + figures[rows, place] * part)


@keep_for_a_day(4096)
def _traded(at_ms: int) -> list[int]:
    """The expiries that are traded in the eight hours from a time."""
    at = utc(at_ms)
    listed = ((expiry, (expiry - at).total_seconds() / 86_400) for expiry in option_expiries(at))
    return [to_ms(expiry) for expiry, days in listed if NEAREST_D <= days <= FARTHEST_D]

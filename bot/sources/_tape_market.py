"""One moment of the tape as a market: index, futures, perpetual, chain, and the hours that led to it."""

import calendar
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache, partial
from itertools import pairwise

import numpy as np
from msgspec import Struct, field

from bot.domain.kept import keep_for_a_day
from bot.sources._tape_chain import DAYS_A_YEAR, Floats, TapeChain, build, list_strikes, meet
from bot.sources._tape_table import BASIS_TENORS_D, HOUR, Factors, Tape, TapeMoment, own_moment
from bot.sources._wire import to_ms

EXPIRY_TIME = time(8)
FRIDAY = 4
DAILIES, OPTION_WEEKLIES, FUTURE_WEEKLIES, MONTHLIES, QUARTERLIES = 4, 3, 2, 3, 4
PERPETUAL_WEIGHT = 0.45
SHORTEST_BASIS_D = 7
HALF_YEAR_D = 183
# A day's options carry little open interest, a month's or quarter's most of it.
EXPIRY_WEIGHTS = {"day": 0.01, "week": 0.05, "month": 0.2}
HOUR_MS = 3_600_000


class Future(Struct, frozen=True, kw_only=True):
    """A dated future: its expiry, days to it, mark, and its share of a venue's open interest."""

    expires_at: datetime
    days: float
    mark_usd: float
    weight: float


class OptionsListed(Struct, frozen=True, kw_only=True, eq=False):
    """Every strike (USD) that is quoted at some moment of the tape, by expiry, ascending; and the expiries that other
    venues than the first quote at some moment."""

    strikes_usd: Mapping[datetime, tuple[int, ...]]
    elsewhere: frozenset[datetime]


class IdleOptions(Struct, frozen=True, kw_only=True):
    """Options of one expiry that are listed with nothing open and no quote: their strikes (USD), each with a call and a
    put, and the forward (USD)."""

    expires_at: datetime
    forward_usd: float
    strikes_usd: tuple[int, ...]

    def names(self, stem: str) -> tuple[str, ...]:
        """What they are called, after what the name of each begins with: strike, and call or put."""
        return tuple(f"{stem}-{strike}-{right}" for strike in self.strikes_usd for right in ("C", "P"))


class TapeMarket(Struct, frozen=True, kw_only=True, eq=False, dict=True):
    """One asset at one moment of the tape, before any venue spells it.

    `open_interest_coin` is that of futures and perpetuals on all venues; the dated futures' yearly rates,
    linear in days between those of a week and more, are the stated basis. `option_expiries` follow the rows
    of the chain. `listed` is what is listed at any moment of the tape: venues withdraw no option before its expiry.
    """

    asset: str
    at: datetime
    moment: TapeMoment
    index_usd: float
    perpetual_usd: float
    funding_8h_pct: float
    open_interest_coin: float
    futures: tuple[Future, ...]
    option_expiries: tuple[datetime, ...]
    fit_chain: Callable[[], TapeChain]
    listed: "OptionsListed" = field(
        default_factory=lambda: OptionsListed(strikes_usd={}, elsewhere=frozenset())
    )

    @cached_property
    def chain(self) -> TapeChain:
        """The options: fitted when a venue is first asked for them."""
        return self.fit_chain()

    @cached_property
    def idle_options(self) -> tuple[IdleOptions, ...]:
        """Options that are listed at this moment with nothing open and no quote, by expiry."""
        return tuple(self._idle(elsewhere=False))

    @cached_property
    def idle_elsewhere(self) -> tuple[IdleOptions, ...]:
        """As `idle_options`, of the other venues."""
        return tuple(self._idle(elsewhere=True))

    def _idle(self, *, elsewhere: bool) -> Iterator[IdleOptions]:
        quoted = range(*self.elsewhere.indices(len(self.option_expiries))) if elsewhere else None
        rows = zip(
            self.option_expiries, self.chain.strike_usd.tolist(), self.chain.forward_usd.tolist(), strict=True
        )
        for number, (expiry, strikes, forward_usd) in enumerate(rows):
            if elsewhere and expiry not in self.listed.elsewhere:
                continue
            busy = strikes if quoted is None or number in quoted else ()
            idle = set(self.listed.strikes_usd.get(expiry, ())).difference(map(int, busy))
            if idle:
                yield IdleOptions(expires_at=expiry, forward_usd=forward_usd, strikes_usd=tuple(sorted(idle)))

    @cached_property
    def at_ms(self) -> int:
        """The moment, milliseconds since 1970 UTC."""
        return to_ms(self.at)

    @property
    def elsewhere(self) -> slice:
        """The expiries that other venues than the first list too: from the last one within a week to half a
        year, which are all that a constant maturity needs."""
        days = _days_to(self.option_expiries, self.at)
        week, half_year = np.searchsorted(days, (SHORTEST_BASIS_D, HALF_YEAR_D), side="right")
        return slice(max(0, int(week) - 1), int(half_year))


@lru_cache(maxsize=8)
def list_options(moments: tuple[TapeMoment, ...], factors: Factors) -> OptionsListed:
    """What of an asset's options is listed at any of the moments."""
    strikes: dict[datetime, set[int]] = {}
    elsewhere: set[datetime] = set()
    for stated in moments:
        there = market(stated, factors)
        moment, days = there.moment, _days_to(there.option_expiries, stated.at)
        rows = list_strikes(moment, factors, days, _forwards(there.index_usd, there.futures, days))
        for expiry, row in zip(there.option_expiries, rows.astype(int).tolist(), strict=True):
            strikes.setdefault(expiry, set()).update(row)
        elsewhere.update(there.option_expiries[there.elsewhere])
    ladders = {expiry: tuple(sorted(own)) for expiry, own in strikes.items()}
    return OptionsListed(strikes_usd=ladders, elsewhere=frozenset(elsewhere))


def market(moment: TapeMoment, factors: Factors, listed: OptionsListed | None = None) -> TapeMarket:
    """One asset's market at a moment. The perpetual stands over the index by the funding of one interval. `listed`:
    what is listed at any moment of its tape."""
    moment = own_moment(moment, factors)
    index_usd = round(moment.index_usd * factors.price, 2)
    futures = futures_on_curve(moment, index_usd, future_expiries(moment.at))
    expiries = option_expiries(moment.at)
    days = _days_to(expiries, moment.at)
    return TapeMarket(
        asset=factors.asset,
        at=moment.at,
        moment=moment,
        index_usd=index_usd,
        perpetual_usd=round(index_usd * (1 + moment.funding_8h_pct / 100), 2),
        funding_8h_pct=moment.funding_8h_pct,
        open_interest_coin=moment.open_interest_coin * factors.coins,
        futures=futures,
        option_expiries=tuple(expiries),
        fit_chain=partial(
            build,
            moment,
            factors,
            days=days,
            forward_usd=_forwards(index_usd, futures, days),
            weights=np.array([EXPIRY_WEIGHTS[kind] for kind in expiries.values()]),
        ),
        **({} if listed is None else {"listed": listed}),
    )


def _forwards(index_usd: float, futures: tuple[Future, ...], days: Floats) -> Floats:
    """The forward (USD) of each option expiry, on the futures' curve."""
    far = [future for future in futures if future.days >= SHORTEST_BASIS_D]
    rates = np.interp(days, [future.days for future in far], [_rate(future, index_usd) for future in far])
    return np.round(index_usd * (1 + rates * days / DAYS_A_YEAR), 4)


@keep_for_a_day(4096)
def future_expiries(at: datetime) -> tuple[datetime, ...]:
    """When dated futures expire where weeks, months and quarters are listed, in time order."""
    return tuple(
        sorted({*_fridays(at, FUTURE_WEEKLIES), *_months(at, MONTHLIES, 1), *quarters(at, QUARTERLIES)})
    )


@keep_for_a_day(16384)
def quarters(at: datetime, count: int) -> tuple[datetime, ...]:
    """When the next quarterly futures expire."""
    return tuple(_months(at, count, 3))


@lru_cache(maxsize=16)
def futures_on_curve(
    moment: TapeMoment, index_usd: float, expiries: tuple[datetime, ...]
) -> tuple[Future, ...]:
    """Futures of these expiries on one curve. Their weights and the perpetual's add up to 1."""
    days = _days_to(expiries, moment.at)
    weights = 1 / (1 + days / 60)
    weights *= (1 - PERPETUAL_WEIGHT) / weights.sum()
    return tuple(
        Future(
            expires_at=expiry,
            days=float(left),
            mark_usd=round(float(index_usd * (1 + rate / 100 * left / DAYS_A_YEAR)), 2),
            weight=float(weight),
        )
        for expiry, left, rate, weight in zip(expiries, days, _rates(moment, days), weights, strict=True)
    )


def _rates(moment: TapeMoment, days: Floats) -> Floats:
    """Yearly rates (%) at these days whose line, where it spans a tenor from a week on, gives the stated
    basis."""
    rates: Floats = np.interp(days, BASIS_TENORS_D, moment.basis_pct)
    far = days >= SHORTEST_BASIS_D
    spanned = [
        (tenor, stated)
        for tenor, stated in zip(BASIS_TENORS_D, moment.basis_pct, strict=True)
        if far.any() and days[far][0] <= tenor <= days[far][-1]
    ]
    if spanned:
        tenors, stated = zip(*spanned, strict=True)
        rates[far] = meet(tenors, np.asarray(stated), days[far], rates[far])
    return rates


def _rate(future: Future, index_usd: float) -> float:
    return (future.mark_usd / index_usd - 1) * DAYS_A_YEAR / future.days


def _days_to(expiries: Iterable[datetime], at: datetime) -> Floats:
    return np.array([(expiry - at) / timedelta(days=1) for expiry in expiries])


@keep_for_a_day(4096)
def option_expiries(at: datetime) -> Mapping[datetime, str]:
    """When options expire, in time order, and whether it is a day's, a week's or a month's expiry."""
    kinds = dict.fromkeys(_mornings(at, DAILIES), "day")
    kinds |= dict.fromkeys(_fridays(at, OPTION_WEEKLIES), "week")
    kinds |= dict.fromkeys((*_months(at, MONTHLIES, 1), *quarters(at, QUARTERLIES)), "month")
    return dict(sorted(kinds.items()))


class TapeHours(Struct, frozen=True, kw_only=True, eq=False):
    """An asset's hours as columns: their start (milliseconds since 1970 UTC), prices (USD), DVOL at start and end
    (points), the funding rate for eight hours at their end (%), open interest at their end (coins).

    Between two moments the price goes in a straight line, hour by hour. The stated high and low of the
    stretch fall in its first and last hour: the high first where the price falls, the low first where it
    rises. Prices, volatility and coins are the tape's own: what the asset multiplies them by is not in them yet."""

    start_ms: Floats
    open_usd: Floats
    high_usd: Floats
    low_usd: Floats
    close_usd: Floats
    dvol_open: Floats
    dvol_close: Floats
    funding_8h_pct: Floats
    open_interest_coin: Floats

    @classmethod
    def of(cls, bars: Floats, moments: Sequence[TapeMoment], starts_at: datetime) -> "TapeHours":
        """All hours of an asset, the days before its tape `starts_at` included, from the tape's `hourly_bars` and the
        asset's own moments."""
        start, end = bars[:, 0], bars[:, 0] + HOUR_MS
        # A day's DVOL and open interest are those at its end; its mean funding stands at its noon.
        ends = np.array([to_ms(moment.at) for moment in moments])
        noons = ends - np.where(ends < to_ms(starts_at), 12 * HOUR_MS, 0)
        funding = [moment.funding_8h_pct for moment in moments]
        dvol = [moment.dvol for moment in moments]
        coins = [moment.open_interest_coin for moment in moments]
        return cls(
            start_ms=start,
            open_usd=bars[:, 1],
            high_usd=bars[:, 2],
            low_usd=bars[:, 3],
            close_usd=bars[:, 4],
            dvol_open=np.round(np.interp(start, ends, dvol), 2),
            dvol_close=np.round(np.interp(end, ends, dvol), 2),
            funding_8h_pct=np.round(np.interp(end, noons, funding), 6),
            open_interest_coin=np.round(np.interp(end, ends, coins), 2),
        )

    def until(self, at_ms: float) -> "TapeHours":
        """The hours that have ended by then."""
        return self.rows(slice(0, int(np.searchsorted(self.start_ms, at_ms - HOUR_MS, side="right"))))

    def between(self, since_ms: float, until_ms: float) -> "TapeHours":
        """The hours that start within the two times, ends included."""
        first, last = (
            np.searchsorted(self.start_ms, since_ms),
            np.searchsorted(self.start_ms, until_ms, side="right"),
        )
        return self.rows(slice(int(first), int(last)))

    def by(self, step_ms: int) -> "TapeHours":
        """Put together to longer steps, counted from 1970 UTC; the last one may be under way."""
        if not len(self):
            return self
        steps, firsts = np.unique(self.start_ms // step_ms, return_index=True)
        lasts = np.append(firsts[1:], len(self)) - 1
        return TapeHours(
            start_ms=steps * step_ms,
            open_usd=self.open_usd[firsts],
            high_usd=np.maximum.reduceat(self.high_usd, firsts),
            low_usd=np.minimum.reduceat(self.low_usd, firsts),
            close_usd=self.close_usd[lasts],
            dvol_open=self.dvol_open[firsts],
            dvol_close=self.dvol_close[lasts],
            funding_8h_pct=self.funding_8h_pct[lasts],
            open_interest_coin=self.open_interest_coin[lasts],
        )

    def __len__(self) -> int:
        return len(self.start_ms)

    def rows(self, rows: slice) -> "TapeHours":
        """Some of them, by their place."""
        return TapeHours(**{name: getattr(self, name)[rows] for name in self.__struct_fields__})


@lru_cache(maxsize=64)
def hours_by(hours: TapeHours, step_ms: int) -> TapeHours:
    """As `TapeHours.by`, once for all who ask at one moment."""
    return hours.by(step_ms)


def hourly_bars(tape: Tape) -> Floats:
    """Start (milliseconds), open, high, low and close (USD) of every hour of a tape, the days before it included: the same
    for each of its assets."""
    return np.array([bar for stretch in _stretches(tape) for bar in stretch])


def _stretches(tape: Tape) -> Iterator[list[tuple[float, ...]]]:
    close_usd = tape.lead_in[0].close_usd
    for day in tape.lead_in:
        yield _bars(midnight_ms(day.day), 24, close_usd, day.close_usd, day.high_usd, day.low_usd)
        close_usd = day.close_usd
    for now, after in pairwise(tape.moments):
        hours = (after.at - now.at) // HOUR
        yield _bars(to_ms(now.at), hours, now.index_usd, after.index_usd, now.high_usd, now.low_usd)


def _bars(
    start_ms: int, hours: int, open_usd: float, close_usd: float, high_usd: float, low_usd: float
) -> list[tuple[float, ...]]:
    steps = [round(open_usd + (close_usd - open_usd) * hour / hours, 2) for hour in range(hours + 1)]
    falls = close_usd < open_usd
    high_hour, low_hour = (0, hours - 1) if falls else (hours - 1, 0)
    bars: list[tuple[float, ...]] = []
    for hour in range(hours):
        before, after = steps[hour], steps[hour + 1]
        high = max(before, after, high_usd if hour == high_hour else 0.0)
        low = min(before, after, low_usd if hour == low_hour else before)
        bars.append((float(start_ms + hour * HOUR_MS), before, high, low, after))
    return bars


def midnight_ms(day: date) -> int:
    return to_ms(datetime.combine(day, time(), UTC))


def _mornings(at: datetime, count: int) -> list[datetime]:
    """The next mornings at the expiry time, later than `at`."""
    first = datetime.combine(at.date(), EXPIRY_TIME, UTC)
    days = (first + timedelta(days=number) for number in range(count + 1))
    return [day for day in days if day > at][:count]


def _fridays(at: datetime, count: int) -> list[datetime]:
    return [morning for morning in _mornings(at, 7 * (count + 1)) if morning.weekday() == FRIDAY][:count]


def _months(at: datetime, count: int, every: int) -> list[datetime]:
    """The last Fridays of the next months whose number is a multiple of `every`."""
    found: list[datetime] = []
    year, month = at.year, at.month
    while len(found) < count:
        expiry = _last_friday(year, month)
        if month % every == 0 and expiry > at:
            found.append(expiry)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


@keep_for_a_day(1024)
def _last_friday(year: int, month: int) -> datetime:
    """The expiry of a month: its last Friday."""
    last = date(year, month, calendar.monthrange(year, month)[1])
    friday = last - timedelta(days=(last.weekday() - FRIDAY) % 7)
    return datetime.combine(friday, EXPIRY_TIME, UTC)

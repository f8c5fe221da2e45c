"""What dated futures and perpetuals cost above spot, and how accounts stand.

Formula: a dated future's rate is (mark / index - 1) x 365 / days to expiry x 100, a year, for expiries at
least seven days away; a venue's basis at a tenor is linear in days between the rates around it, never beyond
them. The perpetual's premium is kept apart. A mark and an index of times apart make neither."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import pairwise
from math import inf

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.readings import AccountRatio, FutureQuote
from bot.metrics.combine import WeighedValue, combine
from bot.metrics.history import History
from bot.metrics.moment import MetricInputs, is_of_one_moment
from bot.reasons import reason

MAX_AGE = timedelta(minutes=30)
RATIO_MAX_AGE = timedelta(hours=2)
TENORS = (30, 60, 90)
NEAREST_DAYS = 7.0

Compute = Callable[[MetricInputs, History], Measured | Unknown]
Curve = tuple[tuple[float, float], ...]


def by_venue(moment: MetricInputs) -> dict[str, tuple[FutureQuote, ...]]:
    """The venues' dated futures and perpetuals that are young enough, and whose mark and index are prices."""
    quotes: dict[str, tuple[FutureQuote, ...]] = {}
    for quote in moment.readings(FutureQuote, MAX_AGE):
        if 0.0 < quote.mark_usd < inf and 0.0 < quote.index_usd < inf:
            venue = quote.instrument.venue
            quotes[venue] = (*quotes.get(venue, ()), quote)
    return quotes


def open_interest_usd(quotes: Iterable[FutureQuote]) -> float | None:
    """Open interest in USD, None unless each quote has one."""
    total = 0.0
    for quote in quotes:
        if quote.open_interest_usd is not None:
            total += quote.open_interest_usd
        elif quote.open_interest_coin is not None:
            total += quote.open_interest_coin * quote.index_usd
        else:
            return None
    return total


def curve(quotes: Iterable[FutureQuote]) -> Curve:
    """Days to expiry and yearly rate in % of each dated future of one venue that is far enough away, nearest
    first."""
    points = []
    for quote in quotes:
        expires_at = quote.instrument.expires_at
        if quote.instrument.kind == "future" and expires_at is not None and is_of_one_moment(quote):
            days = (expires_at - quote.observed_at).total_seconds() / 86_400.0
            if days >= NEAREST_DAYS:
                points.append((days, (quote.mark_usd / quote.index_usd - 1.0) * 365.0 / days * 100.0))
    return tuple(sorted(points))


def rate_at(points: Curve, tenor_days: float) -> float | None:
    """The curve's rate at a tenor, linear in days; None outside it."""
    for (near, low), (far, high) in pairwise(points):
        if near <= tenor_days <= far and far > near:
            return low + (high - low) * (tenor_days - near) / (far - near)
    return next((rate for days, rate in points if days == tenor_days), None)


def _basis(tenor_days: int) -> Compute:
    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        values = {}
        venues = moment.once(by_venue)
        for venue, quotes in venues.items():
            dated = [quote for quote in quotes if quote.instrument.kind == "future"]
            rate = rate_at(curve(dated), tenor_days)
            if rate is not None:
                observed_at = min(quote.observed_at for quote in dated)
                values[venue] = WeighedValue(
                    value=rate, observed_at=observed_at, weight=open_interest_usd(dated)
                )
        if values:
            return moment.combine(f"basis_{tenor_days}d_pct", values, "futures")
        if any(quote.instrument.kind == "future" for quotes in venues.values() for quote in quotes):
            return Unknown(reason=reason("no_futures_around", days=tenor_days))
        return moment.silence("futures")

    return compute


def _perp_premium(moment: MetricInputs, _: History) -> Measured | Unknown:
    values = {}
    for venue, quotes in moment.once(by_venue).items():
        perpetuals = [quote for quote in quotes if quote.instrument.kind == "perpetual"]
        premiums = {
            quote.instrument.symbol: WeighedValue(
                value=(quote.mark_usd / quote.index_usd - 1.0) * 100.0,
                observed_at=quote.observed_at,
                weight=open_interest_usd([quote]),
            )
            for quote in perpetuals
            if is_of_one_moment(quote)
        }
        own = combine("weighted", premiums, ())
        if isinstance(own, Measured):
            weight = open_interest_usd(perpetuals)
            values[venue] = WeighedValue(value=own.value, observed_at=own.observed_at, weight=weight)
    return moment.combine("perp_premium_pct", values, "perpetuals")


def _long_short(moment: MetricInputs, _: History) -> Measured | Unknown:
    ratios = moment.readings(AccountRatio, RATIO_MAX_AGE)
    parts = {
        ratio.venue: WeighedValue(value=ratio.long_short_ratio, observed_at=ratio.observed_at)
        for ratio in ratios
    }
    return moment.combine("long_short_ratio", parts, "long_short")


METRICS = (
    *(
        Metric(
            name=f"basis_{days}d_pct",
            unit="% a year",
            max_age=MAX_AGE,
            valid=(-200.0, 500.0),
            compute=_basis(days),
            formula=f"(mark / index - 1) x 365 / days to expiry x 100 of the futures around {days} days, linear in days",
            combine="weighted",
            weight="open_interest_usd",
        )
        for days in TENORS
    ),
    Metric(
        name="perp_premium_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(-20.0, 20.0),
        compute=_perp_premium,
        formula="(perpetual mark / index - 1) x 100, weighted by open interest",
        combine="weighted",
        weight="open_interest_usd",
    ),
    Metric(
        name="long_short_ratio",
        unit="ratio",
        max_age=RATIO_MAX_AGE,
        valid=(0.001, 1_000.0),
        compute=_long_short,
        formula="accounts that are long / accounts that are short, the median of the venues",
        combine="median",
    ),
)

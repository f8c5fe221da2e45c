"""How much is open in futures and perpetuals, one side counted once, and why it moved.

Formula: a venue tells coins or dollars, its own index makes one of the other. A change in dollars splits in two,
by coins at the venue's index: coins before x ΔP is the price's part, P now x Δcoins the coins' part. Both are sums
over the venues that are there at both ends, and add up to their change in dollars. Inverse contracts are a number of
dollars, settled in coins: when the price falls with nothing traded their dollars stand still and their size in coins
grows, which is no new position. What that alone makes of the coins' part is told beside it: inverse dollars before x
(1 - P before / P now), in coins, at P now. Open interest is leverage, not direction."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from math import inf, isnan, nan

from msgspec import Struct

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.readings import FutureQuote, VendorOpenInterest
from bot.metrics.combine import WeighedValue
from bot.metrics.history import History, to_ms
from bot.metrics.moment import MetricInputs
from bot.metrics.views import tolerance
from bot.reasons import about, each, reason

MAX_AGE = timedelta(minutes=30)

Compute = Callable[[MetricInputs, History], Measured | Unknown]


class _VenueOpenInterest(Struct, frozen=True, kw_only=True):
    """One venue's open interest: in coins, in dollars, and the dollars of these that are in inverse
    contracts."""

    coins: float
    usd: float
    inverse_usd: float
    observed_at: datetime

    def of(self, name: str) -> float:
        return {"coin": self.coins, "usd": self.usd, "inverse_usd": self.inverse_usd}[name]


def _venues(moment: MetricInputs) -> dict[str, _VenueOpenInterest | str]:
    """Each venue's open interest, or why it cannot be summed: one contract left out would look like a
    move."""
    quotes: dict[str, list[FutureQuote]] = {}
    for quote in moment.readings(FutureQuote, MAX_AGE):
        quotes.setdefault(quote.instrument.venue, []).append(quote)
    return {venue: moment.withheld(venue, "futures") or _sum(own, moment.at) for venue, own in quotes.items()}


def _sum(quotes: list[FutureQuote], at: datetime) -> _VenueOpenInterest | str:
    coins = usd = inverse_usd = 0.0
    for quote in quotes:
        counted_at = quote.open_interest_at or quote.observed_at
        if at - counted_at > MAX_AGE:
            minutes = round((at - counted_at).total_seconds() / 60.0)
            return reason("contract_old", symbol=quote.instrument.symbol, minutes=minutes)
        if not 0.0 < quote.index_usd < inf:
            return reason("no_index_for", symbol=quote.instrument.symbol)
        in_coins, in_usd = _both(quote)
        if not (0.0 <= in_coins < inf and 0.0 <= in_usd < inf):
            return reason("no_open_interest_for", symbol=quote.instrument.symbol)
        coins += in_coins
        usd += in_usd
        inverse_usd += in_usd if quote.instrument.inverse else 0.0
    observed_at = min(min(quote.observed_at, quote.open_interest_at or quote.observed_at) for quote in quotes)
    return _VenueOpenInterest(coins=coins, usd=usd, inverse_usd=inverse_usd, observed_at=observed_at)


def _both(quote: FutureQuote) -> tuple[float, float]:
    """Coins and dollars of one contract, nan where it gave neither; what the venue did not give, its index
    makes."""
    coins, usd = quote.open_interest_coin, quote.open_interest_usd
    if coins is None:
        coins = nan if usd is None else usd / quote.index_usd
    return coins, coins * quote.index_usd if usd is None else usd


def _total(name: str) -> Compute:
    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        venues = moment.once(_venues)
        parts = {
            venue: WeighedValue(value=own.of(name), observed_at=own.observed_at)
            for venue, own in venues.items()
            if isinstance(own, _VenueOpenInterest)
        }
        if parts:
            return moment.combine(f"open_interest_{name}", parts, "perpetuals", "futures")
        reasons = [about(venue, own) for venue, own in venues.items() if isinstance(own, str)]
        return Unknown(reason=each(reasons)) if reasons else moment.silence("perpetuals", "futures")

    return compute


class _Split(Struct, frozen=True, kw_only=True):
    price_usd: float
    position_usd: float
    inverse_usd: float
    observed_at: datetime
    venues: tuple[str, ...]
    of_venues: int
    missing: tuple[str, ...]

    def of(self, part: str) -> float:
        return {"price": self.price_usd, "position": self.position_usd, "inverse": self.inverse_usd}[part]


def _split(moment: MetricInputs, history: History, window: timedelta) -> _Split | str:
    now = {name: moment.measure(f"open_interest_{name}") for name in ("coin", "usd", "inverse_usd")}
    for measured in now.values():
        if isinstance(measured, Unknown):
            return measured.reason
    known = {name: measured for name, measured in now.items() if isinstance(measured, Measured)}
    observed_at = known["usd"].observed_at
    price = position = inverse = 0.0
    venues = []
    for venue in known["usd"].by_venue or {}:
        if history.began_anew(venue, "futures", observed_at - window, observed_at):
            continue
        here = _amounts({name: (measured.by_venue or {}).get(venue) for name, measured in known.items()})
        there = _amounts({name: _before(history, name, venue, observed_at, window) for name in known})
        if here is not None and there is not None:
            part = here.split(there)
            price += part[0]
            position += part[1]
            inverse += part[2]
            venues.append(venue)
    if not venues:
        return reason("no_venue_then", hours=int(window.total_seconds() // 3600))
    return _Split(
        price_usd=price,
        position_usd=position,
        inverse_usd=inverse,
        observed_at=observed_at,
        venues=tuple(venues),
        of_venues=known["usd"].of_venues,
        missing=tuple(sorted({*known["usd"].venues, *known["usd"].missing} - set(venues))),
    )


class _Amounts(Struct, frozen=True, kw_only=True):
    """One venue's open interest at one end: all coins, the dollars of inverse contracts, and the index."""

    coins: float
    inverse_usd: float
    index_usd: float

    def split(self, before: _Amounts) -> tuple[float, float, float]:
        """The price's part and the coins' part of the change from `before` to this, and what of the latter inverse
        contracts made with nothing traded; in dollars."""
        price = before.coins * (self.index_usd - before.index_usd)
        coins = self.index_usd * (self.coins - before.coins)
        inverse = before.inverse_usd * (1.0 - self.index_usd / before.index_usd)
        return price, coins, inverse


def _amounts(told: dict[str, float | None]) -> _Amounts | None:
    coins, usd, inverse_usd = told["coin"], told["usd"], told["inverse_usd"]
    if coins is None or usd is None or inverse_usd is None or coins <= 0.0:
        return None
    return _Amounts(coins=coins, inverse_usd=inverse_usd, index_usd=usd / coins)


def _before(
    history: History, name: str, venue: str, observed_at: datetime, window: timedelta
) -> float | None:
    column = history.column(f"open_interest_{name}", venue)
    then_ms = to_ms(observed_at) - window.total_seconds() * 1000.0
    value, _ = column.before_one(then_ms, tolerance(MAX_AGE, window))
    return None if isnan(value) else value


def _effect(window: timedelta, part: str) -> Compute:
    def split(moment: MetricInputs) -> _Split | str:
        return _split(moment, moment.history, window)

    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        found = moment.once(split)
        if isinstance(found, str):
            return Unknown(reason=found)
        return Measured(
            value=found.of(part),
            observed_at=found.observed_at,
            venues=found.venues,
            of_venues=found.of_venues,
            missing=found.missing,
        )

    return compute


def _effects(suffix: str, window: timedelta, words: str) -> tuple[Metric, ...]:
    formulas = {
        "price": f"coins {words} ago x the change of the venue's index since",
        "position": f"change of the coins over {words} x the venue's index now",
        "inverse": f"inverse contracts in dollars {words} ago x (1 - index now / index then): coins gained untraded",
    }
    return tuple(
        Metric(
            name=f"open_interest_{part}_effect{suffix}_usd",
            unit="USD",
            max_age=MAX_AGE,
            valid=(-1e13, 1e13),
            compute=_effect(window, part),
            formula=formula,
            venues_of="open_interest_usd",
        )
        for part, formula in formulas.items()
    )


def _by_vendor(name: str, venue: str | None) -> Compute:
    """What vendors count at one venue, or (None) at all that they follow; of several vendors the median."""

    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        parts = {
            one.source: WeighedValue(value=one.open_interest_usd, observed_at=one.observed_at)
            for one in moment.readings(VendorOpenInterest, MAX_AGE)
            if one.venue == (venue or one.source)
        }
        return moment.combine(name, parts, "market_total")

    return compute


METRICS = (
    Metric(
        name="open_interest_coin",
        unit="coins",
        max_age=MAX_AGE,
        valid=(1e-6, 1e12),
        compute=_total("coin"),
        formula="open interest of futures and perpetuals, one side counted once; dollars / the venue's index",
        amount=True,
        combine="sum",
        counts="futures",
    ),
    Metric(
        name="open_interest_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e13),
        compute=_total("usd"),
        formula="open interest of futures and perpetuals, one side counted once; coins x the venue's index",
        amount=True,
        combine="sum",
        counts="futures",
    ),
    Metric(
        name="open_interest_inverse_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.0, 1e13),
        compute=_total("inverse_usd"),
        formula="the part of open interest in contracts of fixed dollars that settle in coins",
        amount=True,
        combine="sum",
        counts="futures",
    ),
    *_effects("", timedelta(hours=24), "24 hours"),
    *_effects("_7d", timedelta(days=7), "7 days"),
    Metric(
        name="open_interest_market_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e13),
        compute=_by_vendor("open_interest_market_usd", None),
        formula="a vendor's own sum over all venues that it follows, CME's and some venues' two sides among them",
        amount=True,
        combine="median",
    ),
    Metric(
        name="open_interest_cme_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.01, 1e13),
        compute=_by_vendor("open_interest_cme_usd", "cme"),
        formula="what a vendor tells of CME's futures; part of its own sum, and of no other",
        amount=True,
        combine="median",
    ),
)

"""How much is open in futures and perpetuals, one side counted once, and why it moved.

Formula: a venue tells coins or dollars, its own index makes one of the other. A change in dollars splits by contract type. Linear
contracts are a number of coins: coins before x ΔP is the price's part, P now x Δcoins the positions' part. Inverse
contracts are a number of dollars, settled in coins: when the price falls with nothing traded their dollars stand still and their
size in coins grows, which is no new position; so their change in dollars is all positions, and the price has no part in it.
Both parts are sums over the venues that are there at both ends, and add up to their change in dollars. Open interest is
leverage, not direction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf, nan

import numpy as np

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.readings import FutureQuote
from bot.metrics.combine import Own
from bot.metrics.history import History, to_ms
from bot.metrics.moment import Moment
from bot.metrics.views import tolerance

MAX_AGE = timedelta(minutes=30)

Compute = Callable[[Moment, History], Measured | Unknown]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """One venue's open interest: in coins, in dollars, and the dollars of these that are in inverse contracts."""

    coins: float
    usd: float
    inverse_usd: float
    observed_at: datetime

    def of(self, name: str) -> float:
        return {"coin": self.coins, "usd": self.usd, "inverse_usd": self.inverse_usd}[name]


def _venues(moment: Moment) -> dict[str, _Open | str]:
    """Each venue's open interest, or why it cannot be summed: one contract left out would look like a move."""
    quotes: dict[str, list[FutureQuote]] = {}
    for quote in moment.readings(FutureQuote, MAX_AGE):
        quotes.setdefault(quote.instrument.venue, []).append(quote)
    return {venue: _sum(own) for venue, own in quotes.items()}


def _sum(quotes: list[FutureQuote]) -> _Open | str:
    coins = usd = inverse_usd = 0.0
    for quote in quotes:
        if not 0.0 < quote.index_usd < inf:
            return f"no index for {quote.instrument.symbol}"
        in_coins, in_usd = _both(quote)
        if not (0.0 <= in_coins < inf and 0.0 <= in_usd < inf):
            return f"no open interest for {quote.instrument.symbol}"
        coins += in_coins
        usd += in_usd
        inverse_usd += in_usd if quote.instrument.inverse else 0.0
    observed_at = min(quote.observed_at for quote in quotes)
    return _Open(coins=coins, usd=usd, inverse_usd=inverse_usd, observed_at=observed_at)


def _both(quote: FutureQuote) -> tuple[float, float]:
    """Coins and dollars of one contract, nan where it gave neither; what the venue did not give, its index makes."""
    coins, usd = quote.open_interest_coin, quote.open_interest_usd
    if coins is None:
        coins = nan if usd is None else usd / quote.index_usd
    return coins, coins * quote.index_usd if usd is None else usd


def _total(name: str) -> Compute:
    def compute(moment: Moment, _: History) -> Measured | Unknown:
        venues = moment.once(_venues)
        parts = {
            venue: Own(value=own.of(name), observed_at=own.observed_at)
            for venue, own in venues.items()
            if isinstance(own, _Open)
        }
        if parts:
            return moment.combine(f"open_interest_{name}", parts, "perpetuals", "futures")
        reasons = [f"{venue}: {own}" for venue, own in venues.items()]
        return Unknown(reason="; ".join(reasons)) if reasons else moment.silence("perpetuals", "futures")

    return compute


@dataclass(frozen=True, slots=True, kw_only=True)
class _Split:
    price_usd: float
    position_usd: float
    observed_at: datetime
    venues: tuple[str, ...]
    of_venues: int


def _split(moment: Moment, history: History, window: timedelta) -> _Split | str:
    now = {name: moment.measure(f"open_interest_{name}") for name in ("coin", "usd", "inverse_usd")}
    for measured in now.values():
        if isinstance(measured, Unknown):
            return measured.reason
    known = {name: measured for name, measured in now.items() if isinstance(measured, Measured)}
    observed_at = known["usd"].observed_at
    price = position = 0.0
    venues = []
    for venue in known["usd"].by_venue or {}:
        here = _amounts({name: (measured.by_venue or {}).get(venue) for name, measured in known.items()})
        there = _amounts({name: _before(history, name, venue, observed_at, window) for name in known})
        if here is not None and there is not None:
            part = here.split(there)
            price += part[0]
            position += part[1]
            venues.append(venue)
    if not venues:
        return f"no venue's open interest is known both now and {int(window.total_seconds() // 3600)} hours before"
    return _Split(
        price_usd=price,
        position_usd=position,
        observed_at=observed_at,
        venues=tuple(venues),
        of_venues=known["usd"].of_venues,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Amounts:
    """One venue's open interest at one end: linear contracts in coins, inverse ones in dollars, at an index."""

    linear: float
    inverse_usd: float
    index_usd: float

    def split(self, before: _Amounts) -> tuple[float, float]:
        """The price's part and the positions' part of the change from `before` to this, in dollars."""
        price = before.linear * (self.index_usd - before.index_usd)
        positions = self.index_usd * (self.linear - before.linear)
        return price, positions + self.inverse_usd - before.inverse_usd


def _amounts(told: dict[str, float | None]) -> _Amounts | None:
    coins, usd, inverse_usd = told["coin"], told["usd"], told["inverse_usd"]
    if coins is None or usd is None or inverse_usd is None or coins <= 0.0:
        return None
    index = usd / coins
    return _Amounts(linear=(usd - inverse_usd) / index, inverse_usd=inverse_usd, index_usd=index)


def _before(history: History, name: str, venue: str, observed_at: datetime, window: timedelta) -> float | None:
    column = history.column(f"open_interest_{name}", venue)
    then_ms = np.array([to_ms(observed_at) - window.total_seconds() * 1000.0])
    value = float(column.before(then_ms, tolerance(MAX_AGE, window))[0][0])
    return None if np.isnan(value) else value


def _effect(window: timedelta, part: str) -> Compute:
    def split(moment: Moment) -> _Split | str:
        return _split(moment, moment.history, window)

    def compute(moment: Moment, _: History) -> Measured | Unknown:
        found = moment.once(split)
        if isinstance(found, str):
            return Unknown(reason=found)
        value = found.price_usd if part == "price" else found.position_usd
        return Measured(value=value, observed_at=found.observed_at, venues=found.venues, of_venues=found.of_venues)

    return compute


def _effects(suffix: str, window: timedelta, words: str) -> tuple[Metric, ...]:
    formulas = {
        "price": f"linear contracts in coins {words} ago x the change of the venue's index since",
        "position": f"change over {words} of linear contracts in coins x index now + of inverse contracts in dollars",
    }
    return tuple(
        Metric(
            name=f"open_interest_{part}_effect{suffix}_usd",
            unit="USD",
            max_age=MAX_AGE,
            valid=(-1e13, 1e13),
            compute=_effect(window, part),
            formula=formula,
        )
        for part, formula in formulas.items()
    )


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
    ),
    *_effects("", timedelta(hours=24), "24 hours"),
    *_effects("_7d", timedelta(days=7), "7 days"),
)

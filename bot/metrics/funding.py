"""What perpetuals charge one side for the other: + when longs pay shorts.

Formula: the venue's rate x 8 / its own interval in hours (1, 4 or 8), weighted by the perpetual's open
interest; x 1,095 for a year (three times a day, 365 days)."""

from __future__ import annotations

from datetime import timedelta
from math import fsum

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.readings import FundingRate, FutureQuote
from bot.metrics.combine import WeighedValue, combine
from bot.metrics.history import FUNDINGS_A_YEAR, History
from bot.metrics.moment import MetricInputs

MAX_AGE = timedelta(hours=1)
HOURS = 8.0


def _open_interest_usd(moment: MetricInputs) -> dict[tuple[str, str], float]:
    """The open interest of each perpetual in USD, by venue and symbol."""
    found = {}
    for quote in moment.readings(FutureQuote, MAX_AGE):
        coins, usd = quote.open_interest_coin, quote.open_interest_usd
        amount = usd if usd is not None else (coins * quote.index_usd if coins is not None else None)
        if amount is not None and amount > 0.0:
            found[quote.instrument.venue, quote.instrument.symbol] = amount
    return found


def _funding(moment: MetricInputs, _: History) -> Measured | Unknown:
    weights = moment.once(_open_interest_usd)
    perpetuals: dict[str, dict[str, WeighedValue]] = {}
    for rate in moment.readings(FundingRate, MAX_AGE):
        venue, symbol = rate.instrument.venue, rate.instrument.symbol
        if rate.interval_hours > 0.0:
            perpetuals.setdefault(venue, {})[symbol] = WeighedValue(
                value=rate.rate_pct * HOURS / rate.interval_hours,
                observed_at=rate.observed_at,
                weight=weights.get((venue, symbol)),
            )
    values = {}
    for venue, parts in perpetuals.items():
        own = combine("weighted", parts, ())
        if isinstance(own, Measured):
            weight = fsum(part.weight or 0.0 for part in parts.values())
            values[venue] = WeighedValue(value=own.value, observed_at=own.observed_at, weight=weight)
    return moment.combine("funding_8h_pct", values, "funding")


def _annual(moment: MetricInputs, _: History) -> Measured | Unknown:
    own = moment.measure("funding_8h_pct")
    if isinstance(own, Unknown):
        return own
    return Measured(
        value=own.value * FUNDINGS_A_YEAR,
        observed_at=own.observed_at,
        venues=own.venues,
        of_venues=own.of_venues,
        missing=own.missing,
        by_venue={venue: value * FUNDINGS_A_YEAR for venue, value in (own.by_venue or {}).items()},
    )


METRICS = (
    Metric(
        name="funding_8h_pct",
        unit="%",
        max_age=MAX_AGE,
        valid=(-10.0, 10.0),
        compute=_funding,
        formula="funding rate x 8 / the venue's interval in hours, weighted by open interest",
        combine="weighted",
        weight="open_interest_usd",
    ),
    Metric(
        name="funding_annual_pct",
        unit="% a year",
        max_age=MAX_AGE,
        valid=(-10_950.0, 10_950.0),
        compute=_annual,
        formula="8-hour funding x 1,095",
        combine="weighted",
        weight="open_interest_usd",
    ),
)

"""Whether venues agree on a price: one that tells another market's price is not measured with the others.

Formula: two venues agree where none of their indexes is further from another than the `apart_pct` of
`spot_usd`, and none of their perpetuals' marks either. A venue is believed where it agrees with more than
half of all venues, itself included: of two that disagree neither is, of three the odd one out is not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from math import inf
from statistics import median

import numpy as np
from msgspec.structs import replace

from bot.domain.catalog import Catalog
from bot.domain.chain import OptionChain
from bot.domain.readings import FutureQuote, Gap, Reading, Snapshot, SpotQuote
from bot.reasons import about, reason

Range = tuple[float, float]
"""The lowest and the highest price that one venue tells."""


def drop_disbelieved(snapshot: Snapshot, catalog: Catalog) -> tuple[Snapshot, tuple[Gap, ...]]:
    """The snapshot without the quotes of venues that are not believed, and a gap for each of these, in the
    snapshot too.

    Options, funding and histories stay: none is reckoned with the index that was refused.
    """
    spot = catalog.metrics.get("spot_usd")
    if spot is None or spot.apart_pct is None:
        return snapshot, ()
    found: dict[tuple[str, str], Gap] = {}
    for (asset, kind), prices in _prices(snapshot.readings, snapshot.taken_at, spot.max_age).items():
        for venue in _odd(prices, spot.apart_pct):
            why = reason("too_far_apart", of=f"{venue} {asset} {kind}", prices=_told(prices, venue))
            found.setdefault((asset, venue), Gap(who=f"{venue} {asset} {kind}", reason=why))
    if not found:
        return snapshot, ()
    gaps = tuple(found.values())
    readings = tuple(one for one in snapshot.readings if not (isinstance(one, _Quote) and _of(one) in found))
    kept = Snapshot(
        asset=snapshot.asset,
        taken_at=snapshot.taken_at,
        readings=readings,
        gaps=snapshot.gaps + gaps,
        asked=snapshot.asked,
    )
    return kept, gaps


def drop_odd_forwards(snapshot: Snapshot) -> tuple[Snapshot, tuple[Gap, ...]]:
    """The snapshot without the option chains whose forwards are further from the median index of all venues than any carry
    makes them, and a gap for each, in the snapshot too."""
    at = snapshot.taken_at
    indexes = [
        one.index_usd
        for one in snapshot.readings
        if isinstance(one, SpotQuote) and one.asset == snapshot.asset and at - one.observed_at <= INDEX_AGE
    ]
    if not indexes:
        return snapshot, ()
    found: dict[int, Gap] = {}
    for one in snapshot.readings:
        if not isinstance(one, OptionChain) or one.asset != snapshot.asset:
            continue
        with np.errstate(all="ignore"):
            apart = np.abs(np.log(one.forward_usd / median(indexes)))
            years = np.maximum(one.expires_ms - one.row_ms, 0) / YEAR_MS
        odd = apart > FORWARD_APART + CARRY_A_YEAR * years
        told = int(np.count_nonzero(np.isfinite(one.forward_usd)))
        if np.count_nonzero(odd) > ODD_SHARE * told:
            who = f"{one.venue} {one.asset} options"
            why = reason(
                "forward_apart", pct=round(100.0 * float(np.expm1(min(apart[odd].max(), MOST_APART))))
            )
            found[id(one)] = Gap(who=who, reason=about(who, why))
    if not found:
        return snapshot, ()
    gaps = tuple(found.values())
    readings = tuple(one for one in snapshot.readings if id(one) not in found)
    return replace(snapshot, readings=readings, gaps=snapshot.gaps + gaps), gaps


INDEX_AGE = timedelta(minutes=30)
YEAR_MS = 365.0 * 86_400_000.0
FORWARD_APART = 0.05
"""How far a forward may be from the index (natural logarithm), and how much more for each year to its expiry."""
CARRY_A_YEAR = 0.5
ODD_SHARE = 0.02
MOST_APART = 20.0

_Quote = (FutureQuote, SpotQuote)


def _of(quote: FutureQuote | SpotQuote) -> tuple[str, str]:
    """The asset and the venue of a quote."""
    where = quote.instrument if isinstance(quote, FutureQuote) else quote
    return where.asset, where.venue


def _prices(
    readings: Iterable[Reading], at: datetime, max_age: timedelta
) -> Mapping[tuple[str, str], Mapping[str, Range]]:
    """For each asset and kind of price ("index", "mark") what the venues tell; a dated future's mark is a
    price of its own."""
    found: dict[tuple[str, str], dict[str, Range]] = {}
    for quote in readings:
        if not isinstance(quote, _Quote) or at - quote.observed_at > max_age:
            continue
        asset, venue = _of(quote)
        told = {"index": quote.index_usd}
        if isinstance(quote, FutureQuote) and quote.instrument.kind == "perpetual":
            told["mark"] = quote.mark_usd
        for kind, price in told.items():
            if 0.0 < price < inf:
                own = found.setdefault((asset, kind), {})
                low, high = own.get(venue, (price, price))
                own[venue] = (min(low, price), max(high, price))
    return found


def _odd(prices: Mapping[str, Range], apart_pct: float) -> list[str]:
    """The venues that do not agree with more than half of all."""
    apart = 1.0 + apart_pct / 100.0

    def agree(one: Range, other: Range) -> bool:
        return max(one[1], other[1]) <= min(one[0], other[0]) * apart

    return [
        venue
        for venue, own in prices.items()
        if 2 * sum(1 for other in prices.values() if agree(own, other)) <= len(prices)
    ]


def _told(prices: Mapping[str, Range], venue: str) -> str:
    """What the venue tells, and what each other one does."""
    others = ", ".join(f"{other} {_figure(told)}" for other, told in sorted(prices.items()) if other != venue)
    return f"{_figure(prices[venue])}, {others}" if others else _figure(prices[venue])


def _figure(told: Range) -> str:
    low, high = told
    return f"{low:.8g}" if low == high else f"{low:.8g}-{high:.8g}"

"""What venues tell of stretches of time (bars, daily rows, tallies) becomes points that cover their
stretch."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from math import fsum
from statistics import median

from msgspec.structs import replace

from bot.domain.catalog import Catalog
from bot.domain.facts import Point
from bot.domain.readings import LiquidationTally, Reading, SeriesReading
from bot.metrics.columns import HistoryColumn
from bot.metrics.history import FUNDINGS_A_YEAR, History, to_ms, to_time

Stretch = tuple[str, int, int]
"""A metric, the start in milliseconds since 1970, the length in seconds."""

FOR_ALL_ASSETS = frozenset({"gold_usd", "nasdaq_points"})


def points_from_series(
    readings: Iterable[Reading], at: datetime, history: History, catalog: Catalog
) -> tuple[Point, ...]:
    """Points of the stretches that venues told of by `at`, as far as they are plausible and not in the
    history already.

    The aggregate of an interval is the median of the venues that tell of it, their sum where the metric is a
    sum; tallies have none, for not all venues tally the same stretches. An interval that is still running
    speaks for what has passed of it."""
    readings = tuple(readings)
    return (*_of_series(readings, at, history, catalog), *_of_tallies(readings, at, history, catalog))


def _of_series(
    readings: Iterable[Reading], at: datetime, history: History, catalog: Catalog
) -> Iterator[Point]:
    rows: dict[Stretch, dict[str, float]] = {}
    news: set[Stretch] = set()
    told = [one for one in readings if isinstance(one, SeriesReading) and one.metric in catalog.metrics]
    for reading in (*told, *_yearly(told, catalog)):
        foreign = reading.asset != history.asset and reading.metric not in FOR_ALL_ASSETS
        if foreign or not reading.at_ms:
            continue
        low, high = catalog.metrics[reading.metric].valid
        until_ms = int(to_ms(min(reading.observed_at, at)))
        last_ms = reading.at_ms[-1] + 1000 * reading.interval_s
        known = _known(history.column(reading.metric, reading.venue), reading.at_ms[0], last_ms)
        for at_ms, value in zip(reading.at_ms, reading.value, strict=True):
            covers_s = min(reading.interval_s, (until_ms - at_ms) // 1000)
            if low <= value <= high and covers_s > 0:
                stretch = (reading.metric, at_ms, covers_s)
                rows.setdefault(stretch, {})[reading.venue] = value
                if (at_ms, 1000.0 * covers_s, value, 0.0) not in known:
                    news.add(stretch)
    for stretch, own in rows.items():
        if stretch in news:
            yield from _together(history.asset, stretch, own, catalog)


def _yearly(told: Iterable[SeriesReading], catalog: Catalog) -> Iterator[SeriesReading]:
    """Funding for eight hours as a rate for a year: the same payments, 1,095 times."""
    if "funding_annual_pct" not in catalog.metrics:
        return
    for reading in told:
        if reading.metric == "funding_8h_pct":
            yearly = array("d", [rate * FUNDINGS_A_YEAR for rate in reading.value])
            yield replace(reading, metric="funding_annual_pct", value=yearly)


def _together(asset: str, stretch: Stretch, own: Mapping[str, float], catalog: Catalog) -> Iterator[Point]:
    """The aggregate of one stretch, and each venue's own."""
    metric, at_ms, covers_s = stretch
    at, values = to_time(at_ms), tuple(own.values())
    alone = len(values) == 1
    yield Point(
        metric=metric,
        asset=asset,
        at=at,
        value=fsum(values)
        if catalog.metrics[metric].combine == "sum"
        else values[0]
        if alone
        else median(values),
        venues=tuple(sorted(own)),
        of_venues=len(own),
        covers_s=covers_s,
    )
    for venue, value in own.items():
        yield Point(
            metric=metric,
            asset=asset,
            at=at,
            value=value,
            venue=venue,
            venues=(venue,),
            of_venues=1,
            covers_s=covers_s,
        )


def _of_tallies(
    readings: Iterable[Reading], at: datetime, history: History, catalog: Catalog
) -> Iterator[Point]:
    for tally in readings:
        if not isinstance(tally, LiquidationTally) or tally.asset != history.asset or tally.until_at > at:
            continue
        covers_s = round((tally.until_at - tally.since_at).total_seconds())
        for side, value in (("long", tally.longs_usd), ("short", tally.shorts_usd)):
            metric = catalog.metrics.get(f"liquidations_tally_{side}_usd")
            if (
                value is None
                or metric is None
                or covers_s <= 0
                or not metric.valid[0] <= value <= metric.valid[1]
            ):
                continue
            since_ms, least = to_ms(tally.since_at), not tally.complete
            column = history.column(metric.name, tally.venue)
            known = _known(column, since_ms, since_ms + 1000.0 * covers_s)
            if (since_ms, 1000.0 * covers_s, value, float(least)) in known:
                continue
            yield Point(
                metric=metric.name,
                asset=history.asset,
                at=tally.since_at,
                value=value,
                venue=tally.venue,
                venues=(tally.venue,),
                of_venues=1,
                lower_bound=least,
                covers_s=covers_s,
            )


def _known(column: HistoryColumn, since_ms: float, until_ms: float) -> set[tuple[float, ...]]:
    """The rows of a column that end within two times: start, length, value, whether it may be more."""
    first, last = column.known_ms.searchsorted(since_ms), column.known_ms.searchsorted(until_ms, side="right")
    rows = slice(int(first), int(last))
    told_before = (column.at_ms, column.covers_ms, column.value, column.at_least)
    return set(zip(*(one[rows].tolist() for one in told_before), strict=True))

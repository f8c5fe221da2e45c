"""What venues tell of stretches of time (bars, daily rows, tallies) becomes points that cover their stretch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from statistics import median

from bot.domain.catalog import Catalog
from bot.domain.facts import Point
from bot.domain.readings import LiquidationTally, Reading, SeriesReading
from bot.metrics.columns import Column
from bot.metrics.history import History, to_ms, to_time

FOR_ALL_ASSETS = frozenset({"gold_usd", "nasdaq_points"})


def told(readings: Iterable[Reading], at: datetime, history: History, catalog: Catalog) -> tuple[Point, ...]:
    """Points of the stretches that venues told of by `at`, as far as they are plausible and not in the history already.

    The aggregate of an interval is the median of the venues that tell of it, their sum where the metric is a sum; tallies have
    none, for not all venues tally the same stretches. An interval that is still running speaks for what has passed of it.
    """
    readings = tuple(readings)
    points = (*_of_series(readings, at, history, catalog), *_of_tallies(readings, at, history, catalog))
    columns: dict[tuple[str, str | None], list[Point]] = {}
    for point in points:
        columns.setdefault((point.metric, point.venue), []).append(point)
    return tuple(point for key, own in columns.items() for point in _news(own, history.column(*key)))


def _of_series(readings: Iterable[Reading], at: datetime, history: History, catalog: Catalog) -> Iterator[Point]:
    rows: dict[tuple[str, int, int], dict[str, float]] = {}
    for reading in readings:
        if not isinstance(reading, SeriesReading) or reading.metric not in catalog.metrics:
            continue
        if reading.asset != history.asset and reading.metric not in FOR_ALL_ASSETS:
            continue
        low, high = catalog.metrics[reading.metric].valid
        until_ms = int(to_ms(min(reading.observed_at, at)))
        for at_ms, value in zip(reading.at_ms, reading.value, strict=True):
            covers_s = min(reading.interval_s, (until_ms - at_ms) // 1000)
            if low <= value <= high and covers_s > 0:
                rows.setdefault((reading.metric, at_ms, covers_s), {})[reading.venue] = value
    for (metric, at_ms, covers_s), own in rows.items():
        together = sum(own.values()) if catalog.metrics[metric].combine == "sum" else median(own.values())
        stretch = Point(
            metric=metric,
            asset=history.asset,
            at=to_time(at_ms),
            value=together,
            venues=tuple(sorted(own)),
            of_venues=len(own),
            covers_s=covers_s,
        )
        yield stretch
        for venue, value in own.items():
            yield replace(stretch, value=value, venue=venue, venues=(venue,), of_venues=1)


def _of_tallies(readings: Iterable[Reading], at: datetime, history: History, catalog: Catalog) -> Iterator[Point]:
    for tally in readings:
        if not isinstance(tally, LiquidationTally) or tally.asset != history.asset or tally.until_at > at:
            continue
        covers_s = round((tally.until_at - tally.since_at).total_seconds())
        for side, value in (("long", tally.longs_usd), ("short", tally.shorts_usd)):
            metric = catalog.metrics.get(f"liquidations_tally_{side}_usd")
            if value is None or metric is None or covers_s <= 0 or not metric.valid[0] <= value <= metric.valid[1]:
                continue
            yield Point(
                metric=metric.name,
                asset=history.asset,
                at=tally.since_at,
                value=value,
                venue=tally.venue,
                venues=(tally.venue,),
                of_venues=1,
                lower_bound=not tally.complete,
                covers_s=covers_s,
            )


def _news(points: list[Point], column: Column) -> Iterator[Point]:
    """The points whose very stretch the column does not have with the same value."""
    first_ms = min(to_ms(point.at) + 1000.0 * point.covers_s for point in points)
    rows = slice(int(column.known_ms.searchsorted(first_ms)), None)
    columns = (column.at_ms, column.covers_ms, column.value, column.at_least)
    there = set(zip(*(one[rows].tolist() for one in columns), strict=True))
    for point in points:
        if (to_ms(point.at), 1000.0 * point.covers_s, point.value, float(point.lower_bound)) not in there:
            yield point

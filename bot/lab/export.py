"""The archive's points as a table for other programs: CSV, or Parquet where the extra `parquet` is installed.

Columns: asset, metric, unit, venue (empty for the aggregate), at (ISO 8601, UTC), covers_s (0: an instant),
value, lower_bound (1: the true value may be higher). A gap is a row that is not there."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from bot.domain.catalog import Catalog
from bot.domain.facts import Series
from bot.errors import InputError

COLUMNS = ("asset", "metric", "unit", "venue", "at", "covers_s", "value", "lower_bound")


def rows(past: Iterable[Series], catalog: Catalog, metrics: Sequence[str] = ()) -> Iterator[tuple[Any, ...]]:
    """A row a point, series by series, as `COLUMNS` says; `metrics` leaves out all others. Raises InputError
    for a metric that is not in the catalog."""
    for name in metrics:
        catalog.resolve(name)
    for series in sorted(past, key=lambda one: (one.asset, one.metric, one.venue or "")):
        if metrics and series.metric not in metrics:
            continue
        known = catalog.metrics.get(series.metric)
        least = series.lower_bound or [0] * len(series.at_ms)
        for at_ms, value, covers_s, bound in zip(
            series.at_ms, series.value, series.covers_s, least, strict=True
        ):
            at = datetime.fromtimestamp(at_ms / 1000, UTC)
            unit = known.unit if known else ""
            yield series.asset, series.metric, unit, series.venue or "", at, covers_s, value, int(bound)


def write_csv(table: Iterable[tuple[Any, ...]], to: TextIO) -> int:
    """Write the rows under a heading: how many. Values are written so that they read back exactly."""
    writer = csv.writer(to, lineterminator="\n")
    writer.writerow(COLUMNS)
    count = 0
    for asset, metric, unit, venue, at, *rest in table:
        writer.writerow((asset, metric, unit, venue, at.isoformat().replace("+00:00", "Z"), *rest))
        count += 1
    return count


def write_parquet(table: Iterable[tuple[Any, ...]], to: Path) -> int:
    """Write the rows as a Parquet file: how many. Raises InputError where the extra is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise InputError(
            "Parquet needs the extra: install tightrope[parquet], or write to a .csv file"
        ) from error
    found = list(table)
    kinds = (
        pyarrow.string(),
        pyarrow.string(),
        pyarrow.string(),
        pyarrow.string(),
        pyarrow.timestamp("ms", tz="UTC"),
        pyarrow.int32(),
        pyarrow.float64(),
        pyarrow.bool_(),
    )
    columns = [
        pyarrow.array(
            [row[place] if kind != pyarrow.bool_() else bool(row[place]) for row in found], type=kind
        )
        for place, kind in enumerate(kinds)
    ]
    pyarrow.parquet.write_table(pyarrow.table(columns, names=list(COLUMNS)), to)
    return len(found)


def write(table: Iterable[tuple[Any, ...]], to: Path) -> int:
    """Write the rows to a file whose ending says how: how many. Raises InputError for another ending than
    .csv or .parquet, or a file that cannot be written."""
    if to.suffix not in (".csv", ".parquet"):
        raise InputError(f"{to}: the ending says the format: .csv or .parquet")
    try:
        if to.suffix == ".parquet":
            return write_parquet(table, to)
        with to.open("w", encoding="utf-8", newline="") as file:
            return write_csv(table, file)
    except OSError as error:
        raise InputError(f"{to}: cannot be written: {error.strerror}") from error

"""The archive's points as a table for other programs: CSV, or Parquet where the extra `parquet` is installed.

Columns: asset, metric, unit, venue (empty for the aggregate), at (ISO 8601, UTC), covers_s (0: an instant),
value, lower_bound (1: the true value may be higher). A gap is a row that is not there."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from bot.domain.catalog import Catalog
from bot.domain.facts import Series
from bot.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("asset", "metric", "unit", "venue", "at", "covers_s", "value", "lower_bound")


def tables(past: Iterable[Series], catalog: Catalog, metrics: Sequence[str] = ()) -> Iterator["pd.DataFrame"]:
    """A table a series, a row a point, as `COLUMNS` says; `metrics` leaves out all others. Raises InputError for a metric
    that is not in the catalog."""
    import pandas as pd

    for name in metrics:
        catalog.resolve(name)
    for series in sorted(past, key=lambda one: (one.asset, one.metric, one.venue or "")):
        if metrics and series.metric not in metrics:
            continue
        known = catalog.metrics.get(series.metric)
        table = pd.DataFrame(
            {
                "at": pd.to_datetime(series.at_ms, unit="ms", utc=True).as_unit("ms"),
                "covers_s": pd.array(series.covers_s, dtype="int32"),
                "value": series.value,
                "lower_bound": pd.array(series.lower_bound or [0] * len(series.at_ms), dtype=bool),
            }
        )
        named = {"asset": series.asset, "metric": series.metric, "venue": series.venue or ""}
        yield table.assign(**named, unit=known.unit if known else "")[[*COLUMNS]]


def write_csv(told: Iterable["pd.DataFrame"], to: TextIO) -> int:
    """Write the rows under a heading: how many. Values are written so that they read back exactly."""
    to.write(",".join(COLUMNS) + "\n")
    count = 0
    for table in told:
        at = table["at"].map(lambda at: at.isoformat().replace("+00:00", "Z"))
        written = table.assign(at=at, lower_bound=table["lower_bound"].astype(int))
        written.to_csv(to, index=False, header=False, lineterminator="\n")
        count += len(table)
    return count


def write_parquet(told: Iterable["pd.DataFrame"], to: Path) -> int:
    """Write the rows as a Parquet file: how many. Raises InputError where the extra is not installed."""
    import pandas as pd

    found = [pd.DataFrame(columns=[*COLUMNS]), *told]
    table = pd.concat(found[1:] or found, ignore_index=True)
    try:
        table.to_parquet(to, engine="pyarrow", index=False)
    except ImportError as error:
        raise InputError(
            "Parquet needs the extra: install tightrope[parquet], or write to a .csv file"
        ) from error
    return len(table)


def write(told: Iterable["pd.DataFrame"], to: Path) -> int:
    """Write the rows to a file whose ending says how: how many. Raises InputError for another ending than
    .csv or .parquet, or a file that cannot be written."""
    if to.suffix not in (".csv", ".parquet"):
        raise InputError(f"{to}: the ending says the format: .csv or .parquet")
    try:
        if to.suffix == ".parquet":
            return write_parquet(told, to)
        with to.open("w", encoding="utf-8", newline="") as file:
            return write_csv(told, file)
    except OSError as error:
        raise InputError(f"{to}: cannot be written: {error.strerror}") from error

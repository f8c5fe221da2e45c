"""A folder of CSV files as the past of one asset, read as config/history.toml describes it: wide files with a column a
metric, long ones with a row a metric."""

import csv
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bot.domain.catalog import Catalog
from bot.domain.facts import Series
from bot.domain.files import read_tables
from bot.errors import ConfigError, Problem

LENGTHS = {"1h": 3600, "4h": 14_400, "8h": 28_800, "1d": 86_400}
ALWAYS = ("name", "time", "every", "venue")
WIDE = ("columns",)
LONG = ("metric_column", "value_column", "metrics")
KEYS = frozenset(
    {*ALWAYS, *WIDE, *LONG, "asset", "asset_column", "zero", "time_is", "source_column", "tellers"}
)
ANY_ASSET = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFile:
    """One [[file]] of config/history.toml. `columns` holds each metric's column and the factor to its unit.

    A long file has `metric_column` and `value_column` instead, and in `metrics` what each of its names is and the
    factor. `source_column` names the column of the record that a row is from; of several rows of one day that of the
    record counts that has most. `tellers` gives the venue of a record by how its name begins. `ends`: the time of a
    row is that at which its value was known, not that at which its stretch began."""

    name: str
    time: str
    every_s: int
    venue: str
    columns: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    asset: str = ""
    asset_column: str = ""
    zero_is_gap: bool = False
    ends: bool = False
    metric_column: str = ""
    value_column: str = ""
    source_column: str = ""
    metrics: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    tellers: Mapping[str, str] = field(default_factory=dict)


def parse_schema(text: str, catalog: Catalog, file: str = "history.toml") -> tuple[HistoryFile, ...]:
    """How a folder's files are read, as config/history.toml explains. Raises ConfigError with every
    problem."""
    entries = read_tables(text, file).get("file", [])
    problems: list[Problem] = []
    found = [_file(entry, catalog, file, problems) for entry in entries]
    if problems:
        raise ConfigError(problems)
    return tuple(one for one in found if one is not None)


def _file(
    entry: Mapping[str, Any], catalog: Catalog, file: str, problems: list[Problem]
) -> HistoryFile | None:
    name = str(entry.get("name", "?"))
    is_long = "metric_column" in entry
    wrong = [f"unknown key {key!r}" for key in sorted(set(entry) - KEYS)]
    wrong += [f"{key} is missing" for key in (*ALWAYS, *(LONG if is_long else WIDE)) if key not in entry]
    wrong += [f"{key} does not go with the other" for key in (WIDE if is_long else LONG) if key in entry]
    if ("asset" in entry) == ("asset_column" in entry):
        wrong.append("either asset or asset_column, and only one of them")
    if entry.get("every", "1h") not in LENGTHS:
        wrong.append(f"every is one of {', '.join(LENGTHS)}")
    if entry.get("time_is", "start") not in ("start", "end"):
        wrong.append("time_is is start or end")
    columns: dict[str, tuple[str, float]] = {}
    for metric, told in dict(entry.get("columns", {})).items():
        columns[metric] = (
            (told, 1.0) if isinstance(told, str) else (told["column"], float(told.get("times", 1.0)))
        )
    metrics: dict[str, tuple[str, float]] = {}
    for theirs, told in dict(entry.get("metrics", {})).items():
        metrics[theirs] = (
            (told, 1.0) if isinstance(told, str) else (told["metric"], float(told.get("times", 1.0)))
        )
    ours = [*columns, *(metric for metric, _ in metrics.values())]
    wrong += [f"there is no metric {metric!r}" for metric in ours if metric not in catalog.metrics]
    problems += [Problem(file=file, id=name, reason=reason) for reason in wrong]
    if wrong:
        return None
    return HistoryFile(
        name=name,
        time=entry["time"],
        every_s=LENGTHS[entry["every"]],
        venue=entry["venue"],
        columns=columns,
        asset=entry.get("asset", ""),
        asset_column=entry.get("asset_column", ""),
        zero_is_gap=entry.get("zero") == "gap",
        ends=entry.get("time_is") == "end",
        metric_column=entry.get("metric_column", ""),
        value_column=entry.get("value_column", ""),
        source_column=entry.get("source_column", ""),
        metrics=metrics,
        tellers=dict(entry.get("tellers", {})),
    )


def read_folder(
    files: Mapping[str, str], schema: Iterable[HistoryFile], asset: str, catalog: Catalog
) -> tuple[Series, ...]:
    """The past of one asset in some CSV texts, by name. A cell that is empty or not plausible is a gap.

    Raises ConfigError where a column is missing or a cell is no number.
    """
    problems: list[Problem] = []
    found: list[Series] = []
    for one in schema:
        if one.name in files:
            rows = _rows(one, files[one.name], asset, catalog, problems)
            told = list(_series_of(one, asset, rows))
            twice = {(old.metric, old.venue) for old in found} & {(new.metric, new.venue) for new in told}
            problems += [
                Problem(file=one.name, id=metric, reason=f"another file tells it of {asset} already")
                for metric, _ in sorted(twice, key=str)
            ]
            found += told
    if problems:
        raise ConfigError(problems)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _HistoryRow:
    """One value: when its stretch began, its metric, who told it, and the record that it is from."""

    at_ms: int
    metric: str
    value: float
    venue: str
    record: str


def _rows(
    one: HistoryFile, text: str, asset: str, catalog: Catalog, problems: list[Problem]
) -> list[_HistoryRow]:
    reader = csv.DictReader(text.splitlines())
    wanted = {one.time, *(column for column, _ in one.columns.values())}
    wanted |= {*filter(None, [one.asset_column, one.metric_column, one.value_column, one.source_column])}
    if missing := sorted(wanted - set(reader.fieldnames or ())):
        problems.append(Problem(file=one.name, id=", ".join(missing), reason="no such column in the file"))
        return []
    found: list[_HistoryRow] = []
    for number, row in enumerate(reader, 2):
        if (row[one.asset_column] if one.asset_column else one.asset) not in (asset, ANY_ASSET):
            continue
        try:
            found += _values(one, row, catalog)
        except ValueError as error:
            problems.append(Problem(file=one.name, id=f"line {number}", reason=str(error)))
    return found


def _values(one: HistoryFile, row: Mapping[str, str], catalog: Catalog) -> Iterator[_HistoryRow]:
    at_ms = _ms(row[one.time]) - (1000 * one.every_s if one.ends else 0)
    record = row[one.source_column] if one.source_column else ""
    venue = next((name for start, name in one.tellers.items() if record.startswith(start)), one.venue)
    if one.metric_column:
        known = one.metrics.get(row[one.metric_column])
        told = {} if known is None else {known[0]: (row[one.value_column], known[1])}
    else:
        told = {metric: (row[column], times) for metric, (column, times) in one.columns.items()}
    for metric, (cell, times) in told.items():
        if not cell:
            continue
        value = float(cell) * times
        low, high = catalog.metrics[metric].valid
        if low <= value <= high and not (one.zero_is_gap and value == 0.0):
            yield _HistoryRow(at_ms, metric, value, venue, record)


def _series_of(one: HistoryFile, asset: str, rows: Iterable[_HistoryRow]) -> Iterator[Series]:
    """The rows as columns, the aggregate and each teller's own. A tally belongs to who told it, and has no aggregate:
    the windows over it have."""
    by_metric: dict[str, list[_HistoryRow]] = {}
    for row in rows:
        by_metric.setdefault(row.metric, []).append(row)
    for metric, mine in by_metric.items():
        kept = sorted(_one_a_day(mine) if one.source_column else mine, key=lambda row: row.at_ms)
        tellers = dict.fromkeys(row.venue for row in kept)
        if "_tally_" not in metric:
            yield _series(one, asset, metric, None, kept)
        for venue in tellers:
            yield _series(one, asset, metric, venue, [row for row in kept if row.venue == venue])


def _one_a_day(rows: list[_HistoryRow]) -> list[_HistoryRow]:
    """Of each day the row of the record that has most rows."""
    weight = Counter(row.record for row in rows)
    best: dict[int, _HistoryRow] = {}
    for row in rows:
        day = (row.at_ms + 43_200_000) // 86_400_000
        if day not in best or weight[row.record] > weight[best[day].record]:
            best[day] = row
    return list(best.values())


def _series(one: HistoryFile, asset: str, metric: str, venue: str | None, rows: list[_HistoryRow]) -> Series:
    return Series(
        metric=metric,
        asset=asset,
        venue=venue,
        at_ms=array("q", [row.at_ms for row in rows]),
        value=array("d", [row.value for row in rows]),
        covers_s=array("q", [one.every_s]) * len(rows),
    )


def _ms(text: str) -> int:
    at = datetime.fromisoformat(text)
    return round((at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp() * 1000)

"""A folder of CSV files as the past of one asset, read as config/history.toml describes it: wide files with a column a
metric, long ones with a row a metric."""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from io import StringIO
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from bot.domain.catalog import Catalog
from bot.domain.facts import Series
from bot.domain.files import read_tables
from bot.errors import ConfigError, Problem

if TYPE_CHECKING:
    import pandas as pd

LENGTHS = {"1h": 3600, "4h": 14_400, "8h": 28_800, "1d": 86_400}
ALWAYS = ("name", "time", "every", "venue")
WIDE = ("columns",)
LONG = ("metric_column", "value_column", "metrics")
KEYS = frozenset(
    {*ALWAYS, *WIDE, *LONG, "asset", "asset_column", "zero", "time_is", "source_column", "tellers"}
)
ANY_ASSET = "-"
MIDDAY_MS, DAY_MS = 43_200_000, 86_400_000


class HistoryFile(Struct, frozen=True, kw_only=True):
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
            table = _table(one, files[one.name], problems)
            if table is None:
                continue
            told = list(_series_of(one, asset, _rows(one, table, asset, catalog, problems)))
            twice = {(old.metric, old.venue) for old in found} & {(new.metric, new.venue) for new in told}
            problems += [
                Problem(file=one.name, id=metric, reason=f"another file tells it of {asset} already")
                for metric, _ in sorted(twice, key=str)
            ]
            found += told
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def _table(one: HistoryFile, text: str, problems: list[Problem]) -> "pd.DataFrame | None":
    """A file's cells as they are written, by line; None where a wanted column is missing."""
    import pandas as pd

    wanted = [one.time, *filter(None, [one.asset_column, one.metric_column, one.source_column])]
    wanted += [one.value_column] if one.metric_column else [column for column, _ in one.columns.values()]
    try:
        # As text: pandas reads numbers quickly, and not to the last digit.
        table = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False, index_col=False)
    except ValueError as error:  # no heading, or a line that is no row
        problems.append(Problem(file=one.name, id="", reason=str(error).strip()))
        return None
    if missing := sorted(set(wanted) - set(table.columns)):
        problems.append(Problem(file=one.name, id=", ".join(missing), reason="no such column in the file"))
        return None
    table.index += 2  # the first line has the names
    return table


def _rows(
    one: HistoryFile, table: "pd.DataFrame", asset: str, catalog: Catalog, problems: list[Problem]
) -> "pd.DataFrame":
    """A row a value: `at_ms` when its stretch began, its `metric`, the `value`, the `venue` that told it, and the
    `record` that it is from."""
    import pandas as pd

    if one.asset_column:
        table = table[table[one.asset_column].isin([asset, ANY_ASSET])]
    elif one.asset not in (asset, ANY_ASSET):
        table = table[:0]
    at = pd.to_datetime(table[one.time], format="ISO8601", utc=True, errors="coerce")
    _say_wrong(one, table.loc[at.isna(), one.time], "no time", problems)
    record = table[one.source_column] if one.source_column else pd.Series("", index=table.index)
    venue = record.map(
        lambda told: next((name for start, name in one.tellers.items() if told.startswith(start)), one.venue)
    )
    at_ms = at.dt.tz_convert(None).astype("datetime64[ms]").astype("int64")
    begins_ms = at_ms - 1000 * one.every_s if one.ends else at_ms
    told = pd.DataFrame({"at_ms": begins_ms, "venue": venue, "record": record})[at.notna()]
    if one.metric_column:
        names = table[one.metric_column]
        ours, times = ({name: kept[side] for name, kept in one.metrics.items()} for side in (0, 1))
        values = _numbers(one, table[names.isin(ours)], one.value_column, problems)
        parts = [told.assign(metric=names.map(ours), value=values * names.map(times).astype(float))]
    else:
        parts = [
            told.assign(metric=metric, value=_numbers(one, table, column, problems) * times)
            for metric, (column, times) in one.columns.items()
        ]
    rows = pd.concat(parts).sort_index(kind="stable").dropna(subset=["metric", "value"])
    valid = {metric: catalog.metrics[metric].valid for metric in rows["metric"].unique()}
    low, high = (
        rows["metric"].map({name: ends[side] for name, ends in valid.items()}).astype(float)
        for side in (0, 1)
    )
    return rows[rows["value"].between(low, high) & ~(one.zero_is_gap & (rows["value"] == 0.0))]


def _numbers(
    one: HistoryFile, table: "pd.DataFrame", column: str, problems: list[Problem]
) -> "pd.Series[float]":
    """A column's numbers; a cell that is none is a problem."""
    cells = table.loc[table[column] != "", column]
    numbers = cells.map(_number)
    _say_wrong(
        one,
        cells[numbers.isna() & (cells.str.lower() != "nan")],
        "could not convert string to float",
        problems,
    )
    return numbers.astype(float)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _say_wrong(one: HistoryFile, cells: "pd.Series[str]", reason: str, problems: list[Problem]) -> None:
    problems += [
        Problem(file=one.name, id=f"line {line}", reason=f"{reason}: {cell!r}")
        for line, cell in cells.items()
    ]


def _series_of(one: HistoryFile, asset: str, rows: "pd.DataFrame") -> Iterator[Series]:
    """The rows as columns, the aggregate and each teller's own. A tally belongs to who told it, and has no aggregate:
    the windows over it have."""
    for metric, mine in rows.groupby("metric", sort=False):
        kept = (_one_a_day(mine) if one.source_column else mine).sort_values("at_ms", kind="stable")
        if "_tally_" not in metric:
            yield _series(one, asset, metric, None, kept)
        for venue, told in kept.groupby("venue", sort=False):
            yield _series(one, asset, metric, venue, told)


def _one_a_day(rows: "pd.DataFrame") -> "pd.DataFrame":
    """Of each day the row of the record that has most rows."""
    weighed = rows.assign(
        weight=rows["record"].map(rows["record"].value_counts()), day=(rows["at_ms"] + MIDDAY_MS) // DAY_MS
    )
    return weighed.sort_values("weight", ascending=False, kind="stable").drop_duplicates("day")


def _series(one: HistoryFile, asset: str, metric: str, venue: str | None, rows: "pd.DataFrame") -> Series:
    return Series(
        metric=metric,
        asset=asset,
        venue=venue,
        at_ms=array("q", rows["at_ms"].tolist()),
        value=array("d", rows["value"].tolist()),
        covers_s=array("q", [one.every_s]) * len(rows),
    )

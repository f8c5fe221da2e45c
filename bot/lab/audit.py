"""What polls stored, held against the venues' own history: by metric and venue, how far they lie apart.

Formula: each value of a history (which speaks for its own time) against the last value that a poll stored by
then; stored minus told, in the metric's unit or in percent of what was told. Only what polls stored is looked
at (points of a moment): what was itself filled in from a history would be held against itself."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import fmean
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from bot.domain.audit import AuditReport, AuditRow
from bot.domain.catalog import Catalog
from bot.domain.facts import Series
from bot.domain.files import read_tables
from bot.domain.readings import SeriesReading
from bot.domain.times import iso
from bot.errors import ConfigError, Problem
from bot.metrics.history import to_ms, to_time

if TYPE_CHECKING:
    import pandas as pd

KEYS = frozenset({"name", "tolerance", "tolerance_pct"})
PERCENT = "%"

Key = tuple[str, str]
"""A metric and a venue."""


class AuditTolerance(Struct, frozen=True, kw_only=True):
    """How far a metric's stored value may lie from the history's, in `unit`; `relative`: in percent of it."""

    size: float
    relative: bool
    unit: str


class AuditSettings(Struct, frozen=True, kw_only=True):
    """How the audit is made: config/audit.toml."""

    within: timedelta
    tolerances: Mapping[str, AuditTolerance]


def parse_audit_settings(text: str, catalog: Catalog, file: str = "audit.toml") -> AuditSettings:
    """config/audit.toml as a value. Raises ConfigError with every problem."""
    told = read_tables(text, file)
    known = {"within_s", "metric"}
    problems = [Problem(file=file, id=key, reason="unknown key") for key in sorted(set(told) - known)]
    problems += [Problem(file=file, id=key, reason="is missing") for key in sorted(known - set(told))]
    tolerances = {}
    for entry in told.get("metric", ()):
        wrong = _problems(entry, catalog)
        problems += [Problem(file=file, id=str(entry.get("name", "?")), reason=reason) for reason in wrong]
        if not wrong:
            tolerances[entry["name"]] = _tolerance(entry, catalog)
    if problems:
        raise ConfigError(problems)
    return AuditSettings(within=timedelta(seconds=float(told["within_s"])), tolerances=tolerances)


def _problems(entry: Mapping[str, Any], catalog: Catalog) -> list[str]:
    wrong = [f"unknown key {key!r}" for key in sorted(set(entry) - KEYS)]
    if entry.get("name") not in catalog.metrics:
        wrong.append("there is no such metric")
    if ("tolerance" in entry) == ("tolerance_pct" in entry):
        wrong.append("either tolerance or tolerance_pct, and only one of them")
    return wrong


def _tolerance(entry: Mapping[str, Any], catalog: Catalog) -> AuditTolerance:
    relative = "tolerance_pct" in entry
    return AuditTolerance(
        size=float(entry["tolerance_pct" if relative else "tolerance"]),
        relative=relative,
        unit=PERCENT if relative else catalog.metrics[entry["name"]].unit,
    )


def compare_with_history(
    asset: str,
    told: Iterable[SeriesReading],
    stored: Mapping[Key, Sequence[Series]],
    settings: AuditSettings,
    since: datetime,
) -> tuple[AuditRow, ...]:
    """A row for each metric and venue that told a history since a time and is to be looked at, by metric and
    venue. `stored` is what the archive holds of each."""
    histories: dict[Key, dict[int, float]] = {}
    for one in told:
        if one.metric in settings.tolerances and one.asset == asset:
            rows = zip(one.at_ms, one.value, strict=True)
            mine = histories.setdefault((one.metric, one.venue), {})
            mine.update((at_ms, value) for at_ms, value in rows if at_ms >= to_ms(since))
    return tuple(
        _row(asset, key, sorted(rows.items()), stored.get(key, ()), settings)
        for key, rows in sorted(histories.items())
        if rows
    )


def _row(
    asset: str, key: Key, told: Sequence[tuple[int, float]], stored: Sequence[Series], settings: AuditSettings
) -> AuditRow:
    metric, venue = key
    tolerance = settings.tolerances[metric]
    apart = _differences(told, stored, settings.within, relative=tolerance.relative)
    sizes = [abs(difference) for _, difference in apart]
    largest = max(range(len(sizes)), key=sizes.__getitem__, default=None)
    return AuditRow(
        asset=asset,
        metric=metric,
        venue=venue,
        unit=tolerance.unit,
        tolerance=tolerance.size,
        compared=len(sizes),
        missing=len(told) - len(sizes),
        beyond=sum(size > tolerance.size for size in sizes),
        mean=fmean(sizes) if sizes else None,
        bias=fmean(difference for _, difference in apart) if sizes else None,
        largest=None if largest is None else sizes[largest],
        largest_at=None if largest is None else to_time(apart[largest][0]),
    )


def _differences(
    told: Sequence[tuple[int, float]], stored: Sequence[Series], within: timedelta, *, relative: bool
) -> list[tuple[int, float]]:
    """The time of each value that was told, and how far the last one that a poll stored by then lies above
    it."""
    import pandas as pd

    pairs = pd.merge_asof(
        pd.DataFrame(told, columns=["at_ms", "told"]).astype({"at_ms": "int64", "told": float}),
        _polled(stored),
        on="at_ms",
        tolerance=within // timedelta(milliseconds=1),
    ).dropna(subset="polled")
    apart = pairs["polled"] - pairs["told"]
    if relative:
        pairs, apart = pairs[pairs["told"] != 0], apart[pairs["told"] != 0]
        apart = apart / pairs["told"].abs() * 100
    return list(zip(pairs["at_ms"].tolist(), apart.tolist(), strict=True))


def _polled(stored: Sequence[Series]) -> "pd.DataFrame":
    """What polls stored, ascending: the values of a moment, not those of a stretch, which a history told."""
    import pandas as pd

    rows = pd.DataFrame(
        {
            "at_ms": [at_ms for one in stored for at_ms in one.at_ms],
            "polled": [value for one in stored for value in one.value],
            "covers_s": [covers_s for one in stored for covers_s in one.covers_s],
        }
    ).astype({"at_ms": "int64", "polled": float})
    moments = rows[rows["covers_s"] == 0].drop_duplicates("at_ms", keep="last")
    return moments[["at_ms", "polled"]].sort_values("at_ms")


def report_lines(report: AuditReport) -> list[str]:
    """A report for the terminal: a line a metric and venue, then what has no history, then the gaps."""
    lines = [_line(row) for row in report.rows]
    lines += [f"no history to hold it against: {name}" for name in report.without_history]
    return [*lines, *(f"missing: {gap}" for gap in report.gaps)]


def _line(row: AuditRow) -> str:
    about = f"{row.asset} {row.metric} {row.venue}"
    if row.mean is None or row.largest is None or row.largest_at is None or row.bias is None:
        return f"{about}: nothing stored beside the {row.missing} values of its history"
    unit = "%" if row.unit.startswith("%") else f" {row.unit}"
    return (
        f"{about}: {row.compared} compared, {row.missing} missing; apart by {row.mean:.4g}{unit} in the mean "
        f"({row.bias:+.4g}), at most {row.largest:.4g}{unit} ({iso(row.largest_at)}); "
        f"{row.beyond} beyond {row.tolerance:g}{unit}"
    )

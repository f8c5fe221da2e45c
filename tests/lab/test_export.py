"""Points as a table that other programs read back exactly."""

import csv
import io
import sys
from array import array
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet
import pytest

from bot.domain.facts import Series
from bot.errors import InputError
from bot.lab.export import COLUMNS, tables, write, write_csv
from bot.metrics import CATALOG

NOON_MS = int(datetime(2026, 2, 6, 12, tzinfo=UTC).timestamp() * 1000)


def series(
    metric: str = "skew_60d_pct", values: tuple[float, ...] = (20.1, 0.1 + 0.2), venue: str | None = None
) -> Series:
    return Series(
        metric=metric,
        asset="BTC",
        venue=venue,
        at_ms=array("q", [NOON_MS + 3_600_000 * hour for hour in range(len(values))]),
        value=array("d", values),
        covers_s=array("q", [0] * len(values)),
    )


def table_of(*past: Series, metrics: tuple[str, ...] = ()) -> list[list[str]]:
    told = io.StringIO()
    write_csv(tables(past, CATALOG, metrics), told)
    return list(csv.reader(told.getvalue().splitlines()))


def test_every_point_is_a_row_that_reads_back_exactly() -> None:
    head, *body = table_of(series())
    assert tuple(head) == COLUMNS
    assert [float(row[6]) for row in body] == [20.1, 0.1 + 0.2]
    assert body[0][:6] == ["BTC", "skew_60d_pct", "% of ATM IV", "", "2026-02-06T12:00:00Z", "0"]


def test_a_gap_is_a_row_that_is_not_there() -> None:
    assert len(table_of(series(values=(1.0,)))) == 2


def test_venues_and_metrics_are_told_apart_and_chosen() -> None:
    past = (series("dvol", (40.0,)), series(), series(venue="deribit", values=(19.0,)))
    assert [(row[1], row[3]) for row in table_of(*past, metrics=("skew_60d_pct",))[1:]] == [
        ("skew_60d_pct", ""),
        ("skew_60d_pct", ""),
        ("skew_60d_pct", "deribit"),
    ]


def test_a_metric_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"skw_60d_pct.*skew_60d_pct"):
        table_of(series(), metrics=("skw_60d_pct",))


def test_the_ending_says_the_format(tmp_path: Path) -> None:
    assert write(tables((series(),), CATALOG), tmp_path / "points.csv") == 2
    with pytest.raises(InputError, match=r"\.csv or \.parquet"):
        write(tables((series(),), CATALOG), tmp_path / "points.xlsx")


def test_parquet_holds_the_same_rows_with_their_types(tmp_path: Path) -> None:
    to = tmp_path / "points.parquet"
    past = (series(), series(venue="deribit", values=(19.0,)))
    assert write(tables(past, CATALOG), to) == 3
    table = pyarrow.parquet.read_table(to)
    assert tuple(table.schema.names) == COLUMNS
    first, second = (datetime(2026, 2, 6, hour, tzinfo=UTC) for hour in (12, 13))
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("BTC", "skew_60d_pct", "% of ATM IV", "", first, 0, 20.1, False),
        ("BTC", "skew_60d_pct", "% of ATM IV", "", second, 0, 0.1 + 0.2, False),
        ("BTC", "skew_60d_pct", "% of ATM IV", "deribit", first, 0, 19.0, False),
    ]
    assert str(table.schema.field("at").type) == "timestamp[ms, tz=UTC]"
    assert str(table.schema.field("value").type) == "double"


def test_parquet_without_the_extra_is_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    to = tmp_path / "points.parquet"
    with pytest.raises(InputError, match=r"tightrope\[parquet\]"):
        write(tables((series(),), CATALOG), to)
    assert not to.exists()

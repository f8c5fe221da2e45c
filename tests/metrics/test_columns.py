"""Columns: rows in the order of knowledge, hours over them, and growth that never changes what was."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.metrics.columns import HOUR_MS, Column

DAY_S = 86_400


def hours(column: Column, first: int, last: int) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in column.hourly(first, last)]


def test_an_hour_takes_its_last_row_and_a_hole_stays_a_hole() -> None:
    column = Column.of([0, 1_800_000, 2 * HOUR_MS], [1.0, 2.0, 3.0], [0, 0, 0])
    assert hours(column, 0, 3) == [2.0, None, 3.0, None]


def test_an_hourly_bar_stands_for_the_hour_it_covers() -> None:
    assert hours(Column.of([0, HOUR_MS], [1.0, 2.0], [3_600, 3_600]), 0, 2) == [1.0, 2.0, None]


def test_a_daily_row_speaks_for_all_its_hours_where_nothing_else_does() -> None:
    assert hours(Column.of([0], [7.0], [DAY_S]), 0, 24) == [7.0] * 24 + [None]


def test_a_daily_row_does_not_speak_for_a_day_that_was_observed() -> None:
    column = Column.of([0, 5 * HOUR_MS], [7.0, 3.0], [DAY_S, 0])
    assert hours(column, 4, 6) == [None, 3.0, None]


def test_what_was_known_by_a_time_leaves_out_a_bar_that_had_not_ended() -> None:
    column = Column.of([0, HOUR_MS], [1.0, 2.0], [3_600, 3_600])
    assert column.until(2 * HOUR_MS - 1).value.tolist() == [1.0]
    assert column.until(2 * HOUR_MS).value.tolist() == [1.0, 2.0]


def test_the_same_stretch_told_again_replaces_the_first_telling() -> None:
    column = Column.of([0, HOUR_MS], [1.0, 2.0], [3_600, 3_600]).extended(Column.of([0], [9.0], [3_600]))
    assert column.value.tolist() == [9.0, 2.0]


def test_a_late_row_finds_its_place() -> None:
    column = Column.of([0, 2 * HOUR_MS], [1.0, 3.0], [0, 0]).extended(Column.of([HOUR_MS], [2.0], [0]))
    assert column.value.tolist() == [1.0, 2.0, 3.0]


def test_growth_leaves_the_shorter_column_as_it_was() -> None:
    first = Column.of([0], [1.0], [0])
    left = first.extended(Column.of([1], [2.0], [0]))
    right = first.extended(Column.of([1], [5.0], [0]))
    longer = left.extended(Column.of([2], [3.0], [0]))
    assert first.value.tolist() == [1.0]
    assert left.value.tolist() == [1.0, 2.0]
    assert right.value.tolist() == [1.0, 5.0]
    assert longer.value.tolist() == [1.0, 2.0, 3.0]


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 10**9), st.sampled_from([0, 3_600, DAY_S]), st.floats(-1e6, 1e6)), max_size=60
    ),
    cut=st.integers(0, 60),
)
def test_rows_one_after_another_make_the_same_column_as_all_at_once(
    rows: list[tuple[int, int, float]], cut: int
) -> None:
    unique = {(at, covers): value for at, covers, value in rows}
    at, covers, values = [key[0] for key in unique], [key[1] for key in unique], list(unique.values())
    whole = Column.of(at, values, covers)
    parts = Column.of(at[:cut], values[:cut], covers[:cut])
    for place in range(cut, len(at)):
        parts = parts.extended(Column.of([at[place]], [values[place]], [covers[place]]))
    assert parts.value.tolist() == whole.value.tolist()
    assert parts.known_ms.tolist() == whole.known_ms.tolist()
    assert parts.ends.tolist() == whole.ends.tolist()

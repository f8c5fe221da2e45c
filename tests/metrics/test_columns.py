"""Columns: rows in the order of knowledge, hours over them, and growth that never changes what was."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.metrics.columns import HOUR_MS, HistoryColumn

DAY_S = 86_400


def hours(column: HistoryColumn, first: int, last: int) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in column.hourly(first, last)]


def test_an_hour_takes_its_last_row_and_a_hole_stays_a_hole() -> None:
    column = HistoryColumn.of([0, 1_800_000, 2 * HOUR_MS], [1.0, 2.0, 3.0], [0, 0, 0])
    assert hours(column, 0, 3) == [2.0, None, 3.0, None]


def test_an_hour_without_a_row_takes_its_estimate_and_says_so() -> None:
    column = HistoryColumn.of([0, 2 * HOUR_MS], [1.0, 3.0], [0, 0])
    guesses = HistoryColumn.of([HOUR_MS, 2 * HOUR_MS], [7.0, 8.0], [3_600, 3_600])
    cells, guessed = column.hourly_with(guesses, 0, 3)
    assert cells[:3].tolist() == [1.0, 7.0, 3.0]
    assert np.isnan(cells[3])
    assert guessed.tolist() == [False, True, False, False]
    alone, none = column.hourly_with(HistoryColumn.of([], [], []), 0, 2)
    assert (alone[0], alone[2], none.tolist()) == (1.0, 3.0, [False] * 3)


def test_an_hourly_bar_stands_for_the_hour_it_covers() -> None:
    assert hours(HistoryColumn.of([0, HOUR_MS], [1.0, 2.0], [3_600, 3_600]), 0, 2) == [1.0, 2.0, None]


def test_a_daily_row_speaks_for_all_its_hours_where_nothing_else_does() -> None:
    assert hours(HistoryColumn.of([0], [7.0], [DAY_S]), 0, 24) == [7.0] * 24 + [None]


def test_a_daily_row_does_not_speak_for_a_day_that_was_observed() -> None:
    column = HistoryColumn.of([0, 5 * HOUR_MS], [7.0, 3.0], [DAY_S, 0])
    assert hours(column, 4, 6) == [None, 3.0, None]


def test_what_was_known_by_a_time_leaves_out_a_bar_that_had_not_ended() -> None:
    column = HistoryColumn.of([0, HOUR_MS], [1.0, 2.0], [3_600, 3_600])
    assert column.until(2 * HOUR_MS - 1).value.tolist() == [1.0]
    assert column.until(2 * HOUR_MS).value.tolist() == [1.0, 2.0]


def test_the_same_stretch_told_again_replaces_the_first_telling() -> None:
    column = HistoryColumn.of([0, HOUR_MS], [1.0, 2.0], [3_600, 3_600]).extend(
        HistoryColumn.of([0], [9.0], [3_600])
    )
    assert column.value.tolist() == [9.0, 2.0]


def test_a_late_row_finds_its_place() -> None:
    column = HistoryColumn.of([0, 2 * HOUR_MS], [1.0, 3.0], [0, 0]).extend(
        HistoryColumn.of([HOUR_MS], [2.0], [0])
    )
    assert column.value.tolist() == [1.0, 2.0, 3.0]


def test_a_venue_has_a_row_only_of_the_very_start_and_end() -> None:
    column = HistoryColumn.of([0, HOUR_MS, 2 * HOUR_MS], [1.0, 2.0, np.nan], [3_600, 0, 0])
    assert [column.span(row) for row in range(3)] == [
        (0.0, HOUR_MS),
        (HOUR_MS, HOUR_MS),
        (2 * HOUR_MS, 2 * HOUR_MS),
    ]
    # Of rows that end at the same time the last one stands: the instant, not the hour's bar.
    assert not column.has((0.0, HOUR_MS))
    assert column.has((HOUR_MS, HOUR_MS))
    assert not column.has((HOUR_MS, HOUR_MS + 1.0))
    assert not column.has(column.span(2))
    assert not column.has(None)
    assert not HistoryColumn.of([], [], []).has((0.0, 0.0))


def test_a_row_is_read_with_whether_it_may_be_higher() -> None:
    column = HistoryColumn.of([0, HOUR_MS], [1.0, 2.0], [0, 0], [0.0, 1.0])
    assert [column.value_at(row) for row in (0, 1)] == [(1.0, False), (2.0, True)]


def test_growth_leaves_the_shorter_column_as_it_was() -> None:
    first = HistoryColumn.of([0], [1.0], [0])
    left = first.extend(HistoryColumn.of([1], [2.0], [0]))
    right = first.extend(HistoryColumn.of([1], [5.0], [0]))
    longer = left.extend(HistoryColumn.of([2], [3.0], [0]))
    assert first.value.tolist() == [1.0]
    assert left.value.tolist() == [1.0, 2.0]
    assert right.value.tolist() == [1.0, 5.0]
    assert longer.value.tolist() == [1.0, 2.0, 3.0]


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 10**9), st.sampled_from([0, 3_600, DAY_S]), st.floats(-1e6, 1e6)),
        max_size=60,
    ),
    cut=st.integers(0, 60),
)
def test_rows_one_after_another_make_the_same_column_as_all_at_once(
    rows: list[tuple[int, int, float]], cut: int
) -> None:
    unique = {(at, covers): value for at, covers, value in rows}
    at, covers, values = [key[0] for key in unique], [key[1] for key in unique], list(unique.values())
    whole = HistoryColumn.of(at, values, covers)
    parts = HistoryColumn.of(at[:cut], values[:cut], covers[:cut])
    for place in range(cut, len(at)):
        parts = parts.extend(HistoryColumn.of([at[place]], [values[place]], [covers[place]]))
    assert parts.value.tolist() == whole.value.tolist()
    assert parts.known_ms.tolist() == whole.known_ms.tolist()
    assert parts.ends.tolist() == whole.ends.tolist()


@given(
    pieces=st.lists(
        st.lists(
            st.tuples(st.integers(0, 40), st.sampled_from([0, 3_600, DAY_S]), st.floats(-9.0, 9.0)),
            max_size=12,
        ),
        max_size=8,
    )
)
def test_pieces_in_any_order_make_the_column_of_all_their_rows(
    pieces: list[list[tuple[int, int, float]]],
) -> None:
    grown = HistoryColumn.of((), (), ())
    for piece in pieces:
        hours, covers, values = (
            [row[0] for row in piece],
            [row[1] for row in piece],
            [row[2] for row in piece],
        )
        grown = grown.extend(HistoryColumn.of([hour * HOUR_MS for hour in hours], values, covers))
    told = [row for piece in pieces for row in piece]
    whole = HistoryColumn.of(
        [row[0] * HOUR_MS for row in told], [row[2] for row in told], [row[1] for row in told]
    )
    for name in ("at_ms", "known_ms", "covers_ms", "value", "ends"):
        assert getattr(grown, name).tolist() == getattr(whole, name).tolist(), name

"""Roll-ups: they choose and never invent; blocks come back as they were packed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.archive.blocks import (
    BASIS_BITS,
    DAY_MS,
    HOUR_MS,
    Columns,
    HourRow,
    add_rows,
    choose,
    pack,
    pack_days,
    sign,
    unpack,
)
from bot.errors import ArchiveError

numbers = st.floats(allow_nan=False, allow_infinity=False)
rows = st.builds(
    HourRow, st.integers(0, DAY_MS - 1), numbers, st.integers(1, 2**16 - 1), st.sampled_from([0, 300, 3600])
)
heard = st.lists(rows, unique_by=lambda row: row.at_ms, max_size=40)


@given(heard, st.sampled_from([-1, 0, 1]))
def test_a_roll_up_invents_nothing_and_leaves_no_hour_out(heard: list[HourRow], way: int) -> None:
    chosen = choose((), heard, HOUR_MS, way)

    assert set(chosen) <= set(heard)
    assert [row.at_ms // HOUR_MS for row in chosen] == sorted({row.at_ms // HOUR_MS for row in heard})
    for row in chosen:
        beside = [other for other in heard if other.at_ms // HOUR_MS == row.at_ms // HOUR_MS]
        if way == 0:
            assert row.at_ms == max(other.at_ms for other in beside)
        else:
            assert way * row.value == max(way * other.value for other in beside)


@given(heard, heard, st.sampled_from([-1, 0, 1]))
def test_rolling_up_twice_is_rolling_up_once(first: list[HourRow], second: list[HourRow], way: int) -> None:
    new = [row for row in second if row.at_ms not in {known.at_ms for known in first}]
    step_by_step = choose(choose((), first, HOUR_MS, way), new, HOUR_MS, way)
    at_once = choose((), first + new, HOUR_MS, way)
    assert [(row.value, row.at_ms // HOUR_MS) for row in step_by_step] == [
        (row.value, row.at_ms // HOUR_MS) for row in at_once
    ]


@given(heard)
def test_a_block_comes_back_as_it_was_packed(heard: list[HourRow]) -> None:
    assert list(unpack(pack(heard))) == heard


@given(st.lists(rows, min_size=1, max_size=40), st.booleans())
def test_rows_that_were_packed_into_one_number_are_the_rows(heard: list[HourRow], alike: bool) -> None:
    if alike:
        heard = [row._replace(basis_id=heard[0].basis_id, covers_s=heard[0].covers_s) for row in heard]
    packed = [(row.at_ms, row.value, row.covers_s << BASIS_BITS | row.basis_id) for row in heard]
    found = Columns.of_packed(packed)
    assert list(found) == heard
    assert found.block() == Columns.of(heard).block()


def test_a_block_is_spelled_the_same_on_every_machine() -> None:
    assert pack([HourRow(1, 1.5, 2, 3)]) == bytes.fromhex("0100000000000000 000000000000f83f 0200 03000000")


@given(heard, st.integers(0, DAY_MS), st.integers(0, DAY_MS))
def test_a_cut_holds_its_ends(heard: list[HourRow], one: int, other: int) -> None:
    first, last = sorted((one, other))
    in_time = sorted(heard)
    assert list(Columns.of(in_time).between(first, last)) == [
        row for row in in_time if first <= row.at_ms <= last
    ]


def test_a_block_that_is_cut_short_is_refused() -> None:
    with pytest.raises(ArchiveError, match="cut short"):
        unpack(pack([HourRow(0, 1.5, 1, 0)])[:-1])


def test_only_highs_and_lows_are_chosen_by_value() -> None:
    assert (sign("spot_high_usd"), sign("spot_low_usd"), sign("spot_usd")) == (1, -1, 0)


@given(heard, st.sampled_from([-1, 0, 1]))
def test_a_day_settled_row_by_row_is_the_day_chosen_row_by_row(heard: list[HourRow], way: int) -> None:
    block = b""
    known: list[HourRow] = []
    for row in heard:
        block = add_rows(block, [row], way)
        known = choose(known, [row], HOUR_MS, way)
    assert block == pack(known)


def test_a_block_that_is_cut_short_is_refused_when_a_row_is_added() -> None:
    with pytest.raises(ArchiveError, match="cut short"):
        add_rows(pack([HourRow(1, 1.5, 2, 3)])[:-1], [HourRow(2, 1.5, 2, 3)], 0)


@given(
    st.lists(rows, max_size=30), st.lists(rows, max_size=30), st.sampled_from([-1, 0, 1]), st.integers(2, 5)
)
def test_a_series_packed_at_once_is_its_days_packed_row_by_row(
    first: list[HourRow], second: list[HourRow], way: int, apart: int
) -> None:
    later = [row._replace(at_ms=row.at_ms + apart * DAY_MS) for row in second]
    series = sorted({row.at_ms: row for row in (*first, *later)}.values())
    by_day: dict[int, bytes] = {}
    for row in series:
        day = row.at_ms // DAY_MS
        by_day[day] = add_rows(by_day.get(day, b""), [row], way)
    assert list(pack_days(Columns.of(series), way)) == list(by_day.items())

"""Times and hours as people type them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commands.typed import read_hours, read_times
from bot.errors import InputError


@pytest.mark.parametrize(
    ("typed", "times"),
    [
        ("9:00, 21:00", ("09:00", "21:00")),
        ("21 9;9", ("09:00", "21:00")),
        ("9am and 9 p.m.", ("09:00", "21:00")),
        ("9.30 / 21h", ("09:30", "21:00")),
        ("9h30", ("09:30",)),
        ("0900", ("09:00",)),
        ("noon, midnight", ("00:00", "12:00")),
        ("a las 9 y a las 21", ("09:00", "21:00")),
        ("12am", ("00:00",)),
        ("12 pm", ("12:00",)),
        ("24:00", ("00:00",)),
        ("9 o'clock", ("09:00",)),
        ("9hs y 21hs", ("09:00", "21:00")),
        ("9 de la mañana y 9 de la noche", ("09:00", "21:00")),
        ("12 de la noche", ("00:00",)),
        ("1 at night, 3 in the afternoon", ("01:00", "15:00")),
        ("every day at 9", ("09:00",)),
        ("cada día a las 9", ("09:00",)),
        ("9：00", ("09:00",)),
        ("disabled", ()),
        ("ninguno", ()),
        ("off", ()),
        ("None", ()),
        ("nunca", ()),
    ],
)
def test_times_are_read_as_they_are_typed(typed: str, times: tuple[str, ...]) -> None:
    assert read_times(typed) == times


@pytest.mark.parametrize(
    "typed",
    [
        "25:00",
        "9:5",
        "nine",
        "",
        "9-10",
        "9 to 10",
        "9 → 10",
        "9..10",
        "9 AM EST",
        "1 2 3 4 5 6 7",
        "13pm",
        "9:00 UTC",
        "9:60",
    ],
)
def test_what_are_no_times_is_refused(typed: str) -> None:
    with pytest.raises(InputError):
        read_times(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "22-7",
        "22 – 7",
        "22:00-07:00",
        "2200-0700",
        "10pm to 7am",
        "10 p.m. — 7 a.m.",
        "from 22 to 7",
        "22h-7h",
        "22 until 7",
        "de 22 a 7",
        "desde las 22 hasta las 7",
        "between 22 and 7",
        "22 → 7",
        "22->7",
        "22 ~ 7",
        "22 thru 7",
        "22hs-7hs",
        "(22-7)",
        "２２-７",
        "22 to 7 every night",
        "10 at night to 7 in the morning",
        "de 10 de la noche a 7 de la mañana",
        "entre las 22 y las 7 horas",
    ],
)
def test_quiet_hours_are_read_in_any_spelling(typed: str) -> None:
    assert read_hours(typed) == (22, 7)


@pytest.mark.parametrize("typed", ["22", "7-7", "22-7-8", "22:30-7", "late", "", "25-7"])
def test_what_are_no_two_full_hours_is_refused(typed: str) -> None:
    with pytest.raises(InputError):
        read_hours(typed)


def test_quiet_hours_are_turned_off_by_a_word() -> None:
    assert read_hours("OFF") is None


@given(st.text(max_size=30))
def test_whatever_is_typed_is_taken_or_refused(typed: str) -> None:
    with contextlib.suppress(InputError):
        assert all(len(time) == 5 and time[2] == ":" for time in read_times(typed))
    with contextlib.suppress(InputError):
        found = read_hours(typed)
        assert found is None or (0 <= found[0] < 24 and 0 <= found[1] < 24)

"""Numbers as people expect them, and rounding that never tells a lie."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.commentary.formats import DATES, FORMATS, apply, read
from bot.commentary.terms import settle, truthful
from tests.commentary.make import bank


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("pct", 2, "2%"),
        ("pct", 18.869, "18.9%"),
        ("pct", -3.25, "−3.2%"),
        ("pct", -0.02, "0%"),
        ("signed", 18.869, "+18.9%"),
        ("signed", -19.19, "−19.2%"),
        ("signed", 0.01, "0%"),
        ("size", -19.19, "19.2%"),
        ("plusminus", 6, "±6%"),
        ("price", 71_500, "$71,500"),
        ("price", 3.456, "$3.46"),
        ("level", 70_211, "$70,200"),
        ("level", 2_413.4, "$2,410"),
        ("level", 98.52, "$98.50"),
        ("opposite", -12.8, "12.8"),
        ("opposite", 2.6, "−2.6"),
        ("rank_above", 13.1, "86"),
        ("record_span", 64.9, "64 days"),
        ("record_span", 365, "a year"),
        ("brief", 71_500, "$71.5K"),
        ("brief", 104_000, "$104K"),
        ("brief", 2_150, "$2,150"),
        ("usd", 35.8e9, "$35.8 billion"),
        ("usd", 4.65e9, "$4.65 billion"),
        ("usd", 1.8e9, "$1.8 billion"),
        ("usd", 999.9e6, "$1 billion"),
        ("usd", -2.1e6, "−$2.1 million"),
        ("coins", 527_850, "527,850"),
        ("points", 1, "1 point"),
        ("points", 3.3919, "3.4 points"),
        ("ratio", 0.5, "0.50"),
        ("span", 24, "24 hours"),
        ("span", 72, "3 days"),
        ("share", 99.7, "99%"),
        ("share_above", 2.4, "97%"),
        ("place", 97.8, "higher than 97% of"),
        ("place", 0.4, "lower than 99% of"),
        ("place", 100 * 0.5 / 1152, "the lowest of"),
        ("place", 100 * 1.5 / 2160, "lower than 99% of"),
        ("place", 100 - 100 * 0.5 / 1152, "the highest of"),
        ("place", 100 - 100 * 1.5 / 2160, "higher than 99% of"),
        ("amount_place", 97.8, "more than in 97% of"),
        ("amount_place", 0.0, "the least in"),
        ("amount_place", 100.0, "the most in"),
        ("date", "2026-02-06T00:00:00+00:00", "6 February 2026"),
        ("moment", "2026-02-06T14:00:00+00:00", "6 February 2026, 14:00 UTC"),
        ("moved:size", -19.19, "down 19.2%"),
        ("moved:size", 0.04, "flat"),
        (
            "dearer:size",
            20,
            "puts carry more implied volatility than matching calls, by 20% of the at-the-money level",
        ),
        (
            "dearer:size",
            -7.5,
            "calls carry more implied volatility than matching puts, by 7.5% of the at-the-money level",
        ),
    ],
)
def test_a_number_reads_as_people_write_it(name: str, value: float | str, shown: str) -> None:
    assert apply(name, value, None, bank().words) == shown


def test_values_that_are_equal_and_not_the_same_are_each_written_as_they_are() -> None:
    words = bank().words
    assert [apply("text", 5.0, None, words), apply("text", 5, None, words)] == ["5.0", "5"]
    assert [apply("pct", 0.0, None, words), apply("pct", -0.0, None, words)] == ["0%", "0%"]
    assert [apply("pct", 2.26, digits, words) for digits in (None, 2, None)] == ["2.3%", "2.26%", "2.3%"]


def test_each_language_writes_in_its_own_words_whichever_was_asked_first() -> None:
    english = bank().words
    spanish = {**english, "decimal": ",", "thousands": "."}
    for _ in range(2):
        assert [apply("pct", 18.87, None, words) for words in (english, spanish)] == ["18.9%", "18,9%"]
        assert [read("18.900", words) for words in (english, spanish)] == [18.9, 18_900.0]


@pytest.mark.parametrize(
    ("shown", "number"),
    [
        ("$35.8 billion", 35.8e9),
        ("$71.5K", 71_500),
        ("−3.2%", -3.2),
        ("527,850", 527_850),
        ("down 19.2%", 19.2),
        ("flat", None),
    ],
)
def test_a_shown_number_is_read_back_as_a_reader_reads_it(shown: str, number: float | None) -> None:
    assert read(shown, bank().words) == number


@given(st.floats(0.01, 30), st.sampled_from(["pct", "points", "signed"]), st.floats(-0.4, 0.4))
def test_rounding_stays_on_the_side_of_the_threshold(limit: float, name: str, distance: float) -> None:
    value = round(limit + distance, 6)
    checks = ((lambda number: number < limit), (lambda number: number > limit))
    digits = settle(name, value, bank().words, checks)
    assert truthful(name, value, digits, bank().words, checks) or abs(value - limit) < 1e-6


def test_a_value_just_under_five_is_not_shown_as_five() -> None:
    assert settle("pct", 4.97, bank().words, (lambda number: number < 5,)) == 2


def test_every_format_can_be_applied_afresh() -> None:
    for name in FORMATS:
        value = "2026-02-06T14:00:00+00:00" if name in DATES else 12.5
        assert apply(name, value, None, bank().words) == apply(name, value, None, bank().words)

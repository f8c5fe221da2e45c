"""Strict reading of wire formats."""

import re
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.instruments import Instrument
from bot.domain.readings import FutureQuote, Gap, SpotQuote
from bot.errors import SourceChanged, SourceUnavailable
from bot.reasons import without_subject
from bot.sources._wire import (
    amount,
    decode,
    funding,
    gather,
    known_at,
    number,
    numbers,
    observed_at,
    positive,
    quote,
    to_ms,
    unique,
    utc,
)
from tests.said import english, refused

NOW = datetime(2026, 1, 23, 12, 30, tzinfo=UTC)
SPOT = SpotQuote(source="v", observed_at=NOW, venue="v", asset="BTC", index_usd=1.0)


@pytest.mark.parametrize("text", ["", None])
def test_empty_and_absent_are_nothing_and_not_zero(text: str | None):
    assert number(text, "v") is None


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("-0.0001", -0.0001), ("1e-10", 1e-10), (".5", 0.5), (3, 3)]
)
def test_a_number_in_text_is_that_number(text: str | float, value: float):
    assert number(text, "v") == value


@pytest.mark.parametrize(
    "text", ["NaN", "inf", "1_000", " 1", "1,000", "0x10", "1e999", "١", float("nan"), float("inf")]
)
def test_what_is_no_finite_decimal_number_is_a_change(text: str | float):
    with refused(SourceChanged, match=r"v BTC: .* is not a"):
        number(text, "v BTC")


ODD = [
    "NaN",
    "inf",
    "1_000",
    " 1",
    "1 ",
    "\x1c1",
    "1,000",
    "1e999",
    "1e15",
    "١",
    "",
    None,
    3,
    2.5,
    float("nan"),
]
figures = st.one_of(
    st.floats(-1e14, 1e14).map(str),
    st.sampled_from(ODD),
    st.text(alphabet="0123456789.-+eE_ \x00\x1c\x1f\u00a0\u0663\u0967\uff11", max_size=6),
)


@given(st.lists(figures, max_size=8))
def test_a_column_is_read_as_its_figures_are_one_by_one(texts: list[str | float | None]):
    try:
        one_by_one = [number(text, "v BTC") for text in texts]
    except SourceChanged as error:
        with refused(SourceChanged, match=re.escape(english(error))):
            numbers(texts, "v BTC")
    else:
        assert numbers(texts, "v BTC") == one_by_one


def test_a_price_of_zero_is_none_and_an_open_interest_of_zero_is_zero():
    assert positive("0", "v") is None
    assert amount("0", "v") == 0
    assert amount("-1", "v") is None


@given(st.integers(1, 4_102_444_800_000))
def test_milliseconds_survive_the_way_there_and_back(ms: int):
    assert to_ms(utc(ms)) == ms


def test_a_time_of_zero_tells_nothing_and_a_time_beyond_the_year_3000_is_a_change():
    assert known_at(0, "v") is None
    assert known_at(None, "v") is None
    for ms in (-5, 10**15):
        with refused(SourceChanged, match="not a time"):
            known_at(ms, "v")


def test_a_reading_without_a_time_gets_the_servers_and_one_from_the_future_is_refused():
    assert observed_at(None, NOW, "v") == NOW
    assert observed_at(to_ms(NOW - timedelta(hours=5)), NOW, "v") == NOW - timedelta(hours=5)
    assert observed_at(to_ms(NOW + timedelta(seconds=2)), NOW, "v") == NOW
    with refused(SourceUnavailable, match="lies in the future"):
        observed_at(to_ms(NOW + timedelta(seconds=31)), NOW, "v")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"a":', b"\xff", b"[" * 100_000, b'{"a": 1e999}', b'{"a": "1"}']
)
def test_a_body_of_another_shape_is_a_change(body: bytes):
    with refused(SourceChanged, match="v BTC: "):
        decode(msgspec.json.Decoder(dict[str, float]), body, "v BTC")


def test_one_failed_request_of_several_is_a_gap_that_says_of_what():
    heard = gather("v BTC", {"index": [SPOT], "options": SourceUnavailable("v BTC options: HTTP 500")})
    assert heard.readings == (SPOT,)
    assert heard.gaps == (Gap(who="v BTC options", reason="v BTC options: HTTP 500"),)


def test_where_nothing_was_heard_the_first_failure_is_raised():
    with refused(SourceChanged, match="first"):
        gather("v BTC", {"a": SourceChanged("first"), "b": SourceUnavailable("second")})


def test_an_error_that_is_no_sources_is_not_swallowed():
    with pytest.raises(ZeroDivisionError):
        gather("v BTC", {"a": [SPOT], "b": ZeroDivisionError()})


def test_a_name_that_comes_twice_is_a_change():
    unique(["a", "b"], "v")
    with refused(SourceChanged, match="a comes twice"):
        unique(["a", "b", "a"], "v")


def contract(symbol: str, index_usd: float | None = 100.0) -> FutureQuote | Gap:
    return quote(
        source="v",
        observed_at=NOW,
        instrument=Instrument(venue="v", symbol=symbol, asset="BTC", kind="perpetual"),
        mark_usd=101.0,
        index_usd=index_usd,
        open_interest=5.0,
    )


@pytest.mark.parametrize("lost", [[contract("B", None)], SourceUnavailable("v BTC inverse: HTTP 500")])
def test_where_one_contract_was_not_heard_no_open_interest_is_told_as_its_sum_would_look_like_a_move(lost):
    heard = gather("v BTC", {"linear": [contract("A")], "inverse": lost}, ["linear", "inverse"])
    [told] = heard.readings
    assert isinstance(told, FutureQuote)
    assert (told.mark_usd, told.open_interest_coin) == (101.0, None)
    assert english(heard.gaps[-1].reason) == "v BTC open interest: not every contract was heard"


def test_missing_funding_takes_no_open_interest_with_it():
    perpetual = Instrument(venue="v", symbol="A", asset="BTC", kind="perpetual")
    lost = funding(source="v", observed_at=NOW, instrument=perpetual, rate=None, interval_hours=8)
    heard = gather("v BTC", {"linear": [contract("A"), lost]}, ["linear"])
    assert [one.open_interest_coin for one in heard.readings if isinstance(one, FutureQuote)] == [5.0]


@pytest.mark.parametrize(("rate", "hours"), [(None, 8), (0.001, None), (0.001, 0), (0.001, 720), (3.0, 8)])
def test_funding_needs_a_rate_and_an_interval_that_can_be(rate: float | None, hours: float | None):
    perpetual = Instrument(venue="v", symbol="A", asset="BTC", kind="perpetual")
    assert isinstance(
        funding(source="v", observed_at=NOW, instrument=perpetual, rate=rate, interval_hours=hours), Gap
    )


class Told(msgspec.Struct):
    px: float
    sym: str = ""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'[{"px": 1.5}, {"px": "sk-secret"}]', "shape_at(place='[1].px')"),
        (b'[{"sym": "a"}]', "shape_at(place='[0]')"),
        (b'{"px": 1}', "shape()"),
        (b"<html>sk-secret</html>", "shape()"),
        (b'[{"px": 1, "sym": "\xff"}]', "shape()"),
        (b"[" * 100_000, "shape_at(place='[0]')"),
    ],
)
def test_what_cannot_be_decoded_is_told_by_its_place_and_not_in_a_librarys_words(
    body: bytes, told: str
) -> None:
    with pytest.raises(SourceChanged) as caught:
        decode(msgspec.json.Decoder(list[Told]), body, "okx BTC")
    assert without_subject(str(caught.value)) == told

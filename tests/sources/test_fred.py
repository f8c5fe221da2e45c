"""FRED's closes of the Nasdaq 100, on small files in the documented shape."""

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.readings import Gap, SeriesReading
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.sources import fred
from bot.sources._http import Reply
from bot.sources._wire import to_ms
from bot.sources.fred import Fred
from tests.said import refused
from tests.sources.conftest import START, Ask

GOOD = b"observation_date,NASDAQ100\n2026-01-19,\n2026-01-20,25123.45\n2026-01-21,.\n2026-01-22,25200.5\n"


def reply(body: bytes) -> Reply:
    return Reply(subject="fred NASDAQ100", body=body, heard_at=START)


def test_a_close_is_told_at_21_utc_of_its_day_and_a_holiday_is_left_out():
    series = fred.parse_closes(reply(GOOD), "BTC")
    assert isinstance(series, SeriesReading)
    assert (series.metric, series.interval_s) == ("nasdaq_points", 86_400)
    assert list(series.value) == [25_123.45, 25_200.5]
    assert series.at_ms[1] == to_ms(datetime(2026, 1, 22, 21, tzinfo=UTC))


async def test_one_request_serves_both_assets(ask: Ask):
    seen: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, content=GOOD)

    source = Fred(ask(answer))
    for asset in ("BTC", "ETH"):
        [series] = (await source.poll(asset, START)).readings
        assert isinstance(series, SeriesReading)
        assert series.asset == asset
    assert len(seen) == 1
    assert dict(seen[0].params) == {"id": "NASDAQ100", "cosd": "2025-12-09", "coed": "2026-01-23"}


def test_a_file_without_a_close_is_a_gap():
    assert isinstance(fred.parse_closes(reply(GOOD[:39]), "BTC"), Gap)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<!DOCTYPE html>",
        b"DATE,NASDAQ100\n2026-01-20,25123.45\n",
        b"observation_date,NASDAQ100\n2026-01-20\n",
        b"observation_date,NASDAQ100\n20.01.2026,25123.45\n",
        b"observation_date,NASDAQ100\n2026-01-20,n/a\n",
        b"observation_date,NASDAQ100\n2026-01-20,1\n2026-01-20,1\n",
        b"observation_date,NASDAQ100\n2026-01-20,\xff\n",
    ],
)
def test_a_file_of_another_shape_is_a_change(body: bytes):
    with refused(SourceChanged, match="fred NASDAQ100"):
        fred.parse_closes(reply(body), "BTC")


def test_a_close_from_the_future_is_refused():
    with refused(SourceUnavailable, match="future"):
        fred.parse_closes(reply(GOOD + b"2026-01-26,25300\n"), "BTC")


@given(st.binary(max_size=60), st.integers(0, len(GOOD)))
def test_whatever_is_put_into_the_file_ends_in_a_close_that_is_in_it_or_in_a_refusal(junk: bytes, where: int):
    body = GOOD[:where] + junk + GOOD[where:]
    try:
        series = fred.parse_closes(reply(body), "BTC")
    except SourceError:
        return
    cells = {float(line.split(",")[1] or "nan") for line in body.decode().splitlines()[1:] if line[-1] != "."}
    assert isinstance(series, Gap) or set(series.value) <= cells


DATES = b"""{"realtime_start": "2026-06-01", "realtime_end": "2026-12-31", "order_by": "release_date", "sort_order": "asc",
 "count": 4, "offset": 0, "limit": 1000, "release_dates": [
 {"release_id": 9, "release_name": "Advance Monthly Sales for Retail and Food Services", "date": "2026-07-15"},
 {"release_id": 10, "release_name": "Consumer Price Index", "date": "2026-07-14"},
 {"release_id": 10, "release_name": "Consumer Price Index", "date": "2026-12-10"},
 {"release_id": 10, "release_name": "Consumer Price Index", "date": "2026-12-10"}]}"""


def test_release_dates_are_those_of_consumer_prices_at_half_past_eight_in_washington():
    told = fred.parse_dates(reply(DATES))
    assert [one.at for one in told] == [
        datetime(2026, 7, 14, 12, 30, tzinfo=UTC),  # summer time
        datetime(2026, 12, 10, 13, 30, tzinfo=UTC),
    ]
    assert {(one.kind, one.read) for one in told} == {("cpi", START.date())}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"release_dates": [{"release_id": 10, "date": "soon"}]}', b"{}"]
)
def test_dates_in_another_shape_are_refused(body: bytes):
    with pytest.raises(SourceChanged):
        fred.parse_dates(reply(body))


async def test_dates_are_asked_for_with_a_key_alone(ask: Ask):
    seen: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url)
        return httpx.Response(200, content=DATES)

    until = datetime(2026, 8, 1, tzinfo=UTC)
    since = datetime(2026, 7, 1, tzinfo=UTC)
    assert await Fred(ask(answer)).hear_dates(since, until) == ()
    assert seen == []
    [one] = await Fred(ask(answer), key="0123456789abcdef").hear_dates(since, until)
    assert one.at == datetime(2026, 7, 14, 12, 30, tzinfo=UTC)
    asked = dict(seen[0].params)
    assert (seen[0].host, seen[0].path) == ("api.stlouisfed.org", "/fred/releases/dates")
    assert asked["include_release_dates_with_no_data"] == "true"
    assert (asked["realtime_start"], asked["realtime_end"]) == ("2026-07-01", "2026-08-01")

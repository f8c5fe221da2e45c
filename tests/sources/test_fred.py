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

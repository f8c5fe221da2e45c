"""Kraken Futures, on a small reply of our own and on a recorded one."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from bot.domain.readings import FundingRate, FutureQuote, Gap, Reading, SpotQuote
from bot.errors import SourceUnavailable
from bot.sources import kraken
from bot.sources._http import Http, Patience, Reply
from bot.sources.kraken import Kraken
from tests.said import refused
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told


def ticker(symbol: str, **more: object) -> dict[str, Any]:
    row = {
        "symbol": symbol,
        "tag": "perpetual",
        "markPrice": 78_115.0,
        "indexPrice": 78_000.0,
        "openInterest": 2_000.5,
    }
    return {**row, "fundingRate": 0.78, "suspended": False, **more}


def answer(*tickers: dict[str, Any], **more: object) -> bytes:
    return json.dumps({"result": "success", "tickers": list(tickers), **more}).encode()


INVERSE = ticker("PI_XBTUSD", openInterest=2_172_854.0, fundingRate=1.87e-10)
GOOD = answer(INVERSE, ticker("PF_XBTUSD"), ticker("PF_ETHUSD"), ticker("FI_XBTUSD_260327"))


def reply(body: bytes) -> Reply:
    return Reply(subject="kraken tickers", body=body, heard_at=START)


def quotes(heard: list[Reading | Gap]) -> dict[str, FutureQuote]:
    return {one.instrument.symbol: one for one in heard if isinstance(one, FutureQuote)}


async def test_inverse_open_interest_is_in_dollars_and_linear_in_coins(ask: Ask):
    heard = await Kraken(ask(lambda _: httpx.Response(200, content=GOOD))).poll("BTC", START)
    told_quotes = quotes(list(heard.readings))
    assert set(told_quotes) == {"PI_XBTUSD", "PF_XBTUSD"}
    assert told_quotes["PI_XBTUSD"].open_interest_usd == 2_172_854.0
    assert told_quotes["PI_XBTUSD"].open_interest_coin is None
    assert told_quotes["PF_XBTUSD"].open_interest_coin == 2_000.5
    assert told_quotes["PI_XBTUSD"].instrument.inverse


def test_funding_is_absolute_dollars_an_hour_and_becomes_a_share_of_the_index():
    [funding] = [one for one in kraken.parse_tickers(reply(GOOD), "BTC") if isinstance(one, FundingRate)]
    assert funding.instrument.symbol == "PF_XBTUSD"
    assert funding.rate_pct == pytest.approx(0.001)
    assert funding.interval_hours == 1


def test_a_suspended_perpetual_is_a_gap():
    heard = kraken.parse_tickers(reply(answer(ticker("PF_XBTUSD", suspended=True), INVERSE)), "BTC")
    assert heard[0] == Gap(who="kraken PF_XBTUSD", reason="about(of='kraken PF_XBTUSD', why=suspended())")


def test_a_refusal_in_a_good_answer_is_unavailable():
    body = json.dumps({"result": "error", "error": "apiLimitExceeded"}).encode()
    with refused(SourceUnavailable, match="kraken tickers: apiLimitExceeded"):
        kraken.parse_tickers(reply(body), "BTC")


def test_the_servers_time_is_the_readings():
    heard = kraken.parse_tickers(reply(answer(INVERSE, serverTime="2026-01-23T12:29:58.5Z")), "BTC")
    assert isinstance(heard[0], FutureQuote)
    assert (START - heard[0].observed_at).total_seconds() == 1.5


def test_the_recorded_tickers(shared: Path):
    body = (shared / "recordings" / "kraken" / "futures_tickers.json").read_bytes()
    heard = kraken.parse_tickers(reply(body), "BTC")
    told_quotes = quotes(heard)
    assert told_quotes["PI_XBTUSD"].open_interest_usd == 2_172_854.0
    assert told_quotes["PF_XBTUSD"].open_interest_coin == 2_080.7149
    assert told_quotes["PF_XBTUSD"].index_usd == 78_107.73
    [funding] = [one for one in heard if isinstance(one, FundingRate)]
    assert funding.rate_pct == pytest.approx(0.00031816, rel=1e-4)  # 0.248514 / 78,107.73
    assert [one.index_usd for one in heard if isinstance(one, SpotQuote)] == [78_107.73]


@settings(max_examples=60, deadline=None)
@given(replies(GOOD))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=bodies[0]))
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)
    ) as http:
        heard = await heard_or_refused(Kraken(http).poll("BTC", START), "kraken")
    said = numbers(*bodies)
    indexes = {one.index_usd for one in heard.readings if isinstance(one, SpotQuote)}
    for reading, field, value in told(heard):
        if field == "rate_pct":
            assert any(known(value / 100 * index_usd, said) for index_usd in indexes)
        else:
            assert field == "interval_hours" or known(value, said), (reading, field)

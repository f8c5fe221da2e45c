"""BitMEX, on a small reply of our own and on a recorded one."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from bot.domain.readings import FundingRate, FutureQuote, Gap, Heard, SpotQuote
from bot.errors import SourceChanged
from bot.sources import bitmex
from bot.sources._http import Http, Patience, Reply
from bot.sources.bitmex import Bitmex
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told


def row(symbol: str = "XBTUSD", **more: object) -> dict[str, Any]:
    known_row = {
        "symbol": symbol,
        "typ": "FFWCSX",
        "state": "Open",
        "underlying": "XBT",
        "quoteCurrency": "USD",
        "isInverse": True,
        "isQuanto": False,
        "timestamp": "2026-01-23T12:29:55.000Z",
        "expiry": None,
        "markPrice": 89_100.5,
        "indicativeSettlePrice": 89_000.25,
        "openInterest": 574_264_600,
        "underlyingToPositionMultiplier": None,
        "fundingRate": 0.0001,
        "fundingInterval": "2000-01-01T08:00:00.000Z",
    }
    return {**known_row, **more}


DATED = row("XBTH26", typ="FFCCSX", expiry="2026-03-27T12:00:00.000Z", fundingRate=None, fundingInterval=None)
LINEAR = row(
    "XBTUSDT", quoteCurrency="USDT", isInverse=False, openInterest=250_000_000, underlyingToPositionMultiplier=1_000_000
)
QUANTO = row("ETHUSD", underlying="ETH", isInverse=False, isQuanto=True)
GOOD = json.dumps(
    [row(), DATED, LINEAR, QUANTO, row("XBTEUR", quoteCurrency="EUR"), row("OLD", state="Settled")]
).encode()


def reply(body: bytes, at: datetime = START) -> Reply:
    return Reply(subject="bitmex instruments", body=body, heard_at=at)


async def poll(ask: Ask, asset: str = "BTC") -> Heard:
    return await Bitmex(ask(lambda _: httpx.Response(200, content=GOOD))).poll(asset, START)


async def test_inverse_contracts_are_dollars_and_linear_ones_parts_of_a_coin(ask: Ask):
    heard = await poll(ask)
    quotes = {one.instrument.symbol: one for one in heard.readings if isinstance(one, FutureQuote)}
    assert set(quotes) == {"XBTUSD", "XBTH26", "XBTUSDT"}
    assert (quotes["XBTUSD"].open_interest_usd, quotes["XBTUSD"].open_interest_coin) == (574_264_600, None)
    assert (quotes["XBTUSDT"].open_interest_usd, quotes["XBTUSDT"].open_interest_coin) == (None, 250.0)
    assert quotes["XBTH26"].instrument.expires_at == datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert quotes["XBTUSD"].instrument.expires_at is None
    assert quotes["XBTUSD"].observed_at == datetime(2026, 1, 23, 12, 29, 55, tzinfo=UTC)
    assert [one.index_usd for one in heard.readings if isinstance(one, SpotQuote)] == [89_000.25]


async def test_fundings_interval_is_read_from_its_time_of_day(ask: Ask):
    funding = [one for one in (await poll(ask)).readings if isinstance(one, FundingRate)]
    assert [one.rate_pct for one in funding] == pytest.approx([0.01, 0.01])
    assert [one.interval_hours for one in funding] == [8, 8]


async def test_a_quanto_contract_is_left_out_and_so_the_asset_is_not_listed(ask: Ask):
    assert (await poll(ask, "ETH")).gaps == (Gap(who="bitmex ETH", reason="bitmex ETH: not listed"),)


@pytest.mark.parametrize("change", [{"expiry": None}, {"timestamp": "2026-01-23T13:30:00Z"}])
def test_a_dated_contract_without_an_expiry_or_from_the_future_is_a_gap(change: dict[str, Any]):
    [gap] = bitmex.parse_instruments(reply(json.dumps([{**DATED, **change}]).encode()), "BTC")
    assert isinstance(gap, Gap)
    assert gap.who == "bitmex XBTH26"


def test_a_contract_that_comes_twice_is_a_change():
    with pytest.raises(SourceChanged, match="XBTUSD comes twice"):
        bitmex.parse_instruments(reply(json.dumps([row(), row()]).encode()), "BTC")


def test_the_recorded_instruments_of_2021(shared: Path):
    body = (shared / "recordings" / "bitmex" / "instrument_active_2021.json").read_bytes()
    heard = bitmex.parse_instruments(reply(body, datetime(2021, 7, 22, 22, 36, 10, tzinfo=UTC)), "BTC")
    quotes = {one.instrument.symbol: one for one in heard if isinstance(one, FutureQuote)}
    assert {symbol: one.open_interest_usd for symbol, one in quotes.items()} == {
        "XBTUSD": 574_264_600,
        "XBTU21": 164_864_000,
        "XBTZ21": 60_045_100,
    }
    assert quotes["XBTZ21"].mark_usd == 32_610.07
    assert quotes["XBTZ21"].instrument.expires_at == datetime(2021, 12, 31, 12, tzinfo=UTC)
    [funding] = [one for one in heard if isinstance(one, FundingRate)]
    assert funding.rate_pct == pytest.approx(0.01)
    assert funding.interval_hours == 8


@settings(max_examples=60, deadline=None)
@given(replies(GOOD))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=bodies[0]))
    async with Http(now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)) as http:
        heard = await heard_or_refused(Bitmex(http).poll("BTC", START), "bitmex")
    said = numbers(*bodies)
    for reading, field, value in told(heard):
        if field == "open_interest_coin":
            assert any(known(value * parts, said) for parts in said)
        else:
            assert field == "interval_hours" or known(value, said) or known(value / 100, said), (reading, field)

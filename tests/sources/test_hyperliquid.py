"""Hyperliquid, on a small reply of our own and on a recorded one."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from bot.domain.readings import FundingRate, FutureQuote, Gap, SpotQuote
from bot.errors import SourceChanged
from bot.sources import hyperliquid
from bot.sources._http import Http, Patience, Reply
from bot.sources.hyperliquid import Hyperliquid
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told


def context(**more: object) -> dict[str, Any]:
    row = {"funding": "0.0000125", "openInterest": "27353.17682", "oraclePx": "77605.0", "markPx": "77562.0"}
    return {**row, "midPx": None, "premium": None, "impactPxs": None, **more}


def answer(*contexts: dict[str, Any], names: tuple[str, ...] = ("BTC", "ETH")) -> bytes:
    return json.dumps(
        [{"universe": [{"name": name, "szDecimals": 5} for name in names]}, list(contexts)]
    ).encode()


GOOD = answer(
    context(), context(openInterest="605822.2", oraclePx="2124.6", markPx="2123.7", funding="-0.00001")
)


def reply(body: bytes) -> Reply:
    return Reply(subject="hyperliquid contexts", body=body, heard_at=START)


async def test_two_assets_are_one_request_and_funding_is_hourly(ask: Ask):
    seen: list[bytes] = []

    def venue(request: httpx.Request) -> httpx.Response:
        seen.append(request.content)
        return httpx.Response(200, content=GOOD)

    source = Hyperliquid(ask(venue))
    bitcoin, ether = await source.poll("BTC", START), await source.poll("ETH", START)
    assert seen == [b'{"type":"metaAndAssetCtxs"}']
    perpetual, funding, spot = bitcoin.readings
    assert isinstance(perpetual, FutureQuote)
    assert isinstance(funding, FundingRate)
    assert isinstance(spot, SpotQuote)
    assert (perpetual.mark_usd, perpetual.index_usd) == (77_562.0, 77_605.0)
    assert (perpetual.open_interest_coin, perpetual.open_interest_usd) == (27_353.17682, None)
    assert funding.interval_hours == 1
    assert funding.rate_pct == pytest.approx(0.00125)
    assert spot.index_usd == 77_605.0
    assert [one.mark_usd for one in ether.readings if isinstance(one, FutureQuote)] == [2_123.7]


def test_open_interest_of_nothing_is_zero_and_missing_is_missing():
    zero = hyperliquid.parse_contexts(reply(answer(context(openInterest="0.0"), context())), "BTC")[0]
    none = hyperliquid.parse_contexts(reply(answer(context(openInterest=None), context())), "BTC")[0]
    assert isinstance(zero, FutureQuote)
    assert isinstance(none, FutureQuote)
    assert (zero.open_interest_coin, none.open_interest_coin) == (0.0, None)


def test_an_asset_that_is_not_listed_or_delisted_is_a_gap():
    [gap] = hyperliquid.parse_contexts(reply(GOOD), "XRP")
    assert gap == Gap(who="hyperliquid XRP", reason="about(of='hyperliquid XRP', why=not_listed())")
    dead = GOOD.replace(b'"name": "BTC"', b'"name": "BTC", "isDelisted": true')
    assert isinstance(hyperliquid.parse_contexts(reply(dead), "BTC")[0], Gap)


@pytest.mark.parametrize("body", [answer(context()), answer(context(), context(), names=("BTC", "BTC"))])
def test_names_that_do_not_fit_the_contexts_are_a_change(body: bytes):
    with pytest.raises(SourceChanged):
        hyperliquid.parse_contexts(reply(body), "BTC")


def test_the_recorded_contexts_are_worth_2_1216_billion_dollars_in_bitcoin(shared: Path):
    message = json.loads((shared / "recordings" / "hyperliquid" / "ws_all_dexs_asset_ctxs.json").read_text())
    contexts = message["data"]["ctxs"][0][1]
    names = ["BTC", "ETH", *(f"#{i}" for i in range(2, len(contexts)))]
    body = json.dumps([{"universe": [{"name": name} for name in names]}, contexts]).encode()
    quote, funding, _ = hyperliquid.parse_contexts(reply(body), "BTC")
    assert isinstance(quote, FutureQuote)
    assert isinstance(funding, FundingRate)
    assert quote.open_interest_coin is not None
    assert quote.open_interest_coin * quote.mark_usd == pytest.approx(2.1216e9, rel=1e-4)
    assert funding.rate_pct == pytest.approx(-0.00015186)


@settings(max_examples=60, deadline=None)
@given(replies(GOOD))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=bodies[0]))
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)
    ) as http:
        heard = await heard_or_refused(Hyperliquid(http).poll("BTC", START), "hyperliquid")
    said = numbers(*bodies)
    for reading, field, value in told(heard):
        assert field == "interval_hours" or known(value, said) or known(value / 100, said), (reading, field)

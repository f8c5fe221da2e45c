"""Bitget, on small replies of our own, and on figures that the venue told others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given, settings

from bot.domain.readings import FundingRate, FutureQuote, Heard, SpotQuote
from bot.errors import SourceChanged, SourceUnavailable
from bot.sources import bitget
from bot.sources._http import Http, Patience, Reply
from bot.sources._wire import to_ms
from bot.sources.bitget import COIN, LINEAR, Bitget
from tests.said import english, refused
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told

JUNE = datetime(2026, 6, 26, 7, 59, 59, tzinfo=UTC)


def ticker(symbol: str, **more: object) -> dict[str, Any]:
    row = {
        "symbol": symbol,
        "lastPr": "89100",
        "ts": str(to_ms(START) - 1500),
        "indexPrice": "89000.25",
        "fundingRate": "0.00005",
        "holdingAmount": "30000.5",
        "deliveryStartTime": None,
        "deliveryTime": None,
        "deliveryStatus": "delivery_normal",
        "markPrice": "89100.5",
    }
    return {**row, **more}


def dated(symbol: str = "BTCUSDM26", **more: object) -> dict[str, Any]:
    times = {"deliveryTime": str(to_ms(JUNE)), "fundingRate": "0", "markPrice": "90500"}
    return ticker(symbol, **{**times, "holdingAmount": "800", **more})


def answer(rows: object, **more: object) -> bytes:
    envelope = {"code": "00000", "msg": "success", "requestTime": to_ms(START) - 500, "data": rows}
    return json.dumps({**envelope, **more}).encode()


USDT = answer([ticker("BTCUSDT"), ticker("ETHUSDT"), ticker("BTCDOMUSDT")])
INVERSE = answer([ticker("BTCUSD", holdingAmount="12000"), dated(), ticker("ETHUSD")])
HOURS = answer([{"symbol": "BTCUSDT", "fundingRate": "0.00005", "fundingRateInterval": "8"}])
COIN_HOURS = answer([{"symbol": "BTCUSD", "fundingRateInterval": "4"}])
REPLIES = (USDT, INVERSE, HOURS, COIN_HOURS)


def reply(body: bytes, at: datetime = START) -> Reply:
    return Reply(subject="bitget tickers", body=body, heard_at=at)


def answering(bodies: tuple[bytes, ...] = REPLIES) -> httpx.MockTransport:
    def answered(request: httpx.Request) -> httpx.Response:
        which = (request.url.params["productType"] == COIN) + 2 * ("current-fund" in request.url.path)
        return httpx.Response(200, content=bodies[which])

    return httpx.MockTransport(answered)


def contracts(body: bytes, product: str = COIN, **hours: float) -> list[Any]:
    return list(bitget.parse_contracts(reply(body), "BTC", product=product, intervals=hours))


async def test_a_poll_brings_both_kinds_of_contracts_with_half_of_what_counts_both_sides(ask: Ask):
    heard = await Bitget(ask(answering().handler)).poll("BTC", START)  # type: ignore[arg-type]
    assert heard.gaps == ()
    coins = {
        one.instrument.symbol: (one.instrument.kind, one.open_interest_coin)
        for one in heard.readings
        if isinstance(one, FutureQuote)
    }
    assert coins == {
        "BTCUSDT": ("perpetual", 15_000.25),
        "BTCUSD": ("perpetual", 6_000.0),
        "BTCUSDM26": ("future", 400.0),
    }
    rates = {
        one.instrument.symbol: (one.rate_pct, one.interval_hours)
        for one in heard.readings
        if isinstance(one, FundingRate)
    }
    assert {symbol: hours for symbol, (_, hours) in rates.items()} == {"BTCUSDT": 8, "BTCUSD": 4}
    assert [rate for rate, _ in rates.values()] == pytest.approx([0.005, 0.005])
    assert [one.index_usd for one in heard.readings if isinstance(one, SpotQuote)] == [89_000.25]


def test_coins_are_counted_for_contracts_that_are_margined_in_coins_too():
    perpetual, funding, spot, future = contracts(INVERSE, BTCUSD=8)
    for quote in (perpetual, future):
        assert not quote.instrument.inverse
        assert quote.open_interest_usd is None
    assert future.instrument.expires_at == JUNE
    assert (funding.interval_hours, spot.asset) == (8, "BTC")


def test_what_the_venue_told_in_september_2026():
    """Figures of a message that others recorded on 25 September 2026."""
    row = ticker(
        "BTCUSDT",
        markPrice="83692.3",
        indexPrice="83720.9225",
        fundingRate="0.0001",
        holdingAmount="31911.3455999999605",
        ts="1790358794983",
    )
    body = answer([row], requestTime=1_790_358_794_987)
    at = datetime(2026, 9, 25, 17, 53, 14, 990_000, tzinfo=UTC)
    quote, funding = bitget.parse_contracts(
        reply(body, at), "BTC", product=LINEAR, intervals={"BTCUSDT": 8.0}
    )
    assert isinstance(quote, FutureQuote)
    assert quote.open_interest_coin == pytest.approx(15_955.6728)
    assert (quote.mark_usd, quote.index_usd) == (83_692.3, 83_720.9225)
    assert quote.observed_at == datetime(2026, 9, 25, 17, 53, 14, 983_000, tzinfo=UTC)
    assert isinstance(funding, FundingRate)
    assert funding.rate_pct == pytest.approx(0.01)


def test_each_row_has_its_own_time_and_one_without_is_a_gap():
    old = to_ms(START) - 3 * 86_400_000
    first, second, *_ = contracts(answer([ticker("BTCUSD", ts=str(old)), dated(ts="")]))
    assert (START - first.observed_at) == timedelta(days=3)
    assert second.who == "bitget BTCUSD funding"
    assert "the row has no time" in english(contracts(answer([dated(ts="")]))[0].reason)


def test_without_an_interval_the_funding_is_a_gap_and_the_contract_stands():
    quote, gap, _ = contracts(answer([ticker("BTCUSD")]))
    assert isinstance(quote, FutureQuote)
    assert english(gap.reason) == "bitget BTCUSD funding: its interval is not known"


def test_a_name_that_does_not_agree_with_the_delivery_time_is_a_gap():
    for row in (dated(deliveryTime=""), ticker("BTCUSD", deliveryTime=str(to_ms(JUNE)))):
        [gap] = contracts(answer([row]))
        assert english(gap.reason).endswith("its name and its delivery time do not agree")


def test_what_was_delivered_or_is_not_traded_yet_is_left_out():
    gone = dated(deliveryTime=str(to_ms(START) - 1000))
    coming = dated("BTCUSDZ26", deliveryStatus="delivery_config_period")
    found = contracts(answer([gone, coming, ticker("BTCUSD")]), BTCUSD=8)
    assert [one.instrument.symbol for one in found if isinstance(one, FutureQuote)] == ["BTCUSD"]


def test_a_list_without_the_asset_is_a_gap():
    [gap] = contracts(answer([ticker("ETHUSD")]))
    assert english(gap.reason) == "bitget tickers: no BTC in the reply"


@pytest.mark.parametrize(("code", "error"), [("429", SourceUnavailable), ("40034", SourceChanged)])
def test_a_refusal_in_a_good_answer_is_read(code: str, error: type[Exception]):
    with refused(error, match=f"error {code} Parameter"):
        contracts(answer(None, code=code, msg="Parameter does not exist"))


async def test_funding_history_is_read_page_by_page_until_it_is_old_enough(ask: Ask):
    asked: list[int] = []
    eight_hours = 28_800_000
    newest = to_ms(START) // eight_hours * eight_hours

    def history(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["pageNo"])
        asked.append(page)
        times = [newest - eight_hours * number for number in range((page - 1) * 100, page * 100)]
        rows = [{"symbol": "BTCUSDT", "fundingRate": "0.0001", "fundingTime": str(at)} for at in times]
        return httpx.Response(200, content=answer(rows))

    [found] = await Bitget(ask(history)).backfill("BTC", START - timedelta(days=50), START)
    assert asked == [1, 2]
    assert found.metric == "funding_8h_pct"
    assert len(found.at_ms) == 149  # 150 payments in 50 days; the first has none before it
    assert list(found.value) == pytest.approx([0.01] * 149)


def test_payments_of_another_contract_are_refused():
    row = {"symbol": "ETHUSDT", "fundingRate": "0.0001", "fundingTime": "1769155200000"}
    with refused(SourceChanged, match="'ETHUSDT' was not asked for"):
        bitget.parse_payments(reply(answer([row])), "BTC")


@settings(max_examples=80, deadline=None)
@given(replies(*REPLIES))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=answering(bodies), patience=Patience(attempts=1)
    ) as http:
        heard: Heard = await heard_or_refused(Bitget(http).poll("BTC", START), "bitget")
    said = numbers(*bodies)
    for _, field, value in told(heard):
        meant = {"open_interest_coin": value * 2, "rate_pct": value / 100}.get(field, value)
        assert known(meant, said), (field, value)

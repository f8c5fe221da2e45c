"""Binance, on small replies of our own and on recorded ones."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings

from bot.domain.readings import AccountRatio, FundingRate, FutureQuote, Gap, Heard, SeriesReading, SpotQuote
from bot.errors import SourceUnavailable
from bot.sources import binance
from bot.sources._http import Http, Patience, Reply
from bot.sources._options import expiry
from bot.sources._wire import to_ms
from bot.sources.binance import Binance
from tests.said import english, refused
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told

NOW_MS = to_ms(START)
HOUR_MS = 3_600_000
GRID_MS = to_ms(datetime(2026, 1, 23, 16, tzinfo=UTC))


def premium(symbol: str, **more: object) -> dict[str, Any]:
    row = {"symbol": symbol, "markPrice": "89100.5", "indexPrice": "89050.25", "lastFundingRate": "0.00005"}
    return {**row, "nextFundingTime": GRID_MS, "time": NOW_MS - 1000, **more}


def opened(symbol: str, count: str) -> dict[str, Any]:
    return {"symbol": symbol, "openInterest": count, "time": NOW_MS - 1000}


def kline(starts_ms: int, close: str) -> list[object]:
    return [starts_ms, "4000", "4100", "3990", close, "1", starts_ms + HOUR_MS - 1, "1", 1, "1", "1", "0"]


QUARTERLY = premium("BTCUSD_260327", lastFundingRate="", nextFundingTime=0, markPrice="90000")
REPLIES: dict[str, bytes] = {
    name: json.dumps(content).encode()
    for name, content in {
        "fapi premiumIndex": [
            premium("BTCUSDT"),
            premium("ETHUSDT"),
            premium("BTCUSDT_260327", lastFundingRate=""),
        ],
        "fapi fundingInfo": [{"symbol": "ETHUSDT", "fundingIntervalHours": 4}],
        "dapi fundingInfo": [{"symbol": "ETHUSD_PERP", "fundingIntervalHours": 4}],
        "fapi openInterest": opened("BTCUSDT", "106499.782"),
        "fapi openInterest BTCUSDC": opened("BTCUSDC", "1234.5"),
        "dapi premiumIndex": [
            premium("BTCUSD_PERP", indexPrice="89000.75"),
            QUARTERLY,
            premium("ETHUSD_260327"),
        ],
        "dapi openInterest BTCUSD_PERP": opened("BTCUSD_PERP", "5000000"),
        "dapi openInterest BTCUSD_260327": opened("BTCUSD_260327", "1000000"),
        "fapi globalLongShortAccountRatio": [
            {"symbol": "BTCUSDT", "longShortRatio": "1.2973", "timestamp": NOW_MS - 60_000}
        ],
        "api klines": [kline(NOW_MS - HOUR_MS - 1_800_000, "4050.5"), kline(NOW_MS - 1_800_000, "4060.25")],
    }.items()
}


def venue(bodies: dict[str, bytes], seen: list[str] | None = None):
    def reply_to(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(str(request.url))
        method = request.url.path.rsplit("/", 1)[1]
        about = f"{request.url.host.split('.')[0]} {method}"
        if about == "dapi openInterest" or request.url.params.get("symbol") == "BTCUSDC":
            about += f" {request.url.params['symbol']}"
        return httpx.Response(200, content=bodies[about])

    return reply_to


def reply(content: object, at: datetime = START) -> Reply:
    return Reply(subject="binance", body=json.dumps(content).encode(), heard_at=at)


async def poll(ask: Ask, **changed: bytes) -> Heard:
    return await Binance(ask(venue({**REPLIES, **changed}))).poll("BTC", START)


async def test_bitcoin_is_nine_requests_with_one_quarterly_and_five_of_them_serve_ether_too(ask: Ask):
    seen: list[str] = []
    marks = json.dumps([premium("BTCUSD_PERP"), QUARTERLY, premium("ETHUSD_PERP"), premium("ETHUSD_260327")])
    more = {
        "dapi premiumIndex": marks.encode(),
        "dapi openInterest ETHUSD_PERP": REPLIES["fapi openInterest"],
    }
    source = Binance(ask(venue({**REPLIES, **more}, seen)))
    await source.poll("BTC", START)
    assert len(seen) == 9
    await source.poll("ETH", START)
    assert len(seen) == 12


REFUSED = {"code": -4108, "msg": "Symbol is on delivering or delivered or settling or closed or pre-trading."}


def halted(states: object, symbol: str = "BTCUSD_PERP", seen: list[str] | None = None):
    """The venue where one contract's open interest is refused, and what `exchangeInfo` says."""
    sound = venue(REPLIES, seen)

    def reply_to(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("exchangeInfo"):
            if seen is not None:
                seen.append(str(request.url))
            return httpx.Response(200, json=states)
        if request.url.path.endswith("openInterest") and request.url.params["symbol"] == symbol:
            return httpx.Response(400, json=REFUSED)
        return sound(request)

    return reply_to


def listing(word: str, symbol: str = "BTCUSD_PERP") -> dict[str, object]:
    field = "contractStatus" if "_" in symbol else "status"
    return {"timezone": "UTC", "symbols": [{"symbol": symbol, field: word}, {"symbol": "BTCUSD_260327"}]}


@pytest.mark.parametrize("word", ["PRE_SETTLE", "TRADING_HALT", "a word of next year"])
async def test_a_contract_whose_count_is_refused_because_it_is_halted_is_a_gap_that_says_so(
    ask: Ask, word: str
):
    heard = await Binance(ask(halted(listing(word)))).poll("BTC", START)
    quotes = [one for one in heard.readings if isinstance(one, FutureQuote)]
    assert {one.instrument.symbol for one in quotes} == {"BTCUSDT", "BTCUSD_260327"}
    assert {(one.open_interest_coin, one.open_interest_usd) for one in quotes} == {(None, None)}
    assert f"binance BTCUSD_PERP: is '{word}'" in {english(gap.reason) for gap in heard.gaps}


@pytest.mark.parametrize("word", ["PENDING_TRADING", "SETTLING", "CLOSE", "DELIVERED"])
async def test_a_contract_that_does_not_trade_yet_or_never_will_again_is_left_out_and_no_gap(
    ask: Ask, word: str
):
    heard = await Binance(ask(halted(listing(word)))).poll("BTC", START)
    quotes = {one.instrument.symbol: one for one in heard.readings if isinstance(one, FutureQuote)}
    assert set(quotes) == {"BTCUSDT", "BTCUSD_260327"}
    assert quotes["BTCUSDT"].open_interest_coin == 106_499.782
    assert heard.gaps == ()


async def test_usd_m_tells_its_states_under_another_name(ask: Ask):
    heard = await Binance(ask(halted(listing("TRADING_HALT", "BTCUSDT"), "BTCUSDT"))).poll("BTC", START)
    assert "binance BTCUSDT: is 'TRADING_HALT'" in {english(gap.reason) for gap in heard.gaps}
    assert [one for one in heard.readings if isinstance(one, FundingRate)] != []


@pytest.mark.parametrize("states", [listing("TRADING"), {"symbols": []}, "<html>"], ids=range(3))
async def test_a_refused_count_of_a_contract_whose_state_is_not_told_is_a_refusal_as_any(
    ask: Ask, states: object
):
    heard = await Binance(ask(halted(states))).poll("BTC", START)
    quotes = [one for one in heard.readings if isinstance(one, FutureQuote)]
    assert [(one.instrument.symbol, one.open_interest_coin) for one in quotes] == [("BTCUSDT", None)]
    assert any("-4108" in english(gap.reason) for gap in heard.gaps)


async def test_states_are_asked_for_only_where_a_count_is_refused_and_shared_for_a_quarter_of_an_hour(
    ask: Ask, clock: StillClock
):
    seen: list[str] = []
    source = Binance(ask(halted(listing("PRE_SETTLE"), seen=seen)))
    for _ in range(3):
        await source.poll("BTC", START)
        clock.pass_s(310)
    assert [url for url in seen if "exchangeInfo" in url] == ["https://dapi.binance.com/dapi/v1/exchangeInfo"]
    seen.clear()
    await Binance(ask(venue(REPLIES, seen))).poll("BTC", START)
    assert [url for url in seen if "exchangeInfo" in url] == []


async def test_usd_m_counts_coins_and_coin_m_contracts_of_a_hundred_dollars(ask: Ask):
    heard = await poll(ask)
    quotes = {one.instrument.symbol: one for one in heard.readings if isinstance(one, FutureQuote)}
    assert set(quotes) == {"BTCUSDT", "BTCUSD_PERP", "BTCUSD_260327"}
    assert (quotes["BTCUSDT"].open_interest_coin, quotes["BTCUSDT"].open_interest_usd) == (106_499.782, None)
    assert (quotes["BTCUSD_PERP"].open_interest_coin, quotes["BTCUSD_PERP"].open_interest_usd) == (
        None,
        500_000_000,
    )
    assert quotes["BTCUSD_260327"].open_interest_usd == 100_000_000
    assert quotes["BTCUSD_260327"].instrument.expires_at == datetime(2026, 3, 27, 8, tzinfo=UTC)
    assert quotes["BTCUSD_PERP"].instrument.expires_at is None
    spots = {one.asset: one.index_usd for one in heard.readings if isinstance(one, SpotQuote)}
    assert spots == {"BTC": 89_000.75, "PAXG": 4_060.25}
    assert [one.long_short_ratio for one in heard.readings if isinstance(one, AccountRatio)] == [1.2973]


def test_coin_m_contracts_of_other_coins_are_ten_dollars():
    marks, opens = reply([premium("ETHUSD_PERP")]), [reply(opened("ETHUSD_PERP", "7"))]
    [quote, *_] = binance.parse_contracts(marks, opens, "ETH", inverse=True)
    assert isinstance(quote, FutureQuote)
    assert quote.open_interest_usd == 70


async def test_a_quarterly_has_no_funding_and_a_perpetual_its_own_hours(ask: Ask):
    rates = {one.instrument.symbol: one for one in (await poll(ask)).readings if isinstance(one, FundingRate)}
    assert set(rates) == {"BTCUSDT", "BTCUSD_PERP"}
    assert rates["BTCUSDT"].rate_pct == pytest.approx(0.005)
    assert {one.interval_hours for one in rates.values()} == {8}
    [_, ether] = binance.parse_contracts(
        reply([premium("ETHUSDT")]), [], "ETH", inverse=False, intervals={"ETHUSDT": 4.0}
    )
    assert isinstance(ether, FundingRate)
    assert ether.interval_hours == 4


async def test_without_the_list_of_intervals_usd_m_funding_is_a_gap_and_not_taken_for_eight_hours(ask: Ask):
    heard = await poll(ask, **{"fapi fundingInfo": b"<html>"})
    assert [one.instrument.symbol for one in heard.readings if isinstance(one, FundingRate)] == [
        "BTCUSD_PERP"
    ]
    assert "binance BTCUSDT funding: its interval is not known" in {english(gap.reason) for gap in heard.gaps}
    heard = await poll(ask, **{"dapi fundingInfo": b"<html>"})
    assert [one.instrument.symbol for one in heard.readings if isinstance(one, FundingRate)] == ["BTCUSDT"]


async def test_coin_m_funding_has_the_hours_that_its_own_list_names(ask: Ask):
    hours = json.dumps([{"symbol": "BTCUSD_PERP", "fundingIntervalHours": 4}]).encode()
    rates = [
        one
        for one in (await poll(ask, **{"dapi fundingInfo": hours})).readings
        if isinstance(one, FundingRate)
    ]
    assert {one.instrument.symbol: one.interval_hours for one in rates} == {"BTCUSDT": 8, "BTCUSD_PERP": 4}


async def test_the_perpetual_in_usdc_has_coins_an_index_and_funding_of_its_own(ask: Ask):
    marks = [premium("BTCUSDT"), premium("BTCUSDC", indexPrice="89040.5", lastFundingRate="-0.00002")]
    heard = await poll(ask, **{"fapi premiumIndex": json.dumps(marks).encode()})
    quotes = {one.instrument.symbol: one for one in heard.readings if isinstance(one, FutureQuote)}
    own = quotes["BTCUSDC"]
    assert (own.open_interest_coin, own.open_interest_usd, own.index_usd) == (1_234.5, None, 89_040.5)
    assert (own.instrument.kind, own.instrument.inverse) == ("perpetual", False)
    assert quotes["BTCUSDT"].open_interest_coin == 106_499.782
    rates = {one.instrument.symbol: one.rate_pct for one in heard.readings if isinstance(one, FundingRate)}
    assert rates["BTCUSDC"] == pytest.approx(-0.002)


async def test_without_its_count_the_perpetual_in_usdc_leaves_the_venues_open_interest_untold(ask: Ask):
    marks = json.dumps([premium("BTCUSDT"), premium("BTCUSDC")]).encode()
    heard = await poll(ask, **{"fapi premiumIndex": marks, "fapi openInterest BTCUSDC": b"{}"})
    assert {one.open_interest_coin for one in heard.readings if isinstance(one, FutureQuote)} == {None}


def test_coin_m_funding_off_the_eight_hour_grid_is_a_gap():
    heard = binance.parse_contracts(
        reply([premium("BTCUSD_PERP", nextFundingTime=GRID_MS + 4 * HOUR_MS)]),
        [],
        "BTC",
        inverse=True,
        intervals={},
    )
    assert [english(one.reason) for one in heard if isinstance(one, Gap)] == [
        "binance BTCUSD_PERP funding: its interval is not known"
    ]


async def test_where_one_contracts_open_interest_is_not_heard_none_is_told(ask: Ask):
    heard = await poll(ask, **{"dapi openInterest BTCUSD_260327": b"{}"})
    quotes = [one for one in heard.readings if isinstance(one, FutureQuote)]
    assert {(one.open_interest_coin, one.open_interest_usd) for one in quotes} == {(None, None)}


async def test_a_place_that_is_not_served_is_a_gap_of_this_venue(ask: Ask):
    with refused(SourceUnavailable, match=r"this place is not served \(HTTP 451\)"):
        await Binance(ask(lambda _: httpx.Response(451))).poll("BTC", START)


async def test_gold_is_told_at_the_end_of_its_hour(ask: Ask):
    [gold] = [one for one in (await poll(ask)).readings if isinstance(one, SeriesReading)]
    assert (gold.metric, list(gold.at_ms), list(gold.value)) == ("gold_usd", [NOW_MS - 1_800_000], [4_050.5])


async def test_past_open_interest_is_the_sum_of_the_contracts_of_a_poll_at_the_hours_both_markets_tell(
    ask: Ask,
):
    def reply_to(request: httpx.Request) -> httpx.Response:
        rows: list[object] = []
        if request.url.path.endswith("premiumIndex"):
            rows = [premium("BTCUSDT"), premium("BTCUSDC")]
        elif request.url.params.get("symbol") == "BTCUSDC":
            rows = [
                {"sumOpenInterest": "12.25", "sumOpenInterestValue": "1100000", "timestamp": NOW_MS - HOUR_MS}
            ]
        elif request.url.path.endswith("openInterestHist"):
            linear = request.url.host.startswith("fapi")
            if not linear:
                assert request.url.params["contractType"] == "ALL"
            hours = [NOW_MS - 2 * HOUR_MS, NOW_MS - HOUR_MS] if linear else [NOW_MS - HOUR_MS]
            value = ("100000.5", "9000000000") if linear else ("6000000", "6700.25")
            rows = [
                {"sumOpenInterest": value[0], "sumOpenInterestValue": value[1], "timestamp": at}
                for at in hours
            ]
        return httpx.Response(200, json=rows)

    series = await Binance(ask(reply_to)).backfill("BTC", START - timedelta(days=10), START)
    told_series = {one.metric: (list(one.at_ms), list(one.value)) for one in series}
    assert told_series == {
        "open_interest_coin": ([NOW_MS - HOUR_MS], [106_713.0]),
        "open_interest_usd": ([NOW_MS - HOUR_MS], [9_601_100_000.0]),
    }


async def test_a_perpetual_in_usdc_that_is_not_listed_is_no_part_of_the_past(ask: Ask):
    def reply_to(request: httpx.Request) -> httpx.Response:
        assert request.url.params.get("symbol") != "BTCUSDC"
        row = {"sumOpenInterest": "100", "sumOpenInterestValue": "9000", "timestamp": NOW_MS - HOUR_MS}
        rows = {"openInterestHist": [row], "premiumIndex": [premium("BTCUSDT")]}
        return httpx.Response(200, json=rows.get(request.url.path.rsplit("/", 1)[1], []))

    series = await Binance(ask(reply_to)).backfill("BTC", START - timedelta(days=2), START)
    assert {one.metric: list(one.value) for one in series} == {
        "open_interest_coin": [9_100.0],
        "open_interest_usd": [19_000.0],
    }


async def test_paid_funding_is_told_to_the_minute_for_eight_hours(ask: Ask):
    def reply_to(request: httpx.Request) -> httpx.Response:
        rows: list[object] = []
        if request.url.path.endswith("fundingRate"):
            times = [GRID_MS - 16 * HOUR_MS + 3, GRID_MS - 8 * HOUR_MS + 7]
            rows = [{"fundingTime": at, "fundingRate": "0.0001", "markPrice": "1"} for at in times]
        return httpx.Response(200, json=rows)

    [series] = await Binance(ask(reply_to)).backfill("BTC", START - timedelta(days=10), START)
    assert (series.metric, series.interval_s) == ("funding_8h_pct", 28_800)
    assert list(series.at_ms) == [GRID_MS - 8 * HOUR_MS]
    assert list(series.value) == pytest.approx([0.01])


def test_the_recorded_open_interest_account_ratio_and_history(shared: Path):
    folder = shared / "recordings" / "binance"
    at = datetime.fromtimestamp(1_788_909_266, UTC)
    counted = json.loads((folder / "fapi_open_interest_btcusdt.json").read_text())
    marks = reply([premium("BTCUSDT", time=counted["time"])], at)
    [quote, _] = binance.parse_contracts(marks, [reply(counted, at)], "BTC", inverse=False, intervals={})
    assert isinstance(quote, FutureQuote)
    assert quote.open_interest_coin == 106_499.782
    ratio = json.loads((folder / "global_long_short_account_ratio_btcusdt.json").read_text())
    [accounts] = binance.parse_accounts(reply(ratio, at), "BTC")
    assert isinstance(accounts, AccountRatio)
    assert accounts.long_short_ratio == 1.2973
    assert to_ms(accounts.observed_at) == 1_788_908_400_000
    past = json.loads((folder / "open_interest_hist_btcusdt_1h.json").read_text())
    none = [
        {"sumOpenInterest": "0", "sumOpenInterestValue": "0", "timestamp": row["timestamp"]} for row in past
    ]
    coins, dollars = binance.parse_open_interest_history([reply(past, at)], [reply(none, at)], "BTC")
    assert isinstance(coins, SeriesReading)
    assert isinstance(dollars, SeriesReading)
    assert (coins.value[0], dollars.value[0]) == (107_100.284, 8_452_471_718.358591)


def test_every_recorded_coin_m_future_expires_when_its_name_says_and_is_of_the_size_we_take(shared: Path):
    listed = json.loads((shared / "recordings" / "binance" / "dapi_exchange_info_2021.json").read_text())[
        "symbols"
    ]
    for row in listed:
        size = binance.CONTRACT_USD.get(row["baseAsset"], binance.OTHER_CONTRACT_USD)
        assert row["contractSize"] == size
        if row["contractType"] != "PERPETUAL":
            assert to_ms(expiry(row["symbol"].split("_")[1], "binance")) == row["deliveryDate"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(replies(*REPLIES.values()))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    answers = dict(zip(REPLIES, bodies, strict=True))
    transport = httpx.MockTransport(lambda request: _or_404(venue(answers), request))
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)
    ) as http:
        heard = await heard_or_refused(Binance(http).poll("BTC", START), "binance")
    said = numbers(*bodies)
    for reading, field, value in told(heard):
        contracts = field == "open_interest_usd" and known(value / 100, said)
        percent = field == "rate_pct" and known(value / 100, said)
        assert known(value, said) or contracts or percent or field == "interval_hours", (reading, field)


def _or_404(answer: Any, request: httpx.Request) -> httpx.Response:
    try:
        return answer(request)
    except KeyError:
        return httpx.Response(404)

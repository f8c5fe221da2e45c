"""Bybit, on small replies of our own and on recorded ones."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.domain.chain import OptionChain
from bot.domain.readings import FundingRate, FutureQuote, Gap, SeriesReading, SpotQuote
from bot.errors import SourceChanged, SourceUnavailable
from bot.sources import bybit
from bot.sources._http import Http, Patience, Reply
from bot.sources._wire import to_ms
from bot.sources.bybit import Bybit
from tests.said import english, refused
from tests.sources.conftest import START, Ask, StillClock
from tests.sources.mutations import heard_or_refused, known, numbers, replies, told

NOW_MS = to_ms(START)
HOUR = NOW_MS // 3_600_000 * 3_600_000


def answer(rows: Sequence[dict[str, Any] | list[str]], **more: object) -> bytes:
    return json.dumps(
        {"retCode": 0, "retMsg": "OK", "result": {"list": rows}, "time": NOW_MS, **more}
    ).encode()


def ticker(symbol: str = "BTCUSDT", **more: object) -> dict[str, Any]:
    row = {"symbol": symbol, "markPrice": "89100.5", "indexPrice": "89050.25", "openInterest": "56399.8"}
    row |= {"singleOpenInterest": "28199.9", "fundingRate": "0.0000523", "fundingIntervalHour": "8"}
    return {**row, "deliveryTime": "0", "basisRate": "", **more}


def option(symbol: str = "BTC-27MAR26-90000-C-USDT", **more: object) -> dict[str, Any]:
    row = {
        "symbol": symbol,
        "markIv": "0.4896",
        "underlyingPrice": "90500",
        "openInterest": "20",
        "volume24h": "3.5",
    }
    return {**row, "bid1Price": "0", **more}


DATED = ticker("BTC-27MAR26", deliveryTime=str(to_ms(datetime(2026, 3, 27, 8, tzinfo=UTC))), fundingRate="")
LINEAR = answer([ticker(), ticker("ETHUSDT", openInterest="1"), DATED, ticker("BTCDOMUSDT")])
INVERSE = answer(
    [ticker("BTCUSD", openInterest="600000000", singleOpenInterest="300000000", indexPrice="89000.75")]
)
OPTIONS = answer([option(), option("BTC-27MAR26-90000-P", markIv="0.51", singleOpenInterest="7")])
PAID = answer(
    [{"fundingRate": "0.0002", "fundingRateTimestamp": str(NOW_MS - i * 14_400_000)} for i in range(3)]
)


LISTED = ("BTCUSDT", "BTC-27MAR26", "BTCUSD")


def listed(*symbols: str) -> bytes:
    return answer([{"symbol": one, "status": "Trading"} for one in symbols])


def venue(
    linear: bytes = LINEAR,
    inverse: bytes = INVERSE,
    options: bytes = OPTIONS,
    seen: list[str] | None = None,
    states: bytes = listed(*LISTED),
):
    def reply_to(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(str(request.url))
        if "funding/history" in request.url.path:
            return httpx.Response(200, content=PAID)
        if "index-price-kline" in request.url.path:
            return httpx.Response(200, content=answer([candle(0, "90000"), candle(1, "89000")]))
        if "open-interest" in request.url.path:
            return httpx.Response(200, content=answer(opened(request.url.params["symbol"])))
        if "instruments-info" in request.url.path:
            return httpx.Response(200, content=states)
        bodies = {"linear": linear, "inverse": inverse, "option": options}
        return httpx.Response(200, content=bodies[request.url.params["category"]])

    return reply_to


def candle(hours_ago: int, close: str) -> list[str]:
    """The index of the hour that ended so many hours ago."""
    return [str(HOUR - (hours_ago + 1) * 3_600_000), "1", "1", "1", close]


def opened(symbol: str) -> list[dict[str, str]]:
    """As recorded on 8 September 2026, the newest first: both sides, one of them, and a time as text."""
    both = {"BTCUSDT": 56_404.953, "BTC-27MAR26": 200.0, "BTCUSD": 360_000_000.0}[symbol]
    rows = [(HOUR, both), (HOUR - 3_600_000, both / 2), (HOUR - 7_200_000, both)]
    return [
        {"openInterest": f"{held:.8f}", "singleOpenInterest": f"{held / 2:.4f}", "timestamp": str(at)}
        for at, held in (rows[:1] if symbol == "BTC-27MAR26" else rows)
    ]


def reply(body: bytes) -> Reply:
    return Reply(subject="bybit", body=body, heard_at=START)


async def test_two_assets_are_six_requests(ask: Ask):
    seen: list[str] = []
    source = Bybit(ask(venue(seen=seen)))
    await source.poll("BTC", START)
    await source.poll("ETH", START)
    assert len(seen) == 6


async def test_a_contract_that_is_not_among_those_that_trade_is_a_gap_and_the_venue_has_no_open_interest(
    ask: Ask,
):
    heard = await Bybit(ask(venue(states=listed("BTCUSDT", "BTCUSD")))).poll("BTC", START)
    quotes = [one for one in heard.readings if isinstance(one, FutureQuote)]
    assert {one.instrument.symbol for one in quotes} == {"BTCUSDT", "BTCUSD"}
    assert {(one.open_interest_coin, one.open_interest_usd) for one in quotes} == {(None, None)}
    assert "bybit BTC-27MAR26: is not among the contracts that trade" in {
        english(gap.reason) for gap in heard.gaps
    }


async def test_a_contract_that_is_listed_with_another_word_is_a_gap_that_says_it(ask: Ask):
    states = answer(
        [{"symbol": "BTCUSDT", "status": "Delivering"}, {"symbol": "BTC-27MAR26", "status": "Trading"}]
    )
    heard = await Bybit(ask(venue(states=states))).poll("BTC", START)
    assert "bybit BTCUSDT: is 'Delivering'" in {english(gap.reason) for gap in heard.gaps}


async def test_a_contract_before_its_listing_is_left_out_and_no_gap(ask: Ask):
    linear = answer([ticker(), DATED, ticker("BTCPERP", curPreListingPhase="CallAuction")])
    heard = await Bybit(ask(venue(linear))).poll("BTC", START)
    quotes = {one.instrument.symbol: one for one in heard.readings if isinstance(one, FutureQuote)}
    assert set(quotes) == {"BTCUSDT", "BTC-27MAR26", "BTCUSD"}
    assert quotes["BTCUSDT"].open_interest_coin == 28_199.9
    assert heard.gaps == ()


async def test_a_contract_whose_expiry_came_is_no_halted_one(ask: Ask):
    over = ticker(
        "BTC-23JAN26", deliveryTime=str(to_ms(datetime(2026, 1, 23, 8, tzinfo=UTC))), fundingRate=""
    )
    heard = await Bybit(ask(venue(answer([ticker(), over])))).poll("BTC", START)
    assert heard.gaps == ()


@pytest.mark.parametrize(
    "states",
    [
        b"<html>",
        answer([]),
        listed("ETHUSDT", "ETHUSD"),
        answer([{"symbol": one} for one in LISTED]),
        json.dumps({"retCode": 10006, "retMsg": "too many", "time": NOW_MS}).encode(),
    ],
    ids=range(5),
)
async def test_where_the_list_of_those_that_trade_was_not_heard_tickers_speak_for_themselves(
    ask: Ask, states: bytes
):
    with capture_logs() as said:
        told = await Bybit(ask(venue(states=states))).poll("BTC", START)
    usual = await Bybit(ask(venue())).poll("BTC", START)
    unread = b"<html>" in states or b"10006" in states
    assert {one["venue"] for one in said if one["event"] == "states.unheard"} == (
        {"bybit"} if unread else set()
    )
    quotes = [[one for one in heard.readings if isinstance(one, FutureQuote)] for heard in (told, usual)]
    assert quotes[0] == quotes[1] != []
    assert told.gaps == ()


async def test_one_side_is_counted_in_coins_or_dollars_and_the_other_never(ask: Ask):
    heard = await Bybit(ask(venue())).poll("BTC", START)
    quotes = {one.instrument.symbol: one for one in heard.readings if isinstance(one, FutureQuote)}
    assert set(quotes) == {"BTCUSDT", "BTC-27MAR26", "BTCUSD"}
    assert (quotes["BTCUSDT"].open_interest_coin, quotes["BTCUSDT"].open_interest_usd) == (28_199.9, None)
    assert (quotes["BTCUSD"].open_interest_coin, quotes["BTCUSD"].open_interest_usd) == (None, 300_000_000)
    assert quotes["BTC-27MAR26"].instrument.expires_at == datetime(2026, 3, 27, 8, tzinfo=UTC)
    assert [one.index_usd for one in heard.readings if isinstance(one, SpotQuote)] == [89_000.75]


@pytest.mark.parametrize("single", [None, ""])
def test_where_only_both_sides_are_told_half_of_them_is_taken(single: str | None):
    [one, _] = bybit.parse_contracts(reply(answer([ticker(singleOpenInterest=single)])), "BTC", inverse=False)
    assert isinstance(one, FutureQuote)
    assert one.open_interest_coin == 28_199.9


def test_funding_without_an_interval_is_a_gap_and_not_taken_for_eight_hours():
    [_, gap] = bybit.parse_contracts(reply(answer([ticker(fundingIntervalHour="")])), "BTC", inverse=False)
    assert isinstance(gap, Gap)
    assert english(gap.reason) == "bybit BTCUSDT funding: its interval is not known"


def test_option_volatility_is_a_fraction_and_its_open_interest_of_one_side():
    [chain] = bybit.parse_options(reply(OPTIONS), "BTC")
    assert isinstance(chain, OptionChain)
    assert list(chain.mark_iv_pct) == pytest.approx([48.96, 51.0])
    assert list(chain.open_interest_coin) == [10, 7]
    assert list(chain.is_call) == [True, False]
    assert list(chain.strike_usd) == [90_000, 90_000]
    assert chain.expires_ms[0] == to_ms(datetime(2026, 3, 27, 8, tzinfo=UTC))


sides = st.sampled_from([None, "", "0", "-1", "7", "20", 3, "x", "1e15"])


@given(st.lists(st.tuples(sides, sides), min_size=1, max_size=6))
def test_the_open_interest_of_a_chain_is_that_of_its_rows_one_by_one(told: list[tuple[Any, Any]]):
    rows = [
        option(f"BTC-27MAR26-{90_000 + 1_000 * place}-C", singleOpenInterest=single, openInterest=both)
        for place, (single, both) in enumerate(told)
    ]

    def read(some: list[dict[str, Any]]) -> list[float | None]:
        chain = bybit.parse_options(reply(answer(some)), "BTC")[0]
        assert isinstance(chain, OptionChain)
        return [None if isnan(coins) else coins for coins in chain.open_interest_coin.tolist()]

    try:
        one_by_one = [read([row])[0] for row in rows]
    except SourceChanged:
        return  # a row that cannot be read is left out, which is another test's
    assert read(rows) == one_by_one


def test_contracts_that_have_expired_are_not_told():
    expired = ticker("BTC-23JAN26", deliveryTime=str(NOW_MS - 4 * 3_600_000), markPrice="")
    told = bybit.parse_contracts(reply(answer([ticker(), expired])), "BTC", inverse=False)
    assert [one.instrument.symbol for one in told if isinstance(one, FutureQuote)] == ["BTCUSDT"]
    assert not [one for one in told if isinstance(one, Gap)]
    [chain] = bybit.parse_options(
        reply(answer([option("BTC-23JAN26-90000-C"), option("BTC-27MAR26-95000-C")])), "BTC"
    )
    assert isinstance(chain, OptionChain)
    assert list(chain.strike_usd) == [95_000]


@pytest.mark.parametrize("code", [10000, 10006, 10016, 10018])
def test_trouble_that_passes_is_waited_for(code: int):
    body = json.dumps({"retCode": code, "retMsg": "x", "result": {}}).encode()
    with pytest.raises(SourceUnavailable):
        bybit.parse_contracts(reply(body), "BTC", inverse=False)


async def test_trouble_that_passes_is_known_though_it_comes_with_http_400(ask: Ask):
    body = json.dumps({"retCode": 10016, "retMsg": "x", "result": {}}).encode()
    with pytest.raises(SourceUnavailable):
        await Bybit(ask(lambda _: httpx.Response(400, content=body))).poll("BTC", START)


def test_an_option_without_a_volatility_keeps_its_row():
    [chain] = bybit.parse_options(reply(answer([option(markIv="0"), option("BTC-27MAR26-95000-C")])), "BTC")
    assert isinstance(chain, OptionChain)
    assert len(chain) == 2
    assert list(chain.mark_iv_pct)[1] == pytest.approx(48.96)
    assert not chain.mark_iv_pct[0] > 0


def test_a_refusal_with_http_200_is_no_reading():
    busy = json.dumps({"retCode": 10006, "retMsg": "Too many visits!", "result": {}}).encode()
    with refused(SourceUnavailable, match="error 10006 Too many visits!"):
        bybit.parse_contracts(reply(busy), "BTC", inverse=False)
    with refused(SourceChanged, match="error 10001"):
        bybit.parse_options(reply(busy.replace(b"10006", b"10001")), "BTC")


async def test_a_country_that_is_not_served_is_a_gap_of_this_venue(ask: Ask):
    with refused(SourceUnavailable, match="this place is not served"):
        await Bybit(ask(lambda _: httpx.Response(403))).poll("BTC", START)


async def test_where_the_inverse_contracts_are_not_heard_no_open_interest_is_told(ask: Ask):
    heard = await Bybit(ask(venue(inverse=b"<html>"))).poll("BTC", START)
    assert {one.open_interest_coin for one in heard.readings if isinstance(one, FutureQuote)} == {None}


async def test_paid_funding_is_for_eight_hours_whatever_its_interval(ask: Ask):
    [series, *_] = await Bybit(ask(venue())).backfill("BTC", START - timedelta(hours=24), START)
    assert isinstance(series, SeriesReading)
    assert (series.metric, series.interval_s) == ("funding_8h_pct", 14_400)
    assert list(series.value) == pytest.approx([0.04, 0.04])
    assert list(series.at_ms) == [NOW_MS - 14_400_000, NOW_MS]


async def test_past_open_interest_is_that_of_the_listed_contracts_at_the_index_of_the_time(ask: Ask):
    seen: list[str] = []
    source = Bybit(ask(venue(seen=seen)))
    told = await source.backfill("BTC", START - timedelta(hours=24), START)
    coins, dollars = (one for one in told if one.metric.startswith("open_interest"))
    # Linear contracts count coins, inverse ones dollars; both of one side. An hour without an index is left out.
    then, now = 56_404.953 / 4 + 90_000_000 / 89_000, 56_404.953 / 2 + 100 + 180_000_000 / 90_000
    assert list(coins.at_ms) == [HOUR - 3_600_000, HOUR]
    assert list(coins.value) == pytest.approx([then, now], rel=1e-6)
    assert list(dollars.value) == pytest.approx([then * 89_000, now * 90_000], rel=1e-6)
    assert coins.interval_s == 3_600
    assert sum("intervalTime=1h" in url for url in seen) == 3
    seen.clear()
    await source.backfill("BTC", START - timedelta(days=90), START - timedelta(days=60))
    assert sum("intervalTime=1d" in url for url in seen) == 3


def test_the_recorded_open_interest_is_of_one_side(shared: Path):
    body = (shared / "recordings" / "bybit" / "v5_open_interest_btcusdt_1h.json").read_bytes()
    times = [int(row["timestamp"]) for row in json.loads(body)["result"]["list"]]
    candles = answer([[str(at - 3_600_000), "1", "1", "1", "80000"] for at in times])
    heard_at = datetime.fromtimestamp(max(times) / 1000 + 60, UTC)
    told = bybit.parse_past_open_interest(
        {
            ("linear", "BTCUSDT"): [
                Reply(subject="bybit", body=body, heard_at=heard_at, tolerance=timedelta.max)
            ]
        },
        [Reply(subject="bybit", body=candles, heard_at=heard_at, tolerance=timedelta.max)],
        "BTC",
        timedelta(hours=1),
    )
    coins = told[0]
    assert isinstance(coins, SeriesReading)
    assert coins.value[-1] == 28_202.477


def test_the_recorded_ticker_counts_28_199_912_bitcoin_on_one_side(shared: Path):
    body = (shared / "recordings" / "bybit" / "v5_tickers_linear_btcusdt.json").read_bytes()
    assert json.loads(body)["time"] == 1_788_909_273_627
    heard_at = datetime.fromtimestamp(1_788_909_274, UTC)
    one, funding = bybit.parse_contracts(
        Reply(subject="bybit", body=body, heard_at=heard_at), "BTC", inverse=False
    )
    assert isinstance(one, FutureQuote)
    assert isinstance(funding, FundingRate)
    assert one.open_interest_coin == 28_199.912
    assert (one.mark_usd, one.index_usd) == (78_472.44, 78_505.77)
    assert one.instrument.kind == "perpetual"
    assert funding.rate_pct == pytest.approx(0.00523)
    assert funding.interval_hours == 8


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(replies(LINEAR, INVERSE, OPTIONS))
async def test_a_broken_reply_never_ends_in_a_number_that_was_not_told(bodies: tuple[bytes, ...]):
    clock = StillClock()
    linear, inverse, options = bodies
    transport = httpx.MockTransport(venue(linear, inverse, options))
    async with Http(
        now=clock.now, sleep=clock.sleep, transport=transport, patience=Patience(attempts=1)
    ) as http:
        heard = await heard_or_refused(Bybit(http).poll("BTC", START), "bybit")
    said = numbers(*bodies) | {90_000.0}
    for reading, field, value in told(heard):
        halved = field.startswith("open_interest") and known(value * 2, said)
        percent = field in {"rate_pct", "mark_iv_pct"} and known(value / 100, said)
        assert known(value, said) or halved or percent, (reading, field)

"""Every venue and vendor on the tape tells the same market in its own units: read back by each one's
documents."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from bot.domain.readings import FutureQuote
from bot.sources import available
from bot.sources._http import Http
from bot.sources._tape import VENUES, Tape, TapeTransport, parse
from bot.sources._tape_wire._parts import NAMELESS, write_alike

FOLDER = Path(__file__).resolve().parents[2] / "config" / "tapes" / "february-2026"
AFTERNOON = datetime(2026, 2, 6, 14, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 7, tzinfo=UTC)
PRICES = {"BTC": 67_820.0, "ETH": 67_820 * 0.03}
ETHER_COINS = 13_202_820.25  # as its own wave has them at that hour
COINS = {"BTC": 527_850.0, "ETH": ETHER_COINS}
TRADING = ("deribit", "binance", "okx", "bybit", "gate", "bitget", "hyperliquid", "kraken")
ALL = (*TRADING, "coinglass", "coinalyze", "fred")


class Row(msgspec.Struct):
    symbol: str
    held: float


@cache
def tape() -> Tape:
    return parse({path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()})


@cache
def transport(now: datetime) -> TapeTransport:
    return TapeTransport(tape(), lambda: now, venues=ALL)


def raw(url: str, now: datetime = AFTERNOON, body: object = None, **params: Any) -> httpx.Response:
    content = json.dumps(body).encode() if body else None
    asked = {name.rstrip("_"): str(value) for name, value in params.items()}
    request = httpx.Request("POST" if body else "GET", url, params=asked, content=content)
    task = transport(now).handle_async_request(request)
    try:
        task.send(None)
    except StopIteration as done:
        response: httpx.Response = done.value
        return response
    raise AssertionError("the tape waited for something")


def get(url: str, now: datetime = AFTERNOON, body: object = None, **params: Any) -> Any:
    response = raw(url, now, body, **params)
    assert response.status_code == 200, response.content
    return json.loads(response.content)


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def okx(path: str, **params: Any) -> Any:
    reply = get(f"https://www.okx.com/api/v5/{path}", **params)
    assert reply["code"] == "0"
    return reply["data"]


def bybit(path: str, **params: Any) -> Any:
    reply = get(f"https://api.bybit.com/v5/market/{path}", **params)
    assert (reply["retCode"], reply["time"]) == (0, ms(AFTERNOON))
    return reply["result"]["list"]


def coins_at_deribit(asset: str) -> float:
    url = "https://www.deribit.com/api/v2/public/get_book_summary_by_currency"
    rows = get(url, currency=asset, kind="future")["result"]
    return sum(row["open_interest"] for row in rows) / PRICES[asset]


def coins_at_binance(asset: str) -> float:
    linear, inverse = "https://fapi.binance.com/fapi/v1", "https://dapi.binance.com/dapi/v1"
    symbols = [row["symbol"] for row in get(f"{linear}/exchangeInfo")["symbols"] if row["baseAsset"] == asset]
    coins = sum(float(get(f"{linear}/openInterest", symbol=symbol)["openInterest"]) for symbol in symbols)
    for row in get(f"{inverse}/exchangeInfo")["symbols"]:
        if row["baseAsset"] == asset:
            size = int(get(f"{inverse}/openInterest", symbol=row["symbol"])["openInterest"])
            coins += size * row["contractSize"] / PRICES[asset]
    return coins


def coins_at_okx(asset: str) -> float:
    coins = 0.0
    for kind in ("SWAP", "FUTURES"):
        sizes = {row["instId"]: row for row in okx("public/instruments", instType=kind)}
        for row in okx("public/open-interest", instType=kind):
            listed = sizes[row["instId"]]
            if row["instId"].startswith(f"{asset}-"):
                amount = float(row["oi"]) * float(listed["ctVal"]) * float(listed["ctMult"])
                own = amount / PRICES[asset] if listed["ctType"] == "inverse" else amount
                assert float(row["oiCcy"]) == pytest.approx(own)
                assert float(row["oiUsd"]) == pytest.approx(own * PRICES[asset])
                coins += own
    return coins


def coins_at_bybit(asset: str) -> float:
    coins = 0.0
    for category in ("linear", "inverse"):
        for row in bybit("tickers", category=category, baseCoin=asset):
            assert float(row["openInterest"]) == 2 * float(row["singleOpenInterest"])
            one = float(row["singleOpenInterest"])
            coins += one if category == "linear" else one / PRICES[asset]
    return coins


def coins_at_hyperliquid(asset: str) -> float:
    meta, contexts = get("https://api.hyperliquid.xyz/info", body={"type": "metaAndAssetCtxs"})
    number = [row["name"] for row in meta["universe"]].index(asset)
    return float(contexts[number]["openInterest"])


def coins_at_kraken(asset: str) -> float:
    currency = {"BTC": "XBT"}.get(asset, asset)
    coins = 0.0
    for row in get("https://futures.kraken.com/derivatives/api/v3/tickers")["tickers"]:
        if row["pair"] == f"{currency}:USD":
            linear = row["symbol"].startswith("PF_")
            coins += row["openInterest"] if linear else row["openInterest"] / PRICES[asset]
    return coins


def coins_at_gate(asset: str) -> float:
    url = "https://api.gateio.ws/api/v4/futures/usdt"
    row = get(f"{url}/contracts/{asset}_USDT")
    [ticker] = get(f"{url}/tickers", contract=f"{asset}_USDT")
    assert float(ticker["total_size"]) == 2 * row["position_size"]
    return float(row["position_size"]) * float(row["quanto_multiplier"])


def coins_at_bitget(asset: str) -> float:
    coins = 0.0
    for product in ("USDT-FUTURES", "COIN-FUTURES"):
        reply = get("https://api.bitget.com/api/v2/mix/market/tickers", productType=product)
        assert (reply["code"], reply["requestTime"]) == ("00000", ms(AFTERNOON))
        coins += sum(
            float(row["holdingAmount"]) / 2 for row in reply["data"] if row["symbol"].startswith(asset)
        )
    return coins


READ: dict[str, Callable[[str], float]] = {
    "deribit": coins_at_deribit,
    "binance": coins_at_binance,
    "okx": coins_at_okx,
    "bybit": coins_at_bybit,
    "hyperliquid": coins_at_hyperliquid,
    "kraken": coins_at_kraken,
    "gate": coins_at_gate,
    "bitget": coins_at_bitget,
}


def test_every_venue_of_the_shares_is_on_the_tape() -> None:
    assert {name for name, _ in VENUES.values()} == set(ALL)
    assert set(tape().shares) == set(TRADING) - {"deribit"}


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
def test_the_coins_of_all_venues_add_up_to_the_stated_ones(asset: str) -> None:
    told = {venue: read(asset) for venue, read in READ.items()}
    # One contract of 100 dollars is 0.0015 bitcoin or 0.05 ether, and there are two dozen of them.
    assert sum(told.values()) == pytest.approx(COINS[asset], abs=0.02 if asset == "BTC" else 0.5)
    for venue, share in tape().shares.items():
        if venue not in tape().assets[asset].absent:
            assert told[venue] / COINS[asset] == pytest.approx(share, abs=1e-5)


def test_funding_is_one_rate_in_everybodys_own_unit() -> None:
    eight_hours = -0.0105 / 100
    linear = get("https://fapi.binance.com/fapi/v1/premiumIndex", symbol="BTCUSDT")
    assert float(linear["lastFundingRate"]) == pytest.approx(eight_hours)
    assert float(okx("public/funding-rate", instId="BTC-USDT-SWAP")[0]["fundingRate"]) == pytest.approx(
        eight_hours
    )
    assert float(bybit("tickers", category="inverse", symbol="BTCUSD")[0]["fundingRate"]) == pytest.approx(
        eight_hours
    )
    _, contexts = get("https://api.hyperliquid.xyz/info", body={"type": "metaAndAssetCtxs"})
    assert float(contexts[0]["funding"]) * 8 == pytest.approx(eight_hours, rel=1e-4)
    tickers = {
        row["symbol"]: row for row in get("https://futures.kraken.com/derivatives/api/v3/tickers")["tickers"]
    }
    assert tickers["PF_XBTUSD"]["fundingRate"] / 67_820 * 8 == pytest.approx(eight_hours)
    assert tickers["PI_XBTUSD"]["fundingRate"] * 67_820 * 8 == pytest.approx(eight_hours)
    at_gate = get("https://api.gateio.ws/api/v4/futures/usdt/contracts/BTC_USDT")
    assert float(at_gate["funding_rate"]) == pytest.approx(eight_hours * at_gate["funding_interval"] / 28_800)
    rates = get("https://api.bitget.com/api/v2/mix/market/current-fund-rate", productType="COIN-FUTURES")
    assert {row["symbol"] for row in rates["data"]} == {"BTCUSD", "ETHUSD"}
    of_bitcoin, of_ether = (float(row["fundingRate"]) for row in rates["data"])
    assert of_bitcoin == pytest.approx(eight_hours)
    assert of_ether != pytest.approx(eight_hours, rel=0.05)


def test_quarterly_futures_have_no_funding_and_lie_on_the_stated_basis() -> None:
    rows = [
        row
        for row in get("https://dapi.binance.com/dapi/v1/premiumIndex", pair="BTCUSD")
        if "PERP" not in row["symbol"]
    ]
    assert [(row["lastFundingRate"], row["nextFundingTime"]) for row in rows] == [("", 0)] * 2
    rates = []
    for row in rows:
        expiry = datetime.strptime(row["symbol"][-6:] + "08 +0000", "%y%m%d%H %z")
        days = (expiry - AFTERNOON) / timedelta(days=1)
        rates.append((days, (float(row["markPrice"]) / float(row["indexPrice"]) - 1) * 365 / days * 100))
    (near, near_rate), (far, far_rate) = rates
    sixty = near_rate + (far_rate - near_rate) * (60 - near) / (far - near)
    assert sixty == pytest.approx(2, abs=0.01)


def test_options_of_other_venues_have_the_same_volatilities_in_their_own_unit() -> None:
    url = "https://www.deribit.com/api/v2/public/get_book_summary_by_currency"
    ours = {row["instrument_name"]: row for row in get(url, currency="BTC", kind="option")["result"]}
    one = ours["BTC-27MAR26-70000-P"]
    summary = {row["instId"]: row for row in okx("public/opt-summary", uly="BTC-USD")}
    assert float(summary["BTC-USD-260327-70000-P"]["markVol"]) * 100 == pytest.approx(one["mark_iv"])
    assert float(summary["BTC-USD-260327-70000-P"]["fwdPx"]) == pytest.approx(one["underlying_price"])
    tickers = {row["symbol"]: row for row in bybit("tickers", category="option", baseCoin="BTC")}
    theirs = tickers["BTC-27MAR26-70000-P-USDT"]
    assert float(theirs["markIv"]) * 100 == pytest.approx(one["mark_iv"])
    sizes = {
        row["instId"]: float(row["ctVal"]) * float(row["ctMult"])
        for row in okx("public/instruments", instType="OPTION")
    }
    interest = okx("public/open-interest", instType="OPTION", instFamily="BTC-USD")
    held = (
        sum(row["open_interest"] for row in ours.values()),
        sum(float(row["openInterest"]) for row in tickers.values()),
        sum(float(row["oi"]) * sizes[row["instId"]] for row in interest),
    )
    assert sum(held) == pytest.approx(296_700, rel=1e-4)


def test_liquidations_of_five_days_are_the_published_sum() -> None:
    since = MIDNIGHT - timedelta(days=5)
    rows = get(
        "https://open-api-v4.coinglass.com/api/futures/liquidation/aggregated-history",
        MIDNIGHT,
        symbol="BTC",
        interval="4h",
        start_time=ms(since),
        end_time=ms(MIDNIGHT),
    )
    assert rows["code"] == "0"
    assert sum(row["aggregated_long_liquidation_usd"] for row in rows["data"]) == pytest.approx(1.8e9)
    first, *_ = rows["data"]
    assert first["time"] == ms(since)
    told = get(
        "https://api.coinalyze.net/v1/liquidation-history",
        MIDNIGHT,
        symbols=",".join(f"BTC{quote}_PERP.{code}" for code in "A63HK2" for quote in ("USDT", "USD")),
        interval="daily",
        from_=ms(since) // 1000,
        to=ms(MIDNIGHT) // 1000,
        convert_to_usd="true",
    )
    listed = 1 - tape().shares["gate"] - tape().shares["bitget"]  # which this vendor does not tell of
    assert sum(day["l"] for market in told for day in market["history"]) == pytest.approx(1.8e9 * listed)


def test_a_vendor_counts_open_interest_in_coins_here_and_in_dollars_there() -> None:
    url = "https://open-api-v4.coinglass.com/api/futures/open-interest"
    asked = {"symbol": "BTC", "interval": "4h", "limit": 3}
    total = get(f"{url}/aggregated-history", MIDNIGHT, **asked)["data"][-1]["close"]
    coins = get(f"{url}/aggregated-stablecoin-history", MIDNIGHT, **asked)["data"][-1]["close"]
    dollars = get(f"{url}/aggregated-coin-margin-history", MIDNIGHT, **asked)["data"][-1]["close"]
    assert total == pytest.approx(527_850 * 71_500)
    assert coins * 71_500 + dollars == pytest.approx(total)
    everybody, *venues = get(f"{url}/exchange-list", MIDNIGHT, symbol="BTC")["data"]
    assert everybody["exchange"] == "All"
    assert sum(row["open_interest_usd"] for row in venues) == pytest.approx(everybody["open_interest_usd"])


@pytest.mark.parametrize(
    ("url", "params", "read"),
    [
        (
            "https://fapi.binance.com/futures/data/openInterestHist",
            {"symbol": "BTCUSDT", "period": "1d", "limit": 30},
            lambda rows: [(row["timestamp"], float(row["sumOpenInterest"]) / (0.31 * 0.9)) for row in rows],
        ),
        (
            "https://api.bybit.com/v5/market/open-interest",
            {"category": "linear", "symbol": "BTCUSDT", "intervalTime": "1d", "limit": 30},
            lambda reply: [
                (int(row["timestamp"]), float(row["singleOpenInterest"]) / (0.18 * 0.85 * 0.85))
                for row in reply["result"]["list"][::-1]
            ],
        ),
    ],
)
def test_histories_of_open_interest_are_the_tapes_own_days(
    url: str, params: dict[str, Any], read: Callable[[Any], list[tuple[int, float]]]
) -> None:
    told = read(get(url, MIDNIGHT, **params))
    assert len(told) == 30
    assert told[-1][0] == ms(MIDNIGHT)
    assert told[-1][1] == pytest.approx(527_850, rel=1e-5)
    days = {day.day: day.open_interest_coin for day in tape().lead_in}
    for at_ms, coins in told[:15]:
        day = (datetime.fromtimestamp(at_ms / 1000, UTC) - timedelta(days=1)).date()
        assert coins == pytest.approx(days[day], rel=1e-5)


def test_a_page_is_cut_at_the_limit_and_by_the_times() -> None:
    url = "https://fapi.binance.com/fapi/v1/fundingRate"
    rows = get(url, symbol="BTCUSDT", startTime=ms(AFTERNOON - timedelta(days=10)), limit=4)
    assert [row["fundingTime"] for row in rows] == [
        ms(datetime(2026, 1, 27, 16, tzinfo=UTC) + number * timedelta(hours=8)) for number in range(4)
    ]
    newest = okx("public/funding-rate-history", instId="BTC-USDT-SWAP", limit=2)
    assert [int(row["fundingTime"]) for row in newest] == [
        ms(AFTERNOON.replace(hour=8)),
        ms(AFTERNOON.replace(hour=0)),
    ]


def test_gold_and_the_nasdaq_are_told_by_day() -> None:
    gold = get("https://api.binance.com/api/v3/klines", symbol="PAXGUSDT", interval="1d", limit=2)
    assert float(gold[0][4]) == pytest.approx(4850, abs=1)
    lines = raw("https://fred.stlouisfed.org/graph/fredgraph.csv", id="NASDAQ100").text.splitlines()
    assert lines[0] == "observation_date,NASDAQ100"
    assert lines[-1] == "2026-02-05,24550.00"
    assert "2025-12-25," in lines
    assert not any(line.startswith(("2026-01-31", "2026-02-01")) for line in lines)


@pytest.mark.parametrize(
    ("url", "params", "said"),
    [
        ("https://fapi.binance.com/fapi/v1/openInterest", {"symbol": "XYZUSDT"}, b"-1121"),
        ("https://www.okx.com/api/v5/public/funding-rate", {"instId": "XYZ-USDT-SWAP"}, b'"51000"'),
        ("https://api.bybit.com/v5/market/tickers", {"category": "linear", "symbol": "XYZ"}, b"10001"),
        (
            "https://open-api-v4.coinglass.com/api/futures/liquidation/aggregated-history",
            {"symbol": "XYZ"},
            b'"400"',
        ),
        ("https://futures.kraken.com/derivatives/api/v3/other", {}, b"notFound"),
        ("https://api.gateio.ws/api/v4/futures/usdt/contracts/XYZ_USDT", {}, b"CONTRACT_NOT_FOUND"),
        ("https://api.gateio.ws/api/v4/futures/usdt/other", {}, b"NOT_FOUND"),
        ("https://api.bitget.com/api/v2/mix/market/tickers", {"productType": "XYZ"}, b'"40034"'),
        ("https://api.coinalyze.net/v1/other", {}, b"Not Found"),
        ("https://fred.stlouisfed.org/graph/fredgraph.csv", {"id": "OTHER"}, b"Not Found"),
    ],
)
def test_what_is_not_there_is_refused_in_the_venues_own_way(
    url: str, params: dict[str, Any], said: bytes
) -> None:
    assert said in raw(url, **params).content


def test_every_reply_carries_the_servers_time() -> None:
    for host in VENUES:
        assert raw(f"https://{host}/").headers["date"] == "Fri, 06 Feb 2026 14:00:00 GMT"


@pytest.mark.parametrize("asset", ["BTC", "ETH"])
async def test_the_sources_for_live_data_hear_all_of_it(asset: str) -> None:
    coins = 0.0
    async with Http(now=lambda: AFTERNOON, transport=transport(AFTERNOON)) as http:
        for name, source in available().items():
            if name in tape().assets[asset].absent or name not in ALL:
                continue
            heard = await source(http, key="k").poll(asset, AFTERNOON)
            assert heard.gaps == (), name
            for reading in heard.readings:
                if isinstance(reading, FutureQuote) and reading.open_interest_coin is not None:
                    coins += reading.open_interest_coin
                elif isinstance(reading, FutureQuote) and reading.open_interest_usd is not None:
                    coins += reading.open_interest_usd / reading.index_usd
    assert coins == pytest.approx(COINS[asset], rel=1e-7)


def bars_of(kind: str, now: datetime = MIDNIGHT, **params: Any) -> list[list[Any]]:
    asked = {"pair": "BTCUSD", "interval": "1h", "limit": 1500, **params}
    if kind != "index":
        asked["contractType"] = kind
    path = "indexPriceKlines" if kind == "index" else "continuousKlines"
    found: list[list[Any]] = get(f"https://dapi.binance.com/dapi/v1/{path}", now, **asked)
    return found


def test_quarterly_bars_stand_over_the_index_by_the_basis_and_say_where_nothing_was_traded() -> None:
    since = datetime(2025, 6, 1, tzinfo=UTC)
    until = since + timedelta(days=60)
    index = {row[0]: float(row[4]) for row in bars_of("index", startTime=ms(since), endTime=ms(until))}
    silent = 0
    for kind, expiries in (
        ("CURRENT_QUARTER", (datetime(2025, 6, 27, 8, tzinfo=UTC), datetime(2025, 9, 26, 8, tzinfo=UTC))),
        ("NEXT_QUARTER", (datetime(2025, 9, 26, 8, tzinfo=UTC), datetime(2025, 12, 26, 8, tzinfo=UTC))),
    ):
        rows = bars_of(kind, startTime=ms(since), endTime=ms(until))
        assert len(rows) == len(index) == 60 * 24 + 1
        for row in rows:
            assert len(row) == 12
            if float(row[5]) == 0:
                silent += 1
                continue
            expiry = expiries[
                row[0] >= ms(expiries[0])
                if kind == "CURRENT_QUARTER"
                else row[0] >= ms(datetime(2025, 6, 27, 8, tzinfo=UTC))
            ]
            days = (ms(expiry) - row[0] - 3_600_000) / 86_400_000
            if days > 1:
                assert 3 < (float(row[4]) / index[row[0]] - 1) * 365 / days * 100 < 9
    assert silent > 300


def test_what_binance_would_refuse_of_the_past_is_refused() -> None:
    year = {"startTime": ms(MIDNIGHT - timedelta(days=300)), "endTime": ms(MIDNIGHT)}
    for params, code in (
        ({"pair": "BTCUSD", "contractType": "NEXT_YEAR", "interval": "1h"}, -1128),
        ({"pair": "DOGEUSD", "contractType": "NEXT_QUARTER", "interval": "1h"}, -1121),
        ({"pair": "BTCUSD", "contractType": "NEXT_QUARTER", "interval": "x"}, -1120),
        ({"pair": "BTCUSD", "contractType": "NEXT_QUARTER", "interval": "1h", **year}, -4144),
    ):
        reply = raw("https://dapi.binance.com/dapi/v1/continuousKlines", MIDNIGHT, **params)
        assert (reply.status_code, reply.json()["code"]) == (400, code)


def trades(method: str, now: datetime = MIDNIGHT, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = get(f"https://history.deribit.com/api/v2/public/{method}", now, **params)[
        "result"
    ]
    return found


def test_past_trades_in_options_carry_the_volatility_of_their_hour() -> None:
    since, until = ms(MIDNIGHT - timedelta(days=100)), ms(MIDNIGHT - timedelta(days=99))
    asked: dict[str, Any] = {
        "currency": "BTC",
        "kind": "option",
        "start_timestamp": since,
        "end_timestamp": until,
    }
    told = trades("get_last_trades_by_currency_and_time", count=10_000, **asked)
    rows = told["trades"]
    assert not told["has_more"]
    assert len(rows) == 289
    assert [row["timestamp"] for row in rows] == sorted((row["timestamp"] for row in rows), reverse=True)
    assert all(since <= row["timestamp"] <= until for row in rows)
    plain = [row for row in rows if "block_trade_id" not in row]
    assert 0 < len(rows) - len(plain) < 12
    assert all(20 < row["iv"] < 80 and row["mark_price"] > 0 for row in plain)
    few = trades("get_last_trades_by_currency_and_time", count=5, **asked)
    assert few["has_more"]
    assert few["trades"] == rows[:5]
    assert (
        trades("get_last_trades_by_currency_and_time", count=5, sorting="asc", **asked)["trades"]
        == rows[:5][::-1]
    )


def test_past_trades_in_an_expired_future_end_with_it() -> None:
    expiry = datetime(2025, 8, 29, 8, tzinfo=UTC)
    asked: dict[str, Any] = {"instrument_name": "BTC-29AUG25", "count": 1000, "sorting": "asc"}
    told = trades(
        "get_last_trades_by_instrument_and_time",
        start_timestamp=ms(expiry - timedelta(days=20)),
        end_timestamp=ms(expiry + timedelta(days=20)),
        **asked,
    )
    times = [row["timestamp"] for row in told["trades"]]
    assert times[-1] < ms(expiry)
    first = told["trades"][0]
    assert (
        2
        < (first["price"] / first["index_price"] - 1) * 365 / ((ms(expiry) - times[0]) / 86_400_000) * 100
        < 10
    )


def test_okx_tells_the_open_interest_of_each_contract_by_the_hour_newest_first() -> None:
    url = "https://www.okx.com/api/v5/rubik/stat/contracts/open-interest-history"
    swap = get(url, MIDNIGHT, instId="BTC-USDT-SWAP", period="1H", limit=100)["data"]
    assert len(swap) == 100
    starts = [int(row[0]) for row in swap]
    assert starts == sorted(starts, reverse=True)
    start, size, coins, usd = (float(cell) for cell in swap[0])
    assert start == ms(MIDNIGHT - timedelta(hours=1))
    assert size * 0.01 == pytest.approx(coins, rel=1e-6)
    assert usd / coins == pytest.approx(71_500, rel=1e-6)
    older = get(url, MIDNIGHT, instId="BTC-USD-SWAP", period="1D", end=starts[-1])["data"]
    assert all(int(row[0]) < starts[-1] for row in older)
    assert get(url, MIDNIGHT, instId="BTC-USD-SWAP", period="2x")["code"] == "51000"


def test_rows_that_differ_by_their_name_are_written_as_if_each_were_written_alone() -> None:
    names = ("BTC-27MAR26-90000-C", "BTC-27MAR26-90000-P")
    alike = write_alike(Row(symbol=f"{NAMELESS}-USDT", held=0.0), names)
    alone = [Row(symbol=f"{name}-USDT", held=0.0) for name in names]
    before, after = Row(symbol="first", held=1.0), Row(symbol="last", held=2.0)
    assert msgspec.json.encode([before, alike, after]) == msgspec.json.encode([before, *alone, after])

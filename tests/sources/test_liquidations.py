"""How venues spell a liquidation: side and notional, worked out by hand."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings

from bot.errors import SourceChanged, SourceError
from bot.sources._http import Reply
from bot.sources._liquidations import (
    binance_streams,
    bybit_streams,
    read_binance,
    read_bybit,
    read_deribit,
    read_okx,
)
from bot.sources._wire import utc
from bot.sources._ws import Forced
from bot.sources.okx import parse_sizes
from tests.said import refused
from tests.sources.mutations import replies

AT_MS = 1_769_171_400_000
SIZES = {"BTC-USDT-SWAP": (0.01, False), "BTC-USD-SWAP": (100.0, True)}


def binance(symbol: str = "BTCUSDT", **more: object) -> bytes:
    order = {
        "s": symbol,
        "S": "SELL",
        "q": "0.5",
        "p": "88000",
        "ap": "89000",
        "X": "FILLED",
        "z": "0.4",
        "T": AT_MS,
    }
    return json.dumps({"e": "forceOrder", "E": AT_MS + 5, "o": {**order, **more}}).encode()


def bybit(symbol: str = "BTCUSDT", side: str = "Buy", size: str = "0.4") -> bytes:
    row = {"T": AT_MS, "s": symbol, "S": side, "v": size, "p": "89000"}
    return json.dumps(
        {"topic": f"allLiquidation.{symbol}", "type": "snapshot", "ts": AT_MS, "data": [row]}
    ).encode()


def deribit(closed: str | None = "T", name: str = "BTC-PERPETUAL", direction: str = "sell") -> bytes:
    trade = {
        "trade_id": "7",
        "timestamp": AT_MS,
        "instrument_name": name,
        "direction": direction,
        "price": 89000.0,
    }
    trade |= {"amount": 1120} if closed is None else {"amount": 1120, "liquidation": closed}
    params = {"channel": "trades.future.BTC.100ms", "data": [trade]}
    return json.dumps({"jsonrpc": "2.0", "method": "subscription", "params": params}).encode()


def okx(name: str = "BTC-USDT-SWAP", side: str = "sell") -> bytes:
    detail = {"bkLoss": "0", "bkPx": "89000", "posSide": "long", "side": side, "sz": "40", "ts": str(AT_MS)}
    row = {"instId": name, "instType": "SWAP", "details": [detail]}
    return json.dumps({"arg": {"channel": "liquidation-orders", "instType": "SWAP"}, "data": [row]}).encode()


@pytest.mark.parametrize(
    ("told", "asset", "long", "usd"),
    [
        (read_binance(binance()), "BTC", True, 35_600),  # 0.4 × 89,000
        (read_binance(binance(S="BUY")), "BTC", False, 35_600),
        (read_binance(binance("BTCUSD_PERP", z="12")), "BTC", True, 1_200),  # contracts of 100 USD
        (read_binance(binance("ETHUSD_260327", z="12")), "ETH", True, 120),  # contracts of 10 USD
        (read_bybit(bybit()), "BTC", True, 35_600),  # the position's own side
        (read_bybit(bybit(side="Sell")), "BTC", False, 35_600),
        (read_bybit(bybit("BTCUSD", size="5000")), "BTC", True, 5_000),  # inverse: dollars
        (read_okx(okx(), SIZES), "BTC", True, 35_600),  # 40 × 0.01 × 89,000
        (read_okx(okx(side="buy"), SIZES), "BTC", False, 35_600),
        (read_okx(okx("BTC-USD-SWAP"), SIZES), "BTC", True, 4_000),  # 40 × 100 USD
        (read_deribit(deribit()), "BTC", True, 1_120),  # a closed taker who sold was long
        (read_deribit(deribit("M")), "BTC", False, 1_120),  # its maker bought, hence was short
        (read_deribit(deribit("M", direction="buy")), "BTC", True, 1_120),
        (read_deribit(deribit(name="SOL_USDC-PERPETUAL")), "SOL", True, 99_680_000),  # linear: 1,120 × 89,000
    ],
)
def test_a_liquidation_is_its_asset_its_side_and_its_notional(told, asset: str, long: bool, usd: float):
    [one] = told
    assert (one.asset, one.long, one.at) == (asset, long, utc(AT_MS))
    assert one.usd == pytest.approx(usd)


@pytest.mark.parametrize(
    "told",
    [
        read_binance(b'{"result":null,"id":1}'),
        read_binance(binance("BTCUSDT", ap="0")),
        read_binance(binance("BTCUSDT", S="HOLD")),
        read_bybit(b'{"success":true,"ret_msg":"pong","op":"ping"}'),
        read_deribit(deribit(None)),
        read_deribit(b'{"jsonrpc":"2.0","id":1,"result":["trades.future.BTC.100ms"]}'),
        read_okx(b"pong", SIZES),
        read_okx(b'{"event":"subscribe","arg":{"channel":"liquidation-orders"}}', SIZES),
        read_okx(okx("GRASS-USDT-SWAP"), SIZES),
    ],
)
def test_a_greeting_a_pong_and_what_cannot_be_counted_are_no_liquidation(told):
    assert told == []


def test_a_trade_between_two_closed_positions_counts_on_both_sides():
    assert [(one.long, one.usd) for one in read_deribit(deribit("MT"))] == [(True, 1_120), (False, 1_120)]


def test_the_recorded_trades_of_deribit_closed_two_longs(shared: Path):
    messages = json.loads((shared / "recordings" / "deribit" / "ws_messages.json").read_text())
    trades = [one for one in messages if one.get("params", {}).get("channel", "").startswith("trades.")]
    told = [forced for one in trades for forced in read_deribit(json.dumps(one).encode())]
    assert [(one.asset, one.long, one.usd) for one in told] == [("BTC", True, 1_120), ("BTC", True, 2_500)]


def test_a_message_of_another_shape_is_a_change():
    with refused(SourceChanged, match="binance liquidations"):
        read_binance(b'{"o":{"s":1}}')


def test_bybit_is_asked_for_the_assets_by_name():
    linear, inverse = bybit_streams(["BTC", "ETH"])
    asked = [json.loads(words) for words in linear.greet]
    assert {one["op"] for one in asked} == {"subscribe"}
    assert [one["args"] for one in asked][:2] == [["allLiquidation.BTCUSDT"], ["allLiquidation.ETHUSDT"]]
    assert "allLiquidation.BTCUSD" in inverse.greet[0]


def test_binance_is_asked_at_the_paths_that_push_and_either_host_is_enough():
    usd_m, coin_m = binance_streams()
    assert usd_m.url == "wss://fstream.binance.com/market/ws/!forceOrder@arr"
    assert coin_m.url == "wss://dstream.binance.com/market/ws/!forceOrder@arr"
    assert usd_m.carries == coin_m.carries != ""


def test_an_order_of_binance_that_fills_in_parts_is_one_by_its_own_terms():
    partly, wholly = binance(X="PARTIALLY_FILLED", z="0.1", T=AT_MS - 400), binance()
    [first], [last] = read_binance(partly), read_binance(wholly)
    assert first.key == last.key
    assert (first.final, last.final) == (False, True)
    assert first.grows
    assert [first.usd, last.usd] == pytest.approx([8_900, 35_600])
    [another] = read_binance(binance(q="0.6"))
    assert another.key != last.key


def test_the_recorded_order_of_binance_bought_back_a_short(shared: Path):
    messages = json.loads((shared / "recordings" / "binance" / "ws_futures.json").read_text())
    [recorded] = [message["data"] for message in messages if message["stream"].endswith("@forceOrder")]
    [one] = read_binance(json.dumps(recorded).encode())
    assert (one.asset, one.long) == ("BTC", False)
    assert one.usd == pytest.approx(65.88456)  # 0.014 × 4,706.04


def test_the_recorded_liquidation_of_okx_with_the_size_of_its_recorded_contract(shared: Path):
    folder = shared / "recordings" / "okx"
    listed = parse_sizes(
        Reply(subject="okx", body=(folder / "instruments_swap_2022.json").read_bytes(), heard_at=utc(AT_MS))
    )
    names = ("BTC-USDT-SWAP", "BTC-USD-SWAP", "ETH-USD-SWAP")
    assert [listed[name] for name in names] == [(0.01, False), (100.0, True), (10.0, True)]
    [message] = json.loads((folder / "ws_liquidation_orders_swap.json").read_text())
    [one] = read_okx(json.dumps(message).encode(), {"GRASS-USDT-SWAP": (10.0, False)})
    assert (one.asset, one.long) == ("GRASS", True)
    assert one.usd == pytest.approx(2_300.428)  # 338 × 10 × 0.6806


@settings(max_examples=100, deadline=None)
@given(replies(binance(), bybit(), okx(), deribit()))
def test_a_broken_message_is_a_refusal_or_a_liquidation_of_a_positive_size(bodies: tuple[bytes, ...]):
    order, push, swaps, trades = bodies
    readers: list[tuple[Callable[[bytes], list[Forced]], bytes]] = [
        (read_binance, order),
        (read_bybit, push),
        (lambda body: read_okx(body, SIZES), swaps),
        (read_deribit, trades),
    ]
    for read, body in readers:
        try:
            told = read(body)
        except SourceError:
            continue
        assert all(one.usd > 0 for one in told)

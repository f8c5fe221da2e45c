"""The streams of liquidations: how Binance, Bybit, Deribit and OKX spell a position closed by force.

Docs: Binance `!forceOrder@arr` (USD-M and COIN-M), Bybit `allLiquidation.<symbol>`, OKX channel
`liquidation-orders`, Deribit `trades.future.<currency>.100ms`, where a trade has `liquidation` "M", "T" or
"MT": its maker, its taker or both were closed. Units: Binance USD-M coins × average price, COIN-M contracts
of 100 USD (BTC) or 10 USD; Bybit linear coins × price, inverse USD; Deribit inverse USD, linear coins ×
price; OKX contracts × ctVal × ctMult, in coins × price for linear contracts, in USD for inverse ones. Sides:
a SELL order of Binance and a `sell` of OKX close a long position; Bybit's `S` is the position's own side,
"Buy" a long one; Deribit's `direction` is the taker's, and its maker's is the other one. Binance pushes an
order several times while it fills, each with what it has come to so far."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta

import msgspec

from bot.sources._wire import Figure, Ms, decode, positive, utc
from bot.sources._ws import HOUR, Forced, Stream

CONTRACT_USD = {"BTC": 100.0}
OTHER_CONTRACT_USD = 10.0
ALL_OF_BINANCE = "all of Binance"
PARTLY = "PARTIALLY_FILLED"
CANARIES = ("SOL", "XRP", "DOGE")
"""Assets whose liquidations are listened to besides, so that a socket that says nothing is known to be dead."""
QUIET = timedelta(hours=3)
_BINANCE_LINEAR = re.compile(r"([A-Z0-9]+?)(?:USDT|USDC)(?:_\d{6})?", re.ASCII)
_BINANCE_INVERSE = re.compile(r"([A-Z0-9]+?)USD_(?:PERP|\d{6})", re.ASCII)
_DERIBIT_NAME = re.compile(r"([A-Z0-9]+)(_USDC|_USDT)?-", re.ASCII)
_BYBIT = re.compile(r"([A-Z0-9]+?)(USDT|USD|PERP)", re.ASCII)


class _BinanceOrder(msgspec.Struct, frozen=True, gc=False):
    s: str
    S: str
    ap: Figure
    z: Figure
    T: Ms
    q: Figure = None
    p: Figure = None
    X: str = "FILLED"


class _BinanceMessage(msgspec.Struct, frozen=True, gc=False):
    e: str | None = None
    o: _BinanceOrder | None = None


class _BybitForced(msgspec.Struct, frozen=True, gc=False):
    T: Ms
    s: str
    S: str
    v: Figure
    p: Figure


class _BybitMessage(msgspec.Struct, frozen=True, gc=False):
    topic: str | None = None
    data: list[_BybitForced] | None = None


class _OkxDetail(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    side: str
    bk_px: Figure
    sz: Figure
    ts: str


class _OkxRow(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    inst_id: str
    details: list[_OkxDetail]


class _OkxArg(msgspec.Struct, frozen=True, gc=False):
    channel: str | None = None


class _OkxMessage(msgspec.Struct, frozen=True, gc=False):
    event: str | None = None
    arg: _OkxArg | None = None
    data: list[_OkxRow] | None = None


class _Trade(msgspec.Struct, frozen=True, gc=False):
    trade_id: str
    timestamp: Ms
    instrument_name: str
    direction: str
    amount: Figure
    price: Figure
    liquidation: str | None = None


class _Trades(msgspec.Struct, frozen=True, gc=False):
    data: list[_Trade]


class _DeribitMessage(msgspec.Struct, frozen=True, gc=False):
    method: str | None = None
    params: _Trades | None = None


_DERIBIT = msgspec.json.Decoder(_DeribitMessage)
_BINANCE = msgspec.json.Decoder(_BinanceMessage)
_BYBIT_MESSAGE = msgspec.json.Decoder(_BybitMessage)
_OKX = msgspec.json.Decoder(_OkxMessage)


def binance_streams() -> tuple[Stream, Stream]:
    """Every symbol of USD-M and of COIN-M; at most one order a symbol and second is pushed. Both hosts push both
    markets' orders, so one of them is enough."""
    return (
        Stream(
            url="wss://fstream.binance.com/market/ws/!forceOrder@arr",
            read=read_binance,
            carries=ALL_OF_BINANCE,
        ),
        Stream(
            url="wss://dstream.binance.com/market/ws/!forceOrder@arr",
            read=read_binance,
            carries=ALL_OF_BINANCE,
        ),
    )


def bybit_streams(assets: Sequence[str]) -> tuple[Stream, Stream]:
    """The assets' linear perpetuals in USDT, and their inverse ones; and some others', of which one is closed by
    force sooner. Each is subscribed to by itself: a name that is not listed refuses the whole message."""

    def stream(kind: str, quote: str, speaks_within: timedelta) -> Stream:
        topics = [f"allLiquidation.{asset}{quote}" for asset in dict.fromkeys((*assets, *CANARIES))]
        return Stream(
            url=f"wss://stream.bybit.com/v5/public/{kind}",
            greet=tuple(json.dumps({"op": "subscribe", "args": [topic]}) for topic in topics),
            ping='{"op":"ping"}',
            read=read_bybit,
            speaks_within=speaks_within,
        )

    return (stream("linear", "USDT", HOUR), stream("inverse", "USD", QUIET))


def deribit_streams(currencies: Sequence[str]) -> tuple[Stream]:
    """Every trade of the currencies' futures and perpetuals."""
    channels = [f"trades.future.{currency}.100ms" for currency in currencies]
    subscribe = {"jsonrpc": "2.0", "id": 1, "method": "public/subscribe", "params": {"channels": channels}}
    return (
        Stream(
            url="wss://www.deribit.com/ws/api/v2",
            greet=(json.dumps(subscribe),),
            read=read_deribit,
            mark=b'"subscription"',  # every trade is one, whether it closed somebody or not
        ),
    )


def okx_streams(
    prepare: Callable[[], Awaitable[object]], sizes: Mapping[str, tuple[float, bool]]
) -> tuple[Stream]:
    """Every swap. `prepare` fills `sizes`: for each name the size of a contract, and whether it is
    inverse."""
    subscribe = {"op": "subscribe", "args": [{"channel": "liquidation-orders", "instType": "SWAP"}]}
    return (
        Stream(
            url="wss://ws.okx.com:8443/ws/v5/public",
            greet=(json.dumps(subscribe),),
            ping="ping",
            prepare=prepare,
            read=lambda content: read_okx(content, sizes),
            mark=b'"details"',
        ),
    )


def read_binance(content: bytes) -> list[Forced]:
    """The order in a message of Binance, if it holds one. Raises SourceChanged."""
    subject = "binance liquidations"
    order = decode(_BINANCE, content, subject).o
    if order is None:
        return []
    price, filled = positive(order.ap, subject), positive(order.z, subject)
    linear, inverse = _BINANCE_LINEAR.fullmatch(order.s), _BINANCE_INVERSE.fullmatch(order.s)
    if price is None or filled is None or order.S not in {"BUY", "SELL"}:
        return []
    if inverse is not None:
        asset, usd = inverse[1], filled * CONTRACT_USD.get(inverse[1], OTHER_CONTRACT_USD)
    elif linear is not None:
        asset, usd = linear[1], filled * price
    else:
        return []
    size, limit = positive(order.q, subject), positive(order.p, subject)
    # the message has no number of the order: its own terms are what its partial fills and its last one share
    named = size is not None and limit is not None
    key = (order.s, order.S, size, limit) if named else (order.s, order.S, order.T)
    return [
        Forced(
            asset=asset,
            at=utc(order.T),
            long=order.S == "SELL",
            usd=usd,
            key=key,
            grows=True,
            final=order.X != PARTLY,
        )
    ]


def read_bybit(content: bytes) -> list[Forced]:
    """The liquidations in a message of Bybit. Raises SourceChanged."""
    subject = "bybit liquidations"
    message = decode(_BYBIT_MESSAGE, content, subject)
    if message.topic is None or not message.topic.startswith("allLiquidation."):
        return []
    told: list[Forced] = []
    for i, row in enumerate(message.data or []):
        size, price = positive(row.v, subject), positive(row.p, subject)
        found = _BYBIT.fullmatch(row.s)
        if size is None or price is None or found is None or row.S not in {"Buy", "Sell"}:
            continue
        usd = size if found[2] == "USD" else size * price
        key = (row.s, row.T, row.S, size, price, i)
        told.append(Forced(asset=found[1], at=utc(row.T), long=row.S == "Buy", usd=usd, key=key))
    return told


def read_deribit(content: bytes) -> list[Forced]:
    """The liquidations among the trades in a message of Deribit; both sides of a trade may be one. Raises
    SourceChanged."""
    subject = "deribit liquidations"
    message = decode(_DERIBIT, content, subject)
    if message.method != "subscription" or message.params is None:
        return []
    told: list[Forced] = []
    for trade in message.params.data:
        closed, size, price = (
            trade.liquidation,
            positive(trade.amount, subject),
            positive(trade.price, subject),
        )
        found = _DERIBIT_NAME.match(trade.instrument_name)
        known_side = trade.direction in {"buy", "sell"}
        if closed is None or size is None or price is None or found is None or not known_side:
            continue
        usd = size if found[2] is None else size * price
        taker_sold = trade.direction == "sell"
        sides = [sold for flag, sold in (("T", taker_sold), ("M", not taker_sold)) if flag in closed]
        told += [
            Forced(asset=found[1], at=utc(trade.timestamp), long=sold, usd=usd, key=(trade.trade_id, sold))
            for sold in sides
        ]
    return told


def read_okx(content: bytes, sizes: Mapping[str, tuple[float, bool]]) -> list[Forced]:
    """The liquidations in a message of OKX; of a contract whose size is not known none. Raises
    SourceChanged."""
    subject = "okx liquidations"
    if content == b"pong":
        return []
    message = decode(_OKX, content, subject)
    if message.arg is None or message.arg.channel != "liquidation-orders":
        return []
    told: list[Forced] = []
    for row in message.data or []:
        size_of_one = sizes.get(row.inst_id)
        for i, detail in enumerate(row.details):
            contracts, price = positive(detail.sz, subject), positive(detail.bk_px, subject)
            at_ms = positive(detail.ts, subject)
            known_side = detail.side in {"buy", "sell"}
            if size_of_one is None or contracts is None or price is None or at_ms is None or not known_side:
                continue
            size, inverse = size_of_one
            usd = contracts * size if inverse else contracts * size * price
            key = (row.inst_id, at_ms, detail.side, contracts, price, i)
            asset = row.inst_id.partition("-")[0]
            told.append(Forced(asset=asset, at=utc(int(at_ms)), long=detail.side == "sell", usd=usd, key=key))
    return told

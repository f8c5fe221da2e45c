"""How Bybit would tell a moment of the tape: linear and inverse contracts, and options.

Docs: https://bybit-exchange.github.io/docs/v5. Units: linear open interest in coins, inverse in USD;
`openInterest` counts both sides, `singleOpenInterest` one; IV and rates are fractions; numbers are text, what
does not apply is empty. Errors come with HTTP 200."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec

from bot.sources._tape_market import HOUR_MS, TapeMarket
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import (
    FUNDING_MS,
    MONTHS,
    NAMELESS,
    Contract,
    RowRange,
    Sample,
    contracts,
    next_funding_ms,
    options,
    plain,
    samples,
    samples_ended,
    step_ms,
    write_alike,
)
from bot.sources._wire import to_ms

VENUE = "bybit"
HOSTS = ("api.bybit.com",)
INVERSE_PART = 0.15
MONTH_LETTERS = "FGHJKMNQUVXZ"
MINUTES = {"60": "1h", "120": "2h", "240": "4h", "360": "6h", "720": "12h", "D": "1d"}
PARAMS_ERROR = 10001
Row = dict[str, object]


class _BybitRefusal(Exception):
    """A parameter that the venue would not take."""


class _OptionTicker(msgspec.Struct, kw_only=True, gc=False):
    symbol: str
    bid1Price: str = "0"  # noqa: N815  the venue's spelling, here and below
    bid1Size: str = "0"  # noqa: N815
    bid1Iv: str = "0"  # noqa: N815
    ask1Price: str = "0"  # noqa: N815
    ask1Size: str = "0"  # noqa: N815
    ask1Iv: str = "0"  # noqa: N815
    lastPrice: str = "0"  # noqa: N815
    highPrice24h: str = "0"  # noqa: N815
    lowPrice24h: str = "0"  # noqa: N815
    markPrice: str  # noqa: N815
    indexPrice: str  # noqa: N815
    markIv: str  # noqa: N815
    underlyingPrice: str  # noqa: N815
    openInterest: str  # noqa: N815
    turnover24h: str = "0"
    volume24h: str
    totalVolume: str = "0"  # noqa: N815
    totalTurnover: str = "0"  # noqa: N815
    delta: str = "0"
    gamma: str = "0"
    vega: str = "0"
    theta: str = "0"
    predictedDeliveryPrice: str = "0"  # noqa: N815
    change24h: str = "0"


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request. What is refused is refused with HTTP 200 and a code."""
    method = METHODS.get(asked.path.removeprefix("/v5/market/"))
    if method is None:
        return 404, {"retCode": 404, "retMsg": "Not Found"}
    try:
        return 200, _envelope(asked.now, 0, "OK", method(scene, asked.params))
    except _BybitRefusal as refused:
        return 200, _envelope(asked.now, PARAMS_ERROR, f"params error: {refused}", {})


def _envelope(now: datetime, code: int, message: str, result: Row) -> Row:
    return {"retCode": code, "retMsg": message, "result": result, "retExtInfo": {}, "time": to_ms(now)}


def _listed(scene: Scene, category: str) -> dict[str, tuple[TapeMarket, Contract]]:
    if category not in {"linear", "inverse"}:
        raise _BybitRefusal("category")
    inverse = category == "inverse"
    listed: dict[str, tuple[TapeMarket, Contract]] = {}
    for market in scene.markets.values():
        share = scene.share(VENUE, market.asset) * (INVERSE_PART if inverse else 1 - INVERSE_PART)
        for contract in contracts(market, share):
            listed[_symbol(market.asset, contract.expires_at, inverse=inverse)] = (market, contract)
    return listed


def _symbol(asset: str, expires_at: datetime | None, *, inverse: bool) -> str:
    if expires_at is None:
        return f"{asset}USD" if inverse else f"{asset}USDT"
    if inverse:
        return f"{asset}USD{MONTH_LETTERS[expires_at.month - 1]}{expires_at:%y}"
    return f"{asset}USDT-{_day(expires_at)}"


def _day(expires_at: datetime) -> str:
    return f"{expires_at.day}{MONTHS[expires_at.month - 1]}{expires_at:%y}"


def _chosen(scene: Scene, params: Mapping[str, str]) -> dict[str, tuple[TapeMarket, Contract]]:
    """What is listed and fits category, symbol and baseCoin."""
    symbol, asset = params.get("symbol"), params.get("baseCoin")
    found = {
        name: entry
        for name, entry in _listed(scene, params.get("category", "")).items()
        if symbol in {None, name} and asset in {None, entry[0].asset}
    }
    if symbol and not found:
        raise _BybitRefusal("symbol invalid")
    return found


def _tickers(scene: Scene, params: Mapping[str, str]) -> Row:
    category = params.get("category", "")
    if category == "option":
        return {"category": category, "list": list(_option_tickers(scene, params))}
    inverse = category == "inverse"
    rows = [_ticker(name, *entry, inverse=inverse) for name, entry in _chosen(scene, params).items()]
    return {"category": category, "list": rows}


def _ticker(symbol: str, market: TapeMarket, contract: Contract, *, inverse: bool) -> Row:
    mark, perpetual = plain(contract.mark_usd), contract.expires_at is None
    amount = round(contract.coins * market.index_usd) if inverse else round(contract.coins, 3)
    value = amount / market.index_usd if inverse else amount * market.index_usd
    return {
        "symbol": symbol,
        "lastPrice": mark,
        "indexPrice": plain(market.index_usd),
        "markPrice": mark,
        "prevPrice24h": mark,
        "price24hPcnt": "0",
        "openInterest": plain(amount * 2),
        "openInterestValue": plain(value * 2),
        "singleOpenInterest": plain(amount),
        "singleOpenInterestValue": plain(value),
        "turnover24h": "0",
        "volume24h": "0",
        "fundingRate": plain(market.funding_8h_pct / 100) if perpetual else "",
        "nextFundingTime": str(next_funding_ms(market)) if perpetual else "",
        "predictedDeliveryPrice": "",
        "basisRate": "" if perpetual else plain(contract.mark_usd / market.index_usd - 1),
        "basis": "" if perpetual else plain(contract.mark_usd - market.index_usd),
        "deliveryFeeRate": "",
        "deliveryTime": str(to_ms(contract.expires_at)) if contract.expires_at else "0",
        "bid1Price": mark,
        "ask1Price": mark,
        "fundingIntervalHour": "8" if perpetual else "",
        "fundingCap": "0.00333" if perpetual else "",
    }


def _option_tickers(scene: Scene, params: Mapping[str, str]) -> Iterator[_OptionTicker | msgspec.Raw]:
    market = scene.markets.get(params.get("baseCoin", ""))
    if market is None:
        raise _BybitRefusal("baseCoin")
    share, index_usd = scene.option_share(VENUE, market.asset), market.index_usd
    stems = {expiry: f"{market.asset}-{_day(expiry)}" for expiry in market.option_expiries}
    told_index = f"{index_usd:.2f}"
    forwards = {usd: f"{usd:.4f}" for usd in {option.forward_usd for option in options(market)}}
    for option in options(market):
        held = round(option.coins * share, 2)
        yield _OptionTicker(
            symbol=f"{stems[option.expires_at]}-{option.strike_usd}-{option.right}-USDT",
            markPrice=f"{option.mark_coin * index_usd:.8f}",
            indexPrice=told_index,
            markIv=f"{option.iv_pct / 100:.6f}",
            underlyingPrice=forwards[option.forward_usd],
            openInterest=f"{held:.2f}",
            volume24h=f"{held / 20:.2f}",
        )
    for idle in market.idle_elsewhere:
        row = _OptionTicker(
            symbol=f"{NAMELESS}-USDT",
            markPrice="0.00000000",
            indexPrice=told_index,
            markIv="",
            underlyingPrice=f"{idle.forward_usd:.4f}",
            openInterest="0.00",
            volume24h="0.00",
        )
        yield write_alike(row, idle.names(stems[idle.expires_at]))


def _open_interest(scene: Scene, params: Mapping[str, str]) -> Row:
    (symbol, (market, contract)), *_ = _chosen(scene, params).items()
    part = contract.coins / market.open_interest_coin
    inverse = params.get("category") == "inverse"
    rows: list[Row] = []
    for sample in samples_ended(scene, market.asset, _step(params, "intervalTime"), _page(params, 50)):
        amount = sample.coins * part
        amount = round(amount * sample.close_usd) if inverse else round(amount, 3)
        rows.append(
            {
                "openInterest": plain(amount * 2),
                "singleOpenInterest": plain(amount),
                "timestamp": str(sample.end_ms),
            }
        )
    return {
        "symbol": symbol,
        "category": params.get("category", ""),
        "list": rows[::-1],
        "nextPageCursor": "",
    }


def _funding_history(scene: Scene, params: Mapping[str, str]) -> Row:
    (symbol, (market, _)), *_ = _chosen(scene, params).items()
    rows = [
        {
            "symbol": symbol,
            "fundingRate": plain(sample.funding_8h_pct / 100),
            "fundingRateTimestamp": str(sample.end_ms),
        }
        for sample in samples_ended(scene, market.asset, FUNDING_MS, _page(params, 200))
    ]
    return {"category": params.get("category", ""), "list": rows[::-1]}


def _account_ratio(scene: Scene, params: Mapping[str, str]) -> Row:
    (symbol, (market, _)), *_ = _chosen(scene, params).items()
    rows: list[Row] = []
    for sample in samples_ended(scene, market.asset, _step(params, "period"), _page(params, 50)):
        ratio = scene.value_beside("long_short_ratio", sample.end_ms)
        longs = ratio / (1 + ratio)
        row = {"symbol": symbol, "buyRatio": f"{longs:.4f}", "sellRatio": f"{1 - longs:.4f}"}
        rows.append({**row, "timestamp": str(sample.end_ms)})
    return {"list": rows[::-1], "nextPageCursor": ""}


def _klines(scene: Scene, params: Mapping[str, str]) -> Row:
    (symbol, (market, _)), *_ = _chosen(scene, params).items()
    step = step_ms(MINUTES.get(params.get("interval", ""), ""))
    if step is None:
        raise _BybitRefusal("interval")
    page = RowRange.from_query(params, "start", "end", "limit", usual=200, oldest=False)
    rows = [_kline(sample) for sample in samples(scene, market.asset, step, page)]
    return {"symbol": symbol, "category": params.get("category", ""), "list": rows[::-1]}


def _kline(sample: Sample) -> list[str]:
    prices = (sample.open_usd, sample.high_usd, sample.low_usd, sample.close_usd)
    return [str(sample.start_ms), *(plain(price) for price in prices), "0", "0"]


def _page(params: Mapping[str, str], usual: int) -> RowRange:
    """Unlike at others, what does not fit is the oldest, whatever start is named; rows come newest first."""
    return RowRange.from_query(params, "startTime", "endTime", "limit", usual=usual, oldest=False)


def _step(params: Mapping[str, str], name: str) -> int:
    """The tape keeps hours: where minutes are asked for, the hours among them are told."""
    if params.get(name) in {"5min", "15min", "30min"}:
        return HOUR_MS
    step = step_ms(params.get(name, ""))
    if step is None:
        raise _BybitRefusal(name)
    return step


def _instruments(scene: Scene, params: Mapping[str, str]) -> Row:
    """What trades; of one `baseCoin` linear and inverse contracts, whichever category was asked for."""
    category = params.get("category", "")
    kinds = ("linear", "inverse") if params.get("baseCoin") else (category,)
    rows = [
        _instrument(kind, symbol, market, contract)
        for kind in kinds
        for symbol, (market, contract) in _chosen(scene, {**params, "category": kind}).items()
    ]
    return {"category": category, "list": rows, "nextPageCursor": ""}


def _instrument(kind: str, symbol: str, market: TapeMarket, contract: Contract) -> Row:
    inverse = kind == "inverse"
    return {
        "symbol": symbol,
        "contractType": f"{kind.capitalize()}{'Futures' if contract.expires_at else 'Perpetual'}",
        "status": "Trading",
        "baseCoin": market.asset,
        "quoteCoin": "USD" if inverse else "USDT",
        "settleCoin": market.asset if inverse else "USDT",
        "deliveryTime": str(to_ms(contract.expires_at)) if contract.expires_at else "0",
        "fundingInterval": 0 if contract.expires_at else 480,
    }


METHODS: Mapping[str, Callable[[Scene, Mapping[str, str]], Row]] = {
    "tickers": _tickers,
    "open-interest": _open_interest,
    "funding/history": _funding_history,
    "account-ratio": _account_ratio,
    "kline": _klines,
    "index-price-kline": _klines,
    "mark-price-kline": _klines,
    "instruments-info": _instruments,
}

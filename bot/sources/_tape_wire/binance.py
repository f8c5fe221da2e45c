"""How Binance would tell a moment of the tape: USD-M perpetuals, COIN-M contracts, and spot.

Docs: https://developers.binance.com/docs/derivatives. Units: USD-M open interest in coins; COIN-M in
contracts of 100 USD (BTC) or 10 USD (others); rates are fractions for eight hours; numbers are text. A
quarterly future has no funding: its fields are empty. Gold is told as PAXG against USDT."""

from collections.abc import Mapping

import numpy as np

from bot.sources._tape_market import HOUR_MS, TapeMarket, quarters
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import (
    DAY_MS,
    FUNDING_MS,
    PERPETUAL_SHARE,
    Contract,
    RowRange,
    Sample,
    contracts,
    next_funding_ms,
    plain,
    samples,
    samples_ended,
    step_ms,
)
from bot.sources._wire import to_ms, utc

VENUE = "binance"
USDM, COINM, SPOT = "fapi.binance.com", "dapi.binance.com", "api.binance.com"
HOSTS = (USDM, COINM, SPOT, "data-api.binance.vision")
COINM_PART = 0.1
NEVER_MS = 4_133_404_800_000
QUARTERLIES = ("BTC",)
QUARTERS = ("CURRENT_QUARTER", "NEXT_QUARTER")
GOLD = "PAXGUSDT"
INVALID_INTERVAL = {"code": -1120, "msg": "Invalid interval."}
UNKNOWN_SYMBOL = {"code": -1121, "msg": "Invalid symbol."}
INVALID_TYPE = {"code": -1128, "msg": "Invalid contractType."}
TOO_LONG = {
    "code": -4144,
    "msg": "Invalid time interval: startTime and endTime are more than 200 days apart.",
}
REFUSALS = (INVALID_INTERVAL, UNKNOWN_SYMBOL, INVALID_TYPE, TOO_LONG)
LONGEST_BARS_MS = 200 * DAY_MS
MOST_BARS = 1500
SILENT_EVERY = {"CURRENT_QUARTER": 11, "NEXT_QUARTER": 4}  # hours without a trade, as the far one has many
Row = dict[str, object]


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request."""
    name = asked.path.rpartition("/")[2]
    if asked.host in {USDM, COINM}:
        content = _derivatives(scene, asked, name)
    else:
        content = _spot(scene, asked, name)
    if content is None:
        return 404, {"code": -5000, "msg": f"Path {asked.path}, Method GET is invalid"}
    return (400 if content in REFUSALS else 200), content


def _derivatives(scene: Scene, asked: Asked, name: str) -> object:
    inverse = asked.host == COINM
    listed = _listed(scene, inverse=inverse)
    params = asked.params
    if name == "time":
        return {"serverTime": to_ms(asked.now)}
    if name == "exchangeInfo":
        rows = [_listing(symbol, *entry, inverse=inverse) for symbol, entry in listed.items()]
        return {"timezone": "UTC", "serverTime": to_ms(asked.now), "symbols": rows}
    if name == "premiumIndex":
        return _premiums(listed, params, inverse=inverse)
    if name == "fundingInfo":
        return [
            {"symbol": symbol, "fundingIntervalHours": 8, "disclaimer": False}
            for symbol in _perpetuals(listed)
        ]
    if name in {"continuousKlines", "indexPriceKlines"} and inverse:
        return _quarter_bars(scene, name, asked)
    symbol = params.get("symbol") or f"{params.get('pair', '')}{'_PERP' if inverse else ''}"
    if symbol not in listed:
        return UNKNOWN_SYMBOL
    market, contract = listed[symbol]
    if name == "openInterest":
        return _open_interest(symbol, market, contract, inverse=inverse)
    return _history(scene, name, params, symbol, market, inverse=inverse)


def _history(
    scene: Scene, name: str, params: Mapping[str, str], symbol: str, market: TapeMarket, *, inverse: bool
) -> object:
    asset = market.asset
    if name == "fundingRate":
        return [_funding(symbol, row) for row in samples_ended(scene, asset, FUNDING_MS, _page(params, 100))]
    step = step_ms(params.get("period") or params.get("interval") or "")
    if name == "klines":
        return _klines(samples(scene, asset, step, _page(params, 500))) if step else INVALID_INTERVAL
    # The tape keeps hours: where minutes are asked for, the hours among them are told.
    rows = samples_ended(scene, asset, step or HOUR_MS, _page(params, 30))
    if name == "globalLongShortAccountRatio":
        return [_accounts(scene, symbol, row) for row in rows]
    if name == "openInterestHist":
        whole = not inverse or params.get("contractType") == "ALL"
        share = scene.share(VENUE, asset) * (COINM_PART if inverse else 1 - COINM_PART)
        share *= 1 if whole else PERPETUAL_SHARE
        return [_summed(symbol, row, share, inverse=inverse, whole=whole) for row in rows]
    return None


def _spot(scene: Scene, asked: Asked, name: str) -> object:
    symbol = asked.params.get("symbol", "")
    step = step_ms(asked.params.get("interval", ""))
    if name == "time":
        return {"serverTime": to_ms(asked.now)}
    if name != "klines" or step is None:
        return None
    if symbol == GOLD:
        asset = next(iter(scene.markets))
        return _klines([_gold(scene, row) for row in samples(scene, asset, step, _page(asked.params, 500))])
    if symbol.removesuffix("USDT") in scene.markets:
        return _klines(samples(scene, symbol.removesuffix("USDT"), step, _page(asked.params, 500)))
    return UNKNOWN_SYMBOL


def _listed(scene: Scene, *, inverse: bool) -> dict[str, tuple[TapeMarket, Contract]]:
    listed: dict[str, tuple[TapeMarket, Contract]] = {}
    for market in scene.markets.values():
        share = scene.share(VENUE, market.asset) * (COINM_PART if inverse else 1 - COINM_PART)
        pair = f"{market.asset}{'USD' if inverse else 'USDT'}"
        for contract in contracts(market, share, 2 if inverse and market.asset in QUARTERLIES else 0):
            ending = f"_{contract.expires_at:%y%m%d}" if contract.expires_at else "_PERP" if inverse else ""
            listed[pair + ending] = (market, contract)
    return listed


def _perpetuals(listed: Mapping[str, tuple[TapeMarket, Contract]]) -> list[str]:
    return [symbol for symbol, (_, contract) in listed.items() if contract.expires_at is None]


def _listing(symbol: str, market: TapeMarket, contract: Contract, *, inverse: bool) -> Row:
    pair = symbol.partition("_")[0]
    near = contract.expires_at is not None and (contract.expires_at - market.at).days < 93
    row: Row = {
        "symbol": symbol,
        "pair": pair,
        "contractType": "PERPETUAL" if contract.expires_at is None else QUARTERS[0 if near else 1],
        "deliveryDate": to_ms(contract.expires_at) if contract.expires_at else NEVER_MS,
        "contractStatus" if inverse else "status": "TRADING",
        "marginAsset": market.asset if inverse else "USDT",
        "baseAsset": market.asset,
        "quoteAsset": "USD" if inverse else "USDT",
    }
    return {**row, "contractSize": _contract_usd(market)} if inverse else row


def _premiums(
    listed: Mapping[str, tuple[TapeMarket, Contract]], params: Mapping[str, str], *, inverse: bool
) -> object:
    wanted = [
        symbol
        for symbol in listed
        if params.get("symbol", symbol) == symbol
        and params.get("pair", symbol.partition("_")[0]) == symbol.partition("_")[0]
    ]
    if not wanted:
        return UNKNOWN_SYMBOL
    rows = [_premium(symbol, *listed[symbol], inverse=inverse) for symbol in wanted]
    return rows[0] if params.get("symbol") and not inverse else rows


def _premium(symbol: str, market: TapeMarket, contract: Contract, *, inverse: bool) -> Row:
    perpetual = contract.expires_at is None
    row: Row = {
        "symbol": symbol,
        "markPrice": f"{contract.mark_usd:.8f}",
        "indexPrice": f"{market.index_usd:.8f}",
        "estimatedSettlePrice": f"{market.index_usd:.8f}",
        "lastFundingRate": f"{market.funding_8h_pct / 100:.8f}" if perpetual else "",
        "interestRate": "0.00010000" if perpetual else "",
        "nextFundingTime": next_funding_ms(market) if perpetual else 0,
        "time": market.at_ms,
    }
    return {"pair": symbol.partition("_")[0], **row} if inverse else row


def _open_interest(symbol: str, market: TapeMarket, contract: Contract, *, inverse: bool) -> Row:
    if not inverse:
        return {"symbol": symbol, "openInterest": f"{contract.coins:.3f}", "time": market.at_ms}
    size = round(contract.coins * market.index_usd / _contract_usd(market))
    kind = _listing(symbol, market, contract, inverse=True)["contractType"]
    pair = symbol.partition("_")[0]
    return {
        "symbol": symbol,
        "pair": pair,
        "openInterest": str(size),
        "contractType": kind,
        "time": market.at_ms,
    }


def _contract_usd(market: TapeMarket) -> int:
    return 100 if market.asset == "BTC" else 10


def _summed(symbol: str, row: Sample, share: float, *, inverse: bool, whole: bool) -> Row:
    coins, dollars = row.coins * share, row.coins * share * row.close_usd
    if inverse:
        # COIN-M counts the sum in contracts and its value in coins.
        contract_usd = 100 if symbol.startswith("BTC") else 10
        return {
            "pair": symbol.partition("_")[0],
            "contractType": "ALL" if whole else "PERPETUAL",
            "sumOpenInterest": f"{dollars / contract_usd:.8f}",
            "sumOpenInterestValue": f"{coins:.8f}",
            "timestamp": row.end_ms,
        }
    return {
        "symbol": symbol,
        "sumOpenInterest": f"{coins:.8f}",
        "sumOpenInterestValue": f"{dollars:.14f}",
        "timestamp": row.end_ms,
    }


def _accounts(scene: Scene, symbol: str, row: Sample) -> Row:
    ratio = scene.value_beside("long_short_ratio", row.end_ms)
    longs = ratio / (1 + ratio)
    return {
        "symbol": symbol,
        "longAccount": f"{longs:.4f}",
        "longShortRatio": f"{ratio:.4f}",
        "shortAccount": f"{1 - longs:.4f}",
        "timestamp": row.end_ms,
    }


def _funding(symbol: str, row: Sample) -> Row:
    return {
        "symbol": symbol,
        "fundingTime": row.end_ms,
        "fundingRate": f"{row.funding_8h_pct / 100:.8f}",
        "markPrice": f"{row.close_usd:.8f}",
    }


def _gold(scene: Scene, row: Sample) -> Sample:
    opened, closed = (round(scene.value_beside("gold_usd", at), 2) for at in (row.start_ms, row.end_ms))
    return Sample(
        start_ms=row.start_ms,
        end_ms=row.end_ms,
        open_usd=opened,
        high_usd=max(opened, closed),
        low_usd=min(opened, closed),
        close_usd=closed,
        coins=0.0,
        funding_8h_pct=0.0,
    )


def _quarter_bars(scene: Scene, name: str, asked: Asked) -> object:
    """Bars of a quarterly future, which goes on to the next one at its expiry, or of the index. A future's hour in
    which nothing was traded has no volume and repeats the close before it."""
    params = asked.params
    asset, kind = params.get("pair", "").removesuffix("USD"), params.get("contractType", "")
    step = step_ms(params.get("interval", ""))
    if asset not in scene.markets or not params.get("pair", "").endswith("USD"):
        return UNKNOWN_SYMBOL
    if step is None:
        return INVALID_INTERVAL
    if name == "continuousKlines" and kind not in QUARTERS:
        return INVALID_TYPE
    until_ms = int(params.get("endTime") or to_ms(asked.now))
    since_ms = int(params.get("startTime") or until_ms - LONGEST_BARS_MS)
    if until_ms - since_ms > LONGEST_BARS_MS:
        return TOO_LONG
    page = RowRange(
        since_ms=since_ms, until_ms=until_ms, limit=min(int(params.get("limit") or 500), MOST_BARS)
    )
    rows = samples(scene, asset, step, page)
    if name == "indexPriceKlines" or not rows:
        return _klines(rows)
    starts = np.array([row.start_ms for row in rows], dtype=np.float64)
    expires = np.array(
        [to_ms(quarters(utc(row.start_ms), 2)[QUARTERS.index(kind)]) for row in rows], np.float64
    )
    course = scene.courses[asset]
    opens, closes = course.future_usd(starts, expires), course.future_usd(starts + step, expires)
    bars: list[list[object]] = []
    before = plain(float(opens[0]))
    for row, opened, closed in zip(rows, opens.tolist(), closes.tolist(), strict=True):
        prices = [plain(opened), plain(max(opened, closed)), plain(min(opened, closed)), plain(closed)]
        silent = row.start_ms // step % SILENT_EVERY[kind] == 0
        traded = ("0", "0.00000000", 0) if silent else ("60", f"{6000 / closed:.8f}", 12)
        told = [before] * 4 if silent else prices
        volume, coins, count = traded
        bars.append([row.start_ms, *told, volume, row.end_ms - 1, coins, count, "0", "0.00000000", "0"])
        before = str(told[3])
    return bars


def _klines(rows: list[Sample]) -> list[list[object]]:
    return [
        [
            row.start_ms,
            *(plain(price) for price in (row.open_usd, row.high_usd, row.low_usd, row.close_usd)),
            "0",
            row.end_ms - 1,
            *("0", 0, "0", "0", "0"),
        ]
        for row in rows
    ]


def _page(params: Mapping[str, str], usual: int) -> RowRange:
    return RowRange.from_query(params, "startTime", "endTime", "limit", usual=usual, oldest=True)

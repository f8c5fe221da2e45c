"""How Bitget would tell a moment of the tape: the perpetual in USDT, and a perpetual and quarterly futures margined
in coins.

Docs: https://www.bitget.com/api-doc/contract. Units: `holdingAmount` in coins, BOTH sides; funding a fraction
of `fundingRateInterval` hours; numbers and times are text. A refusal comes with a `code` other than
"00000"."""

from collections.abc import Mapping
from datetime import timedelta

from bot.sources._tape_market import HOUR_MS, TapeMarket
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import (
    FUNDING_MS,
    Contract,
    contracts,
    next_funding_ms,
    plain,
    samples_ended,
)
from bot.sources._wire import to_ms

VENUE = "bitget"
HOSTS = ("api.bitget.com",)
COIN_PART = 0.4
MONTH_LETTERS = "FGHJKMNQUVXZ"
SECOND = timedelta(seconds=1)  # the venue writes 07:59:59
PRODUCTS = ("USDT-FUTURES", "COIN-FUTURES")
Row = dict[str, object]


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request."""
    method = METHODS.get(asked.path.removeprefix("/api/v2/mix/market/"))
    product = asked.params.get("productType", "").upper()
    if method is None:
        return 404, _envelope(asked, "40404", "Request URL NOT FOUND", None)
    if product not in PRODUCTS:
        return 400, _envelope(asked, "40034", "Parameter productType error", None)
    rows = method(scene, product, asked.params)
    if rows is None:
        return 400, _envelope(asked, "40034", "Parameter symbol does not exist", None)
    return 200, _envelope(asked, "00000", "success", rows)


def _envelope(asked: Asked, code: str, message: str, data: object) -> Row:
    return {"code": code, "msg": message, "requestTime": to_ms(asked.now), "data": data}


def _listed(scene: Scene, product: str) -> dict[str, tuple[TapeMarket, Contract]]:
    coin = product == "COIN-FUTURES"
    listed = {}
    for market in scene.markets.values():
        share = scene.share(VENUE, market.asset) * (COIN_PART if coin else 1 - COIN_PART)
        for contract in contracts(market, share, 2 if coin else 0):
            listed[_symbol(market.asset, contract, coin=coin)] = (market, contract)
    return listed


def _symbol(asset: str, contract: Contract, *, coin: bool) -> str:
    if not coin:
        return f"{asset}USDT"
    if contract.expires_at is None:
        return f"{asset}USD"
    return f"{asset}USD{MONTH_LETTERS[contract.expires_at.month - 1]}{contract.expires_at:%y}"


def _tickers(scene: Scene, product: str, params: Mapping[str, str]) -> list[Row]:
    del params
    return [_ticker(symbol, *listed) for symbol, listed in _listed(scene, product).items()]


def _ticker(symbol: str, market: TapeMarket, contract: Contract) -> Row:
    expires_at = contract.expires_at
    return {
        "symbol": symbol,
        "lastPr": plain(contract.mark_usd, 1),
        "ts": str(market.at_ms),
        "indexPrice": plain(market.index_usd, 4),
        "fundingRate": "0" if expires_at else plain(market.funding_8h_pct / 100),
        "holdingAmount": plain(2 * contract.coins, 4),
        "deliveryStartTime": None,
        "deliveryTime": str(to_ms(expires_at - SECOND)) if expires_at else None,
        "deliveryStatus": "delivery_normal",
        "markPrice": plain(contract.mark_usd, 2),
    }


def _rates(scene: Scene, product: str, params: Mapping[str, str]) -> list[Row]:
    """The running rate of each perpetual, of one where it is named."""
    wanted = params.get("symbol")
    return [
        {
            "symbol": symbol,
            "fundingRate": plain(market.funding_8h_pct / 100),
            "fundingRateInterval": str(FUNDING_MS // HOUR_MS),
            "nextUpdate": str(next_funding_ms(market)),
        }
        for symbol, (market, contract) in _listed(scene, product).items()
        if contract.expires_at is None and wanted in {None, symbol}
    ]


def _payments(scene: Scene, product: str, params: Mapping[str, str]) -> list[Row] | None:
    found = _listed(scene, product).get(params.get("symbol", ""))
    if found is None:
        return None
    size, page = int(params.get("pageSize") or 20), int(params.get("pageNo") or 1)
    newest_first = samples_ended(scene, found[0].asset, FUNDING_MS)[::-1][(page - 1) * size : page * size]
    return [
        {
            "symbol": params["symbol"],
            "fundingRate": plain(one.funding_8h_pct / 100),
            "fundingTime": str(one.end_ms),
        }
        for one in newest_first
    ]


METHODS = {"tickers": _tickers, "current-fund-rate": _rates, "history-fund-rate": _payments}

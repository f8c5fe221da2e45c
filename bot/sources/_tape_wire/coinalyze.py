"""How Coinalyze would tell a moment of the tape: per market, in bare arrays.

Docs: https://api.coinalyze.net/v1/doc. Units: open interest in coins, or USD where `convert_to_usd` is
"true"; funding in percent; times of histories in seconds, of current values in milliseconds."""

from collections.abc import Callable, Mapping
from math import fsum

from bot.sources._tape_market import TapeMarket
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import RowRange, Sample, liquidations_between, samples, step_ms

VENUE = "coinalyze"
HOSTS = ("api.coinalyze.net",)
MARKETS = {"A": "binance", "6": "bybit", "3": "okx", "H": "hyperliquid", "K": "kraken", "2": "deribit"}
LINEAR_PART = 0.9
INTERVALS = {"1hour": "1h", "2hour": "2h", "4hour": "4h", "6hour": "6h", "12hour": "12h", "daily": "1d"}
Row = dict[str, object]


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request."""
    name = asked.path.removeprefix("/v1/")
    listed = {
        symbol: entry for market in scene.markets.values() for symbol, entry in _listed(scene, market).items()
    }
    if name == "future-markets":
        return 200, [_market_row(symbol, market) for symbol, (market, _) in listed.items()]
    wanted = [symbol for symbol in asked.params.get("symbols", "").split(",") if symbol in listed]
    dollars = asked.params.get("convert_to_usd") == "true"
    if name in CURRENT:
        return 200, [
            {
                "symbol": symbol,
                "value": CURRENT[name](*listed[symbol], dollars),
                "update": listed[symbol][0].at_ms,
            }
            for symbol in wanted
        ]
    step = step_ms(INTERVALS.get(asked.params.get("interval", ""), ""))
    if name not in HISTORIES:
        return 404, {"message": "Not Found"}
    if step is None:
        return 400, {"message": "interval is not valid"}
    since_ms, until_ms = (int(asked.params.get(key) or 0) * 1000 for key in ("from", "to"))
    return 200, [
        {
            "symbol": symbol,
            "history": _history(scene, name, listed[symbol], step, (since_ms, until_ms), dollars=dollars),
        }
        for symbol in wanted
    ]


def _listed(scene: Scene, market: TapeMarket) -> dict[str, tuple[TapeMarket, float]]:
    absent = scene.tape.assets[market.asset].absent
    stated = {venue: share for venue, share in scene.tape.shares.items() if venue not in absent}
    shares = {**stated, "deribit": 1 - fsum(stated.values())}
    listed: dict[str, tuple[TapeMarket, float]] = {}
    for code, venue in MARKETS.items():
        for quote, part in (("USDT", LINEAR_PART), ("USD", 1 - LINEAR_PART)):
            if venue in shares:
                listed[f"{market.asset}{quote}_PERP.{code}"] = (market, shares[venue] * part)
    return listed


def _market_row(symbol: str, market: TapeMarket) -> Row:
    spelled, _, code = symbol.partition("_PERP.")
    quote = spelled.removeprefix(market.asset)
    return {
        "symbol": symbol,
        "exchange": code,
        "symbol_on_exchange": spelled,
        "base_asset": market.asset,
        "quote_asset": quote,
        "is_perpetual": True,
        "margined": "COIN" if quote == "USD" else "STABLE",
        "expire_at": None,
        "oi_lq_vol_denominated_in": "BASE_ASSET",
        "has_long_short_ratio_data": True,
        "has_ohlcv_data": True,
        "has_buy_sell_data": False,
    }


def _open_interest(market: TapeMarket, share: float, dollars: bool) -> float:
    return round(market.open_interest_coin * share * (market.index_usd if dollars else 1), 4)


def _funding(market: TapeMarket, share: float, dollars: bool) -> float:
    del share, dollars
    return market.funding_8h_pct


def _history(
    scene: Scene,
    name: str,
    entry: tuple[TapeMarket, float],
    step: int,
    times: tuple[int, int],
    *,
    dollars: bool,
) -> list[Row]:
    market, share = entry
    rows: list[Row] = []
    for sample in samples(scene, market.asset, step, RowRange(since_ms=times[0], until_ms=times[1])):
        told = HISTORIES[name](scene, market, share, sample, dollars)
        if told is not None:
            rows.append({"t": sample.start_ms // 1000, **told})
    return rows


def _flat(value: float) -> Row:
    return {"o": value, "h": value, "l": value, "c": value}


def _open_interest_then(
    scene: Scene, market: TapeMarket, share: float, sample: Sample, dollars: bool
) -> Row | None:
    del scene, market
    return _flat(round(sample.coins * share * (sample.close_usd if dollars else 1), 4))


def _funding_then(
    scene: Scene, market: TapeMarket, share: float, sample: Sample, dollars: bool
) -> Row | None:
    del scene, market, share, dollars
    return _flat(sample.funding_8h_pct)


def _liquidations_then(
    scene: Scene, market: TapeMarket, share: float, sample: Sample, dollars: bool
) -> Row | None:
    told = liquidations_between(scene, market.asset, sample.start_ms, sample.end_ms)
    if told is None:
        return None
    unit = share if dollars else share / sample.close_usd
    return {"l": round(told[0] * unit, 4), "s": round(told[1] * unit, 4)}


def _accounts_then(
    scene: Scene, market: TapeMarket, share: float, sample: Sample, dollars: bool
) -> Row | None:
    del market, share, dollars
    ratio = scene.value_beside("long_short_ratio", sample.end_ms)
    longs_pct = 100 * ratio / (1 + ratio)
    return {"r": round(ratio, 4), "l": round(longs_pct, 2), "s": round(100 - longs_pct, 2)}


CURRENT: Mapping[str, Callable[[TapeMarket, float, bool], float]] = {
    "open-interest": _open_interest,
    "funding-rate": _funding,
    "predicted-funding-rate": _funding,
}
HISTORIES: Mapping[str, Callable[[Scene, TapeMarket, float, Sample, bool], Row | None]] = {
    "open-interest-history": _open_interest_then,
    "funding-rate-history": _funding_then,
    "liquidation-history": _liquidations_then,
    "long-short-ratio-history": _accounts_then,
}

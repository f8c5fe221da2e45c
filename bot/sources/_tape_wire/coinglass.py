"""How CoinGlass would tell a moment of the tape: all venues together, whether they are switched on or not.

Docs: https://docs.coinglass.com (v4). Units: aggregated open interest in USD, of stablecoin-margined
contracts in coins, of coin-margined ones in USD; funding in percent; liquidations in USD. `code` is the text
"0" where all is well."""

from collections.abc import Callable, Mapping
from math import fsum

from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import DAY_MS, RowRange, Sample, liquidations_between, samples, step_ms

VENUE = "coinglass"
HOSTS = ("open-api-v4.coinglass.com",)
COIN_MARGIN_PART = 0.15
RANGES_H = {"1h": 1, "4h": 4, "12h": 12, "24h": 24}
NAMES = {
    "binance": "Binance",
    "bybit": "Bybit",
    "okx": "OKX",
    "hyperliquid": "Hyperliquid",
    "kraken": "Kraken",
    "gate": "Gate",
    "bitget": "Bitget",
    "deribit": "Deribit",
}
Row = dict[str, object]


class _CoinglassRefusal(Exception):
    """A parameter that the vendor would not take."""


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request."""
    method = METHODS.get(asked.path.removeprefix("/api/futures/"))
    if method is None:
        return 404, {"code": "404", "msg": "Not Found"}
    if asked.params.get("symbol") not in scene.markets:
        return 200, {"code": "400", "msg": "symbol is not supported"}
    try:
        return 200, {"code": "0", "msg": "success", "data": method(scene, asked.params)}
    except _CoinglassRefusal as refused:
        return 200, {"code": "400", "msg": f"{refused} is not supported"}


def _steps(scene: Scene, params: Mapping[str, str]) -> list[Sample]:
    step = step_ms(params.get("interval", ""))
    if step is None:
        raise _CoinglassRefusal("interval")
    page = RowRange.from_query(params, "start_time", "end_time", "limit", usual=1000, oldest=True)
    return samples(scene, params["symbol"], step, page)


def _bars(scene: Scene, params: Mapping[str, str], value: Callable[[Sample], float]) -> list[Row]:
    """Bars whose close is the value at the step's end and whose open is the one before."""
    rows: list[Row] = []
    before: float | None = None
    for sample in _steps(scene, params):
        close = value(sample)
        opened = close if before is None else before
        rows.append(
            {
                "time": sample.start_ms,
                "open": opened,
                "high": max(opened, close),
                "low": min(opened, close),
                "close": close,
            }
        )
        before = close
    return rows


def _aggregated(scene: Scene, params: Mapping[str, str]) -> list[Row]:
    if params.get("unit") == "coin":
        return _bars(scene, params, lambda sample: round(sample.coins, 4))
    return _bars(scene, params, lambda sample: round(sample.coins * sample.close_usd))


def _stablecoin(scene: Scene, params: Mapping[str, str]) -> list[Row]:
    return _bars(scene, params, lambda sample: round(sample.coins * (1 - COIN_MARGIN_PART), 4))


def _coin_margin(scene: Scene, params: Mapping[str, str]) -> list[Row]:
    return _bars(scene, params, lambda sample: round(sample.coins * COIN_MARGIN_PART * sample.close_usd))


def _funding(scene: Scene, params: Mapping[str, str]) -> list[Row]:
    return _bars(scene, params, lambda sample: round(sample.funding_8h_pct, 6))


def _open_interest_list(scene: Scene, params: Mapping[str, str]) -> list[Row]:
    market = scene.markets[params["symbol"]]
    absent = scene.tape.assets[market.asset].absent
    stated = {venue: share for venue, share in scene.tape.shares.items() if venue not in absent}
    shares = {"All": 1.0, **stated, "deribit": 1 - fsum(stated.values())}
    return [
        {
            "exchange": NAMES.get(venue, venue),
            "symbol": market.asset,
            "open_interest_usd": round(market.open_interest_coin * share * market.index_usd, 4),
            "open_interest_quantity": round(market.open_interest_coin * share, 4),
            "open_interest_by_coin_margin": round(
                market.open_interest_coin * share * COIN_MARGIN_PART * market.index_usd, 2
            ),
            "open_interest_by_stable_coin_margin": round(
                market.open_interest_coin * share * (1 - COIN_MARGIN_PART) * market.index_usd, 2
            ),
            "open_interest_quantity_by_coin_margin": round(
                market.open_interest_coin * share * COIN_MARGIN_PART, 4
            ),
            "open_interest_quantity_by_stable_coin_margin": round(
                market.open_interest_coin * share * (1 - COIN_MARGIN_PART), 4
            ),
        }
        for venue, share in shares.items()
    ]


def _liquidations(scene: Scene, params: Mapping[str, str]) -> list[Row]:
    rows: list[Row] = []
    for sample in _steps(scene, params):
        told = liquidations_between(scene, params["symbol"], sample.start_ms, sample.end_ms)
        if told is not None:
            longs, shorts = told
            rows.append(
                {
                    "time": sample.start_ms,
                    "aggregated_long_liquidation_usd": round(longs, 5),
                    "aggregated_short_liquidation_usd": round(shorts, 5),
                }
            )
    return rows


def _liquidation_list(scene: Scene, params: Mapping[str, str]) -> list[Row]:
    hours = RANGES_H.get(params.get("range", ""))
    if hours is None:
        raise _CoinglassRefusal("range")
    now_ms = scene.markets[params["symbol"]].at_ms
    told = liquidations_between(scene, params["symbol"], now_ms - hours * DAY_MS // 24, now_ms)
    if told is None:
        return []
    longs, shorts = told
    return [
        {
            "exchange": "All",
            "liquidation_usd": round(longs + shorts, 5),
            "longLiquidation_usd": round(longs, 5),
            "shortLiquidation_usd": round(shorts, 5),
        }
    ]


METHODS: Mapping[str, Callable[[Scene, Mapping[str, str]], list[Row]]] = {
    "open-interest/aggregated-history": _aggregated,
    "open-interest/aggregated-stablecoin-history": _stablecoin,
    "open-interest/aggregated-coin-margin-history": _coin_margin,
    "open-interest/exchange-list": _open_interest_list,
    "liquidation/aggregated-history": _liquidations,
    "liquidation/exchange-list": _liquidation_list,
    "funding-rate/oi-weight-history": _funding,
    "funding-rate/vol-weight-history": _funding,
}

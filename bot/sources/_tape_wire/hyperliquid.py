"""How Hyperliquid would tell a moment of the tape: perpetuals, asked for by POST.

Docs: https://hyperliquid.gitbook.io/hyperliquid-docs. Units: open interest in coins; funding is a fraction
for one hour; numbers are text. The reply names no time: the Date header is the only one."""

from collections.abc import Mapping

from bot.sources._tape_market import HOUR_MS, TapeMarket
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import FAR_MS, RowRange, contracts, plain, samples, samples_ended, step_ms

VENUE = "hyperliquid"
HOSTS = ("api.hyperliquid.xyz",)
MOST_ROWS = 500


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request; its body says what is asked for."""
    body = asked.body if isinstance(asked.body, Mapping) else {}
    kind = body.get("type")
    if asked.path != "/info":
        return 404, "Not found"
    if kind == "metaAndAssetCtxs":
        markets = list(scene.markets.values())
        universe = [{"szDecimals": 5, "name": market.asset, "maxLeverage": 40} for market in markets]
        return 200, [
            {"universe": universe, "marginTables": []},
            [_context(scene, market) for market in markets],
        ]
    if kind == "fundingHistory" and body.get("coin") in scene.markets:
        return 200, _funding_history(scene, body)
    if kind == "candleSnapshot":
        return 200, _candles(scene, body.get("req", {}))
    return 422, "Failed to deserialize the JSON body into the target type"


def _context(scene: Scene, market: TapeMarket) -> dict[str, object]:
    (perpetual,) = contracts(market, scene.share(VENUE, market.asset), 0)
    return {
        "funding": plain(market.funding_8h_pct / 800, 10),
        "openInterest": plain(perpetual.coins, 5),
        "prevDayPx": plain(market.index_usd),
        "dayNtlVlm": "0.0",
        "premium": plain(market.perpetual_usd / market.index_usd - 1, 10),
        "oraclePx": plain(market.index_usd),
        "markPx": plain(market.perpetual_usd),
        "midPx": plain(market.perpetual_usd),
        "impactPxs": [plain(market.perpetual_usd), plain(market.perpetual_usd)],
        "dayBaseVlm": "0.0",
    }


def _funding_history(scene: Scene, body: Mapping[str, object]) -> list[dict[str, object]]:
    asset = str(body["coin"])
    return [
        {
            "coin": asset,
            "fundingRate": plain(sample.funding_8h_pct / 800, 10),
            "premium": plain(sample.funding_8h_pct / 100, 10),
            "time": sample.end_ms,
        }
        for sample in samples_ended(scene, asset, HOUR_MS, _page(body))
    ]


def _candles(scene: Scene, req: Mapping[str, object]) -> list[dict[str, object]]:
    asset, step = str(req.get("coin")), step_ms(str(req.get("interval", "")))
    if asset not in scene.markets or step is None:
        return []
    return [
        {
            "t": sample.start_ms,
            "T": sample.end_ms - 1,
            "s": asset,
            "i": req["interval"],
            "o": plain(sample.open_usd),
            "c": plain(sample.close_usd),
            "h": plain(sample.high_usd),
            "l": plain(sample.low_usd),
            "v": "0.0",
            "n": 0,
        }
        for sample in samples(scene, asset, step, _page(req))
    ]


def _page(asked: Mapping[str, object]) -> RowRange:
    since_ms, until_ms = int(str(asked.get("startTime") or 0)), int(str(asked.get("endTime") or FAR_MS))
    return RowRange(since_ms=since_ms, until_ms=until_ms, limit=MOST_ROWS, oldest=True)

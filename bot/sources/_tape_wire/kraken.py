"""How Kraken Futures would tell a moment of the tape: the inverse (PI) and the linear (PF) perpetual.

Docs: https://docs.kraken.com/api/docs/futures-api. Units: open interest of PI in USD, of PF in coins;
`fundingRate` is absolute for one hour: USD a coin (PF), coins a USD (PI)."""

from collections.abc import Iterator
from datetime import datetime

from bot.sources._tape_market import HOUR_MS, TapeMarket
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import Contract, contracts, samples_ended

VENUE = "kraken"
HOSTS = ("futures.kraken.com",)
INVERSE_PART = 0.4
CURRENCY = {"BTC": "XBT"}
Row = dict[str, object]


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request."""
    name = asked.path.rpartition("/")[2]
    spoken_at = _iso(asked.now)
    if name == "tickers":
        rows = [row for market in scene.markets.values() for row in _tickers(scene, market)]
        return 200, {"result": "success", "tickers": rows, "serverTime": spoken_at}
    if name in {"historical-funding-rates", "historicalfundingrates"}:
        symbol = asked.params.get("symbol", "")
        found = [market for market in scene.markets.values() if symbol in _perpetuals(market)]
        if found:
            rates = list(_funding_history(scene, found[0], inverse=symbol.startswith("PI_")))
            return 200, {"result": "success", "rates": rates, "serverTime": spoken_at}
    return 404, {"result": "error", "error": "notFound", "serverTime": spoken_at}


def _perpetuals(market: TapeMarket) -> tuple[str, str]:
    currency = CURRENCY.get(market.asset, market.asset)
    return f"PI_{currency}USD", f"PF_{currency}USD"


def _tickers(scene: Scene, market: TapeMarket) -> Iterator[Row]:
    share = scene.share(VENUE, market.asset)
    inverse, linear = _perpetuals(market)
    hourly = market.funding_8h_pct / 800
    (open_linear,) = contracts(market, share * (1 - INVERSE_PART), 0)
    yield {**_ticker(market, linear, open_linear), "fundingRate": hourly * market.index_usd}
    (open_inverse,) = contracts(market, share * INVERSE_PART, 0)
    yield {
        **_ticker(market, inverse, open_inverse),
        "openInterest": float(round(open_inverse.coins * market.index_usd)),
        "fundingRate": hourly / market.index_usd,
    }


def _ticker(market: TapeMarket, symbol: str, contract: Contract) -> Row:
    return {
        "symbol": symbol,
        "last": contract.mark_usd,
        "lastTime": _iso(market.at),
        "tag": "perpetual",
        "pair": f"{CURRENCY.get(market.asset, market.asset)}:USD",
        "markPrice": contract.mark_usd,
        "bid": contract.mark_usd,
        "ask": contract.mark_usd,
        "openInterest": round(contract.coins, 4),
        "suspended": False,
        "indexPrice": market.index_usd,
        "postOnly": False,
    }


def _funding_history(scene: Scene, market: TapeMarket, *, inverse: bool) -> Iterator[Row]:
    for sample in samples_ended(scene, market.asset, HOUR_MS):
        hourly = sample.funding_8h_pct / 800
        absolute = hourly / sample.close_usd if inverse else hourly * sample.close_usd
        known_at = datetime.fromtimestamp(sample.end_ms / 1000, market.at.tzinfo)
        yield {"timestamp": _iso(known_at), "fundingRate": absolute, "relativeFundingRate": hourly}


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"

"""How BitMEX would tell a moment of the tape: the inverse perpetual and quarterly futures on Bitcoin.

Docs: https://www.bitmex.com/api/explorer. Units: open interest of inverse contracts in USD, `openValue` in satoshi; funding a fraction
for eight hours. Futures expire at 12:00 UTC.
"""

from datetime import datetime, timedelta

from bot.sources._tape_market import Answer, Asked, Market, Scene
from bot.sources._tape_wire._parts import FAR_MS, FUNDING_MS, Contract, Page, contracts, ended, next_funding_ms
from bot.sources._wire import to_ms, utc

VENUE = "bitmex"
HOSTS = ("www.bitmex.com",)
ASSET = "BTC"
MONTH_LETTERS = "FGHJKMNQUVXZ"
NOON = timedelta(hours=4)  # after the 08:00 at which others expire
SATOSHI = 100_000_000
LOT_USD = 100
Row = dict[str, object]


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request."""
    name = asked.path.removeprefix("/api/v1/")
    market = scene.markets.get(ASSET)
    if market is not None and name in {"instrument/active", "instrument"}:
        rows = [_instrument(market, contract) for contract in contracts(scene, market, scene.share(VENUE, ASSET))]
        symbol = asked.params.get("symbol")
        return 200, [row for row in rows if symbol in {None, row["symbol"], row["rootSymbol"]}]
    if market is not None and name == "funding":
        return 200, _funding(scene, asked)
    return 404, {"error": {"message": "Not Found", "name": "HTTPError"}}


def _instrument(market: Market, contract: Contract) -> Row:
    perpetual = contract.expires_at is None
    ending = (
        "USD"
        if contract.expires_at is None
        else f"{MONTH_LETTERS[contract.expires_at.month - 1]}{contract.expires_at:%y}"
    )
    dollars = round(contract.coins * market.index_usd / LOT_USD) * LOT_USD
    return {
        "symbol": f"XBT{ending}",
        "rootSymbol": "XBT",
        "state": "Open",
        "typ": "FFWCSX" if perpetual else "FFCCSX",
        "expiry": None if contract.expires_at is None else _iso(contract.expires_at + NOON),
        "underlying": "XBT",
        "quoteCurrency": "USD",
        "settlCurrency": "XBt",
        "referenceSymbol": ".BXBT" if perpetual else ".BXBT30M",
        "isInverse": True,
        "isQuanto": False,
        "multiplier": -SATOSHI,
        "lotSize": LOT_USD,
        "underlyingToPositionMultiplier": None,
        "underlyingToSettleMultiplier": -SATOSHI,
        "quoteToSettleMultiplier": None,
        "openInterest": dollars,
        "openValue": round(dollars / contract.mark_usd * SATOSHI),
        "markPrice": contract.mark_usd,
        "lastPrice": contract.mark_usd,
        "indicativeSettlePrice": market.index_usd,
        "fundingRate": round(market.funding_8h_pct / 100, 8) if perpetual else None,
        "fundingInterval": "2000-01-01T08:00:00.000Z" if perpetual else None,
        "fundingTimestamp": _iso(utc(next_funding_ms(market))) if perpetual else None,
        "timestamp": _iso(market.at),
    }


def _funding(scene: Scene, asked: Asked) -> list[Row]:
    params = asked.params
    since, until = (params.get(name) for name in ("startTime", "endTime"))
    page = Page(
        since_ms=to_ms(datetime.fromisoformat(since)) if since else 0,
        until_ms=to_ms(datetime.fromisoformat(until)) if until else FAR_MS,
        limit=int(params.get("count") or 100),
        oldest=params.get("reverse") != "true",
    )
    found: list[Row] = [
        {
            "timestamp": _iso(utc(sample.end_ms)),
            "symbol": "XBTUSD",
            "fundingInterval": "2000-01-01T08:00:00.000Z",
            "fundingRate": round(sample.funding_8h_pct / 100, 8),
            "fundingRateDaily": round(sample.funding_8h_pct / 100 * 3, 8),
        }
        for sample in ended(scene, ASSET, FUNDING_MS, page)
    ]
    return found[::-1] if params.get("reverse") == "true" else found


def _iso(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"

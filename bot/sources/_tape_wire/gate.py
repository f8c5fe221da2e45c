"""How Gate would tell a moment of the tape: the perpetual in USDT, its funding, and forced orders.

Docs: https://www.gate.com/docs/developers/apiv4. Units: contracts of `quanto_multiplier` coins;
`position_size` counts longs, `total_size` of the tickers both sides; funding a fraction of `funding_interval`
seconds; times in seconds. A forced order has the position's `size` and an `order_size` of the other sign."""

from bot.sources._tape_market import TapeMarket
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import (
    FAR_MS,
    FUNDING_MS,
    RowRange,
    contracts,
    liquidations_between,
    next_funding_ms,
    plain,
    samples_ended,
)

VENUE = "gate"
HOSTS = ("api.gateio.ws",)
COINS_EACH = {"BTC": 0.0001, "ETH": 0.01, "SOL": 1.0}
OTHER_COINS_EACH = 1.0
MOST_ROWS = 1000
Row = dict[str, object]


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request."""
    method, _, name = asked.path.removeprefix("/api/v4/futures/usdt/").partition("/")
    listed = {f"{market.asset}_USDT": market for market in scene.markets.values()}
    named = name or asked.params.get("contract", "")
    if method == "contracts" and not named:
        return 200, [_contract(scene, market) for market in listed.values()]
    if method not in METHODS:
        return 404, {"label": "NOT_FOUND", "message": "The requested resource does not exist"}
    if named not in listed:
        return 400, {"label": "CONTRACT_NOT_FOUND", "message": f"contract {named} not found"}
    return METHODS[method](scene, listed[named], asked)


def _contract(scene: Scene, market: TapeMarket) -> Row:
    (held,) = contracts(market, scene.share(VENUE, market.asset), 0)
    each = coins_each(market.asset)
    rate = plain(market.funding_8h_pct / 100)
    return {
        "name": f"{market.asset}_USDT",
        "type": "direct",
        "quanto_multiplier": plain(each),
        "mark_price": plain(held.mark_usd, 2),
        "index_price": plain(market.index_usd, 2),
        "last_price": plain(held.mark_usd, 1),
        "position_size": round(held.coins / each),
        "funding_rate": rate,
        "funding_rate_indicative": rate,
        "funding_interval": FUNDING_MS // 1000,
        "funding_offset": 0,
        "funding_next_apply": next_funding_ms(market) // 1000,
        "in_delisting": False,
        "status": "trading",
    }


def coins_each(asset: str) -> float:
    """Coins of one contract."""
    return COINS_EACH.get(asset, OTHER_COINS_EACH)


def _one(scene: Scene, market: TapeMarket, asked: Asked) -> Answer:
    del asked
    return 200, _contract(scene, market)


def _tickers(scene: Scene, market: TapeMarket, asked: Asked) -> Answer:
    del asked
    row = _contract(scene, market)
    held = row["position_size"]
    both_sides = str(2 * held) if isinstance(held, int) else ""
    names = ("mark_price", "index_price", "funding_rate", "funding_rate_indicative", "quanto_multiplier")
    return 200, [{"contract": row["name"], "total_size": both_sides, **{name: row[name] for name in names}}]


def _forced(scene: Scene, market: TapeMarket, asked: Asked) -> Answer:
    """The venue's share of what was closed in the window, as one order a side."""
    since_s, until_s = int(asked.params["from"]), int(asked.params["to"])
    if not 0 <= until_s - since_s < 3600:
        return 400, {"label": "INVALID_PARAM_VALUE", "message": "range from/to must in 1 hour"}
    usd = liquidations_between(scene, market.asset, since_s * 1000, (until_s + 1) * 1000)
    share, each = scene.share(VENUE, market.asset), coins_each(market.asset)
    rows: list[Row] = []
    for sign, closed_usd in zip((1, -1), usd or (), strict=False):
        size = sign * round(closed_usd * share / each / market.index_usd)
        if size:
            price = plain(market.index_usd, 2)
            order = {"size": size, "order_size": -size, "order_price": price, "fill_price": price, "left": 0}
            rows.append({"time": since_s, "contract": f"{market.asset}_USDT", **order})
    return 200, rows


def _funding(scene: Scene, market: TapeMarket, asked: Asked) -> Answer:
    page = RowRange(
        since_ms=int(asked.params.get("from") or 0) * 1000,
        until_ms=int(asked.params["to"]) * 1000 if asked.params.get("to") else FAR_MS,
        limit=int(asked.params.get("limit") or 100),
    )
    found = samples_ended(scene, market.asset, FUNDING_MS, page)
    return 200, [
        {"t": one.end_ms // 1000 + 1, "r": plain(one.funding_8h_pct / 100)} for one in reversed(found)
    ]


METHODS = {"contracts": _one, "tickers": _tickers, "liq_orders": _forced, "funding_rate": _funding}

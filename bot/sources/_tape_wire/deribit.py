"""How Deribit would tell a moment of the tape: JSON-RPC replies with its field names, units and nulls.

Docs: https://docs.deribit.com. Units as in `deribit.py`: options in coins, inverse futures in USD, funding a
fraction. Limits: the tape keeps hours, so bars and DVOL come by the hour and longer; funding history by the
hour. `mark_iv` has four decimals where the venue has two, so that rounding does not move a skew."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

import msgspec
import numpy as np

from bot.sources._tape_chain import Floats
from bot.sources._tape_market import HOUR_MS, TapeHours, TapeMarket
from bot.sources._tape_scene import CARRIES_THE_REST, Answer, Asked, Scene
from bot.sources._tape_wire import _deribit_trades
from bot.sources._tape_wire._deribit_trades import DeribitRefusal, day_name
from bot.sources._tape_wire._parts import NAMELESS, write_alike
from bot.sources._wire import to_ms

VENUE = CARRIES_THE_REST
HOSTS = ("www.deribit.com", "history.deribit.com")
PREFIX = "/api/v2/public/"
CONTRACT_USD = 10
VOLUME_SHARE = 0.05
BAR_MINUTES = {"60": 60, "120": 120, "180": 180, "360": 360, "720": 720, "1D": 1440}
DVOL_SECONDS = {"3600": 3_600, "43200": 43_200, "1D": 86_400}
TAKEN_US = 180
METHOD_NOT_FOUND, INVALID_PARAMS = -32601, -32602


class _TapeOptionRow(msgspec.Struct, kw_only=True, gc=False):
    instrument_name: str
    base_currency: str
    quote_currency: str
    creation_timestamp: int
    bid_price: float | None
    ask_price: float | None
    mid_price: float | None
    mark_price: float | None
    mark_iv: float | None
    last: float | None
    high: None = None
    low: None = None
    price_change: None = None
    open_interest: float
    volume: float
    volume_usd: float
    underlying_index: str
    underlying_price: float
    estimated_delivery_price: float
    interest_rate: int = 0


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request."""
    method = METHODS.get(asked.path.removeprefix(PREFIX))
    if method is None:
        return 400, _envelope(asked.now, error={"code": METHOD_NOT_FOUND, "message": "Method not found"})
    try:
        return 200, _envelope(asked.now, result=method(scene, asked.params))
    except DeribitRefusal as refused:
        error = {"code": INVALID_PARAMS, "message": "Invalid params", "data": refused.data}
        return 400, _envelope(asked.now, error=error)


def _envelope(now: datetime, **content: object) -> dict[str, object]:
    out_us = to_ms(now) * 1000
    times = {"usIn": out_us - TAKEN_US, "usOut": out_us, "usDiff": TAKEN_US, "testnet": False}
    return {"jsonrpc": "2.0", **content, **times}


def _book_summary(scene: Scene, params: Mapping[str, str]) -> list[object]:
    kind = params.get("kind")
    if kind not in {None, "option", "future"}:
        raise DeribitRefusal("kind")
    if params.get("currency") == "USDC":
        return []  # the tape's contracts are margined in their own currency
    market = _market(scene, params.get("currency", ""), "currency")
    options = [] if kind == "future" else _option_rows(market, scene.option_share(VENUE, market.asset))
    futures = [] if kind == "option" else _future_rows(market, scene.share(VENUE, market.asset))
    return [*options, *futures]


def _option_rows(market: TapeMarket, share: float) -> list[object]:
    chain = market.chain
    shares = np.ones((len(market.option_expiries), 1))
    shares[market.elsewhere] = share
    sides = (
        ("C", chain.call_mark_coin, np.round(chain.call_open_interest_coin * shares, 1)),
        ("P", chain.put_mark_coin, np.round(chain.put_open_interest_coin * shares, 1)),
    )
    quoted = [row for side in sides for row in _side_rows(market, *side)]
    return [*quoted, *_idle_rows(market)]


def _idle_rows(market: TapeMarket) -> Iterator[msgspec.Raw]:
    """Options that are listed with nothing open and no quote."""
    for idle in market.idle_options:
        stem = f"{market.asset}-{day_name(idle.expires_at)}"
        row = _TapeOptionRow(
            instrument_name=NAMELESS,
            base_currency=market.asset,
            quote_currency=market.asset,
            creation_timestamp=market.at_ms,
            bid_price=None,
            ask_price=None,
            mid_price=None,
            mark_price=None,
            mark_iv=None,
            last=None,
            open_interest=0.0,
            volume=0.0,
            volume_usd=0.0,
            underlying_index=f"SYN.{stem}",
            underlying_price=idle.forward_usd,
            estimated_delivery_price=market.index_usd,
        )
        yield write_alike(row, idle.names(stem))


def _side_rows(
    market: TapeMarket, right: str, marks: Floats, open_interest: Floats
) -> Iterator[_TapeOptionRow]:
    """One row for each contract of one side: quoted around the mark to the tick, without a bid where that is
    nothing."""
    chain, asset, at_ms, index_usd = market.chain, market.asset, market.at_ms, market.index_usd
    ticks = np.where(marks >= 0.005, 0.0005, 0.0001)
    bids = np.round(np.floor(marks / ticks) * ticks, 4)
    asks = np.round(bids + ticks, 4)
    volumes = np.round(open_interest * VOLUME_SHARE, 1)
    columns = (
        chain.strike_usd,
        bids,
        asks,
        np.round((bids + asks) / 2, 5),
        np.round(marks, 8),
        chain.iv_pct,
        np.round(marks, 4),
        open_interest,
        volumes,
        np.round(volumes * marks * index_usd, 2),
    )
    for number, expiry in enumerate(market.option_expiries):
        stem = f"{asset}-{day_name(expiry)}"
        underlying, forward = f"SYN.{stem}", float(chain.forward_usd[number])
        for strike, bid, ask, mid, mark, volatility, last, held, volume, volume_usd in zip(
            *(column[number].tolist() for column in columns), strict=True
        ):
            yield _TapeOptionRow(
                instrument_name=f"{stem}-{strike:.0f}-{right}",
                base_currency=asset,
                quote_currency=asset,
                creation_timestamp=at_ms,
                bid_price=bid or None,
                ask_price=ask,
                mid_price=mid if bid else None,
                mark_price=mark,
                mark_iv=volatility,
                last=last if volume else None,
                open_interest=held,
                volume=volume,
                volume_usd=volume_usd,
                underlying_index=underlying,
                underlying_price=forward,
                estimated_delivery_price=index_usd,
            )


def _future_rows(market: TapeMarket, share: float) -> list[dict[str, object]]:
    """Dated futures in whole contracts; the perpetual carries the rest, so that the sum is the venue's
    share."""
    total_usd = round(market.open_interest_coin * share * market.index_usd / CONTRACT_USD) * CONTRACT_USD
    dated = [round(total_usd * future.weight / CONTRACT_USD) * CONTRACT_USD for future in market.futures]
    rows = [
        _future_row(market, f"{market.asset}-{day_name(future.expires_at)}", future.mark_usd, open_interest)
        for future, open_interest in zip(market.futures, dated, strict=True)
    ]
    perpetual = _future_row(market, f"{market.asset}-PERPETUAL", market.perpetual_usd, total_usd - sum(dated))
    funding = round(market.funding_8h_pct / 100, 10)
    return [*rows, {**perpetual, "funding_8h": funding, "current_funding": funding}]


def _future_row(market: TapeMarket, name: str, mark_usd: float, open_interest_usd: int) -> dict[str, object]:
    volume_usd = round(open_interest_usd * VOLUME_SHARE / CONTRACT_USD) * CONTRACT_USD
    return {
        "instrument_name": name,
        "base_currency": market.asset,
        "quote_currency": "USD",
        "creation_timestamp": market.at_ms,
        "bid_price": round(mark_usd - 0.25, 2),
        "ask_price": round(mark_usd + 0.25, 2),
        "mid_price": mark_usd,
        "mark_price": mark_usd,
        "last": mark_usd,
        "high": None,
        "low": None,
        "price_change": None,
        "open_interest": open_interest_usd,
        "volume": round(volume_usd / mark_usd, 8),
        "volume_usd": volume_usd,
        "volume_notional": volume_usd,
        "estimated_delivery_price": market.index_usd,
    }


def _index_price(scene: Scene, params: Mapping[str, str]) -> dict[str, object]:
    name = params.get("index_name", "")
    index_usd = _market(scene, name.removesuffix("_usd").upper(), "index_name").index_usd
    return {"index_price": index_usd, "estimated_delivery_price": index_usd}


def _volatility_index(scene: Scene, params: Mapping[str, str]) -> dict[str, object]:
    market = _market(scene, params.get("currency", ""), "currency")
    if params.get("resolution") not in DVOL_SECONDS:
        raise DeribitRefusal("resolution")
    step_ms = DVOL_SECONDS[params["resolution"]] * 1000
    bars = _between(scene.hours[market.asset], params, step_ms)
    factor = scene.tape.assets[market.asset].volatility
    opens, closes = np.round(bars.dvol_open * factor, 2), np.round(bars.dvol_close * factor, 2)
    columns = (opens, np.maximum(opens, closes), np.minimum(opens, closes), closes)
    rows = zip(bars.start_ms.tolist(), *(column.tolist() for column in columns), strict=True)
    return {"data": [[int(start), *bar] for start, *bar in rows], "continuation": None}


def _chart(scene: Scene, params: Mapping[str, str]) -> dict[str, object]:
    market = _perpetual(scene, params)
    if params.get("resolution") not in BAR_MINUTES:
        raise DeribitRefusal("resolution")
    step_ms = BAR_MINUTES[params["resolution"]] * 60_000
    bars = _between(scene.hours[market.asset], params, step_ms)
    price = scene.tape.assets[market.asset].price
    return {
        "status": "ok" if len(bars) else "no_data",
        "ticks": [int(start) for start in bars.start_ms],
        "open": np.round(bars.open_usd * price, 2).tolist(),
        "high": np.round(bars.high_usd * price, 2).tolist(),
        "low": np.round(bars.low_usd * price, 2).tolist(),
        "close": np.round(bars.close_usd * price, 2).tolist(),
        "volume": [0.0] * len(bars),
        "cost": [0.0] * len(bars),
    }


def _funding_history(scene: Scene, params: Mapping[str, str]) -> list[dict[str, object]]:
    market = _perpetual(scene, params)
    since_ms, until_ms = _times(params)
    hours = scene.hours[market.asset].between(since_ms - HOUR_MS, until_ms - HOUR_MS)
    price = scene.tape.assets[market.asset].price
    columns = zip(hours.start_ms, hours.open_usd, hours.close_usd, hours.funding_8h_pct, strict=True)
    return [
        {
            "timestamp": int(start) + HOUR_MS,
            "index_price": round(float(close) * price, 2),
            "prev_index_price": round(float(before) * price, 2),
            "interest_8h": round(float(rate) / 100, 10),
            "interest_1h": round(float(rate) / 800, 10),
        }
        for start, before, close, rate in columns
    ]


def _between(hours: TapeHours, params: Mapping[str, str], step_ms: int) -> TapeHours:
    """The bars that start within the times asked for."""
    since_ms, until_ms = _times(params)
    first_ms = -(-since_ms // step_ms) * step_ms
    return hours.between(first_ms, until_ms // step_ms * step_ms + step_ms - 1).by(step_ms)


def _times(params: Mapping[str, str]) -> tuple[int, int]:
    for name in ("start_timestamp", "end_timestamp"):
        if not params.get(name, "").isdecimal():
            raise DeribitRefusal(name)
    return int(params["start_timestamp"]), int(params["end_timestamp"])


def _perpetual(scene: Scene, params: Mapping[str, str]) -> TapeMarket:
    name = params.get("instrument_name", "")
    return _market(
        scene, name.removesuffix("-PERPETUAL") if name.endswith("-PERPETUAL") else "", "instrument_name"
    )


def _market(scene: Scene, asset: str, param: str) -> TapeMarket:
    if asset not in scene.markets:
        raise DeribitRefusal(param, "not on the tape")
    return scene.markets[asset]


METHODS: Mapping[str, Callable[[Scene, Mapping[str, str]], object]] = {
    "get_book_summary_by_currency": _book_summary,
    "get_index_price": _index_price,
    "get_volatility_index_data": _volatility_index,
    "get_tradingview_chart_data": _chart,
    "get_funding_rate_history": _funding_history,
    "get_last_trades_by_currency_and_time": _deribit_trades.of_options,
    "get_last_trades_by_instrument_and_time": _deribit_trades.of_future,
}

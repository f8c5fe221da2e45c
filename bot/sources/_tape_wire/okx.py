"""How OKX would tell a moment of the tape: swaps, futures and options.

Docs: https://www.okx.com/docs-v5. Units: open interest in contracts (`oi`; × ctVal × ctMult gives coins or
USD), coins (`oiCcy`) and USD (`oiUsd`); everything is text, what is not known is empty; `markVol` is a
fraction. Errors come with HTTP 200."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache

import msgspec
from msgspec import Struct

from bot.sources._tape_market import IdleOptions, TapeMarket
from bot.sources._tape_scene import Answer, Asked, Scene
from bot.sources._tape_wire._parts import (
    FAR_MS,
    FUNDING_MS,
    NAMELESS,
    Contract,
    RowRange,
    TapeOption,
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

VENUE = "okx"
HOSTS = ("www.okx.com",)
INVERSE_PART = 0.15
OPTION_COINS = 0.1
USUAL_ROWS = 100
EVERY = "ANY"
Row = dict[str, object]


class _OkxRefusal(Exception):
    """A parameter that the venue would not take."""


class _Listed(Struct, frozen=True, kw_only=True):
    """One swap or future: its name and family, what one contract is, and the contract."""

    name: str
    family: str
    inverse: bool
    size: float
    market: TapeMarket
    contract: Contract

    @property
    def kind(self) -> str:
        return "FUTURES" if self.contract.expires_at else "SWAP"


class _OptionInterest(msgspec.Struct, kw_only=True, gc=False):
    instType: str = "OPTION"  # noqa: N815  the venue's spelling, here and below
    instId: str  # noqa: N815
    oi: str
    oiCcy: str  # noqa: N815
    oiUsd: str  # noqa: N815
    ts: str


class _OptionSummary(msgspec.Struct, kw_only=True, gc=False):
    instType: str = "OPTION"  # noqa: N815
    instId: str  # noqa: N815
    uly: str
    markVol: str  # noqa: N815
    bidVol: str = ""  # noqa: N815
    askVol: str = ""  # noqa: N815
    realVol: str = ""  # noqa: N815
    fwdPx: str  # noqa: N815
    delta: str = ""
    deltaBS: str = ""  # noqa: N815
    ts: str


def answer(scene: Scene, asked: Asked) -> Answer:
    """The reply to one request. What is refused is refused with HTTP 200 and a code."""
    method = METHODS.get(asked.path.removeprefix("/api/v5/"))
    if asked.path == "/api/v5/public/time":
        return 200, _envelope([{"ts": str(to_ms(asked.now))}])
    if method is None:
        return 404, {"code": "404", "msg": "Not Found", "data": []}
    try:
        return 200, _envelope(method(scene, asked.params))
    except _OkxRefusal as refused:
        return 200, {"code": "51000", "msg": f"Parameter {refused} error", "data": []}


def _envelope(rows: list[object]) -> dict[str, object]:
    return {"code": "0", "msg": "", "data": rows}


def _listed(scene: Scene) -> Iterator[_Listed]:
    for market in scene.markets.values():
        share = scene.share(VENUE, market.asset)
        for quote, inverse, part in (("USDT", False, 1 - INVERSE_PART), ("USD", True, INVERSE_PART)):
            family = f"{market.asset}-{quote}"
            for contract in contracts(market, share * part):
                ending = f"{contract.expires_at:%y%m%d}" if contract.expires_at else "SWAP"
                size = (
                    (100.0 if market.asset == "BTC" else 10.0)
                    if inverse
                    else (0.01 if market.asset == "BTC" else 0.1)
                )
                yield _Listed(
                    name=f"{family}-{ending}",
                    family=family,
                    inverse=inverse,
                    size=size,
                    market=market,
                    contract=contract,
                )


def _chosen(scene: Scene, params: Mapping[str, str]) -> list[_Listed]:
    """What is listed and fits instType, uly or instFamily, and instId."""
    kind, name = params.get("instType"), params.get("instId")
    if name == EVERY:
        name = None
    family = params.get("instFamily") or params.get("uly")
    found = [
        one
        for one in _listed(scene)
        if kind in {None, one.kind} and family in {None, one.family} and name in {None, one.name}
    ]
    if name and not found:
        raise _OkxRefusal("instId")
    return found


def _mark_prices(scene: Scene, params: Mapping[str, str]) -> list[object]:
    return [
        {
            "instType": one.kind,
            "instId": one.name,
            "markPx": plain(one.contract.mark_usd),
            "ts": str(one.market.at_ms),
        }
        for one in _chosen(scene, params)
    ]


def _tickers(scene: Scene, params: Mapping[str, str]) -> list[object]:
    return [
        {
            "instType": one.kind,
            "instId": one.name,
            "last": plain(one.contract.mark_usd),
            "lastSz": "1",
            "askPx": plain(one.contract.mark_usd),
            "askSz": "1",
            "bidPx": plain(one.contract.mark_usd),
            "bidSz": "1",
            "open24h": "",
            "high24h": "",
            "low24h": "",
            "volCcy24h": "",
            "vol24h": "",
            "ts": str(one.market.at_ms),
        }
        for one in _chosen(scene, params)
    ]


def _index_tickers(scene: Scene, params: Mapping[str, str]) -> list[object]:
    quote, name = params.get("quoteCcy"), params.get("instId")
    rows: list[object] = []
    for market in scene.markets.values():
        for currency in ("USD", "USDT"):
            if name in {None, f"{market.asset}-{currency}"} and quote in {None, currency}:
                price = plain(market.index_usd)
                row = {
                    "instId": f"{market.asset}-{currency}",
                    "idxPx": price,
                    "high24h": price,
                    "low24h": price,
                }
                rows.append(
                    {**row, "open24h": price, "sodUtc0": price, "sodUtc8": price, "ts": str(market.at_ms)}
                )
    if not rows:
        raise _OkxRefusal("instId")
    return rows


def _open_interest(scene: Scene, params: Mapping[str, str]) -> list[object]:
    if params.get("instType") == "OPTION":
        return [row for market in _option_markets(scene, params) for row in _option_interest(scene, market)]
    rows: list[object] = []
    for one in _chosen(scene, params):
        index_usd = one.market.index_usd
        amount = one.contract.coins * index_usd if one.inverse else one.contract.coins
        size = round(amount / one.size, 0 if one.inverse else 2)
        coins = size * one.size / (index_usd if one.inverse else 1)
        rows.append(
            {
                "instType": one.kind,
                "instId": one.name,
                "oi": plain(size),
                "oiCcy": plain(coins),
                "oiUsd": plain(coins * index_usd),
                "ts": str(one.market.at_ms),
            }
        )
    return rows


def _funding(scene: Scene, params: Mapping[str, str]) -> list[object]:
    rows: list[object] = []
    for one in _chosen(scene, {**params, "instType": "SWAP"}):
        due_ms = next_funding_ms(one.market)
        rows.append(
            {
                "formulaType": "withRate",
                "fundingRate": plain(one.market.funding_8h_pct / 100, 16),
                "fundingTime": str(due_ms),
                "instId": one.name,
                "instType": "SWAP",
                "method": "current_period",
                "maxFundingRate": "0.00375",
                "minFundingRate": "-0.00375",
                "nextFundingRate": "",
                "nextFundingTime": str(due_ms + FUNDING_MS),
                "prevFundingTime": str(due_ms - FUNDING_MS),
                "premium": "",
                "settFundingRate": plain(one.market.funding_8h_pct / 100, 16),
                "settState": "settled",
                "ts": str(one.market.at_ms),
            }
        )
    return rows


def _funding_history(scene: Scene, params: Mapping[str, str]) -> list[object]:
    chosen = _chosen(scene, {"instId": params.get("instId", ""), "instType": "SWAP"})[0]
    rows: list[object] = [
        {
            "formulaType": "withRate",
            "instType": "SWAP",
            "instId": chosen.name,
            "fundingRate": plain(sample.funding_8h_pct / 100, 16),
            "realizedRate": plain(sample.funding_8h_pct / 100, 16),
            "fundingTime": str(sample.end_ms),
            "method": "current_period",
        }
        for sample in samples_ended(scene, chosen.market.asset, FUNDING_MS, _page(params))
    ]
    return rows[::-1]


def _candles(scene: Scene, params: Mapping[str, str]) -> list[object]:
    asset = params.get("instId", "").partition("-")[0]
    step = step_ms(params.get("bar", "1H").removesuffix("utc"))
    if asset not in scene.markets or step is None:
        raise _OkxRefusal("instId" if step else "bar")
    now_ms = scene.markets[asset].at_ms
    rows: list[object] = []
    for sample in samples(scene, asset, step, _page(params)):
        prices = (sample.open_usd, sample.high_usd, sample.low_usd, sample.close_usd)
        whole = "1" if sample.end_ms <= now_ms else "0"
        rows.append([str(sample.start_ms), *(plain(price) for price in prices), whole])
    return rows[::-1]


def _page(params: Mapping[str, str]) -> RowRange:
    """`after` asks for what is older than it, `before` for what is newer, both in milliseconds; rows come
    newest first."""
    return RowRange(
        since_ms=int(params["before"]) + 1 if params.get("before") else 0,
        until_ms=int(params["after"]) - 1 if params.get("after") else FAR_MS,
        limit=int(params.get("limit") or USUAL_ROWS),
    )


def _instruments(scene: Scene, params: Mapping[str, str]) -> list[object]:
    if params.get("instType") == "OPTION":
        return [row for market in _option_markets(scene, params) for row in _option_instruments(market)]
    return [
        {
            "instType": one.kind,
            "instId": one.name,
            "instFamily": one.family,
            "uly": one.family,
            "alias": "quarter" if one.contract.expires_at else "",
            "ctType": "inverse" if one.inverse else "linear",
            "ctVal": plain(one.size),
            "ctMult": "1",
            "ctValCcy": "USD" if one.inverse else one.market.asset,
            "settleCcy": one.market.asset if one.inverse else "USDT",
            "expTime": str(to_ms(one.contract.expires_at)) if one.contract.expires_at else "",
            "optType": "",
            "stk": "",
            "state": "live",
        }
        for one in _chosen(scene, params)
    ]


def _option_markets(scene: Scene, params: Mapping[str, str]) -> list[TapeMarket]:
    family = params.get("instFamily") or params.get("uly")
    found = [market for market in scene.markets.values() if family in {None, f"{market.asset}-USD"}]
    if not found:
        raise _OkxRefusal("instFamily")
    return found


@lru_cache(maxsize=4)
def _quoted(market: TapeMarket) -> Sequence[tuple[str, TapeOption]]:
    """Each option that is quoted with its name, once for all that is asked of them at a moment."""
    stems = {expiry: _stem(market, expiry) for expiry in market.option_expiries}
    return tuple(
        (f"{stems[option.expires_at]}-{option.strike_usd}-{option.right}", option)
        for option in options(market)
    )


@lru_cache(maxsize=4)
def _idle(market: TapeMarket) -> Sequence[tuple[tuple[str, ...], IdleOptions]]:
    """The others, by expiry, with their names."""
    return tuple((idle.names(_stem(market, idle.expires_at)), idle) for idle in market.idle_elsewhere)


def _stem(market: TapeMarket, expires_at: datetime) -> str:
    return f"{market.asset}-USD-{expires_at:%y%m%d}"


def _option_instruments(market: TapeMarket) -> Iterator[Row]:
    quoted = ((name, option.expires_at) for name, option in _quoted(market))
    unquoted = ((name, idle.expires_at) for names, idle in _idle(market) for name in names)
    for name, expires_at in (*quoted, *unquoted):
        *_, strike, right = name.split("-")
        yield {
            "instType": "OPTION",
            "instId": name,
            "instFamily": f"{market.asset}-USD",
            "uly": f"{market.asset}-USD",
            "ctType": "",
            "ctVal": "1",
            "ctMult": plain(OPTION_COINS),
            "ctValCcy": market.asset,
            "settleCcy": market.asset,
            "expTime": str(to_ms(expires_at)),
            "optType": right,
            "stk": strike,
            "state": "live",
        }


def _option_interest(scene: Scene, market: TapeMarket) -> Iterator[_OptionInterest | msgspec.Raw]:
    share, index_usd, known_at = scene.option_share(VENUE, market.asset), market.index_usd, str(market.at_ms)
    for name, option in _quoted(market):
        size = round(option.coins * share / OPTION_COINS)
        coins = size * OPTION_COINS
        yield _OptionInterest(
            instId=name, oi=str(size), oiCcy=f"{coins:.1f}", oiUsd=f"{coins * index_usd:.4f}", ts=known_at
        )
    row = _OptionInterest(instId=NAMELESS, oi="0", oiCcy="0.0", oiUsd="0.0000", ts=known_at)
    yield from (write_alike(row, names) for names, _ in _idle(market))


def _option_summary(scene: Scene, params: Mapping[str, str]) -> list[object]:
    return [row for market in _option_markets(scene, params) for row in _summary_rows(market)]


def _summary_rows(market: TapeMarket) -> Iterator[_OptionSummary | msgspec.Raw]:
    family, known_at = f"{market.asset}-USD", str(market.at_ms)
    forwards = {usd: f"{usd:.4f}" for usd in {option.forward_usd for option in options(market)}}
    for name, option in _quoted(market):
        yield _OptionSummary(
            instId=name,
            uly=family,
            markVol=f"{option.iv_pct / 100:.6f}",
            fwdPx=forwards[option.forward_usd],
            ts=known_at,
        )
    for names, idle in _idle(market):
        row = _OptionSummary(
            instId=NAMELESS, uly=family, markVol="", fwdPx=f"{idle.forward_usd:.4f}", ts=known_at
        )
        yield write_alike(row, names)


def _open_interest_history(scene: Scene, params: Mapping[str, str]) -> list[object]:
    """`begin` and `end` bound the starts of the periods; rows come newest first, at most a hundred: start, contracts,
    coins, dollars."""
    (one,) = _chosen(scene, {"instId": params.get("instId", "")})[:1]
    step = step_ms(params.get("period", "").removesuffix("utc"))
    if step is None:
        raise _OkxRefusal("period")
    page = RowRange(
        since_ms=int(params["begin"]) if params.get("begin") else 0,
        until_ms=int(params["end"]) - 1 if params.get("end") else FAR_MS,
        limit=min(int(params.get("limit") or USUAL_ROWS), USUAL_ROWS),
    )
    part = one.contract.coins / one.market.open_interest_coin
    rows: list[object] = []
    for sample in samples(scene, one.market.asset, step, page):
        coins, usd = sample.coins * part, sample.coins * part * sample.close_usd
        size = usd / one.size if one.inverse else coins / one.size
        rows.append([str(sample.start_ms), plain(size, 2), plain(coins, 4), plain(usd, 2)])
    return rows[::-1]


METHODS: Mapping[str, Callable[[Scene, Mapping[str, str]], list[object]]] = {
    "rubik/stat/contracts/open-interest-history": _open_interest_history,
    "public/mark-price": _mark_prices,
    "public/open-interest": _open_interest,
    "public/funding-rate": _funding,
    "public/funding-rate-history": _funding_history,
    "public/instruments": _instruments,
    "public/opt-summary": _option_summary,
    "market/tickers": _tickers,
    "market/index-tickers": _index_tickers,
    "market/index-candles": _candles,
    "market/history-index-candles": _candles,
    "market/mark-price-candles": _candles,
}

"""Gate: its perpetuals in USDT: mark, index, open interest, funding, and liquidations by side.

Docs: https://www.gate.com/docs/developers/apiv4/en/#futures (GET, no key); a refusal is `{"label","message"}`
with HTTP 4xx. Units: contracts of `quanto_multiplier` coins (0.0001 BTC, 0.01 ETH). `position_size` is the
"total long position size": one side. `total_size` of the tickers and `open_interest` of the statistics are
about twice as large in recorded replies: they count both sides, which the documents do not say, so neither is
read and open interest has no history here. Funding is a fraction of `funding_interval` SECONDS (1, 4 and 8
hours occur); the row has no time of its own, but its next payment must lie ahead: a row whose payment is due
is old. A forced order has the position's `size` (+ long) and an `order_size` of the other sign that closed
it. Limits: 200 requests in 10 s for each method; one hour of liquidations and 1,000 of them a request;
funding of 180 days. The one inverse contract (7 million dollars, of 2.5 billion) and the delivery contracts
(a few coins) are left out: a request each for next to nothing. One contract is a thousandth of the list of
all, so each asset is asked for by itself."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar

import msgspec

from bot.domain.instruments import Instrument
from bot.domain.readings import Gap, Heard, LiquidationTally, Quantity, Reading, SeriesReading
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._wire import (
    Figure,
    amount,
    decode,
    funding,
    funding_column,
    gather,
    number,
    positive,
    quote,
    refusal_check,
    to_ms,
    utc,
)

NAME = "gate"
HOST = "api.gateio.ws"
TRADING = "trading"
LINEAR = "direct"
BUSY = {"TOO_MANY_REQUESTS", "TOO_BUSY", "SERVER_ERROR", "INTERNAL"}
HOUR = timedelta(hours=1)
SETTLED_LATE = timedelta(minutes=5)  # a payment is booked within seconds; until then the row names it as next
BEFORE_FOR = timedelta(minutes=15)  # how long after an hour's end that hour is asked for in full
PAYMENTS = timedelta(days=30)  # 720 of them if paid each hour; a request gives 1,000
PAYMENTS_KEPT = timedelta(days=179)
_Seconds = int | float


class _GateContract(msgspec.Struct, frozen=True, gc=False):
    name: str
    type: str
    quanto_multiplier: Figure
    mark_price: Figure
    index_price: Figure
    position_size: Figure
    funding_rate: Figure = None
    funding_interval: _Seconds | None = None
    funding_next_apply: _Seconds | None = None
    in_delisting: bool = False
    status: str = TRADING


class _ForcedOrder(msgspec.Struct, frozen=True, gc=False):
    time: _Seconds
    contract: str
    size: Figure
    order_size: Figure
    fill_price: Figure


class _GateRefusal(msgspec.Struct, frozen=True, gc=False):
    label: str


class _GatePayment(msgspec.Struct, frozen=True, gc=False):
    t: _Seconds
    r: Figure


_REFUSAL = msgspec.json.Decoder(_GateRefusal)
_CONTRACT = msgspec.json.Decoder(_GateContract)
_ORDERS = msgspec.json.Decoder(list[_ForcedOrder])
_PAYMENTS = msgspec.json.Decoder(list[_GatePayment])


class Gate:
    """One poll of one asset is two requests; three in the first minutes of an hour."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME
    brings: frozenset[Quantity] = frozenset({"perpetuals", "funding", "liquidations"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        refused = refusal_check(_REFUSAL, lambda said: said.label, BUSY)
        http.allow(HOST, Budget(burst=100, per_s=10), passing=refused)

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's perpetual, its funding, and the liquidations of this hour and of the one that ended
        just now. Raises SourceError where nothing was heard."""
        windows = _windows(at)
        contract, *orders = await asyncio.gather(
            self._get(f"contracts/{asset}_USDT", f"{asset} contract", {}),
            *(self._orders(asset, *window) for window in windows),
            return_exceptions=True,
        )
        return gather(f"{NAME} {asset}", _parts(contract, windows, orders, asset), ["contract"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Funding, as far as the venue keeps it (180 days). Raises SourceError."""
        rows: list[tuple[int, float | None]] = []
        start, server_at = max(since, until - PAYMENTS_KEPT), until
        while start < until:
            end = min(start + PAYMENTS, until)
            params: Params = {"contract": f"{asset}_USDT", **_between(start, end), "limit": 1000}
            reply = await self._get("funding_rate", f"{asset} funding history", params)
            rows += parse_payments(reply)
            start, server_at = end, reply.server_at()
        subject = f"{NAME} {asset} funding history"
        told = funding_column(source=NAME, subject=subject, asset=asset, rows=rows, server_at=server_at)
        return [told] if isinstance(told, SeriesReading) else []

    async def _orders(self, asset: str, since: datetime, until: datetime) -> Reply:
        params: Params = {"contract": f"{asset}_USDT", **_between(since, until), "limit": 1000}
        return await self._get("liq_orders", f"{asset} liquidations", params)

    async def _get(self, method: str, about: str, params: Params) -> Reply:
        url = f"https://{HOST}/api/v4/futures/usdt/{method}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params)


SOURCE = Gate

Part = Sequence[Reading | Gap] | BaseException


def _parts(
    contract: Reply | BaseException,
    windows: Sequence[tuple[datetime, datetime]],
    orders: Sequence[Reply | BaseException],
    asset: str,
) -> dict[str, Part]:
    """What came of each request. Without the contract nobody can say what a liquidation was worth."""
    if isinstance(contract, BaseException):
        return {"contract": contract}
    parts: dict[str, Part] = {"contract": _tried(lambda: parse_contract(contract, asset))}
    for (since, until), reply in zip(windows, orders, strict=True):
        parts[f"liquidations since {since:%H:%M}"] = (
            reply
            if isinstance(reply, BaseException)
            else _tried(partial(parse_liquidations, reply, contract, asset, since, until))
        )
    return parts


def _tried(read: Callable[[], list[Reading | Gap]]) -> list[Reading | Gap] | SourceError:
    try:
        return read()
    except SourceError as error:
        return error


def parse_contract(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's perpetual and its funding; a gap where it does not trade. Raises SourceError."""
    row = _contract(reply, asset)
    subject, server_at = f"{NAME} {row.name}", reply.server_at()
    if row.in_delisting or row.status != TRADING:
        said = reason("delisting") if row.in_delisting else reason("not_trading", status=row.status[:20])
        return [Gap(who=subject, reason=about(subject, said))]
    if row.funding_next_apply is not None and _at(row.funding_next_apply) < server_at - SETTLED_LATE:
        due = f"{_at(row.funding_next_apply):%Y-%m-%dT%H:%M}"
        raise SourceUnavailable(about(subject, reason("row_old", due=due)))
    instrument = Instrument(venue=NAME, symbol=row.name, asset=asset, kind="perpetual")
    contracts = amount(row.position_size, subject)
    return [
        quote(
            source=NAME,
            observed_at=server_at,
            instrument=instrument,
            mark_usd=positive(row.mark_price, subject),
            index_usd=positive(row.index_price, subject),
            open_interest=None if contracts is None else contracts * _size(row, subject),
        ),
        funding(
            source=NAME,
            observed_at=server_at,
            instrument=instrument,
            rate=number(row.funding_rate, subject),
            interval_hours=None if row.funding_interval is None else row.funding_interval / 3600,
        ),
    ]


def parse_liquidations(
    orders: Reply, contract: Reply, asset: str, since: datetime, until: datetime
) -> list[Reading | Gap]:
    """The tally of a window, each side by itself; none is nothing closed. `contract` says what one contract
    is. Raises SourceError, where a row does not say which side was closed too."""
    subject = orders.subject
    row = _contract(contract, asset)
    coins_each, server_at = _size(row, f"{NAME} {row.name}"), orders.server_at()
    longs_usd = shorts_usd = 0.0
    for order in decode(_ORDERS, orders.body, subject):
        size, closing = number(order.size, subject), number(order.order_size, subject)
        price_usd = positive(order.fill_price, subject)
        if order.contract != row.name or not since <= _at(order.time) <= until:
            raise SourceChanged(about(subject, reason("other_row")))
        if price_usd is None or size is None or closing is None or not size * closing < 0:
            raise SourceChanged(about(subject, reason("no_side")))
        usd = abs(closing) * coins_each * price_usd
        longs_usd, shorts_usd = (longs_usd + usd, shorts_usd) if size > 0 else (longs_usd, shorts_usd + usd)
    return [
        LiquidationTally(
            source=NAME,
            observed_at=min(until, server_at),
            venue=NAME,
            asset=asset,
            since_at=since,
            until_at=until,
            longs_usd=longs_usd,
            shorts_usd=shorts_usd,
            complete=False,
        )
    ]


def parse_payments(reply: Reply) -> list[tuple[int, float | None]]:
    """Funding that was paid: milliseconds and fraction. It is booked a second after the hour; the hour is
    meant. Raises SourceError."""
    return [
        (round(row.t / 60) * 60_000, number(row.r, reply.subject))
        for row in decode(_PAYMENTS, reply.body, reply.subject)
    ]


def _contract(reply: Reply, asset: str) -> _GateContract:
    """The row, if it is the asset's and counts coins. Raises SourceChanged."""
    row = decode(_CONTRACT, reply.body, reply.subject)
    if row.name != f"{asset}_USDT" or row.type != LINEAR:
        raise SourceChanged(about(reply.subject, reason("unasked", name=row.name[:20])))
    return row


def _size(row: _GateContract, subject: str) -> float:
    """Coins of one contract. Raises SourceChanged."""
    coins = positive(row.quanto_multiplier, subject)
    if coins is None:
        raise SourceChanged(about(subject, reason("no_contract_size")))
    return coins


def _windows(at: datetime) -> list[tuple[datetime, datetime]]:
    """The hour under way, and in its first minutes the one before it, which is whole only now."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    now = at.replace(microsecond=0)
    whole = [(hour - HOUR, hour)] if at - hour < BEFORE_FOR else []
    return [*whole, (hour, now)] if now > hour else whole


def _between(since: datetime, until: datetime) -> dict[str, int]:
    """In whole seconds; what happens in the last of them belongs to the next window."""
    return {"from": to_ms(since) // 1000, "to": to_ms(until) // 1000 - 1}


def _at(seconds: _Seconds) -> datetime:
    """A moment from seconds since 1970. Raises SourceChanged for what is no time."""
    if not 0 < seconds < 32_503_680_000:
        raise SourceChanged(about(NAME, reason("not_a_time_s", said=seconds)))
    return utc(round(seconds * 1000))

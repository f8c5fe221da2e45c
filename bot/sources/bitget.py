"""Bitget: perpetuals in USDT, perpetuals and quarterly futures margined in coins, their funding and index.

Docs: https://www.bitget.com/api-doc/contract/market/Get-All-Symbol-Ticker (GET, no key); a refusal has a
`code` other than "00000", with HTTP 200 as with 400. Units: `holdingAmount` is in coins for both kinds, and
counts BOTH sides ("calculated as the sum of long and short positions", the venue's article on its position
limits): half of it is told. Coin-margined contracts are sized in coins too, not in dollars, so none is
inverse; they stand on an index in dollars. Funding is a fraction of `fundingRateInterval` hours (1, 2, 4, 8),
which another method tells. Each row has its own time, in milliseconds as text. Limits: 20 requests a second
and address for each method. All four replies serve all assets. Contracts in USDC are left out (two requests
more for little). Liquidations are pushed, but no document says in which unit `amount` counts them, and public
readers differ: left out. History: funding alone, a hundred payments a page."""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Generic, TypeVar

import msgspec

from bot.domain.instruments import Instrument
from bot.domain.readings import FutureQuote, Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.reasons import about, reason
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._odd import OddRows, decode_rows
from bot.sources._wire import (
    Figure,
    amount,
    funding,
    funding_column,
    gather,
    known_at,
    number,
    observed_at,
    positive,
    quote,
    refusal_check,
    to_ms,
    unique,
)

NAME = "bitget"
HOST = "api.bitget.com"
LINEAR, COIN = "USDT-FUTURES", "COIN-FUTURES"
SHARE_S = 10
SLOW_SHARE_S = 900
OK = "00000"
# too many requests, timeout, abnormal, upgrade, an error of a service behind, unknown
BUSY = {"429", "40010", "40015", "40200", "40725", "45001"}
NOT_YET = "delivery_config_period"  # announced and not traded
PAGE = 100
PAGES = 40

T = TypeVar("T")


class _BitgetTicker(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    ts: Figure
    mark_price: Figure
    index_price: Figure
    holding_amount: Figure
    funding_rate: Figure = None
    delivery_time: Figure = None
    delivery_status: str | None = None


class _BitgetInterval(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    funding_rate_interval: Figure = None


class _BitgetPayment(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    funding_rate: Figure
    funding_time: Figure


class _BitgetAnswer(msgspec.Struct, Generic[T], frozen=True, gc=False, rename="camel"):
    code: str
    msg: str = ""
    request_time: int | None = None
    data: list[T] | None = None


_REFUSAL = msgspec.json.Decoder(_BitgetAnswer[msgspec.Raw])
_TICKERS = msgspec.json.Decoder(_BitgetAnswer[_BitgetTicker])
_INTERVALS = msgspec.json.Decoder(_BitgetAnswer[_BitgetInterval])
_PAYMENTS = msgspec.json.Decoder(_BitgetAnswer[_BitgetPayment])


class Bitget:
    """One poll of any number of assets is two requests; four where the intervals are not known any more."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME
    brings: frozenset[Quantity] = frozenset({"futures", "perpetuals", "funding", "index"})

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        refused = refusal_check(_REFUSAL, lambda said: said.code, BUSY)
        http.allow(HOST, Budget(burst=20, per_s=10), passing=refused)

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's contracts, funding and index. Raises SourceError where nothing was heard."""
        del at
        linear, coin = await asyncio.gather(
            self._hear(asset, LINEAR), self._hear(asset, COIN), return_exceptions=True
        )
        return gather(f"{NAME} {asset}", {"USDT": linear, "coin": coin}, ["USDT", "coin"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Funding of the perpetual in USDT, a page after the other, the newest first. Raises SourceError."""
        rows: list[tuple[int, float | None]] = []
        server_at = until
        for page in range(1, PAGES + 1):
            params: Params = {
                "symbol": f"{asset}USDT",
                "productType": LINEAR,
                "pageSize": PAGE,
                "pageNo": page,
            }
            reply = await self._get("history-fund-rate", f"{asset} funding history", params)
            paid, server_at = parse_payments(reply, asset)
            rows += [row for row in paid if to_ms(since) <= row[0] <= to_ms(until)]
            if len(paid) < PAGE or min(at_ms for at_ms, _ in paid) < to_ms(since):
                break
        subject = f"{NAME} {asset} funding history"
        told = funding_column(source=NAME, subject=subject, asset=asset, rows=rows, server_at=server_at)
        return [told] if isinstance(told, SeriesReading) else []

    async def _hear(self, asset: str, product: str) -> list[Reading | Gap]:
        asked: Params = {"productType": product}
        tickers, intervals = await asyncio.gather(
            self._get("tickers", f"{product} tickers", asked, SHARE_S), self._intervals(product)
        )
        return parse_contracts(tickers, asset, product=product, intervals=intervals)

    async def _intervals(self, product: str) -> dict[str, float]:
        """Hours between payments by symbol; none where that was not heard."""
        asked: Params = {"productType": product}
        try:
            reply = await self._get("current-fund-rate", f"{product} funding intervals", asked, SLOW_SHARE_S)
            return parse_intervals(reply)
        except SourceError:
            return {}  # each perpetual's funding then says that its interval is not known

    async def _get(self, method: str, about: str, params: Params, share_s: float = 0) -> Reply:
        url = f"https://{HOST}/api/v2/mix/market/{method}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, share_s=share_s)


SOURCE = Bitget


def parse_contracts(
    reply: Reply, asset: str, *, product: str, intervals: dict[str, float]
) -> list[Reading | Gap]:
    """The asset's contracts of one kind, the perpetual's funding, and of the one margined in coins the index;
    a gap where none is listed. Raises SourceError."""
    odd = OddRows(reply.subject)
    rows, server_at = _rows(_TICKERS, reply, odd)
    names = re.compile(
        rf"{asset}USDT" if product == LINEAR else rf"{asset}USD([FGHJKMNQUVXZ]\d{{2}})?", re.ASCII
    )
    own = [row for row in rows if names.fullmatch(row.symbol)]
    unique((row.symbol for row in own), reply.subject)
    heard: list[Reading | Gap] = [*odd.gaps(names.fullmatch)]
    for row in own:
        if row.delivery_status == NOT_YET:
            continue
        try:
            heard += _contract(row, asset, server_at, product=product, hours=intervals.get(row.symbol))
        except SourceError as error:
            heard.append(Gap(who=f"{NAME} {row.symbol}", reason=str(error)))
    return heard or [
        Gap(who=f"{NAME} {asset}", reason=about(reply.subject, reason("not_in_reply", what=asset)))
    ]


def parse_intervals(reply: Reply) -> dict[str, float]:
    """Hours between payments of each symbol. Raises SourceError."""
    rows, _ = _rows(_INTERVALS, reply, OddRows(reply.subject))
    told = ((row.symbol, positive(row.funding_rate_interval, reply.subject)) for row in rows)
    return {symbol: hours for symbol, hours in told if hours is not None}


def parse_payments(reply: Reply, asset: str) -> tuple[list[tuple[int, float | None]], datetime]:
    """Funding that was paid: milliseconds and fraction, and the server's time. Raises SourceError, for a row
    of another contract too."""
    rows, server_at = _rows(_PAYMENTS, reply)
    paid = []
    for row in rows:
        if row.symbol != f"{asset}USDT":
            raise SourceChanged(about(reply.subject, reason("unasked", name=row.symbol[:20])))
        at_ms = number(row.funding_time, reply.subject)
        if at_ms is not None:
            paid.append((int(at_ms), number(row.funding_rate, reply.subject)))
    return paid, server_at


def _rows(
    decoder: "msgspec.json.Decoder[_BitgetAnswer[T]]", reply: Reply, odd: OddRows | None = None
) -> tuple[list[T], datetime]:
    """The rows and the server's time; rows of another shape are left out where `odd` takes them. Raises
    SourceError."""
    answer = decode_rows(decoder, reply.body, reply.subject, odd)
    if answer.code != OK:
        said = about(reply.subject, reason("venue_error", code=answer.code[:20], said=answer.msg[:120]))
        raise SourceUnavailable(said) if answer.code in BUSY else SourceChanged(said)
    if answer.data is None:
        raise SourceChanged(about(reply.subject, reason("not_in_reply", what="data")))
    return answer.data, reply.server_at(known_at(answer.request_time, reply.subject))


def _contract(
    row: _BitgetTicker, asset: str, server_at: datetime, *, product: str, hours: float | None
) -> list[Reading | Gap]:
    subject = f"{NAME} {row.symbol}"
    at_ms, delivered_ms = number(row.ts, subject), number(row.delivery_time, subject)
    if at_ms is None:
        raise SourceChanged(about(subject, reason("no_row_time")))
    at = observed_at(int(at_ms), server_at, subject)
    expires_at = known_at(None if delivered_ms is None else int(delivered_ms), subject)
    if (expires_at is None) == row.symbol[-1].isdigit():
        raise SourceChanged(about(subject, reason("name_and_time_differ")))
    instrument = Instrument(
        venue=NAME,
        symbol=row.symbol,
        asset=asset,
        kind="perpetual" if expires_at is None else "future",
        expires_at=expires_at,
    )
    if instrument.is_over(server_at):
        return []
    both_sides = amount(row.holding_amount, subject)
    told = quote(
        source=NAME,
        observed_at=at,
        instrument=instrument,
        mark_usd=positive(row.mark_price, subject),
        index_usd=positive(row.index_price, subject),
        open_interest=None if both_sides is None else both_sides / 2,
    )
    if expires_at is not None:
        return [told]
    rate = number(row.funding_rate, subject)
    heard: list[Reading | Gap] = [
        told,
        funding(source=NAME, observed_at=at, instrument=instrument, rate=rate, interval_hours=hours),
    ]
    if product == COIN and isinstance(told, FutureQuote):
        heard.append(
            SpotQuote(source=NAME, observed_at=at, venue=NAME, asset=asset, index_usd=told.index_usd)
        )
    return heard

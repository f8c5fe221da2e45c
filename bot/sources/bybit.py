"""Bybit: linear and inverse perpetuals and futures, funding, its option chain; liquidations while it listens.

Docs: https://bybit-exchange.github.io/docs/v5/market/tickers (GET, no key); a refusal comes with HTTP 200 and `retCode` ≠ 0.
Units: `openInterest` counts BOTH sides, `singleOpenInterest` one: the latter is used, else half of the former. Linear contracts
and options count coins, inverse ones dollars. `markIv` is a fraction of 1 a year ("0.4896"), funding a fraction of
`fundingIntervalHour`. Numbers are text, "" is nothing. Rows have no time: the envelope's `time` has it.
Limits: 600 requests in 5 s and address; some countries get HTTP 403. Linear and inverse replies serve all assets.
Open interest has a history, but of one contract a request, not of the sum that is told here: it is not filled in.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import ClassVar, Generic, TypeVar

import msgspec
import numpy as np

from bot.domain.chain import OptionChain
from bot.domain.instruments import Instrument
from bot.domain.readings import FutureQuote, Gap, Heard, Quantity, Reading, SeriesReading, SpotQuote
from bot.errors import SourceChanged, SourceError, SourceUnavailable
from bot.sources._hosts import Budget
from bot.sources._http import Http, Params, Reply
from bot.sources._liquidations import bybit_streams
from bot.sources._options import amounts, expiry, forwards, volatilities
from bot.sources._wire import (
    Figure,
    amount,
    decode,
    funding,
    funding_column,
    gather,
    number,
    numbers,
    positive,
    quote,
    to_ms,
    told_at,
    unique,
)
from bot.sources._ws import Collector

NAME = "bybit"
BRINGS: frozenset[Quantity] = frozenset({"options", "futures", "perpetuals", "funding", "index"})
HOST = "api.bybit.com"
SHARE_S = 10
TOO_MANY_VISITS = 10006
PAYMENTS = timedelta(hours=190)  # 200 rows a request, and funding may be paid every hour
_OPTION = re.compile(r"(\d{1,2}[A-Z]{3}\d{2})-(\d+(?:\.\d+)?)-([CP])(?:-[A-Z]+)?", re.ASCII)

T = TypeVar("T")


class _Ticker(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    mark_price: Figure
    index_price: Figure
    open_interest: Figure
    single_open_interest: Figure = None
    funding_rate: Figure = None
    funding_interval_hour: Figure = None
    delivery_time: Figure = None


class _Option(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    symbol: str
    mark_iv: Figure
    underlying_price: Figure
    open_interest: Figure
    volume24h: Figure
    single_open_interest: Figure = None


class _Payment(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    funding_rate: Figure
    funding_rate_timestamp: Figure


class _List(msgspec.Struct, Generic[T], frozen=True, gc=False):
    rows: list[T] | None = msgspec.field(default=None, name="list")


class _Answer(msgspec.Struct, Generic[T], frozen=True, gc=False, rename="camel"):
    ret_code: int
    ret_msg: str
    result: _List[T] | None = None
    time: int | None = None


_TICKERS = msgspec.json.Decoder(_Answer[_Ticker])
_OPTIONS = msgspec.json.Decoder(_Answer[_Option])
_PAYMENTS = msgspec.json.Decoder(_Answer[_Payment])


class Bybit:
    """One poll is three requests, of which two serve all assets."""

    NEEDS_KEY: ClassVar[bool] = False
    name = NAME

    def __init__(self, http: Http, *, key: str | None = None) -> None:
        del key  # everything asked for is public
        self._http = http
        self._collector = Collector(NAME, http.now)
        http.allow(HOST, Budget(burst=600, per_s=120))

    @property
    def brings(self) -> frozenset[Quantity]:
        """What it can bring; liquidations while it listens."""
        return BRINGS | {"liquidations"} if self._collector.running else BRINGS

    async def start(self, assets: Sequence[str]) -> None:
        """Listen to liquidations until `stop`."""
        await self._collector.start(bybit_streams(assets))

    async def stop(self) -> None:
        """Stop listening."""
        await self._collector.stop()

    async def poll(self, asset: str, at: datetime) -> Heard:
        """The asset's contracts, funding, index and option chain. Raises SourceError where nothing was heard."""
        del at
        linear, inverse, options = await asyncio.gather(
            self._hear_contracts(asset, "linear"),
            self._hear_contracts(asset, "inverse"),
            self._hear_options(asset),
            return_exceptions=True,
        )
        liquidations = self._collector.tallies(asset)
        parts = {"linear": linear, "inverse": inverse, "options": options, "liquidations": liquidations}
        return gather(f"{NAME} {asset}", parts, ["linear", "inverse"])

    async def backfill(self, asset: str, since: datetime, until: datetime) -> Sequence[SeriesReading]:
        """Funding of the linear perpetual in USDT. Raises SourceError."""
        rows: list[tuple[int, float | None]] = []
        end, server_at = until, until
        while end > since:
            start = max(since, end - PAYMENTS)
            params: Params = {
                "category": "linear",
                "symbol": f"{asset}USDT",
                "startTime": to_ms(start),
                "endTime": to_ms(end),
                "limit": 200,
            }
            reply = await self._get("funding/history", f"{asset} funding history", params)
            paid, server_at = parse_payments(reply)
            rows += paid
            end = start
        subject = f"{NAME} {asset} funding history"
        told = funding_column(source=NAME, subject=subject, asset=asset, rows=rows, server_at=server_at)
        return [told] if isinstance(told, SeriesReading) else []

    async def _hear_contracts(self, asset: str, category: str) -> list[Reading | Gap]:
        reply = await self._get("tickers", f"{category} tickers", {"category": category}, SHARE_S)
        return parse_contracts(reply, asset, inverse=category == "inverse")

    async def _hear_options(self, asset: str) -> list[Reading | Gap]:
        reply = await self._get("tickers", f"{asset} options", {"category": "option", "baseCoin": asset})
        return parse_options(reply, asset)

    async def _get(self, method: str, about: str, params: Params, share_s: float = 0) -> Reply:
        url = f"https://{HOST}/v5/market/{method}"
        return await self._http.get(url, subject=f"{NAME} {about}", params=params, share_s=share_s)


SOURCE = Bybit


def parse_contracts(reply: Reply, asset: str, *, inverse: bool) -> list[Reading | Gap]:
    """The asset's perpetuals and futures of one kind, with funding; of the inverse perpetual the index too.
    Nothing where none is listed. Raises SourceError."""
    rows, server_at = _rows(_TICKERS, reply)
    unique((row.symbol for row in rows), reply.subject)
    names = re.compile(
        rf"{asset}USD([HMUZ]\d{{2}})?" if inverse else rf"{asset}(USDT|PERP)?(-\d{{1,2}}[A-Z]{{3}}\d{{2}})?", re.ASCII
    )
    heard: list[Reading | Gap] = []
    for row in rows:
        if not names.fullmatch(row.symbol):
            continue
        try:
            heard += _contract(row, asset, server_at, inverse=inverse)
        except SourceError as error:
            heard.append(Gap(who=f"{NAME} {row.symbol}", reason=str(error)))
    return heard


def parse_options(reply: Reply, asset: str) -> list[Reading | Gap]:
    """The asset's option chain, or a gap where it lists none. Raises SourceError."""
    rows, server_at = _rows(_OPTIONS, reply)
    unique((row.symbol for row in rows), reply.subject)
    if not rows:
        return [Gap(who=reply.subject, reason=f"{reply.subject}: no option in the reply")]
    subject = reply.subject
    contracts = [_option(row.symbol, asset, subject) for row in rows]
    shares = numbers([row.mark_iv for row in rows], subject)
    open_interest = [_one_side(row.single_open_interest, row.open_interest, subject) for row in rows]
    return [
        OptionChain(
            source=NAME,
            venue=NAME,
            asset=asset,
            observed_at=server_at,
            expires_ms=np.array([expires_ms for expires_ms, _, _ in contracts], dtype=np.int64),
            strike_usd=np.array([strike_usd for _, strike_usd, _ in contracts], dtype=np.float64),
            is_call=np.array([is_call for _, _, is_call in contracts], dtype=np.bool_),
            forward_usd=forwards(numbers([row.underlying_price for row in rows], subject)),
            mark_iv_pct=volatilities([None if share is None else share * 100 for share in shares]),
            open_interest_coin=amounts(open_interest),
            volume_24h_coin=amounts(numbers([row.volume24h for row in rows], subject)),
            row_ms=np.full(len(rows), to_ms(server_at), dtype=np.int64),
        )
    ]


def parse_payments(reply: Reply) -> tuple[list[tuple[int, float | None]], datetime]:
    """Funding that was paid: milliseconds and fraction, and the server's time. Raises SourceError."""
    rows, server_at = _rows(_PAYMENTS, reply)
    paid = []
    for row in rows:
        at_ms = number(row.funding_rate_timestamp, reply.subject)
        if at_ms is not None:
            paid.append((int(at_ms), number(row.funding_rate, reply.subject)))
    return paid, server_at


def _rows(decoder: "msgspec.json.Decoder[_Answer[T]]", reply: Reply) -> tuple[list[T], datetime]:
    answer = decode(decoder, reply.body, reply.subject)
    if answer.ret_code != 0:
        said = f"{reply.subject}: error {answer.ret_code} {answer.ret_msg}".rstrip()
        raise SourceUnavailable(said) if answer.ret_code == TOO_MANY_VISITS else SourceChanged(said)
    if answer.result is None or answer.result.rows is None:
        raise SourceChanged(f"{reply.subject}: no list in the reply")
    return answer.result.rows, reply.server_at(told_at(answer.time, reply.subject))


def _contract(row: _Ticker, asset: str, server_at: datetime, *, inverse: bool) -> list[Reading | Gap]:
    subject = f"{NAME} {row.symbol}"
    delivery_ms = number(row.delivery_time, subject)
    expires_at = told_at(None if delivery_ms is None else int(delivery_ms), subject)
    instrument = Instrument(
        venue=NAME,
        symbol=row.symbol,
        asset=asset,
        kind="perpetual" if expires_at is None else "future",
        expires_at=expires_at,
        inverse=inverse,
    )
    told = quote(
        source=NAME,
        observed_at=server_at,
        instrument=instrument,
        mark_usd=positive(row.mark_price, subject),
        index_usd=positive(row.index_price, subject),
        open_interest=_one_side(row.single_open_interest, row.open_interest, subject),
    )
    heard: list[Reading | Gap] = [told]
    if expires_at is None:
        rate, hours = number(row.funding_rate, subject), number(row.funding_interval_hour, subject)
        heard.append(
            funding(source=NAME, observed_at=server_at, instrument=instrument, rate=rate, interval_hours=hours)
        )
    if expires_at is None and inverse and isinstance(told, FutureQuote):
        heard.append(SpotQuote(source=NAME, observed_at=server_at, venue=NAME, asset=asset, index_usd=told.index_usd))
    return heard


def _one_side(single: Figure, both: Figure, subject: str) -> float | None:
    """One side's open interest: as told, else half of what counts both sides."""
    told = amount(single, subject)
    if told is not None:
        return told
    doubled = amount(both, subject)
    return None if doubled is None else doubled / 2


@lru_cache(maxsize=8192)
def _option(symbol: str, asset: str, subject: str) -> tuple[int, float, bool]:
    """Expiry in milliseconds, strike in USD and whether it is a call, from `BTC-27JUN25-100000-C-USDT`."""
    found = _OPTION.fullmatch(symbol.removeprefix(f"{asset}-")) if symbol.startswith(f"{asset}-") else None
    if found is None:
        raise SourceChanged(f"{subject}: {symbol[:40]!r} is no option's name")
    strike_usd = float(found[2])
    if not strike_usd > 0:
        raise SourceChanged(f"{subject}: {symbol[:40]!r} has no strike")
    return to_ms(expiry(found[1], subject)), strike_usd, found[3] == "C"

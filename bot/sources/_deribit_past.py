"""Deribit's history host: the trades in options, and those in dated futures, expired ones too, since the venue began.

Docs: https://docs.deribit.com (`get_last_trades_by_currency_and_time`, `get_last_trades_by_instrument_and_time`).
Units: options in coins, `iv` in percent a year, index and futures in USD. A block has a `block_trade_id`, the leg of a
combination a `combo_id` or `combo_trade_id`; of other trades the keys are absent. Limits: as the venue's own, 20 requests
a second; at most 10,000 trades a request, of which the newest are told first. One bad row is left out; over one in fifty
is SourceChanged."""

import asyncio
import calendar
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import msgspec
import numpy as np

from bot.domain.traded import FuturePrices, OptionTrades
from bot.errors import SourceChanged, SourceError
from bot.reasons import about, reason
from bot.sources._deribit_wire import DeribitSpelling, Rpc, read_option, read_result, spelling_of
from bot.sources._http import Http, Params, Reply
from bot.sources._odd import ODD_SHARE
from bot.sources._options import EXPIRY_HOUR, IV_LIMIT_PCT, MONTHS, expiry
from bot.sources._wire import FUTURE, LARGEST, Ms, to_ms, utc

NAME = "deribit"
HISTORY_HOST = "history.deribit.com"
MOST_OPTION_TRADES = 3_000
MOST_FUTURE_TRADES = 250
AT_ONCE = 4
NEAREST, FARTHEST = timedelta(days=7), timedelta(days=200)
SERIAL_MONTHS, QUARTERS = 2, 2
FRIDAY = 4
DAY = timedelta(days=1)


class _OptionTrade(msgspec.Struct, frozen=True, gc=False):
    instrument_name: str
    timestamp: Ms
    amount: float
    index_price: float | None
    iv: float | None = None
    block_trade_id: str | None = None
    combo_id: str | None = None
    combo_trade_id: str | int | None = None


class _OptionPage(msgspec.Struct, frozen=True, gc=False):
    trades: list[_OptionTrade]
    has_more: bool


class _FutureTrade(msgspec.Struct, frozen=True, gc=False):
    instrument_name: str
    timestamp: Ms
    price: float | None
    index_price: float | None
    block_trade_id: str | None = None
    combo_id: str | None = None


class _FuturePage(msgspec.Struct, frozen=True, gc=False):
    trades: list[_FutureTrade]
    has_more: bool


_OPTION_TRADES = msgspec.json.Decoder(Rpc[_OptionPage])
_FUTURE_TRADES = msgspec.json.Decoder(Rpc[_FuturePage])


async def recall_options(http: Http, asset: str, since: datetime, until: datetime) -> OptionTrades:
    """The newest trades in the asset's options within two times, the later one left out. Raises SourceError."""
    spelling = spelling_of(asset)
    params: Params = {
        "currency": spelling.currency,
        "kind": "option",
        "start_timestamp": to_ms(since),
        "end_timestamp": to_ms(until) - 1,
        "count": MOST_OPTION_TRADES,
        "sorting": "desc",
    }
    reply = await _get(http, "get_last_trades_by_currency_and_time", f"{asset} option trades", params)
    return parse_option_trades(reply, asset, since, until)


async def recall_futures(http: Http, asset: str, since: datetime, until: datetime) -> FuturePrices:
    """Trades of each day in the dated futures that were listed then, a week to two hundred days before their expiry.
    Raises SourceError."""
    spelling = spelling_of(asset)
    asked: list[tuple[str, datetime, datetime]] = []
    start = since
    while start < until:
        end = min(start + DAY, until)
        asked += [(name, start, end) for name in listed_futures(spelling, start)]
        start = end
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(name: str, start: datetime, end: datetime) -> Reply:
        params: Params = {
            "instrument_name": name,
            "start_timestamp": to_ms(start),
            "end_timestamp": to_ms(end) - 1,
            "count": MOST_FUTURE_TRADES,
            "sorting": "desc",
        }
        async with gate:
            return await _get(http, "get_last_trades_by_instrument_and_time", f"{name} trades", params)

    outcomes = await asyncio.gather(*(ask(*one) for one in asked), return_exceptions=True)
    told: list[FuturePrices] = []
    failures: list[SourceError] = []
    for outcome in outcomes:
        try:
            if isinstance(outcome, BaseException):
                raise outcome
            told.append(parse_future_trades(outcome, asset))
        except SourceError as error:  # a future that was never listed is refused; the others tell the curve
            failures.append(error)
    if failures and not told:
        raise failures[0]
    return join_prices(told, asset, until)


def parse_option_trades(reply: Reply, asset: str, since: datetime, until: datetime) -> OptionTrades:
    """The trades of one reply as columns, oldest first. Raises SourceError."""
    page, server_at = read_result(_OPTION_TRADES, reply)
    prefix = spelling_of(asset).prefix
    mine = [row for row in page.trades if row.instrument_name.startswith(prefix)]
    rows: list[tuple[int, int, float, bool, float, float, float, bool, bool]] = []
    for row in mine:
        iv, index = row.iv, row.index_price
        if (
            iv is None
            or index is None
            or not 0 < index < LARGEST
            or not 0 <= iv < IV_LIMIT_PCT
            or not row.amount > 0
        ):
            continue
        try:
            expires_ms, strike, is_call = read_option(row.instrument_name.removeprefix(prefix), reply.subject)
        except SourceChanged:
            continue
        block = row.block_trade_id is not None
        plain = not block and row.combo_id is None and row.combo_trade_id is None
        rows.append((row.timestamp, expires_ms, strike, is_call, iv, index, row.amount, plain, block))
    check_share(len(rows), len(mine), reply.subject)
    rows.sort()
    since_ms, until_ms = to_ms(since), to_ms(until)
    if rows and not since_ms <= rows[0][0] <= rows[-1][0] < until_ms:
        raise SourceChanged(about(reply.subject, reason("other_times")))
    check_not_of_the_future(rows[-1][0] if rows else 0, server_at, reply.subject)
    columns = list(zip(*rows, strict=True)) or [()] * 9
    return OptionTrades(
        source=NAME,
        observed_at=server_at,
        venue=NAME,
        asset=asset,
        since_ms=since_ms,
        until_ms=until_ms,
        is_whole=not page.has_more,
        at_ms=np.array(columns[0], np.int64),
        expires_ms=np.array(columns[1], np.int64),
        strike_usd=np.array(columns[2], np.float64),
        is_call=np.array(columns[3], np.bool_),
        iv_pct=np.array(columns[4], np.float64),
        index_usd=np.array(columns[5], np.float64),
        coins=np.array(columns[6], np.float64),
        is_plain=np.array(columns[7], np.bool_),
        is_block=np.array(columns[8], np.bool_),
    )


def parse_future_trades(reply: Reply, asset: str) -> FuturePrices:
    """The trades of one reply in a dated future; blocks and legs of combinations are left out. Raises SourceError."""
    page, server_at = read_result(_FUTURE_TRADES, reply)
    prefix = spelling_of(asset).prefix
    rows: list[tuple[int, int, float, float]] = []
    for row in page.trades:
        if not row.instrument_name.startswith(prefix):
            raise SourceChanged(about(reply.subject, reason("other_contract", said=row.instrument_name[:40])))
        price, index = row.price, row.index_price
        if row.block_trade_id is not None or row.combo_id is not None or price is None or index is None:
            continue
        if 0 < price < LARGEST and 0 < index < LARGEST:
            expires_ms = to_ms(expiry(row.instrument_name.removeprefix(prefix), reply.subject))
            rows.append((row.timestamp, expires_ms, price, index))
    check_not_of_the_future(max((row.timestamp for row in page.trades), default=0), server_at, reply.subject)
    return _prices(rows, asset, server_at)


def join_prices(told: Sequence[FuturePrices], asset: str, until: datetime) -> FuturePrices:
    """Several replies' prices as one, oldest first."""
    rows = [
        row
        for one in told
        for row in zip(
            one.at_ms.tolist(),
            one.expires_ms.tolist(),
            one.price_usd.tolist(),
            one.index_usd.tolist(),
            strict=True,
        )
    ]
    return _prices(rows, asset, max((one.observed_at for one in told), default=until))


def _prices(rows: Sequence[tuple[int, int, float, float]], asset: str, observed_at: datetime) -> FuturePrices:
    columns = list(zip(*sorted(rows), strict=True)) or [()] * 4
    return FuturePrices(
        source=NAME,
        observed_at=observed_at,
        venue=NAME,
        asset=asset,
        at_ms=np.array(columns[0], np.int64),
        expires_ms=np.array(columns[1], np.int64),
        price_usd=np.array(columns[2], np.float64),
        index_usd=np.array(columns[3], np.float64),
    )


def listed_futures(spelling: DeribitSpelling, at: datetime) -> Sequence[str]:
    """The names of the monthly and quarterly futures whose trades of a time tell a basis: the next two months' and the
    next two quarters' that expire in a week or later."""
    ends = [one for one in month_ends(at) if at + NEAREST <= one <= at + FARTHEST]
    quarterly = [one for one in ends if one.month % 3 == 0][:QUARTERS]
    chosen = sorted({*ends[:SERIAL_MONTHS], *quarterly})
    return [f"{spelling.prefix}{one.day}{MONTHS[one.month - 1]}{one:%y}" for one in chosen]


def month_ends(at: datetime, count: int = 9) -> Sequence[datetime]:
    """The expiries on the last Friday of this and the next months, 08:00 UTC."""
    return _month_ends(at.year, at.month, count)


@lru_cache(maxsize=64)
def _month_ends(year: int, month: int, count: int) -> Sequence[datetime]:
    found: list[datetime] = []
    for _ in range(count):
        last = date(year, month, calendar.monthrange(year, month)[1])
        friday = last - timedelta(days=(last.weekday() - FRIDAY) % 7)
        found.append(datetime(friday.year, friday.month, friday.day, EXPIRY_HOUR, tzinfo=UTC))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return found


def check_share(read: int, told: int, subject: str) -> None:
    """Raises SourceChanged where more of the trades than a few odd ones could not be read."""
    if told - read > ODD_SHARE * told:
        raise SourceChanged(about(subject, reason("odd_rows", odd=told - read, rows=told)))


def check_not_of_the_future(newest_ms: int, server_at: datetime, subject: str) -> None:
    """Raises SourceChanged where the newest trade (0: none) lies ahead of the venue's own time."""
    if newest_ms and utc(newest_ms) > server_at + FUTURE:
        raise SourceChanged(about(subject, reason("future_row")))


async def _get(http: Http, method: str, about: str, params: Params) -> Reply:
    return await http.get(
        f"https://{HISTORY_HOST}/api/v2/public/{method}", subject=f"{NAME} {about}", params=params
    )

"""Deribit's trades in options of the last day, with who took, in which block or combination.

Docs: https://docs.deribit.com (`public/get_last_trades_by_currency_and_time`, no key). Units: `price` and `mark_price` in
coins of options settled in coins, in USDC of linear ones; `amount` in coins; `iv` in percent a year; `direction` is the
taker's. A leg of a block has a `block_trade_id`, of a combination a `combo_id` and a `combo_trade_id`; of other trades the
keys are absent. Limits: 1,000 trades a request, newest first; a day is asked for in pages, the newest twenty thousand. One bad
row is left out; over one in fifty is SourceChanged."""

from datetime import datetime

import msgspec
import numpy as np

from bot.domain.traded import TakerTrades
from bot.errors import SourceChanged
from bot.sources._deribit_past import check_not_of_the_future, check_share
from bot.sources._deribit_wire import DeribitSpelling, Rpc, read_option, read_result, spelling_of
from bot.sources._http import Http, Params
from bot.sources._options import IV_LIMIT_PCT
from bot.sources._wire import LARGEST, Ms, to_ms

NAME = "deribit"
METHOD = "https://www.deribit.com/api/v2/public/get_last_trades_by_currency_and_time"
A_PAGE, MOST_PAGES = 1_000, 20
SIDES = {"buy": True, "sell": False}


class _TakerTrade(msgspec.Struct, frozen=True, gc=False):
    trade_id: str
    instrument_name: str
    timestamp: Ms
    direction: str
    amount: float
    price: float | None
    mark_price: float | None
    index_price: float | None
    iv: float | None = None
    block_trade_id: str | None = None
    combo_id: str | None = None
    combo_trade_id: str | int | None = None


class _TakerPage(msgspec.Struct, frozen=True, gc=False):
    trades: list[_TakerTrade]
    has_more: bool


_TRADES = msgspec.json.Decoder(Rpc[_TakerPage])


async def hear_trades(http: Http, asset: str, since: datetime, until: datetime) -> TakerTrades:
    """The trades in the asset's options within two times, both included, or their newest. Raises SourceError."""
    spelling = spelling_of(asset)
    rows: dict[str, _TakerTrade] = {}
    subject = f"{NAME} {asset} option flow"
    since_ms, end_ms, is_whole = to_ms(since), to_ms(until), False
    for _ in range(MOST_PAGES):
        params: Params = {
            "currency": spelling.currency,
            "kind": "option",
            "start_timestamp": since_ms,
            "end_timestamp": end_ms,
            "count": A_PAGE,
            "sorting": "desc",
        }
        reply = await http.get(METHOD, subject=subject, params=params)
        page, server_at = read_result(_TRADES, reply)
        newest_ms = max((row.timestamp for row in page.trades), default=0)
        check_not_of_the_future(newest_ms, server_at, reply.subject)
        before = len(rows)
        rows |= {row.trade_id: row for row in page.trades}
        is_whole = not page.has_more
        if is_whole or len(rows) == before:
            break
        end_ms = min(
            row.timestamp for row in page.trades
        )  # those of that very moment come again, and count once
    return _columns(list(rows.values()), spelling, (since_ms, to_ms(until)), subject, is_whole=is_whole)


def _columns(
    rows: list[_TakerTrade],
    spelling: DeribitSpelling,
    within: tuple[int, int],
    subject: str,
    *,
    is_whole: bool,
) -> TakerTrades:
    own = [row for row in rows if row.instrument_name.startswith(spelling.prefix)]
    read = [told for row in own if (told := _row(row, spelling, within, subject)) is not None]
    check_share(len(read), len(own), subject)
    read.sort(key=lambda told: (told[0], told[1]))
    columns = list(zip(*read, strict=True)) or [()] * 13
    return TakerTrades(
        source=NAME,
        venue=NAME,
        asset=spelling.asset,
        since_ms=within[0],
        until_ms=within[1],
        is_whole=is_whole,
        at_ms=np.array(columns[0], np.int64),
        ids=tuple(columns[1]),
        package=tuple(columns[2]),
        is_block=np.array(columns[3], np.bool_),
        expires_ms=np.array(columns[4], np.int64),
        strike_usd=np.array(columns[5], np.float64),
        is_call=np.array(columns[6], np.bool_),
        is_buy=np.array(columns[7], np.bool_),
        coins=np.array(columns[8], np.float64),
        premium_usd=np.array(columns[9], np.float64),
        mark_usd=np.array(columns[10], np.float64),
        iv_pct=np.array(columns[11], np.float64),
        index_usd=np.array(columns[12], np.float64),
    )


_Row = tuple[int, str, str, bool, int, float, bool, bool, float, float, float, float, float]


def _row(row: _TakerTrade, spelling: DeribitSpelling, within: tuple[int, int], subject: str) -> _Row | None:
    """One trade's cells; None of one that cannot be."""
    price, mark, index, iv = row.price, row.mark_price, row.index_price, row.iv
    if price is None or mark is None or index is None or iv is None or row.direction not in SIDES:
        return None
    if not (0.0 < index < LARGEST and price >= 0.0 and mark >= 0.0 and row.amount > 0.0):
        return None
    if not (0.0 <= iv < IV_LIMIT_PCT and within[0] <= row.timestamp <= within[1]):
        return None
    try:
        expires_ms, strike, is_call = read_option(row.instrument_name.removeprefix(spelling.prefix), subject)
    except SourceChanged:
        return None
    in_usd = index if spelling.inverse else 1.0
    package = row.block_trade_id or (str(row.combo_trade_id) if row.combo_trade_id is not None else "")
    return (
        row.timestamp,
        row.trade_id,
        package,
        row.block_trade_id is not None,
        expires_ms,
        strike,
        is_call,
        SIDES[row.direction],
        row.amount,
        price * in_usd,
        mark * in_usd,
        iv,
        index,
    )

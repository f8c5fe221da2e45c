"""What the rules of now would have said before the first live call: a record of its own, never added to the
live one."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from msgspec import Struct, field

from bot.desk.market import Market
from bot.domain.judgement import Call
from bot.errors import InputError
from bot.lab.backtest import run, with_data
from bot.lab.completed_past import complete_past
from bot.rules.record import Prices, RecordRow, RecordSettings, changes, record

REACH = timedelta(days=365)
"""How far before the first live call: a year of hours is judged in a few seconds."""

APART = timedelta(hours=2)
"""How long before it the past ends: nothing of the first poll, nor of the bar that was running then, is part
of it."""


class Backfilled(Struct, frozen=True, kw_only=True):
    """The rows of the past before a time, how many changes of stance they stand on, and since when; empty
    where nothing of it could be judged."""

    rows: Sequence[RecordRow] = ()
    turns: int = 0
    since: datetime | None = None


class _Shelf(Struct):
    """What was worked out for one market: it changes with the rules and with the first live call alone."""

    known: dict[tuple[str, str, datetime | None], Backfilled] = field(default_factory=dict)


_SHELVES: WeakKeyDictionary[Market, _Shelf] = WeakKeyDictionary()


async def record_backfilled(
    market: Market, asset: str, first: datetime | None, manner: RecordSettings
) -> Backfilled:
    """The record of the past before the first live call (before now, where there was none), by the rules that
    it can answer."""
    shelf = _SHELVES.setdefault(market, _Shelf())
    key = asset, market.playbook.rules.hash, first
    if key not in shelf.known:
        shelf.known[key] = await _judged(market, asset, first or market.now(), manner)
    return shelf.known[key]


async def _judged(market: Market, asset: str, first: datetime, manner: RecordSettings) -> Backfilled:
    since, until = first - REACH, first - APART
    past = complete_past(await market.archive.points.series(asset, since, until))
    spot = next((one for one in past if one.metric == "spot_usd" and one.venue is None), None)
    if spot is None:
        return Backfilled()
    book = with_data(market.playbook.rules, past)
    try:
        ran = await asyncio.to_thread(run, book, past, asset, market.playbook.catalog, since, until)
    except InputError:
        return Backfilled()
    calls: Sequence[Call] = [call for call in ran.calls if call.at < until]
    if not calls:
        return Backfilled()
    rows = await asyncio.to_thread(record, calls, Prices.of(spot, manner.price_max_age), manner, until)
    return Backfilled(rows=[row for row in rows if row.calls], turns=len(changes(calls)), since=calls[0].at)

"""What the rules of now would have said before the first live call: a record of its own, never added to the live one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

from bot.backtest import completed, run, with_data
from bot.desk import Desk
from bot.domain.judgement import Call
from bot.errors import InputError
from bot.record import Manner, Prices, Row, changes, record

REACH = timedelta(days=365)
"""How far before the first live call: a year of hours is judged in a few seconds."""

APART = timedelta(hours=2)
"""How long before it the past ends: nothing of the first poll, nor of the bar that was running then, is part of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backfilled:
    """The rows of the past before a time, how many changes of stance they stand on, and since when; empty where nothing of it could be
    judged."""

    rows: Sequence[Row] = ()
    turns: int = 0
    since: datetime | None = None


@dataclass(slots=True)
class _Shelf:
    """What was worked out for one desk: it changes with the rules and with the first live call alone."""

    known: dict[tuple[str, str, datetime | None], Backfilled] = field(default_factory=dict)


_SHELVES: WeakKeyDictionary[Desk, _Shelf] = WeakKeyDictionary()


async def backfilled(desk: Desk, asset: str, first: datetime | None, manner: Manner) -> Backfilled:
    """The record of the past before the first live call (before now, where there was none), by the rules that it can answer."""
    shelf = _SHELVES.setdefault(desk, _Shelf())
    key = asset, desk.playbook.rules.hash, first
    if key not in shelf.known:
        shelf.known[key] = await _judged(desk, asset, first or desk.now(), manner)
    return shelf.known[key]


async def _judged(desk: Desk, asset: str, first: datetime, manner: Manner) -> Backfilled:
    since, until = first - REACH, first - APART
    past = completed(await desk.archive.series(asset, since, until))
    spot = next((one for one in past if one.metric == "spot_usd" and one.venue is None), None)
    if spot is None:
        return Backfilled()
    book = with_data(desk.playbook.rules, past)
    try:
        ran = await asyncio.to_thread(run, book, past, asset, desk.playbook.catalog, since, until)
    except InputError:
        return Backfilled()
    calls: Sequence[Call] = [call for call in ran.calls if call.at < until]
    if not calls:
        return Backfilled()
    rows = await asyncio.to_thread(record, calls, Prices.of(spot, manner.price_max_age), manner, until)
    return Backfilled(rows=[row for row in rows if row.calls], turns=len(changes(calls)), since=calls[0].at)

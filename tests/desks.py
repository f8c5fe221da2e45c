"""Desks to test on: around an archive of the test's own, with no slot due."""

import hashlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, cast

from bot.charts.pictures import Pictures
from bot.decide import iterate_past
from bot.desk.desk import Desk, DeskSettings, build_desk
from bot.desk.market import Market, MarketSettings, Upcoming, no_post_due
from bot.desk.memory import DeskMemory
from bot.desk.poller import PollSettings
from bot.desk.stores import DeskArchive, MarketStores
from bot.domain.facts import Facts
from bot.domain.playbook import Playbook
from bot.domain.rulebook import Ranges
from bot.metrics import History
from bot.notices.notices import Notices
from bot.ports import Clock, Source, Surface
from bot.rules import Replay

_followed: Final[
    dict[Hashable, tuple[Playbook, Replay]]
] = {}  # the playbook stays, so that no other has its id


async def nothing_due(asset: str, at: datetime) -> Mapping[str, datetime]:
    """No channel's slot has come."""
    return {}


def market_of(
    archive: Any,
    clock: Clock,
    playbook: Playbook,
    *,
    assets: tuple[str, ...] = ("BTC", "ETH"),
    sources: Sequence[Source] = (),
    history: timedelta = timedelta(days=120),
    upcoming: Upcoming = no_post_due,
    stores: MarketStores | None = None,
    made: type[Market] = Market,
) -> Market:
    """A market that reads an archive."""
    return made(
        clock=clock,
        archive=archive,
        sources=sources,
        playbook=playbook,
        settings=MarketSettings(assets=assets, history=history),
        memory=DeskMemory(),
        upcoming=upcoming,
        stores=stores,
    )


def desk_of(
    market: Market,
    *,
    sources: Sequence[Source] = (),
    surfaces: Mapping[str, Surface] | None = None,
    pictures: Pictures | None = None,
    notices: Notices | None = None,
    deadline: timedelta = timedelta(seconds=5),
    concurrency: int = 5,
) -> Desk:
    """A desk around a market, on the same archive."""
    return build_desk(
        market=market,
        archive=cast(DeskArchive, market.archive),
        sources=sources,
        surfaces=surfaces or {},
        settings=DeskSettings(
            poll=PollSettings(deadline=deadline, late_after=timedelta(minutes=10)), concurrency=concurrency
        ),
        agenda=nothing_due,
        pictures=pictures,
        notices=notices,
    )


def follow_once(history: History, playbook: Playbook, facts: Facts, ranges: Ranges) -> Iterator[Replay]:
    """As `bot.decide.iterate_past`, but of what was followed to its end in this process only the end is given: many tests
    begin on one past, and to follow it takes longer than what is tested. By content: another past is followed.

    What is given is read by all and belongs to none: `PastFollower` judges nothing more on it."""
    asked = id(playbook), facts.asset, facts.at, facts.sought, repr(sorted(ranges.items()))
    known = (*asked, repr(history.tellings), _digest(history))
    if known in _followed:
        yield _followed[known][1]
        return
    following = None
    for following in iterate_past(history, playbook, facts, ranges):
        yield following
    if following is not None:
        _followed[known] = playbook, following


def _digest(history: History) -> bytes:
    told = hashlib.sha256()
    for name, column in sorted(history.columns.items(), key=repr):
        told.update(repr((name, column.length)).encode())
        for one in (column.at_ms, column.known_ms, column.covers_ms, column.value, column.at_least):
            told.update(one.tobytes())
    return told.digest()

"""Desks to test on: around an archive of the test's own, with no slot due."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

from bot.charts.pictures import Pictures
from bot.desk.desk import Desk, DeskSettings, build_desk
from bot.desk.market import Market, MarketSettings, Upcoming, no_post_due
from bot.desk.memory import DeskMemory
from bot.desk.poller import PollSettings
from bot.desk.stores import DeskArchive, MarketStores
from bot.domain.playbook import Playbook
from bot.notices.notices import Notices
from bot.ports import Clock, Source, Surface


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

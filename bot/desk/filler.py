"""The past of an asset, filled from the venues' own histories: what they tell, and what their past trades let us
estimate. A stretch is stored before the next is asked for, so that what is broken off goes on where it was."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise
from typing import TypeVar

import structlog
from msgspec import Struct

from bot.desk.market import Market
from bot.desk.stores import FillerArchive
from bot.desk.troubles import NOTHING_HEARD, is_without_network
from bot.domain.facts import Point
from bot.domain.readings import Gap, SeriesReading
from bot.domain.traded import FuturePrices, OptionTrades
from bot.errors import SourceError
from bot.metrics import (
    ESTIMATED_METRICS,
    History,
    basis_estimates,
    block_estimates,
    option_estimates,
    points_from_series,
)
from bot.ports import FutureKeeper, OptionKeeper, Source
from bot.reasons import about, reason

log = structlog.get_logger()

DAY, EIGHT_HOURS = timedelta(days=1), timedelta(hours=8)
STRETCH = timedelta(days=30)
OVERLAP = timedelta(days=1)
"""An interval that was under way when a stretch ended is told with the next one."""
WEEK = timedelta(days=7)
FINE = timedelta(days=90)
"""How far back option trades are asked for by eight hours; before that by the day."""
AT_ONCE = 4

Step = Callable[[str, int, int], None]
"""Hears what comes next, its number from 0, and how many there are; at the end "done" with both the same."""
T = TypeVar("T")


def nobody_looks(what: str, number: int, total: int) -> None:
    """Nobody follows the progress."""


class Slot(Struct, frozen=True, kw_only=True):
    """One thing to fill: an asset, a stretch, and whether by its estimates (else by what venues tell)."""

    asset: str
    since: datetime
    until: datetime
    estimates: bool


class PastFiller:
    """Asks the sources for their own past and stores what they tell, or what is estimated from it."""

    def __init__(self, *, market: Market, archive: FillerArchive, sources: Sequence[Source]) -> None:
        self._market = market
        self._archive = archive
        self._sources = tuple(sources)
        self._futures = [source for source in self._sources if isinstance(source, FutureKeeper)]
        self._options = [source for source in self._sources if isinstance(source, OptionKeeper)]
        self._stored: set[str] = set()

    async def fill(
        self, assets: Sequence[str], days: int, step: Step = nobody_looks, *, fine: timedelta = FINE
    ) -> tuple[Gap, ...]:
        """Fill the last days of some assets, what is known already left out: first what venues tell, the newest month
        first, then the estimates, the newest week first. What could not be had, each gap once. Raises ArchiveError;
        SourceError where there is no way to any source, and nothing more is asked.

        Estimates younger than `fine` are made by eight hours, older ones by the day."""
        now = self._market.now()
        slots = [
            *(slot for slot in _slots(assets, now, days, STRETCH, estimates=False)),
            *(
                slot
                for slot in _slots(assets, now, days, WEEK, estimates=True)
                if self._futures or self._options
            ),
        ]
        gaps: list[Gap] = []
        self._stored.clear()
        for number, slot in enumerate(slots):
            kind = "estimates, " if slot.estimates else ""
            step(f"{slot.asset}, {kind}{slot.since:%-d %B} to {slot.until:%-d %B}", number, len(slots))
            if slot.estimates:
                gaps += await self.estimate(slot.asset, slot.since, slot.until, now, fine)
            else:
                heard, found = await self._backfill(slot.asset, slot.since - OVERLAP, slot.until, again=False)
                if not heard and is_without_network(found):
                    raise SourceError(NOTHING_HEARD)
                gaps += found
        for asset in self._stored:
            await self._market.renew(asset)
        step("done", len(slots), len(slots))
        return tuple(dict.fromkeys(gaps))

    async def backfill(
        self, asset: str, since: datetime, until: datetime, *, again: bool = True
    ) -> Sequence[Gap]:
        """Fill history from the venues' own, stored at once; what cannot be had is a gap.

        Unless `again`, a venue whose past of that time is known is asked only if another one tells something
        new: an aggregate stands on all of them."""
        return (await self._backfill(asset, since, until, again=again))[1]

    async def _backfill(
        self, asset: str, since: datetime, until: datetime, *, again: bool
    ) -> tuple[bool, Sequence[Gap]]:
        """Whether anything was heard or was known, and what could not be had."""
        before = await self._market.history(asset)
        known = () if again else tuple(one for one in self._sources if before.tells(one.name, since, until))
        missing = [source for source in self._sources if source not in known]
        readings, gaps = await self._past(missing, asset, since, until)
        points = points_from_series(readings, until, before, self._market.playbook.catalog)
        if points and known:
            more, more_gaps = await self._past(known, asset, since, until)
            readings, gaps = readings + more, gaps + more_gaps
            points = points_from_series(readings, until, before, self._market.playbook.catalog)
        await self._keep(asset, points)
        return bool(readings or known), gaps

    async def estimate(
        self, asset: str, since: datetime, until: datetime, now: datetime, fine: timedelta = FINE
    ) -> Sequence[Gap]:
        """Estimate skew, volatility, put/call and basis of the whole days between two times whose estimates are not
        known, and of the eight hours that ended since; each few stretches are stored before the next are asked for."""
        gaps: list[Gap] = []
        history = await self._market.history(asset)
        days = [day for day in _days(since, until) if day + DAY <= now]
        lacking = [day for day in days if not _known(history, ESTIMATED_METRICS["futures"], day, day + DAY)]
        futures: list[FuturePrices] = []
        if lacking and self._futures:
            for keeper in self._futures:
                told = await self._tried(
                    keeper.name, asset, keeper.recall_futures(asset, lacking[0], lacking[-1] + DAY)
                )
                futures += [told] if isinstance(told, FuturePrices) else []
                gaps += [told] if isinstance(told, Gap) else []
            catalog = self._market.playbook.catalog
            points = [
                point
                for day in lacking
                for point in basis_estimates(futures, *_ms(day, day + DAY), asset, catalog)
            ]
            await self._keep(asset, points)
        stretches = [
            (start, end)
            for day in _days(since, until)
            for start, end in _fine(day, now, fine)
            if not _known(history, ESTIMATED_METRICS["options"], start, end)
        ]
        for batch in _batches_of_days(stretches, AT_ONCE):
            points, more = await self._of_options(asset, batch)
            await self._keep(asset, points)
            gaps += more
            if len(more) == len(batch) * len(self._options):
                break  # the host does not answer: the rest of the week is left for the next time
        self._say(asset, gaps, alone=True)
        return gaps

    async def _of_options(
        self, asset: str, stretches: Sequence[tuple[datetime, datetime]]
    ) -> tuple[list[Point], list[Gap]]:
        """The estimates of some stretches, asked for side by side."""
        asked = [(keeper, start, end) for start, end in stretches for keeper in self._options]
        outcomes = await asyncio.gather(
            *(
                self._tried(keeper.name, asset, keeper.recall_options(asset, start, end))
                for keeper, start, end in asked
            )
        )
        history, catalog = await self._market.history(asset), self._market.playbook.catalog
        points: list[Point] = []
        heard: dict[datetime, list[OptionTrades]] = {}
        for start, _ in stretches:
            trades = [
                told
                for told, (_, since, _) in zip(outcomes, asked, strict=True)
                if isinstance(told, OptionTrades) and since == start
            ]
            points += option_estimates(trades, history, asset, catalog)
            heard.setdefault(_midnight(start), []).extend(trades)
            await asyncio.sleep(0)  # polls, posts and answers go on meanwhile
        for day, parts in heard.items():
            points += block_estimates(parts, *_ms(day, day + DAY), asset, catalog)
        return points, [told for told in outcomes if isinstance(told, Gap)]

    async def _tried(self, name: str, asset: str, asking: Awaitable[T]) -> T | Gap:
        """What a source tells; a gap where it fails, by whatever."""
        try:
            return await asking
        except SourceError as error:
            return Gap(who=name, reason=str(error))
        except Exception as error:  # noqa: BLE001 (as in a poll)
            self._market.memory.troubles.note(f"history of {name} on {asset}", error)
            return Gap(
                who=name, reason=about(f"{name} {asset}", reason("unreadable", kind=type(error).__name__))
            )

    def _say(self, asset: str, gaps: Sequence[Gap], *, alone: bool) -> None:
        """Gaps in the log; without a network the first poll says so, in one line."""
        for gap in () if alone and is_without_network(gaps) else gaps:
            log.warning("source.gap", source=gap.who, asset=asset, reason=gap.reason)

    async def _keep(self, asset: str, points: Iterable[Point]) -> None:
        """Store points, and add them to the past that the desk remembers by then."""
        found = tuple(points)
        if found:
            self._stored.add(asset)
        await self._archive.points.add(found, self._market.now())
        history = await self._market.history(asset)
        await self._market.keep_history(asset, history.extend(found))

    async def _past(
        self, sources: Iterable[Source], asset: str, since: datetime, until: datetime
    ) -> tuple[tuple[SeriesReading, ...], tuple[Gap, ...]]:
        """What sources tell of their own past, side by side; each has hosts of its own."""
        asked = tuple(sources)
        outcomes = await asyncio.gather(
            *(self._tried(source.name, asset, source.backfill(asset, since, until)) for source in asked)
        )
        readings = [one for told in outcomes if not isinstance(told, Gap) for one in told]
        gaps = tuple(told for told in outcomes if isinstance(told, Gap))
        self._say(asset, gaps, alone=not readings)
        return tuple(readings), gaps


def _slots(
    assets: Sequence[str], now: datetime, days: int, length: timedelta, *, estimates: bool
) -> Iterator[Slot]:
    """Stretches of a length back to so many days ago, of all assets, the newest first. Estimates are of UTC days."""
    end = _midnight(now) + DAY if estimates else now
    first = _midnight(now - timedelta(days=days)) if estimates else now - timedelta(days=days)
    cuts = [end]
    while cuts[-1] > first:
        cuts.append(max(cuts[-1] - length, first))
    for until, since in pairwise(cuts):
        for asset in assets:
            yield Slot(asset=asset, since=since, until=until, estimates=estimates)


def _midnight(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _days(since: datetime, until: datetime) -> list[datetime]:
    """The beginnings of the UTC days between two times."""
    first = _midnight(since)
    return [first + DAY * number for number in range(-(-(until - first) // DAY))]


def _fine(day: datetime, now: datetime, fine: timedelta) -> list[tuple[datetime, datetime]]:
    """How a day's option trades are asked for: by eight hours while it is young, and only what has ended."""
    if day < _midnight(now) - fine:
        return [(day, day + DAY)]
    thirds = [(day + EIGHT_HOURS * number, day + EIGHT_HOURS * (number + 1)) for number in range(3)]
    return [(start, end) for start, end in thirds if end <= now]


def _known(history: History, metrics: Sequence[str], since: datetime, until: datetime) -> bool:
    """Whether estimates of one of the metrics speak for all of a stretch, as a whole or by eight hours."""
    since_ms, until_ms = _ms(since, until)
    for metric in metrics:
        column = history.estimates(metric)
        if ((column.at_ms <= since_ms) & (column.known_ms >= until_ms)).any():
            return True
    if until - since <= EIGHT_HOURS:
        return False
    cuts = [since + EIGHT_HOURS * number for number in range((until - since) // EIGHT_HOURS + 1)]
    return all(_known(history, metrics, start, end) for start, end in pairwise(cuts))


def _ms(since: datetime, until: datetime) -> tuple[int, int]:
    return int(since.timestamp() * 1000), int(until.timestamp() * 1000)


def _batches_of_days(
    stretches: Sequence[tuple[datetime, datetime]], size: int
) -> Iterator[Sequence[tuple[datetime, datetime]]]:
    """The stretches, so many at once, those of a day together."""
    batch: list[tuple[datetime, datetime]] = []
    for _, found in groupby(stretches, key=lambda stretch: _midnight(stretch[0])):
        day = list(found)
        if batch and len(batch) + len(day) > size:
            yield batch
            batch = []
        batch += day
    if batch:
        yield batch

"""Whether a source tells again what it told before: a reply of another time under a fresh date, a past that it told
otherwise.

Rule: what is open at a venue and its index, a vendor's sum, or both sides of a window are figures of many digits. Where they
are, to the last digit, those of an earlier time, and other ones were told since, the reply is of then. Bars that ended are
not told anew by a fifth: where over a quarter of those that are known are, or none stands where they stood, the bars are
another asset's, or their sides or times are wrong, and so are its windows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from math import inf
from statistics import median

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from bot.domain.readings import (
    FundingRate,
    FutureQuote,
    Gap,
    LiquidationTally,
    Reading,
    SeriesReading,
    Snapshot,
    SpotQuote,
    VendorOpenInterest,
)
from bot.metrics.columns import HistoryColumn
from bot.metrics.history import History, to_ms
from bot.metrics.moment import age
from bot.reasons import about, reason

LATELY = timedelta(minutes=30)
"""What is as old as that may be told again: a vendor counts every few minutes."""
SAME_POLL_MS = 600_000.0
TALLIES = {"longs_usd": "liquidations_tally_long_usd", "shorts_usd": "liquidations_tally_short_usd"}
OTHERWISE = 1.2
"""By how much a bar is another one."""
OTHERWISE_SHARE = 0.25
FEWEST_BARS = 3
PRICE_MOVED = 0.001
"""By what share of it the price moved where a sum of dollars cannot be the same one."""


class RetoldReplies(Struct, frozen=True, kw_only=True):
    """The snapshot without what was told before, a gap for each such telling, and the sums that are withheld with it."""

    snapshot: Snapshot
    gaps: tuple[Gap, ...]
    withheld: dict[str, str]


def drop_retold(snapshot: Snapshot, history: History) -> RetoldReplies:
    """A poll without the replies that are of another time by what they tell."""
    gaps: list[Gap] = []
    withheld: dict[str, str] = {}
    dropped: set[int] = set()

    def drop(who: str, why: str, readings: Iterable[Reading]) -> None:
        gaps.append(Gap(who=who, reason=about(who, why)))
        dropped.update(map(id, readings))

    by_venue = _by_venue(snapshot)
    for venue in dict.fromkeys(
        one.instrument.venue
        for one in snapshot.readings
        if isinstance(one, FutureQuote) and one.instrument.asset == snapshot.asset
    ):
        own = by_venue[venue]
        then_ms = _when_venue_told(own, venue, history, snapshot)
        if then_ms is not None:
            why = _told_before(then_ms, snapshot)
            drop(f"{venue} {snapshot.asset} futures", why, own)
            withheld[f"{venue} futures"] = about(f"{venue} {snapshot.asset} futures", why)
    for one in snapshot.readings:
        if isinstance(one, LiquidationTally) and one.complete:
            then_ms = _when_window_told(one, history, snapshot)
        elif isinstance(one, VendorOpenInterest) and one.venue == one.source:
            then_ms = _when_sum_told(one, history, snapshot)
        else:
            continue
        if then_ms is not None:
            what = "liquidations" if isinstance(one, LiquidationTally) else "open interest"
            drop(f"{one.source} {snapshot.asset} {what}", _told_before(then_ms, snapshot), (one,))
    for source in dict.fromkeys(one.source for one in _bars(snapshot.readings)):
        bars = [one for one in _bars(snapshot.readings) if one.source == source]
        odd, known = _bars_otherwise(bars, history)
        if odd > OTHERWISE_SHARE * known:
            why = reason("bars_otherwise", number=odd, known=known)
            counted = [
                one for one in snapshot.readings if isinstance(one, LiquidationTally) and one.source == source
            ]  # its windows are counted from the same orders
            drop(f"{source} {snapshot.asset} liquidations history", why, (*bars, *counted))
    if not gaps:
        return RetoldReplies(snapshot=snapshot, gaps=(), withheld={})
    kept = tuple(one for one in snapshot.readings if id(one) not in dropped)
    less = replace(snapshot, readings=kept, gaps=snapshot.gaps + tuple(gaps))
    return RetoldReplies(snapshot=less, gaps=tuple(gaps), withheld=withheld)


def _told_before(then_ms: float, snapshot: Snapshot) -> str:
    return reason("told_before", age=age(timedelta(milliseconds=to_ms(snapshot.taken_at) - then_ms)))


def _by_venue(snapshot: Snapshot) -> Mapping[str, Sequence[Reading]]:
    """What each venue told of the asset's contracts and of its index."""
    found: dict[str, list[Reading]] = {}
    for one in snapshot.readings:
        if isinstance(one, FutureQuote | FundingRate):
            if one.instrument.asset == snapshot.asset:
                found.setdefault(one.instrument.venue, []).append(one)
        elif isinstance(one, SpotQuote) and one.asset == snapshot.asset:
            found.setdefault(one.venue, []).append(one)
    return found


def _when_venue_told(
    readings: Sequence[Reading], venue: str, history: History, snapshot: Snapshot
) -> float | None:
    """When a venue told the same coins and the same index, if it told others since; None where it did not."""
    coins = _coins([one for one in readings if isinstance(one, FutureQuote)])
    index = next((one.index_usd for one in readings if isinstance(one, SpotQuote)), None)
    if coins is None or index is None:
        return None
    counted = _told_times(history.column("open_interest_coin", venue), coins, snapshot)
    priced = _told_times(history.column("spot_usd", venue), index, snapshot)
    return next((at for at in counted if any(abs(at - other) <= SAME_POLL_MS for other in priced)), None)


def _coins(quotes: Sequence[FutureQuote]) -> float | None:
    """What is open in some contracts together, in coins, summed as it is measured; None where one does not tell it."""
    total = 0.0
    for one in quotes:
        if one.open_interest_coin is not None:
            total += one.open_interest_coin
        elif one.open_interest_usd is not None and 0.0 < one.index_usd < inf:
            total += one.open_interest_usd / one.index_usd
        else:
            return None
    return total if 0.0 < total < inf else None


def _when_window_told(tally: LiquidationTally, history: History, snapshot: Snapshot) -> float | None:
    """When the same two sides were told of a window as long, if others were told since."""
    covers_ms = to_ms(tally.until_at) - to_ms(tally.since_at)
    sides = (("longs_usd", tally.longs_usd), ("shorts_usd", tally.shorts_usd))
    times = [
        set(_told_times(history.column(TALLIES[side], tally.venue), usd, snapshot, covers_ms))
        for side, usd in sides
        if usd is not None
    ]
    both = set.intersection(*times) if len(times) == len(sides) else set[float]()
    return max(both, default=None)


def _when_sum_told(one: VendorOpenInterest, history: History, snapshot: Snapshot) -> float | None:
    """When a vendor told the same sum of dollars, if it told others since or the price is another one now."""
    column = history.column("open_interest_market_usd", one.source)
    again = next(iter(_told_times(column, one.open_interest_usd, snapshot)), None)
    if again is not None or not len(column):
        return again
    last_ms = column.known_ms[-1:] if column.value[-1] == one.open_interest_usd else column.known_ms[:0]
    then, _ = history.column("spot_usd").before(last_ms, SAME_POLL_MS)
    now = [
        quote.index_usd
        for quote in snapshot.readings
        if isinstance(quote, SpotQuote) and quote.asset == snapshot.asset
    ]
    is_old = len(last_ms) and last_ms[0] <= to_ms(snapshot.taken_at) - LATELY.total_seconds() * 1000.0
    if not is_old or not now or not abs(median(now) / float(then[0]) - 1.0) > PRICE_MOVED:
        return None
    return float(last_ms[0])


def _told_times(
    column: HistoryColumn, value: float, snapshot: Snapshot, covers_ms: float | None = None
) -> list[float]:
    """The times over half an hour ago to which a value was told to the last digit, and other ones after it; the latest
    first. `covers_ms`: of windows as long alone."""
    if not value or not len(column):
        return []
    alike = np.ones(len(column), np.bool_)
    if covers_ms is not None:
        alike = np.abs(column.covers_ms - covers_ms) < 1.0
    values, known_ms = column.value[alike], column.known_ms[alike]
    same = values == value
    if not same.any():
        return []
    others_after = np.cumsum((~same)[::-1])[::-1] > 0
    old = known_ms <= to_ms(snapshot.taken_at) - LATELY.total_seconds() * 1000.0
    return [float(at) for at in known_ms[same & others_after & old][::-1]]


def _bars(readings: Iterable[Reading]) -> list[SeriesReading]:
    return [one for one in readings if isinstance(one, SeriesReading) and one.metric in TALLIES.values()]


def _bars_otherwise(bars: Iterable[SeriesReading], history: History) -> tuple[int, int]:
    """How many of the bars that are known are told otherwise, of how many; one that is known and does not stand where it
    stood is told otherwise."""
    odd = known = 0
    for one in bars:
        column = history.column(one.metric, one.venue)
        told = dict(zip(one.at_ms, one.value, strict=True))
        if not told:
            continue
        mine = (np.abs(column.covers_ms - one.interval_s * 1000.0) < 1.0) & (column.at_ms >= min(told))
        mine &= column.at_ms <= max(told)
        before = dict(zip(column.at_ms[mine].tolist(), column.value[mine].tolist(), strict=True))
        if len(before) < FEWEST_BARS:
            continue
        known += len(before)
        for at_ms, usd in before.items():
            now = told.get(round(at_ms))
            odd += now is None or max(usd, now) > OTHERWISE * min(usd, now)
    return odd, known

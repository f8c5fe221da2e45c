"""Positions closed by force, by side and window.

Formula: the notional of the tallies that lie in the window, summed over venues, where these cover at least 95% of it; the window ends
where the newest tally does, or where an earlier one did that makes it complete. Venues throttle their streams, so such a sum is a
lower bound; a vendor's full count stands alone instead of being added to venues that it counts already. One side alone is a
lower bound of the total. A tally is kept as a venue's own point of `liquidations_tally_long_usd` and `…_short_usd`, which covers its
stretch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.chain import Bools, Floats
from bot.metrics.columns import DAY_MS, Column
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.moment import Moment

MAX_AGE = timedelta(hours=2)
DAY_MAX_AGE = timedelta(days=2)
SIDES = ("long", "short")
WINDOWS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "5d": timedelta(days=5)}
MIN_SHARE = 0.95
YEAR_DAYS = 365

Compute = Callable[[Moment, History], Measured | Unknown]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sum:
    """One side's notional in a window: until when, whether it may be more, and whether a vendor counted it in full."""

    usd: float
    until_ms: float
    at_least: bool
    full_count: bool


def _tally(moment: Moment, _: History) -> Measured | Unknown:
    return Unknown(reason="no tally yet") if moment.asked("liquidations") else moment.silence("liquidations")


def _within(column: Column, window_ms: float, now_ms: float, max_age_ms: float) -> _Sum | None:
    """The newest window that tallies cover well enough; None where there is none young enough."""
    ends = np.unique(column.known_ms[column.known_ms >= now_ms - max_age_ms])[::-1]
    for end_ms in ends:
        if end_ms > now_ms:
            continue
        rows = _tiles(column, float(end_ms) - window_ms, float(end_ms))
        covered = float(column.covers_ms[rows].sum())
        if covered >= MIN_SHARE * window_ms:
            full = not column.at_least[rows].any()
            return _Sum(
                usd=float(column.value[rows].sum()),
                until_ms=float(end_ms),
                at_least=not full or covered < window_ms,
                full_count=full,
            )
    return None


def _tiles(column: Column, since_ms: float, until_ms: float) -> list[int]:
    """Rows inside a window that do not overlap, from its end backwards; of those with one end the longest that fits."""
    rows: list[int] = []
    edge = until_ms
    last = int(np.searchsorted(column.known_ms, until_ms, side="right")) - 1
    first = int(np.searchsorted(column.known_ms, since_ms, side="right"))
    at_ms, known_ms = column.at_ms, column.known_ms
    for row in range(last, first - 1, -1):
        if known_ms[row] > edge or at_ms[row] < since_ms or at_ms[row] >= known_ms[row]:
            continue
        longest = row
        while longest > first and known_ms[longest - 1] == known_ms[row] and at_ms[longest - 1] >= since_ms:
            longest -= 1
        rows.append(longest)
        edge = float(at_ms[longest])
    return rows


def _side(window: timedelta, side: str, max_age: timedelta) -> Compute:
    def compute(moment: Moment, history: History) -> Measured | Unknown:
        name = f"liquidations_tally_{side}_usd"
        window_ms, now_ms = window.total_seconds() * 1000.0, to_ms(moment.at)
        venues = history.venues(name)
        found = {
            venue: _within(history.column(name, venue), window_ms, now_ms, max_age.total_seconds() * 1000.0)
            for venue in venues
        }
        sums = {venue: one for venue, one in found.items() if one is not None}
        if not sums:
            reason = f"the tallies do not cover {MIN_SHARE:.0%} of the window"
            return Unknown(reason=reason) if venues else moment.silence("liquidations")
        asked = len(set(moment.asked("liquidations")) | set(sums))
        full = {venue: one for venue, one in sums.items() if one.full_count}
        if full:
            venue = max(full, key=lambda name: full[name].usd)
            sums = {venue: full[venue]}
        return Measured(
            value=sum(one.usd for one in sums.values()),
            observed_at=to_time(min(one.until_ms for one in sums.values())),
            venues=tuple(sorted(sums)),
            of_venues=len(sums) if full else asked,
            lower_bound=any(one.at_least for one in sums.values()),
            by_venue={venue: one.usd for venue, one in sorted(sums.items())},
        )

    return compute


def _both(window: str) -> Compute:
    """The total of both sides. Of one side alone, or of sides that not the same venues tell, a lower bound."""

    def compute(moment: Moment, _: History) -> Measured | Unknown:
        sides = [moment.measure(f"liquidations_{window}_{side}_usd") for side in SIDES]
        known = [side for side in sides if isinstance(side, Measured)]
        if not known:
            return next(side for side in sides if isinstance(side, Unknown))
        alone = len(known) < len(SIDES)
        own = [side.by_venue or {} for side in known]
        shared = set.intersection(*(set(one) for one in own))
        return Measured(
            value=sum(side.value for side in known),
            observed_at=min(side.observed_at for side in known),
            venues=tuple(sorted({venue for side in known for venue in side.venues})),
            of_venues=max(side.of_venues for side in known),
            lower_bound=any(side.lower_bound for side in known) or any(set(one) != shared for one in own) or alone,
            by_venue=None if alone else {venue: sum(one[venue] for one in own) for venue in sorted(shared)},
        )

    return compute


def _share(window: str) -> Compute:
    def compute(moment: Moment, _: History) -> Measured | Unknown:
        part, whole = moment.measure(f"liquidations_{window}_usd"), moment.measure("open_interest_usd")
        if isinstance(part, Unknown) or isinstance(whole, Unknown):
            return part if isinstance(part, Unknown) else whole
        return Measured(
            value=part.value / whole.value * 100.0,
            observed_at=min(part.observed_at, whole.observed_at),
            venues=part.venues,
            of_venues=part.of_venues,
            lower_bound=part.lower_bound,
        )

    return compute


def _max_day(moment: Moment, history: History) -> Measured | Unknown:
    """The largest UTC day of the last 365, of the venue or vendor that tells most; 95% of these days must be told in full."""
    today = int(to_ms(moment.at) // DAY_MS)
    first = today - YEAR_DAYS
    best: tuple[float, int, str, bool] | None = None
    for venue in history.venues("liquidations_tally_long_usd"):
        sides = [_days(history.column(f"liquidations_tally_{side}_usd", venue), first, today) for side in SIDES]
        usd, least = sides[0][0] + sides[1][0], sides[0][1] | sides[1][1]
        if np.count_nonzero(~np.isnan(usd)) >= MIN_SHARE * YEAR_DAYS:
            day = int(np.nanargmax(usd))
            if best is None or usd[day] > best[0]:
                best = (float(usd[day]), first + day, venue, bool(least[day]))
    if best is None:
        return Unknown(reason=f"fewer than {MIN_SHARE:.0%} of the days of a year are told")
    usd_best, day, venue, at_least = best
    return Measured(
        value=usd_best,
        observed_at=to_time(today * DAY_MS),
        venues=(venue,),
        of_venues=1,
        lower_bound=at_least,
        extreme_at=to_time(day * DAY_MS),
    )


def _days(column: Column, first: int, until: int) -> tuple[Floats, Bools]:
    """The sum of each whole UTC day from `first` to before `until`, nan where tallies do not cover it; and if it may be more."""
    usd, least = np.full(until - first, np.nan), np.zeros(until - first, np.bool_)
    told_late = not len(column) or column.at_ms[0] > (first + YEAR_DAYS * (1.0 - MIN_SHARE) + 1.0) * DAY_MS
    if told_late:
        return usd, least
    for day in range(first, until):
        rows = _tiles(column, day * DAY_MS, (day + 1) * DAY_MS)
        covered = float(column.covers_ms[rows].sum())
        if covered >= MIN_SHARE * DAY_MS:
            usd[day - first] = column.value[rows].sum()
            least[day - first] = bool(column.at_least[rows].any()) or covered < DAY_MS
    return usd, least


def _of_window(window: str, span: timedelta, words: str) -> tuple[Metric, ...]:
    computed = {"": _both(window), **{f"_{side}": _side(span, side, MAX_AGE) for side in SIDES}}
    return tuple(
        Metric(
            name=f"liquidations_{window}{side}_usd",
            unit="USD",
            max_age=MAX_AGE,
            valid=(0.0, 1e12),
            compute=compute,
            formula=f"notional of {side.removeprefix('_') or 'long'}s{'' if side else ' and shorts'} closed by force in {words}",
            amount=True,
            combine="sum",
        )
        for side, compute in computed.items()
    )


METRICS = (
    *(
        Metric(
            name=f"liquidations_tally_{side}_usd",
            unit="USD",
            max_age=MAX_AGE,
            valid=(0.0, 1e12),
            compute=_tally,
            formula=f"notional of {side}s closed by force in the stretch that a venue tallied",
            amount=True,
            combine="sum",
        )
        for side in SIDES
    ),
    *_of_window("1h", WINDOWS["1h"], "one hour"),
    *_of_window("24h", WINDOWS["24h"], "24 hours"),
    *_of_window("5d", WINDOWS["5d"], "five days"),
    Metric(
        name="liquidations_max_day_1y_usd",
        unit="USD",
        max_age=DAY_MAX_AGE,
        valid=(0.0, 1e12),
        compute=_max_day,
        formula="the largest UTC day of the last 365, longs and shorts, of the venue or vendor that tells most",
        amount=True,
    ),
    *(
        Metric(
            name=f"liquidations_{window}_pct_of_oi",
            unit="%",
            max_age=MAX_AGE,
            valid=(0.0, 100.0),
            compute=_share(window),
            formula=f"liquidations of {words} / open interest now x 100",
        )
        for window, words in (("24h", "24 hours"), ("5d", "five days"))
    ),
)

"""Positions closed by force, by side and window.

Formula: the notional of the tallies that lie in the window, summed over venues, where these cover at least
95% of it; the window ends where the newest tally does, or where an earlier one did that makes it complete.
Venues throttle their streams, so such a sum is a lower bound; a vendor's full count stands alone instead of
being added to venues that it counts already. One side alone is a lower bound of the total. A share of open interest has one
scope: a vendor's full count over that vendor's own open interest, else the liquidations of the venues that tell
both over the open interest of these. A tally is kept as
a venue's own point of `liquidations_tally_long_usd` and `…_short_usd`, which covers its stretch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from math import fsum

import numpy as np
from msgspec import Struct

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.chain import Bools, Floats, Ints
from bot.metrics.columns import DAY_MS, HistoryColumn
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.moment import MetricInputs
from bot.reasons import reason

MAX_AGE = timedelta(hours=2)
DAY_MAX_AGE = timedelta(days=2)
SIDES = ("long", "short")
WHOLES = ("open_interest_usd", "open_interest_market_usd")  # of venues, and as a vendor counts it
WINDOWS = {"1h": timedelta(hours=1), "24h": timedelta(hours=24), "5d": timedelta(days=5)}
MIN_SHARE = 0.95
YEAR_DAYS = 365

Compute = Callable[[MetricInputs, History], Measured | Unknown]


class _Sum(Struct, frozen=True, kw_only=True):
    """One side's notional in a window: until when, whether it may be more, and whether a vendor counted it in
    full."""

    usd: float
    until_ms: float
    at_least: bool
    full_count: bool


def _tally(moment: MetricInputs, _: History) -> Measured | Unknown:
    return (
        Unknown(reason=reason("no_tally"))
        if moment.venues_asked("liquidations")
        else moment.silence("liquidations")
    )


def _within(column: HistoryColumn, window_ms: float, now_ms: float, max_age_ms: float) -> _Sum | None:
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


def _tiles(column: HistoryColumn, since_ms: float, until_ms: float) -> list[int]:
    """Rows inside a window that do not overlap, from its end backwards; of those with one end the longest
    that fits."""
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
    def compute(moment: MetricInputs, history: History) -> Measured | Unknown:
        name = f"liquidations_tally_{side}_usd"
        window_ms, now_ms = window.total_seconds() * 1000.0, to_ms(moment.at)
        venues = history.venues(name)
        found = {
            venue: _within(history.column(name, venue), window_ms, now_ms, max_age.total_seconds() * 1000.0)
            for venue in venues
        }
        sums = {venue: one for venue, one in found.items() if one is not None}
        if not sums:
            short = Unknown(reason=reason("tallies_short", share=round(MIN_SHARE * 100)))
            return short if venues else moment.silence("liquidations")
        full = {venue: one for venue, one in sums.items() if one.full_count}
        if full:
            venue = max(full, key=lambda name: full[name].usd)
            sums = {venue: full[venue]}
        expected = set(sums) if full else moment.venues_expected("liquidations") | set(sums)
        return Measured(
            value=fsum(one.usd for one in sums.values()),
            observed_at=to_time(min(one.until_ms for one in sums.values())),
            venues=tuple(sorted(sums)),
            of_venues=len(expected),
            missing=tuple(sorted(expected - set(sums))),
            lower_bound=any(one.at_least for one in sums.values()),
            by_venue={venue: one.usd for venue, one in sorted(sums.items())},
        )

    return compute


def _both(window: str) -> Compute:
    """The total of both sides. Of one side alone, or of sides that not the same venues tell, a lower
    bound."""

    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        sides = [moment.measure(f"liquidations_{window}_{side}_usd") for side in SIDES]
        known = [side for side in sides if isinstance(side, Measured)]
        if not known:
            return next(side for side in sides if isinstance(side, Unknown))
        alone = len(known) < len(SIDES)
        own = [side.by_venue or {} for side in known]
        shared = set.intersection(*(set(one) for one in own))
        return Measured(
            value=fsum(side.value for side in known),
            observed_at=min(side.observed_at for side in known),
            venues=tuple(sorted({venue for side in known for venue in side.venues})),
            of_venues=max(side.of_venues for side in known),
            missing=tuple(sorted(_expected(known) - {venue for side in known for venue in side.venues})),
            lower_bound=any(side.lower_bound for side in known)
            or any(set(one) != shared for one in own)
            or alone,
            by_venue=None if alone else {venue: fsum(one[venue] for one in own) for venue in sorted(shared)},
        )

    return compute


def _expected(parts: Sequence[Measured]) -> set[str]:
    """The venues that should tell any of these values."""
    return {venue for part in parts for venue in (*part.venues, *part.missing)}


def _share(window: str, sides: Sequence[str]) -> Compute:
    """Liquidations of these sides as a share of what is open, both of one scope. Where a side is not known the share is
    a lower bound; where sides stand on different venues it is that of the venues that tell both."""

    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        told = [moment.measure(f"liquidations_{window}_{side}_usd") for side in sides]
        parts = [side for side in told if isinstance(side, Measured)]
        if not parts:
            return next(side for side in told if isinstance(side, Unknown))
        alone = len(parts) < len(sides)
        found = [_of_scope(moment, parts, whole, alone=alone) for whole in WHOLES]
        known = [one for one in found if isinstance(one, Measured)]
        return known[0] if known else found[0]

    return compute


def _of_scope(
    moment: MetricInputs, parts: Sequence[Measured], whole_name: str, *, alone: bool
) -> Measured | Unknown:
    """The share over the venues (or the one vendor) that tell all the parts and the whole. A part that is no sum of
    its venues' own values has no scope."""
    whole = moment.measure(whole_name)
    if isinstance(whole, Unknown):
        return whole
    open_usd = whole.by_venue or {}
    scope = sorted(set(open_usd).intersection(*(part.by_venue or {} for part in parts)))
    if not scope:
        closed = sorted({venue for part in parts for venue in part.venues})
        return Unknown(
            reason=reason("no_one_scope", part=", ".join(closed), whole=", ".join(sorted(open_usd)))
        )
    usd = fsum((part.by_venue or {})[venue] for part in parts for venue in scope)
    expected = _expected(parts) & _expected([whole]) | set(scope)
    return Measured(
        value=usd / fsum(open_usd[venue] for venue in scope) * 100.0,
        observed_at=min(part.observed_at for part in (*parts, whole)),
        venues=tuple(scope),
        of_venues=len(expected),
        missing=tuple(sorted(expected - set(scope))),
        lower_bound=alone or any(part.lower_bound for part in parts),
    )


def _max_day(moment: MetricInputs, history: History) -> Measured | Unknown:
    """The largest UTC day of the last 365, of the venue or vendor that tells most; 95% of these days must be
    told in full."""
    today = int(to_ms(moment.at) // DAY_MS)
    first = today - YEAR_DAYS
    best: tuple[float, int, str, bool] | None = None
    for venue in history.venues("liquidations_tally_long_usd"):
        sides = [
            _days(history.column(f"liquidations_tally_{side}_usd", venue), first, today) for side in SIDES
        ]
        usd, least = sides[0][0] + sides[1][0], sides[0][1] | sides[1][1]
        if np.count_nonzero(~np.isnan(usd)) >= MIN_SHARE * YEAR_DAYS:
            day = int(np.nanargmax(usd))
            if best is None or usd[day] > best[0]:
                best = (float(usd[day]), first + day, venue, bool(least[day]))
    if best is None:
        return Unknown(reason=reason("year_short", share=round(MIN_SHARE * 100)))
    usd_best, day, venue, at_least = best
    return Measured(
        value=usd_best,
        observed_at=to_time(today * DAY_MS),
        venues=(venue,),
        of_venues=1,
        lower_bound=at_least,
        extreme_at=to_time(day * DAY_MS),
    )


def _days(column: HistoryColumn, first: int, until: int) -> tuple[Floats, Bools]:
    """The sum of each whole UTC day from `first` to before `until`, nan where tallies do not cover it; and if
    it may be more."""
    usd, least = np.full(until - first, np.nan), np.zeros(until - first, np.bool_)
    told_late = not len(column) or column.at_ms[0] > (first + YEAR_DAYS * (1.0 - MIN_SHARE) + 1.0) * DAY_MS
    if told_late:
        return usd, least
    cuts = np.searchsorted(column.known_ms, np.arange(first, until + 1) * float(DAY_MS), side="right")
    plain = _tile_by_themselves(column, cuts)
    counts = np.where(plain, np.diff(cuts), 0)
    for count in np.unique(counts[counts > 0]):
        days = np.flatnonzero(counts == count)
        tiles = cuts[days + 1][:, np.newaxis] - 1 - np.arange(count)
        covers = column.covers_ms[tiles].sum(axis=1)
        told = covers >= MIN_SHARE * DAY_MS
        usd[days[told]] = column.value[tiles].sum(axis=1)[told]
        least[days[told]] = (column.at_least[tiles].any(axis=1) | (covers < DAY_MS))[told]
    for day in (first + np.flatnonzero(~plain)).tolist():
        rows = _tiles(column, day * DAY_MS, (day + 1) * DAY_MS)
        covered = float(column.covers_ms[rows].sum())
        if covered >= MIN_SHARE * DAY_MS:
            usd[day - first] = column.value[rows].sum()
            least[day - first] = bool(column.at_least[rows].any()) or covered < DAY_MS
    return usd, least


def _tile_by_themselves(column: HistoryColumn, cuts: Ints) -> Bools:
    """Of each day between the cuts (row numbers) whether all its rows are tiles: inside the day, one after the other."""
    rows = np.arange(cuts[0], cuts[-1])
    at_ms, known_ms = column.at_ms[rows], column.known_ms[rows]
    day_ms = np.ceil(known_ms / DAY_MS - 1.0) * DAY_MS
    odd = (at_ms < day_ms) | (at_ms >= known_ms)
    begun = np.isin(rows, cuts)
    odd[1:] |= (at_ms[1:] < known_ms[:-1]) & ~begun[1:]
    many = np.append(0, np.cumsum(odd))
    return np.asarray(many[cuts[1:] - cuts[0]] == many[cuts[:-1] - cuts[0]])


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
            name=f"liquidations_{window}{which}_pct_of_oi",
            unit="%",
            max_age=MAX_AGE,
            valid=(0.0, 100.0),
            compute=_share(window, sides),
            formula=f"{closed} of {words} / open interest now of the same venues, or by the same vendor, x 100",
        )
        for window, words in (("24h", "24 hours"), ("5d", "five days"))
        for which, sides, closed in (
            ("", SIDES, "liquidations"),
            ("_long", SIDES[:1], "longs closed by force"),
            ("_short", SIDES[1:], "shorts closed by force"),
        )
    ),
)

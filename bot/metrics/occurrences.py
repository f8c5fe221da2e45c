"""Events in what was measured: an hour of forced closing far above its usual, and a turn of who pays funding.

A storm begins with the first poll at which the trailing hour's liquidations of one side are at least `times` the median of their
own hours of 90 days (known as for the view `times_median_90d`: 30 days, 80% of their hours) and at least a floor in dollars, after
`quiet_h` hours without such a poll. Its size is the largest trailing hour from there to `after_h` later. A turn of funding is
a yearly rate that stood on one side of zero for `before_h` hours, at least `beyond_pct` on average, and has since been on
the other for `holds_h` hours, at least `beyond_pct` now; at least half of the venues that told before and tell now turned too.

Nothing is told of what began in a gap: polls around the beginning and up to now may lie twenty minutes apart at most."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

import numpy as np
from msgspec import Struct

from bot.domain.chain import Floats
from bot.metrics.columns import HistoryColumn
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.views import MIN_HOURS_SHARE, MIN_MEDIAN_DAYS, hour_rows

Side = Literal["long", "short"]

HOUR_MS, DAY_MS = 3_600_000.0, 86_400_000.0
GAP_MS = 1_200_000.0
USUAL_DAYS = 90
SPAN_GAP_MS = 2 * HOUR_MS
OLDEST_VENUE_MS = 9 * HOUR_MS


class ForcedStorm(Struct, frozen=True, kw_only=True):
    """Forced closing of one side: since when, the largest hour (USD; a lower bound where `at_least`) and how many usual
    hours that is, the price (USD) at its beginning and later."""

    side: Side
    began_at: datetime
    hour_usd: float
    times: float
    at_least: bool
    price_usd: float
    later_usd: float


class FundingTurn(Struct, frozen=True, kw_only=True):
    """Who pays has changed: since when, the yearly rate (%) on average before and now, and for how long the other sign is
    known to have stood."""

    turned_at: datetime
    before_pct: float
    now_pct: float
    stood: timedelta


def find_storm(
    history: History,
    at: datetime,
    side: Side,
    *,
    times: float,
    floor_usd: float,
    quiet: timedelta,
    after: timedelta,
    late: timedelta,
) -> ForcedStorm | None:
    """The storm that began `after` ago, or up to `late` before that; None where there was none, or its beginning, its usual
    or a price is not known."""
    column = history.column(f"liquidations_1h_{side}_usd")
    now_ms, span_ms = to_ms(at), _ms(after)
    earliest_ms = now_ms - span_ms - _ms(late)
    known, value = _between(column, earliest_ms - _ms(quiet) - GAP_MS, now_ms)
    recent = (known >= earliest_ms) & (known <= now_ms - span_ms)
    if not (recent & (value >= floor_usd)).any():
        return None
    usual = usual_hour(column, earliest_ms)
    if usual is None or usual <= 0.0:
        return None
    over = value >= max(times * usual, floor_usd)
    for place in np.flatnonzero(recent & over).tolist():
        began_ms = float(known[place])
        before = (known >= began_ms - _ms(quiet)) & (known < began_ms)
        if over[before].any():
            continue
        if not _is_whole(known, began_ms - _ms(quiet), began_ms + span_ms):
            return None
        rows = np.flatnonzero((known >= began_ms) & (known <= began_ms + span_ms))
        prices = [_price(history, when) for when in (began_ms, began_ms + span_ms)]
        if prices[0] is None or prices[1] is None:
            return None
        return ForcedStorm(
            side=side,
            began_at=to_time(began_ms),
            hour_usd=float(value[rows].max()),
            times=float(value[rows].max()) / usual,
            at_least=_is_bound(column, began_ms, began_ms + span_ms),
            price_usd=prices[0],
            later_usd=prices[1],
        )
    return None


def usual_hour(column: HistoryColumn, before_ms: float) -> float | None:
    """The median of the hours of 90 days before a time; None where fewer than 30 days or four fifths of their hours are
    known."""
    rows = hour_rows(column)
    known = column.known_ms[rows]
    kept = rows[(known < before_ms) & (known >= before_ms - USUAL_DAYS * DAY_MS)]
    if not len(kept):
        return None
    days = len(np.unique(column.known_ms[kept] // DAY_MS))
    if days < MIN_MEDIAN_DAYS or len(kept) < MIN_HOURS_SHARE * 24 * days:
        return None
    return float(np.median(column.value[kept]))


def find_funding_turn(
    history: History, at: datetime, *, beyond_pct: float, before: timedelta, holds: timedelta, late: timedelta
) -> FundingTurn | None:
    """The turn that has held for `holds`, or up to `late` longer; None where there was none, or a stretch of it is not
    known."""
    column = history.column("funding_annual_pct")
    now_ms = to_ms(at)
    known, value = _between(column, now_ms - _ms(before + holds + late) - 2 * GAP_MS, now_ms)
    if not len(known) or abs(value[-1]) < beyond_pct or now_ms - known[-1] > GAP_MS:
        return None
    sign = np.sign(value[-1])
    other = np.flatnonzero(np.sign(value) != sign)
    if not len(other):
        return None
    turned_ms = float(known[other[-1] + 1])
    if not _ms(holds) <= now_ms - turned_ms <= _ms(holds + late):
        return None
    stretch = (known >= turned_ms - _ms(before)) & (known < turned_ms)
    is_other = (np.sign(value[stretch]) == -sign).all()
    if not is_other or sign * float(value[stretch].mean()) > -beyond_pct:
        return None
    if not _is_whole(known, turned_ms - _ms(before), turned_ms, SPAN_GAP_MS):
        return None
    if not _is_whole(known, turned_ms - GAP_MS, now_ms) or not _turned_alike(
        history, turned_ms - GAP_MS, now_ms, float(sign)
    ):
        return None
    whole = np.sign(column.value) == sign
    earlier = np.flatnonzero(whole & (column.known_ms < turned_ms))
    since_ms = float(column.known_ms[earlier[-1] + 1]) if len(earlier) else float(column.known_ms[0])
    return FundingTurn(
        turned_at=to_time(turned_ms),
        before_pct=float(value[stretch].mean()),
        now_pct=float(value[-1]),
        stood=timedelta(milliseconds=turned_ms - since_ms),
    )


def price_at(history: History, at: datetime) -> float | None:
    """The price at a time, USD, of the poll nearest to it; None where none lies within twenty minutes."""
    return _price(history, to_ms(at))


def _turned_alike(history: History, before_ms: float, now_ms: float, sign: float) -> bool:
    """Whether at least half of the venues that told before and tell now have turned to this side themselves."""
    turned = told = 0
    for venue in history.venues("funding_annual_pct"):
        column = history.column("funding_annual_pct", venue)
        ends = [_last(column, when) for when in (before_ms, now_ms)]
        if ends[0] is None or ends[1] is None:
            continue
        told += 1
        turned += ends[0] * sign <= 0.0 < ends[1] * sign
    return told > 0 and 2 * turned >= told


def _last(column: HistoryColumn, when_ms: float) -> float | None:
    place = int(column.known_ms.searchsorted(when_ms, side="right")) - 1
    if place < 0 or when_ms - float(column.known_ms[place]) > OLDEST_VENUE_MS:
        return None
    return float(column.value[place])


def _between(column: HistoryColumn, since_ms: float, until_ms: float) -> tuple[Floats, Floats]:
    """The times and values of polls between two times, ends included."""
    first, last = column.known_ms.searchsorted((since_ms, until_ms)).tolist()
    last += int(last < len(column.known_ms) and column.known_ms[last] == until_ms)
    return column.known_ms[first:last], column.value[first:last]


def _is_bound(column: HistoryColumn, since_ms: float, until_ms: float) -> bool:
    rows = (column.known_ms >= since_ms) & (column.known_ms <= until_ms)
    return bool((column.at_least[rows] > 0.0).any())


def _is_whole(known: Floats, since_ms: float, until_ms: float, gap_ms: float = GAP_MS) -> bool:
    """Whether polls lie no farther apart than a gap from one time to another."""
    inside = known[(known >= since_ms - gap_ms) & (known <= until_ms + gap_ms)]
    ends = np.clip(inside, since_ms, until_ms)
    steps = np.diff(np.concatenate(([since_ms], ends, [until_ms])))
    return bool(len(inside)) and bool((steps <= gap_ms).all())


def _price(history: History, when_ms: float) -> float | None:
    column = history.column("spot_usd")
    if not len(column.known_ms):
        return None
    place = int(np.abs(column.known_ms - when_ms).argmin())
    if abs(float(column.known_ms[place]) - when_ms) > GAP_MS:
        return None
    return float(column.value[place])


def _ms(span: timedelta) -> float:
    return span.total_seconds() * 1000.0

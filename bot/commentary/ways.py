"""How a reading went between two times: where it stood far beyond both ends of a move."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from bot.commentary.names import SpokenMarket
from bot.domain.facts import TrailPoint
from bot.domain.story import Origin

WEEKS = 8
PRICE, ORDINARY_DAY = "spot_usd", "ordinary_day_pct"
PRICED = (PRICE, "open_interest_usd")
PRICE_EXTREMES = {"peaked": "high_30d_usd", "dipped": "low_30d_usd"}
"""Where it is known more finely than by the hour how far the price went."""

Course = Literal["peaked", "dipped"]
COURSES: tuple[Course, ...] = ("peaked", "dipped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Excursion:
    """A reading's way beyond both ends of a move: on which side, where it stood there and when, by how much that was
    farther out than the nearer end. `origin` is the number's, `dated` its time's."""

    course: Course
    at: datetime
    by: float
    origin: Origin
    dated: Origin


def excursions(
    name: str, then: float, since: datetime, market: SpokenMarket, least: float = 0.0
) -> tuple[Excursion, ...]:
    """How far a fact went beyond what it was at a time and what it is now, the farther side first; only what is more than
    `least` and more than the path table's number of its own ordinary moves over that time. Nothing where the way is not
    known."""
    now = market.fact(name)
    size = ordinary_move(name, now.at - since, market, least) if now is not None else None
    if now is None or size is None:
        return ()
    ends = (then, now.value)
    found = [
        one
        for one in (
            _side("peaked", name, max(ends), since, market),
            _side("dipped", name, min(ends), since, market),
        )
        if one is not None and one.by > size
    ]
    return tuple(sorted(found, key=lambda one: -one.by))


def ordinary_move(name: str, over: timedelta, market: SpokenMarket, least: float = 0.0) -> float | None:
    """How far a fact may go beyond both ends of a move without a word, in its own unit: the path table's number of its own
    ordinary moves over that time, `least` at any rate. None where neither is known, or the book tells no ways."""
    table, usual = market.book.path, ordinary_day(name, market)
    if table is None:
        return None
    own = 0.0 if usual is None else table.beyond * usual * math.sqrt(max(over / timedelta(days=1), 1.0))
    return max(least, own) or None


def _side(course: Course, name: str, end: float, since: datetime, market: SpokenMarket) -> Excursion | None:
    sign = 1.0 if course == "peaked" else -1.0
    trail = market.facts.trails.get(name)
    point = None if trail is None else trail.highest(since) if sign > 0 else trail.lowest(since)
    made = None if point is None else _read(course, name, point, (point.value - end) * sign)
    extreme = market.fact(PRICE_EXTREMES[course]) if name == PRICE else None
    if extreme is None or extreme.extreme_at is None or extreme.extreme_at <= since:
        return made
    by = (extreme.value - end) * sign
    if made is not None and made.by >= by:
        return made
    return Excursion(
        course=course,
        at=extreme.extreme_at,
        by=by,
        origin=Origin(kind="fact", ref=extreme.name, value=extreme.value),
        dated=Origin(kind="date", ref=extreme.name, value=extreme.extreme_at.isoformat()),
    )


def _read(course: Course, name: str, point: TrailPoint, by: float) -> Excursion:
    ref = f"{name}@{point.at.isoformat()}"
    return Excursion(
        course=course,
        at=point.at,
        by=by,
        origin=Origin(kind="fact", ref=ref, value=point.value),
        dated=Origin(kind="date", ref=ref, value=point.at.isoformat()),
    )


def read_on_the_way(ref: str, market: SpokenMarket) -> TrailPoint | None:
    """The reading that a number on the way leads to ("dvol@2026-02-06T00:00:00+00:00"); None where there was none."""
    name, _, when = ref.partition("@")
    trail = market.facts.trails.get(name)
    if trail is None:
        return None
    return next((point for point in (*trail.highs, *trail.lows) if point.at.isoformat() == when), None)


def ordinary_day(name: str, market: SpokenMarket) -> float | None:
    """The size of an ordinary day's move of a fact, from its own weekly moves; of the price, and of what is counted at it,
    as options price it. None where that is not known."""
    if name in PRICED:
        now, size = market.fact(name), market.fact(ORDINARY_DAY)
        return now.value * size.value / 100.0 if now is not None and size is not None else None
    past = (market.facts.pasts or {}).get(name)
    if past is None or len(past.weekly_moves) < WEEKS:
        return None
    sizes = sorted(abs(move) for move in past.weekly_moves)
    return sizes[len(sizes) // 2] / math.sqrt(7) or None

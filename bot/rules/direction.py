"""Where a verdict goes: against the balance of some days ago, and against the furthest point of its episode. Without
the cap at two steps, so that a skew that comes back from 20% to 16% is seen to ease."""

from collections.abc import Mapping
from datetime import datetime
from math import fsum

from msgspec.structs import replace

from bot.domain.judgement import Course, Direction
from bot.domain.rulebook import BalanceTable, DirectionTable, Stance
from bot.rules.course import DIGITS, moved_since, reach_now, sample_before

SIDES: Mapping[str, int] = {"bearish": -1, "bullish": 1, "overheated": 1}


def with_peak(course: Course, at: datetime, weights: Mapping[str, float], table: BalanceTable) -> Course:
    """The course with the furthest point of its episode, which begins anew where the balance is back in the middle."""
    now = {family: round(points, DIGITS) for family, points in reach_now(course, weights).items()}
    stands, furthest = fsum(now.values()), fsum(course.peak.values())
    if abs(stands) < table.leaves:
        return replace(course, peak={}, peak_at=None) if course.peak else course
    if not course.peak or stands * furthest < 0.0 or abs(stands) >= abs(furthest):
        return replace(course, peak=now, peak_at=at)
    return course


def direction_of(
    course: Course, at: datetime, stance: Stance, weights: Mapping[str, float], table: DirectionTable
) -> Direction | None:
    """Where the verdict goes; None where too little is known of the time that it is compared with."""
    before = sample_before(course, at, table.window)
    moved = None if before is None else moved_since(course, before, weights, free=True)
    if moved is None:
        return None
    then, now = moved
    if then * now < 0.0 and abs(now - then) >= 2.0 * table.step:
        return "turning"
    side = SIDES.get(stance) or (1 if then + now > 0.0 else -1)
    if _has_come_back(course, side, weights, table):
        return "easing"
    ahead = side * (now - then)
    return "deepening" if ahead >= table.step else "easing" if ahead <= -table.step else "steady"


def _has_come_back(course: Course, side: int, weights: Mapping[str, float], table: DirectionTable) -> bool:
    """Whether the balance has come back from its furthest point on this side, over the families known at both."""
    if not course.peak:
        return False
    now = reach_now(course, weights)
    common = course.peak.keys() & now.keys()
    furthest = side * fsum(course.peak[family] for family in common)
    back = furthest - side * fsum(now[family] for family in common)
    return furthest > 0.0 and back >= max(table.step, table.back * furthest)

"""What is remembered of the balance: one sample an hour, and what the last days come to."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from math import fsum
from operator import itemgetter

from msgspec.structs import replace

from bot.domain.judgement import BalanceSample, Course
from bot.rules.balance import Sum

HOUR_S = 3600
DAY_HOURS = 24
DIGITS = 4
"""Samples are kept rounded, so that a stored one and a remembered one are the same."""
UNHEARD = (-100.0, 100.0)
"""What a day without data may have been."""
_HOUR, _LOW, _HIGH = itemgetter(0), itemgetter(1), itemgetter(2)


def hour_of(at: datetime) -> int:
    """The hours since 1970 of a time."""
    return int(at.timestamp() // HOUR_S)


def with_sample(course: Course, at: datetime, total: Sum, kept: timedelta) -> Course:
    """The course with this evaluation as its hour's sample, and nothing older than `kept`."""
    hour, names, samples = hour_of(at), course.families, course.samples
    if not total.families.keys() <= set(names):
        names, samples = _widened(course, total.families)
    first = bisect_right(samples, hour - 1 - int(kept.total_seconds() // HOUR_S), key=_HOUR)
    last = len(samples) - (bool(samples) and samples[-1].hour == hour)
    known = [total.families.get(name) for name in names]
    sample = BalanceSample(
        hour,
        round(total.balance[0], DIGITS),
        round(total.balance[1], DIGITS),
        0.5 if total.hot is None else float(total.hot),
        tuple([None if steps is None else round((steps.low + steps.high) / 2.0, DIGITS) for steps in known]),
        tuple([None if steps is None else round(steps.reach, DIGITS) for steps in known]),
    )
    return replace(course, families=names, samples=(*samples[first:last], sample))


def _widened(course: Course, more: Iterable[str]) -> tuple[tuple[str, ...], tuple[BalanceSample, ...]]:
    """Names and samples with room for families that were not known before."""
    added = tuple(sorted(set(more) - set(course.families)))
    gap = (None,) * len(added)
    samples = tuple(
        one._replace(parts=(*one.parts, *gap), reach=(*one.reach, *gap)) for one in course.samples
    )
    return (*course.families, *added), samples


def median_of(values: list[float]) -> float:
    """The middle of some values, half way between the two middle ones of an even number."""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2.0


def middle_of(course: Course, at: datetime, days: int) -> tuple[float, float]:
    """The median over the last days of the balance's bounds. A day is told by its median; one without data may have
    been anything."""
    bounds = [_bounds_of(day) if day else UNHEARD for day in _days(course, at, days)]
    return median_of([low for low, _ in bounds]), median_of([high for _, high in bounds])


def _bounds_of(day: Sequence[BalanceSample]) -> tuple[float, float]:
    """The medians of a day's bounds: of one balance, as long as all was heard."""
    lows, highs = list(map(_LOW, day)), list(map(_HIGH, day))
    low = median_of(lows)
    return low, low if lows == highs else median_of(highs)


def hot_of(course: Course, at: datetime, days: int) -> bool | None:
    """Whether most of the last days were overheated; None where it cannot be told."""
    least, most = [], []
    for day in _days(course, at, days):
        told = [one.hot for one in day] or [0.5]
        least.append(median_of([float(one > 0.5) for one in told]))
        most.append(median_of([float(one >= 0.5) for one in told]))
    return True if median_of(least) >= 0.5 else None if median_of(most) >= 0.5 else False


def _days(course: Course, at: datetime, days: int) -> list[tuple[BalanceSample, ...]]:
    """The samples of each of the last days, the newest day first."""
    hour, samples = hour_of(at), course.samples
    found: list[tuple[BalanceSample, ...]] = []
    end = bisect_right(samples, hour, key=_HOUR)
    for back in range(1, days + 1):
        start = bisect_right(samples, hour - back * DAY_HOURS, key=_HOUR)
        found.append(samples[start:end])
        end = start
    return found


def sample_before(course: Course, at: datetime, window: timedelta) -> BalanceSample | None:
    """The sample of a window before, or the last one before it by at most a twelfth of the window; None where there is
    none."""
    hours = window.total_seconds() / HOUR_S
    wanted = hour_of(at) - int(hours)
    place = bisect_right(course.samples, wanted, key=_HOUR) - 1
    slack = max(1.0, hours / 12.0)
    found = course.samples[place] if place >= 0 else None
    return found if found is not None and wanted - found.hour <= slack else None


def moved_since(
    course: Course, then: BalanceSample, weights: Mapping[str, float], *, free: bool
) -> tuple[float, float] | None:
    """The balance then and now over the families known at both ends, in points of the balance (of all that count);
    None where they have no weight."""
    last = course.samples[-1]
    before_all, after_all = (then.reach, last.reach) if free else (then.parts, last.parts)
    start = end = compared = 0.0
    for family, before, after in zip(course.families, before_all, after_all, strict=True):
        weight = weights.get(family)
        if weight and before is not None and after is not None:
            start += weight * before
            end += weight * after
            compared += weight
    whole = 2.0 * fsum(weights.values()) / 100.0
    return (start / whole, end / whole) if compared else None


def reach_now(course: Course, weights: Mapping[str, float]) -> dict[str, float]:
    """What each family that counts and is known reaches now, in points of the balance."""
    whole = 2.0 * fsum(weights.values()) / 100.0
    return {
        family: weights[family] * steps / whole
        for family, steps in zip(course.families, course.samples[-1].reach, strict=True)
        if steps is not None and family in weights
    }

"""Where an axis has its ticks, and how short numbers and times are written beside it. Exact values stand in
the answer's text."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.posts import ENGLISH, ChartSpeech

MINUS = "−"
SCALES = (1e12, 1e9, 1e6, 1e3)
TIME_STEPS = (
    *(timedelta(hours=hours) for hours in (1, 2, 3, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 3, 7, 14, 30, 60, 90, 180)),
)
DOLLAR_DIGITS = 3
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)


def step_for(low: float, high: float, most: int) -> float:
    """The smallest round step that needs at most so many intervals."""
    least = (high - low) / most
    size = 10.0 ** math.floor(math.log10(least))
    return next((size * factor for factor in ROUND if size * factor >= least * (1 - 1e-9)), size * 10)


def numbers(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between two numbers, both included."""
    step = step_for(low, high, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [count * step for count in range(first, last + 1)]


def format_tick(value: float, unit: str, step: float | None = None, speech: ChartSpeech = ENGLISH) -> str:
    """A number as short as it may be: 35.8e9 USD is $35.8B, 2 % is 2%. `step` is the distance of its
    neighbors on an axis."""
    size = abs(value)
    signs = [(at, sign) for at, sign in zip(SCALES, reversed(speech.scales), strict=True) if sign]
    scale, letter = next(((at, sign) for at, sign in signs if size >= at * 0.9995), (1.0, ""))
    places = _places(step / scale) if step else _usual_places(size / scale, unit)
    if unit == "USD" and not step:
        size = _round(size, DOLLAR_DIGITS)
    shown = f"{size / scale:,.{places}f}"
    if not step and "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    whole, point, decimals = shown.partition(".")
    if len(whole.replace(",", "")) < speech.grouped_from:
        whole = whole.replace(",", "")
    shown = whole.replace(",", speech.thousands) + (speech.decimal if point else "") + decimals + letter
    if unit == "USD":
        shown = speech.dollars.format(shown)
    elif unit.startswith("%"):
        shown = speech.percent.format(shown)
    return f"{MINUS}{shown}" if value < 0 and any(digit in shown for digit in "123456789") else shown


def _round(size: float, digits: int) -> float:
    """A size with so many significant digits, as the answers write dollars: 35.799e9 with three is 35.8e9."""
    return round(size, digits - 1 - math.floor(math.log10(size))) if size else 0.0


def _places(step: float) -> int:
    """The decimals that tell numbers apart that stand so far from each other."""
    places = 0
    while places < 6 and abs(step - round(step, places)) > 1e-6 * step:
        places += 1
    return places


def _usual_places(size: float, unit: str) -> int:
    whole = len(str(int(size)))
    if unit == "USD":
        return max(0, 3 - whole)
    return 2 if unit == "ratio" or size < 0.1 else 1


def times(since: datetime, until: datetime, most: int = 5) -> tuple[list[datetime], timedelta]:
    """Round UTC times between two times, and their distance."""
    span = max(until - since, timedelta(hours=1))
    step = next((step for step in TIME_STEPS if span / step <= most), TIME_STEPS[-1])
    start = datetime(since.year, 1, 1, tzinfo=UTC)
    first = start + math.ceil((since - start) / step) * step
    return [
        first + count * step for count in range(int((until - first) / step) + 1)
    ] if first <= until else [], step


def moment(at: datetime, step: timedelta, speech: ChartSpeech = ENGLISH) -> str:
    """A tick's time: 14:00, or the day where that begins or steps are days."""
    if step >= timedelta(days=1) or at.hour == 0:
        return day(at, speech)
    return f"{at:%H:%M}"


def day(at: datetime, speech: ChartSpeech = ENGLISH) -> str:
    """A day: 6 Feb."""
    return f"{at.day} {speech.months[at.month - 1]}"


def room_around(values: Sequence[float], share: float = 0.08) -> tuple[float, float]:
    """An axis's ends for values: some room on both sides, never none."""
    low, high = min(values), max(values)
    room = (high - low) * share or max(abs(high) * 0.05, 0.5)
    return low - room, high + room

"""From the balance to the stance. It is taken once a day, from the median of the last days, with a wider way in than
out; an alarm may turn it at once.

Less heard must never make a stronger verdict, over days too. So a lean is entered and kept only while the whole range
lies beyond the bound; what decides is the time and the facts of now, never how long ago something was seen; and where
an alarm that is not heard could have turned the stance, it is not kept."""

from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.judgement import Course
from bot.domain.rulebook import BalanceTable, Confidence, Lean, Stance
from bot.rules.course import hot_of, middle_of
from bot.rules.plan import RulePlan
from bot.rules.run import TRUE
from bot.rules.states import OPEN

DAY_S = 86_400.0
LEANS: tuple[Stance, ...] = ("bearish", "bullish", "overheated")


class AlarmCall(Struct, frozen=True, kw_only=True):
    """What the alarms say that may turn a stance. `bearish` and `bullish` name the alarm that does; `may_bearish` and
    `may_bullish` say that one which is unheard could."""

    bearish: str | None = None
    bullish: str | None = None
    may_bearish: bool = False
    may_bullish: bool = False


def alarm_call(
    table: BalanceTable, grades: Mapping[str, tuple[int, int]], balance: tuple[float, float]
) -> AlarmCall:
    """What the alarms (each with its grade and the sign of its side) say beside the whole range of now."""
    low, high = balance
    sure = {sign: name for name, (grade, sign) in grades.items() if grade == TRUE}
    maybe = {sign for grade, sign in grades.values() if grade >= OPEN}
    bearish = sure.get(-1) if high <= -table.enters else None
    bullish = sure.get(1) if low >= table.enters else None
    return AlarmCall(
        bearish=bearish,
        bullish=bullish,
        may_bearish=bearish is None and -1 in maybe and low <= -table.enters,
        may_bullish=bullish is None and 1 in maybe and high >= table.enters,
    )


def slot_of(at: datetime, table: BalanceTable) -> int:
    """The day, from the hour at which the stance is taken, that a time lies in."""
    shift = table.taken_at.hour * 3600.0 + table.taken_at.minute * 60.0
    return int((at.timestamp() - shift) // DAY_S)


def with_stance(course: Course, at: datetime, table: BalanceTable, call: AlarmCall) -> Course:
    """The course with its stance taken anew where its hour has come, or turned by an alarm."""
    slot = slot_of(at, table)
    taken = course.taken or "unclear"
    if course.slot != slot:
        low, high = middle_of(course, at, table.days)
        taken = stance_by(course.taken, low, high, hot_of(course, at, table.days), table)
    turned = _turned(taken, call, lambda: hot_of(course, at, table.days))
    if turned == course.taken:
        return replace(course, slot=slot)
    by = call.bearish or call.bullish if turned not in (taken, "unclear") else None
    left = course.left if course.taken == "unclear" else course.taken
    left_since = course.left_since if course.taken == "unclear" else course.since
    return replace(
        course,
        taken=turned,
        slot=slot,
        # Into unclear and out of it again is no change of stance.
        since=left_since if turned == left and left_since is not None else at,
        left=left,
        left_since=left_since,
        turned_by=by,
    )


def _turned(taken: Stance, call: AlarmCall, hot: Callable[[], bool | None]) -> Stance:
    """The stance after the alarms: turned by one that is heard, given up where one could turn it that is not."""
    if call.bearish:
        return "bearish"
    if call.bullish and taken != "bullish":
        burning = hot()
        if burning is False:
            return "bullish"
        return taken if burning and taken == "overheated" else "unclear"
    unsure = (call.may_bearish and taken != "bearish") or (call.may_bullish and taken != "bullish")
    return "unclear" if unsure else taken


def stance_by(
    before: Stance | None, low: float, high: float, hot: bool | None, table: BalanceTable
) -> Stance:
    """The stance by the middle of the last days, from the one before."""
    if high <= -table.enters or (before == "bearish" and high <= -table.leaves):
        return "bearish"
    leans_up = low >= table.enters or (before == "bullish" and low >= table.leaves)
    if hot and low > -table.leaves:
        return "overheated"
    if leans_up and hot is False:
        return "bullish"
    return "neutral" if -table.enters < low and high < table.enters and hot is False else "unclear"


def confidence_of(
    ready: RulePlan,
    stance: Stance,
    middle: tuple[float, float],
    coverage: float,
    call: AlarmCall,
    now: tuple[float, float],
) -> Confidence:
    """How sure a stance is. A lean by the bound of the middle that is nearest to zero (of the range of now, where an
    alarm says the same), other stances by what is known."""
    book = ready.book
    table, bounds = book.confidence, book.balance
    if bounds is None or stance in ("no-call", "unclear"):
        return "low"
    low, high = middle
    if stance in ("bearish", "bullish"):
        size = -high if stance == "bearish" else low
        if stance == "bearish" and call.bearish:
            size = max(size, -now[1])
        if stance == "bullish" and call.bullish:
            size = max(size, now[0])
        found: Confidence = "high" if size >= table.high else "medium" if size >= table.medium else "low"
    elif stance == "neutral" and not (-bounds.enters < low and high < bounds.enters):
        found = "low"
    else:
        calm = stance == "overheated" or (-bounds.leaves < low and high < bounds.leaves)
        found = "high" if coverage >= table.coverage_high and calm else "low"
        if found == "low" and coverage >= table.coverage_medium:
            found = "medium"
    return "medium" if found == "high" and not ready.seasoned else found


def leaning_of(balance: tuple[float, float], table: BalanceTable) -> Lean | None:
    """The side to which what is known leans, where the stance is unclear."""
    middle = (balance[0] + balance[1]) / 2.0
    return "bearish" if middle <= -table.leaves else "bullish" if middle >= table.leaves else None

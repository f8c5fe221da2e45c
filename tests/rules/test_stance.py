"""How sure a stance is, and what turned it."""

from typing import Any

import pytest

from bot.domain.judgement import BalanceSample, Course
from bot.rules.course import hour_of
from bot.rules.stance import AlarmCall, confidence_of, with_stance
from tests.rules.make import HOUR, NOON, book


class Ready:
    """As much of a plan as a confidence is worked out from."""

    book = book()
    seasoned = True


@pytest.mark.parametrize("sign", [1, -1])
def test_a_lean_is_as_sure_as_its_middle_or_as_now_where_an_alarm_says_the_same(sign: int) -> None:
    ready: Any = Ready()
    table = ready.book.confidence
    weak, strong = sign * (table.medium - 1.0), sign * (table.high + 1.0)
    stance = "bullish" if sign > 0 else "bearish"
    said, other = ("bullish", "bearish") if sign > 0 else ("bearish", "bullish")

    def confidence(middle: float, now: float, *alarms: str) -> str:
        named: dict[str, Any] = dict.fromkeys(alarms, "price-falls")
        call = AlarmCall(**named)
        return confidence_of(ready, stance, (middle, middle), 1.0, call, (now, now))  # type: ignore[arg-type]

    assert confidence(strong, weak) == confidence(strong, weak, said) == "high"
    assert confidence(weak, strong) == confidence(weak, strong, other) == "low"
    assert confidence(weak, strong, said) == "high"
    assert confidence(weak, sign * table.medium, said) == "medium"


@pytest.mark.parametrize("balance", [-60.0, 0.0])
def test_an_alarm_turned_a_stance_only_where_the_balance_alone_would_have_said_another(
    balance: float,
) -> None:
    table = book().balance
    assert table is not None
    samples = tuple(
        BalanceSample(hour_of(NOON - hour * HOUR), balance, balance, 0.0, (), ())
        for hour in range(table.days * 24, -1, -1)
    )
    course = Course(samples=samples, taken="neutral", slot=0)
    fallen = with_stance(course, NOON, table, AlarmCall(bearish="price-falls"))
    assert (fallen.taken, fallen.turned_by) == ("bearish", "price-falls" if balance == 0.0 else None)

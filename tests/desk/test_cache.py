"""What was worked out is used again as long as what it stands on is the same, and for a minute at most."""

import weakref
from datetime import timedelta

import pytest

from bot.desk.cache import MOST, MinuteCache
from tests.desk.parts import AT, MINUTE

SECOND = timedelta(seconds=1)


class Made:
    """Something that was worked out."""


def test_the_same_question_within_a_minute_is_worked_out_once() -> None:
    fresh, past, made = MinuteCache(), object(), []

    def make() -> int:
        made.append(1)
        return len(made)

    within = (SECOND, 20 * SECOND, MINUTE - timedelta(microseconds=1))
    assert [fresh.get("facts", (past,), AT + later, make) for later in within] == [1, 1, 1]
    assert fresh.get("facts", (past,), AT + MINUTE, make) == 2
    assert fresh.get("facts", (past,), AT, make) == 3
    assert fresh.get("other", (past,), AT, make) == 4


def test_what_stands_on_something_else_is_worked_out_anew_even_if_that_is_equal() -> None:
    fresh, same = MinuteCache(), [1]
    assert fresh.get("facts", (same, [1]), AT, lambda: "first") == "first"
    assert fresh.get("facts", (same, [1]), AT, lambda: "second") == "second"
    assert fresh.get("facts", ([1], same), AT, lambda: "third") == "third"


def test_what_was_worked_out_is_found_while_it_stands_and_nothing_is_worked_out_for_that() -> None:
    fresh, past = MinuteCache(), object()
    assert fresh.find("facts", (past,), AT, str) is None
    fresh.get("facts", (past,), AT, lambda: "worked out")
    assert fresh.find("facts", (past,), AT + SECOND, str) == "worked out"
    assert fresh.find("facts", (past,), AT + SECOND, int) is None
    assert fresh.find("facts", (object(),), AT, str) is None
    assert fresh.find("facts", (past,), AT + MINUTE, str) is None
    assert fresh.find("other", (past,), AT, str) is None


def test_what_cannot_be_worked_out_is_asked_for_again() -> None:
    fresh = MinuteCache()
    with pytest.raises(ZeroDivisionError):
        fresh.get("facts", (), AT, lambda: 1 // 0)
    assert fresh.get("facts", (), AT, lambda: "worked out") == "worked out"


def test_nothing_worked_out_is_a_value_too() -> None:
    fresh = MinuteCache()
    assert fresh.get("chart", (), AT, lambda: None) is None
    assert fresh.get("chart", (), AT, lambda: "another") is None


def test_it_keeps_so_many_and_does_not_grow_without_end() -> None:
    fresh = MinuteCache()
    alive: list[weakref.ref[Made]] = []

    def make() -> Made:
        made = Made()
        alive.append(weakref.ref(made))
        return made

    for number in range(MOST):
        fresh.get(number, (), AT, make)
    assert sum(one() is not None for one in alive) == MOST
    assert fresh.get(0, (), AT, make) is alive[0]()
    for number in range(MOST, 3 * MOST):
        fresh.get(number, (), AT, make)
        assert sum(one() is not None for one in alive) <= MOST

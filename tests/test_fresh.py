"""What was worked out is used again as long as what it stands on is the same, and for a minute at most."""

from datetime import UTC, datetime, timedelta

from bot.fresh import MOST, Fresh

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


def test_the_same_question_within_a_minute_is_worked_out_once() -> None:
    fresh, past, made = Fresh(), object(), []

    def make() -> int:
        made.append(1)
        return len(made)

    assert [fresh.get("facts", (past,), AT + timedelta(seconds=second), make) for second in (0, 20, 59)] == [1, 1, 1]
    assert fresh.get("facts", (past,), AT + timedelta(minutes=1), make) == 2
    assert fresh.get("other", (past,), AT, make) == 3


def test_what_stands_on_something_else_is_worked_out_anew_even_if_that_is_equal() -> None:
    fresh = Fresh()
    assert fresh.get("facts", ([1],), AT, lambda: "first") == "first"
    assert fresh.get("facts", ([1],), AT, lambda: "second") == "second"


def test_it_does_not_grow_without_end() -> None:
    fresh = Fresh()
    for number in range(3 * MOST):
        fresh.get(number, (), AT, object)
    assert len(fresh._kept) <= MOST

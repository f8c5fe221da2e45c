"""A server's own usual range: within its bounds, and never out of order."""

from hypothesis import given
from hypothesis import strategies as st

from bot.errors import InputError
from bot.rules import evaluate
from bot.rules.ranges import own_range
from tests.rules.make import NOON, book, facts, on
from tests.said import refused

LADDERS = sorted(name for name, ladder in book().ladders.items() if ladder.usual)


def test_a_range_outside_its_bounds_is_refused_with_what_is_possible() -> None:
    with refused(InputError, match="basis: the low end may lie between 2 and 6, not at 7"):
        own_range(book(), "basis", 7, 12)
    with refused(InputError, match="unknown usual range 'bases': one of basis"):
        own_range(book(), "bases", 4, 9)
    with refused(InputError, match="the high end"):
        own_range(book(), "basis", 4, 6)


@given(ladder=st.sampled_from(LADDERS), low=st.floats(0, 1), high=st.floats(0, 1), value=st.floats(0, 1))
def test_within_its_bounds_a_range_moves_the_steps_with_it(
    ladder: str, low: float, high: float, value: float
) -> None:
    bounds = book().ladders[ladder].bounds
    ends = [
        least + share * (most - least)
        for share, (least, most) in ((low, bounds["low"]), (high, bounds["high"]))
    ]
    own = own_range(book(), ladder, *ends)
    fact = book().ladders[ladder].fact
    inside = own.low + value * (own.high - own.low)
    judgement = evaluate(
        book(), facts({fact: min(max(inside, own.low), own.high)}), {}, NOON, {ladder: own}, settled=True
    )
    assert on(judgement) & set(book().ladders[ladder].steps) == set()

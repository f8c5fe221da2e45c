"""Around every threshold of the shipped rules, the number that is shown stands on the side where the value
stands."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commentary.formats import apply, read
from bot.commentary.terms import settle
from bot.domain.rulebook import Condition
from tests.commentary.make import NOW, bank, book

FORMATS = ("pct", "signed", "bare", "points")


def limits() -> Iterator[float]:
    """Each number that a percent or point is held against today, under the usual range in force."""
    for rule in book().rules.values():
        usual = book().ladders[rule.ladder].usual_on(NOW.date()) if rule.ladder else None
        for part in rule.when:
            if isinstance(part, Condition):
                yield from (side.at(usual) for side in (part.below, part.above, part.clears) if side)


LIMITS = sorted({limit for limit in limits() if abs(limit) < 1000})


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=500, deadline=None)
@given(limit=st.sampled_from(LIMITS), off=st.floats(0.0005, 0.6), sign=st.sampled_from([-1, 1]))
def test_rounding_keeps_the_truth_around_every_threshold(
    name: str, limit: float, off: float, sign: int
) -> None:
    value = limit + sign * off
    digits = settle(
        name, value, bank().words, ((lambda number: number < limit), (lambda number: number > limit))
    )
    shown = read(apply(name, value, digits, bank().words), bank().words)
    assert shown is not None
    assert (shown < limit) == (value < limit)
    assert (shown > limit) == (value > limit)
    assert abs(shown - value) <= 0.0501


def test_there_are_thresholds_to_try() -> None:
    assert {0, 2, 5, 10} <= set(LIMITS)

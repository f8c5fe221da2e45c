"""A book made ready for a day: where thresholds lie that stand on a fact's own past."""

import pytest

from bot.domain.facts import OwnPast
from bot.rules.plan import plan
from tests.rules.make import NOON, book

WEEK = "basis_60d_pct.change_7d"


@pytest.mark.parametrize(
    ("percents", "days", "rising", "falling"),
    [
        ((-9.0, -3.0, 0.0, 3.5, 9.0), 365, (3.5, 2.5), (-3.0, -2.0)),
        ((-1.0, -0.5, 0.0, 1.2, 1.5), 365, (2.0, 1.0), (-2.0, -1.0)),  # nearer than the book's: the book's
        ((-9.0, -3.0, 0.0, 3.5, 9.0), 3, (2.0, 1.0), (-2.0, -1.0)),  # too few days to say
    ],
)
def test_a_threshold_lies_where_the_book_says_or_beyond_some_percent_of_the_own_past(
    percents: tuple[float, float, float, float, float],
    days: int,
    rising: tuple[float, float],
    falling: tuple[float, float],
) -> None:
    past = OwnPast(fact=WEEK, quantiles=percents, days=days)
    ready = plan(book(), NOON.date(), {}, "BTC", (), {WEEK: past})
    assert ready.by_rule["basis-recovering"].numbers == ((WEEK, True, *rising),)
    assert ready.by_rule["basis-fading"].numbers == ((WEEK, False, *falling),)


def test_without_a_past_it_lies_where_the_book_says() -> None:
    ready = plan(book(), NOON.date(), {}, "BTC", (), {})
    assert ready.by_rule["basis-recovering"].numbers == ((WEEK, True, 2.0, 1.0),)

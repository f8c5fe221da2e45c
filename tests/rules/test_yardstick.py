"""What one level counts, by hand: steps of the book, a past that agrees or does not, steps that need no yardstick."""

from datetime import date
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.facts import OwnPast
from bot.domain.rulebook import Condition, RuleBook, Threshold, UsualRange
from bot.rules.yardstick import LevelSide, Scale, Weighed, Yardstick, rank_of, scale_of, yardstick
from tests.rules.make import book

DAY = date(2026, 5, 1)
MARKS = (12.0, 14.0, 16.0, 18.0, 24.0)


def level(**changed: Any) -> Yardstick:
    """Usual from 10 to 20 with a unit of 2: two steps above at 28, one below at most; no past."""
    given: dict[str, Any] = {
        "ladder": "a",
        "family": "basis",
        "fact": "x",
        "unit": 2.0,
        "low": LevelSide(10.0, -1, -1),
        "high": LevelSide(20.0, 1, 1, outer=28.0),
        "book": True,
        "scale": None,
        "agrees": (40.0, 60.0),
        "extreme": (80.0, 95.0),
    }
    return Yardstick(**{**given, **changed})


def counts(one: Yardstick, value: float) -> tuple[float, float]:
    weighed = one.weigh(value)
    return weighed.points, weighed.reach


@pytest.mark.parametrize(
    ("value", "points", "reach"),
    [
        (15.0, 0.0, 0.0),
        (20.0, 0.0, 0.0),
        (21.0, 0.5, 0.5),
        (22.0, 1.0, 1.0),
        (25.0, 1.5, 1.5),  # half of the way from one step at 22 to two at 28
        (28.0, 2.0, 2.0),
        (31.0, 2.0, 2.5),
        (10.0, 0.0, 0.0),
        (9.0, -0.5, -0.5),
        (4.0, -1.0, -3.0),
    ],
)
def test_by_the_book_a_level_counts_straight_from_the_edge_to_its_outer_step(
    value: float, points: float, reach: float
) -> None:
    assert counts(level(), value) == (points, reach)
    assert level().weigh(value) == Weighed(points, reach, points, None)


def test_an_outer_step_within_a_unit_is_the_unit() -> None:
    near = level(high=LevelSide(20.0, 1, outer=21.0))
    assert [counts(near, value) for value in (20.5, 21.0, 22.0)] == [(1.0, 1.0), (2.0, 2.0), (2.0, 4.0)]


def test_from_where_it_is_called_overheated_a_level_counts_over_a_unit_to_the_other_side() -> None:
    above = level(high=LevelSide(20.0, 1, outer=28.0, hot=31.0, hot_vote=-2.0))
    assert [counts(above, value) for value in (31.0, 32.0, 33.0, 40.0)] == [
        (2.0, 2.5),
        (0.0, 0.25),
        (-2.0, -2.0),
        (-2.0, -2.0),
    ]
    assert [above.weigh(value).hot for value in (31.0, 31.5)] == [False, True]
    below = level(low=LevelSide(10.0, -1, hot=6.0, hot_vote=1.0))
    assert [counts(below, value) for value in (6.0, 5.0, 4.0)] == [(-1.0, -2.0), (0.0, -0.5), (1.0, 1.0)]
    assert [below.weigh(value).hot for value in (6.0, 5.5)] == [False, True]


def test_overheated_is_only_what_its_own_past_agrees_with_enough() -> None:
    """At rank 57.5 of a past that weighs half: 1 - 1/2 + 1/2 · 17.5/20."""
    hot = {
        "high": LevelSide(20.0, 1, hot=21.0, hot_vote=-1.0),
        "scale": Scale((19.0, 20.5, 21.0, 25.0, 30.0), 0.5),
    }
    assert level(**hot, counts_from=0.9375).weigh(22.0).hot
    assert not level(**hot, counts_from=0.94).weigh(22.0).hot


@pytest.mark.parametrize(
    ("value", "points", "reach", "rank"),
    [
        (22.0, 1.0, 1.0, 90.0),  # a whole step leaves nothing for the extreme
        (21.0, 0.625, 0.625, 87.5),  # 0.5 by the book, and half of 0.5 · 7.5/15
        (9.0, -0.75, -0.75, 5.0),  # -0.5 by the book, and half of -0.5
        (28.0, 2.0, 2.0, 95.0),
        (15.0, 0.0, 0.0, 35.0),
    ],
)
def test_an_extreme_of_its_own_past_counts_what_the_book_leaves_of_a_step(
    value: float, points: float, reach: float, rank: float
) -> None:
    weighed = level(scale=Scale(MARKS, 0.5)).weigh(value)
    assert (weighed.points, weighed.reach, weighed.rank) == pytest.approx((points, reach, rank))


def test_without_a_book_an_extreme_counts_alone_and_each_side_by_its_own_pull() -> None:
    alone = level(book=False, scale=Scale(MARKS, 0.5))
    assert [counts(alone, value) for value in (24.0, 16.0, 9.0)] == [(0.5, 0.5), (0.0, 0.0), (-0.5, -0.5)]
    dear = level(book=False, scale=Scale(MARKS, 1.0), high=LevelSide(20.0, 1, -1), low=LevelSide(10.0, -1))
    assert [counts(dear, value) for value in (24.0, 9.0)] == [(-1.0, -1.0), (0.0, 0.0)]


def test_a_past_that_does_not_agree_takes_from_the_book_as_much_as_it_weighs() -> None:
    """23 is rank 45 of a year that stood higher: a quarter agrees."""
    one = level(scale=Scale((20.0, 22.0, 23.2, 27.0, 30.0), 1.0))
    assert one.weigh(23.0).rank == pytest.approx(45.0)
    assert one.weigh(23.0).book == pytest.approx((1.0 + 1.0 / 6.0) / 4.0)
    half = replace(one, scale=Scale((20.0, 22.0, 23.2, 27.0, 30.0), 0.5))
    assert half.weigh(23.0).book == pytest.approx((1.0 + 1.0 / 6.0) * 5.0 / 8.0)


def test_a_step_that_needs_no_yardstick_takes_over_along_the_unit_before_it() -> None:
    below = level(absolute=((0.0, False, -2.0),))
    assert counts(below, 2.0) == (-1.0, -4.0)
    assert counts(below, 1.0) == (-1.5, -4.5)
    assert counts(below, 0.0) == (-2.0, -5.0)  # as far as the book alone would reach
    above = level(absolute=((30.0, True, 1.0),), high=LevelSide(20.0, 0))
    assert [counts(above, value) for value in (28.0, 29.0, 30.0, 36.0)] == [
        (0.0, 0.0),
        (0.5, 0.5),
        (1.0, 1.0),
        (1.0, 1.0),
    ]
    far = level(absolute=((30.0, True, 2.0),))
    assert counts(far, 34.0) == (2.0, 3.0)  # 34 is three steps by the book


def test_a_rank_stands_straight_between_the_marks_and_the_outer_two_hold_the_rest() -> None:
    found = [rank_of(value, MARKS) for value in (11.0, 12.0, 13.0, 16.0, 17.0, 21.0, 24.0, 99.0)]
    assert found == [5.0, 5.0, 12.5, 50.0, 65.0, 87.5, 95.0, 95.0]
    scale = Scale(MARKS, 1.0)
    assert [scale.value(rank) for rank in (0.0, 12.5, 65.0, 100.0)] == [12.0, 13.0, 17.0, 24.0]


def test_marks_are_kept_apart_from_the_middle_outward_and_a_young_past_weighs_its_share() -> None:
    table = book().past
    assert table is not None
    level_past = OwnPast(fact="x", quantiles=(9.9, 10.0, 10.0, 10.0, 14.0), days=9)
    assert scale_of(level_past, 1.0, table) == Scale((8.0, 9.0, 10.0, 11.0, 14.0), 9 / table.full_days)
    assert scale_of(replace(level_past, days=400), 1.0, table).weight == 1.0


def with_step(name: str, **sides: Any) -> RuleBook:
    """The book with other thresholds in the condition of one step."""
    rules = book().rules
    [part] = rules[name].when
    assert isinstance(part, Condition)
    return replace(book(), rules={**rules, name: replace(rules[name], when=(replace(part, **sides),))})


def edges(changed: RuleBook, asset: str, own: UsualRange | None = None) -> Yardstick:
    return yardstick(changed, changed.ladders["basis"], DAY, own, asset, {})


@pytest.mark.parametrize(("asset", "at"), [("BTC", 1.0), ("ETH", -3.0)])
def test_a_step_that_is_another_one_for_an_asset_is_its_own_on_its_ladder(asset: str, at: float) -> None:
    other = (("ETH", -3.0),)
    absolute = edges(
        with_step("basis-backwardation", below=Threshold(number=1.0, of_asset=other)), asset
    ).absolute
    assert absolute == ((at, False, -2.0),)
    moved = Threshold(number=1.0, of_asset=other)
    assert edges(with_step("basis-firm", above=moved), asset).high.edge == at
    assert edges(with_step("basis-strong", above=moved), asset).high.outer == at
    assert edges(with_step("basis-euphoric", above=moved), asset).high.hot == at


def test_a_ladder_stands_on_the_range_in_force_or_on_a_servers_own() -> None:
    ladder = book().ladders["basis"]
    usual = ladder.usual_on(DAY)
    assert usual is not None
    published = edges(book(), "BTC")
    assert (published.high.edge, published.high.outer, published.high.hot) == (
        usual.high,
        usual.high + 5.0,
        usual.high + 10.0,
    )
    assert (published.high.sign, published.high.hot_vote) == (1, -1.0)
    own = UsualRange(since=DAY, low=3.0, high=9.0, source="own")
    theirs = edges(book(), "BTC", own)
    assert (theirs.high.edge, theirs.high.outer, theirs.high.hot) == (9.0, 14.0, 19.0)
    assert theirs.low.edge in (0.0, 3.0)

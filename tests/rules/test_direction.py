"""Where a verdict goes, by hand: a course of a few samples against a window of three days."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.domain.judgement import BalanceSample, Course
from bot.domain.rulebook import DirectionTable
from bot.rules.course import hour_of
from bot.rules.direction import direction_of, with_peak
from tests.rules.make import HOUR, NOON, book

WEIGHTS = {"basis": 1.0, "price": 1.0}  # a step of one family is 25 points of the balance
TABLE = DirectionTable(window=timedelta(hours=72), step=8, back=0.3)


def course(
    then: tuple[float | None, float | None], now: tuple[float | None, float | None], **peak: float
) -> Course:
    """What the two families reached three days ago and reach now."""
    samples = tuple(
        BalanceSample(hour_of(NOON - ago * HOUR), 0.0, 0.0, 0.0, (), reach)
        for ago, reach in ((72, then), (0, now))
    )
    return Course(families=("basis", "price"), samples=samples, peak=peak)


def goes(one: Course, stance: str = "bullish") -> str | None:
    return direction_of(one, NOON, stance, WEIGHTS, TABLE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("then", "now", "stance", "direction"),
    [
        (0.4, 0.72, "bullish", "deepening"),  # 10 to 18 points
        (0.4, 0.71, "bullish", "steady"),
        (0.72, 0.4, "bullish", "easing"),
        (0.71, 0.4, "bullish", "steady"),
        (0.4, 0.72, "overheated", "deepening"),
        (-0.4, -0.72, "bearish", "deepening"),
        (-0.72, -0.4, "bearish", "easing"),
        (0.32, -0.32, "bearish", "turning"),  # across the middle, by two steps
        (0.32, -0.31, "bearish", "deepening"),
        (0.16, -0.16, "bearish", "deepening"),
        (0.1, -0.1, "bearish", "steady"),
        (0.4, 0.72, "neutral", "deepening"),  # without a side it is that of both together
        (-0.4, -0.72, "neutral", "deepening"),
        (-0.4, -0.4, "bullish", "steady"),
    ],
)
def test_it_goes_where_the_balance_went_by_a_step(
    then: float, now: float, stance: str, direction: str
) -> None:
    assert goes(course((then, 0.0), (now, 0.0)), stance) == direction


def test_it_eases_where_a_share_of_its_furthest_is_taken_back() -> None:
    """50 points at the furthest: 30% of them are more than a step."""
    assert goes(course((0.6, 0.8), (0.6, 0.8), basis=25.0, price=25.0)) == "easing"
    assert goes(course((0.62, 0.8), (0.62, 0.8), basis=25.0, price=25.0)) == "steady"
    assert goes(course((0.08, 0.0), (0.08, 0.0), basis=10.0)) == "easing"  # the step: more than 30% of 10
    assert goes(course((0.09, 0.0), (0.09, 0.0), basis=10.0)) == "steady"
    assert goes(course((-0.6, -0.8), (-0.6, -0.8), basis=-25.0, price=-25.0), "bearish") == "easing"
    assert goes(course((-0.4, 0.0), (-0.4, 0.0), basis=0.0)) == "steady"  # it was never on this side


def test_it_is_compared_over_what_is_known_at_both_ends_alone() -> None:
    assert goes(course((0.4, None), (0.4, 1.0))) == "steady"
    assert goes(course((0.4, 1.0), (0.4, None), basis=10.0, price=25.0)) == "steady"
    assert goes(course((None, 0.4), (0.4, None))) is None
    young = course((0.4, 0.0), (0.9, 0.0))
    assert goes(replace(young, samples=young.samples[1:])) is None
    assert (
        goes(
            replace(
                young, samples=(young.samples[0]._replace(hour=hour_of(NOON - 78 * HOUR)), young.samples[1])
            )
        )
        == "deepening"
    )
    assert (
        goes(
            replace(
                young, samples=(young.samples[0]._replace(hour=hour_of(NOON - 79 * HOUR)), young.samples[1])
            )
        )
        is None
    )


def test_the_furthest_point_is_kept_until_the_balance_is_back_in_the_middle_or_across_it() -> None:
    table = book().balance
    assert table is not None
    leaves = table.leaves / 25.0

    def peak_of(now: float, **peak: float) -> tuple[dict[str, float], bool]:
        found = with_peak(replace(course((0.0, 0.0), (now, 0.0), **peak), peak_at=None), NOON, WEIGHTS, table)
        return dict(found.peak), found.peak_at == NOON

    assert peak_of(leaves) == ({"basis": table.leaves, "price": 0.0}, True)
    assert peak_of(leaves - 0.01) == ({}, False)
    assert peak_of(1.0, basis=30.0) == ({"basis": 30.0}, False)
    assert peak_of(1.2, basis=30.0) == ({"basis": 30.0, "price": 0.0}, True)
    assert peak_of(-1.0, basis=30.0) == ({"basis": -25.0, "price": 0.0}, True)
    assert peak_of(leaves - 0.01, basis=30.0) == ({}, False)

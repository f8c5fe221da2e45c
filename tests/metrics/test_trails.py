"""What a metric read on its way to now: the extremes after any time, and where that is not known."""

from datetime import timedelta

import pytest

from bot.domain.facts import Point
from bot.metrics import CATALOG
from bot.metrics.history import History
from bot.metrics.trails import MOST_APART, LazyTrails, trail_of
from tests.commentary.make import NOW

DVOL = CATALOG.metrics["dvol"]
OPEN = CATALOG.metrics["open_interest_coin"]


def hours(values: list[float | None], *, metric: str = "dvol", venues: tuple[str, ...] = ()) -> list[Point]:
    """A value an hour, the last one now; None where nothing was read."""
    return [
        Point(
            metric=metric,
            asset="BTC",
            at=NOW - timedelta(hours=len(values) - 1 - number),
            value=value,
            venue=venue,
        )
        for number, value in enumerate(values)
        if value is not None
        for venue in (None, *venues)
    ]


def past(points: list[Point]) -> History:
    return History.empty("BTC").extend(points)


def ago(number: float) -> timedelta:
    return timedelta(hours=number)


def test_the_extremes_after_a_time_are_those_between_it_and_now() -> None:
    trail = trail_of(past(hours([90.0, 60.0, 82.6, 50.0, 65.8])), DVOL, NOW)
    assert trail is not None
    high, low = trail.highest(NOW - ago(3)), trail.lowest(NOW - ago(3))
    assert high is not None
    assert low is not None
    assert (high.value, high.at) == (82.6, NOW - ago(2))
    assert (low.value, low.at) == (50.0, NOW - ago(1))
    after = trail.highest(NOW - ago(2))
    assert after is not None
    assert after.value == 65.8, "the reading at the time itself is the end of the move, not between"


def test_of_equal_extremes_the_last_one_counts() -> None:
    trail = trail_of(past(hours([1.0, 5.0, 5.0, 2.0])), DVOL, NOW)
    assert trail is not None
    high = trail.highest(NOW - ago(3))
    assert high is not None
    assert high.at == NOW - ago(1)


def test_beyond_a_hole_nothing_is_known() -> None:
    hole = int(MOST_APART / ago(1)) + 1
    trail = trail_of(past(hours([60.0, 99.0, *([None] * hole), 61.0, 62.0])), DVOL, NOW)
    assert trail is not None
    assert trail.highest(NOW - ago(hole + 3)) is None
    near = trail.highest(NOW - ago(2))
    assert near is not None
    assert near.value == 62.0


def test_where_nothing_was_read_of_late_there_is_no_trail() -> None:
    assert trail_of(History.empty("BTC"), DVOL, NOW) is None
    old = past([Point(metric="dvol", asset="BTC", at=NOW - MOST_APART - ago(1), value=60.0)])
    assert trail_of(old, DVOL, NOW) is None


def test_a_sum_that_lacked_a_venue_for_an_hour_was_not_low() -> None:
    whole = hours([500.0, 500.0, None, 500.0], metric=OPEN.name, venues=("binance", "okx"))
    lost = [
        Point(metric=OPEN.name, asset="BTC", at=NOW - ago(1), value=250.0, venue=venue)
        for venue in (None, "okx")
    ]
    trail = trail_of(past([*whole, *lost]), OPEN, NOW)
    assert trail is not None
    low = trail.lowest(NOW - ago(3))
    assert low is not None
    assert low.value == 500.0


@pytest.mark.parametrize(("covers_s", "highest"), [(3600, 65.0), (86_400, 61.0)])
def test_a_bar_speaks_by_its_close_where_nothing_was_observed_in_it(covers_s: int, highest: float) -> None:
    bar = Point(
        metric="dvol", asset="BTC", at=NOW - timedelta(seconds=covers_s), value=65.0, covers_s=covers_s
    )
    before = [
        Point(metric="dvol", asset="BTC", at=NOW - timedelta(hours=25), value=60.0),
        Point(metric="dvol", asset="BTC", at=NOW - ago(2), value=61.0),
    ]
    trail = trail_of(past([*before, bar]), DVOL, NOW)
    assert trail is not None
    high = trail.highest(NOW - ago(5))
    assert high is not None
    assert high.value == highest


def test_a_bar_beside_an_observation_says_nothing_more() -> None:
    bar = Point(metric="dvol", asset="BTC", at=NOW - ago(1), value=99.0, covers_s=3600)
    trail = trail_of(past([*hours([60.0, 61.0]), bar]), DVOL, NOW)
    assert trail is not None
    high = trail.highest(NOW - ago(5))
    assert high is not None
    assert high.value == 61.0


def test_the_trails_of_a_market_are_those_of_the_metrics_of_which_moves_are_told() -> None:
    known = past([*hours([60.0, 61.0]), *hours([1e9, 2e9], metric="liquidations_24h_usd")])
    trails = LazyTrails(known, CATALOG, NOW)
    assert list(trails) == ["dvol"]
    assert len(trails) == 1
    assert "liquidations_24h_usd" not in trails
    assert trails["dvol"] == trail_of(known, DVOL, NOW)

"""Then and now, like for like, and what a usual day of a metric is."""

from datetime import timedelta

import pytest

from bot.domain.facts import Point
from bot.metrics import CATALOG, History
from bot.metrics.pairs import pair_of
from tests.metrics.market import DAY, NOW, ms

SKEW = CATALOG.metrics["skew_60d_pct"]
COINS = CATALOG.metrics["open_interest_coin"]


def point(metric: str, days_ago: float, value: float, venue: str | None = None) -> Point:
    return Point(
        metric=metric, asset="BTC", venue=venue, at=NOW - timedelta(days=days_ago), value=value, covers_s=0
    )


def past(*points: Point) -> History:
    return History.empty("BTC").extend(points)


def test_a_move_is_told_in_usual_days_of_its_own() -> None:
    # Up and down by 2 each day: a standard deviation of 2. Today it has gone from 10 to 16.
    days = [point("skew_60d_pct", day, 10.0 if day % 2 else 8.0) for day in range(1, 32)]
    pair = pair_of(past(*days, point("skew_60d_pct", 0, 16.0)), SKEW, ms(NOW - DAY), ms(NOW))
    assert pair is not None
    assert (pair.before, pair.after) == (10.0, 16.0)
    assert pair.size == pytest.approx(3.0, rel=0.02)


def test_a_short_past_has_no_usual_day() -> None:
    pair = pair_of(
        past(point("skew_60d_pct", 1, 8.0), point("skew_60d_pct", 0, 9.0)), SKEW, ms(NOW - DAY), ms(NOW)
    )
    assert pair is not None
    assert pair.size is None


def test_what_was_not_heard_at_one_end_is_no_pair() -> None:
    assert pair_of(past(point("skew_60d_pct", 0, 9.0)), SKEW, ms(NOW - DAY), ms(NOW)) is None
    old = past(point("skew_60d_pct", 1, 8.0), point("skew_60d_pct", 0.5, 9.0))
    assert pair_of(old, SKEW, ms(NOW - DAY), ms(NOW)) is None


def test_a_venue_that_came_is_no_growth() -> None:
    told = past(
        point("open_interest_coin", 1, 100.0),
        point("open_interest_coin", 1, 100.0, "okx"),
        point("open_interest_coin", 0, 190.0),
        point("open_interest_coin", 0, 90.0, "okx"),
        point("open_interest_coin", 0, 100.0, "bybit"),
    )
    pair = pair_of(told, COINS, ms(NOW - DAY), ms(NOW))
    assert pair is not None
    assert (pair.before, pair.after) == (100.0, 90.0)


def test_a_usual_day_is_that_of_the_thirty_days_before_and_of_no_other() -> None:
    calm = [point("skew_60d_pct", day, 10.0) for day in range(1, 28)]
    early = [point("skew_60d_pct", day, 16.0 if day % 2 == 0 else 10.0) for day in range(28, 32)]
    older = [point("skew_60d_pct", day, 90.0) for day in range(32, 60)]
    pair = pair_of(past(*calm, *early, *older, point("skew_60d_pct", 0, 16.0)), SKEW, ms(NOW - DAY), ms(NOW))
    assert pair is not None
    assert pair.size == pytest.approx(6.0 / (4 * 36 / 30) ** 0.5)


def hours(*values: float) -> list[Point]:
    """A reading each four hours of the last day, after a month that goes up and down by 2 each day."""
    days = [point("skew_60d_pct", day, 10.0 if day % 2 else 8.0) for day in range(1, 32)]
    return [*days, *(point("skew_60d_pct", 1 - (n + 1) / 6, value) for n, value in enumerate(values))]


@pytest.mark.parametrize(
    ("values", "extreme", "farthest"),
    [
        ((11.0, 14.0, 19.0, 13.0, 12.0, 12.5), 19.0, 9.0),
        ((11.0, 8.0, 6.5, 8.0, 11.0, 12.5), 6.5, 3.5),
        ((11.0, 8.0, 7.9, 8.0, 11.0, 12.5), 7.9, 2.5),  # down by 2.1, but up by 2.5 at the end
        ((11.0, 11.0, 12.0, 12.0, 14.0, 12.5), None, 2.5),  # 1.5 beyond: less than a usual day of 2
        ((11.0, 11.5, 12.0, 12.0, 12.0, 12.5), None, 2.5),
    ],
)
def test_a_way_that_went_beyond_both_ends_is_known_by_its_farthest_value(
    values: tuple[float, ...], extreme: float | None, farthest: float
) -> None:
    pair = pair_of(past(*hours(*values)), SKEW, ms(NOW - DAY), ms(NOW))
    assert pair is not None
    assert (pair.before, pair.after) == (10.0, 12.5)
    assert pair.extreme == extreme
    assert pair.farthest_size == pytest.approx(farthest / 2.0)


def test_a_way_with_a_hole_is_not_told() -> None:
    heard = [one for one in hours(11.0, 14.0, 19.0, 13.0, 12.0, 12.5) if one.value != 14.0]
    pair = pair_of(past(*heard), SKEW, ms(NOW - DAY), ms(NOW))
    assert pair is not None
    assert pair.extreme is None

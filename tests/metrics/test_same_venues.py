"""A sum over the venues of its last row: what came or went is no move."""

from datetime import timedelta

from bot.domain.facts import Point
from bot.metrics import History
from bot.metrics.same_venues import sum_over_same_venues
from tests.metrics.market import NOW

NAME = "open_interest_coin"


def point(hours_ago: float, value: float, venue: str | None = None) -> Point:
    at = NOW - timedelta(hours=hours_ago)
    return Point(metric=NAME, asset="BTC", venue=venue, at=at, value=value, covers_s=0)


def heard(**venues: dict[int, float]) -> History:
    hours = sorted({hour for told in venues.values() for hour in told})
    whole = [point(hour, sum(told.get(hour, 0.0) for told in venues.values())) for hour in hours]
    own = [point(hour, value, venue) for venue, told in venues.items() for hour, value in told.items()]
    return History.empty("BTC").extend([*whole, *own])


def summed(history: History, least_h: float = 0.0) -> list[float]:
    shown = (0, len(history.column(NAME)))
    return sum_over_same_venues(history, NAME, shown, timedelta(hours=least_h)).value.tolist()


def test_each_row_is_summed_over_the_venues_of_the_last() -> None:
    history = heard(okx={3: 10.0, 2: 11.0, 1: 12.0, 0: 13.0}, bybit={3: 5.0, 2: 5.0})
    assert summed(history) == [10.0, 11.0, 12.0, 13.0]


def test_a_row_that_lacks_one_of_them_is_left_out() -> None:
    history = heard(okx={3: 10.0, 2: 11.0, 1: 12.0, 0: 13.0}, bybit={2: 5.0, 0: 6.0})
    assert summed(history) == [16.0, 19.0]


def test_a_venue_known_for_too_short_is_no_reason_to_leave_the_past_out() -> None:
    history = heard(okx={3: 10.0, 2: 11.0, 1: 12.0, 0: 13.0}, bybit={1: 5.0, 0: 6.0})
    assert summed(history, 2.0) == [10.0, 11.0, 17.0, 19.0]
    assert summed(history, 1.0) == [17.0, 19.0]


def test_a_venue_that_came_later_is_not_there_yet() -> None:
    history = heard(okx={3: 10.0, 2: 11.0, 1: 12.0, 0: 13.0}, bybit={0: 6.0})
    assert summed(history.at(NOW - timedelta(hours=1))) == [10.0, 11.0, 12.0]


def test_without_venues_beside_it_and_without_rows_it_stays_as_it_is() -> None:
    assert summed(History.empty("BTC").extend([point(1, 10.0), point(0, 30.0)])) == [10.0, 30.0]
    assert summed(History.empty("BTC")) == []

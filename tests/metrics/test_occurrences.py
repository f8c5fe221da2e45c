"""Storms of forced closing and turns of funding: pasts made by hand, with what may not be told."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.facts import Point
from bot.metrics import History
from bot.metrics.occurrences import ForcedStorm, find_funding_turn, find_storm, price_at

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)
HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
USUAL = 1e6


def points(
    metric: str,
    value: Callable[[datetime], float],
    times: Iterable[datetime],
    *,
    bound: bool = False,
    venue: str | None = None,
) -> list[Point]:
    return [
        Point(metric=metric, asset="BTC", at=at, value=value(at), lower_bound=bound, venue=venue)
        for at in times
    ]


def polls(since: datetime, until: datetime = AT, every: timedelta = 5 * MINUTE) -> list[datetime]:
    return [since + number * every for number in range(int((until - since) / every) + 1)]


HOURS = [AT - number * HOUR for number in range(24, 24 * 60)]
STARTS = AT - 65 * MINUTE


def stormy(at: datetime) -> float:
    """A hundred usual hours at the beginning, 120 at most half an hour later, then less and less."""
    minutes = (at - STARTS) / MINUTE
    return USUAL if minutes < 0 else 100e6 if minutes < 30 else 120e6 if minutes < 40 else 20e6


def falling(at: datetime) -> float:
    return 70_000.0 if at <= STARTS else 66_500.0


def past(
    value: Callable[[datetime], float] = stormy,
    *,
    side: str = "long",
    times: Iterable[datetime] = polls(AT - 20 * HOUR),
    hours: Iterable[datetime] = HOURS,
    bound: bool = False,
    price: Callable[[datetime], float] = falling,
) -> History:
    name = f"liquidations_1h_{side}_usd"
    return History.empty("BTC").extend(
        [
            *points(name, lambda _: USUAL, hours, bound=bound),
            *points(name, value, times, bound=bound),
            *points("spot_usd", price, times),
        ]
    )


def storm(history: History, at: datetime = AT, **changed: float) -> ForcedStorm | None:
    numbers = {"times": 80.0, "floor_usd": 2e7} | changed
    return find_storm(history, at, "long", quiet=6 * HOUR, after=HOUR, late=2 * HOUR, **numbers)


def test_a_storm_has_its_beginning_its_largest_hour_and_the_price_an_hour_later() -> None:
    found = storm(past())
    assert found is not None
    assert found.began_at == STARTS
    assert found.hour_usd == 120e6
    assert found.times == pytest.approx(120.0)
    assert (found.price_usd, found.later_usd) == (70_000.0, 66_500.0)
    assert not found.at_least


def test_before_an_hour_has_passed_and_long_after_nothing_is_found() -> None:
    assert storm(past(), AT - 6 * MINUTE) is None
    longer = past(times=polls(AT - 20 * HOUR, AT + 4 * HOUR))
    assert storm(longer, AT + HOUR) is not None
    assert storm(longer, AT + 3 * HOUR) is None


def test_every_poll_of_its_time_finds_the_same_storm() -> None:
    longer = past(times=polls(AT - 20 * HOUR, AT + HOUR))
    found = {storm(longer, at) for at in polls(AT, AT + HOUR)}
    assert len(found) == 1


def test_a_lower_bound_says_so() -> None:
    found = storm(past(bound=True))
    assert found is not None
    assert found.at_least


def test_one_that_goes_on_after_a_pause_is_the_same() -> None:
    def twice(at: datetime) -> float:
        return 90e6 if AT - 5 * HOUR <= at <= AT - 4 * HOUR else stormy(at)

    assert storm(past(twice)) is None


@pytest.mark.parametrize(
    "times",
    [
        [at for at in polls(AT - 20 * HOUR) if not STARTS - 30 * MINUTE <= at < STARTS],
        [at for at in polls(AT - 20 * HOUR) if not STARTS < at < STARTS + 25 * MINUTE],
        [at for at in polls(AT - 20 * HOUR) if not AT - 4 * HOUR < at < AT - 3 * HOUR],
        polls(STARTS),
    ],
    ids=["before it", "within it", "hours before", "begun anew"],
)
def test_what_began_in_a_gap_is_not_told(times: list[datetime]) -> None:
    assert storm(past(times=times)) is None


def test_without_a_month_of_its_own_hours_there_is_no_multiple() -> None:
    assert storm(past(hours=[AT - number * HOUR for number in range(24, 24 * 20)])) is None
    assert storm(past(hours=[])) is None


def test_under_the_multiple_or_the_floor_it_is_none() -> None:
    assert storm(past(), times=99.0) is not None
    assert storm(past(), times=121.0) is None
    assert storm(past(), floor_usd=2e8) is None


def test_without_a_price_at_both_ends_it_is_not_told() -> None:
    history = past()
    columns = {key: column for key, column in history.columns.items() if key[0] != "spot_usd"}
    assert storm(History("BTC", columns)) is None


def funded(
    rate: Callable[[datetime], float], *, venues: dict[str, Callable[[datetime], float]] | None = None
) -> History:
    times = polls(AT - 40 * HOUR)
    own = venues or {"binance": rate, "okx": rate}
    return History.empty("BTC").extend(
        [
            *points("funding_annual_pct", rate, times),
            *(
                one
                for venue, told in own.items()
                for one in points("funding_annual_pct", told, times, venue=venue)
            ),
        ]
    )


def turning(at: datetime) -> float:
    return -4.0 if at >= AT - 90 * MINUTE else 8.0


def turn(history: History, at: datetime = AT):
    return find_funding_turn(history, at, beyond_pct=1.0, before=24 * HOUR, holds=HOUR, late=2 * HOUR)


def test_a_turn_has_its_time_and_both_rates() -> None:
    found = turn(funded(turning))
    assert found is not None
    assert found.turned_at == AT - 90 * MINUTE
    assert found.before_pct == pytest.approx(8.0)
    assert found.now_pct == -4.0
    assert found.stood == 40 * HOUR - 90 * MINUTE


def test_the_other_sign_stood_since_it_came_not_since_the_past_begins() -> None:
    found = turn(funded(lambda at: -3.0 if at < AT - 30 * HOUR else turning(at)))
    assert found is not None
    assert found.stood == 30 * HOUR - 90 * MINUTE


@pytest.mark.parametrize(
    "rate",
    [
        lambda at: -4.0 if at >= AT - 30 * MINUTE else 8.0,
        lambda at: -4.0 if at >= AT - 6 * HOUR else 8.0,
        lambda at: -0.5 if at >= AT - 90 * MINUTE else 8.0,
        lambda at: -4.0 if at >= AT - 90 * MINUTE else 0.5,
        lambda at: -4.0 if at >= AT - 90 * MINUTE or at <= AT - 20 * HOUR else 8.0,
        lambda at: 8.0,
    ],
    ids=["too young", "too old", "near zero now", "near zero before", "turned a day ago too", "none"],
)
def test_what_is_no_turn_is_none(rate: Callable[[datetime], float]) -> None:
    assert turn(funded(rate)) is None


def test_a_venue_that_drops_out_turns_nothing() -> None:
    same = {"binance": lambda at: 8.0, "okx": lambda at: 6.0}
    assert turn(funded(turning, venues=same)) is None
    half = {"binance": turning, "okx": lambda at: 6.0}
    assert turn(funded(turning, venues=half)) is not None


def test_a_price_is_that_of_the_nearest_poll_or_none() -> None:
    assert price_at(past(), AT) == 66_500.0
    assert price_at(past(), AT + 30 * MINUTE) is None

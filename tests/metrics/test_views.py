"""Views: known answers, when each is known, like for like, and live against replay."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.catalog import VIEWS, Metric
from bot.domain.facts import Point
from bot.metrics import CATALOG, History
from bot.metrics.views import Views, replay_views, view_at
from tests.metrics.market import DAY, HOUR, NOW, ms, past, points

SPOT, SKEW, OPEN, BASIS, DVOL = (
    CATALOG.metrics[name]
    for name in ("spot_usd", "skew_30d_pct", "open_interest_usd", "basis_30d_pct", "dvol")
)
LONG = 100 * 24


def seen(history: History, metric: Metric, at: datetime = NOW) -> Views:
    found = view_at(history, metric, ms(at))
    assert found is not None
    return found


def value(history: History, metric: Metric, suffix: str) -> float | None:
    told = float(seen(history, metric).values[suffix][0])
    return None if np.isnan(told) else told


def ramp(count: int, last: float) -> list[float | None]:
    return [last - (count - 1 - place) for place in range(count)]


def test_a_change_is_now_less_the_last_value_a_day_before() -> None:
    history = past(points(SPOT.name, ramp(200, 500.0)))
    assert value(history, SPOT, "before_24h") == 476.0
    assert value(history, SPOT, "change_24h") == 24.0
    assert value(history, SPOT, "change_24h_pct") == pytest.approx(24 / 476 * 100)
    assert value(history, SPOT, "change_7d") == 168.0


def test_a_value_later_than_a_day_before_is_not_compared_with() -> None:
    """Polled at ten past the hour, now at the full hour: the last one before is fifty minutes older, not ten
    younger."""
    early = points(SPOT.name, [100.0, 110.0], until=NOW - DAY + timedelta(minutes=10))
    assert value(past(early, points(SPOT.name, [150.0])), SPOT, "before_24h") == 100.0


@pytest.mark.parametrize(("older", "known"), [(71, True), (73, False)])
def test_a_day_before_may_be_five_percent_of_a_day_older(older: int, known: bool) -> None:
    history = past(
        points(SPOT.name, [100.0], until=NOW - DAY - timedelta(minutes=older)), points(SPOT.name, [150.0])
    )
    assert (value(history, SPOT, "change_24h") is not None) is known


@pytest.mark.parametrize(("older", "known"), [(8.3, True), (8.5, False)])
def test_a_week_before_may_be_five_percent_of_a_week_older(older: float, known: bool) -> None:
    then = NOW - 7 * DAY - timedelta(hours=older)
    history = past(points(SPOT.name, [100.0], until=then), points(SPOT.name, [150.0]))
    assert (value(history, SPOT, "change_7d") is not None) is known


def test_a_daily_row_counts_from_the_end_of_its_day() -> None:
    """What closed on the 5th is not what was known at the start of the 5th."""
    at = datetime(2026, 2, 6, tzinfo=UTC)
    days = [
        Point(metric="dvol", asset="BTC", at=at - DAY * back, value=float(back), covers_s=86_400)
        for back in (4, 3, 2, 1)
    ]
    history = History.empty("BTC").extend([*days, *points("dvol", [50.0], until=at)])
    assert float(seen(history, DVOL, at).values["before_24h"][0]) == 2.0


def test_only_amounts_have_percent_changes() -> None:
    history = past(points(SKEW.name, ramp(200, 50.0)))
    assert "change_24h_pct" not in seen(history, SKEW).values
    assert value(history, SKEW, "change_24h") == 24.0


def test_a_percent_change_from_nothing_is_unknown() -> None:
    history = past(points(OPEN.name, [0.0] * 26 + [5.0]))
    assert value(history, OPEN, "change_24h") == 5.0
    assert value(history, OPEN, "change_24h_pct") is None


def test_the_percentile_ranks_now_among_ninety_days() -> None:
    assert value(past(points(SPOT.name, ramp(LONG, 5_000.0))), SPOT, "percentile_90d") == pytest.approx(
        (2159 + 0.5) / 2160 * 100
    )
    lowest = [10.0] * (LONG - 1) + [1.0]
    assert value(past(points(SPOT.name, lowest)), SPOT, "percentile_90d") == pytest.approx(0.5 / 2160 * 100)


def test_a_value_that_never_moved_stands_in_the_middle_and_has_no_zscore() -> None:
    history = past(points(SPOT.name, [7.0] * LONG))
    assert value(history, SPOT, "percentile_90d") == 50.0
    assert value(history, SPOT, "zscore_90d") is None


def test_the_zscore_counts_standard_deviations_of_ninety_days() -> None:
    told = [float(place % 2) for place in range(LONG - 1)] + [11.0]
    window = np.array(told[-2160:])
    assert value(past(points(SPOT.name, told)), SPOT, "zscore_90d") == pytest.approx(
        (11.0 - window.mean()) / window.std()
    )


@pytest.mark.parametrize(("days", "known"), [(59, False), (61, True)])
def test_a_percentile_needs_sixty_days(days: int, known: bool) -> None:
    midnight = NOW.replace(hour=23)
    history = past(points(SPOT.name, ramp(days * 24, 1e4), until=midnight))
    assert bool(np.isnan(seen(history, SPOT, midnight).values["percentile_90d"][0])) is not known


@pytest.mark.parametrize(("kept", "known"), [(19, False), (20, True)])
def test_a_percentile_needs_eighty_percent_of_the_hours_of_its_days(kept: int, known: bool) -> None:
    midnight = NOW.replace(hour=23)
    told: list[float | None] = [float(place) if place % 24 >= 24 - kept else None for place in range(90 * 24)]
    history = past(points(SPOT.name, told, until=midnight))
    assert bool(np.isnan(seen(history, SPOT, midnight).values["zscore_90d"][0])) is not known


def test_daily_rows_cover_their_days() -> None:
    at = NOW.replace(hour=0)
    days = [
        Point(metric="dvol", asset="BTC", at=at - DAY * back, value=float(back), covers_s=86_400)
        for back in range(90, 0, -1)
    ]
    found = seen(History.empty("BTC").extend(days), DVOL, at)
    assert found.days[0] == 90
    assert found.values["percentile_90d"][0] == pytest.approx(100 / 180)


def test_its_lowest_since_names_the_last_time_it_was_as_low() -> None:
    told = [100.0] * LONG
    told[10], told[-500], told[-1] = 20.0, 60.0, 60.0
    found = seen(past(points(SPOT.name, told)), SPOT)
    assert found.values["lowest_since"][0] == pytest.approx(499 / 24)
    assert found.since_ms["lowest_since"][0] == ms(NOW - 499 * HOUR)
    assert not found.at_least["lowest_since"][0]
    assert found.values["highest_since"][0] == pytest.approx(1 / 24)


def test_a_record_of_all_that_is_known_is_at_least_that_old() -> None:
    told = [100.0] * (LONG - 1) + [50.0]
    found = seen(past(points(SPOT.name, told)), SPOT)
    assert found.values["lowest_since"][0] == pytest.approx((LONG - 1) / 24)
    assert found.at_least["lowest_since"][0]


@pytest.mark.parametrize("hour", [3, 11, 19])
def test_a_day_with_one_reading_counts_as_a_day_whenever_it_was(hour: int) -> None:
    latest = NOW.replace(hour=hour, minute=0)
    told = points(SPOT.name, [40.0, *[100.0] * 78, 50.0], until=latest, every=DAY)
    found = seen(past(told), SPOT, latest)
    assert found.values["lowest_since"][0] == pytest.approx(79.0)
    assert not found.at_least["lowest_since"][0]


def test_a_short_past_tells_no_record() -> None:
    assert value(past(points(SPOT.name, [100.0] * 900 + [50.0])), SPOT, "lowest_since") is None


def test_a_record_over_a_hole_in_the_past_is_not_told() -> None:
    told: list[float | None] = [100.0] * LONG
    told[5], told[-1] = 40.0, 50.0
    assert value(past(points(SPOT.name, told)), SPOT, "lowest_since") is not None
    told[500:900] = [None] * 400
    assert value(past(points(SPOT.name, told)), SPOT, "lowest_since") is None


def test_the_difference_of_two_lower_bounds_is_unknown() -> None:
    metric = CATALOG.metrics["liquidations_24h_usd"]
    told = [
        Point(metric=metric.name, asset="BTC", at=NOW - DAY, value=5.0, lower_bound=True),
        Point(metric=metric.name, asset="BTC", at=NOW, value=9.0, lower_bound=False),
    ]
    assert value(past(told), metric, "change_24h") is None


def venues(
    metric: Metric, then: dict[str, float], now: dict[str, float], totals: tuple[float, float]
) -> History:
    """An aggregate and its venues at two times a day apart."""
    both = ((NOW - DAY, then, totals[0]), (NOW, now, totals[1]))
    return History.empty("BTC").extend(
        [
            *(Point(metric=metric.name, asset="BTC", at=at, value=total) for at, _, total in both),
            *(
                Point(metric=metric.name, asset="BTC", at=at, value=own, venue=venue)
                for at, values, _ in both
                for venue, own in values.items()
            ),
        ]
    )


def test_a_venue_that_drops_out_is_not_a_fall() -> None:
    history = venues(OPEN, {"binance": 60.0, "okx": 40.0}, {"binance": 63.0}, (100.0, 63.0))
    found = seen(history, OPEN)
    assert found.values["change_24h"][0] == 3.0
    assert found.values["change_24h_pct"][0] == pytest.approx(5.0)
    assert found.values["before_24h"][0] == 60.0
    assert found.venues_compared("change_24h_pct") == ("binance",)


def test_a_venue_that_joins_is_not_a_rise() -> None:
    history = venues(OPEN, {"binance": 60.0}, {"binance": 54.0, "okx": 40.0}, (60.0, 94.0))
    assert seen(history, OPEN).values["change_24h_pct"][0] == pytest.approx(-10.0)
    assert value(history, OPEN, "before_24h") is None, (
        "60 of one venue beside 94 of two would look like a rise"
    )


def test_without_a_venue_at_both_ends_there_is_no_change() -> None:
    history = venues(OPEN, {"binance": 60.0}, {"okx": 40.0}, (60.0, 40.0))
    assert value(history, OPEN, "change_24h") is None
    assert value(history, OPEN, "before_24h") is None


def test_a_median_is_compared_over_the_venues_at_both_ends() -> None:
    history = venues(SPOT, {"a": 100.0, "b": 104.0, "c": 120.0}, {"a": 101.0, "b": 103.0}, (104.0, 102.0))
    found = seen(history, SPOT)
    assert found.values["before_24h"][0] == 102.0
    assert found.values["change_24h"][0] == 0.0


def test_a_weighted_figure_is_compared_with_the_same_weights_at_both_ends() -> None:
    history = venues(BASIS, {"a": 4.0, "b": 8.0}, {"a": 5.0, "b": 8.0, "c": 90.0}, (6.0, 50.0))
    weights = [
        Point(metric="open_interest_usd", asset="BTC", at=NOW, value=weight, venue=venue)
        for venue, weight in (("a", 3.0), ("b", 1.0), ("c", 1.0))
    ]
    found = seen(history.extend(weights), BASIS)
    assert found.values["change_24h"][0] == pytest.approx(0.75)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Hours with holes, plateaus and a venue that comes and goes."""
    seed = draw(st.integers(0, 2**32 - 1))
    holes = draw(st.floats(0.0, 0.3))
    plateau = draw(st.booleans())
    hours = draw(st.integers(30, 110 * 24))
    rng = np.random.default_rng(seed)
    walk = 1_000.0 + rng.standard_normal(hours).cumsum()
    walk = np.round(walk, 0) if plateau else walk
    minutes = rng.integers(0, 60, hours)
    told = []
    for place in np.flatnonzero(rng.random(hours) >= holes):
        at = NOW - HOUR * (hours - int(place)) + timedelta(minutes=int(minutes[place]))
        there = ["a"] if rng.random() < 0.2 else ["a", "b"]
        told.append(Point(metric=OPEN.name, asset="BTC", at=at, value=walk[place] * len(there)))
        told += [
            Point(metric=OPEN.name, asset="BTC", at=at, value=walk[place], venue=venue) for venue in there
        ]
    return History.empty("BTC").extend(told)


@settings(max_examples=25, deadline=None)
@given(history=histories(), picks=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_a_replay_reads_in_each_row_what_live_reads_in_its_last(history: History, picks: list[float]) -> None:
    whole = replay_views(history, OPEN)
    if whole is None:
        return
    for pick in {0.0, 1.0, *picks}:
        row = round(pick * (len(whole.known_ms) - 1))
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=float(whole.known_ms[row]))
        live = seen(history.at(at), OPEN, at)
        for suffix in VIEWS:
            assert live.values[suffix][0] == pytest.approx(
                whole.values[suffix][row], rel=1e-9, abs=1e-9, nan_ok=True
            )
        assert live.venues_compared("change_24h") == whole.venues_compared("change_24h", row)
        for suffix in ("lowest_since", "highest_since"):
            assert live.at_least[suffix][0] == whole.at_least[suffix][row]


@settings(max_examples=10, deadline=None)
@given(history=histories())
def test_a_replay_of_one_look_back_reads_it_as_a_replay_of_all_does(history: History) -> None:
    whole, some = replay_views(history, OPEN), replay_views(history, OPEN, ("change",), ("24h",))
    if whole is None or some is None or len(whole.known_ms) == 1:
        return
    assert sorted(some.values) == ["before_24h", "change_24h", "change_24h_pct"]
    for suffix, values in some.values.items():
        assert np.array_equal(values, whole.values[suffix], equal_nan=True)


def sum_told(at: datetime, values: dict[str, float], covers_s: int = 0) -> list[Point]:
    """A sum of open interest, and each venue's own."""
    whole = Point(
        metric="open_interest_coin",
        asset="BTC",
        at=at,
        value=sum(values.values()),
        venues=tuple(values),
        of_venues=len(values),
        covers_s=covers_s,
    )
    own = [replace(whole, value=value, venue=venue, venues=(venue,)) for venue, value in values.items()]
    return [whole, *own]


def test_a_sum_is_ranked_among_sums_of_the_venues_whose_past_is_told() -> None:
    metric = CATALOG.metrics["open_interest_coin"]
    now = datetime(2026, 1, 28, tzinfo=UTC)

    told = [
        point
        for back in range(80, 0, -1)
        for point in sum_told(now - timedelta(days=back), {"bybit": 100.0 + back}, 86_400)
    ]
    live = sum_told(now + timedelta(minutes=30), {"bybit": 140.0, "deribit": 900.0})
    found = view_at(History.empty("BTC").extend([*told, *live]), metric, ms(now + timedelta(hours=1)))
    assert found is not None
    # Among Bybit's own 101 … 180, not among sums without Deribit, of which 1,040 would be the highest.
    assert found.values["percentile_90d"][0] == pytest.approx(49, abs=1)
    assert found.values["times_median_90d"][0] == pytest.approx(140 / 140.5, abs=0.01)


@pytest.mark.parametrize(("venues", "known"), [(("bybit", "deribit"), True), (("bybit",), False)])
def test_a_sum_that_lost_a_venue_is_not_its_lowest_since(venues: tuple[str, ...], known: bool) -> None:
    metric = CATALOG.metrics["open_interest_coin"]
    now = datetime(2026, 1, 28, tzinfo=UTC)

    told = [
        point
        for back in range(80, 0, -1)
        for point in sum_told(now - timedelta(days=back), {"bybit": 100.0 + back, "deribit": 900.0}, 86_400)
    ]
    live = sum_told(
        now + timedelta(minutes=30), {venue: {"bybit": 90.0, "deribit": 900.0}[venue] for venue in venues}
    )
    found = view_at(History.empty("BTC").extend([*told, *live]), metric, ms(now + timedelta(hours=1)))
    assert found is not None
    assert np.isnan(found.values["lowest_since"][0]) != known
    assert np.isnan(found.since_ms["lowest_since"][0]) != known
    assert bool(found.at_least["lowest_since"][0]) == known

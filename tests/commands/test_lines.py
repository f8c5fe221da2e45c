"""Lines of the past: gaps that can be seen, a price that reaches its extremes, venues that tell the same."""

from array import array
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from bot.commands._lines import merge_equal, price_path, stretch
from bot.domain.facts import Series
from bot.domain.posts import ChartSeries
from bot.metrics import CATALOG, History

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


def past(metric: str, values: dict[float, float], *, covers: int = 0) -> Series:
    """Values by the hours before AT at which they begin."""
    rows = sorted(
        (int((AT - timedelta(hours=ago)).timestamp() * 1000), value) for ago, value in values.items()
    )
    return Series(
        metric=metric,
        asset="BTC",
        venue=None,
        at_ms=array("q", [at for at, _ in rows]),
        value=array("d", [value for _, value in rows]),
        covers_s=array("q", [covers] * len(rows)),
    )


@pytest.mark.parametrize(("days", "open_gaps"), [(1, 3), (7, 0)])
def test_readings_six_hours_apart_are_gaps_in_a_day_and_a_line_in_a_week(days: int, open_gaps: int) -> None:
    history = History.of("BTC", [past("skew_60d_pct", {6.0 * step: 5.0 for step in range(40)})])
    found = stretch(history, "skew_60d_pct", AT - timedelta(days=days, hours=-1), AT, CATALOG)
    assert sum(value is None for value in found.y) == open_gaps


def test_half_a_day_without_a_reading_is_a_gap_however_long_the_time_shown() -> None:
    known = {float(hour): 5.0 for hour in range(2000) if not 100 < hour < 114}
    found = stretch(History.of("BTC", [past("dvol", known)]), "dvol", AT - timedelta(days=80), AT, CATALOG)
    assert sum(value is None for value in found.y) == 1


def test_what_grew_old_ends_before_now() -> None:
    known = {float(hour): 5.0 for hour in range(5, 2000)}
    history = History.of("BTC", [past("skew_60d_pct", known)])
    found = stretch(history, "skew_60d_pct", AT - timedelta(days=80), AT, CATALOG)
    assert (found.at[-1], found.y[-1]) == (AT, None)


def prices(**bars: dict[float, float]) -> History:
    readings = past("spot_usd", {float(hour): 70_000.0 - 10.0 * (48 - hour) for hour in range(49)})
    return History.of("BTC", [readings, *(past(name, values, covers=3600) for name, values in bars.items())])


def test_the_price_reaches_a_low_between_two_readings() -> None:
    line = price_path(
        prices(spot_low_usd={20.0: 60_150.0, 30.0: 69_700.0}), AT - timedelta(days=2), AT, CATALOG
    )
    assert line is not None
    assert min(y for y in line.y if y is not None) == 60_150.0
    assert line.at[line.y.index(60_150.0)] == AT - timedelta(hours=19, minutes=30)
    assert list(line.at) == sorted(line.at)


def test_the_price_reaches_a_high_too() -> None:
    line = price_path(prices(spot_high_usd={20.0: 82_000.0}), AT - timedelta(days=2), AT, CATALOG)
    assert line is not None
    assert max(y for y in line.y if y is not None) == 82_000.0


def test_a_low_where_the_price_was_not_heard_is_no_line_across_the_gap() -> None:
    readings = past("spot_usd", {float(hour): 70_000.0 for hour in range(49) if not 10 < hour < 30})
    lows = past("spot_low_usd", {20.0: 60_150.0}, covers=3600)
    line = price_path(History.of("BTC", [readings, lows]), AT - timedelta(days=2), AT, CATALOG)
    assert line is not None
    assert 60_150.0 not in line.y


def test_without_a_reading_there_is_no_price() -> None:
    assert price_path(History.empty("BTC"), AT - timedelta(days=2), AT, CATALOG) is None


def line(label: str, *y: float | None) -> ChartSeries:
    return ChartSeries(label=label, at=tuple(AT + timedelta(hours=hour) for hour in range(len(y))), y=y)


def test_venues_that_tell_the_same_are_one_line_with_their_number() -> None:
    lines = [line(name, 1.0, 2.0, None, 10.0) for name in ("Binance", "Bybit", "OKX")]
    merged = merge_equal([*lines, line("Kraken", 1.0, 5.0, None, 10.0)], "{n} venues")
    assert [(column.label, column.y) for column in merged] == [
        ("3 venues", (1.0, 2.0, None, 10.0)),
        ("Kraken", (1.0, 5.0, None, 10.0)),
    ]


def test_two_venues_that_tell_the_same_are_both_named() -> None:
    assert [
        column.label for column in merge_equal([line("OKX", 1.0, 9.0), line("Gate", 1.0, 9.0)], "{n} venues")
    ] == ["OKX, Gate"]


def test_a_gap_of_one_venue_is_not_covered_by_another() -> None:
    assert len(merge_equal([line("OKX", 1.0, None, 9.0), line("Gate", 1.0, 2.0, 9.0)], "{n} venues")) == 2


def sums(**venues: dict[float, float]) -> History:
    """Open interest in coins of some venues by hours before AT, and their sum at each hour that one of them was heard."""
    hours = sorted({hour for told in venues.values() for hour in told})
    whole = {hour: sum(told.get(hour, 0.0) for told in venues.values()) for hour in hours}
    own = [replace(past("open_interest_coin", told), venue=venue) for venue, told in venues.items()]
    return History.of("BTC", [past("open_interest_coin", whole), *own])


def coins(history: History, days: int = 10) -> list[float | None]:
    return list(stretch(history, "open_interest_coin", AT - timedelta(days=days), AT, CATALOG).y)


def test_a_venue_that_came_is_no_growth_of_a_sum() -> None:
    old = {float(hour): 100.0 for hour in range(240)}
    new = {float(hour): 60.0 for hour in range(72)}
    assert coins(sums(binance=old, okx=new)) == [160.0] * 72


def test_a_venue_that_went_is_no_fall_of_a_sum() -> None:
    stays = {float(hour): 100.0 for hour in range(240)}
    went = {float(hour): 60.0 for hour in range(72, 240)}
    assert coins(sums(binance=stays, okx=went)) == [100.0] * 240


def test_a_venue_heard_for_too_short_does_not_hide_the_past() -> None:
    old = {float(hour): 100.0 for hour in range(240)}
    assert coins(sums(binance=old, okx={0.0: 60.0, 1.0: 60.0})) == [100.0] * 238 + [160.0] * 2


def test_a_venue_that_was_silent_for_hours_leaves_a_gap() -> None:
    old = {float(hour): 100.0 for hour in range(240)}
    new = {float(hour): 60.0 for hour in range(240) if not 100 < hour < 130}
    found = coins(sums(binance=old, okx=new))
    assert set(found) == {160.0, None}
    assert len(found) == 240 - 29 + 1


def test_a_sum_of_which_no_venue_is_known_stays_as_it_is() -> None:
    whole = {float(hour): 100.0 for hour in range(240)}
    assert coins(History.of("BTC", [past("open_interest_coin", whole)])) == [100.0] * 240

"""Realized volatility and the premium: by hand."""

from array import array
from collections.abc import Callable
from datetime import timedelta
from math import exp, log, sqrt

import numpy as np
import pytest
from msgspec.structs import replace

from bot.domain.facts import Series
from bot.domain.readings import Reading, VolatilityQuote
from bot.metrics import History
from bot.metrics.realized import by_range, close_to_close, premiums_of_days
from tests.metrics.market import NOW, observed, spot

HOUR_MS = 3_600_000
NOW_MS = round(NOW.timestamp() * 1000)


def bars(metric: str, value: Callable[[int], float], hours: int, *, leave_out: range = range(0)) -> Series:
    """Hourly bars up to now; `value` of how many hours ago a bar began."""
    ago = [one for one in range(hours, 0, -1) if one not in leave_out]
    return Series(
        metric=metric,
        asset="BTC",
        venue=None,
        at_ms=array("q", [NOW_MS - one * HOUR_MS for one in ago]),
        value=array("d", [value(one) for one in ago]),
        covers_s=array("q", [3600] * len(ago)),
    )


def up_and_down(step: float) -> Callable[[int], float]:
    return lambda ago: 90_000.0 * (exp(step) if ago % 2 else 1.0)


def test_hourly_returns_of_a_percent_are_94_percent_a_year() -> None:
    # √(0.01² x 8,760) = 0.01 x 93.595 = 93.59%
    closes = np.array([100.0 * (exp(0.01) if one % 2 else 1.0) for one in range(169)])
    assert close_to_close(closes) == pytest.approx(93.5949, abs=1e-3)


def test_bars_of_a_percent_are_56_percent_a_year_by_their_range() -> None:
    # ln(H/L) = 0.01: 0.01 / √(4 ln 2) x 93.595 = 0.01 / 1.66511 x 93.595 = 56.21%
    lows = np.full(168, 100.0)
    assert by_range(lows * exp(0.01), lows) == pytest.approx(56.2095, abs=1e-3)
    assert by_range(lows * exp(0.01), lows) == pytest.approx(sqrt(8760 * 1e-4 / (4 * log(2))) * 100)


@pytest.mark.parametrize("missing", [0.04, 0.06])
def test_under_95_percent_of_the_hours_nothing_is_told(missing: float) -> None:
    closes = np.array([100.0 * (exp(0.01) if one % 2 else 1.0) for one in range(1001)])
    closes[1 : 1 + round(missing * 500)] = np.nan  # each hole takes a return and more
    closes[500 : 500 + round(missing * 500)] = np.nan
    assert (close_to_close(closes) is None) == (missing > 0.05)


def market_of_a_month(step: float, dvol: float | None) -> dict[str, float | None]:
    past = History.of(
        "BTC",
        [
            bars("spot_usd", up_and_down(step), 24 * 31),
            bars("spot_high_usd", lambda _: 90_000.0 * exp(0.005), 24 * 31),
            bars("spot_low_usd", lambda _: 90_000.0, 24 * 31),
        ],
    )
    heard: list[Reading] = [spot(90_000.0), spot(90_000.0, venue="okx")]
    if dvol is not None:
        heard.append(
            VolatilityQuote(source="deribit", observed_at=NOW, venue="deribit", asset="BTC", dvol=dvol)
        )
    known = observed(*heard, history=past).facts
    names = ("realized_7d_pct", "realized_30d_pct", "realized_7d_range_pct", "realized_30d_range_pct")
    return {name: known.value(name) for name in (*names, "volatility_premium_points")}


def test_a_poll_measures_all_of_them() -> None:
    # Closes half a percent up and down: 46.80%; ranges of half a percent: 28.10%; 60 - 46.80 = 13.20 points.
    told = market_of_a_month(0.005, 60.0)
    assert told["realized_7d_pct"] == pytest.approx(46.80, abs=0.3)
    assert told["realized_30d_pct"] == pytest.approx(46.80, abs=0.1)
    assert told["realized_7d_range_pct"] == pytest.approx(28.10, abs=0.01)
    assert told["realized_30d_range_pct"] == pytest.approx(28.10, abs=0.01)
    assert told["volatility_premium_points"] == pytest.approx(60.0 - 46.80, abs=0.1)


def test_without_dvol_there_is_no_premium() -> None:
    assert market_of_a_month(0.005, None)["volatility_premium_points"] is None


def test_the_premium_of_each_past_day_is_that_days() -> None:
    # Sixty days of moves of half a percent an hour (46.80%), DVOL 60 for the last ten days and 40 before.
    past = History.of(
        "BTC",
        [
            bars("spot_usd", up_and_down(0.005), 24 * 60),
            bars("dvol", lambda ago: 60.0 if ago <= 240 else 40.0, 24 * 60),
        ],
    )
    days = premiums_of_days(past, NOW_MS)
    # Thirty days lie behind each of the last thirty, all but an hour of them behind the one before; ten have DVOL 60.
    assert len(days) == 31
    assert days[:9] == pytest.approx([13.2] * 9, abs=0.05)
    assert days[11:] == pytest.approx([-6.8] * (len(days) - 11), abs=0.05)
    assert not len(premiums_of_days(History.empty("BTC"), NOW_MS))


@pytest.mark.parametrize(("holes", "days"), [(18, 1), (19, 0)])
def test_a_day_counts_where_95_percent_of_its_hours_are_known(holes: int, days: int) -> None:
    """Each hole takes two of 720 returns: 684 of them are just enough."""
    ago = {100 + 10 * number for number in range(holes)}
    kept = bars("spot_usd", up_and_down(0.005), 24 * 31 + 1)
    rows = [place for place, _ in enumerate(kept.at_ms) if 24 * 31 + 1 - place not in ago]
    closes = replace(
        kept,
        at_ms=array("q", [kept.at_ms[row] for row in rows]),
        value=array("d", [kept.value[row] for row in rows]),
        covers_s=array("q", [3600] * len(rows)),
    )
    past = History.of("BTC", [closes, bars("dvol", lambda _: 60.0, 24 * 31 + 1)])
    assert len(premiums_of_days(past, NOW_MS, 1)) == days


def test_a_day_counts_only_from_the_day_before_on() -> None:
    past = History.of(
        "BTC", [bars("spot_usd", up_and_down(0.005), 24 * 40), bars("dvol", lambda _: 50.0, 24 * 40)]
    )
    early = past.at(NOW - timedelta(days=5))
    assert len(premiums_of_days(past, NOW_MS)) - len(premiums_of_days(early, NOW_MS)) >= 5

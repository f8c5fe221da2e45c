"""Estimates: what they are worked out from, who tells them, what they feed and what they never are."""

from datetime import UTC, datetime, timedelta
from math import exp, log, sqrt

import numpy as np
import pytest
from msgspec.structs import replace

from bot.domain.facts import ESTIMATES, Point
from bot.domain.traded import FuturePrices, OptionTrades
from bot.metrics import CATALOG, History, facts_at
from bot.metrics.estimates import basis_estimates, block_estimates, option_estimates
from bot.metrics.history import to_ms
from bot.metrics.views import view_at

UNTIL = datetime(2026, 1, 20, tzinfo=UTC)
SINCE = UNTIL - timedelta(days=1)
SINCE_MS, UNTIL_MS = int(to_ms(SINCE)), int(to_ms(UNTIL))
DAY_MS = 86_400_000
SPOT = 90_000.0


def futures(venue: str, rates: dict[int, float]) -> FuturePrices:
    """Each expiry (days after the end) traded every six hours at a rate, in % a year."""
    rows = [
        (at, UNTIL_MS + days * DAY_MS, SPOT * (1 + rate / 100 * ((UNTIL_MS - at) / DAY_MS + days) / 365))
        for at in range(SINCE_MS + 3_600_000, UNTIL_MS, 6 * 3_600_000)
        for days, rate in rates.items()
    ]
    at_ms, expires_ms, price = (list(column) for column in zip(*rows, strict=True))
    return FuturePrices(
        source=venue,
        observed_at=UNTIL,
        venue=venue,
        asset="BTC",
        at_ms=np.array(at_ms, np.int64),
        expires_ms=np.array(expires_ms, np.int64),
        price_usd=np.array(price),
        index_usd=np.full(len(rows), SPOT),
    )


def trades(*, atm: float = 40.0, slope: float = -2.0, puts: float = 2.0, calls: float = 4.0) -> OptionTrades:
    """Trades in four expiries whose smile is a line in standard deviations: the skew is the same everywhere."""
    rows = []
    for days in (5, 20, 40, 100):
        width = atm / 100 * sqrt(days / 365)
        for number in range(17):
            sigmas = -1.4 + 0.175 * number
            is_call = sigmas > 0
            strike = SPOT * exp(sigmas * width)
            at = SINCE_MS + 60_000 * (number + 1) * days
            rows.append(
                (min(at, UNTIL_MS - 1), UNTIL_MS + days * DAY_MS, strike, is_call, atm + slope * sigmas)
            )
    at_ms, expires_ms, strikes, sides, ivs = (list(column) for column in zip(*rows, strict=True))
    side = np.array(sides)
    return OptionTrades(
        source="deribit",
        observed_at=UNTIL,
        venue="deribit",
        asset="BTC",
        since_ms=SINCE_MS,
        until_ms=UNTIL_MS,
        is_whole=True,
        at_ms=np.array(at_ms, np.int64),
        expires_ms=np.array(expires_ms, np.int64),
        strike_usd=np.array(strikes),
        is_call=side,
        iv_pct=np.array(ivs),
        index_usd=np.full(len(rows), SPOT),
        coins=np.where(side, calls, puts),
        is_plain=np.ones(len(rows), np.bool_),
        is_block=np.zeros(len(rows), np.bool_),
    )


def told(points: tuple[Point, ...], teller: str = ESTIMATES) -> dict[str, float]:
    return {point.metric: point.value for point in points if point.venue == teller}


def with_basis(rate: float, days_before: int = 0) -> History:
    """A past in which one basis was estimated of the day, or of one before."""
    at = SINCE - timedelta(days=days_before)
    tenors = [f"basis_{days}d_pct" for days in (30, 60, 90)]
    return History.empty("BTC").extend(
        Point(metric=name, asset="BTC", at=at, value=rate, venue=ESTIMATES, covers_s=86_400)
        for name in tenors
    )


def test_skew_volatility_and_put_call_of_a_day_with_the_day_as_their_stretch() -> None:
    points = option_estimates([trades()], with_basis(0.0), "BTC", CATALOG)
    found = told(points)
    assert found["atm_iv_30d_pct"] == pytest.approx(40.0, abs=0.3)
    # A line of -2 points a standard deviation: the 25-delta legs are 0.674 of one away on both sides.
    assert found["skew_30d_points"] == pytest.approx(2 * 2 * 0.6745, abs=0.15)
    assert found["skew_60d_pct"] == pytest.approx(2 * 2 * 0.6745 / 40 * 100, abs=0.5)
    assert found["iv_term_slope_points"] == pytest.approx(0.0, abs=0.5)
    assert found["put_call_volume_ratio"] == pytest.approx(9 * 2.0 / (8 * 4.0))
    assert told(points, "~deribit") == found
    assert {(point.at, point.covers_s) for point in points} == {(SINCE, 86_400)}


def test_forwards_are_those_of_the_basis_of_the_day_or_of_the_week_before() -> None:
    flat = told(option_estimates([trades()], with_basis(0.0), "BTC", CATALOG))
    high = told(option_estimates([trades()], with_basis(12.0), "BTC", CATALOG))
    shift = log(1 + 0.12 * 30 / 365) / (0.40 * sqrt(30 / 365))
    # A forward above the index lies further up a falling smile.
    assert high["atm_iv_30d_pct"] == pytest.approx(flat["atm_iv_30d_pct"] - 2 * shift, abs=0.05)
    assert told(option_estimates([trades()], with_basis(12.0, 6), "BTC", CATALOG)) == high
    for without in (with_basis(12.0, 9), History.empty("BTC")):
        assert set(told(option_estimates([trades()], without, "BTC", CATALOG))) == {"put_call_volume_ratio"}


def test_basis_is_the_median_of_the_venues_between_their_own_expiries() -> None:
    points = basis_estimates(
        [futures("binance", {40: 4.0, 130: 7.0}), futures("deribit", {3: 40.0, 20: 3.0, 45: 5.0})],
        SINCE_MS,
        UNTIL_MS,
        "BTC",
        CATALOG,
    )
    binance, deribit, both = (told(points, teller) for teller in ("~binance", "~deribit", "~"))
    # Days are counted from the middle of the day's trades, half a day before its end.
    assert set(deribit) == {"basis_30d_pct"}
    assert deribit["basis_30d_pct"] == pytest.approx(3 + 2 * (30 - 20.45) / 25, abs=0.03)
    assert set(binance) == {"basis_60d_pct", "basis_90d_pct"}
    assert binance["basis_60d_pct"] == pytest.approx(4 + 3 * (60 - 40.45) / 90, abs=0.03)
    assert both == {**deribit, **binance}
    assert basis_estimates([futures("binance", {40: 4.0})], SINCE_MS, UNTIL_MS, "BTC", CATALOG) == ()


def estimated(days: int, value: float = 8.0) -> list[Point]:
    return [
        Point(
            metric="skew_60d_pct",
            asset="BTC",
            at=UNTIL - timedelta(days=back),
            value=value + back % 5,
            venue=teller,
            covers_s=86_400,
        )
        for back in range(days, 0, -1)
        for teller in (ESTIMATES, "~deribit")
    ]


def test_an_estimate_is_no_reading_no_venue_and_no_change() -> None:
    history = History.empty("BTC").extend(estimated(90))
    assert history.venues("skew_60d_pct") == ()
    facts = facts_at(history, CATALOG, "BTC", UNTIL)
    assert [name for name in (*facts.known, *facts.stale) if name.startswith("skew_60d_pct")] == []
    live = Point(metric="skew_60d_pct", asset="BTC", at=UNTIL, value=20.0, venues=("deribit",), of_venues=1)
    facts = facts_at(history.extend([live]), CATALOG, "BTC", UNTIL)
    assert facts.value("skew_60d_pct") == 20.0
    for view in ("change_24h", "change_7d", "before_7d", "highest_since", "lowest_since"):
        assert facts.value(f"skew_60d_pct.{view}") is None, view


def test_a_reading_is_ranked_among_estimates_until_readings_take_their_place() -> None:
    metric = CATALOG.metrics["skew_60d_pct"]
    live = [
        Point(
            metric="skew_60d_pct",
            asset="BTC",
            at=UNTIL + timedelta(minutes=30),
            value=value,
            venues=("deribit",),
        )
        for value in (9.5,)
    ]
    short = History.empty("BTC").extend([*estimated(50), *live])
    seen = view_at(short, metric, to_ms(UNTIL + timedelta(hours=1)))
    assert seen is not None
    assert np.isnan(seen.values["percentile_90d"][0])
    enough = History.empty("BTC").extend([*estimated(90), *live])
    seen = view_at(enough, metric, to_ms(UNTIL + timedelta(hours=1)))
    assert seen is not None
    # Two of five days read 8 or 9, so two fifths of the hours lie below 9.5.
    assert seen.values["percentile_90d"][0] == pytest.approx(40.0, abs=0.7)
    same_day = [
        Point(
            metric="skew_60d_pct",
            asset="BTC",
            at=UNTIL - timedelta(hours=hours),
            value=30.0,
            venues=("deribit",),
        )
        for hours in range(24)
    ]
    seen = view_at(enough.extend(same_day), metric, to_ms(UNTIL + timedelta(hours=1)))
    assert seen is not None
    assert seen.values["percentile_90d"][0] < 40.0


def part(thirds: range, usd: tuple[float, ...], *, whole: bool = True, first_h: float = 0.0) -> OptionTrades:
    """So many thirds of the day, traded hourly from an hour of theirs on: blocks of these dollars first, then plain ones."""
    since, until = (SINCE_MS + number * 8 * 3_600_000 for number in (thirds.start, thirds.stop))
    begins = since + int(first_h * 3_600_000)
    count = max(len(usd), 5)
    return replace(
        trades(),
        since_ms=since,
        until_ms=until,
        is_whole=whole,
        at_ms=np.linspace(begins, until - 1, count).astype(np.int64),
        expires_ms=np.full(count, UNTIL_MS + DAY_MS),
        strike_usd=np.full(count, SPOT),
        is_call=np.ones(count, np.bool_),
        iv_pct=np.full(count, 40.0),
        index_usd=np.full(count, SPOT),
        coins=np.array([one / SPOT for one in usd] + [7.0] * (count - len(usd))),
        is_plain=np.array([False] * len(usd) + [True] * (count - len(usd))),
        is_block=np.array([True] * len(usd) + [False] * (count - len(usd))),
    )


def blocks(*parts: OptionTrades) -> float | None:
    return told(block_estimates(parts, SINCE_MS, UNTIL_MS, "BTC", CATALOG)).get("option_blocks_24h_usd")


def test_blocks_of_a_day_are_added_up_from_all_its_parts() -> None:
    thirds = [part(range(n, n + 1), usd) for n, usd in enumerate(((1e6, 2e6), (), (4e6,)))]
    assert blocks(*thirds) == pytest.approx(7e6)
    assert blocks(part(range(3), (5e6,))) == pytest.approx(5e6)
    assert blocks(*thirds[:2]) is None
    [whole, venue] = block_estimates(thirds, SINCE_MS, UNTIL_MS, "BTC", CATALOG)
    assert (whole.at, whole.covers_s, whole.venue, venue.venue) == (SINCE, 86_400, ESTIMATES, "~deribit")


def test_of_the_newest_trades_alone_their_pace_stands_for_the_part_if_they_reach_over_half_of_it() -> None:
    rest = [part(range(n, n + 1), ()) for n in (1, 2)]
    assert blocks(part(range(1), (3e6,), whole=False, first_h=2.0), *rest) == pytest.approx(4e6)
    assert blocks(part(range(1), (3e6,), whole=False, first_h=4.5), *rest) is None


def test_a_days_blocks_are_ranked_among_estimates() -> None:
    points = [
        Point(
            metric="option_blocks_24h_usd",
            asset="BTC",
            at=SINCE - timedelta(days=days),
            value=float(days),
            venue=ESTIMATES,
            covers_s=86_400,
        )
        for days in range(89)
    ]
    now = Point(
        metric="option_blocks_24h_usd", asset="BTC", at=UNTIL, value=88.5, venues=("deribit",), of_venues=1
    )
    seen = view_at(History.empty("BTC").extend([*points, now]), CATALOG.metrics[now.metric], to_ms(UNTIL))
    assert seen is not None
    assert seen.values["percentile_90d"][0] > 95.0

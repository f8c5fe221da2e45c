"""`/history`: a metric's past as a chart."""

import pytest

from tests.commands.conftest import AT, hourly


async def test_the_chart_holds_the_window_and_the_usual_range(ask):
    chart = (await ask("history", metric="skew", window="7d")).chart
    (column,) = chart.series
    assert len(column.at) == 7 * 24 + 1
    assert column.at[-1] == AT
    assert column.y[-1] == 20.0
    assert chart.band == (-6.0, 6.0)
    assert chart.unit == "% of ATM IV"


async def test_a_gap_stays_a_gap(ask, archive):
    archive.points.past_series = [hourly("skew_60d_pct", last=20.0, leave_out=range(24 * 68, 24 * 69))]
    (column,) = (await ask("history", metric="skew_60d_pct", window="7d")).chart.series
    assert column.y.count(None) == 1
    place = column.y.index(None)
    assert (column.at[place + 1] - column.at[place - 1]).total_seconds() == 25 * 3600


async def test_one_missing_hour_is_no_gap(ask, archive):
    archive.points.past_series = [hourly("skew_60d_pct", last=20.0, leave_out=range(24 * 68, 24 * 68 + 1))]
    (column,) = (await ask("history", metric="skew_60d_pct", window="7d")).chart.series
    assert None not in column.y


async def test_the_picture_is_told_to_who_cannot_see_it(ask):
    alt = (await ask("history", metric="skew")).chart.alt
    assert "60-day put-call skew" in alt
    assert "20%" in alt


async def test_without_a_past_there_is_no_chart(ask):
    assert (await ask("history", metric="max pain")).chart is None


@pytest.mark.parametrize("window", ["soon", "0h", "9999d", "-1d"])
async def test_a_window_that_cannot_be_is_refused_with_some_that_can(ask, window):
    answer = await ask("history", metric="skew", window=window)
    assert answer.private
    assert "24h, 7d, 30d, 90d" in answer.body

"""`/basis`: fresh, and the last reading with its age when a venue is dead; the curve by expiry and venue."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.domain.instruments import Instrument
from bot.domain.readings import FutureQuote, Snapshot
from tests.commands.conftest import AT, HOURS, hourly


async def test_the_basis_is_said_with_its_usual_range(ask):
    answer = await ask("basis")
    assert answer.title.startswith("BTC: 60-day")
    assert "2%" in answer.body
    assert "5-10%" in answer.body


async def test_an_old_reading_is_told_with_its_time(ask):
    answer = await ask("basis", tenor="90")
    assert "3%" in answer.body
    assert "6 February 2026, 09:00 UTC" in answer.body


async def test_an_old_figure_says_its_time_too(ask, figures_of):
    texts = figures_of(await ask("basis"))
    assert texts["90-day futures basis"] == "3%*"
    assert texts[""] == "* old, the oldest from 6 February 2026, 09:00 UTC: not counted in the verdict"


def quote(
    venue: str, days: float, mark: float, *, index: float = 100_000.0, ago: timedelta = timedelta(0)
) -> FutureQuote:
    expires_at = AT - ago + timedelta(days=days)
    instrument = Instrument(
        venue=venue, symbol=f"BTC-{days}", asset="BTC", kind="future", expires_at=expires_at
    )
    return FutureQuote(
        source=venue, observed_at=AT - ago, instrument=instrument, mark_usd=mark, index_usd=index
    )


def hear(market, *quotes: FutureQuote) -> None:
    """As if the last poll had heard these quotes."""
    market.memory.keep_snapshot(Snapshot(asset="BTC", taken_at=AT, readings=quotes))


async def test_the_curve_has_a_line_a_venue_through_the_expiries_that_trade(ask, market):
    hear(
        market, quote("deribit", 73, 101_000.0), quote("deribit", 146, 103_000.0), quote("okx", 73, 100_500.0)
    )
    chart = (await ask("basis")).chart
    assert [column.label for column in chart.series] == ["Deribit", "OKX"]
    assert chart.series[0].x == (73.0, 146.0)
    assert chart.series[0].y == pytest.approx((5.0, 7.5))
    assert "5.0 (73 d)" in chart.alt


async def test_old_and_senseless_quotes_are_not_in_the_curve(ask, market):
    hear(
        market,
        quote("deribit", 73, 101_000.0),
        quote("deribit", 146, 103_000.0),
        quote("okx", 73, 100_500.0, index=0.0),
        quote("bybit", 73, 100_500.0, ago=timedelta(minutes=31)),
    )
    assert [column.label for column in (await ask("basis")).chart.series] == ["Deribit"]


async def test_without_a_poll_since_the_start_the_curve_joins_the_stored_tenors_and_that_is_said(
    ask, archive
):
    archive.points.past_series += [
        hourly(f"basis_{days}d_pct", last=rate, venue="okx") for days, rate in ((60, 2.0), (90, 3.0))
    ]
    answer = await ask("basis")
    assert answer.chart.series[0].x == (60.0, 90.0)
    assert answer.body.count("\n\n") == 1
    assert "tenors" in answer.body


SHORT = range(HOURS - 24 * 30)  # of which nothing is known, so that thirty days are left


def past_of(archive, sixty: range, ninety: range) -> None:
    archive.points.past_series = [
        *(one for one in archive.points.past_series if not one.metric.startswith("basis_")),
        hourly("basis_60d_pct", first=7.0, last=2.0, leave_out=sixty),
        hourly("basis_90d_pct", first=7.0, last=3.0, leave_out=ninety),
    ]


async def test_where_the_60_day_rank_is_not_known_the_one_of_the_90_day_basis_stands_in_by_name(
    ask, archive, rows_of
):
    past_of(archive, SHORT, range(0))
    [own, beside] = [
        rows_of(replace(said, tables=(table,))) for said in [await ask("basis")] for table in said.tables
    ]
    assert own["rank, 90 d"] == ["day 31 of 60"]  # its own is said to be unknown still
    assert list(own)[-1] == "basis 90 d"
    assert own["basis 90 d"] == ["rank 0%"]
    assert beside["basis 90 d"][0] == "3%"


@pytest.mark.parametrize(
    ("sixty", "ninety", "rank"),
    [(range(0), range(0), "0%"), (range(0), SHORT, "0%"), (SHORT, SHORT, "day 31 of 60")],
)
async def test_the_90_day_rank_keeps_away_from_one_that_is_known_and_where_it_is_not_known_itself(
    ask, archive, rows_of, sixty: range, ninety: range, rank: str
):
    past_of(archive, sixty, ninety)
    said = await ask("basis")
    own = rows_of(replace(said, tables=said.tables[:1]))
    assert "basis 90 d" not in own
    assert own["rank, 90 d"] == [rank]
    assert not (await ask("compare", metric="basis_60d_pct")).notes


async def test_of_assets_side_by_side_it_is_told_whose_rank_is_another_basis(ask, archive):
    past_of(archive, SHORT, range(0))
    said = await ask("compare", metric="basis_60d_pct")
    assert said.tables[0].rows[0].cells[-1].text == "–"
    [note] = said.notes
    assert (note.label, note.text) == ("Rank of basis 90 d", "BTC 0%")

"""The tables of the answers: the asked number first, then now, a day ago, usual and rank, in few letters; what is old has a
star, what is missing a dash or a line of its own."""

from datetime import timedelta

import numpy as np
import pytest
from msgspec.structs import replace

from bot.commands._tables import past_table, side_by_side
from bot.commentary import NO_VALUE
from bot.delivery.discord.tables import WIDTH, lines_of
from bot.domain.posts import Profile
from bot.domain.readings import Snapshot
from tests.commands.conftest import AT, HOURS, hourly
from tests.commands.test_charts import chain

ENGLISH = Profile()
METRIC_COMMANDS = {
    "skew": "skew_60d_pct",
    "basis": "basis_60d_pct",
    "oi": "open_interest_usd",
    "funding": "funding_annual_pct",
    "price": "spot_usd",
}


@pytest.mark.parametrize("name", METRIC_COMMANDS)
async def test_the_asked_number_comes_first_and_is_that_of_the_first_line(ask, name):
    answer = await ask(name)
    assert answer.lead.spans[0].origin.ref == METRIC_COMMANDS[name]
    assert answer.tables[0].rows[0].cells[0].text == answer.lead.text


@pytest.mark.parametrize("name", METRIC_COMMANDS)
async def test_every_number_of_a_table_is_a_span_that_fits_its_text(ask, name):
    for table in (await ask(name)).tables:
        for row in table.rows:
            for cell in row.cells:
                assert cell.spans or not any(letter.isdigit() for letter in cell.text)
                for span in cell.spans:
                    assert cell.text[span.start : span.end] == span.text


async def test_a_change_has_its_sign_and_what_is_known_at_least_says_so(ask, archive):
    archive.points.past_series = [
        hourly("open_interest_usd", first=10e9, last=35.8e9),
        hourly("open_interest_coin", last=1.0),
    ]
    changes = (await ask("oi")).tables[1]
    assert changes.columns == ("24 h", "7 d")
    assert changes.rows[0].cells[0].text.startswith("+")
    assert "tables" not in changes.rows[0].label


async def test_an_old_number_has_a_star_and_the_star_says_since_when(ask, archive):
    archive.points.past_series = [hourly("skew_60d_pct", last=20.0, until=AT - timedelta(hours=5))]
    answer = await ask("skew")
    assert answer.lead.text == "20%*"
    assert answer.notes[-1].text.startswith("* old, the oldest from 6 February 2026, 09:00 UTC")


async def test_a_missing_cell_is_a_dash_and_never_a_zero(ask, archive):
    gap = range(HOURS - 30, HOURS - 18)
    archive.points.past_series = [
        hourly("funding_annual_pct", last=1.5),
        hourly("funding_8h_pct", last=0.01, leave_out=gap),
    ]
    (row,) = (await ask("funding")).tables[1].rows
    assert [cell.text for cell in row.cells] == ["0.01%", NO_VALUE]


async def test_a_rank_that_lacks_days_says_on_which_day_it_is(ask, archive):
    archive.points.past_series = [hourly("dvol", last=82.6, leave_out=range(HOURS - 24 * 4))]
    rows = {row.label: row.cells[0].text for row in (await ask("history", metric="dvol")).tables[0].rows}
    assert rows["rank, 90 d"] == "day 5 of 60"


async def test_without_any_reading_there_is_neither_number_nor_table(ask):
    answer = await ask("skew", asset="ETH")
    assert (answer.lead, answer.tables, answer.notes) == (None, (), ())


@pytest.mark.parametrize("name", [*METRIC_COMMANDS, "options", "liquidations", "brief"])
async def test_no_line_is_wider_than_a_telephone(ask, name):
    lines = [line for table in (await ask(name)).tables for line in lines_of(table)]
    assert max(map(len, lines), default=0) <= WIDTH
    assert not [line for line in lines if "…" in line]


async def test_each_metric_that_a_table_may_show_has_a_word_of_thirteen_letters(market):
    words = market.bank(ENGLISH).words
    judged = {ladder.fact.partition(".")[0] for ladder in market.playbook.rules.ladders.values()}
    assert {name for name in judged if f"row.{name}" not in words} == set()
    assert [
        text
        for key, text in words.items()
        if key.startswith("row.") and key != "row.warming" and len(text) > 14
    ] == []


async def test_tables_of_nothing_are_not_made(market):
    facts = await market.facts("ETH")
    assert past_table(market, "dvol", facts, ENGLISH) == ()
    assert side_by_side(market, ["dvol", "no_such_metric"], facts, ENGLISH) == ()


async def test_venue_by_venue_now_and_a_day_ago(ask, figures_of):
    answer = await ask("venues", metric="funding")
    assert [(row.label, [cell.text for cell in row.cells]) for row in answer.tables[0].rows] == [
        ("Deribit", ["1%", "1.1%"]),
        ("OKX", ["2%", "2.1%"]),
    ]
    assert "No venue's own value" in (await ask("venues", metric="dvol")).body


async def test_many_venues_are_behind_a_button(ask, archive):
    many = [hourly("funding_annual_pct", last=10.0 + n, venue=f"venue number {n}") for n in range(8)]
    archive.points.past_series = [hourly("funding_annual_pct", last=12.0), *many]
    answer = await ask("funding")
    assert "By venue" not in [note.label for note in answer.notes]
    assert ("venues", {"metric": "funding_annual_pct", "asset": "BTC"}) in [
        (button.command, dict(button.arguments)) for button in answer.buttons
    ]


async def test_a_fresh_server_hears_when_the_first_readings_are_due(ask, market, monkeypatch):
    monkeypatch.setattr(market, "started_at", AT - timedelta(minutes=2))
    said = (
        "Started 2 minutes ago; the first readings are due at 14:03 UTC. "
        "A rank takes days of past: day 1 of 60."
    )
    for name, options in (("skew", {}), ("history", {"metric": "oi"}), ("brief", {})):
        assert (await ask(name, asset="ETH", **options)).body.endswith(said)
    assert said not in (await ask("skew")).body
    assert said not in (await ask("status")).body


MAX_PAIN = hourly("max_pain_usd", last=82_000.0)


@pytest.mark.parametrize(("name", "options"), [("options", {}), ("history", {"metric": "max pain"})])
async def test_max_pain_has_the_date_of_its_expiry(ask, archive, market, name, options):
    archive.points.past_series = [
        *archive.points.past_series,
        MAX_PAIN,
        hourly("put_call_oi_ratio", last=0.7),
    ]
    nearest = replace(chain(), expires_ms=np.full(40, int((AT + timedelta(days=21)).timestamp() * 1000)))
    market.memory.keep_snapshot(Snapshot(asset="BTC", taken_at=AT, readings=(nearest,)))
    said = [note.text for note in (await ask(name, **options)).notes]
    assert "$82,000, for the expiry of 27 February 2026" in said


async def test_max_pain_without_a_known_expiry_is_not_told_as_if_it_had_one(ask, archive):
    archive.points.past_series = [
        *archive.points.past_series,
        MAX_PAIN,
        hourly("put_call_oi_ratio", last=0.7),
    ]
    told = await ask("options")
    assert not any("82,000" in note.text for note in told.notes)
    past = await ask("history", metric="max pain")
    assert any("is known after the next poll" in note.text for note in past.notes)

"""`/oi`, `/liquidations`, `/funding`, `/options`, `/price`: one corner of the market each."""

import pytest


async def test_open_interest_is_told_in_dollars_and_in_coins(ask, figures_of):
    answer = await ask("oi")
    assert "$35.8 billion" in answer.body
    assert "527,850 coins" in answer.body
    assert "0%" in figures_of(answer).values()


async def test_what_is_not_known_stands_at_the_end_by_name_and_without_a_number(ask, figures_of):
    label, text = list(figures_of(await ask("oi")).items())[-1]
    assert label == "Not known now"
    assert text == "change by price, change by coins, change by inverse contracts"


async def test_an_unknown_window_is_refused_with_those_that_there_are(ask):
    answer = await ask("liquidations", window="2w")
    assert answer.private
    assert "1h, 24h, 5d" in answer.body


async def test_funding_says_who_pays_whom_and_each_venues_own(ask, figures_of):
    answer = await ask("funding")
    assert "longs pay shorts 1.5% a year" in answer.body
    assert figures_of(answer)["By venue"] == "Deribit 1% · OKX 2%"


async def test_a_single_venue_is_not_listed_beside_itself(ask, archive, figures_of):
    archive.points.past_series = [series for series in archive.points.past_series if series.venue != "okx"]
    assert "By venue" not in figures_of(await ask("funding"))


async def test_the_options_answer_has_the_volatility_index(ask, figures_of):
    assert figures_of(await ask("options"))["DVOL"] == "82.6"


async def test_the_price_is_told_with_its_week(ask):
    answer = await ask("price")
    assert answer.lead.text == "$67,800"
    assert "$67,800" in answer.body
    assert answer.tables[1].rows[0].cells[1].text == "−3.9%"


@pytest.mark.parametrize("name", ["oi", "funding", "price", "options", "liquidations"])
async def test_over_nothing_each_says_why_it_has_no_number(ask, name):
    answer = await ask(name, asset="ETH")
    assert answer.body.startswith("There is no reading of")
    assert "_" not in answer.body

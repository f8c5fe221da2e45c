"""`/skew`: fresh, stale, unknown, refused."""

import pytest


async def test_without_a_tenor_the_one_that_the_rules_judge_by_is_meant(ask):
    answer = await ask("skew")
    assert answer.title.startswith("BTC: 60-day")
    assert "20%" in answer.body
    assert not answer.private


async def test_the_usual_range_is_said(ask):
    assert "6%" in (await ask("skew")).body


async def test_figures_show_now_the_change_the_rank_and_the_other_tenors(ask, figures_of):
    texts = figures_of(await ask("skew"))
    assert next(iter(texts.values())) == "20%"
    assert any("13 points" in text for text in texts.values())
    assert "24%" in texts.values()


async def test_every_numeral_of_the_body_lies_in_a_span_that_fits(ask):
    answer = await ask("skew")
    assert answer.body_spans
    for span in answer.body_spans:
        assert answer.body[span.start : span.end] == span.text


@pytest.mark.parametrize("tenor", ["30", "30d", "30 days", " 30 "])
async def test_a_tenor_may_be_typed_in_days(ask, tenor):
    assert "30-day" in (await ask("skew", tenor=tenor)).title


async def test_an_unknown_tenor_is_refused_with_those_that_there_are(ask):
    answer = await ask("skew", tenor="45")
    assert answer.private
    assert "7, 30, 60, 90" in answer.body


async def test_an_unknown_asset_is_refused_with_those_that_there_are(ask):
    answer = await ask("skew", asset="DOGE")
    assert answer.private
    assert "BTC, ETH" in answer.body


async def test_what_was_never_heard_is_said_with_its_reason_and_no_number(ask):
    answer = await ask("skew", asset="ETH")
    assert "%" not in answer.body
    assert answer.body


async def test_buttons_lead_to_the_other_tenors(ask):
    buttons = (await ask("skew", asset="BTC", tenor="60")).buttons
    assert {button.arguments["tenor"] for button in buttons} == {"7", "30", "90"}
    assert all(button.command == "skew" and button.arguments["asset"] == "BTC" for button in buttons)


async def test_it_says_that_it_is_no_advice(ask):
    assert "not financial advice" in (await ask("skew")).footer

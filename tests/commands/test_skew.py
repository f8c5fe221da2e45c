"""`/skew`: fresh, stale, unknown, refused; its history, and the smile of now."""

import sys
from datetime import timedelta
from math import log

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.commands import Request, discover, run
from bot.domain.readings import Snapshot
from tests.commands.conftest import AT
from tests.commands.tapes import tape_poll
from tests.commands.test_charts import chain
from tests.metrics.market import chain as listed


async def test_without_a_tenor_the_one_that_the_rules_judge_by_is_meant(ask):
    answer = await ask("skew")
    assert answer.title.startswith("BTC: 60-day")
    assert "20%" in answer.body
    assert not answer.private


async def test_what_does_not_depend_on_the_question_is_not_made_again(market):
    command, request, calls = discover()["skew"], Request(), 0
    market.memory.keep_snapshot(tape_poll("BTC"))
    await run(market, command, request)

    def count(frame, event, of):
        nonlocal calls
        calls += event in ("call", "c_call")

    with capture_logs():  # how a line of the log is drawn is no part of the answer
        sys.setprofile(count)
        try:
            await run(market, command, request)
        finally:
            sys.setprofile(None)
    assert 500 < calls <= 1_500


async def test_the_usual_range_is_said(ask):
    assert "6%" in (await ask("skew")).body


async def test_figures_show_now_the_change_the_rank_and_the_other_tenors(ask, figures_of):
    answer = await ask("skew")
    assert answer.lead.text == "20%"
    assert [(row.label, row.cells[0].text) for row in answer.tables[0].rows] == [
        ("now", "20%"),
        ("a day ago", "19.8%"),
        ("a week ago", "18.5%"),
        ("usual", "−6% to 6%"),
        ("rank, 90 d", "99%"),
    ]
    beside = {row.label: [cell.text for cell in row.cells] for row in answer.tables[1].rows}
    assert beside == {"in points": ["13", "12.8"], "skew 30 d": ["24%", "23.7%"]}
    assert figures_of(answer)["Not known now"] == "skew 7 d, skew 90 d"


async def test_every_numeral_of_the_body_lies_in_a_span_that_fits(ask):
    answer = await ask("skew")
    assert answer.body_spans
    for span in answer.body_spans:
        assert answer.body[span.start : span.end] == span.text


@pytest.mark.parametrize("tenor", ["30", "30d", "30 days", " 30 "])
async def test_a_tenor_may_be_typed_in_days(ask, tenor):
    assert "30-day" in (await ask("skew", tenor=tenor)).title


@pytest.mark.parametrize("tenor", ["0", "9999", "2020-01-01"])
async def test_an_unknown_tenor_is_refused_with_those_that_there_are(ask, tenor):
    answer = await ask("skew", tenor=tenor)
    assert answer.private
    assert "7, 30, 60, 90, 180" in answer.body


def tilted(days: float, strike: float) -> float:
    return 60.0 - 25.0 * log(strike / 90_000.0)


@pytest.mark.parametrize(
    ("tenor", "said"),
    [
        ("45", "At 45 days"),
        ("45d", "At 45 days"),
        ("2w", "At 14 days"),
        ("4m", "At 120 days"),
        ("2026-03-13", "At 35 days"),
    ],
)
async def test_any_distance_between_the_expiries_is_read_from_the_smile_of_now(
    ask, market, figures_of, tenor, said
):
    hear(market, listed(tilted, at=AT))
    answer = await ask("skew", tenor=tenor)
    assert said in answer.body
    assert "a past is kept for" in answer.body
    assert [row.label for row in answer.tables[0].rows] == ["skew 30 d", "skew 60 d"]
    assert answer.chart.kind == "smile"


async def test_at_an_expiry_it_is_that_smiles_own_risk_reversal(ask, market):
    # With N⁻¹(0.75) = 0.674490 and σ = 60 − 25 ln(K/90,000), by substitution: the put at 63.123% (79,430), the call at
    # 56.187% (104,830); 6.936 / 60 = 11.56%.
    hear(market, listed(tilted, at=AT, strikes=range(40_000, 160_000, 250)))
    body = (await ask("skew", tenor="45")).body
    assert "11.6% of the volatility at the money, 60%" in body
    assert "puts at 63.1%, calls at 56.2%" in body


async def test_beyond_the_listed_expiries_nothing_is_told_but_how_far_they_reach(ask, market):
    hear(market, listed(tilted, at=AT))
    body = (await ask("skew", tenor="300")).body
    assert "No smile is known at 300 days" in body
    assert "from 3 days to 140 days" in body


async def test_another_distance_without_options_says_so(ask):
    assert "No option chain" in (await ask("skew", tenor="45")).body


async def test_an_unknown_asset_is_refused_with_those_that_there_are(ask):
    answer = await ask("skew", asset="DOGE")
    assert answer.private
    assert "BTC, ETH" in answer.body


async def test_what_was_never_heard_is_said_with_its_reason_and_no_number(ask):
    answer = await ask("skew", asset="ETH")
    assert "%" not in answer.body
    assert answer.body


async def test_buttons_lead_to_the_other_tenors_and_to_the_smile(ask):
    *buttons, explains = (await ask("skew", asset="BTC", tenor="60")).buttons
    assert (explains.command, dict(explains.arguments)) == ("explain", {"term": "skew_60d_pct"})
    assert [(button.arguments["tenor"], button.arguments.get("chart")) for button in buttons] == [
        ("7", None),
        ("30", None),
        ("90", None),
        ("180", None),
        ("60", "smile"),
        ("60", "term"),
    ]
    assert [button.label for button in buttons[-2:]] == ["Smile", "By tenor"]
    assert all(button.command == "skew" and button.arguments["asset"] == "BTC" for button in buttons)


async def test_it_says_that_it_is_no_advice(ask):
    assert "not advice" in (await ask("skew")).footer


def hear(market, *chains) -> None:
    """As if the last poll had heard these chains."""
    market.memory.keep_snapshot(Snapshot(asset="BTC", taken_at=AT, readings=chains))


async def test_the_smile_is_drawn_from_what_the_last_poll_heard(ask, market):
    hear(market, chain())
    answer = await ask("skew", chart="smile")
    assert answer.chart.kind == "smile"
    assert "25Δ put 60.0%" in answer.chart.alt
    others = [button for button in answer.buttons if button.command == "skew"]
    assert {button.arguments.get("chart") for button in others} == {"smile", "history", "term"}
    assert len({button.arguments["tenor"] for button in others}) == 5


async def test_the_venue_with_the_most_open_interest_shows_its_smile(ask, market):
    small = replace(chain(), venue="okx", open_interest_coin=chain().open_interest_coin / 2)
    hear(market, small, chain())
    assert "Deribit" in (await ask("skew", chart="smile")).chart.caption


async def test_without_a_poll_since_the_start_the_smile_is_the_history_and_that_is_said(ask):
    answer = await ask("skew", chart="smile")
    assert answer.chart.kind == "history"
    assert answer.body != (await ask("skew")).body
    assert "smile" in answer.body


async def test_a_chain_that_has_grown_old_is_no_smile_of_now(ask, market):
    hear(market, replace(chain(), observed_at=AT - timedelta(minutes=31)))
    assert (await ask("skew", chart="smile")).chart.kind == "history"


async def test_an_unknown_chart_is_refused_with_those_that_there_are(ask):
    answer = await ask("skew", chart="pie")
    assert answer.private
    assert "history, smile" in answer.body

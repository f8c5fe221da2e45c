"""`/brief`: the verdict of now in words."""

import pytest

from bot.domain.posts import Profile


async def test_the_verdict_is_said_with_its_evidence(ask, market, figures_of):
    answer, (verdict, _) = await ask("brief"), await market.verdict("BTC", Profile())
    assert answer.stance == verdict.stance
    assert answer.stance_word == f"BTC · {market.bank(Profile()).words[f'stance.{verdict.stance}']}"
    assert answer.at == market.now()
    assert "20%" in figures_of(answer).values() or "20%" in answer.body
    assert not answer.private


@pytest.mark.parametrize("length", ["short", "embed"])
async def test_each_length_is_answered(ask, length):
    assert (await ask("brief", length=length)).body


async def test_spans_lie_where_their_text_is(ask):
    answer = await ask("brief")
    assert answer.body_spans
    for span in answer.body_spans:
        assert answer.body[span.start : span.end] == span.text


async def test_an_unknown_length_is_refused_with_those_that_there_are(ask):
    answer = await ask("brief", length="novel")
    assert answer.private
    assert "short, embed, article" in answer.body


async def test_with_nothing_known_there_is_no_call(ask):
    answer = await ask("brief", asset="ETH")
    assert "not enough data" in f"{answer.title} {answer.body}".lower()


async def test_the_verdict_comes_with_its_picture(ask):
    answer = await ask("brief")
    chart = answer.chart
    assert chart.kind == "summary"
    assert chart.marks[0].kind == answer.stance
    assert "$67,800" in chart.alt

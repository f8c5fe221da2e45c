"""`/brief`: the verdict of now in words."""

import pytest


async def test_the_verdict_is_said_with_its_evidence(ask):
    answer = await ask("brief")
    assert "caution" in f"{answer.title} {answer.body}".lower()
    assert "20%" in answer.body
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
    chart = (await ask("brief")).chart
    assert chart.kind == "summary"
    assert chart.marks[0].kind == "bearish"
    assert "20%" in chart.alt

"""The day's blocks in options: a line in the daily post where they are an extreme of their own past, and none else."""

import pytest

from bot.domain.facts import Facts
from bot.domain.story import Story
from tests.commentary.make import ARTICLE, ARTICLE_TIMES, CALM, bank, facts, told

BLOCKS, PREMIUM = "option_blocks_24h_usd", "option_blocks_premium_24h_usd"


def market(rank: float | None, *, premium: float | None = 12e6, calm: bool = False) -> Facts:
    """A market whose blocks stand at a rank of their last ninety days."""
    told_of = {BLOCKS: 1.234e9} | ({PREMIUM: premium} if premium is not None else {})
    ranked = {f"{BLOCKS}.percentile_90d": rank} if rank is not None else {}
    if calm:
        return facts({**CALM, **told_of, **ranked})
    return facts({**ARTICLE, **told_of, **ranked}, ARTICLE_TIMES)


def line(story: Story) -> str:
    assert not story.plain, story.failures
    found = [text.text for text in story.paragraphs if any("/blocks-" in name for name in text.phrase_ids)]
    assert len(found) <= 1
    return "".join(found)


@pytest.mark.parametrize("calm", [False, True])
def test_blocks_that_are_an_extreme_of_their_past_have_a_line_with_their_rank_and_what_takers_paid(
    calm: bool,
) -> None:
    said = line(told(market(97.2, calm=calm)))
    assert "$1.23 billion" in said
    assert "24 hours" in said
    assert "more than in 97% of the last 90 days" in said
    assert "paid" in said
    assert "$12 million" in said


@pytest.mark.parametrize("calm", [False, True])
def test_in_spanish_too(calm: bool) -> None:
    said = line(told(market(97.2, calm=calm), words=bank("es")))
    assert "más que en el 97\u00a0% de los últimos 90 días" in said
    assert "1230 millones de dólares de nocional" in said
    assert "12 millones de dólares" in said


def test_takers_who_sold_more_than_they_bought_received_it() -> None:
    said = line(told(market(97.2, premium=-3e6)))
    assert "received" in said
    assert "$3 million" in said
    assert "−" not in said


@pytest.mark.parametrize(("rank", "premium"), [(94.9, 12e6), (3.0, 12e6), (None, 12e6), (97.2, None)])
def test_ordinary_blocks_and_blocks_whose_past_or_side_is_not_known_have_none(
    rank: float | None, premium: float | None
) -> None:
    with_them = told(market(rank, premium=premium))
    assert line(with_them) == ""
    assert with_them.body == told(facts(ARTICLE, ARTICLE_TIMES)).body


def test_a_short_an_article_and_an_alert_have_none() -> None:
    for length in ("short", "article"):
        assert line(told(market(97.2), length)) == ""

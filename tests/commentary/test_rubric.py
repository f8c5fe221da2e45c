"""What a run of posts is like: the goals on the golden markets and on a seeded year, and each count on posts that miss
it."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot import commentary
from bot.commentary import RubricRow, ToldPost, rubric
from bot.domain.story import Memory, Text
from tests.commentary.golden import golden, names
from tests.commentary.make import article, bank, book, facts, judged, told
from tests.tapes import volatile

EXITS = "posts that name what would end or deepen it"
"""Of markets that are stated and have no past of their own; the tape has one."""


def rows(posts: list[ToldPost], locale: str = "en") -> dict[str, RubricRow]:
    return {row.count: row for row in rubric(posts, book(), bank(locale))}


def missed(posts: list[ToldPost], locale: str = "en") -> list[RubricRow]:
    return [row for count, row in rows(posts, locale).items() if not row.met and count != EXITS]


def goldens(locale: str) -> list[ToldPost]:
    """Each golden market, told without a memory."""
    made = []
    for name in names():
        market = golden(name).market
        story = told(market, words=bank(locale))
        made.append(ToldPost(story=story, facts=market, verdict=judged(market), memory=Memory()))
    return made


def year(days: int, locale: str = "en") -> list[ToldPost]:
    """A post a day through a made market, each with the memory of those before."""
    made = volatile(3, days=days)
    memory, posts = Memory(), []
    for hour in range(12, len(made.samples), 24):
        market = facts(made.samples[hour], at=made.times[hour])
        verdict = judged(market)
        story = commentary.write(
            verdict=verdict,
            facts=market,
            book=book(),
            bank=bank(locale),
            memory=memory,
            length="embed",
            at=market.at,
        )
        posts.append(ToldPost(story=story, facts=market, verdict=verdict, memory=memory))
        memory = commentary.remember(memory, story, verdict, market)
    return posts


@pytest.mark.parametrize("locale", ["en", "es"])
def test_the_goals_hold_on_the_golden_markets_one_by_one(locale: str) -> None:
    for post in goldens(locale):
        shares = (
            "headlines with a derivatives fact",
            "sentences joining two figures",
            "sentences without a figure",
        )
        assert [row for row in missed([post], locale) if row.count not in shares] == []


@pytest.mark.parametrize("locale", ["en", "es"])
def test_the_goals_hold_through_a_made_month(locale: str) -> None:
    assert missed(year(30, locale), locale) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_goals_hold_through_a_made_year() -> None:
    assert missed(year(365)) == []


def one() -> ToldPost:
    market = article()
    return ToldPost(story=told(market), facts=market, verdict=judged(market), memory=Memory())


def with_paragraph(post: ToldPost, text: Text) -> ToldPost:
    return replace(post, story=replace(post.story, paragraphs=(*post.story.paragraphs, text)))


def test_a_long_post_is_counted() -> None:
    long = with_paragraph(one(), Text(slot="evidence", about="x", text="word " * 130 + "end."))
    assert not rows([long])["words of a daily post, at most"].met


def test_a_figure_told_twice_is_counted() -> None:
    post = one()
    assert rows([post])["posts that tell a figure twice"].value == 0
    again = with_paragraph(post, post.story.paragraphs[0])
    assert rows([again])["posts that tell a figure twice"].value == 1


def test_a_reading_that_is_told_again_unmoved_is_counted() -> None:
    post = one()
    later = replace(post, story=replace(post.story, at=post.story.at + timedelta(days=1)))
    found = rows([post, later])
    assert found["posts that repeat an unmoved reading of the post before"].value == 1
    assert (found["sentences that return within twenty posts"].value or 0) >= 1


def test_sentences_without_figures_are_counted() -> None:
    bare = with_paragraph(
        one(), Text(slot="sowhat", about="x", text="Time will show. Nobody knows. So it goes.")
    )
    assert not rows([bare])["sentences without a figure"].met

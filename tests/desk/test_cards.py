"""Cards: a post in its own language, an answer, and a picture where the surface shows one."""

import pytest
from msgspec.structs import replace

from bot.charts.pictures import Pictures
from bot.desk.cards import Cards
from bot.domain.posts import Answer, ChartSpec, Post
from tests.desk.parts import NotingArchive, market_on, post_to

CHART = ChartSpec(kind="summary", title="t", series=(), unit="", caption="c", alt="a line that falls")
OTHER = replace(CHART, kind="history", alt="a line that rises")


class Painter:
    """Draws the chart's words."""

    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        return spec.alt.encode()


async def of_post(post: Post) -> ChartSpec | None:
    return CHART if post.channel == "discord:1" else None


@pytest.fixture
def cards() -> Cards:
    pictures = Pictures(Painter(), of_post=of_post, surfaces=("discord",))
    return Cards(market_on(NotingArchive()), pictures)


def test_a_card_is_in_the_language_of_its_post(cards: Cards) -> None:
    english, spanish = cards.of_post(post_to("discord:1")), cards.of_post(post_to("discord:1", locale="es"))
    assert english.body == spanish.body == "Puts cost 20% more."  # the words were chosen before
    assert (english.stance_word, spanish.stance_word) == ("caution", "cautela")


def test_a_post_in_a_language_that_is_no_longer_there_has_a_card_in_english(cards: Cards) -> None:
    assert cards.of_post(post_to("discord:1", locale="xx")).stance_word == "caution"


async def test_a_post_has_its_picture_only_where_it_was_asked_for(cards: Cards) -> None:
    post = post_to("discord:1")
    bare, pictured = await cards.bare(post), await cards.with_picture(post)
    assert bare == cards.of_post(post)
    assert bare.image is None
    assert pictured == replace(bare, image=b"a line that falls", alt="a line that falls")


async def test_a_post_without_a_picture_is_its_words(cards: Cards) -> None:
    post = post_to("discord:2")
    assert await cards.with_picture(post) == cards.of_post(post)
    assert await cards.chart_of(post) is None
    assert await cards.draw_post(post) is None


async def test_a_picture_can_be_had_alone(cards: Cards) -> None:
    assert await cards.chart_of(post_to("discord:1")) is CHART
    assert await cards.draw_post(post_to("discord:1")) == b"a line that falls"


async def test_an_answer_has_its_own_chart(cards: Cards) -> None:
    answer = Answer(title="Skew", body="Puts cost more.")
    assert (await cards.of_answer(answer)).image is None
    card = await cards.of_answer(replace(answer, chart=OTHER))
    assert (card.title, card.body, card.image) == ("Skew", "Puts cost more.", b"a line that rises")


def test_surfaces_without_pictures_are_told_apart(cards: Cards) -> None:
    assert (cards.has_pictures("discord"), cards.has_pictures("console")) == (True, False)

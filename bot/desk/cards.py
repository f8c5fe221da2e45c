"""Posts and answers as every surface renders them, their charts drawn where they are shown."""

from bot.charts.pictures import Pictures
from bot.commentary import answer_card, card
from bot.desk.market import Market
from bot.domain.posts import Answer, Card, ChartSpec, Post


class Cards:
    """One for all surfaces."""

    def __init__(self, market: Market, pictures: Pictures) -> None:
        self._market = market
        self._pictures = pictures

    def has_pictures(self, surface: str) -> bool:
        """Whether the surface's posts carry their picture."""
        return self._pictures.on(surface)

    def of_post(self, post: Post) -> Card:
        """A post, without its picture."""
        banks = self._market.playbook.banks
        return card(post, banks.get(post.story.locale, banks["en"]))

    async def bare(self, post: Post) -> Card:
        """`of_post`, for who waits for either."""
        return self.of_post(post)

    async def with_picture(self, post: Post) -> Card:
        """A post with its picture."""
        return await self._pictures.add_chart(self.of_post(post), await self.chart_of(post))

    async def of_answer(self, answer: Answer) -> Card:
        """An answer, its chart drawn."""
        return await self._pictures.add_chart(answer_card(answer), answer.chart)

    async def chart_of(self, post: Post) -> ChartSpec | None:
        """What a post's picture shows; None where it has none."""
        return await self._pictures.chart(post)

    async def draw_post(self, post: Post, *, light: bool = False) -> bytes | None:
        """A post's picture alone, PNG, on a dark or a light ground; None where it has none."""
        chart = await self.chart_of(post)
        return None if chart is None else await self._pictures.draw(chart, light=light)

    async def draw(self, chart: ChartSpec, *, light: bool = False) -> bytes | None:
        """A chart as PNG; None where nobody draws or it failed."""
        return await self._pictures.draw(chart, light=light)

"""Long runs of posts: thirty of a frozen market, sixty of a moving one, none of them plain, no sentence twice within
twenty."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random

import pytest
from msgspec.structs import replace

from bot import commentary
from bot.commentary.storygate import lead_and_second
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.story import Length, Memory, Story
from tests.commentary.golden import golden
from tests.commentary.make import ARTICLE, NOW, bank, book, facts, judged

FROZEN = ("article", "mirror", "calm", "overheated", "contradictory", "price-alone")


def posts(markets: Iterator[tuple[Facts, Verdict]], length: Length, locale: str = "en") -> list[Story]:
    """A post a day, each with the memory of those before it."""
    memory, stories = Memory(), []
    for market, verdict in markets:
        story = commentary.write(
            verdict=verdict,
            facts=market,
            book=book(),
            bank=bank(locale),
            memory=memory,
            length=length,
            at=market.at,
        )
        memory = commentary.remember(memory, story, verdict, market)
        stories.append(story)
    return stories


def frozen(name: str, days: int) -> Iterator[tuple[Facts, Verdict]]:
    """The same readings day after day."""
    market = golden(name).market
    verdict = judged(market)
    for day in range(days):
        at = market.at + timedelta(days=day)
        yield replace(market, at=at), replace(verdict, at=at)


def moving(days: int) -> Iterator[tuple[Facts, Verdict]]:
    """The article's market, wandering from day to day."""
    dice = Random(7)
    figures: dict[str, float] = dict(ARTICLE)
    for day in range(days):
        for name, step in (("skew_60d_pct", 1.5), ("basis_60d_pct", 0.6)):
            figures[name] = round(min(max(figures[name] + dice.uniform(-step, step), -4), 24), 2)
        figures["spot_usd"] = round(figures["spot_usd"] * (1 + dice.uniform(-0.02, 0.02)), 0)
        figures["low_30d_usd"] = min(figures["low_30d_usd"], figures["spot_usd"])
        market = facts(figures, at=NOW + timedelta(days=day))
        yield market, judged(market)


def returned(stories: Sequence[Story], within: int = 20) -> list[str]:
    """The sentences of lead and second finding that stood in one of the posts just before, masked."""
    told = [lead_and_second(story) for story in stories]
    return [
        line
        for number, lines in enumerate(told)
        for line in lines
        if any(line in earlier for earlier in told[max(0, number - within) : number])
    ]


def test_a_frozen_market_is_told_for_a_fortnight_without_a_plain_card() -> None:
    stories = posts(frozen("article", 14), "embed")
    assert [story.failures for story in stories if story.plain] == []
    assert returned(stories) == []


@pytest.mark.slow
@pytest.mark.parametrize("length", ["short", "embed", "article"])
@pytest.mark.parametrize("name", FROZEN)
def test_thirty_posts_of_a_frozen_market_stay_inside_their_limits(name: str, length: Length) -> None:
    stories = posts(frozen(name, 30), length)
    assert [story.failures for story in stories if story.plain] == []
    if length == "embed":
        assert returned(stories) == []


@pytest.mark.slow
def test_sixty_daily_posts_of_a_moving_market_stay_inside_their_limits() -> None:
    stories = posts(moving(60), "embed")
    assert [story.failures for story in stories if story.plain] == []
    assert returned(stories) == []
    assert len({story.headline.text for story in stories if story.headline}) >= 55

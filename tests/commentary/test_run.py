"""Long runs of posts: thirty of a frozen market, sixty of a moving one, none of them plain, none inside its window."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from bot import commentary
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.story import Length, Memory, Story
from tests.commentary.golden import golden
from tests.commentary.make import ARTICLE, NOW, bank, book, facts, judged

FROZEN = ("article", "mirror", "calm", "overheated", "contradictory", "price-alone")


def posts(markets: Iterator[tuple[Facts, Verdict]], length: Length) -> list[Story]:
    """A post a day, each with the memory of those before it."""
    memory, stories = Memory(), []
    for market, verdict in markets:
        story = commentary.write(
            verdict=verdict, facts=market, book=book(), bank=bank(), memory=memory, length=length, at=market.at
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


def windows_hold(stories: list[Story]) -> Mapping[str, int]:
    """Phrases that came back inside their window, and how far back they had been used."""
    back: dict[str, int] = {}
    for phrase in bank().phrases:
        window = bank().windows.get(f"{phrase.slot}:{phrase.about}", 0)
        used = [index for index, story in enumerate(stories) if phrase.id in story.phrase_ids]
        gaps = [later - earlier for earlier, later in pairwise(used)]
        shared = [one for one in bank().phrases if one.id == phrase.id]
        if len(shared) == 1 and gaps and min(gaps) <= window:
            back[phrase.id] = min(gaps)
    return back


def test_a_frozen_market_is_told_for_a_fortnight_without_a_plain_card() -> None:
    stories = posts(frozen("article", 14), "embed")
    assert [story.failures for story in stories if story.plain] == []
    assert windows_hold(stories) == {}


@pytest.mark.slow
@pytest.mark.parametrize("length", ["short", "embed", "article"])
@pytest.mark.parametrize("name", FROZEN)
def test_thirty_posts_of_a_frozen_market_stay_inside_their_limits(name: str, length: Length) -> None:
    stories = posts(frozen(name, 30), length)
    assert [story.failures for story in stories if story.plain] == []
    assert windows_hold(stories) == {}


@pytest.mark.slow
def test_sixty_daily_posts_of_a_moving_market_stay_inside_their_limits() -> None:
    stories = posts(moving(60), "embed")
    assert [story.failures for story in stories if story.plain] == []
    assert windows_hold(stories) == {}
    assert len({story.headline.text for story in stories if story.headline}) >= 55

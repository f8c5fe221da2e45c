"""The golden stories: each as it is written down, true to its facts, in the style that we set ourselves."""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from bot.commentary.words import grams
from bot.domain.story import Length, Story
from bot.lab.golden import page
from bot.playbook import read_playbook
from tests.commentary.golden import FOLDER, Golden, golden, measures, names
from tests.commentary.make import judged, refused

BANDS = {
    "article": {
        "words": (250, 400),
        "paragraphs": (5, 9),
        "sentence": (10, 20),
        "ari": (2, 12),
        "lix": (22, 50),
    },
    "embed": {"words": (0, 120), "sentence": (4, 36), "numbers": (0, 40)},
}


@cache
def playbook():
    return read_playbook()


@cache
def one(name: str) -> Golden:
    return golden(name)


@cache
def stories(name: str) -> Mapping[Length, Story]:
    """The stories of a market, told once for all tests."""
    return one(name).stories()


@pytest.mark.parametrize("name", names())
def test_a_golden_story_is_as_it_is_written_down(name: str) -> None:
    assert page(one(name), playbook()) == (FOLDER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names())
def test_a_golden_story_says_what_its_facts_file_expects(name: str) -> None:
    market = one(name)
    verdict = judged(market.market)
    assert ("mixed" if verdict.mixed else verdict.stance) == market.stance
    for length, story in stories(name).items():
        assert not story.plain, story.failures
        if length == "embed":
            said = "\n".join(text.text for text in (*story.texts, *story.table))
            assert [figure for figure in market.figures if figure not in said] == []
        assert story.footer is not None
        assert market.footer in story.footer.text


@pytest.mark.parametrize("name", names())
def test_a_golden_story_passes_the_gate(name: str) -> None:
    for story in stories(name).values():
        assert refused(story, one(name).market) == []


@pytest.mark.parametrize("length", BANDS)
@pytest.mark.parametrize("name", names())
def test_a_golden_story_keeps_the_style(name: str, length: Length) -> None:
    told = stories(name)
    if length not in told:
        assert length == "article"
        return
    found = measures(told[length])
    outside = {key: found[key] for key, (low, high) in BANDS[length].items() if not low <= found[key] <= high}
    assert outside == {}


def test_an_article_is_written_for_at_least_five_of_the_markets() -> None:
    assert len([name for name in names() if "article" in stories(name)]) >= 5


def test_nothing_is_copied_from_the_article(shared: Path) -> None:
    theirs = grams(
        " ".join(re.findall(r"[a-z'’-]+", (shared / "article.txt").read_text(encoding="utf-8").lower()))
    )
    for name in names():
        for story in stories(name).values():
            mine = grams(" ".join(re.findall(r"[a-z'’-]+", story.body.lower())))
            assert len(mine & theirs) <= 0.02 * len(mine)

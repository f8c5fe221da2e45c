"""The golden stories: each as it is written down, true to its facts, in the style that we set ourselves."""

import re
from functools import cache
from pathlib import Path

import pytest

from bot.app import read_playbook
from bot.commentary.words import grams
from bot.domain.story import Length
from bot.golden import page
from tests.commentary.golden import FOLDER, Golden, golden, measures, names
from tests.commentary.make import bank, judged, refused

BANDS = {
    "article": {"words": (300, 600), "paragraphs": (7, 10), "sentence": (12, 20), "numbers": (3, 6), "ari": (6, 12), "lix": (30, 50)},
    "embed": {"sentence": (12, 20), "numbers": (0, 12), "ari": (6, 12), "lix": (30, 50)},
}  # fmt: skip


@cache
def playbook():
    return read_playbook()


@cache
def one(name: str) -> Golden:
    return golden(name)


@pytest.mark.parametrize("name", names())
def test_a_golden_story_is_as_it_is_written_down(name: str) -> None:
    assert page(one(name), playbook()) == (FOLDER / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", names())
def test_a_golden_story_says_what_its_facts_file_expects(name: str) -> None:
    market = one(name)
    verdict = judged(market.market)
    assert ("mixed" if verdict.mixed else verdict.stance) == market.stance
    for length, story in market.stories().items():
        assert not story.plain, story.failures
        if length != "short":
            said = "\n".join(text.text for text in story.texts)
            assert [figure for figure in market.figures if figure not in said] == []
        assert story.footer is not None
        assert market.footer in story.footer.text


@pytest.mark.parametrize("name", names())
def test_a_golden_story_passes_the_gate(name: str) -> None:
    for story in one(name).stories().values():
        assert refused(story, one(name).market) == []


@pytest.mark.parametrize("length", BANDS)
@pytest.mark.parametrize("name", names())
def test_a_golden_story_keeps_the_style(name: str, length: Length) -> None:
    stories = one(name).stories()
    if length not in stories:
        assert length == "article"
        return
    found = measures(stories[length])
    outside = {key: found[key] for key, (low, high) in BANDS[length].items() if not low <= found[key] <= high}
    assert outside == {}


def test_an_article_is_written_for_at_least_seven_of_the_markets() -> None:
    assert len([name for name in names() if "article" in one(name).stories()]) >= 7


def test_the_images_of_a_story_are_of_one_family() -> None:
    family = {phrase.id: phrase.image for phrase in bank().phrases if phrase.image}
    seen = 0
    for name in names():
        for story in one(name).stories().values():
            images = {family[used] for used in story.phrase_ids if used in family}
            assert images <= {story.image}
            seen += len(images)
    assert seen


def test_nothing_is_copied_from_the_article(shared: Path) -> None:
    theirs = grams(" ".join(re.findall(r"[a-z'’-]+", (shared / "article.txt").read_text(encoding="utf-8").lower())))
    for name in names():
        for story in one(name).stories().values():
            mine = grams(" ".join(re.findall(r"[a-z'’-]+", story.body.lower())))
            assert len(mine & theirs) <= 0.02 * len(mine)

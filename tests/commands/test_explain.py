"""`/explain`: words of the trade."""

import re

import pytest
from msgspec.structs import replace

from bot.commands import Request, discover, run
from bot.domain.posts import Profile
from bot.playbook import read_playbook


@pytest.mark.parametrize(
    "term", ["skew", "SKEW", "put-call skew", "skew_60d_pct", "60-day put-call skew", "60 day put call skew"]
)
async def test_a_term_is_found_by_its_name_its_title_or_a_word_of_it(ask, term):
    assert (await ask("explain", term=term)).title == "60-day put-call skew"


async def test_it_says_what_it_means_where_it_stands_and_how_it_is_worked_out(ask):
    answer = await ask("explain", term="basis")
    assert "Now 2%, where 5-10% is usual." in answer.body
    (worked_out,) = (note.text for note in answer.notes)
    assert worked_out.startswith("How it is worked out: (mark / index - 1)")


async def test_an_unknown_term_is_refused_with_the_nearest(ask):
    answer = await ask("explain", term="skuw 60d pct")
    assert answer.private
    assert "nearest to it: 60-day put-call skew" in answer.body


async def test_a_term_that_was_never_heard_is_explained_without_a_number(ask):
    answer = await ask("explain", term="max pain")
    assert "There is no reading of max pain" in answer.body


@pytest.mark.parametrize(
    "term",
    [
        *("caution", "bearish", "confidence", "capitulation", "overheated", "unclear", "delta", "contango"),
        *("backwardation", "expected move", "liquidations", "squeeze", "usual range", "deepening", "put"),
    ],
)
async def test_a_word_of_the_posts_that_is_no_metric_is_explained(ask, term):
    answer = await ask("explain", term=term)
    assert not answer.private
    assert len(answer.body.split()) >= 8


async def test_what_the_trade_calls_a_metric_stays_the_metric(ask):
    assert "Now 2%" in (await ask("explain", term="basis")).body


def words_of_posts(locale: str) -> list[str]:
    """What stands in posts and may be asked for: stances, directions, readings by the name that sentences and tables give
    them, the heads of the table, and every spelling that the glossary marks."""
    words = read_playbook().banks[locale].words
    kinds, metrics = ("stance.", "direction.", "called.", "term."), read_playbook().catalog.metrics
    marked = [
        text
        for key, text in words.items()
        if key.startswith(kinds) or (key.startswith("short.") and key.removeprefix("short.") in metrics)
    ]
    heads = [words[f"column.{name}"] for name in ("rank", "usual")]
    spelled = [name for text in (*marked, *heads) for name in text.split("|")]
    return sorted({re.sub(r"^(the|a|el|la|las|los|un) ", "", name) for name in spelled if name})


@pytest.mark.parametrize("locale", ["en", "es"])
async def test_every_word_that_posts_use_is_explained(market, playbook, locale):
    market.adopt(replace(playbook, banks=read_playbook().banks))
    found = words_of_posts(locale)
    assert len(found) > 60
    unknown = []
    for term in found:
        asked = Request(options={"term": term}, channel="preview:", profile=Profile(locale=locale))
        answer = await run(market, discover()["explain"], asked)
        if answer.private or len(answer.body.split()) < 8:
            unknown.append(term)
    assert unknown == []

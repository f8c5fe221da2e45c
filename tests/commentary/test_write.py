"""Verdicts in words: what a post says, what it leaves out, and that it never repeats itself."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest

from bot import commentary
from bot.commentary.names import Market
from bot.commentary.plan import plan
from bot.commentary.words import overlap
from bot.domain.story import Memory, Phrase
from tests.commentary.make import ARTICLE, CALM, NOW, ROOT, article, bank, book, days, facts, judged, refused, told


def whole(story) -> str:
    return "\n".join(text.text for text in story.texts)


def test_the_articles_market_is_told_with_its_figures_and_the_word_caution() -> None:
    story = told(article())
    said = whole(story)
    assert not story.plain, story.failures
    for part in (
        "60-day",
        "skew",
        "20%",
        "2%",
        "5-10%",
        "$44.3 billion",
        "$35.8 billion",
        "527,850",
        "+18.9%",
        "$60,150",
    ):
        assert part in said, part
    assert "caution" in said.lower()


def test_the_short_of_the_articles_market_fits_and_reads_caution() -> None:
    story = told(article(), "short")
    assert len(story.body) <= 280
    assert "caution" in story.body.lower()
    assert story.headline is None


def test_a_dollar_fall_with_steady_coins_is_never_told_as_an_exit() -> None:
    said = whole(told(article()))
    assert "coins" in said or "BTC" in said


def test_a_calm_day_is_told_briefly() -> None:
    calm, wild = told(facts(CALM)), told(article())
    assert calm.stance == "neutral"
    assert len(calm.body) < len(wild.body)


def test_all_that_is_missing_is_named() -> None:
    story = told(article())
    missing = next(text for text in story.paragraphs if text.slot == "missing")
    assert "funding" in missing.text


def test_a_market_of_which_nothing_is_known_makes_no_call() -> None:
    story = told(facts({}))
    assert story.stance == "no-call"
    assert "not enough data" in whole(story).lower()


def test_a_price_alone_makes_no_call_and_no_other_claim() -> None:
    story = told(facts({"spot_usd": 70_000}))
    assert story.stance == "no-call"
    assert not story.plain, story.failures


def test_each_post_says_what_would_change_it() -> None:
    story = told(article())
    watch = next(text for text in story.paragraphs if text.slot == "watch")
    assert "60-day put-call skew" in watch.text
    assert "neutral" in watch.text


def test_a_frozen_market_never_repeats_a_headline_or_lead_within_its_window() -> None:
    stories = days(ARTICLE, 14)
    assert not any(story.plain for story in stories), [story.failures for story in stories if story.plain]
    for slot in ("headline", "lead"):
        used = [next(text for text in story.texts if text.slot == slot).phrase_ids[0] for story in stories]
        window = bank().windows[f"{slot}:bearish+rebound-unconfirmed"]
        assert all(name not in used[max(0, index - window) : index] for index, name in enumerate(used))


def test_a_finding_that_has_not_moved_gets_one_short_line() -> None:
    first, second = days(ARTICLE, 2)
    assert "evidence" in {text.slot for text in first.paragraphs}
    assert "still" in {text.slot for text in second.paragraphs}
    assert len(second.body) < len(first.body)


def test_neighboring_posts_share_few_runs_of_words() -> None:
    stories = days(ARTICLE, 8)
    masks = [commentary.remember(Memory(), story, judged(article()), article()).told[-1].masked for story in stories]
    for new, old in zip(masks[1:], masks, strict=False):
        assert overlap(new, old) <= 0.15


def test_the_same_readings_state_and_memory_give_the_same_bytes() -> None:
    assert told(article()) == told(article())


@pytest.mark.slow
def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    code = (
        "from tests.commentary.make import *;import hashlib;"
        "print(hashlib.sha256(''.join(repr(story) for story in days(ARTICLE, 4)).encode()).hexdigest())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True, text=True, check=True,
        ).stdout
        for seed in ("0", "1", "271828")
    }  # fmt: skip
    assert len(seen) == 1


def test_a_phrase_that_lies_yields_the_plain_card_and_says_why() -> None:
    liars = tuple(
        replace(phrase, text="Caution and bullish at once.") if phrase.slot == "headline" else phrase
        for phrase in bank().phrases
    )
    story = told(article(), words=replace(bank(), phrases=liars))
    assert story.plain
    assert any("bullish" in failure for failure in story.failures)
    assert "$71,500" in whole(story)
    assert "caution" in whole(story)


def test_a_bank_without_a_usable_headline_yields_the_plain_card() -> None:
    nothing = tuple(phrase for phrase in bank().phrases if phrase.slot != "headline")
    story = told(article(), words=replace(bank(), phrases=nothing))
    assert story.plain
    assert any("no headline phrase" in failure for failure in story.failures)


def test_an_article_needs_four_families_and_two_findings() -> None:
    assert commentary.no_article(judged(article()), bank()) is None
    about, names = commentary.no_article(judged(facts({"spot_usd": 70_000, "skew_60d_pct": 20})), bank()) or ("", {})
    assert (about, names["low"].value, names["value"].value) == ("article-families", 4, 1)
    about, names = commentary.no_article(judged(facts(CALM)), bank()) or ("", {})
    assert (about, names["low"].value, names["value"].value) == ("article-findings", 2, 0)


def test_an_article_that_cannot_be_written_is_answered_with_the_embed() -> None:
    assert told(facts({"spot_usd": 70_000, "skew_60d_pct": 20}), "article").length == "embed"


def test_the_memory_keeps_the_last_fourteen_posts() -> None:
    memory = Memory()
    for day in range(16):
        market = facts(CALM, at=NOW + timedelta(days=day))
        memory = commentary.remember(memory, told(market, memory=memory), judged(market), market)
    assert len(memory.told) == 14
    assert memory.last is not None
    assert memory.last.figures["spot_usd"] == 89_000


def test_a_story_passes_its_own_gate() -> None:
    for market in (article(), facts(CALM)):
        assert refused(told(market), market) == []


def test_a_phrase_whose_facts_are_unknown_is_passed_over() -> None:
    only = Phrase(id="x", slot="lead", about="bearish", text="Caution: {{ treasury_cost_usd|usd }} was paid.")
    words = replace(bank(), phrases=(only, *(phrase for phrase in bank().phrases)))
    assert "x" not in told(article(), words=words).phrase_ids
    assert book().rules


def test_findings_that_are_dropped_are_named_and_not_denied() -> None:
    """A post without room for its findings does not say that there are none."""
    verdict, known = judged(article()), article()
    market = Market(facts=known, book=book(), bank=bank(), at=known.at, findings=verdict.findings, verdict=verdict)
    planned = plan(verdict, market, Memory(), "embed", drop=len(verdict.findings))
    asked = [piece.abouts for pieces in planned.paragraphs for piece in pieces if piece.slot == "evidence"]
    assert asked == [("bearish+listed",)]
    said = {phrase.about: phrase.text for phrase in bank().phrases if phrase.slot == "evidence"}
    assert "{{ reasons }}" in said["bearish+listed"]
    assert "bearish" not in said

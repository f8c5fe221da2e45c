"""What a whole post of the old form must be, besides each of its texts."""

from collections.abc import Iterator
from typing import get_args

from bot.commentary.gate import text_failures, typed_part
from bot.commentary.masks import story_masked
from bot.commentary.names import SpokenMarket
from bot.commentary.words import has, overlap, stance_words
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.rulebook import Ranges, RuleBook, Stance
from bot.domain.story import Memory, PhraseBank, Story

NEAR_POSTS, NEAR_OVERLAP = 3, 0.15
FAR_POSTS, FAR_OVERLAP = 10, 0.35
ARTICLE_WORDS, ARTICLE_PARAGRAPHS = (300, 600), (7, 10)
TITLE_LIMIT, BODY_LIMIT, SHORT_LIMIT = 256, 4096, 280


def gate_by_pools(
    story: Story,
    *,
    verdict: Verdict,
    facts: Facts,
    book: RuleBook,
    bank: PhraseBank,
    memory: Memory,
    ranges: Ranges | None = None,
) -> list[str]:
    """Everything that is wrong with a post; an empty list lets it through."""
    market = SpokenMarket(
        facts=facts,
        book=book,
        bank=bank,
        at=story.at,
        ranges=ranges or {},
        findings=verdict.findings,
        verdict=verdict,
    )
    failures: list[str] = []
    for text in story.texts:
        failures += text_failures(text, market, memory=memory)
    failures += _stance(story, market)
    failures += _image(story, bank)
    failures += _windows(story, bank, memory)
    failures += _overlap(story, memory)
    failures += _length(story)
    return failures


# ── 5: the stance's word, and no other's ────────────────────────────────────────────────────────────────────


def _stance(story: Story, market: SpokenMarket) -> Iterator[str]:
    verdict = market.verdict
    if verdict is None or story.plain:
        return
    for text in story.texts:
        if text.slot not in ("headline", "standfirst", "lead", "short"):
            continue
        own = stance_words(market.bank.words, verdict.stance)
        if not has(text.text, own):
            yield f"5: the {text.slot} does not say {own[0] if own else verdict.stance!r}"
        for stance in get_args(Stance):
            if stance in (verdict.stance, verdict.leaning):
                continue
            if word := has(text.text, stance_words(market.bank.words, stance)):
                yield f"5: the {text.slot} says {word!r}, and the stance is {verdict.stance}"


# ── 6: one image, no phrase inside its window, little overlap ───────────────────────────────────────────────


def _image(story: Story, bank: PhraseBank) -> Iterator[str]:
    known = {phrase.id: phrase for phrase in bank.phrases}
    used = {known[name].image for name in story.phrase_ids if name in known and known[name].image}
    if len(used) > 1:
        yield f"6: more than one image: {', '.join(sorted(image for image in used if image))}"
    for text in story.texts:
        for family, entries in bank.images.items():
            if family not in used and (word := has(typed_part(text), entries)):
                yield f"6: {word!r} belongs to the image {family!r}, which this story does not have"


def _windows(story: Story, bank: PhraseBank, memory: Memory) -> Iterator[str]:
    pools: dict[str, list[int]] = {}
    for phrase in bank.phrases:
        pools.setdefault(phrase.id, []).append(bank.windows.get(f"{phrase.slot}:{phrase.about}", 0))
    for name in dict.fromkeys(story.phrase_ids):
        window = min(pools.get(name, [0]))
        recent = memory.told[-window:] if window > 0 else ()
        if any(name in told.phrase_ids for told in recent):
            yield f"6: {name} returns within {window} posts"
    if len(set(story.phrase_ids)) < len(story.phrase_ids):
        yield "6: a phrase stands twice in one post"


def _overlap(story: Story, memory: Memory) -> Iterator[str]:
    mine = story_masked(story)
    for age, told in enumerate(reversed(memory.told[-FAR_POSTS:]), start=1):
        share = overlap(mine, told.masked)
        limit = NEAR_OVERLAP if age <= NEAR_POSTS else FAR_OVERLAP
        if share > limit:
            yield f"6: {share:.0%} of its wording stood in the post {age} before"


def _length(story: Story) -> Iterator[str]:
    if story.length == "short" and len(story.body) > SHORT_LIMIT:
        yield f"length: {len(story.body)} characters, and a short has {SHORT_LIMIT}"
    if story.headline is not None and len(story.headline.text) > TITLE_LIMIT:
        yield f"length: the headline has {len(story.headline.text)} characters"
    if story.length == "article":
        count = len(story.body.split())
        if not ARTICLE_WORDS[0] <= count <= ARTICLE_WORDS[1]:
            yield f"length: {count} words, and an article has {ARTICLE_WORDS[0]} to {ARTICLE_WORDS[1]}"
        if not ARTICLE_PARAGRAPHS[0] <= len(story.paragraphs) <= ARTICLE_PARAGRAPHS[1]:
            yield f"length: {len(story.paragraphs)} paragraphs"
    if story.length == "embed" and len(story.body) > BODY_LIMIT:
        yield f"length: the body has {len(story.body)} characters"

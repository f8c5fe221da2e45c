"""The gate for a whole post: what its texts must be together, besides what `bot.commentary.gate` asks of each."""

import re
from collections.abc import Iterator, Sequence
from typing import get_args

from bot.commentary.compose import (
    ALERT_WORDS,
    ARTICLE_LEAST,
    ARTICLE_PARAGRAPHS,
    ARTICLE_WORDS,
    DAILY_WORDS,
    NEXT,
    alert_key,
)
from bot.commentary.fewer import unsaid
from bot.commentary.gate import text_failures, typed_part
from bot.commentary.masks import figures_in, masked_sentences, sentences
from bot.commentary.names import SpokenMarket
from bot.commentary.path import untold_paths
from bot.commentary.points import is_price, is_stale_news, unit_of_move
from bot.commentary.stories import (
    SteadySince,
    StoryChoice,
    choose_story,
    reads_as_before,
    stayed_since,
    tells_again,
    time_of,
)
from bot.commentary.teller import SENTENCE_WINDOW, SHORT_LETTERS
from bot.commentary.words import has, several, stance_words
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.rulebook import Ranges, RuleBook, Stance
from bot.domain.story import Memory, PhraseBank, Story, Text

TITLE_LIMIT, FOOTER_WORDS = 160, 25
BARE_SENTENCES = 1
"""So many sentences of a daily post or an alert may stand without a figure; in an article each
paragraph on a reading has one."""
PROSE = ("lead", "evidence", "alert")
TURNED = ("watch", "sowhat", "alert")


def gate(
    story: Story,
    *,
    verdict: Verdict,
    facts: Facts,
    book: RuleBook,
    bank: PhraseBank,
    memory: Memory,
    ranges: Ranges | None = None,
    choice: StoryChoice | None = None,
) -> list[str]:
    """Everything that is wrong with a post that is told in stories; an empty list lets it through."""
    market = SpokenMarket(
        facts=facts,
        book=book,
        bank=bank,
        at=story.at,
        ranges=ranges or {},
        findings=verdict.findings,
        verdict=verdict,
    )
    return story_failures(story, market, memory, choice or choose_story(market, memory))


def story_failures(story: Story, market: SpokenMarket, memory: Memory, choice: StoryChoice) -> list[str]:
    """As `gate`, of a post that is told in stories and of the market that it speaks from."""
    failures: list[str] = []
    for text in story.texts:
        failures += text_failures(text, market, memory=memory)
    for text in (*((story.tag,) if story.tag else ()), *story.table):
        failures += text_failures(text, market, memory=memory, cells=True)
    if story.plain:
        return failures
    failures += _stances(story, market, memory)
    failures += _images(story, market)
    failures += figures_twice(story)
    failures += _bare(story)
    failures += _pronouns(story, market.bank)
    failures += unchanged_wrongly(story, market, memory)
    failures += _sides(story, market.bank)
    failures += _again(story, market, memory, choice)
    failures += _returned(story, memory)
    failures += _trigger(story, choice)
    failures += _length(story)
    failures += (
        f"19: {name} went far beyond both ends of its move, and {text.slot} does not say so"
        for text in story.texts
        if text.slot != "watch"
        for name in untold_paths(text, market, memory)
    )
    failures += (
        f"18: {said!r} does not say on which venues it stands" for said in unsaid(story, market, memory)
    )
    return failures


def _stances(story: Story, market: SpokenMarket, memory: Memory) -> Iterator[str]:
    """5: no other stance's word but where it is said what would end this one, or what it was; a short names its own."""
    verdict = market.verdict
    if verdict is None:
        return
    own = stance_words(market.bank.words, verdict.stance)
    if story.length == "short" and not has(story.body, own):
        yield f"5: the short does not say {own[0] if own else verdict.stance!r}"
    known: set[str | None] = {verdict.stance, verdict.leaning}
    if story.kind == "turning" and memory.last is not None:
        known.add(memory.last.stance)
    for text in story.texts:
        if text.slot in TURNED:
            continue
        for stance in get_args(Stance):
            if stance not in known and (word := has(text.text, stance_words(market.bank.words, stance))):
                yield f"5: the {text.slot} says {word!r}, and the stance is {verdict.stance}"


def _images(story: Story, market: SpokenMarket) -> Iterator[str]:
    """6: a metaphor stands in no alert and beside nothing graver than a watch; elsewhere in headline or close alone."""
    grave = any(finding.severity in ("caution", "alarm") for finding in market.findings)
    images = market.bank.images
    of_any = tuple(entry for entries in images.values() for entry in entries)
    for text in story.texts:
        typed = typed_part(text)
        if has(typed, of_any) is None:
            continue
        for family, entries in images.items():
            word = has(typed, entries)
            if word and (story.alert or grave or text.slot not in ("headline", "close")):
                yield f"6: {word!r} belongs to the image {family!r}, which has no place here"


def figures_twice(story: Story) -> Iterator[str]:
    """10: no figure twice, headline and prose together; a table's own stand in no sentence."""
    seen: dict[tuple[str, str], str] = {}
    for text in story.texts:
        if text.slot == "watch":
            continue
        for span in figures_in(text):
            number = "".join(re.findall(r"[\d.,]+", span.text))
            key = (span.origin.ref.partition("@")[0].partition(".")[0], number)
            if key in seen:
                yield f"10: {span.text!r} ({span.origin.ref}) is told twice"
            seen[key] = text.slot
    said = [text for text in story.paragraphs if text.slot != "watch"]
    told = {span.origin.ref for text in said for span in figures_in(text)}
    for row in story.table:
        for span in row.spans:
            if span.origin.kind == "fact" and span.origin.ref in told:
                yield f"10: {span.text!r} ({span.origin.ref}) stands in the table and in a sentence"


def has_figure(text: Text) -> bool:
    """Whether a sentence holds a number."""
    return any(
        re.search(r"\d", span.text) and span.filter not in ("title", "tenor") and span.origin.kind != "name"
        for span in text.spans
    )


def prose(story: Story) -> tuple[Text, ...]:
    """The sentences of a post's paragraphs, exits apart: their wording is fixed by nature."""
    return tuple(one for text in story.paragraphs if text.slot != "watch" for one in sentences(text))


def _bare(story: Story) -> Iterator[str]:
    """11: no more sentences without a figure than are allowed."""
    if story.length == "short":
        return
    if story.length == "article":
        empty = [text for text in story.paragraphs if text.slot == "evidence" and not has_figure(text)]
        if empty:
            yield f"11: a paragraph has no figure: {empty[0].text!r}"
        return
    told = prose(story)
    bare = [one for one in told if not has_figure(one)]
    if len(bare) > BARE_SENTENCES:
        yield f"11: {len(bare)} sentences have no figure: {bare[0].text!r}"


def _pronouns(story: Story, bank: PhraseBank) -> Iterator[str]:
    """12: a sentence begins with no pronoun whose owner would have to be looked for."""
    words = several(bank.words, "pronouns")
    for one in prose(story):
        first = re.match(r"[^\W\d_]+", one.text)
        if first and first.group().lower() in words:
            yield f"12: {first.group()!r} at the head of {one.text[:40]!r} has no owner in its sentence"


def unchanged_wrongly(story: Story, market: SpokenMarket, memory: Memory) -> Iterator[str]:
    """13: "unchanged" only of readings whose figures read the same as they did, "barely moved" of those that stayed over
    the day."""
    words, stayed = (several(market.bank.words, key) for key in ("unchanged_words", "stayed_words"))
    for one in prose(story):
        if word := has(one.text, stayed):
            refs = {span.origin.ref for span in one.spans}
            since: SteadySince = (
                "low" if "low_30d_usd" in refs else "high" if "high_30d_usd" in refs else "day"
            )
            start = time_of(since, market)
            for name in _named(one):
                if start is None or not stayed_since(name, start, market):
                    yield f"13: {word!r} of {name}, which moved by more than its unit"
        if not (word := has(one.text, words)):
            continue
        for name in _named(one):
            if not reads_as_before(name, market, memory):
                yield f"13: {word!r} of {name}, which reads otherwise than before"


def _named(sentence: Text) -> list[str]:
    """The readings that a sentence names."""
    refs = [span.origin.ref for span in sentence.spans]
    return [ref.removeprefix("called.") for ref in refs if ref.startswith("called.")]


def _sides(story: Story, bank: PhraseBank) -> Iterator[str]:
    """14: the noun after a share or a sum of liquidations is the side that it was counted on."""
    for side, other in (("long", "short"), ("short", "long")):
        nouns = several(bank.words, f"side_{side}")
        for text in story.texts:
            for span in text.spans:
                ref = span.origin.ref.partition(".")[0]
                if not ref.startswith("liquidations_") or span.filter in ("title", "tenor"):
                    continue
                after = " ".join(text.text[span.end :].split()[:3])
                if has(after.split(",")[0], nouns) and f"_{side}_" not in ref:
                    yield f"14: {span.text!r} is told of {side}s and counted on {other}s or on both"


def _again(story: Story, market: SpokenMarket, memory: Memory, choice: StoryChoice) -> Iterator[str]:
    """15: no reading of derivatives in two posts' prose running without a move of its own unit; what moved most within the
    day may follow an alert that told a part of it."""
    if memory.last is None or story.length in ("short", "article"):
        return
    trigger = story.paragraphs[0].spans if story.alert and story.paragraphs else ()
    triggers = {span.origin.ref.partition("@")[0].partition(".")[0] for span in trigger}
    for name in told_metrics(story):
        fact = market.fact(name)
        if name in triggers or tells_again(name, choice) or fact is None or is_price(name):
            continue
        if is_stale_news(name, fact.value, unit_of_move(name, fact.value, market), market, memory):
            yield f"15: {name} was told of late and has not moved since"


def told_metrics(story: Story) -> tuple[str, ...]:
    """The metrics whose figures stand in a post's prose, each once; exits apart."""
    refs = [
        span.origin.ref.partition("@")[0].partition(".")[0]
        for text in story.texts
        if text.slot != "watch"
        for span in figures_in(text)
    ]
    return tuple(dict.fromkeys(refs))


def lead_and_second(story: Story) -> tuple[str, ...]:
    """The sentences of lead and second finding, figures and names masked: none returns within twenty posts."""
    return tuple(line for text in story.paragraphs if text.slot in PROSE for line in masked_sentences(text))


def _returned(story: Story, memory: Memory) -> Iterator[str]:
    """16: no sentence of lead and second finding within twenty posts, no headline within seven."""
    if story.length in ("short", "article") or story.alert:
        return
    recent = {line for told in memory.told[-SENTENCE_WINDOW:] for line in told.sentences}
    for line in lead_and_second(story):
        if line in recent:
            yield f"16: {line!r} stood in one of the last {SENTENCE_WINDOW} posts"


def _trigger(story: Story, choice: StoryChoice) -> Iterator[str]:
    """17: an alert's first sentence tells what it went out for."""
    if not story.alert or story.length == "short" or not story.paragraphs:
        return
    first = next(iter(sentences(story.paragraphs[0])))
    key = alert_key(choice)
    if choice.trigger is not None:
        if not any(span.origin.ref.startswith("alarm ") for span in first.spans):
            yield f"17: the first sentence does not tell the move: {first.text!r}"
    elif not any(f"/{place}." in name for place in (key, NEXT) for name in story.paragraphs[0].phrase_ids):
        yield f"17: the first sentence does not tell what the alert is for: {first.text!r}"


_COUNTED = re.compile(r"\S*[^\W_]\S*")  # what stands between spaces and holds a letter or a digit


def word_count(texts: Sequence[Text]) -> int:
    """The words of some texts."""
    return sum([len(_COUNTED.findall(text.text)) for text in texts])


def _length(story: Story) -> Iterator[str]:
    count = word_count(story.paragraphs)
    if story.length == "short" and len(story.body) > SHORT_LETTERS:
        yield f"length: {len(story.body)} characters, and a short has {SHORT_LETTERS}"
    if story.headline is not None and len(story.headline.text) > TITLE_LIMIT:
        yield f"length: the headline has {len(story.headline.text)} characters"
    if story.length == "embed" or story.alert:
        limit = ALERT_WORDS if story.alert else DAILY_WORDS
        if count > limit:
            yield f"length: {count} words, and there is room for {limit}"
    elif story.length == "article":
        if not ARTICLE_LEAST <= count <= ARTICLE_WORDS[1]:
            yield f"length: {count} words, and an article has {ARTICLE_LEAST} to {ARTICLE_WORDS[1]}"
        if not ARTICLE_PARAGRAPHS[0] <= len(story.paragraphs) <= ARTICLE_PARAGRAPHS[1]:
            yield f"length: {len(story.paragraphs)} paragraphs"
    if story.footer is not None and word_count([story.footer]) > FOOTER_WORDS:
        yield f"length: the footer has {word_count([story.footer])} words"

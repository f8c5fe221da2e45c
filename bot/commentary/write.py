"""A verdict becomes a story: chosen, told in frames, read by the gate. Nothing leaves here that the gate refused."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.commentary.compose import compose
from bot.commentary.fewer import say_fewer
from bot.commentary.lengths import no_article
from bot.commentary.names import SpokenMarket
from bot.commentary.old import write_by_pools
from bot.commentary.plain import plain_card
from bot.commentary.points import COMPARED_WITHIN
from bot.commentary.stories import ALERTS, StoryChoice, choose_story
from bot.commentary.storygate import story_failures
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.rulebook import Ranges, RuleBook
from bot.domain.story import Length, Memory, PhraseBank, Story
from bot.errors import GateRefused

TURNS = 6


def write(
    *,
    verdict: Verdict,
    facts: Facts,
    book: RuleBook,
    bank: PhraseBank,
    memory: Memory,
    length: Length,
    at: datetime,
    ranges: Ranges | None = None,
    reason: str = "",
) -> Story:
    """The verdict in words, in the form of what the post goes out for (`reason`; an alert has its own). The same
    arguments give the same bytes. Where no wording passes the gate, a plain card of numbers with `plain` and the
    `failures` of the first try.

    An article that `no_article` refuses is written as an embed. A bank from before the stories tells in its own way.
    """
    if not bank.frames:
        return write_by_pools(
            verdict=verdict,
            facts=facts,
            book=book,
            bank=bank,
            memory=memory,
            length=length,
            at=at,
            ranges=ranges,
        )
    market = _spoken(verdict, facts, book, bank, at, ranges)
    if length == "article" and no_article(verdict, bank) is not None:
        length = "embed"
    lengths: tuple[Length, ...] = ("article", "embed") if length == "article" else (length,)
    failures: list[str] = []
    for wanted in lengths:
        told = replace(memory, of_day=reason not in ALERTS)
        told = _before_today(told, at) if wanted == "article" and told.of_day else told
        for turn, tried in _tries(choose_story(market, told, reason)):
            try:
                story = compose(market, told, tried, wanted, turn)
                refused = story_failures(story, market, told, tried)
            except GateRefused as error:
                refused = list(error.failures)
            else:
                if not refused:
                    return story
            failures = failures or refused
    card = plain_card(market, lengths[-1], tuple(failures))
    return replace(card, paragraphs=tuple(say_fewer(text, market, memory) for text in card.paragraphs))


def write_plainly(
    *,
    verdict: Verdict,
    facts: Facts,
    book: RuleBook,
    bank: PhraseBank,
    length: Length,
    at: datetime,
    ranges: Ranges | None = None,
    failures: tuple[str, ...] = (),
) -> Story:
    """The plain card of numbers, whatever the gate would let through: a post that went out as one for its `failures` is
    told so again."""
    market = _spoken(verdict, facts, book, bank, at, ranges)
    return plain_card(market, length, failures)


def _before_today(memory: Memory, at: datetime) -> Memory:
    """What is remembered without the posts of the last hours: an article stands alone, and tells of the day."""
    return replace(memory, told=tuple(post for post in memory.told if at - post.at > COMPARED_WITHIN))


def _spoken(
    verdict: Verdict, facts: Facts, book: RuleBook, bank: PhraseBank, at: datetime, ranges: Ranges | None
) -> SpokenMarket:
    return SpokenMarket(
        facts=facts,
        book=book,
        bank=bank,
        at=at,
        ranges=ranges or {},
        findings=verdict.findings,
        verdict=verdict,
    )


def _tries(choice: StoryChoice) -> Iterator[tuple[int, StoryChoice]]:
    """First other choices among equals, then one reading less at a time, then another reading in front."""
    for turn in range(TURNS):
        yield turn, choice
    less = choice
    while less.against or less.same:
        less = (
            replace(less, against=less.against[:-1]) if less.against else replace(less, same=less.same[:-1])
        )
        yield 0, less
        yield 1, less
    for point in (*choice.same, *choice.against):
        if choice.main is not None and point.side == choice.main.side:
            yield 0, replace(choice, main=point, same=(), against=())
    bare = replace(choice, main=None, head=None, same=(), against=(), steady=())
    main = choice.main
    if not choice.alert and main is not None and not (main.moved or choice.same or choice.against):
        yield (
            0,
            replace(bare, kind="quiet"),
        )  # its figures were told of late: that they stand is what can be said
    if not choice.alert:
        for turn in range(TURNS):
            yield turn, replace(bare, kind="calm")

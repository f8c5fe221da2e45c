"""A verdict in the words of an edition from before the stories: findings one by one, each with what it means."""

from collections.abc import Iterator
from datetime import datetime

from msgspec.structs import replace

from bot.commentary.cards import footer
from bot.commentary.choose import pools
from bot.commentary.lengths import no_article
from bot.commentary.names import SpokenMarket
from bot.commentary.old.gate import gate_by_pools
from bot.commentary.old.plan import plan
from bot.commentary.old.realize import Realizer
from bot.commentary.plain import plain_card
from bot.commentary.shapes import shape
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.rulebook import Ranges, RuleBook
from bot.domain.story import Length, Memory, PhraseBank, Story
from bot.errors import GateRefused

TURNS = 8


def write_by_pools(
    *,
    verdict: Verdict,
    facts: Facts,
    book: RuleBook,
    bank: PhraseBank,
    memory: Memory,
    length: Length,
    at: datetime,
    ranges: Ranges | None = None,
) -> Story:
    """The verdict in words. The same arguments give the same bytes. Where no wording passes the gate, a plain
    card of numbers with `plain` and the `failures` of the first try.

    An article that `no_article` refuses, or for which too little is new, is written as an embed.
    """
    market = SpokenMarket(
        facts=facts,
        book=book,
        bank=bank,
        at=at,
        ranges=ranges or {},
        findings=verdict.findings,
        verdict=verdict,
    )
    possible = length != "article" or no_article(verdict, bank) is None
    lengths: tuple[Length, ...] = (length, "embed") if length == "article" and possible else (length,)
    failures: list[str] = []
    for wanted in lengths if possible else ("embed",):
        for turn, drop in _tries(len(verdict.findings)):
            story, refused = _tried(market, verdict, memory, wanted, turn, drop)
            if story is not None and not refused:
                return story
            failures = failures or refused
    return plain_card(market, lengths[-1] if possible else "embed", tuple(failures))


def _tried(
    market: SpokenMarket, verdict: Verdict, memory: Memory, length: Length, turn: int, drop: int
) -> tuple[Story | None, list[str]]:
    try:
        story = _story(market, memory, length, turn, drop)
    except GateRefused as error:
        return None, list(error.failures)
    return story, gate_by_pools(
        story,
        verdict=verdict,
        facts=market.facts,
        book=market.book,
        bank=market.bank,
        memory=memory,
        ranges=market.ranges,
    )


def _tries(findings: int) -> Iterator[tuple[int, int]]:
    """First other choices among equals, then one finding less at a time."""
    for drop in range(findings + 1):
        for turn in range(TURNS if drop == 0 else TURNS // 2):
            yield turn, drop


def _story(market: SpokenMarket, memory: Memory, length: Length, turn: int, drop: int) -> Story:
    if market.verdict is None:
        raise GateRefused(["a story needs a verdict"])
    late = turn >= TURNS // 2
    planned = plan(
        market.verdict, market, memory, length, drop=drop, thorough=late, sparse=late and length == "embed"
    )
    realizer = Realizer(market=market, pools=pools(market.bank), memory=memory, turn=turn)
    headline = realizer.headline(planned)
    paragraphs = realizer.paragraphs(planned)
    if length == "short":
        # Clauses are chosen inside the one text; their phrases belong to it as well.
        paragraphs = (replace(paragraphs[0], phrase_ids=realizer.used),)
    return Story(
        asset=market.facts.asset,
        at=market.at,
        length=length,
        locale=market.bank.locale,
        stance=shape(market.verdict),
        headline=headline,
        paragraphs=paragraphs,
        footer=footer(market.facts, market.bank),
        image=realizer.image,
    )

"""That a total stands on fewer venues than in the post before: said in the sentence that tells it, marked in the table.

A sum or a weighted mean of five venues is another quantity than that of six: beside the figure of the post before it would
read as a move. A median of what venues tell of one price is not."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from bot.commentary.joining import list_in_words
from bot.commentary.masks import figures_in, sentences
from bot.commentary.names import SpokenMarket
from bot.domain.story import Memory, Story, Text

TOTALS = {
    "open_interest_": "open-interest",
    "liquidations_": "liquidations",
    "funding_": "funding",
    "basis_": "basis",
    "perp_premium_": "premium",
    "skew_": "skew",
    "put_call_": "put-call",
    "option_": "options",
    "protection_": "options",
    "max_pain_": "options",
    "next_expiry_": "options",
    "atm_iv_": "options",
    "iv_term_": "options",
}
"""What is counted or weighed over several venues, by how its metric's name begins: the word for it ("total.funding")."""
OF_VENDORS = ("open_interest_market_usd", "open_interest_cme_usd", "liquidations_max_day_1y_usd")
MOST_NAMED = 3
MARKS = ".!?"

Lost = Mapping[str, tuple[str, ...]]


def say_fewer(text: Text, market: SpokenMarket, memory: Memory) -> Text:
    """A text in which each sentence says which venues its totals lack that the post before had."""
    if "without_venues" not in market.bank.words:  # books of before have no words for it
        return text
    if not _lost_in(text, market, memory):
        return text
    whole, spans, position = "", list(text.spans), 0
    for one in sentences(text):
        start = text.text.index(one.text, position)
        whole += text.text[position:start]
        position = start + len(one.text)
        said = said_of_lost(one, market, memory)
        ends = len(one.text.rstrip(MARKS)) if said else len(one.text)
        whole += f"{one.text[:ends]}{said}{one.text[ends:]}"
        if said:
            spans = [
                replace(span, start=span.start + len(said), end=span.end + len(said))
                if span.start >= len(whole) - len(said)
                else span
                for span in spans
            ]
    return replace(text, text=whole + text.text[position:], spans=tuple(spans))


def said_of_lost(sentence: Text, market: SpokenMarket, memory: Memory) -> str:
    """What is to be said at a sentence's end: ", without Binance this time"; nothing where no venue was lost."""
    words = market.bank.words
    lost = _lost_in(sentence, market, memory)
    if not lost:
        return ""
    if len(set(lost.values())) == 1:
        named = _named(next(iter(lost.values())), words)
        return f", {words['without_venues'].format(named)}"
    parts = []
    for venues in dict.fromkeys(some for some in lost.values() if some):
        totals = [words[f"total.{total}"] for total, some in lost.items() if some == venues]
        parts.append(words["total_without"].format(list_in_words(totals, words), _named(venues, words)))
    return f", {list_in_words(parts, words)}"


def _lost_in(text: Text, market: SpokenMarket, memory: Memory) -> Lost:
    """As `_lost`, of the figures of a text; empty where none of them lost a venue."""
    if memory.last is None:
        return {}
    stems = [span.origin.ref.partition("@")[0].partition(".")[0] for span in figures_in(text)]
    lost = _lost(stems, market, memory)
    return lost if any(lost.values()) else {}


def unsaid(story: Story, market: SpokenMarket, memory: Memory) -> Iterator[str]:
    """Of each sentence that tells a total on fewer venues than the post before and does not say so, its beginning."""
    if "without_venues" not in market.bank.words:
        return
    for text in story.texts:
        if text.slot == "watch" or not _lost_in(text, market, memory):
            continue
        for one in sentences(text):
            said = said_of_lost(one, market, memory)
            if said and not one.text.rstrip(MARKS).endswith(said):
                yield one.text[:60]


def lost_in_table(story: Story, market: SpokenMarket, memory: Memory) -> str:
    """The venues that the totals of a story's table lack and had in the post before, in words; nothing for none."""
    stems = [
        span.origin.ref.partition(".")[0]
        for row in story.table
        for span in row.spans
        if span.origin.kind == "fact"
    ]
    venues = {venue for some in _lost(stems, market, memory).values() for venue in some}
    return _named(tuple(sorted(venues)), market.bank.words)


def has_lost(stem: str, market: SpokenMarket, memory: Memory) -> bool:
    """Whether a metric is a total that stands on fewer venues than in the post before."""
    return any(_lost([stem], market, memory).values())


def _lost(stems: Iterable[str], market: SpokenMarket, memory: Memory) -> Lost:
    """By what some metrics tell ("open-interest") the venues that they stood on in the post before and lack now, where
    they stand on no other ones instead."""
    last, found = memory.last, dict[str, tuple[str, ...]]()
    for stem in stems:
        total = _total(stem)
        fact = market.fact(stem)
        if total is None or fact is None or last is None:
            continue
        before, now = set(last.venues.get(stem, ())), set(fact.venues)
        gone = tuple(sorted(before - now)) if now and now < before else ()
        found[total] = tuple(sorted({*found.get(total, ()), *gone}))
    return found


def is_total(stem: str) -> bool:
    """Whether a metric is counted or weighed over several venues."""
    return _total(stem) is not None


def _total(stem: str) -> str | None:
    if stem in OF_VENDORS:
        return None
    return next((total for prefix, total in TOTALS.items() if stem.startswith(prefix)), None)


def _named(venues: tuple[str, ...], words: Mapping[str, str]) -> str:
    names = [words.get(f"venue.{venue}", venue.capitalize()) for venue in venues]
    if len(names) > MOST_NAMED:
        names = [*names[:MOST_NAMED], words["other_venues"]]
    return list_in_words(names, words)

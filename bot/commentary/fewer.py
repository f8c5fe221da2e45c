"""That a total stands on other venues than in the post before, on fewer or on one that is counted anew: said in the
sentence that tells it, marked in the table.

A sum or a weighted mean of five venues is another quantity than that of six: beside the figure of the post before it would
read as a move. A median of what venues tell of one price is not."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary.joining import list_in_words
from bot.commentary.masks import figures_in, sentences
from bot.commentary.names import SpokenMarket
from bot.commentary.words import venue_name
from bot.domain.readings import VENDORS
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

Sets = Mapping[str, "ChangedSet"]


class ChangedSet(Struct, frozen=True, kw_only=True):
    """The venues that a total lacks and had in the post before, and those that it has and lacked then."""

    gone: tuple[str, ...] = ()
    come: tuple[str, ...] = ()

    def say(self, words: Mapping[str, str], totals: str = "") -> str:
        """In words: "without Binance this time"; nothing where it stands on the same venues."""
        form = "total_{}" if totals else "{}_venues"
        parts = [
            words[form.format(key)].format(*((totals,) if totals else ()), _named(venues, words))
            for key, venues in (("without", self.gone), ("anew", self.come))
            if venues
        ]
        return list_in_words(parts, words)


def say_fewer(text: Text, market: SpokenMarket, memory: Memory) -> Text:
    """A text in which each sentence says which venues its totals lack that the post before had, and which are counted
    anew."""
    if "without_venues" not in market.bank.words:  # books of before have no words for it
        return text
    if not _is_changed(text, market, memory):
        return text
    whole, spans, position = "", list(text.spans), 0
    for one in sentences(text):
        start = text.text.index(one.text, position)
        whole += text.text[position:start]
        position = start + len(one.text)
        said = said_of_venues(one, market, memory)
        ends = len(one.text.rstrip(MARKS)) if said else len(one.text)
        whole += f"{one.text[:ends]}{said}{one.text[ends:]}"
        if said:
            spans = [
                span.shift(len(said)) if span.start >= len(whole) - len(said) else span for span in spans
            ]
    return replace(text, text=whole + text.text[position:], spans=tuple(spans))


def said_of_venues(sentence: Text, market: SpokenMarket, memory: Memory) -> str:
    """What is to be said at a sentence's end: ", without Binance this time"; nothing where its totals stand on the venues
    of the post before."""
    words = market.bank.words
    sets = _sets_in(sentence, market, memory)
    changed = [some for some in dict.fromkeys(sets.values()) if some.gone or some.come]
    if not changed:
        return ""
    if len(set(sets.values())) == 1:
        return f", {changed[0].say(words)}"
    parts = []
    for some in changed:
        totals = [words[f"total.{total}"] for total, own in sets.items() if own == some]
        parts.append(some.say(words, list_in_words(totals, words)))
    return f", {list_in_words(parts, words)}"


def _sets_in(text: Text, market: SpokenMarket, memory: Memory) -> Sets:
    """As `_sets`, of the figures of a text."""
    if memory.last is None:
        return {}
    stems = [span.origin.ref.partition("@")[0].partition(".")[0] for span in figures_in(text)]
    return _sets(stems, market, memory)


def _is_changed(text: Text, market: SpokenMarket, memory: Memory) -> bool:
    """Whether a total in a text stands on other venues than in the post before."""
    return any(some.gone or some.come for some in _sets_in(text, market, memory).values())


def unsaid(story: Story, market: SpokenMarket, memory: Memory) -> Iterator[str]:
    """Of each sentence that tells a total on other venues than the post before and does not say so, its beginning."""
    if "without_venues" not in market.bank.words:
        return
    for text in story.texts:
        if text.slot == "watch" or not _is_changed(text, market, memory):
            continue
        for one in sentences(text):
            said = said_of_venues(one, market, memory)
            if said and not one.text.rstrip(MARKS).endswith(said):
                yield one.text[:60]


def said_of_table(story: Story, market: SpokenMarket, memory: Memory) -> str:
    """The same of the totals of a story's table together; nothing where they stand on the venues of the post before."""
    stems = [
        span.origin.ref.partition(".")[0]
        for row in story.table
        for span in row.spans
        if span.origin.kind == "fact"
    ]
    sets = _sets(stems, market, memory).values()
    gone = tuple(sorted({venue for some in sets for venue in some.gone}))
    come = tuple(sorted({venue for some in sets for venue in some.come}))
    return ChangedSet(gone=gone, come=come).say(market.bank.words)


def stands_otherwise(stem: str, market: SpokenMarket, memory: Memory) -> bool:
    """Whether a metric is a total that stands on fewer venues than in the post before, or on some counted anew."""
    return any(some.gone or some.come for some in _sets([stem], market, memory).values())


def _sets(stems: Iterable[str], market: SpokenMarket, memory: Memory) -> Sets:
    """By what some metrics tell ("open-interest") how the venues that they stand on changed since the post before. One
    whose venues are other ones altogether is another total, and told as its own; but where a vendor counted the whole
    market and does not now, that is said."""
    last, found = memory.last, dict[str, ChangedSet]()
    for stem in stems:
        total = _total(stem)
        fact = market.fact(stem)
        if total is None or fact is None or last is None:
            continue
        before, now = set(last.venues.get(stem, ())), set(fact.venues)
        less, more = bool(now) and now < before, bool(before) and before < now
        lost = before - now if less or (now and before - now <= VENDORS.keys()) else set[str]()
        own = found.get(total, ChangedSet())
        found[total] = ChangedSet(
            gone=tuple(sorted({*own.gone, *lost})),
            come=tuple(sorted({*own.come, *(now - before if more else ())})),
        )
    return found


def is_total(stem: str) -> bool:
    """Whether a metric is counted or weighed over several venues."""
    return _total(stem) is not None


def _total(stem: str) -> str | None:
    if stem in OF_VENDORS:
        return None
    return next((total for prefix, total in TOTALS.items() if stem.startswith(prefix)), None)


def _named(venues: tuple[str, ...], words: Mapping[str, str]) -> str:
    names = [venue_name(venue, words) for venue in venues]
    if len(names) > MOST_NAMED:
        names = [*names[:MOST_NAMED], words["other_venues"]]
    return list_in_words(names, words)

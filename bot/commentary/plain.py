"""The plain card: what goes out where no wording passed the gate. Titles and numbers, nothing that could be
misread."""

from collections.abc import Mapping

from bot.commentary.cards import footer, line
from bot.commentary.joining import join_sentences
from bot.commentary.names import Namer, SpokenMarket
from bot.commentary.shapes import shape
from bot.commentary.terms import Recorder
from bot.commentary.words import several
from bot.domain.story import Length, Origin, Slot, Story, Text


def plain_card(market: SpokenMarket, length: Length, failures: tuple[str, ...]) -> Story:
    """A story of bare figures with the stance's word, marked `plain`; `failures` says why it is one."""
    words, verdict = market.bank.words, market.verdict
    stance = words[f"stance.{shape(verdict)}"] if verdict else words["stance.no-call"]
    recorder = Recorder(words)
    coin = Namer(market=market, recorder=recorder).coin()
    title, spans = recorder.resolve(words["plain_title"].format(coin=coin, stance=stance))
    lines = [
        line(name, market.facts, market.bank) for name in several(words, "plain_facts") if market.fact(name)
    ]
    return Story(
        asset=market.facts.asset,
        at=market.at,
        length=length,
        locale=market.bank.locale,
        stance=shape(verdict) if verdict else "no-call",
        headline=None if length == "short" else Text(slot="headline", about="plain", text=title, spans=spans),
        paragraphs=(join_sentences(lines[:4]),) if lines and length == "short" else tuple(lines),
        footer=footer(market.facts, market.bank),
        plain=True,
        failures=failures,
    )


def plain_text(slot: Slot, about: str, given: Mapping[str, Origin], market: SpokenMarket) -> Text:
    """What was asked, as bare words and numbers."""
    lines = [
        line(origin.ref, market.facts, market.bank)
        for origin in given.values()
        if origin.kind == "fact" and origin.ref.partition(".")[0] in market.bank.metrics
    ]
    if lines:
        whole = join_sentences(lines)
        return Text(slot=slot, about=about, text=whole.text, spans=whole.spans)
    recorder = Recorder(market.bank.words)
    said = [
        recorder.mark(str(origin.value), origin, "text") for origin in given.values() if str(origin.value)
    ]
    text, spans = recorder.resolve(" ".join(said) or market.bank.words["plain_unknown"])
    return Text(slot=slot, about=about, text=text, spans=spans)

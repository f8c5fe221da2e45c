"""A question, an alert of a notice or an error becomes a text. Nothing leaves here that the gate refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import jinja2
from msgspec.structs import replace

from bot.commentary.because import in_words
from bot.commentary.choose import pool, rank_phrases
from bot.commentary.formats import BY_UNIT
from bot.commentary.gate import text_failures
from bot.commentary.joining import join_sentences
from bot.commentary.names import Namer, SpokenMarket
from bot.commentary.path import say_given_way, say_path
from bot.commentary.plain import plain_text
from bot.commentary.templates import render, slots
from bot.commentary.terms import Check, Recorder, Term
from bot.commentary.titles import unit_of
from bot.domain.catalog import VIEWS, Catalog
from bot.domain.facts import Facts
from bot.domain.rulebook import Ranges, RuleBook
from bot.domain.story import Memory, Origin, Phrase, PhraseBank, Slot, Text


def speak(
    *,
    slot: Slot,
    about: str,
    facts: Facts,
    catalog: Catalog,
    book: RuleBook,
    bank: PhraseBank,
    at: datetime,
    names: Mapping[str, Origin] | None = None,
    ranges: Ranges | None = None,
) -> Text:
    """One gated text for an answer, an alert or an error.

    `names` are placeholders of the caller's: an origin of kind fact becomes a term with all its views (`it`:
    the fact that the text is about; `usual` is then its usual range). Of the phrases that can be said now the
    one that says most is taken. Where the fact is stale the text says so with its age, where it is unknown
    with the reason; where no phrase passes, plain words and numbers go out."""
    given = dict(names or {})
    market = SpokenMarket(facts=facts, book=book, bank=bank, at=at, ranges=ranges or {})
    about = _standing(about, given, facts, catalog, bank)
    chosen = (
        pool(bank, slot, about)
        or pool(bank, "answer", about)
        or pool(bank, "answer", about.rpartition("-")[2])
    )
    order = sorted(
        rank_phrases(chosen, Memory(), facts.asset, at), key=lambda phrase: -len(slots(phrase.text).asked)
    )
    for phrase in order:
        if _asks_unknown_view(phrase, given, facts):
            continue
        text = _spoken(phrase, slot, market, given)
        if text is not None and not text_failures(text, market, given=given):
            return text
    return plain_text(slot, about, given, market)


def spoken_together(texts: Sequence[Text]) -> Text:
    """Several texts as one paragraph, which still knows its parts."""
    return replace(join_sentences(list(texts)), parts=tuple(texts))


def _standing(about: str, given: dict[str, Origin], facts: Facts, catalog: Catalog, bank: PhraseBank) -> str:
    """What can be said about the fact in question: itself, its last reading, or why there is none."""
    it = given.get("it")
    if about.endswith(("-stale", "-unknown")):
        return about
    if it is None or it.kind != "fact" or it.ref not in catalog or it.ref in facts.known:
        return about
    if it.ref in facts.stale:
        return f"{about}-stale"
    given.setdefault(
        "reason", Origin(kind="input", ref="reason", value=in_words(facts.why_unknown(it.ref), bank.words))
    )
    return f"{about}-unknown"


def _asks_unknown_view(phrase: Phrase, given: Mapping[str, Origin], facts: Facts) -> bool:
    """Whether a phrase asks for a view of a fact of the caller's that is not known now, so that it could not be said."""
    for name, _ in slots(phrase.text).asked:
        root, _, view = name.partition(".")
        origin = given.get(root) if view in VIEWS else None
        if origin is not None and origin.kind == "fact" and f"{origin.ref}.{view}" not in facts.known:
            return True
    return False


def _spoken(phrase: Phrase, slot: Slot, market: SpokenMarket, given: Mapping[str, Origin]) -> Text | None:
    recorder = Recorder(market.bank.words)
    namer = Namer(market=market, recorder=recorder)
    names = namer.common()
    names |= namer.facts(dict.fromkeys(name for name, _ in slots(phrase.text).asked))
    for name, origin in given.items():
        term = _given_term(name, origin, namer, given)
        if term is not None:
            names[name] = term
        if name == "it" and (band := namer.band_of_fact(origin.ref)) is not None:
            names.setdefault("usual", band)
    try:
        text, spans = recorder.resolve(render(phrase.text, names))
    except (jinja2.TemplateError, KeyError, ValueError):
        return None  # it asks for what is not known now: another phrase is tried
    said = Text(slot=slot, about=phrase.about, text=text, spans=spans, phrase_ids=(phrase.id,))
    return say_path(say_given_way(said, market, given), market, Memory())


def _given_term(name: str, origin: Origin, namer: Namer, given: Mapping[str, Origin]) -> Term | None:
    if origin.kind == "fact" and "@" in origin.ref:
        return _of_another_time(origin, namer, given)
    if origin.kind == "fact":
        stale = namer.market.facts.stale.get(origin.ref)
        term = namer.fact(origin.ref, stale if origin.ref not in namer.market.facts.known else None)
        if term is None and origin.ref.partition(".")[0] in namer.market.bank.metrics:
            return namer.number(Origin(kind="name", ref=origin.ref, value=""), "text")
        return term
    if origin.kind == "date":
        term = namer.moment(origin.ref, datetime.fromisoformat(str(origin.value)))
        return replace(term, origin=origin, dated=origin)
    unit = "count" if origin.kind == "count" else "pct" if isinstance(origin.value, float) else "text"
    return Term(recorder=namer.recorder, origin=origin, unit_filter=unit, title=str(origin.value))


def _of_another_time(origin: Origin, namer: Namer, given: Mapping[str, Origin]) -> Term:
    """A fact's value that is not the one of now ("low_30d_usd@stated"). Beside another value of the same fact
    it is written with as many digits as it takes to tell the two apart."""
    name = origin.ref.partition("@")[0]
    others = {
        float(one.value) for one in given.values() if one.ref.partition("@")[0] == name and "@" in one.ref
    }
    own, known = float(origin.value), namer.market.facts.known.get(name)
    checks = tuple(_nearer(own, other) for other in others - {own})
    term = namer.number(origin, BY_UNIT.get(unit_of(name, namer.market.bank), "text"))
    return replace(term, checks=checks, lower_bound=known is not None and known.lower_bound)


def _nearer(own: float, other: float) -> Check:
    return lambda shown: abs(shown - own) < abs(shown - other)

"""Stories and answers as cards, which every surface renders; the footer, and single figures with their label."""

import math
from datetime import datetime
from typing import Literal

from bot.commentary.formats import BY_UNIT, apply, read
from bot.commentary.names import named_exactly
from bot.commentary.said import in_words
from bot.commentary.terms import Recorder, settle, truthful
from bot.commentary.titles import title_of, unit_of
from bot.domain.catalog import Catalog
from bot.domain.facts import Fact, Facts
from bot.domain.posts import Answer, Card, Figure, Post
from bot.domain.story import Origin, PhraseBank, Span, Text


def number(name: str, value: float, bank: PhraseBank) -> str:
    """A value in the format of its fact's unit: 71500 of `spot_usd` is $71,500."""
    return apply(BY_UNIT.get(unit_of(name, bank), "text"), value, None, bank.words)


def exact(name: str, value: float, bank: PhraseBank) -> str:
    """A line in the format of its fact's unit, with as many digits as it has: 20.05 of `skew_60d_pct` is 20.05%."""
    unit, words = BY_UNIT.get(unit_of(name, bank), "text"), bank.words
    shown = apply(unit, value, settle(unit, value, words, (named_exactly(value),)), words)
    told = read(shown, words)
    return shown if told is not None and math.isclose(told, value, rel_tol=1e-9, abs_tol=1e-9) else f"{value:,.10g}"


def reads_beyond(name: str, value: float, side: Literal["above", "below"], line: float, bank: PhraseBank) -> bool:
    """Whether the value as readers see it, rounded, is on that side of a line."""
    unit, above = BY_UNIT.get(unit_of(name, bank), "text"), side == "above"
    return truthful(unit, value, None, bank.words, (lambda shown: shown > line if above else shown < line,))


def reads_alike(span: Span, one: float, other: float, bank: PhraseBank) -> bool:
    """Whether two values read the same where and as the span shows them."""
    first, second = (apply(span.filter, value, span.digits, bank.words) for value in (one, other))
    return first == second


def figure(name: str, facts: Facts, catalog: Catalog, bank: PhraseBank) -> Figure:
    """A fact as a labeled value: fresh, or the last reading with its time, or unknown with the reason. Raises InputError for
    a name that is no fact."""
    catalog.resolve(name)
    text, spans = _value(name, facts, bank)
    return Figure(label=title_of(name, bank), text=text, spans=spans)


def _value(name: str, facts: Facts, bank: PhraseBank) -> tuple[str, tuple[Span, ...]]:
    recorder, words = Recorder(bank.words), bank.words
    fact = facts.known.get(name) or facts.stale.get(name)
    if fact is None:
        reason = Origin(kind="input", ref=f"why {name} is unknown", value=in_words(facts.why_unknown(name), words))
        return recorder.resolve(words["unknown_value"].format(reason=recorder.mark(str(reason.value), reason, "text")))
    shown = _shown(fact, recorder, bank)
    if name in facts.known:
        return recorder.resolve(shown)
    seen = Origin(kind="date", ref=name, value=fact.at.isoformat())
    when = recorder.mark(apply("moment", str(seen.value), None, words), seen, "moment")
    return recorder.resolve(words["stale_value"].format(value=shown, when=when))


def _shown(fact: Fact, recorder: Recorder, bank: PhraseBank) -> str:
    unit = BY_UNIT.get(unit_of(fact.name, bank), "text")
    origin = Origin(kind="fact", ref=fact.name, value=fact.value)
    shown = recorder.mark(apply(unit, fact.value, None, bank.words), origin, unit)
    shown = f"{bank.words['at_least']} {shown}" if fact.lower_bound else shown
    if unit == "coins":
        shown = f"{shown} {facts_asset(fact, bank)}".rstrip()
    return shown


def facts_asset(fact: Fact, bank: PhraseBank) -> str:
    """The word for coins behind a bare count."""
    return bank.words.get("unit.coins", "")


def line(name: str, facts: Facts, bank: PhraseBank) -> Text:
    """A fact as one line of a plain card: its title and its value."""
    recorder = Recorder(bank.words)
    title = recorder.mark(title_of(name, bank), Origin(kind="name", ref=name, value=title_of(name, bank)), "title")
    value, spans = _value(name, facts, bank)
    head, head_spans = recorder.resolve(bank.words["plain_line"].format(title=title, value="\0"))
    start = head.index("\0")
    moved = tuple(
        Span(
            start=span.start + start, end=span.end + start, text=span.text, origin=span.origin, filter=span.filter,
            digits=span.digits,
        )
        for span in spans
    )  # fmt: skip
    return Text(slot="evidence", about="plain", text=head.replace("\0", value), spans=(*head_spans, *moved))


def footer(facts: Facts, bank: PhraseBank) -> Text:
    """The line under every post and answer: who was heard, when, that it is no advice."""
    words, recorder = bank.words, Recorder(bank.words)
    heard = sorted({venue for fact in facts.of_metrics().values() for venue in fact.venues})
    at = Origin(kind="date", ref="at", value=facts.at.isoformat())
    text = words["footer"].format(
        sources=_sources(heard, facts, recorder, bank),
        at=recorder.mark(apply("moment", str(at.value), None, words), at, "moment"),
        age=_oldest(facts, recorder, bank),
    )
    shown, spans = recorder.resolve(text)
    return Text(slot="footer", about="footer", text=shown, spans=spans)


def _sources(heard: list[str], facts: Facts, recorder: Recorder, bank: PhraseBank) -> str:
    words = bank.words
    if not heard:
        return words["sources_none"]
    named = ", ".join(words.get(f"venue.{venue}", venue.capitalize()) for venue in heard)
    total = max((fact.of_venues for fact in facts.of_metrics().values()), default=0)
    if total < len(heard) or total == 1:
        return named
    ours = recorder.mark(str(len(heard)), Origin(kind="count", ref="venues heard", value=float(len(heard))), "count")
    all_of = recorder.mark(str(total), Origin(kind="count", ref="venues asked", value=float(total)), "count")
    return words["venues"].format(sources=named, n=ours, m=all_of)


def _oldest(facts: Facts, recorder: Recorder, bank: PhraseBank) -> str:
    """The time of the oldest reading that is still judged by, where it is not that of the evaluation."""
    readings = [fact.at for fact in facts.of_metrics().values()]
    oldest: datetime = min(readings, default=facts.at)
    if oldest >= facts.at:
        return ""
    origin = Origin(kind="date", ref="oldest reading", value=oldest.isoformat())
    return bank.words["oldest"].format(
        when=recorder.mark(apply("moment", oldest.isoformat(), None, bank.words), origin, "moment")
    )


def card(post: Post, bank: PhraseBank) -> Card:
    """A post as every surface renders it, what was corrected since first; its footer carries the post's short id, which `/why`
    takes."""
    story, words = post.story, bank.words
    spans: dict[str, tuple[Span, ...]] = {}
    body = words.get(f"reason.{post.reason}", "")
    body_spans: list[Span] = []
    for paragraph in (*post.corrections, *story.paragraphs):
        start = len(body) + 2 if body else 0
        body = f"{body}\n\n{paragraph.text}" if body else paragraph.text
        body_spans += [
            Span(
                start=span.start + start, end=span.end + start, text=span.text, origin=span.origin, filter=span.filter,
                digits=span.digits,
            )
            for span in paragraph.spans
        ]  # fmt: skip
    spans["body"] = tuple(body_spans)
    if story.headline is not None:
        spans["title"] = story.headline.spans
    said = [story.footer.text if story.footer else "", words["post_id"].format(id=post.id)]
    if post.late:
        said.insert(0, words["late"].format(at=apply("moment", post.intended_at.isoformat(), None, words)))
    return Card(
        title=story.headline.text if story.headline else words.get(f"asset.{story.asset}", story.asset),
        body=body,
        footer=" ".join(part for part in said if part),
        stance=story.stance,
        stance_word=words[f"stance.{story.stance}"],
        at=story.at,
        post_id=post.id,
        spans=spans,
    )


def answer_card(answer: Answer) -> Card:
    """An answer as every surface renders it."""
    spans = {"title": answer.title_spans, "body": answer.body_spans}
    spans |= {f"fields.{index}": one.spans for index, one in enumerate(answer.figures)}
    return Card(
        title=answer.title,
        body=answer.body,
        fields=answer.figures,
        footer=answer.footer,
        buttons=answer.buttons,
        private=answer.private,
        spans=spans,
        alt=answer.chart.alt if answer.chart else "",
        direct=answer.direct,
    )


def command_words(bank: PhraseBank, command: str) -> tuple[str, dict[str, str]]:
    """A command's description and its options' descriptions, in the bank's language."""
    prefix = f"option.{command}."
    options = {key.removeprefix(prefix): text for key, text in bank.words.items() if key.startswith(prefix)}
    return bank.words.get(f"command.{command}", command), options

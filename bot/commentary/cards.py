"""Stories and answers as cards, which every surface renders; the footer, and single figures with their
label."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec.structs import replace

from bot.commentary.because import in_words
from bot.commentary.formats import BY_UNIT, apply, read
from bot.commentary.names import named_exactly
from bot.commentary.table import NOT_KNOWN
from bot.commentary.terms import Recorder, settle, truthful
from bot.commentary.titles import title_of, unit_of
from bot.commentary.words import venue_name
from bot.domain.catalog import Catalog
from bot.domain.facts import Fact, Facts, count_venues
from bot.domain.kept import MadeOnce
from bot.domain.posts import Answer, Card, Figure, Post
from bot.domain.readings import VENDORS
from bot.domain.story import WEEK, Origin, PhraseBank, Span, Story, Text

NO_VALUE = "–"
OLD = "*"
AT_LEAST = "≥"
SHORT = "short."
MOST_CELLS = 4096
_CELLS: MadeOnce[PhraseBank, dict[tuple[object, ...], Figure]] = MadeOnce(lambda _: {})
"""Cells of tables that were made in a bank's words: the same reading stands in one answer after the other."""
SMALL = ((0.01, 4), (0.1, 3))  # what funding pays in eight hours has its first digit far behind the point


def number(name: str, value: float, bank: PhraseBank) -> str:
    """A value in the format of its fact's unit: 71500 of `spot_usd` is $71,500."""
    return apply(BY_UNIT.get(unit_of(name, bank), "text"), value, None, bank.words)


def exact(name: str, value: float, bank: PhraseBank) -> str:
    """A line in the format of its fact's unit, with as many digits as it has: 20.05 of `skew_60d_pct` is
    20.05%."""
    unit, words = BY_UNIT.get(unit_of(name, bank), "text"), bank.words
    shown = apply(unit, value, settle(unit, value, words, (named_exactly(value),)), words)
    told = read(shown, words)
    return (
        shown
        if told is not None and math.isclose(told, value, rel_tol=1e-9, abs_tol=1e-9)
        else f"{value:,.10g}"
    )


def reads_beyond(
    name: str, value: float, side: Literal["above", "below"], line: float, bank: PhraseBank
) -> bool:
    """Whether the value as readers see it, rounded, is on that side of a line."""
    unit, above = BY_UNIT.get(unit_of(name, bank), "text"), side == "above"
    return truthful(unit, value, None, bank.words, (lambda shown: shown > line if above else shown < line,))


def reads_alike(span: Span, one: float, other: float, bank: PhraseBank) -> bool:
    """Whether two values read the same where and as the span shows them."""
    first, second = (apply(span.filter, value, span.digits, bank.words) for value in (one, other))
    return first == second


def figure(name: str, facts: Facts, catalog: Catalog, bank: PhraseBank) -> Figure:
    """A fact as a labeled value: fresh, or the last reading with its time, or unknown with the reason. Raises
    InputError for a name that is no fact."""
    catalog.resolve(name)
    text, spans = _value(name, facts, bank)
    return Figure(label=title_of(name, bank), text=text, spans=spans)


def cell(name: str, facts: Facts, catalog: Catalog, bank: PhraseBank) -> Figure:
    """A fact as a cell of a table: in as few letters as it takes ($35.8bn), a star behind the last reading of what has
    grown old, a dash for what is not known. A change has its sign. Raises InputError for a name that is no fact."""
    catalog.resolve(name)
    fact = facts.known.get(name)
    fresh = fact is not None
    fact = fact or facts.stale.get(name)
    if fact is None:
        return Figure(label=title_of(name, bank), text=NO_VALUE)
    kept, key = _CELLS.get(bank), (name, str(fact.value), fact.lower_bound, fresh)
    if key in kept:
        return kept[key]
    if len(kept) >= MOST_CELLS:
        kept.clear()
    made = kept[key] = _cell(name, fact, bank, fresh=fresh)
    return made


def _cell(name: str, fact: Fact, bank: PhraseBank, *, fresh: bool) -> Figure:
    words = short_words(bank)
    recorder, unit = Recorder(words), BY_UNIT.get(unit_of(name, bank), "text")
    digits = (
        next((places for below, places in SMALL if abs(fact.value) < below), None) if unit == "pct" else None
    )
    shown = apply(unit, fact.value, digits, words).strip()
    if _is_change(name) and fact.value > 0 and any(digit in shown for digit in "123456789"):
        shown = f"+{shown}"
    marked = recorder.mark(shown, Origin(kind="fact", ref=name, value=fact.value), unit, digits)
    text = f"{AT_LEAST if fact.lower_bound else ''}{marked}{'' if fresh else OLD}"
    text, spans = recorder.resolve(text)
    return Figure(label=title_of(name, bank), text=text, spans=spans)


def word_text(key: str, bank: PhraseBank, names: Mapping[str, tuple[Origin, str]]) -> Text:
    """One of the bank's words with its places filled: each by an origin's value in a format."""
    recorder = Recorder(bank.words)
    filled = {
        name: recorder.mark(apply(form, origin.value, None, bank.words), origin, form)
        for name, (origin, form) in names.items()
    }
    text, spans = recorder.resolve(bank.words[key].format(**filled))
    return Text(slot="answer", about=key, text=text, spans=spans)


def date_line(
    key: str, at: datetime, bank: PhraseBank, *, fact: Fact | None = None, day: bool = False
) -> Figure:
    """A line of small print with a time in it ("{when}"), to the day or to the minute, and with a fact's value ("{value}")
    where there is one."""
    recorder, form = Recorder(bank.words), "date" if day else "moment"
    seen = Origin(kind="date", ref=key, value=at.isoformat())
    when = recorder.mark(apply(form, at.isoformat(), None, bank.words), seen, form)
    value = _shown(fact, recorder, bank) if fact is not None else ""
    text, spans = recorder.resolve(bank.words[key].format(when=when, value=value))
    return Figure(label="", text=text, spans=spans)


def range_cell(ladder: str, low: float, high: float, name: str, bank: PhraseBank) -> Figure:
    """The usual range of a ladder as a cell of a table, in the unit of the fact that it judges."""
    kept, key = _CELLS.get(bank), (name, ladder, str(low), str(high))
    if key in kept:
        return kept[key]
    if len(kept) >= MOST_CELLS:
        kept.clear()
    made = kept[key] = _range_cell(ladder, low, high, name, bank)
    return made


def _range_cell(ladder: str, low: float, high: float, name: str, bank: PhraseBank) -> Figure:
    words = short_words(bank)
    recorder, unit = Recorder(words), BY_UNIT.get(unit_of(name, bank), "text")
    ends = {
        side: recorder.mark(
            apply(unit, value, None, words).strip(),
            Origin(kind="usual", ref=f"{ladder}:{side}", value=value),
            unit,
        )
        for side, value in (("low", low), ("high", high))
    }
    text, spans = recorder.resolve(words["short.range"].format(**ends))
    return Figure(label=words["row.usual"], text=text, spans=spans)


def short_words(bank: PhraseBank) -> Mapping[str, str]:
    """The bank's words, with the short ones ("short.unit.billion") in place of those that are written out."""
    return _SHORTENED.get(bank.words)


def _shorten(words: Mapping[str, str]) -> Mapping[str, str]:
    short = {key.removeprefix(SHORT): text for key, text in words.items() if key.startswith(SHORT)}
    return {**words, **short}


_SHORTENED: MadeOnce[Mapping[str, str], Mapping[str, str]] = MadeOnce(_shorten)


def _is_change(name: str) -> bool:
    stem, _, suffix = name.partition(".")
    return suffix.startswith("change_") or (not suffix and "_effect" in stem)


def _value(name: str, facts: Facts, bank: PhraseBank) -> tuple[str, tuple[Span, ...]]:
    recorder, words = Recorder(bank.words), bank.words
    fact = facts.known.get(name) or facts.stale.get(name)
    if fact is None:
        reason = Origin(
            kind="input", ref=f"why {name} is unknown", value=in_words(facts.why_unknown(name), words)
        )
        return recorder.resolve(
            words["unknown_value"].format(reason=recorder.mark(str(reason.value), reason, "text"))
        )
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
    title = recorder.mark(
        title_of(name, bank), Origin(kind="name", ref=name, value=title_of(name, bank)), "title"
    )
    value, spans = _value(name, facts, bank)
    head, head_spans = recorder.resolve(bank.words["plain_line"].format(title=title, value="\0"))
    start = head.index("\0")
    moved = (span.shift(start) for span in spans)
    return Text(slot="evidence", about="plain", text=head.replace("\0", value), spans=(*head_spans, *moved))


def footer(facts: Facts, bank: PhraseBank) -> Text:
    """The line under every post and answer: who was heard, when, that it is no advice."""
    words, recorder = bank.words, Recorder(bank.words)
    at = Origin(kind="date", ref="at", value=facts.at.isoformat())
    text = words["footer"].format(
        sources=_sources(facts, recorder, bank),
        at=recorder.mark(apply("moment", str(at.value), None, words), at, "moment"),
        age=_oldest(facts, recorder, bank),
    )
    shown, spans = recorder.resolve(text)
    return Text(slot="footer", about="footer", text=shown, spans=spans)


def _sources(facts: Facts, recorder: Recorder, bank: PhraseBank) -> str:
    words = bank.words
    told = facts.of_metrics().values()
    count = count_venues(told, VENDORS)
    sources, heard, expected = count.sources, count.heard, count.expected
    if (
        "{heard}" not in words["venues"]
    ):  # words of before: each market a source, and none named that was missing
        sources = tuple(sorted({venue for fact in told for venue in fact.venues}))
        heard, expected = len(sources), max((fact.of_venues for fact in told), default=0)
    if not sources:
        return words["sources_none"]
    named = ", ".join(venue_name(venue, words) for venue in sources)
    if expected < heard or expected <= 1:
        return named
    ours = recorder.mark(str(heard), Origin(kind="count", ref="venues heard", value=float(heard)), "count")
    all_of = recorder.mark(
        str(expected), Origin(kind="count", ref="venues asked", value=float(expected)), "count"
    )
    return words["venues"].format(sources=named, n=ours, m=all_of, heard=ours, expected=all_of)


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
    """A post as every surface renders it, what was corrected since first; its footer carries the post's short
    id, which `/why` takes."""
    story, words = post.story, bank.words
    spans: dict[str, tuple[Span, ...]] = {}
    body = words.get(f"reason.{post.reason}", "")
    body_spans: list[Span] = []
    for paragraph in (*post.corrections, *story.paragraphs):
        start = len(body) + 2 if body else 0
        body = f"{body}\n\n{paragraph.text}" if body else paragraph.text
        body_spans += [span.shift(start) for span in paragraph.spans]
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
        stance_word=story.tag.text if story.tag else words[f"stance.{story.stance}"],
        at=story.at,
        post_id=post.id,
        spans=spans,
        table=rows(story, bank),
        notes=table_notes(story, bank),
    )


COLUMNS = ("name", "now", "before", "rank", "usual")
WEEK_COLUMNS = ("name", "now", "week_ago", "rank", "usual")


def rows(story: Story, bank: PhraseBank) -> tuple[tuple[str, ...], ...]:
    """A story's table as cells, its head first; nothing where it has none."""
    if not story.table:
        return ()
    cells = tuple(tuple(row.text.split("\t")) for row in story.table)
    names = WEEK_COLUMNS if story.kind == WEEK else COLUMNS
    return (tuple(bank.words[f"column.{name}"] for name in names[: len(cells[0])]), *cells)


def table_notes(story: Story, bank: PhraseBank) -> tuple[Figure, ...]:
    """What the column of ranks counts, under a table that has one, and in what rows are counted whose name does not say
    it."""
    place = COLUMNS.index("rank")
    cells = [row.text.split("\t") for row in story.table]
    named = {span.origin.ref.removeprefix("short.") for row in story.table for span in row.spans}
    ranked = any(len(row) > place and row[place] != NOT_KNOWN for row in cells)
    said = [
        bank.words.get("table_note") if ranked else None,
        bank.words.get("table_note_vs") if any(name.startswith("vs_") for name in named) else None,
        *(bank.words.get(f"table_note.{name}") for name in sorted(named)),
    ]
    notes = " ".join(note for note in said if note)
    return (Figure(label="", text=notes),) if notes else ()


def in_columns(table: tuple[tuple[str, ...], ...], columns: int = 4) -> str:
    """The first columns of a table as lines of equal letters, the first flush left and the others flush right."""
    cells = [row[:columns] for row in table]
    widths = [max(len(row[column]) for row in cells) for column in range(min(columns, len(cells[0])))]
    lines = [
        " ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join(lines)


def answer_card(answer: Answer) -> Card:
    """An answer as every surface renders it: what stands alone (its title, its labels) begins with a capital letter."""
    spans = {"title": answer.title_spans, "body": answer.body_spans}
    spans |= {f"fields.{index}": one.spans for index, one in enumerate(answer.figures)}
    return Card(
        title=_capital(answer.title),
        body=answer.body,
        lead=answer.lead,
        tables=answer.tables,
        notes=answer.notes,
        fields=tuple(replace(one, label=_capital(one.label)) for one in answer.figures),
        footer=answer.footer,
        stance=answer.stance,
        stance_word=answer.stance_word,
        at=answer.at,
        buttons=tuple(replace(one, label=_capital(one.label)) for one in answer.buttons),
        private=answer.private,
        spans=spans,
        alt=answer.chart.alt if answer.chart else "",
        direct=answer.direct,
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def command_words(bank: PhraseBank, command: str) -> tuple[str, dict[str, str]]:
    """A command's description and its options' descriptions, in the bank's language."""
    prefix = f"option.{command}."
    options = {key.removeprefix(prefix): text for key, text in bank.words.items() if key.startswith(prefix)}
    return bank.words.get(f"command.{command}", command), options

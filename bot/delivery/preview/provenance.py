"""What each number of a card stands on: the fact behind it, when it was observed, which venues, how it is
worked out."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from bot.domain.catalog import Catalog
from bot.domain.facts import Fact, Facts
from bot.domain.posts import Card, Figure
from bot.domain.story import Span


class VenueValue(Struct, frozen=True, kw_only=True):
    """What one venue alone said of a metric."""

    venue: str
    value: float
    at: datetime


class CardBasis(Struct, frozen=True, kw_only=True):
    """What the numbers of a card stand on: the facts of a time, and each venue's own values behind them, by
    metric."""

    at: datetime
    facts: Mapping[str, Fact] = field(default_factory=dict)
    own: Mapping[str, tuple[VenueValue, ...]] = field(default_factory=dict)


class Provenance(Struct, frozen=True, kw_only=True):
    """One number as it is shown, and where it comes from. `number` is its place in the card, from 1; `age`
    how old it was then; `own` what each venue said where several did.

    The fact's own fields are None for a number that is no fact (a threshold, a date, a count).
    """

    number: int
    text: str
    kind: str
    ref: str
    value: float | str
    unit: str | None = None
    at: datetime | None = None
    age: timedelta | None = None
    venues: tuple[str, ...] = ()
    of_venues: int = 0
    own: tuple[VenueValue, ...] = ()
    formula: str | None = None

    @property
    def reading(self) -> str:
        """The metric that the number is of; nothing for a number that is none's."""
        return self.ref.partition(".")[0] if self.kind == "fact" and self.formula else ""


class TextPiece(Struct, frozen=True, kw_only=True):
    """A stretch of text: plain, a moment in time, or a number with its ground."""

    text: str
    moment: str | None = None
    ground: Provenance | None = None


Part = tuple[tuple[TextPiece, ...], ...]
"""A part of a card: its paragraphs, each cut into pieces."""


def cut(card: Card, basis: CardBasis, catalog: Catalog) -> tuple[dict[str, Part], tuple[Provenance, ...]]:
    """The card's title, body, fields and footer cut into pieces, and the grounds of all its numbers in
    reading order."""
    cutter = _Cutter(basis=basis, catalog=catalog)
    parts = {name: tuple(cutter.paragraphs(text, spans)) for name, text, spans in _texts(card)}
    return parts, tuple(cutter.grounds)


def by_name(facts: Facts) -> Mapping[str, Fact]:
    """Fresh and stale facts in one."""
    return {**facts.stale, **facts.known}


def own_of(evidence: Mapping[str, object]) -> Mapping[str, tuple[VenueValue, ...]]:
    """The venues' own values in a post's evidence, by metric. What is of another shape is left out: it
    explains nothing."""
    found: dict[str, tuple[VenueValue, ...]] = {}
    points = evidence.get("points")
    for point in points if isinstance(points, list) else ():
        try:
            one = VenueValue(
                venue=str(point["venue"]), value=float(point["value"]), at=datetime.fromisoformat(point["at"])
            )
            found[point["metric"]] = (*found.get(point["metric"], ()), one)
        except (KeyError, TypeError, ValueError):
            continue
    return found


def cells(card: Card) -> Iterator[tuple[str, Figure]]:
    """Each cell of the card's tables, and the name of its part: "tables.0.2.1" is the second cell of the first table's
    third line."""
    for number, table in enumerate(card.tables):
        for line, row in enumerate(table.rows):
            for place, one in enumerate(row.cells):
                yield f"tables.{number}.{line}.{place}", one


def _texts(card: Card) -> Iterator[tuple[str, str, tuple[Span, ...]]]:
    for name, text in (("title", card.title), ("body", card.body), ("footer", card.footer)):
        yield name, text, card.spans.get(name, ())
    if card.lead is not None:
        yield "lead", card.lead.text, card.lead.spans
    for part, one in cells(card):
        yield part, one.text, one.spans
    for number, note in enumerate(card.notes):
        yield f"notes.{number}", note.text, note.spans
    for number, figure in enumerate(card.fields):
        yield f"fields.{number}", figure.text, figure.spans or card.spans.get(f"fields.{number}", ())


class _Cutter(Struct, frozen=True, kw_only=True):
    """Cuts the texts of one card, and numbers their grounds."""

    basis: CardBasis
    catalog: Catalog
    grounds: list[Provenance] = field(default_factory=list)

    def paragraphs(self, text: str, spans: tuple[Span, ...]) -> Iterator[tuple[TextPiece, ...]]:
        start = 0
        for paragraph in text.split("\n\n"):
            end = start + len(paragraph)
            own = sorted(
                (span for span in spans if start <= span.start and span.end <= end),
                key=lambda span: span.start,
            )
            yield tuple(self.pieces(text, start, end, own))
            start = end + 2

    def pieces(self, text: str, start: int, end: int, spans: list[Span]) -> Iterator[TextPiece]:
        position = start
        for span in spans:
            if span.start < position or text[span.start : span.end] != span.text:
                continue  # a span that does not fit its text explains nothing
            if span.start > position:
                yield TextPiece(text=text[position : span.start])
            yield self.piece(span)
            position = span.end
        if position < end:
            yield TextPiece(text=text[position:end])

    def piece(self, span: Span) -> TextPiece:
        if span.origin.kind == "date":
            # Only a time of day is turned into the reader's own: a day alone stays the day that it was in
            # UTC.
            timed = span.filter in ("moment", "clock")
            return TextPiece(text=span.text, moment=str(span.origin.value) if timed else None)
        if span.origin.kind in ("name", "identifier", "input"):
            return TextPiece(text=span.text)
        self.grounds.append(self.ground(span))
        return TextPiece(text=span.text, ground=self.grounds[-1])

    def ground(self, span: Span) -> Provenance:
        origin, number = span.origin, len(self.grounds) + 1
        if origin.kind != "fact" or origin.ref not in self.catalog:
            return Provenance(
                number=number, text=span.text, kind=origin.kind, ref=origin.ref, value=origin.value
            )
        name, fact = self.catalog.resolve(origin.ref), self.basis.facts.get(origin.ref)
        own = self.basis.own.get(origin.ref, ())
        if fact is not None and fact.value != origin.value:
            # One venue's number beside the whole: its own time and name, not those of all.
            alone = next((one for one in own if one.value == origin.value), None)
            fact = (
                Fact(name=origin.ref, value=alone.value, at=alone.at, venues=(alone.venue,), of_venues=1)
                if alone
                else None
            )
            own = ()
        return Provenance(
            number=number,
            text=span.text,
            kind=origin.kind,
            ref=origin.ref,
            value=origin.value,
            unit=name.unit,
            at=fact.at if fact else None,
            age=self.basis.at - fact.at if fact else None,
            venues=fact.venues if fact else (),
            of_venues=fact.of_venues if fact else 0,
            own=own if len(own) > 1 else (),
            formula=name.metric.formula,
        )

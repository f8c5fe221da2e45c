"""What a post claims, sentence by sentence, and the reading behind each figure.

A sentence stands on what its spans lead to: facts (with their time and venues), thresholds and usual ranges of the rule
files, counts and dates of the verdict, names of readings. One without any is `bare`."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from bot.commentary.masks import sentences
from bot.commentary.rubric import ToldPost
from bot.domain.facts import Facts
from bot.domain.story import OriginKind, Span, Text

TOLD = "@last post"


class ClaimedFigure(Struct, frozen=True, kw_only=True):
    """A piece of a sentence as shown, and what it comes from: for a fact its value, when it was measured and by whom
    (None and nothing for what an earlier post told, and for what is no fact)."""

    text: str
    kind: OriginKind
    ref: str
    value: float | str
    at: datetime | None
    venues: tuple[str, ...]


class ClaimedSentence(Struct, frozen=True, kw_only=True):
    """One sentence of a post, with the part of the post that it stands in and the figures that it holds."""

    slot: str
    sentence: str
    figures: tuple[ClaimedFigure, ...]

    @property
    def bare(self) -> bool:
        """Whether nothing that was measured or counted stands behind it."""
        return all(figure.kind == "name" and not figure.ref.startswith("called.") for figure in self.figures)


def claims(post: ToldPost) -> tuple[ClaimedSentence, ...]:
    """All sentences of a post, in reading order: headline, paragraphs, then the rows of the table."""
    told = [one for text in post.story.texts for one in sentences(text)]
    return tuple(
        ClaimedSentence(slot=one.slot, sentence=one.text, figures=tuple(_figures(one, post.facts)))
        for one in (*told, *post.story.table)
    )


def groundless(post: ToldPost) -> Iterator[ClaimedFigure]:
    """The figures of a post that lead to no reading: a fact that is not known, that no venue told, or that reads
    otherwise."""
    for claim in claims(post):
        for figure in claim.figures:
            if figure.kind != "fact" or figure.ref.endswith(TOLD):
                continue
            if "@" in figure.ref:
                if not _was_read(figure, post.facts):
                    yield figure
                continue
            fact = post.facts.get(figure.ref)
            if fact is None or fact.value != figure.value or not figure.venues:
                yield figure


def _was_read(figure: ClaimedFigure, facts: Facts) -> bool:
    """Whether a figure of the way between two posts is what was read at its time."""
    name, _, when = figure.ref.partition("@")
    trail = facts.trails.get(name)
    points = (*trail.highs, *trail.lows) if trail is not None else ()
    return any(point.at.isoformat() == when and point.value == figure.value for point in points)


def _figures(sentence: Text, facts: Facts) -> Iterator[ClaimedFigure]:
    for span in sorted(sentence.spans, key=lambda span: span.start):
        yield _figure(span, facts)


def _figure(span: Span, facts: Facts) -> ClaimedFigure:
    ref = span.origin.ref
    known = facts.get(ref) if span.origin.kind == "fact" else None
    whole = facts.get(ref.partition(".")[0]) if known is not None else None
    venues = (known.venues or (whole.venues if whole is not None else ())) if known is not None else ()
    return ClaimedFigure(
        text=span.text,
        kind=span.origin.kind,
        ref=ref,
        value=span.origin.value,
        at=known.at if known is not None else None,
        venues=venues,
    )

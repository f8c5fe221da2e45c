"""Words for a verdict, and where each number in them comes from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Length = Literal["short", "embed", "article"]

Slot = Literal[
    "headline", "standfirst", "lead", "evidence", "meaning", "limit", "still", "changed", "sowhat", "watch", "close",
    "short", "alert", "clear", "outage", "back", "late", "correction", "answer", "explain", "weekly", "watch-dm", "error",
    "missing", "footer",
]  # fmt: skip

OriginKind = Literal[
    "fact", "threshold", "usual", "count", "date", "name", "setting", "input", "identifier", "treasury"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a numeral in a text comes from.

    ==========  =======================================================================================
    kind        ref, and what `value` is
    ==========  =======================================================================================
    fact        a fact's name; its value (the fact leads to a reading, `/why` follows it)
    threshold   "rule:step side" as in the rule file; the number in force
    usual       "ladder:low" or "ladder:high"; the end of the usual range in force
    count       what is counted ("venues", "families", "suppressed"); the count
    date        what it dates (a fact's name, "at", "last post"); ISO 8601
    name        a metric's own name ("60-day skew"); the numeral in it
    setting     a setting's key; its value
    input       the reader's own words; as typed
    identifier  a post id, a version, a hash; itself
    treasury    "holder:field" of config/treasuries.toml; the figure there
    ==========  =======================================================================================
    """

    kind: OriginKind
    ref: str
    value: float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of one text, `start` to `end` (characters), that a filter made from an origin. `filter` is the filter's name,
    `digits` the decimals or figures it was shown with: the gate applies it afresh to the origin and compares."""

    start: int
    end: int
    text: str
    origin: Origin
    filter: str
    digits: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """One piece of running text (a headline, a paragraph) with the spans of its numerals and the slot it fills. `given` are
    names that whoever had it said brought along, where the facts alone do not lead to it, `parts` the pieces of a paragraph
    of several: with them it can be said again."""

    slot: Slot
    about: str
    text: str
    spans: tuple[Span, ...] = ()
    phrase_ids: tuple[str, ...] = ()
    given: tuple[tuple[str, Origin], ...] = ()
    parts: "tuple[Text, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A verdict in words. `plain` is True for the card of numbers that goes out where a text did not pass the gate;
    `failures` then says why. `short` has one text and no headline."""

    asset: str
    at: datetime
    length: Length
    locale: str
    stance: str
    headline: Text | None
    paragraphs: tuple[Text, ...]
    footer: Text | None = None
    image: str | None = None
    plain: bool = False
    failures: tuple[str, ...] = ()

    @property
    def texts(self) -> tuple[Text, ...]:
        """Headline (if any), then paragraphs, without the footer."""
        return ((self.headline,) if self.headline else ()) + self.paragraphs

    @property
    def spans(self) -> tuple[Span, ...]:
        """All spans, in reading order; offsets are within their own text."""
        return tuple(span for text in self.texts for span in text.spans)

    @property
    def phrase_ids(self) -> tuple[str, ...]:
        """The phrases that were used, in reading order."""
        return tuple(name for text in self.texts for name in text.phrase_ids)

    @property
    def body(self) -> str:
        """The paragraphs, a blank line between them."""
        return "\n\n".join(paragraph.text for paragraph in self.paragraphs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One string of the phrase bank: what it is for, what it is about, and its template."""

    id: str
    slot: Slot
    about: str
    text: str
    image: str | None = None
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricWords:
    """A metric's words in one language: its title ("60-day put-call skew"), its meaning in one sentence, and the three
    sentences that `/explain` gives. `unit` is the catalog's; `cues` are the words by which a reader of any text knows that
    a number speaks of this metric."""

    name: str
    title: str
    meaning: str
    explain: str = ""
    unit: str = ""
    cues: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseBank:
    """All words of one language. `words` holds the fixed small words by key (units, joiners, stance names, direction words);
    `images` the vocabulary of each metaphor; `windows` the number of posts within which a slot's phrase does not return."""

    locale: str
    phrases: tuple[Phrase, ...]
    metrics: Mapping[str, MetricWords]
    words: Mapping[str, str]
    images: Mapping[str, tuple[str, ...]]
    windows: Mapping[str, int]
    hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the memory keeps of one post: when, its stance, the phrases it used, its texts with numbers masked (for the
    overlap limits), its findings, and the value of each fact it told."""

    at: datetime
    stance: str
    phrase_ids: tuple[str, ...]
    masked: str
    findings: tuple[str, ...]
    figures: Mapping[str, float]
    image: str | None = None
    length: Length = "embed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The last posts of one asset and profile, oldest first: what phrase choice and "what changed" look at."""

    told: tuple[Told, ...] = field(default=())

    @property
    def last(self) -> Told | None:
        """The last post, if any."""
        return self.told[-1] if self.told else None

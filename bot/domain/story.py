"""Words for a verdict, and where each number in them comes from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

Length = Literal["short", "embed", "article"]

Slot = Literal[
    "headline",
    "standfirst",
    "lead",
    "evidence",
    "meaning",
    "limit",
    "still",
    "changed",
    "sowhat",
    "watch",
    "close",
    "short",
    "alert",
    "clear",
    "outage",
    "back",
    "late",
    "correction",
    "answer",
    "explain",
    "weekly",
    "event",
    "watch-dm",
    "error",
    "missing",
    "footer",
    "frame",
    "clause",
]

OriginKind = Literal[
    "fact", "threshold", "usual", "count", "date", "name", "setting", "input", "identifier", "treasury"
]


WEEK = "weekly"
"""The kind of a story that reviews a week: the table under it looks seven days back."""


class Origin(Struct, frozen=True, kw_only=True):
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


class Span(Struct, frozen=True, kw_only=True):
    """A stretch of one text, `start` to `end` (characters), that a filter made from an origin. `filter` is
    the filter's name, `digits` the decimals or figures it was shown with: the gate applies it afresh to the
    origin and compares."""

    start: int
    end: int
    text: str
    origin: Origin
    filter: str
    digits: int | None = None

    def shift(self, by: int) -> "Span":
        """The same stretch so many characters further on, where its text became a part of a longer one."""
        return replace(self, start=self.start + by, end=self.end + by)


class Text(Struct, frozen=True, kw_only=True):
    """One piece of running text (a headline, a paragraph) with the spans of its numerals and the slot it
    fills. `given` are names that whoever had it said brought along, where the facts alone do not lead to it,
    `parts` the pieces of a paragraph of several: with them it can be said again."""

    slot: Slot
    about: str
    text: str
    spans: tuple[Span, ...] = ()
    phrase_ids: tuple[str, ...] = ()
    given: tuple[tuple[str, Origin], ...] = ()
    parts: "tuple[Text, ...]" = ()


class Story(Struct, frozen=True, kw_only=True):
    """A verdict in words. `plain` is True for the card of numbers that goes out where a text did not pass the
    gate; `failures` then says why. `short` has one text and no headline.

    `kind` is the story that was told ("contradiction", "calm", …; "" where the words of the time knew none), `alert`
    that it has the form of one. `tag` stands above the headline: the stance, how sure, how old, where it goes. `table`
    are the readings that earned no sentence: of each row the cells (name, now, a day ago, rank in its year, usual
    range), parted by tabs."""

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
    kind: str = ""
    alert: bool = False
    tag: Text | None = None
    table: tuple[Text, ...] = ()

    @property
    def texts(self) -> tuple[Text, ...]:
        """Headline (if any), then paragraphs, without the footer."""
        return ((self.headline,) if self.headline else ()) + self.paragraphs

    @property
    def spans(self) -> tuple[Span, ...]:
        """All spans, in reading order, those of the table last; offsets are within their own text."""
        return tuple(span for text in (*self.texts, *self.table) for span in text.spans)

    @property
    def phrase_ids(self) -> tuple[str, ...]:
        """The phrases that were used, in reading order."""
        return tuple(name for text in self.texts for name in text.phrase_ids)

    @property
    def body(self) -> str:
        """The paragraphs, a blank line between them."""
        return "\n\n".join(paragraph.text for paragraph in self.paragraphs)


class Phrase(Struct, frozen=True, kw_only=True):
    """One string of the phrase bank: what it is for, what it is about, and its template."""

    id: str
    slot: Slot
    about: str
    text: str
    image: str | None = None
    file: str = ""


class Frame(Struct, frozen=True, kw_only=True):
    """How one story can be told: for each place in a post ("lead", "second", "headline" …) its sentences, each with
    slots for clauses on readings of different families."""

    id: str
    story: str
    places: Mapping[str, tuple[str, ...]]
    file: str = ""


class Clauses(Struct, frozen=True, kw_only=True):
    """What can be said of one reading in one situation ("skew.high-rose"): by form ("say" within a sentence, "head"
    in a headline, "brief" in a short, "article" as a paragraph) the wordings, the fullest first."""

    about: str
    forms: Mapping[str, tuple[str, ...]]
    file: str = ""


class MetricWords(Struct, frozen=True, kw_only=True):
    """A metric's words in one language: its title ("60-day put-call skew"), its meaning in one sentence, and
    the three sentences that `/explain` gives. `unit` is the catalog's; `cues` are the words by which a reader
    of any text knows that a number speaks of this metric."""

    name: str
    title: str
    meaning: str
    explain: str = ""
    unit: str = ""
    cues: tuple[str, ...] = ()


class PhraseBank(Struct, frozen=True, kw_only=True):
    """All words of one language. `words` holds the fixed small words by key (units, joiners, stance names,
    direction words); `images` the vocabulary of each metaphor; `windows` the number of posts within which a
    slot's phrase does not return. Banks with `frames` and `clauses` tell verdicts by stories; those of earlier editions
    have none and are told the old way (`bot.commentary.old`)."""

    locale: str
    phrases: tuple[Phrase, ...]
    metrics: Mapping[str, MetricWords]
    words: Mapping[str, str]
    images: Mapping[str, tuple[str, ...]]
    windows: Mapping[str, int]
    hash: str = ""
    frames: tuple[Frame, ...] = ()
    clauses: Mapping[str, Clauses] = field(default_factory=dict)


class RememberedPost(Struct, frozen=True, kw_only=True):
    """What the memory keeps of one post: when, its stance, the phrases it used, its texts with numbers masked
    (for the overlap limits), its findings, and the value of each fact it told.

    `told` are the metrics that its prose told, `sentences` its sentences of lead and second finding with figures and
    names masked, `kind` its story, `venues` those that each of its figures stood on, `exits` the moves that it named as
    changing the verdict (`exit_key`)."""

    at: datetime
    stance: str
    phrase_ids: tuple[str, ...]
    masked: str
    findings: tuple[str, ...]
    figures: Mapping[str, float]
    image: str | None = None
    length: Length = "embed"
    told: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    kind: str = ""
    venues: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    exits: tuple[str, ...] = ()

    @property
    def is_alert(self) -> bool:
        """Whether it had the form of an alert."""
        return any("/alert-" in name for name in self.phrase_ids)


def exit_key(rule: str, fact: str, end: float) -> str:
    """A move that would change a verdict, as posts remember having named it."""
    return f"{rule}:{fact} {end:.6g}"


class Memory(Struct, frozen=True, kw_only=True):
    """The last posts of one asset and profile, oldest first: what phrase choice and "what changed" look
    at. `of_day`: for a post that tells the day, and is compared with the last one that did, not with an alert since."""

    told: tuple[RememberedPost, ...] = field(default=())
    of_day: bool = False

    @property
    def compared(self) -> RememberedPost | None:
        """The post that things are compared with, if any."""
        if not self.of_day:
            return self.last
        return next((post for post in reversed(self.told) if not post.is_alert), None)

    @property
    def last(self) -> RememberedPost | None:
        """The last post, if any."""
        return self.told[-1] if self.told else None

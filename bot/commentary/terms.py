"""What a phrase's placeholder stands for: a value with its origin, and the recorder that keeps where each
numeral went.

A filter wraps the text that it makes in private-use characters; after rendering these are taken out again and
become spans. So the span is recorded by the very act that writes the number."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from msgspec import Struct, field

from bot.commentary.formats import DATES, MAX_DIGITS, NAMES, Value, Words, apply, read
from bot.domain.story import Origin, Span

OPEN, SHUT, FIRST = "\ue000", "\ue001", 0xE100
_MARKED = re.compile(f"{OPEN}(.)(.*?){SHUT}", re.DOTALL)
_PRIVATE = re.compile("[\ue000-\uf8ff]")

Check = Callable[[float], bool]

FIRST_MORE: Mapping[str, int] = {"usd": 4, "usd_size": 4, "ratio": 3}


class Recorder(Struct):
    """Keeps the origin, filter and digits of each number while a text is rendered."""

    words: Words
    kept: list[tuple[Origin, str, int | None]] = field(default_factory=list)

    def mark(self, text: str, origin: Origin, name: str, digits: int | None = None) -> str:
        """The text, wrapped so that it becomes a span."""
        self.kept.append((origin, name, digits))
        return f"{OPEN}{chr(FIRST + len(self.kept) - 1)}{_PRIVATE.sub('', text)}{SHUT}"

    def resolve(self, rendered: str) -> tuple[str, tuple[Span, ...]]:
        """The text without the wrapping, and its spans."""
        spans: list[Span] = []
        parts: list[str] = []
        length = position = 0
        for found in _MARKED.finditer(rendered):
            before = rendered[position : found.start()]
            shown = found.group(2)
            origin, name, digits = self.kept[ord(found.group(1)) - FIRST]
            start = length + len(before)
            spans.append(
                Span(
                    start=start, end=start + len(shown), text=shown, origin=origin, filter=name, digits=digits
                )
            )
            parts += [before, shown]
            length, position = start + len(shown), found.end()
        return "".join(parts) + rendered[position:], tuple(spans)


def remove_marks(text: str) -> str:
    """A marked text as a reader sees it."""
    return _MARKED.sub(lambda found: found.group(2), text)


class Term(Struct, frozen=True, kw_only=True):
    """One placeholder's value: where it comes from, its time, its views, its name in words, and what its
    rounding must keep true."""

    recorder: Recorder
    origin: Origin
    unit_filter: str = "text"
    dated: Origin | None = None
    lower_bound: bool = False
    checks: tuple[Check, ...] = ()
    title: str = ""
    tenor: str = ""
    view: Callable[[str], "Term"] | None = None

    def __getitem__(self, name: str) -> "Term":
        if self.view is None:
            raise KeyError(name)
        return self.view(name)

    def __str__(self) -> str:
        """Without a filter: words as they are, marked where they hold a digit."""
        return self.write("text") if re.search(r"\d", str(self.origin.value)) else str(self.origin.value)

    def write(self, name: str) -> str:
        """The marked text of this term in one format. A lower bound says so itself."""
        words = self.recorder.words
        if self.origin.value == "":
            raise KeyError(self.origin.ref)
        if name in DATES:
            origin = self.dated or self.origin
            return self.recorder.mark(apply(name, origin.value, None, words), origin, name)
        digits = settle(name, self.origin.value, words, self.checks)
        shown = self.recorder.mark(apply(name, self.origin.value, digits, words), self.origin, name, digits)
        return f"{words['at_least']} {shown}" if self.lower_bound and name not in NAMES else shown


class Band(Struct, frozen=True, kw_only=True):
    """A usual range: its two ends, and the format of its unit."""

    low: Term
    high: Term

    def __str__(self) -> str:
        """5-10%, ±6%, −2% to 6%."""
        low, high = float(self.low.origin.value), float(self.high.origin.value)
        unit = self.high.unit_filter
        if low == -high and unit == "pct":
            return self.high.write("plusminus")
        if low < 0 or unit != "pct":
            return self.low.recorder.words["range"].format(self.low.write(unit), self.high.write(unit))
        return f"{self.low.write('bare')}-{self.high.write(unit)}"


def settle(name: str, value: Value, words: Words, checks: tuple[Check, ...]) -> int | None:
    """The digits with which the shown number is on the same side of every threshold as the value: None for
    the usual ones."""
    if not checks or isinstance(value, str):
        return None
    more = FIRST_MORE.get(name.partition(":")[2] or name, 1)
    digits: int | None
    for digits in (None, *range(more, MAX_DIGITS)):
        if truthful(name, value, digits, words, checks):
            return digits
    return MAX_DIGITS


def truthful(name: str, value: Value, digits: int | None, words: Words, checks: tuple[Check, ...]) -> bool:
    """Whether the number as displayed passes each check exactly if the value does."""
    shown = read(apply(name, value, digits, words), words)
    if shown is None:
        return True
    number = float(value)
    signed = shown if name in ("pct", "signed", "bare", "points", "usd") or number >= 0 else -abs(shown)
    return all(check(signed) == check(number) for check in checks)


def fact_dates(at: datetime, extreme_at: datetime | None, name: str) -> Origin:
    """The date that stands beside a fact: when the extreme was, else when it was observed."""
    return Origin(kind="date", ref=name, value=(extreme_at or at).isoformat())

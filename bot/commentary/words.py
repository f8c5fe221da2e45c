"""Small questions that several stages ask of the word lists and of a text. The lists themselves are the
language's own."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from bot.domain.story import Span

WORD = re.compile(r"[\w-]+")
_MASKED = re.compile(r"#|[^\W\d_]+(?:['’-][^\W\d_]+)*")


def several(words: Mapping[str, str], key: str) -> tuple[str, ...]:
    """The entries of a list in the word file; none if it has no such list."""
    return _split(words.get(key, ""))


@lru_cache(maxsize=512)
def _split(entries: str) -> tuple[str, ...]:
    return tuple(part for part in entries.split("|") if part)


def stance_words(words: Mapping[str, str], stance: str) -> tuple[str, ...]:
    """How a text may name a stance."""
    return several(words, f"stance_words.{stance}")


def has(text: str, entries: tuple[str, ...]) -> str | None:
    """The first of the entries to stand in the text as a word or words of its own, whatever its case; None if
    none does."""
    telling = _telling(entries)
    if telling is not None and telling.isdisjoint(_words_in(text)):
        return None
    return _search(text, entries)


def _search(text: str, entries: tuple[str, ...]) -> str | None:
    found = _any_of(entries).search(text)
    return found.group().lower() if found else None


class WordList:
    """Entries that are looked for in many texts: `has`, without a search for the list itself at each."""

    def __init__(self, entries: tuple[str, ...]) -> None:
        self._entries = entries
        self._telling = _telling(entries)

    def may_stand_in(self, text: str) -> bool:
        """Whether an entry may stand in the text: where it says no, none does."""
        return self._telling is None or not self._telling.isdisjoint(_words_in(text))

    def find(self, text: str) -> str | None:
        """What `has` finds."""
        return _search(text, self._entries) if self.may_stand_in(text) else None


@lru_cache(maxsize=256)
def _telling(entries: tuple[str, ...]) -> frozenset[str] | None:
    """The longest word of each entry: where a text has none of them, no entry stands in it. None where an entry has no
    word."""
    words = [WORD.findall(entry.lower()) for entry in entries]
    return frozenset(max(found, key=len) for found in words) if all(words) else None


@lru_cache(maxsize=64)
def _words_in(text: str) -> frozenset[str]:
    """The words of a text, which is asked for several lists one after the other."""
    return frozenset(WORD.findall(text.lower()))


@lru_cache(maxsize=256)
def _any_of(entries: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(entries, key=len, reverse=True)
    return re.compile(
        rf"(?<![\w-])(?:{'|'.join(re.escape(entry) for entry in longest_first)})(?![\w-])", re.IGNORECASE
    )


def mask_figures(text: str, spans: Iterable[Span]) -> str:
    """The text as lowercase words, each number or name that came from a fact written as #."""
    parts: list[str] = []
    position = 0
    for span in sorted(spans, key=lambda span: span.start):
        if span.start >= position:
            parts += [text[position : span.start], " # "]
            position = span.end
    parts.append(text[position:])
    tokens = _MASKED.findall("".join(parts).lower())
    return " ".join(tokens)


def grams(masked_text: str, size: int = 5) -> frozenset[tuple[str, ...]]:
    """Every run of `size` words, within one sentence-free line each; runs that are mostly numbers say nothing
    and are left out."""
    found: set[tuple[str, ...]] = set()
    for line in masked_text.splitlines():
        tokens = line.split()
        runs = (tuple(tokens[start : start + size]) for start in range(len(tokens) - size + 1))
        found |= {run for run in runs if run.count("#") * 2 < size}
    return frozenset(found)


def overlap(new: str, old: str) -> float:
    """The share of the new text's runs of five words that the old one has too."""
    mine = grams(new)
    return len(mine & grams(old)) / len(mine) if mine else 0.0


def venue_name(venue: str, words: Mapping[str, str]) -> str:
    """A venue as readers know it ("OKX"); its own word with a capital where the bank has none."""
    return words.get(f"venue.{venue}", venue.capitalize())

"""What the code itself says in English (why a reading is missing, why an input cannot be taken) in a reader's language.

A bank's `[said]` tables give English with {} where a name or a number stands, and the same in its own language, in which
{} or {1}, {2}, … take them up. English needs none.
"""

import re
from collections.abc import Mapping
from functools import lru_cache

KEY = "said."
_PLACE = re.compile(r"{(\d*)}")

Pattern = tuple[re.Pattern[str], str]


def in_words(text: str, words: Mapping[str, str]) -> str:
    """The text in the language of the words; those parts as they are which it has no words for."""
    patterns = _patterns(tuple((key.removeprefix(KEY), told) for key, told in words.items() if key.startswith(KEY)))
    return _told(text, patterns) if patterns else text


def _told(text: str, patterns: tuple[Pattern, ...]) -> str:
    for pattern, told in patterns:
        if found := pattern.fullmatch(text):
            return _filled(told, found.groups())
    for mark in ("; ", ": "):
        if mark in text:
            first, _, rest = text.partition(mark)
            return f"{_told(first, patterns)}{mark}{_told(rest, patterns)}"
    return text


def _filled(told: str, parts: tuple[str, ...]) -> str:
    following = iter(parts)
    return _PLACE.sub(lambda place: parts[int(place[1]) - 1] if place[1] else next(following), told)


@lru_cache(maxsize=16)
def _patterns(said: tuple[tuple[str, str], ...]) -> tuple[Pattern, ...]:
    """The most telling first: those with the most letters of their own."""
    longest = sorted(said, key=lambda one: -len(one[0]))
    return tuple((re.compile("(.+?)".join(map(re.escape, english.split("{}")))), told) for english, told in longest)


def misplaced(english: str, told: str) -> bool:
    """Whether the translation asks for a part that the English does not have, or leaves {} and {1} mixed."""
    asked = _PLACE.findall(told)
    numbered = [int(place) for place in asked if place]
    if numbered and len(numbered) < len(asked):
        return True
    return max(numbered, default=len(asked)) > english.count("{}") or 0 in numbered

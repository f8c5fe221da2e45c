"""Reasons in a reader's language: each bank words every code (`[reason]` tables), English is one of them.

A template takes up as many of the arguments as the language needs: `no_expiry_near = "no expiry near {days} days
with {leg}"`. An argument's own value can have words too (`"leg.put" = "a 25-delta put"`); what somebody is called
(`of`) is worded from its end, so that "okx BTC funding" keeps its venue and its asset."""

import re
from collections.abc import Mapping
from typing import Any

from bot.reasons import Argument, SpelledReason, read

KEY = "because."
CALLED = "of"
_PLACE = re.compile(r"{(\w+)}")


def reason_words(file: Mapping[str, Any]) -> Mapping[str, str]:
    """The words of a file's `[reason]` table alone, with English numbers: for where no bank is at hand."""
    table = file.get("reason", {})
    return {"thousands": ",", "decimal": "."} | {f"{KEY}{code}": text for code, text in table.items()}


def in_words(text: str, words: Mapping[str, str]) -> str:
    """A spelled reason in the language of the words; a text that is none as it is."""
    told = read(text)
    return text if told is None else _worded(told, words)


def _worded(told: SpelledReason, words: Mapping[str, str]) -> str:
    if told.parts:
        return "; ".join(dict.fromkeys(in_words(part, words) for part in told.parts))
    pattern = words.get(f"{KEY}{told.code}")
    if pattern is None:
        return told.code.replace("_", " ")
    return _PLACE.sub(lambda place: _argument(place[1], told.arguments.get(place[1], ""), words), pattern)


def _argument(name: str, value: Argument | SpelledReason, words: Mapping[str, str]) -> str:
    if isinstance(value, SpelledReason):
        return _worded(value, words)
    if isinstance(value, str):
        return _called(value, words) if name == CALLED else words.get(f"{KEY}{name}.{value}", value)
    if isinstance(value, int):
        return f"{value:,}".replace(",", words["thousands"])
    return f"{value:g}".replace(".", words["decimal"])


def _called(who: str, words: Mapping[str, str]) -> str:
    """Whom a reason is about, the words at its end in the reader's language; a view by what it is a view of."""
    parts = who.split()
    for start in range(len(parts)):
        called = " ".join(parts[start:])
        known = words.get(f"{KEY}{CALLED}.{called}", words.get(f"{KEY}{CALLED}.{called.partition('.')[0]}"))
        if known is not None:
            return " ".join([*parts[:start], known])
    return who

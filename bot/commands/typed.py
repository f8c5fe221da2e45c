"""Times and hours as people type them: 9, 9:30, 9.30, 9h30, 9am, 9:30 p.m., 9 at night, noon; with commas, dashes, arrows
or words between."""

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import normalize

from bot.errors import InputError
from bot.reasons import reason

MOST_TIMES: Final = 6
TIME: Final = re.compile(
    r"(?<![\d:.])(?P<hour>\d{1,2})(?:(?:\s?[:.h]\s?|(?<=\d\d))(?P<minute>[0-5]\d))?(?![\d:])"
    r"(?:\s?(?P<half>[ap])\.?\s?m\b\.?|\s?h(?:rs?|s|ours?|oras?)?\b\.?|\s?o'clock\b|\s?en punto\b)?"
    r"(?:\s(?:in the|at|de la|por la)\s(?P<part>morning|afternoon|evening|night|mañana|madrugada|tarde|noche)\b)?",
    re.ASCII | re.IGNORECASE,
)
NAMED: Final = {
    "noon": "12:00",
    "midday": "12:00",
    "midnight": "0:00",
    "mediodía": "12:00",
    "medianoche": "0:00",
}
PARTS: Final = {
    **dict.fromkeys(("morning", "mañana", "madrugada"), "a"),
    **dict.fromkeys(("afternoon", "evening", "tarde"), "p"),
    **dict.fromkeys(("night", "noche"), "night"),
}
BETWEEN: Final = re.compile(
    r"(?:[\s,;&+/|–—~→>.…()-]|\b(?:and|at|from|between|to|till?|until|through|thru|every|each|daily|day|night|"
    r"y|a|la|las|el|de|desde|entre|hasta|cada|todos|los|días?|noches?)\b)*",
    re.IGNORECASE,
)
JOINED: Final = re.compile(r"\d\s*(?:-+>?|–|—|~|→|\.{2,}|…|to|till?|until|thru|hasta)\s*\d", re.IGNORECASE)
SPELLED_OFF: Final = "off"
OFF: Final = frozenset(
    {
        *("off", "none", "no", "never", "nothing", "disabled", "disable", "clear", "-", "–"),
        *("nunca", "ninguna", "ninguno", "ningunas", "nada", "apagado", "desactivado", "desactivar", "sin"),
    }
)


def is_off(typed: str) -> bool:
    """Whether a setting is turned off by what was typed."""
    return typed.strip().lower() in OFF


def read_times(typed: str) -> tuple[str, ...]:
    """Times of day as typed ("9:00, 21h"; "off" for none), in order. Raises InputError."""
    if is_off(typed):
        return ()
    found = None if JOINED.search(typed) else _times(typed)
    if not found:
        raise InputError(reason("no_times", typed=typed, off=SPELLED_OFF))
    if len(set(found)) > MOST_TIMES:
        raise InputError(reason("too_many_times", most=MOST_TIMES))
    return tuple(sorted(set(found)))


def read_hours(typed: str) -> tuple[int, int] | None:
    """Hours without alerts as typed ("22-7", "10pm to 7 am"; "off" for none). Raises InputError."""
    if is_off(typed):
        return None
    found = _times(typed) or []
    if len(found) != 2 or found[0] == found[1] or not all(time.endswith(":00") for time in found):
        raise InputError(reason("no_hours", typed=typed, off=SPELLED_OFF))
    return int(found[0][:2]), int(found[1][:2])


def _times(typed: str) -> list[str] | None:
    """The times in the order in which they were typed, as HH:MM; None where anything else was typed too."""
    text = normalize("NFKC", typed)
    for word, time in NAMED.items():
        text = re.sub(rf"\b{word}\b", time, text, flags=re.IGNORECASE)
    matches = list(TIME.finditer(text))
    times = [_time(match) for match in matches]
    if any(time is None for time in times) or not all(
        BETWEEN.fullmatch(part) for part in _gaps(text, matches)
    ):
        return None
    return [time for time in times if time is not None]


def _gaps(text: str, matches: Iterable[re.Match[str]]) -> list[str]:
    gaps, end = [], 0
    for match in matches:
        gaps.append(text[end : match.start()])
        end = match.end()
    return [*gaps, text[end:]]


def _time(match: re.Match[str]) -> str | None:
    """HH:MM; None where there is no such time. 24:00 is midnight."""
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), (match["half"] or "").lower()
    part = PARTS.get((match["part"] or "").lower(), "")
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    elif part and hour <= 12:
        is_late = part == "p" or (part == "night" and 6 <= hour < 12)
        hour = hour % 12 + (12 if is_late else 0)
    if (hour, minute) == (24, 0):
        hour = 0
    return f"{hour:02}:{minute:02}" if hour < 24 else None

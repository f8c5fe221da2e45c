"""Time zones as people name them: by city, by country, by letters such as EST, by an offset such as +2.

The zones are the machine's (IANA); what else they are called is the phrase banks' (`zone.<name>`). Limits: IANA's
`Etc/GMT+2` lies two hours behind Greenwich, so an offset is read here and that name is never shown."""

import re
import zoneinfo
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Final
from unicodedata import combining, normalize

from msgspec import Struct

from bot.errors import InputError
from bot.reasons import reason

PREFIX: Final = "zone."
OFFSET: Final = re.compile(
    r"(?:(?:utc|gmt|z)?\s*(?P<sign>[+-])|utc|gmt)\s*(?P<hours>\d{1,2})"
    r"(?:\.(?P<share>5|25|75)|[:.]?(?P<minutes>[0-5]\d))?\s*h?",
    re.ASCII,
)
FILLERS: Final = frozenset(
    {
        *("time", "timezone", "zone", "tz", "city", "standard", "daylight", "of", "in", "the", "usa", "us"),
        *("hora", "horario", "zona", "horaria", "huso", "ciudad", "de", "del", "la", "el", "en"),
    }
)
"""Words that say nothing of which zone is meant."""
FIXED: Final = re.compile(r"Etc/GMT([+-])(\d{1,2})")
LEGACY: Final = frozenset({"SystemV", "US", "Brazil", "Canada", "Chile", "Mexico", "Etc", "posix", "right"})


class Zone(Struct, frozen=True, kw_only=True):
    """One zone by its IANA name, and what it is called, in small plain letters."""

    name: str
    called: tuple[str, ...]


class Zones:
    """The zones of the machine under all their names."""

    def __init__(self, words: Iterable[Mapping[str, str]]) -> None:
        """`words` are those of the phrase banks: `zone.America/New_York` lists names, comma by comma."""
        called: dict[str, list[str]] = {}
        for bank in words:
            for key, text in bank.items():
                if key.startswith(PREFIX):
                    called.setdefault(key.removeprefix(PREFIX), []).extend(map(plain, text.split(",")))
        known = [name for name in called if name in zone_names()]
        rest = [name for name in _channels() if name not in called]
        self._zones = [
            Zone(name=name, called=(*called.get(name, ()), *_own_names(name))) for name in (*known, *rest)
        ]

    def find(self, typed: str, now: datetime, *, most: int = 25) -> Sequence[str]:
        """The zones that may be meant, the likeliest first, by IANA name."""
        offset = read_offset(typed)
        if offset is not None:
            return self._at_offset(offset, now)[:most]
        return self._called(plain(typed))[:most] or self._called(bare(typed))[:most]

    def _called(self, wanted: str) -> Sequence[str]:
        if not wanted:
            return [zone.name for zone in self._zones]
        ranks = [
            (rank, number)
            for number, zone in enumerate(self._zones)
            if (rank := _rank(wanted, zone)) is not None
        ]
        return [self._zones[number].name for _, number in sorted(ranks)]

    def name_of(self, typed: str, now: datetime) -> str:
        """The zone that is meant, by its IANA name. Raises InputError where it may be none, or several that
        differ."""
        wanted = plain(typed)
        for name in zone_names():
            if plain(name) == wanted and not any(wanted in zone.called for zone in self._zones):
                return name
        found = self.find(typed, now)
        certain = read_offset(typed) is not None or any(
            {wanted, bare(typed)} & {plain(zone.name), *zone.called}
            for zone in self._zones
            if zone.name in found[:1]
        )
        if wanted and (certain or len(found) == 1) and found:
            return found[0]
        raise InputError(reason("unknown_zone", typed=typed))

    def _at_offset(self, offset: timedelta, now: datetime) -> Sequence[str]:
        fixed = _fixed(offset)
        there = [zone.name for zone in self._zones if zoneinfo.ZoneInfo(zone.name).utcoffset(now) == offset]
        steady = [name for name in there if _is_steady(name, now)]
        swaying = [name for name in there if name not in steady]
        return [
            *((fixed,) if fixed else ()),
            *(steady if not fixed else ()),
            *swaying,
            *(steady if fixed else ()),
        ]


def plain(text: str) -> str:
    """A name in small letters without accents, strokes and slashes, one space between words."""
    bare = "".join(letter for letter in normalize("NFKD", text) if not combining(letter))
    return " ".join(re.sub(r"[_/,.]+", " ", bare.lower()).split())


def bare(text: str) -> str:
    """A name without the words that say nothing of which zone is meant: "new york" of "New York City time"."""
    return " ".join(word for word in plain(text).split() if word not in FILLERS)


def read_offset(typed: str) -> timedelta | None:
    """The offset from Greenwich that was typed: +2, UTC-5, gmt+5:30; None where it is none."""
    found = OFFSET.fullmatch(re.sub(r"[−–—]", "-", normalize("NFKC", typed).strip().lower()))
    if found is None:
        return None
    minutes = float(f"0.{found['share']}") * 60 if found["share"] else int(found["minutes"] or 0)
    offset = timedelta(hours=int(found["hours"]), minutes=minutes)
    return (-offset if found["sign"] == "-" else offset) if offset <= timedelta(hours=14) else None


def label_zone(name: str, now: datetime) -> str:
    """A zone as readers see it, with its offset of now: "America/New_York (UTC−5)", "UTC+2"."""
    offset = zoneinfo.ZoneInfo(name).utcoffset(now) or timedelta(0)
    shown = _label_offset(offset)
    return shown if name == "UTC" or FIXED.fullmatch(name) else f"{name.replace('_', ' ')} ({shown})"


def _label_offset(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}"


@cache
def zone_names() -> frozenset[str]:
    """Every time zone by its IANA name; reading them takes a while."""
    return frozenset(zoneinfo.available_timezones())


@cache
def _channels() -> tuple[str, ...]:
    """The zones that are called after a place, and UTC."""
    places = (name for name in zone_names() if "/" in name and name.partition("/")[0] not in LEGACY)
    return ("UTC", *sorted(places))


def _own_names(name: str) -> tuple[str, ...]:
    """What the IANA name itself says: all of it, and its city."""
    return plain(name), plain(name.rpartition("/")[2])


def _rank(wanted: str, zone: Zone) -> int | None:
    """How well a zone fits: exactly, from the beginning of a name or word, within; None where not at all."""
    if wanted in zone.called:
        return 0
    if any(name.startswith(wanted) for name in zone.called):
        return 1
    if any(f" {wanted}" in f" {name}" for name in zone.called):
        return 2
    words = wanted.split()
    if words and all(
        any(part.startswith(word) for name in zone.called for part in name.split()) for word in words
    ):
        return 3
    return 4 if any(wanted in name for name in zone.called) else None


def _fixed(offset: timedelta) -> str | None:
    """The IANA name of an offset of whole hours; its sign is the other way round there."""
    hours, rest = divmod(round(offset.total_seconds()), 3600)
    if rest:
        return None
    name = "UTC" if hours == 0 else f"Etc/GMT{-hours:+d}"
    return name if name in zone_names() else None


def _is_steady(name: str, now: datetime) -> bool:
    """Whether its clocks are never changed in a year."""
    zone = zoneinfo.ZoneInfo(name)
    there = {zone.utcoffset((now + timedelta(days=30 * month)).astimezone(UTC)) for month in range(12)}
    return len(there) == 1

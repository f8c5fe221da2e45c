"""What a post was judged on, as plain JSON-ready values: the way back from each of its numbers to what a
venue said."""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct, defstruct

from bot.archive.codec import decode, encode, plain
from bot.domain.chain import OptionChain
from bot.domain.facts import Fact, Facts, Point
from bot.domain.posts import Decision
from bot.domain.readings import Reading, SeriesReading, Snapshot


def evidence_parts(decision: Decision, snapshot: Snapshot) -> dict[str, tuple[object, Callable[[], object]]]:
    """What a post was judged on, for each key what it is of and how that is spelled: `at`, `taken_at`, `playbook`, `facts`
    (name → value, at, venues …), `stale`, `estimated`, `unknown` (name → reason), `pasts` (name → quantiles …), `sought`,
    `trails` (name → highs, lows), `readings`, `gaps`, `asked`, `signals` (rule → phase, since …), `points` (the venues' own
    values behind aggregates)."""
    facts, points = decision.facts, decision.points
    return {
        "at": (facts.at, lambda: facts.at),
        "taken_at": (snapshot.taken_at, lambda: snapshot.taken_at),
        "playbook": (decision.playbook_hash, lambda: decision.playbook_hash),
        "facts": (facts.known, lambda: _spelled(facts.known)),
        "stale": (facts.stale, lambda: _spelled(facts.stale)),
        "estimated": (facts.estimated, lambda: _spelled(facts.estimated)),
        "unknown": (facts.unknown, lambda: dict(facts.unknown)),
        "pasts": (facts.pasts, lambda: facts.pasts),
        "sought": (facts.sought, lambda: facts.sought),
        "trails": (facts.trails, lambda: dict(facts.trails)),
        "readings": (snapshot.readings, lambda: [_reading(reading) for reading in snapshot.readings]),
        "gaps": (snapshot.gaps, lambda: [{"who": gap.who, "reason": gap.reason} for gap in snapshot.gaps]),
        "asked": (
            snapshot.asked,
            lambda: {quantity: list(venues) for quantity, venues in snapshot.asked.items()},
        ),
        "signals": (decision.state.signals, lambda: decision.state.signals),
        "points": (points, lambda: _of_venues(points)),
    }


def _of_venues(points: Sequence[Point]) -> list[dict[str, object]]:
    return [
        {"metric": point.metric, "venue": point.venue, "value": point.value, "at": plain(point.at)}
        for point in points
        if point.venue is not None and point.covers_s == 0
    ]


def facts_of(asset: str, told: Mapping[str, Any]) -> Facts:
    """The facts of an evidence, exactly as they were judged. Raises ArchiveError where it is of another
    shape."""
    spelled = {
        "asset": asset,
        "at": told.get("at"),
        "known": _named(told.get("facts")),
        "stale": _named(told.get("stale")),
        "estimated": _named(told.get("estimated") or {}),
        "unknown": told.get("unknown"),
        "pasts": told.get("pasts"),
        "sought": told.get("sought"),
        "trails": told.get("trails") or {},
    }
    return decode(encode(spelled), Facts, f"evidence on {asset}")


def _named(group: Any) -> Any:
    return (
        {name: {**values, "name": name} for name, values in group.items()}
        if isinstance(group, dict)
        else group
    )


_BESIDE_NAME = tuple(name for name in Fact.__struct_fields__ if name != "name")
_values = attrgetter(*_BESIDE_NAME)
_Nameless = defstruct("_Nameless", [(name, Any) for name in _BESIDE_NAME], frozen=True)


def _spelled(group: Mapping[str, Fact]) -> dict[str, Struct]:
    """Facts by name, each without its name."""
    return {name: _Nameless(*_values(fact)) for name, fact in group.items()}


def _reading(reading: Reading) -> dict[str, Any]:
    head = {
        "kind": type(reading).__name__,
        "source": reading.source,
        "observed_at": plain(reading.observed_at),
    }
    if isinstance(reading, OptionChain):
        return head | {"venue": reading.venue, "options": len(reading)}
    if isinstance(reading, SeriesReading):
        about = {"venue": reading.venue, "metric": reading.metric, "interval_s": reading.interval_s}
        return head | about | {"rows": len(reading.at_ms)}
    told: dict[str, Any] = plain(reading)
    return head | told

"""The dates of `config/events.toml`, and what options price for the stretch in which one lies.

Formula: w = σ²T is the total variance at the money of each expiry (T in 365-day years); between the last expiry before an
event and the first one after it options price √(w₂ − w₁) as a move of one standard deviation (before the first expiry: √w of
it). That is the whole stretch, its ordinary days with it, and no more can be told without an assumption about these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import AwareDatetime, Field

from bot.domain.files import FileShape, check_shape, read_tables
from bot.domain.playbook import DatedEvent, EventKind, EventRow
from bot.domain.rulebook import Severity
from bot.errors import ConfigError, Problem
from bot.metrics.smile import Smile

FILE = "events.toml"
ROWS_FILE = "event-posts.toml"


class _EventsShape(FileShape):
    """One table `[[events]]`."""

    kind: Literal["fomc", "cpi"]
    source: Annotated[str, Field(min_length=1)]
    read: date
    at: Annotated[list[AwareDatetime], Field(min_length=1)]


def parse_events(text: str) -> tuple[DatedEvent, ...]:
    """The events of `events.toml`, in the order of time: tables `[[events]]` with kind, source, read, at. Raises ConfigError
    with every problem."""
    tables = read_tables(text, FILE)
    problems = [Problem(file=FILE, id=key, reason="unknown key") for key in tables if key != "events"]
    rows = tables.get("events", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problems.append(Problem(file=FILE, id="events", reason="must be a list of tables: [[events]]"))
        rows = []
    found: dict[tuple[datetime, str], DatedEvent] = {}
    for place, row in enumerate(rows, 1):
        named = f"{row.get('kind') or 'events'} {place}"
        try:
            shape = check_shape(_EventsShape, row, FILE, named)
        except ConfigError as error:
            problems += error.problems
            continue
        for at in shape.at:
            if (at, shape.kind) in found:
                problems.append(Problem(file=FILE, id=named, reason=f"{at.isoformat()} stands twice"))
            found[at, shape.kind] = DatedEvent(kind=shape.kind, at=at, source=shape.source, read=shape.read)
    if problems:
        raise ConfigError(problems)
    return tuple(found[key] for key in sorted(found))


EVENT_NUMBERS: Mapping[EventKind, frozenset[str]] = {
    "cascade": frozenset({"times", "quiet_h", "after_h"}),
    "squeeze": frozenset({"times", "quiet_h", "after_h"}),
    "funding-turn": frozenset({"beyond_pct", "before_h", "holds_h"}),
    "expiry": frozenset({"share_pct", "before_h"}),
    "calendar": frozenset({"before_h", "after_h"}),
}
"""The numbers that each kind of event goes by."""
Positive = Annotated[float, Field(gt=0.0, le=1e12)]


class _EventRowShape(FileShape):
    """One table `[[event]]` of `event-posts.toml`."""

    kind: EventKind
    severity: Severity
    late_h: Annotated[float, Field(gt=0.0, le=24.0)]
    numbers: dict[str, Positive]
    floors: dict[str, Positive] = Field(default_factory=dict)
    why: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    mistakes: Annotated[str, Field(min_length=1)]


def parse_event_rows(text: str) -> tuple[EventRow, ...]:
    """How events are told, by `event-posts.toml`: tables `[[event]]`, each kind once, with its numbers, why and on which
    source. Raises ConfigError with every problem."""
    tables = read_tables(text, ROWS_FILE)
    problems = [Problem(file=ROWS_FILE, id=key, reason="unknown key") for key in tables if key != "event"]
    rows = tables.get("event", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        problems.append(Problem(file=ROWS_FILE, id="event", reason="must be a list of tables: [[event]]"))
        rows = []
    found: dict[str, EventRow] = {}
    for place, row in enumerate(rows, 1):
        named = f"{row.get('kind') or 'event'} {place}"
        try:
            shape = check_shape(_EventRowShape, row, ROWS_FILE, named)
        except ConfigError as error:
            problems += error.problems
            continue
        wanted, given = EVENT_NUMBERS[shape.kind], set(shape.numbers)
        if given != wanted:
            why = f"numbers must be {', '.join(sorted(wanted))}"
            problems.append(Problem(file=ROWS_FILE, id=named, reason=why))
        if ("times" in wanted) != ("each" in shape.floors):
            why = "floors need each" if "times" in wanted else "has no floors"
            problems.append(Problem(file=ROWS_FILE, id=named, reason=why))
        if shape.kind in found:
            problems.append(Problem(file=ROWS_FILE, id=named, reason=f"{shape.kind} stands twice"))
        found[shape.kind] = EventRow(
            kind=shape.kind,
            severity=shape.severity,
            late=timedelta(hours=shape.late_h),
            numbers=shape.numbers,
            floors=shape.floors,
        )
    if problems:
        raise ConfigError(problems)
    return tuple(found.values())


class PricedStretch(Struct, frozen=True, kw_only=True):
    """The expiries around a time, in days from now (0.0: now itself), and the move that options price between them: one
    standard deviation, % of the price."""

    since_days: float
    until_days: float
    move_pct: float


def price_stretch(smiles: Sequence[Smile], days: float) -> PricedStretch | None:
    """What is priced for the stretch between the expiries around a time so many days ahead; None beyond the last expiry, or
    where the farther one has less total variance than the nearer."""
    known = [(one.days, (one.atm / 100.0) ** 2 * one.days / 365.0) for one in smiles if one.atm is not None]
    after = min((one for one in known if one[0] > days), default=None)
    before = max((one for one in known if one[0] <= days), default=(0.0, 0.0))
    if after is None or days < 0.0 or after[1] <= before[1]:
        return None
    move = (after[1] - before[1]) ** 0.5
    return PricedStretch(since_days=before[0], until_days=after[0], move_pct=move * 100.0)

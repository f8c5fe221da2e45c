"""The dates of `config/events.toml`, and what options price for the stretch in which one lies.

Formula: w = σ²T is the total variance at the money of each expiry (T in 365-day years); between the last expiry before an
event and the first one after it options price √(w₂ − w₁) as a move of one standard deviation (before the first expiry: √w of
it). That is the whole stretch, its ordinary days with it, and no more can be told without an assumption about these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from bot.domain.files import FileShape, check_shape, read_tables
from bot.domain.playbook import DatedEvent
from bot.errors import ConfigError, Problem
from bot.metrics.smile import Smile

FILE = "events.toml"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class PricedStretch:
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

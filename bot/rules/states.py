"""The life of one rule: off → pending → on → recovering → off, and unknown.

A `Cell` is a Signal that can be written to, with times in seconds since 1970 (UTC): a replay of a year takes half a
million steps.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from bot.domain.judgement import Phase, Signal, Truth

EPISODE_S = 24 * 3600.0
"""A rule that comes back from unknown within this time goes on with the same episode."""

OBSERVED_AT_MOST_S = 3600.0
"""Two evaluations further apart than this count as so much observed time: the bot was down, or the tape is coarse."""

REMEMBERED = 20
UNCHANGED = "0" * REMEMBERED
UNSETTLED_CHANGES = 4
STILL = 10
"""Four changes of truth in twenty evaluations make a rule unsettled, ten without one settle it."""


@dataclass(slots=True)
class Cell:
    """One rule's state while it is being worked on. Fields as in Signal, times in seconds since 1970.

    `steady` is the truth under which nothing but the time moves on: the rule is where it wants it, was so for long, and all
    is told. This spares most of the work of a replay."""

    phase: Phase = "unknown"
    since: float = 0.0
    evaluated: float = -1.0
    observed: float = 0.0
    lost: float = -1.0
    was_on: float = -1.0
    announced: bool = False
    truth: Truth = "unknown"
    changes: str = ""
    muted: bool = False
    told_ago: int = REMEMBERED
    steady: Truth | None = None

    def copy(self) -> "Cell":
        """Another one like it."""
        return Cell(
            self.phase, self.since, self.evaluated, self.observed, self.lost, self.was_on, self.announced, self.truth,
            self.changes, self.muted, self.told_ago, self.steady,
        )  # fmt: skip

    @property
    def votes(self) -> bool:
        """On, held and recovering vote."""
        return self.phase == "on" or self.phase == "recovering"  # noqa: PLR1714 (twice as fast as `in`)


def remembers(cell: Cell, at: float) -> bool:
    """Whether the rule is judged by its way out (it was on) and not by its way in."""
    return cell.phase == "on" or (cell.phase == "unknown" and cell.was_on >= 0 and at - cell.was_on <= EPISODE_S)


def advance(cell: Cell, truth: Truth, at: float, *, wait: float, keep: float, hold: float) -> str:
    """One evaluation. Returns what is to be announced: "on", "cleared", "unsettled", or "" for nothing.

    A rule that was never evaluated takes its first truth at once: "nothing is on" would be a claim about an hour unseen.
    """
    before = cell.phase
    if cell.evaluated < 0:
        settle(cell, truth, at)
    elif truth == "unknown":
        _lose(cell, at, hold)
    else:
        _tell(cell, truth == "true", at, wait, keep)
    changed = _turned(before, truth)
    cell.truth = truth
    cell.evaluated = at
    if cell.phase != before:
        cell.since = at
    if cell.votes:
        cell.was_on = at
    said = _announcement(cell, changed)
    cell.steady = truth if _is_steady(cell, truth) else None
    return said


def _is_steady(cell: Cell, truth: Truth) -> bool:
    """Whether another evaluation with this truth would move nothing but the time."""
    if cell.changes != UNCHANGED or cell.told_ago < REMEMBERED or cell.muted:
        return False
    if truth == "true":
        return cell.phase == "on" and cell.announced and cell.lost < 0
    if truth == "false":
        return cell.phase == "off" and not cell.announced and cell.lost < 0
    return cell.phase == "unknown"


def settle(cell: Cell, truth: Truth, at: float) -> None:
    """One evaluation as if the value had held long enough; what is unknown stays as it was."""
    before = cell.phase
    if truth != "unknown":
        cell.phase = "on" if truth == "true" else "off"
    elif not remembers(cell, at):
        cell.phase = "unknown"
    else:
        cell.phase = "on"
    if cell.phase != before or cell.evaluated < 0:
        cell.since = at
    cell.truth = truth
    cell.evaluated = at
    if cell.phase == "on":
        cell.was_on = at


def _lose(cell: Cell, at: float, hold: float) -> None:
    if cell.lost < 0:
        cell.lost = at
    if at - cell.lost >= hold:
        cell.phase = "off" if cell.phase == "pending" else "unknown"


def _tell(cell: Cell, true: bool, at: float, wait: float, keep: float) -> None:
    # Time across an unknown stretch was not observed.
    seen = min(at - cell.evaluated, OBSERVED_AT_MOST_S) if cell.evaluated >= 0 and cell.lost < 0 else 0.0
    phase = cell.phase
    if true:
        if phase == "pending":
            cell.observed += seen
            if cell.observed >= wait:
                cell.phase = "on"
        elif phase == "recovering" or (phase == "unknown" and remembers(cell, at)):
            cell.phase = "on"
        elif phase != "on":
            cell.phase = "pending" if wait > 0 else "on"
            cell.observed = 0.0
            cell.announced = cell.announced and phase != "unknown"
    elif phase == "on":
        cell.phase = "recovering" if keep > 0 else "off"
        cell.observed = 0.0
    elif phase == "recovering":
        cell.observed += seen
        if cell.observed >= keep:
            cell.phase = "off"
    else:
        cell.phase = "off"
    cell.lost = -1.0


def _turned(before: Phase, truth: Truth) -> bool:
    """Whether the truth is another than the last one known, which the phase tells."""
    if truth == "true":
        return before in ("off", "recovering")
    return truth == "false" and before in ("on", "pending")


def _announcement(cell: Cell, changed: bool) -> str:
    cell.changes = (cell.changes + ("1" if changed else "0"))[-REMEMBERED:]
    cell.told_ago = min(cell.told_ago + 1, REMEMBERED)
    if cell.muted:
        if "1" not in cell.changes[-STILL:]:
            cell.muted = False
        return ""
    if changed and cell.changes.count("1") >= UNSETTLED_CHANGES:
        cell.muted = True
        if cell.told_ago < REMEMBERED:
            return ""
        cell.told_ago = 0
        return "unsettled"
    wanted = (
        "on"
        if cell.phase == "on" and not cell.announced
        else "cleared"
        if cell.phase == "off" and cell.announced
        else ""
    )
    if not wanted or cell.told_ago < REMEMBERED:
        return ""
    cell.announced = wanted == "on"
    cell.told_ago = 0
    return wanted


def cell_of(signal: Signal | None) -> Cell:
    """A signal to work on; a rule that was never evaluated is unknown."""
    if signal is None:
        return Cell()
    return Cell(
        phase=signal.phase,
        since=_seconds(signal.since),
        evaluated=_seconds(signal.evaluated_at),
        observed=signal.observed_s,
        lost=_seconds(signal.unknown_since),
        was_on=_seconds(signal.was_on_at),
        announced=signal.announced,
        truth=signal.truth,
        changes=signal.changes,
        muted=signal.muted,
        told_ago=signal.told_ago,
    )


def signal_of(rule: str, cell: Cell) -> Signal:
    """The cell as a value that can be stored."""
    return Signal(
        rule=rule,
        phase=cell.phase,
        since=_time(cell.since),
        evaluated_at=_time(cell.evaluated),
        observed_s=cell.observed,
        unknown_since=_time(cell.lost) if cell.lost >= 0 else None,
        held=cell.votes and cell.truth == "unknown",
        was_on_at=_time(cell.was_on) if cell.was_on >= 0 else None,
        announced=cell.announced,
        truth=cell.truth,
        changes=cell.changes,
        muted=cell.muted,
        told_ago=cell.told_ago,
    )


@lru_cache(maxsize=1024)
def _seconds(at: datetime | None) -> float:
    return -1.0 if at is None else at.timestamp()


@lru_cache(maxsize=1024)
def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)

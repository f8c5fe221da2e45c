"""The life of one rule: off → pending → on → recovering → off, and unknown.

A `Cell` is a Signal that can be written to, with times in seconds since 1970 (UTC): a replay of a year takes
half a million steps."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import Struct

from bot.domain.judgement import Phase, Signal, Truth

EPISODE_S = 24 * 3600.0
"""A rule that comes back from unknown within this time goes on with the same episode."""

OBSERVED_AT_MOST_S = 3600.0
"""Two evaluations further apart than this count as so much observed time: the bot was down, or the tape is
coarse."""

REMEMBERED = 20
UNCHANGED = "0" * REMEMBERED
UNSETTLED_CHANGES = 4
STILL = 10
"""Four changes of truth in twenty evaluations make a rule unsettled, ten without one settle it."""


class Cell(Struct):
    """One rule's state while it is being worked on. Fields as in Signal, times in seconds since 1970.

    `steady` is the truth under which nothing but the time moves on: the rule is where it wants it, was so for
    long, and all is told. This spares most of the work of a replay."""

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
    on_since: float = -1.0
    certain: Phase = "off"
    certain_s: float = 0.0
    possible: Phase = "off"
    possible_s: float = 0.0

    def copy(self) -> "Cell":
        """Another one like it."""
        return Cell(
            self.phase,
            self.since,
            self.evaluated,
            self.observed,
            self.lost,
            self.was_on,
            self.announced,
            self.truth,
            self.changes,
            self.muted,
            self.told_ago,
            self.steady,
            self.on_since,
            self.certain,
            self.certain_s,
            self.possible,
            self.possible_s,
        )

    @property
    def must(self) -> bool:
        """Whether it votes beyond doubt."""
        return self.certain == "on" or self.certain == "recovering"  # noqa: PLR1714

    @property
    def may(self) -> bool:
        """Whether it could vote, if what is unheard spoke for it."""
        return self.possible == "on" or self.possible == "recovering"  # noqa: PLR1714

    @property
    def votes(self) -> bool:
        """On, held and recovering vote."""
        return self.phase == "on" or self.phase == "recovering"  # noqa: PLR1714 (twice as fast as `in`)


def remembers(cell: Cell, at: float) -> bool:
    """Whether the rule is judged by its way out (it was on) and not by its way in."""
    return cell.phase == "on" or (
        cell.phase == "unknown" and cell.was_on >= 0 and at - cell.was_on <= EPISODE_S
    )


def advance(cell: Cell, truth: Truth, at: float, *, wait: float, keep: float, hold: float) -> str:
    """One evaluation. Returns what is to be announced: "on", "cleared", "unsettled", or "" for nothing.

    A rule that was never evaluated takes its first truth at once: "nothing is on" would be a claim about an
    hour unseen."""
    before, voted = cell.phase, cell.votes or remembers(cell, at)
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
        cell.on_since = cell.on_since if voted else at
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


def settle(cell: Cell, truth: Truth, at: float, *, forgets: bool = False) -> None:
    """One evaluation as if the value had held long enough; what is unknown stays as it was, unless it `forgets`: then
    it has been unknown for long as well."""
    before = cell.phase
    voted = before != "off" and (cell.votes or remembers(cell, at))
    if truth != "unknown":
        cell.phase = "on" if truth == "true" else "off"
    elif forgets or not remembers(cell, at):
        cell.phase = "unknown"
    else:
        cell.phase = "on"
    if cell.phase != before or cell.evaluated < 0:
        cell.since = at
    cell.truth = truth
    cell.evaluated = at
    cell.steady = None
    if cell.phase == "on":
        cell.was_on = at
        cell.on_since = cell.on_since if voted else at


UNTOLD, OPEN = 1, 2
"""Between false (0) and true (3): not told while its family is heard; unheard with its whole family."""


def follow(cell: Cell, entry: int, stays: int, at: float, *, wait: float, keep: float, hold: float) -> None:
    """What is certain and what is possible of a rule, after one more evaluation (before `advance`). `entry` and
    `stays` are its truth by its ways in and out: 0 false, UNTOLD, OPEN, 3 true.

    As long as nothing is OPEN both are the rule's own phase. What is certain forgets at once what it cannot see; what
    is possible takes everything open as speaking for it."""
    if cell.evaluated < 0:
        cell.certain = "on" if entry == _TRUE else "off"
        cell.possible = "on" if entry >= OPEN else "off"
        return
    off = cell.certain == "off" and cell.possible == "off"
    if (off and entry == 0) or (stays == _TRUE and cell.certain == "on" and cell.possible == "on"):
        return
    seen = min(at - cell.evaluated, OBSERVED_AT_MOST_S)
    _follow_certain(cell, entry, stays, seen, wait, keep)
    _follow_possible(cell, entry, stays, seen, (wait, keep, hold))
    if (
        cell.possible == "off"
    ):  # untold for so long that it is forgotten, it does not wait to be certain either
        cell.certain = "off"


_TRUE = 3


def _follow_certain(cell: Cell, entry: int, stays: int, seen: float, wait: float, keep: float) -> None:
    phase = cell.certain
    if phase == "on":
        if stays != _TRUE:
            cell.certain = "recovering" if stays == 0 and keep > 0 else "off"
            cell.certain_s = 0.0
    elif phase == "recovering":
        if entry == _TRUE:
            cell.certain = "on"
        elif entry:
            cell.certain = "off"
        else:
            cell.certain_s += seen
            cell.certain = "off" if cell.certain_s >= keep else phase
    elif entry != _TRUE:
        if phase != "pending" or entry != UNTOLD:
            cell.certain = "off"
    elif phase == "pending":
        cell.certain_s += seen
        cell.certain = "on" if cell.certain_s >= wait else phase
    else:
        cell.certain = "pending" if wait > 0 else "on"
        cell.certain_s = 0.0


def _follow_possible(
    cell: Cell, entry: int, stays: int, seen: float, spans: tuple[float, float, float]
) -> None:
    wait, keep, hold = spans
    phase = cell.possible
    if phase == "on":
        if stays >= OPEN:
            cell.possible_s = 0.0
        elif stays == UNTOLD:
            cell.possible_s += seen
            cell.possible = "off" if cell.possible_s >= hold else phase
        else:
            cell.possible = "recovering" if keep > 0 else "off"
            cell.possible_s = 0.0
    elif phase == "recovering":
        if entry >= OPEN:
            cell.possible, cell.possible_s = "on", 0.0
        elif entry == 0:
            cell.possible_s += seen
            cell.possible = "off" if cell.possible_s >= keep else phase
    elif entry >= OPEN:
        if phase == "pending":
            cell.possible_s += seen
            if cell.possible_s >= wait:
                cell.possible, cell.possible_s = "on", 0.0
        else:
            cell.possible = "pending" if wait > 0 else "on"
            cell.possible_s = 0.0
    elif entry == 0 or phase != "pending":
        cell.possible = "off"


def settle_followed(cell: Cell, entry: int, stays: int, *, forgets: bool) -> None:
    """What is certain and possible as if the value had held long enough (before `settle`)."""
    sure = stays if cell.must else entry
    maybe = stays if cell.may else entry
    lingers = maybe == UNTOLD and cell.may and not forgets
    cell.certain = "on" if sure == _TRUE else "off"
    cell.possible = "on" if maybe >= OPEN or lingers else "off"


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


def cells_of(signals: Mapping[str, Signal], names: Iterable[str]) -> dict[str, Cell]:
    """Cells to work on, by rule. Those of an evaluation before are copied, without signals between."""
    if isinstance(signals, SignalsOfCells):
        return signals.copy_cells(names)
    return {name: cell_of(signals.get(name)) for name in names}


def cell_of(signal: Signal | None) -> Cell:
    """A signal to work on; a rule that was never evaluated is unknown."""
    if signal is None:
        return Cell()
    cell = Cell(
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
        on_since=_seconds(signal.on_since),
        certain=signal.certain or _as_followed(signal.phase),
        certain_s=signal.certain_s if signal.certain else signal.observed_s,
        possible=signal.possible or _as_followed(signal.phase),
        possible_s=signal.possible_s if signal.possible else signal.observed_s,
    )
    cell.steady = signal.truth if _is_steady(cell, signal.truth) else None
    return cell


def _as_followed(phase: Phase) -> Phase:
    """The phase that the sum goes by, of a signal from before it was followed."""
    return "off" if phase == "unknown" else phase


class SignalsOfCells(Mapping[str, Signal]):
    """The cells as signals, each made when it is first asked for: who only wants the verdict needs few of them."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        self._cells = cells
        self._made: dict[str, Signal] = {}

    def __getitem__(self, rule: str) -> Signal:
        if rule not in self._made:
            self._made[rule] = signal_of(rule, self._cells[rule])
        return self._made[rule]

    def copy_cells(self, names: Iterable[str]) -> dict[str, Cell]:
        """Each named rule's cell, to work on; a rule that is not among them is unknown."""
        return {name: cell.copy() if (cell := self._cells.get(name)) else Cell() for name in names}

    def __iter__(self) -> Iterator[str]:
        return iter(self._cells)

    def __len__(self) -> int:
        return len(self._cells)


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
        on_since=_time(cell.on_since) if cell.on_since >= 0 else None,
        certain=cell.certain,
        certain_s=cell.certain_s,
        possible=cell.possible,
        possible_s=cell.possible_s,
    )


def on_since(cell: Cell) -> datetime:
    """Since when a rule is on; of one that never was, since when it is what it is."""
    return _time(cell.on_since if cell.on_since >= 0 else cell.since)


@lru_cache(maxsize=1024)
def _seconds(at: datetime | None) -> float:
    return -1.0 if at is None else at.timestamp()


@lru_cache(maxsize=1024)
def _time(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)

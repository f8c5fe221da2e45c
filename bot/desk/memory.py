"""What this process has in memory of each asset: its past, what the last poll heard, how each source did."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from bot.desk.smiles import SmileMemory
from bot.desk.troubles import Troubles
from bot.domain.facts import PastsOfDay
from bot.domain.playbook import DatedEvent
from bot.domain.readings import Gap, Snapshot
from bot.domain.traded import TakerTrades
from bot.metrics import History
from bot.reasons import SpelledReason, read

Worked = TypeVar("Worked")

SourceLight = Literal["LIVE", "PARTIAL", "STALE", "DRIFT"]
"""How a source does: all was heard; something was not; nothing was in the last poll; something moved as nobody else's
did."""

DRIFTS = frozenset(
    {
        "figure_jumped",
        "figure_apart",
        "forward_apart",
        "too_far_apart",
        "open_interest_jumped",
        "open_interest_gone",
        "contract_jumped",
        "contract_appeared",
        "told_before",
        "bars_otherwise",
    }
)
"""The reasons that speak of what was told, and not of what was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceState:
    """How a source did in the last poll, at `polled_at` (None: not known): when it was last heard, and its gaps."""

    source: str
    heard_at: datetime | None = None
    gaps: tuple[Gap, ...] = ()
    polled_at: datetime | None = field(default=None, compare=False)

    @property
    def light(self) -> SourceLight:
        """How it does, in one word."""
        if self.heard_at is None or (self.polled_at is not None and self.heard_at < self.polled_at):
            return "STALE"
        if any(_codes(gap.reason) & DRIFTS for gap in self.gaps):
            return "DRIFT"
        return "PARTIAL" if self.gaps else "LIVE"


def _codes(text: str) -> set[str]:
    """The codes of a reason and of those within it."""
    told = read(text)
    if told is None:
        return set()
    inner = [one.spelling for one in told.arguments.values() if isinstance(one, SpelledReason)]
    return {told.code}.union(*(_codes(one) for one in (*inner, *told.parts)))


class DeskMemory:
    """Written by the poller, read by the market. A history stays until `forget_histories`."""

    def __init__(self, smiles: SmileMemory | None = None) -> None:
        self.smiles = smiles or SmileMemory()
        self._histories: dict[str, History] = {}
        self._snapshots: dict[str, Snapshot] = {}
        self._trades: dict[str, TakerTrades] = {}
        self._of_poll: dict[str, dict[str, Any]] = {}
        self._pasts: dict[str, PastsOfDay] = {}
        self.dates: tuple[DatedEvent, ...] = ()  # as publishers told them since the start
        self._states: dict[tuple[str, str], SourceState] = {}
        self._heard: dict[str, bool] = {}
        self._followed_anew: set[str] = set()
        self.troubles = Troubles()

    def history(self, asset: str) -> History | None:
        """The asset's past as it was last read or extended; None where it is to be read."""
        return self._histories.get(asset)

    def keep_history(self, asset: str, history: History) -> None:
        """This is the asset's past from now on."""
        self._histories[asset] = history

    def forget_history(self, asset: str) -> None:
        """The asset's past is read anew when it is next asked for."""
        self._histories.pop(asset, None)

    def follow_again(self, asset: str) -> None:
        """The rules are to be followed through the asset's past again, by each profile's next evaluation."""
        self._followed_anew.add(asset)

    def take_follow_again(self, asset: str) -> bool:
        """Whether they are; asked by the poll that does it."""
        wanted = asset in self._followed_anew
        self._followed_anew.discard(asset)
        return wanted

    def forget_histories(self) -> None:
        """Every past is read anew when it is next asked for."""
        self._histories.clear()

    def pasts(self, asset: str) -> PastsOfDay | None:
        """The asset's pasts as they were last worked out or read; None where they are to be."""
        return self._pasts.get(asset)

    def keep_pasts(self, pasts: PastsOfDay) -> None:
        """These are its pasts from now on."""
        self._pasts[pasts.asset] = pasts

    def snapshot(self, asset: str) -> Snapshot | None:
        """What the last poll of this process heard; None before its first one."""
        return self._snapshots.get(asset)

    def keep_snapshot(self, snapshot: Snapshot) -> None:
        """This is what was heard last."""
        self._snapshots[snapshot.asset] = snapshot
        self._of_poll.pop(snapshot.asset, None)

    def of_poll(self, asset: str, name: str, make: Callable[[], Worked]) -> Worked:
        """What was worked out of the asset's last poll under a name; made now where nobody asked before. Raises what making
        raises."""
        known = self._of_poll.setdefault(asset, {})
        if name not in known:
            known[name] = make()
        found: Worked = known[name]
        return found

    def events_with(self, filed: Iterable[DatedEvent]) -> tuple[DatedEvent, ...]:
        """The dated events of the files and those that a publisher told since, in the order of time; a day's event of a kind
        counts once, as the file has it."""
        known = {(one.kind, one.at.date()): one for one in (*self.dates, *filed)}
        return tuple(sorted(known.values(), key=lambda one: (one.at, one.kind)))

    def trades(self, asset: str) -> TakerTrades | None:
        """The trades in the asset's options of the last day, as far as this process heard them."""
        return self._trades.get(asset)

    def keep_trades(self, trades: TakerTrades) -> None:
        """These are they from now on."""
        self._trades[trades.asset] = trades

    def note_source(
        self, source: str, asset: str, at: datetime, gaps: tuple[Gap, ...], *, heard: bool
    ) -> None:
        """How a source did in a poll; one that was not heard keeps the time of when it was."""
        known = self._states.get((source, asset))
        heard_at = at if heard else known.heard_at if known else None
        self._states[source, asset] = SourceState(source=source, heard_at=heard_at, gaps=gaps, polled_at=at)

    def note_doubts(self, asset: str, gaps: Iterable[Gap]) -> None:
        """What of the last poll was not believed, each beside its source's own gaps."""
        for gap in gaps:
            key = (gap.who.partition(" ")[0], asset)
            known = self._states.get(key)
            if known is not None and gap not in known.gaps:
                self._states[key] = replace(known, gaps=(*known.gaps, gap))

    def note_poll(self, asset: str, *, heard: bool) -> None:
        """Whether a poll heard anything of the asset."""
        self._heard[asset] = heard

    @property
    def heard_nothing(self) -> bool:
        """Whether the last polls of all assets heard nothing at all; false before the first one."""
        return bool(self._heard) and not any(self._heard.values())

    def source_states(self, names: Iterable[str]) -> Sequence[SourceState]:
        """How each of these sources did, over all assets."""
        return tuple(_together(name, self._states) for name in names)


def _together(name: str, states: Mapping[tuple[str, str], SourceState]) -> SourceState:
    own = [state for (source, _), state in states.items() if source == name]
    times = [state.heard_at for state in own if state.heard_at is not None]
    gaps = tuple(gap for state in own for gap in state.gaps)
    polls = [state.polled_at for state in own if state.polled_at is not None]
    is_heard = any(state.heard_at is not None and state.heard_at == state.polled_at for state in own)
    polled = max(times if is_heard else polls, default=None)
    return SourceState(source=name, heard_at=max(times, default=None), gaps=gaps, polled_at=polled)

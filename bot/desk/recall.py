"""What the rules remember where nothing is remembered yet: the past is followed, a little at a time, so that whoever
types a command meanwhile has an answer."""

import asyncio
import time
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec.structs import replace

from bot.decide import iterate_past, signals_still_valid
from bot.domain.facts import Facts
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile, State
from bot.domain.rulebook import Ranges
from bot.metrics import History
from bot.rules import Replay

TURN_S: Final = 0.02  # so long others wait at most; Discord gives an answer three seconds
MOST: Final = 16  # pasts that are kept, each with its history
HOUR: Final = timedelta(hours=1)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class PastFollower:
    """Follows the past for a state that has no course, once for all who ask in the same hour with the same ranges and
    past: the hours up to then are the same."""

    def __init__(self) -> None:
        self._begun: dict[Hashable, tuple[tuple[object, ...], datetime, asyncio.Task[Replay]]] = {}

    async def follow(
        self, state: State, playbook: Playbook, history: History, facts: Facts, profile: Profile
    ) -> State:
        """The state with a course and the signals of the past up to the facts, as `recall_state` works them out at
        once. One that has a course comes back as it is."""
        if state.course is not None or playbook.rules.balance is None:
            return state

        name = (facts.asset, facts.sought, repr(sorted(profile.ranges.items())))
        hour, known = _end_of_hour(facts.at), self._begun.get(name)
        if (
            known is None
            or known[1] != hour
            or any(a is not b for a, b in zip(known[0], (history, playbook), strict=True))
            or _failed(known[2])
        ):
            if len(self._begun) >= MOST:
                self._begun.clear()
            task = asyncio.create_task(_follow(playbook, history, facts, profile.ranges))
            known = self._begun[name] = ((history, playbook), hour, task)
        followed = await asyncio.shield(known[2])
        signals = signals_still_valid(state, playbook) or followed.signals()
        return replace(state, signals=signals, course=followed.course)


def _failed(task: asyncio.Task[Replay]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


async def _follow(playbook: Playbook, history: History, facts: Facts, ranges: Ranges) -> Replay:
    steps = iterate_past(history, playbook, facts, ranges)
    following, more, began_s = next(steps), True, time.perf_counter()
    while more:
        if time.perf_counter() - began_s >= TURN_S:
            await asyncio.sleep(0)
            began_s = time.perf_counter()
        more = next(steps, None) is not None
    return following


def _end_of_hour(at: datetime) -> datetime:
    """The full hour at or after a time: of all times that have it the same full hours lie before."""
    return EPOCH + -(-(at - EPOCH) // HOUR) * HOUR

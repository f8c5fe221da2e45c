"""What the rules remember where nothing is remembered yet: the past is followed, a little at a time, so that whoever
types a command meanwhile has an answer."""

import asyncio
import time
from dataclasses import replace
from typing import Final

from bot.decide import iterate_past, signals_still_valid
from bot.desk.cache import MinuteCache
from bot.domain.facts import Facts
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile, State
from bot.domain.rulebook import Ranges
from bot.metrics import History

TURN_S: Final = 0.02  # so long others wait at most; Discord gives an answer three seconds


class PastFollower:
    """Follows the past for a state that has no course, once for all who ask in the same minute."""

    def __init__(self) -> None:
        self._lately = MinuteCache()

    async def follow(
        self, state: State, playbook: Playbook, history: History, facts: Facts, profile: Profile
    ) -> State:
        """The state with a course and the signals of the past up to the facts, as `recall_state` works them out at
        once. One that has a course comes back as it is."""
        if state.course is not None or playbook.rules.balance is None:
            return state

        def begin() -> asyncio.Task[State]:
            return asyncio.create_task(_follow(state, playbook, history, facts, profile.ranges))

        name = ("followed", facts.asset, profile.id)
        return await asyncio.shield(self._lately.get(name, (facts, history), facts.at, begin))


async def _follow(state: State, playbook: Playbook, history: History, facts: Facts, ranges: Ranges) -> State:
    began_s = time.perf_counter()
    steps = iterate_past(history, playbook, facts, ranges)
    following, more = next(steps), True
    while more:
        if time.perf_counter() - began_s >= TURN_S:
            await asyncio.sleep(0)
            began_s = time.perf_counter()
        more = next(steps, None) is not None
    signals = signals_still_valid(state, playbook) or following.signals()
    return replace(state, signals=signals, course=following.course)

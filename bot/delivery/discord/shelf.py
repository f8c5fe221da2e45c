"""Answers that are the same for every reader, kept for a moment: asked for by many at once, they are worked out once."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Final

from bot.domain.posts import Card

KEPT_S: Final = 10.0  # far less than a poll
MOST: Final = 256


class Shelf:
    """Cards by what was asked. What fails is not kept."""

    def __init__(self, kept_s: float = KEPT_S, *, now: Callable[[], float] = time.monotonic) -> None:
        self._kept_s = kept_s
        self._now = now
        self._cards: dict[Hashable, tuple[float, asyncio.Task[Card]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Coroutine[Any, Any, Card]]) -> Card:
        """The card that is there, or is being made, or is made now. Raises what making it raises."""
        at, making = self._cards.get(key, (0.0, None))
        if making is None or (making.done() and (self._now() - at > self._kept_s or making.exception() is not None)):
            self._make_room()
            making = asyncio.create_task(make())
            self._cards[key] = self._now(), making
        return await asyncio.shield(making)

    def _make_room(self) -> None:
        old = [key for key, (at, making) in self._cards.items() if making.done() and self._now() - at > self._kept_s]
        for key in old:
            del self._cards[key]
        while len(self._cards) >= MOST:
            del self._cards[next(iter(self._cards))]

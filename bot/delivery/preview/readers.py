"""Who reads the page: a cookie a browser, and the answers that were given to it. Nobody else sees them."""

import secrets
from collections import OrderedDict, deque
from collections.abc import Sequence
from typing import Generic, TypeVar

MOST_READERS = 200
MOST_ANSWERS = 20

T = TypeVar("T")


class Readers(Generic[T]):
    """The last answers of the last readers. It forgets the oldest, and everything at a restart."""

    def __init__(self) -> None:
        self._answers: OrderedDict[str, deque[T]] = OrderedDict()

    def recognize(self, name: str | None) -> str:
        """The reader's name: the given one if it is one of ours, else a new one that cannot be guessed."""
        if name is None or name not in self._answers:
            name = secrets.token_urlsafe(16)
            self._answers[name] = deque(maxlen=MOST_ANSWERS)
        self._answers.move_to_end(name)
        while len(self._answers) > MOST_READERS:
            self._answers.popitem(last=False)
        return name

    def answers(self, name: str) -> Sequence[T]:
        """The reader's answers, oldest first."""
        return tuple(self._answers.get(name, ()))

    def keep(self, name: str, answer: T) -> None:
        """Remember an answer for a known reader."""
        if name in self._answers:
            self._answers[name].append(answer)

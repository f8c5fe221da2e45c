"""What is made once of a value that never changes: a bank of words, a book of rules.

Such values hold mappings, so they have no hash; they are few and long-lived, and known by identity."""

from collections.abc import Callable
from typing import Generic, TypeVar

Of = TypeVar("Of")
Made = TypeVar("Made")

MOST = 16


class MadeOnce(Generic[Of, Made]):
    """What a function makes of a value, kept for the last values that were asked about."""

    __slots__ = ("_kept", "_make")

    def __init__(self, make: Callable[[Of], Made]) -> None:
        self._make = make
        self._kept: list[tuple[Of, Made]] = []

    def get(self, of: Of) -> Made:
        """What was made of this very value; made now where it was not. Raises what making raises."""
        for known, made in self._kept:
            if known is of:
                return made
        found = self._make(of)
        self._kept = [*self._kept[1 - MOST :], (of, found)]
        return found

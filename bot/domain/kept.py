"""What is made once of a value: of one that never changes, as a bank of words or a book of rules is, and of the names of
contracts, which come and go.

The first hold mappings, so they have no hash; they are few and long-lived, and known by identity."""

from collections.abc import Callable
from functools import lru_cache
from typing import Generic, ParamSpec, TypeVar, cast

Of = TypeVar("Of")
Made = TypeVar("Made")
Asked = ParamSpec("Asked")

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


_FORGETTING: list[Callable[[], None]] = []


def keep_for_a_day(most: int) -> Callable[[Callable[Asked, Made]], Callable[Asked, Made]]:
    """A decorator: what a function made of its arguments is kept, for `most` of them, until `forget_the_day`. For what is
    made of contracts: those of a poll are those of the next, and each week hundreds expire for good."""

    def keep(make: Callable[Asked, Made]) -> Callable[Asked, Made]:
        kept = lru_cache(maxsize=most)(make)
        _FORGETTING.append(kept.cache_clear)
        return cast(Callable[Asked, Made], kept)

    return keep


def forget_the_day() -> None:
    """Let go of all that was kept for a day."""
    for forget in _FORGETTING:
        forget()

"""What was worked out lately, for as long as what it stands on is the same: many readers ask the same within
a minute."""

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import TypeVar

Made = TypeVar("Made")

MOST = 256


class MinuteCache:
    """Values by name, each with what it stands on (compared by identity) and the minute in which it was
    made."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[tuple[object, ...], datetime, object]] = {}

    def get(
        self, name: Hashable, stands_on: tuple[object, ...], at: datetime, make: Callable[[], Made]
    ) -> Made:
        """The value that was made of the same in this minute; made now where there is none. Raises what
        making raises."""
        minute = at.replace(second=0, microsecond=0)
        known = self._kept.get(name)
        if (
            known is None
            or known[1] != minute
            or any(a is not b for a, b in zip(known[0], stands_on, strict=True))
        ):
            if len(self._kept) >= MOST:
                self._kept.clear()
            known = self._kept[name] = stands_on, minute, make()
        made: Made = known[2]  # type: ignore[assignment]
        return made

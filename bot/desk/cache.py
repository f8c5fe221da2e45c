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
        found = self._find(name, stands_on, at)
        if found is None:
            if len(self._kept) >= MOST:
                self._kept.clear()
            found = (make(),)
            self._kept[name] = stands_on, _minute(at), found[0]
        made: Made = found[0]  # type: ignore[assignment]
        return made

    def find(
        self, name: Hashable, stands_on: tuple[object, ...], at: datetime, kind: type[Made]
    ) -> Made | None:
        """The value of a kind that was made of the same in this minute; None where there is none yet."""
        found = self._find(name, stands_on, at)
        return found[0] if found is not None and isinstance(found[0], kind) else None

    def _find(self, name: Hashable, stands_on: tuple[object, ...], at: datetime) -> tuple[object] | None:
        known = self._kept.get(name)
        if known is None or known[1] != _minute(at):
            return None
        stands = all(a is b for a, b in zip(known[0], stands_on, strict=True))
        return (known[2],) if stands else None


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)

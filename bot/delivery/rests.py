"""Pauses that a surface keeps after a refusal."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

LONGEST_S: Final = 86_400.0


class Rest:
    """A pause of so many seconds, a day at most, that no clock can prolong: it is over when the machine's clock says so, when
    the one that nobody sets does, and when the machine's was put back before its beginning."""

    def __init__(
        self, seconds: float, now: datetime, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        seconds = min(seconds, LONGEST_S)
        self.until = now + timedelta(seconds=seconds)
        self._began = now
        self._seconds = seconds
        self._monotonic = monotonic
        self._began_s = monotonic()

    def is_over(self, now: datetime) -> bool:
        """Whether it is over at this moment of the machine's clock."""
        return not self._began <= now < self.until or self._monotonic() - self._began_s >= self._seconds

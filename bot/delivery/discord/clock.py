"""Discord's own time: what its answers are dated by, carried on by a clock that nobody can set.

The machine's clock may be an hour off, and be put right between two tries of a post; what stands in a channel
is dated by Discord alone. Limits: the Date header is cut to the second; an id's first 42 bits are
milliseconds since 2015."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

EPOCH: Final = datetime(2015, 1, 1, tzinfo=UTC)
COUNTER_BITS: Final = 22


class DiscordClock:
    """Set by each answer. The clock that carries it on (monotonic seconds) is an argument."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._heard: tuple[datetime, float] | None = None

    def heed(self, headers: Mapping[str, str]) -> None:
        """Take the time from an answer's Date, where it has one that can be read."""
        try:
            at = parsedate_to_datetime(headers.get("Date", ""))
        except (ValueError, TypeError):
            return
        if at.tzinfo is not None:
            self._heard = at.astimezone(UTC), self._monotonic()

    def now(self) -> datetime | None:
        """Discord's time of this moment, to the second; None before its first answer."""
        if self._heard is None:
            return None
        at, heard_s = self._heard
        return at + timedelta(seconds=self._monotonic() - heard_s)


def first_id_at(at: datetime) -> int:
    """The smallest id that something of that time may have; 0 for a time before Discord's first."""
    return max(int((at - EPOCH) / timedelta(milliseconds=1)), 0) << COUNTER_BITS


def time_of(number: int) -> datetime:
    """When something of this id came to be."""
    return EPOCH + timedelta(milliseconds=number >> COUNTER_BITS)

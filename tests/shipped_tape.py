"""The shipped tape as it answers at one time, for all tests that ask it then."""

from datetime import datetime
from functools import cache

from bot.process.demo import read_tape
from bot.sources._tape import TapeTransport


@cache
def tape_at(at: datetime, venues: tuple[str, ...]) -> TapeTransport:
    """What the venues answer at a time. Working its courses out takes longer than a poll, and asking changes nothing."""
    return TapeTransport(read_tape("february-2026"), lambda: at, venues=venues)

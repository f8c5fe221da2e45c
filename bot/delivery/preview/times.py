"""Times and ages as the page writes them; a script turns times into the reader's own."""

import math
from datetime import datetime, timedelta


def moment(at: datetime) -> str:
    """6 Feb 2026, 14:00 UTC."""
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def iso(at: datetime) -> str:
    """2026-02-06T14:00:00Z."""
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def seconds(at: datetime) -> int:
    """Seconds since 1970, rounded up: a post of that very time is not left out."""
    return math.ceil(at.timestamp())


def age(passed: timedelta) -> str:
    """3 min, 5 h, 2 d: always rounded down."""
    minutes = max(0, int(passed.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"

"""Times as text: how JSON has them, and how somebody types them."""

from datetime import UTC, datetime

from bot.errors import InputError

FIRST_YEAR, LAST_YEAR = 1971, 2199  # beyond them sums of times run off the calendar


def iso(at: datetime) -> str:
    """A time as JSON has it."""
    return at.isoformat().replace("+00:00", "Z")


def read_time(text: str) -> datetime:
    """A time as typed; one without a zone is UTC. Raises InputError, also for one at the ends of the calendar."""
    try:
        at = datetime.fromisoformat(text)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{text[:60]!r} is not a time such as 2026-02-06 or 2026-02-06T14:00Z") from error
    if not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise InputError(f"{text[:60]!r} lies outside of the years {FIRST_YEAR} to {LAST_YEAR}")
    return at

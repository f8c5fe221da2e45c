"""What parts of the desk failed in a way that nobody thought of: each loses itself alone, is in the log once, and health
tells it for as long as it lasts."""

import re
from collections.abc import Iterable, Mapping

import structlog

from bot.domain.readings import Gap
from bot.errors import TightropeError

log = structlog.get_logger()


NO_WAY = re.compile(r"\b(unreachable|no_answer|not_connected)\(")
NOTHING_HEARD = (
    "no source answers: look whether this machine has a network and resolves names; behind a proxy set HTTPS_PROXY;"
    " ./tightrope doctor asks each source and tells what it says"
)


def is_without_network(gaps: Iterable[Gap]) -> bool:
    """Whether all that was not heard was not heard for want of a way to it."""
    found = tuple(gaps)
    return bool(found) and all(NO_WAY.search(gap.reason) for gap in found)


class Troubles:
    """One for a process. A part is named as a person would: `ETH`, `BTC for es, short`, `source okx`."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def note(self, part: str, error: Exception) -> None:
        """It failed; the log hears it once, with the trace, until the part is well again or fails otherwise."""
        # A library's own words may hold an address with a key in it: its kind alone is told.
        says = str(error) if isinstance(error, TightropeError) else type(error).__name__
        if self._known.get(part) != says:
            log.error("part.failed", part=part, reason=says, exc_info=error)
        self._known[part] = says

    def clear(self, part: str) -> None:
        """It did what it is for."""
        if self._known.pop(part, None) is not None:
            log.info("part.well", part=part)

    @property
    def by_part(self) -> Mapping[str, str]:
        """The parts that are in trouble now, and what it is."""
        return dict(self._known)

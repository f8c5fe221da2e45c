"""Whether a contract trades, by its venue's own word for it.

A contract that is halted keeps its last mark and its last count for as long as the venue likes: it is a gap, named with
the word. One that does not trade yet, or never will again, is none of the venue's contracts: it is left out, and whoever
counted it before notices that it is missing. A word that nobody told says nothing."""

from collections.abc import Mapping

import structlog
from msgspec import Struct

from bot.domain.readings import Gap
from bot.reasons import about, reason

log = structlog.get_logger()

UNLISTED = ""
"""The word of a contract that is not on its venue's list of contracts that trade."""


class StateWords(Struct, frozen=True, kw_only=True):
    """What a venue calls a contract that trades, one that does not yet, and one that is over. Any other word is of one
    that does not trade now."""

    trading: str
    before: frozenset[str] = frozenset()
    over: frozenset[str] = frozenset()

    def leaves_out(self, word: str | None) -> bool:
        """Whether a contract of this word is none of the venue's: not yet, or no more."""
        return word in self.before or word in self.over

    def halt_of(self, subject: str, word: str | None) -> Gap | None:
        """The gap of a contract that does not trade now; None where it does, or where nobody said."""
        if word is None or word == self.trading or self.leaves_out(word):
            return None
        why = reason("not_among_trading") if word == UNLISTED else reason("not_trading", status=word[:20])
        return Gap(who=subject, reason=about(subject, why))


class HeardStates(Struct, frozen=True, kw_only=True):
    """A venue's words by symbol, or why they were not heard: its contracts then speak for themselves."""

    words: Mapping[str, str]
    unheard: str = ""

    def log_unheard(self, venue: str) -> None:
        """Say in the log that a halt would not have been noticed; to be asked where the contracts were heard, for a venue
        that tells nothing at all is told of already."""
        if self.unheard:
            log.info("states.unheard", venue=venue, reason=self.unheard)


def words_told(rows: Mapping[str, str | None]) -> dict[str, str]:
    """The words by symbol, without those that are empty."""
    return {symbol: word for symbol, word in rows.items() if word}

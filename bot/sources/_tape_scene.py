"""What a venue on the tape knows at a moment, and what it is asked."""

from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from math import fsum

import numpy as np
from msgspec import Struct

from bot.sources._tape_chain import Floats
from bot.sources._tape_course import TapeCourse
from bot.sources._tape_market import TapeHours, TapeMarket, midnight_ms
from bot.sources._tape_table import Tape, TapeMoment

CARRIES_THE_REST = "deribit"


class Scene(Struct, frozen=True, kw_only=True, eq=False):
    """What a venue on the tape knows at a moment: each asset's market and hours that have ended, its share of them.

    `shares` and `option_shares` are those of the venues that can be reached beside the one that carries the
    rest."""

    tape: Tape
    moment: TapeMoment
    markets: Mapping[str, TapeMarket]
    hours: Mapping[str, TapeHours]
    courses: Mapping[str, TapeCourse]
    shares: Mapping[str, float]
    option_shares: Mapping[str, float]

    def share(self, venue: str, asset: str) -> float:
        """A venue's share of the futures and perpetuals of an asset; all venues' add up to 1."""
        return self._part(self.shares, venue, asset)

    def option_share(self, venue: str, asset: str) -> float:
        """A venue's share of the options of an asset; all venues' add up to 1."""
        return self._part(self.option_shares, venue, asset)

    def _part(self, shares: Mapping[str, float], venue: str, asset: str) -> float:
        absent = self.tape.assets[asset].absent
        listed = {name: share for name, share in shares.items() if name not in absent}
        if venue == CARRIES_THE_REST:
            return 1 - fsum(listed.values())
        return fsum(share for name, share in listed.items() if name == venue)

    def value_beside(self, name: str, at_ms: float) -> float:
        """A value that is told beside the market, at a time: linear between its days, the ends' beyond
        them."""
        return float(np.interp(at_ms, *_drawn(self.tape.drawn[name])))


class Asked(Struct, frozen=True, kw_only=True):
    """A request, as far as a venue on the tape looks at it: host, path, query, JSON body, and the server's
    time."""

    host: str
    path: str
    params: Mapping[str, str]
    body: object
    now: datetime


Answer = tuple[int, object]
"""HTTP status, and what becomes the JSON body (bytes go out as they are)."""


@lru_cache(maxsize=16)
def _drawn(days: tuple[tuple[date, float], ...]) -> tuple[Floats, Floats]:
    return np.array([midnight_ms(day) for day, _ in days]), np.array([value for _, value in days])

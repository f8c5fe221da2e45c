"""The past of every metric of one asset, and the views of it."""

from collections.abc import Iterable
from datetime import datetime

from bot.domain.facts import Point, Series


class History:
    """What was known of one asset: every metric's points, aggregate and per venue."""

    @classmethod
    def empty(cls, asset: str) -> "History":
        """A history without a point."""
        raise NotImplementedError

    @classmethod
    def of(cls, asset: str, series: Iterable[Series]) -> "History":
        """The history that the archive's series tell."""
        raise NotImplementedError

    def extended(self, points: Iterable[Point]) -> "History":
        """This history and some more points."""
        raise NotImplementedError

    def at(self, when: datetime) -> "History":
        """What was known by then."""
        raise NotImplementedError

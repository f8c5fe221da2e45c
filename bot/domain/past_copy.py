"""The stored past of one asset, as columns: what goes from one archive to another as it is."""

from array import array
from datetime import datetime

from msgspec import Struct


class CopiedBasis(Struct, frozen=True, kw_only=True):
    """What a value stands on: venues joined by commas, of how many, and whether it is only a lower bound."""

    venues: str
    of_venues: int
    lower_bound: bool


class CopiedSeries(Struct, frozen=True, kw_only=True):
    """One series of an asset and how many rows it has. `venue` is empty for the aggregate; `grain`: 0 values for a
    moment, 1 for up to an hour, 2 for longer."""

    metric: str
    venue: str
    grain: int
    rows: int


class CopiedRestatement(Struct, frozen=True, kw_only=True):
    """A stretch that was told otherwise later: `series` is its series' place, from 0; `before` was known until
    `heard_at`."""

    series: int
    at_ms: int
    covers_s: int
    before: float
    after: float
    heard_at: datetime
    settled_at: datetime | None


class PastCopy(Struct, frozen=True, kw_only=True, eq=False):
    """The points of an asset as they were heard, one series after the other, each ascending in time: `at_ms`
    (milliseconds since 1970 UTC), `value`, `basis` (its place among `bases`, from 0), `covers_s`. Series and bases stand
    in the order in which they got their numbers."""

    asset: str
    series: tuple[CopiedSeries, ...]
    bases: tuple[CopiedBasis, ...]
    restatements: tuple[CopiedRestatement, ...]
    at_ms: "array[int]"
    value: "array[float]"
    basis: "array[int]"
    covers_s: "array[int]"

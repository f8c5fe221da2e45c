"""Numbers with their unit, age and venues: points in the archive, facts for rules and phrases."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One value of one metric. `venue` is None for the aggregate, which names the `venues` that it stands on, of how many
    it could stand on. `covers_s` is the stretch after `at` that the value speaks for (0: an instant)."""

    metric: str
    asset: str
    at: datetime
    value: float
    venue: str | None = None
    venues: tuple[str, ...] = ()
    of_venues: int = 0
    lower_bound: bool = False
    covers_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Restatement:
    """A stretch of a metric's past that was told otherwise later: `before` was known until `heard_at`, `after` since then.
    `venue` is None for the aggregate."""

    id: int
    metric: str
    asset: str
    venue: str | None
    at: datetime
    covers_s: int
    before: float
    after: float
    heard_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Series:
    """One metric's past as columns: `at_ms` ascending (milliseconds since 1970 UTC), `value`, `covers_s`; a gap is a row
    that is not there. `venue` is None for the aggregate. `lower_bound` is 1 where the true value may be higher; left empty,
    no value is such."""

    metric: str
    asset: str
    venue: str | None
    at_ms: "array[int]"
    value: "array[float]"
    covers_s: "array[int]"
    lower_bound: "array[int]" = field(default_factory=lambda: array("b"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One number that rules and phrases may ask for, by its name (`skew_60d_pct`, `open_interest_usd.change_7d_pct`).

    `at` is when it was observed. `extreme_at` is the time that stands beside an extreme or record (`low_30d_usd`,
    `liquidations_max_day_1y_usd`, `.lowest_since`). `lower_bound`: the true value may be higher ("at least").
    """

    name: str
    value: float
    at: datetime
    venues: tuple[str, ...] = ()
    of_venues: int = 0
    lower_bound: bool = False
    extreme_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one asset at one time: a fact, or the reason why it is not known. Never 0 for unknown, never nan.

    `known` is fresh: within its metric's max_age at `at`. `stale` holds the last reading of what has grown too old to
    judge by; it may be shown with its age. `unknown` gives a reason for each name that was tried and is not known
    (stale ones included).
    """

    asset: str
    at: datetime
    known: Mapping[str, Fact]
    unknown: Mapping[str, str] = field(default_factory=dict)
    stale: Mapping[str, Fact] = field(default_factory=dict)
    measured: Mapping[str, Fact] | None = None

    def of_metrics(self) -> Mapping[str, Fact]:
        """The fresh facts that are metrics themselves. `measured` gives them without working out any view."""
        if self.measured is not None:
            return self.measured
        return {name: fact for name, fact in self.known.items() if "." not in name}

    def get(self, name: str) -> Fact | None:
        """The fresh fact, or None."""
        return self.known.get(name)

    def value(self, name: str) -> float | None:
        """The fresh fact's value, or None."""
        fact = self.known.get(name)
        return None if fact is None else fact.value

    def why_unknown(self, name: str) -> str:
        """The reason why `name` is not known."""
        return self.unknown.get(name, "not reported")

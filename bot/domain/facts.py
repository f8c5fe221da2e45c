"""Numbers with their unit, age and venues: points in the archive, facts for rules and phrases."""

from array import array
from collections.abc import Container, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct, field

from bot.domain.readings import Quantity
from bot.reasons import reason

ESTIMATES = "~"
"""Who tells estimates: what was worked out from past trades and bars. What one venue's say has its name behind it.
Such values feed ranks, usual ranges and charts; no sentence states one."""


class Point(Struct, frozen=True, kw_only=True):
    """One value of one metric. `venue` is None for the aggregate, which names the `venues` that it stands on,
    of how many it could stand on, and begins with `ESTIMATES` where the value is an estimate. `covers_s` is the
    stretch after `at` that the value speaks for (0: an instant)."""

    metric: str
    asset: str
    at: datetime
    value: float
    venue: str | None = None
    venues: tuple[str, ...] = ()
    of_venues: int = 0
    lower_bound: bool = False
    covers_s: int = 0


class Restatement(Struct, frozen=True, kw_only=True):
    """A stretch of a metric's past that was told otherwise later: `before` was known until `heard_at`,
    `after` since then. `venue` is None for the aggregate."""

    id: int
    metric: str
    asset: str
    venue: str | None
    at: datetime
    covers_s: int
    before: float
    after: float
    heard_at: datetime


class Series(Struct, frozen=True, kw_only=True, eq=False):
    """One metric's past as columns: `at_ms` ascending (milliseconds since 1970 UTC), `value`, `covers_s`; a
    gap is a row that is not there. `venue` is None for the aggregate. `lower_bound` is 1 where the true value
    may be higher; left empty, no value is such."""

    metric: str
    asset: str
    venue: str | None
    at_ms: "array[int]"
    value: "array[float]"
    covers_s: "array[int]"
    lower_bound: "array[int]" = field(default_factory=lambda: array("b"))


class Fact(Struct, frozen=True, kw_only=True):
    """One number that rules and phrases may ask for, by its name (`skew_60d_pct`,
    `open_interest_usd.change_7d_pct`).

    `at` is when it was observed. `extreme_at` is the time that stands beside an extreme or record
    (`low_30d_usd`, `liquidations_max_day_1y_usd`, `.lowest_since`). `lower_bound`: the true value may be
    higher ("at least"). It stands on `venues`, of `of_venues` that should tell it; `missing` names those of them that
    did not, where that is known."""

    name: str
    value: float
    at: datetime
    venues: tuple[str, ...] = ()
    of_venues: int = 0
    lower_bound: bool = False
    extreme_at: datetime | None = None
    missing: tuple[str, ...] = ()


OF_FAMILIES = frozenset({"balance"})
"""Facts that the rules make of everything: families stand where others have venues."""


class VenueCount(Struct, frozen=True, kw_only=True):
    """Whom some facts stand on: the `sources` that told them, by name, each once; `heard`, how many of these are
    venues (a vendor is none); and `expected`, how many venues should tell at least one of them."""

    sources: tuple[str, ...]
    heard: int
    expected: int


def count_venues(facts: Iterable[Fact], vendors: Container[str]) -> VenueCount:
    """The one count of venues of a text: of those that the facts that it shows stand on, out of those that should tell
    them. A venue that is missing from one of the facts and told another is heard."""
    shown = tuple(fact for fact in facts if fact.name.partition(".")[0] not in OF_FAMILIES)
    sources = {_venue(name) for fact in shown for name in fact.venues}
    heard = {venue for venue in sources if venue not in vendors}
    missing = {venue for fact in shown for name in fact.missing if (venue := _venue(name)) not in vendors}
    known = len(heard | missing)
    # where nobody said who is missing, there are at least as many as the fact with the most of them has
    told = max((_expected(fact, vendors) for fact in shown), default=0)
    return VenueCount(sources=tuple(sorted(sources)), heard=len(heard), expected=max(known, told))


def _venue(name: str) -> str:
    """The venue of what a fact calls one: a market of its own ("binance PAXG") is the venue's."""
    return name.partition(" ")[0]


def _expected(fact: Fact, vendors: Container[str]) -> int:
    """How many venues should tell a fact; none of one that vendors tell."""
    return fact.of_venues if any(venue not in vendors for venue in fact.venues) else 0


class OwnPast(Struct, frozen=True, kw_only=True):
    """What one fact of one asset has been in its own last year, worked out once a day and ending a day before it is
    used, so that a shock does not measure itself.

    `quantiles` are the values at 5, 20, 50, 80 and 95% of that time, ascending; `days` the days with a sample (a
    fact with fewer than 45 weighs less by its past). `low_90d` and `high_90d` are its range of the last 90 days,
    `weekly_moves` its changes over the last whole weeks, newest first, at most 52: from these it is told how often
    a move of some size happened. `since` and `until` bound the time that it stands on. `source` is "own" for what
    this installation measured or filled in, "shipped" for a row of the rule files that stands in until there are
    own days, "stated" for what somebody gave to `bot judge`. `estimated_pct` is the share of the samples that were
    estimated rather than measured."""

    fact: str
    quantiles: tuple[float, float, float, float, float]
    days: int
    source: Literal["own", "shipped", "stated"] = "own"
    since: datetime | None = None
    until: datetime | None = None
    low_90d: float | None = None
    high_90d: float | None = None
    weekly_moves: tuple[float, ...] = ()
    estimated_pct: float = 0.0


class TrailPoint(Struct, frozen=True, kw_only=True):
    """What a metric read at a time on its way to now."""

    at: datetime
    value: float


class Trail(Struct, frozen=True, kw_only=True):
    """How a metric came to where it stands: backwards from now each reading that was higher (lower) than all after it. It
    is known from `since` on, as far back as its readings lie close enough together; `apart` is how far apart that is."""

    since: datetime
    apart: timedelta
    highs: tuple[TrailPoint, ...]
    lows: tuple[TrailPoint, ...]

    def highest(self, after: datetime) -> TrailPoint | None:
        """The highest reading after a time; None where the readings do not reach so far back."""
        return self._farthest(self.highs, after)

    def lowest(self, after: datetime) -> TrailPoint | None:
        """The lowest reading after a time; None where the readings do not reach so far back."""
        return self._farthest(self.lows, after)

    def _farthest(self, points: tuple[TrailPoint, ...], after: datetime) -> TrailPoint | None:
        if after < self.since - self.apart:
            return None
        return next((point for point in reversed(points) if point.at > after), None)


class PastsOfDay(Struct, frozen=True, kw_only=True):
    """The pasts of one asset's facts, by name, as they were worked out for the UTC day that begins at `day`, by the
    edition of the rules `edition` (which says of which facts)."""

    asset: str
    day: datetime
    edition: str
    by_fact: Mapping[str, OwnPast]


class Facts(Struct, frozen=True, kw_only=True):
    """What is known of one asset at one time: a fact, or the reason why it is not known. Never 0 for unknown,
    never nan.

    `known` is fresh: within its metric's max_age at `at`. `stale` holds the last reading of what has grown
    too old to judge by; it may be shown with its age. `unknown` gives a reason for each name that was tried
    and is not known (stale ones included). `pasts` has, by a fact's name, what it has been in its own last year:
    the second yardstick, beside the usual range of the rule files. A fact without one has no such past yet; None as a
    whole: these facts are judged by the usual ranges alone, as what somebody states is. `sought` names what some source
    of this installation brings for the asset, heard or not (None: no matter): what nobody is asked for is no gap.
    `estimated` has changes whose earlier end was estimated, while nothing was measured then: the rules judge by them, and
    no text knows them. `trails` tell of some metrics what they read on the way to now."""

    asset: str
    at: datetime
    known: Mapping[str, Fact]
    unknown: Mapping[str, str] = field(default_factory=dict)
    stale: Mapping[str, Fact] = field(default_factory=dict)
    measured: Mapping[str, Fact] | None = None
    pasts: Mapping[str, OwnPast] | None = None
    sought: tuple[Quantity, ...] | None = None
    estimated: Mapping[str, Fact] = field(default_factory=dict)
    trails: Mapping[str, Trail] = field(default_factory=dict)

    def of_metrics(self) -> Mapping[str, Fact]:
        """The fresh facts that are metrics themselves. `measured` gives them without working out any view."""
        if self.measured is not None:
            return self.measured
        return {name: fact for name, fact in self.known.items() if "." not in name}

    def of_those(self, names: Iterable[str]) -> "Facts":
        """What is known of the metrics of these facts alone, or was."""
        metrics = dict.fromkeys([name.partition(".")[0] for name in names])
        known = {name: fact for name, fact in self.of_metrics().items() if name in metrics}
        stale = {name: self.stale[name] for name in metrics if name in self.stale}
        return Facts(asset=self.asset, at=self.at, known=known, stale=stale)

    def sources(self) -> tuple[str, ...]:
        """Who told what is known, by name, each once."""
        return count_venues(self.of_metrics().values(), ()).sources

    def get(self, name: str) -> Fact | None:
        """The fresh fact, or None."""
        return self.known.get(name)

    def value(self, name: str) -> float | None:
        """The fresh fact's value, or None."""
        fact = self.known.get(name)
        return None if fact is None else fact.value

    def why_unknown(self, name: str) -> str:
        """The reason why `name` is not known."""
        return self.unknown.get(name, reason("not_reported"))

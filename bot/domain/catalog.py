"""The catalog: every metric by name, the views of a metric, and which fact names exist."""

import difflib
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct

from bot.domain.facts import Fact, Facts
from bot.errors import InputError

AHEAD = timedelta(minutes=5)
"""How far ahead of our clock a venue's may run."""

RANK = "percentile_90d"
"""The view that is a rank among the last ninety days."""

RANKED_BY: Mapping[str, str] = {"basis_60d_pct": "basis_90d_pct"}
"""The metric whose rank is told, under its own name, where that of another one is not known: the quarterly futures of a
past year tell a basis of ninety days on nine days of ten, one of sixty on six of ten. Told only, never judged by."""

Unit = Literal[
    "USD",
    "coins",
    "%",
    "% a year",
    "% of ATM IV",
    "points",
    "vol points",
    "ratio",
    "h",
    "days",
    "rank",
    "sigma",
]


class Measured(Struct, frozen=True, kw_only=True):
    """A metric's value, and what it stands on: `venues` that told it, of `of_venues` that should, those of them
    that did not in `missing`. `by_venue` holds the venues' own values where that makes sense."""

    value: float
    observed_at: datetime
    venues: tuple[str, ...] = ()
    of_venues: int = 0
    missing: tuple[str, ...] = ()
    lower_bound: bool = False
    extreme_at: datetime | None = None
    by_venue: Mapping[str, float] | None = None


class Unknown(Struct, frozen=True, kw_only=True):
    """No value, and why."""

    reason: str


class Metric(Struct, frozen=True, kw_only=True):
    """One row of the catalog: a name, its unit, how old it may be, the range in which a value is plausible
    (ends included), and the pure function that computes it. Title and meaning are phrases.

    `amount` is True for a quantity that has a natural zero and adds up (open interest, notional, a price):
    only these have percent changes. `formula` is one line in words, shown by `/why`. `combine` says how the
    venues' own values make the aggregate (None: it has none); `weight` names the metric that weighs them
    where it is "weighted". `apart_pct` is how far apart venues may be before they are not believed (None: as
    far as they like). `judged`: it is made by the rules from all families, and belongs to none. `counts`: whose
    contracts its venues sum; no change of a venue is told across a time at which these became others. `venues_of` names
    the metric whose venues it stands on where it keeps no values of theirs ("": one that keeps them, or has no venues):
    it is compared only with times at which these were the same."""

    name: str
    unit: Unit
    max_age: timedelta
    valid: tuple[float, float]
    compute: Callable[[Any, Any], Measured | Unknown]
    formula: str
    amount: bool = False
    combine: Literal["sum", "median", "weighted"] | None = None
    weight: str = ""
    apart_pct: float | None = None
    judged: bool = False
    counts: Literal["futures", "options"] | None = None
    venues_of: str = ""


class View(Struct, frozen=True, kw_only=True):
    """A way to look at a metric's past: its suffix, its unit (None: the metric's own), its valid range (None:
    any finite number) and whether it exists only for amounts."""

    suffix: str
    unit: Unit | None
    valid: tuple[float, float] | None
    window: timedelta
    amounts_only: bool = False


def _views() -> Iterator[View]:
    for label, window in (
        ("1h", timedelta(hours=1)),
        ("24h", timedelta(hours=24)),
        ("7d", timedelta(days=7)),
    ):
        yield View(suffix=f"change_{label}", unit=None, valid=None, window=window)
        yield View(suffix=f"before_{label}", unit=None, valid=None, window=window)
        yield View(
            suffix=f"change_{label}_pct",
            unit="%",
            valid=(-100.0, 100_000.0),
            window=window,
            amounts_only=True,
        )
    days = timedelta(days=90)
    yield View(suffix=RANK, unit="rank", valid=(0.0, 100.0), window=days)
    yield View(suffix="zscore_90d", unit="sigma", valid=(-100.0, 100.0), window=days)
    yield View(suffix="times_median_90d", unit="ratio", valid=(0.0, 1e6), window=days, amounts_only=True)
    year = timedelta(days=365)
    yield View(suffix="lowest_since", unit="days", valid=(0.0, 36_500.0), window=year)
    yield View(suffix="highest_since", unit="days", valid=(0.0, 36_500.0), window=year)


VIEWS: Mapping[str, View] = {view.suffix: view for view in _views()}


class FactName(Struct, frozen=True, kw_only=True):
    """A fact's name taken apart."""

    name: str
    metric: Metric
    view: View | None

    @property
    def unit(self) -> Unit:
        """The unit that the fact's value has. A change of a percentage is in points."""
        if self.view is None:
            return self.metric.unit
        if self.view.unit is not None:
            return self.view.unit
        if self.view.suffix.startswith("change_") and self.metric.unit.startswith("%"):
            return "points"
        return self.metric.unit

    @property
    def valid(self) -> tuple[float, float]:
        """The range, ends included, outside which a value is refused."""
        if self.view is None or self.view.suffix.startswith("before_"):
            return self.metric.valid
        if self.view.valid is not None:
            return self.view.valid
        low, high = self.metric.valid
        return (low - high, high - low)


class Catalog(Struct, frozen=True, dict=True):
    """All metrics, by name. Which facts exist follows from it: each metric and each of its views."""

    metrics: Mapping[str, Metric]

    @cached_property
    def _resolved(self) -> dict[str, FactName]:
        return {}

    def resolve(self, name: str) -> FactName:
        """The parts of a fact's name. Raises InputError that names the unknown word and the nearest known
        one."""
        if name not in self._resolved:
            self._resolved[name] = self._take_apart(name)
        return self._resolved[name]

    def _take_apart(self, name: str) -> FactName:
        stem, _, suffix = name.partition(".")
        metric = self.metrics.get(stem)
        if metric is None:
            near = difflib.get_close_matches(stem, self.metrics, n=1)
            raise InputError(f"unknown fact {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))
        if not suffix:
            return FactName(name=name, metric=metric, view=None)
        view = VIEWS.get(suffix)
        if view is None:
            near = difflib.get_close_matches(suffix, VIEWS, n=1)
            raise InputError(
                f"unknown view in {name!r}" + (f": did you mean {stem}.{near[0]}?" if near else "")
            )
        if view.amounts_only and not metric.amount:
            raise InputError(
                f"{name!r}: a percent change exists only for amounts; use {stem}.{suffix.removesuffix('_pct')}"
            )
        return FactName(name=name, metric=metric, view=view)

    def __contains__(self, name: str) -> bool:
        if name in self._resolved:
            return True
        try:
            self.resolve(name)
        except InputError:
            return False
        return True

    def check(self, name: str, value: float) -> float:
        """The value, if the fact exists and the value is finite and plausible. Raises InputError that names
        the fact."""
        low, high = self.resolve(name).valid
        if not math.isfinite(value):
            raise InputError(f"{name}: {value} is not a number; leave the fact out if it is unknown")
        if not low <= value <= high:
            raise InputError(f"{name}: {value:g} is outside {low:g}…{high:g}")
        return value

    def fresh(self, fact: Fact, at: datetime) -> bool:
        """Whether the fact is young enough at `at` to be judged by. One that lies ahead is of a clock that was put
        back since, and its age is not known."""
        return -AHEAD <= at - fact.at <= self.resolve(fact.name).metric.max_age


def ranked_instead(name: str, facts: Facts) -> str | None:
    """The metric whose rank is told, by its own name, where that of a known one is not; None where its own is, or
    neither."""
    other = RANKED_BY.get(name)
    if other is None or name not in facts.known or facts.get(f"{name}.{RANK}") is not None:
        return None
    return other if facts.get(f"{other}.{RANK}") is not None else None

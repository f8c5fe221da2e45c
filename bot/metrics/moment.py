"""One measuring: the readings of one asset at one time, its past, and what the metrics made of them so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, TypeVar

from bot.domain.catalog import Catalog, Measured, Metric, Unknown
from bot.domain.playbook import Holding
from bot.domain.readings import (
    AccountRatio,
    FundingRate,
    FutureQuote,
    Gap,
    Quantity,
    Reading,
    Snapshot,
    SpotQuote,
    VolatilityQuote,
)
from bot.metrics.combine import Own, combine
from bot.metrics.history import History, to_time

R = TypeVar("R", bound=Reading)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one metric ended: `value` where it is known, else `reason`, with its `last` value where there is one.

    `new` is True for a value that this measuring computed, not one that the past still vouches for.
    """

    value: Measured | None = None
    reason: str = ""
    last: Measured | None = None
    new: bool = False


class Moment:
    """What a metric may look at. Metrics ask for each other by name, so that a family that was deleted is a reason, not an error."""

    def __init__(
        self, snapshot: Snapshot, history: History, catalog: Catalog, holdings: Sequence[Holding] = ()
    ) -> None:
        self.snapshot = snapshot
        self.asset = snapshot.asset
        self.at = snapshot.taken_at
        self.history = history
        self.catalog = catalog
        self.holdings = tuple(holding for holding in holdings if holding.asset == snapshot.asset)
        self.refused: dict[str, list[str]] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._once: dict[Callable[[Moment], Any], Any] = {}

    def readings(self, kind: type[R], max_age: timedelta, assets: tuple[str, ...] = ()) -> tuple[R, ...]:
        """The readings of one kind that are young enough to be measured, of this moment's asset or of those named.

        Where two sources tell the same of a venue, the younger reading counts.
        """
        wanted = assets or (self.asset,)
        found: dict[object, R] = {}
        for number, reading in enumerate(self.snapshot.readings):
            if isinstance(reading, kind) and _asset(reading) in wanted and self.at - reading.observed_at <= max_age:
                same = _subject(reading) or number
                known = found.get(same)
                if known is None or known.observed_at < reading.observed_at:
                    found[same] = reading
        return tuple(found.values())

    def asked(self, *quantities: Quantity) -> tuple[str, ...]:
        """The venues that were asked for any of the quantities."""
        return tuple(dict.fromkeys(venue for one in quantities for venue in self.snapshot.asked.get(one, ())))

    def silence(self, *quantities: Quantity) -> Unknown:
        """Why nothing was heard of the quantities."""
        asked = self.asked(*quantities)
        if not self.snapshot.asked and not self.snapshot.readings:
            return Unknown(reason="nothing was heard of it yet")
        if not asked:
            return Unknown(reason=f"no venue that brings {quantities[0]} is switched on")
        told = [_in_words(gap) for gap in self.snapshot.gaps if gap.who.partition(" ")[0] in asked]
        return Unknown(reason="; ".join(told) or f"{', '.join(asked)} brought no {quantities[0]}, or an old one")

    def combine(self, name: str, parts: Mapping[str, Own], *quantities: Quantity) -> Measured | Unknown:
        """The venues' own values of a metric as one, by the way that its row names; implausible ones are refused, and said.

        Without any value the answer is why nothing was heard of the quantities that it is made from.
        """
        metric = self.catalog.metrics[name]
        low, high = metric.valid
        good = {venue: part for venue, part in parts.items() if low <= part.value <= high}
        for venue in parts.keys() - good.keys():
            self._refuse(metric, parts[venue].value, f"{venue}: ")
        if good and metric.combine is not None:
            return combine(metric.combine, good, (*self.asked(*quantities), *parts))
        return Unknown(reason="; ".join(self.refused[name])) if parts else self.silence(*quantities)

    def _refuse(self, metric: Metric, value: float, who: str = "") -> None:
        low, high = metric.valid
        self.refused.setdefault(metric.name, []).append(f"{who}{value:g} is outside {low:g}…{high:g}: refused")

    def once(self, work: Callable[[Moment], T]) -> T:
        """What `work` makes of this moment, worked out at most once."""
        if work not in self._once:
            self._once[work] = work(self)
        result: T = self._once[work]
        return result

    def measure(self, name: str) -> Measured | Unknown:
        """A metric's value now, or its last one if that is still young enough; else why there is none."""
        outcome = self.outcome(name)
        return outcome.value if outcome.value is not None else Unknown(reason=f"{name}: {outcome.reason}")

    def outcome(self, name: str) -> Outcome:
        """How the metric ended here."""
        if name not in self._outcomes:
            metric = self.catalog.metrics.get(name)
            self._outcomes[name] = self._judged(metric) if metric else Outcome(reason="nothing here measures it")
        return self._outcomes[name]

    def _judged(self, metric: Metric) -> Outcome:
        result = metric.compute(self, self.history)
        if isinstance(result, Unknown):
            last = self._last(metric.name)
            if metric.name in self.refused:
                return Outcome(reason=result.reason, last=last)
            if last is not None and self.at - last.observed_at <= metric.max_age:
                return Outcome(value=last)
            if last is not None and not self.snapshot.readings:
                return Outcome(reason=f"the last reading is {age(self.at - last.observed_at)} old", last=last)
            return Outcome(reason=result.reason, last=last)
        low, high = metric.valid
        if not low <= result.value <= high:
            self._refuse(metric, result.value)
            return Outcome(reason=self.refused[metric.name][-1], last=self._last(metric.name))
        result = replace(result, observed_at=min(result.observed_at, self.at))
        if self.at - result.observed_at > metric.max_age:
            return Outcome(reason=f"the last reading is {age(self.at - result.observed_at)} old", last=result)
        return Outcome(value=result, new=True)

    def _last(self, name: str) -> Measured | None:
        column = self.history.column(name)
        if not len(column):
            return None
        own = self.history.beside(name, float(column.at_ms[-1]), float(column.known_ms[-1]))
        return Measured(
            value=float(column.value[-1]),
            observed_at=min(to_time(float(column.known_ms[-1])), self.at),
            venues=tuple(own),
            of_venues=len(own.keys() | self._could_have(name)),
            by_venue=own or None,
            lower_bound=bool(column.at_least[-1]),
        )

    def _could_have(self, name: str) -> set[str]:
        """The venues that gave the metric before and are still asked (all that gave it, where nobody says who is asked)."""
        asked = {venue for venues in self.snapshot.asked.values() for venue in venues}
        return {venue for venue in self.history.venues(name) if not asked or venue in asked}


def _in_words(gap: Gap) -> str:
    return gap.reason if gap.reason.startswith(gap.who) else f"{gap.who}: {gap.reason}"


def _asset(reading: Reading) -> str:
    return reading.instrument.asset if isinstance(reading, FutureQuote | FundingRate) else reading.asset


def _subject(reading: Reading) -> tuple[str, ...] | None:
    """What a reading is about, where only one such thing can hold at a time; None for chains, stretches and tallies."""
    if isinstance(reading, FutureQuote | FundingRate):
        return reading.instrument.venue, reading.instrument.symbol
    if isinstance(reading, SpotQuote | VolatilityQuote | AccountRatio):
        return reading.venue, reading.asset
    return None


def age(span: timedelta) -> str:
    """An age in words: "40 min", "3 h", "2 days"."""
    minutes = span.total_seconds() / 60.0
    if minutes < 90:
        return f"{minutes:.0f} min"
    return f"{minutes / 60:.0f} h" if minutes < 48 * 60 else f"{minutes / 1440:.0f} days"

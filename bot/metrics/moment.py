"""One measuring: the readings of one asset at one time, its past, and what the metrics made of them so
far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

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
    venues_of,
)
from bot.metrics.combine import WeighedValue, combine
from bot.metrics.history import History, to_time
from bot.reasons import about, as_reason, each, read, reason

R = TypeVar("R", bound=Reading)
T = TypeVar("T")


class ComputedMetric(Struct, frozen=True, kw_only=True):
    """How one metric ended: `value` where it is known, else `reason`, with its `last` value where there is
    one.

    `new` is True for a value that this measuring computed, not one that the past still vouches for.
    """

    value: Measured | None = None
    reason: str = ""
    last: Measured | None = None
    new: bool = False


class MetricInputs:
    """What a metric may look at. Metrics ask for each other by name, so that a family that was deleted is a
    reason, not an error."""

    def __init__(
        self, snapshot: Snapshot, history: History, catalog: Catalog, holdings: Sequence[Holding] | None = ()
    ) -> None:
        """`holdings` None: who asks the archive alone does not know what holders published."""
        self.snapshot = snapshot
        self.asset = snapshot.asset
        self.at = snapshot.taken_at
        self.history = history
        self.catalog = catalog
        self.holdings = (
            None
            if holdings is None
            else tuple(holding for holding in holdings if holding.asset == snapshot.asset)
        )
        self.refused: dict[str, list[str]] = {}
        self._outcomes: dict[str, ComputedMetric] = {}
        self._kinds: dict[Any, Sequence[tuple[int, Any]]] = {}
        self._once: dict[Callable[[MetricInputs], Any], Any] = {}

    def readings(self, kind: type[R], max_age: timedelta, assets: tuple[str, ...] = ()) -> tuple[R, ...]:
        """The readings of one kind that are young enough to be measured, of this moment's asset or of those
        named.

        Where two sources tell the same of a venue, the younger reading counts.
        """
        wanted = assets or (self.asset,)
        found: dict[object, R] = {}
        for number, reading in self._of_kind(kind):
            if _asset(reading) in wanted and self.at - reading.observed_at <= max_age:
                same = _subject(reading) or number
                known = found.get(same)
                if known is None or known.observed_at < reading.observed_at:
                    found[same] = reading
        return tuple(found.values())

    def _of_kind(self, kind: type[R]) -> Sequence[tuple[int, R]]:
        """The snapshot's readings of one kind, each with its place: a poll's metrics ask for each kind many times."""
        if kind not in self._kinds:
            self._kinds[kind] = [
                (number, reading)
                for number, reading in enumerate(self.snapshot.readings)
                if isinstance(reading, kind)
            ]
        return self._kinds[kind]

    def venues_asked(self, *quantities: Quantity) -> tuple[str, ...]:
        """The sources that were asked for any of the quantities."""
        return tuple(dict.fromkeys(venue for one in quantities for venue in self.snapshot.asked.get(one, ())))

    def venues_expected(self, *quantities: Quantity) -> frozenset[str]:
        """The venues that should tell any of the quantities: those that were asked, and those whose vendor was."""
        return venues_of(self.venues_asked(*quantities))

    def withheld(self, venue: str, kind: str) -> str | None:
        """Why what is open at a venue (kind: "futures", "options") is not to be summed; None where it is."""
        return self.snapshot.withheld.get(f"{venue} {kind}")

    def silence(self, *quantities: Quantity) -> Unknown:
        """Why nothing was heard of the quantities."""
        asked = self.venues_asked(*quantities)
        if not self.snapshot.asked and not self.snapshot.readings:
            return Unknown(reason=reason("unheard"))
        if not asked:
            return Unknown(reason=reason("switched_off", of=quantities[0]))
        told = [_whose(gap) for gap in self.snapshot.gaps if gap.who.partition(" ")[0] in asked]
        if told:
            return Unknown(reason=each(told))
        return Unknown(reason=reason("brought_none", venues=", ".join(asked), of=quantities[0]))

    def combine(
        self, name: str, parts: Mapping[str, WeighedValue], *quantities: Quantity
    ) -> Measured | Unknown:
        """The venues' own values of a metric as one, by the way that its row names; implausible ones are
        refused, and said.

        Without any value the answer is why nothing was heard of the quantities that it is made from.
        """
        metric = self.catalog.metrics[name]
        low, high = metric.valid
        good = {venue: part for venue, part in parts.items() if low <= part.value <= high}
        for venue in parts.keys() - good.keys():
            self._refuse(metric, parts[venue].value, venue)
        if good and metric.combine is not None:
            return combine(metric.combine, good, (*self.venues_expected(*quantities), *parts))
        return Unknown(reason=each(self.refused[name])) if parts else self.silence(*quantities)

    def _refuse(self, metric: Metric, value: float, who: str = "") -> None:
        low, high = metric.valid
        refused = reason("implausible", value=value, low=low, high=high)
        self.refused.setdefault(metric.name, []).append(about(who, refused) if who else refused)

    def once(self, work: Callable[[MetricInputs], T]) -> T:
        """What `work` makes of this moment, worked out at most once."""
        if work not in self._once:
            self._once[work] = work(self)
        result: T = self._once[work]
        return result

    def measure(self, name: str) -> Measured | Unknown:
        """A metric's value now, or its last one if that is still young enough; else why there is none."""
        outcome = self.outcome(name)
        return outcome.value if outcome.value is not None else Unknown(reason=about(name, outcome.reason))

    def outcome(self, name: str) -> ComputedMetric:
        """How the metric ended here."""
        if name not in self._outcomes:
            metric = self.catalog.metrics.get(name)
            self._outcomes[name] = (
                self._judged(metric) if metric else ComputedMetric(reason=reason("unmeasured"))
            )
        return self._outcomes[name]

    def _judged(self, metric: Metric) -> ComputedMetric:
        result = metric.compute(self, self.history)
        if isinstance(result, Unknown):
            last = self._last(metric.name)
            if metric.name in self.refused:
                return ComputedMetric(reason=result.reason, last=last)
            if last is not None and self.at - last.observed_at <= metric.max_age:
                return ComputedMetric(value=last)
            if last is not None and not self.snapshot.readings:
                return ComputedMetric(
                    reason=reason("too_old", age=age(self.at - last.observed_at)), last=last
                )
            return ComputedMetric(reason=result.reason, last=last)
        low, high = metric.valid
        if not low <= result.value <= high:
            self._refuse(metric, result.value)
            return ComputedMetric(reason=self.refused[metric.name][-1], last=self._last(metric.name))
        result = replace(result, observed_at=min(result.observed_at, self.at))
        if self.at - result.observed_at > metric.max_age:
            return ComputedMetric(
                reason=reason("too_old", age=age(self.at - result.observed_at)), last=result
            )
        return ComputedMetric(value=result, new=True)

    def _last(self, name: str) -> Measured | None:
        column = self.history.column(name)
        if not len(column):
            return None
        own = self.history.venues_beside(name, float(column.at_ms[-1]), float(column.known_ms[-1]))
        could_have = self._could_have(name)
        return Measured(
            value=float(column.value[-1]),
            observed_at=min(to_time(float(column.known_ms[-1])), self.at),
            venues=tuple(own),
            of_venues=len(own.keys() | could_have),
            missing=tuple(sorted(could_have - own.keys())),
            by_venue=own or None,
            lower_bound=bool(column.at_least[-1]),
        )

    def _could_have(self, name: str) -> set[str]:
        """The venues that gave the metric before and are still asked (all that gave it, where nobody says who
        is asked)."""
        sources = {source for asked in self.snapshot.asked.values() for source in asked}
        asked = sources | venues_of(sources)
        return {venue for venue in self.history.venues(name) if not asked or venue in asked}


def _whose(gap: Gap) -> str:
    """A gap's reason, which names whom it is about."""
    told = read(gap.reason)
    return (
        as_reason(gap.reason) if told is not None and "of" in told.arguments else about(gap.who, gap.reason)
    )


def _asset(reading: Reading) -> str:
    return reading.instrument.asset if isinstance(reading, FutureQuote | FundingRate) else reading.asset


def _subject(reading: Reading) -> tuple[str, ...] | None:
    """What a reading is about, where only one such thing can hold at a time; None for chains, stretches and
    tallies."""
    if isinstance(reading, FutureQuote | FundingRate):
        return reading.instrument.venue, reading.instrument.symbol
    if isinstance(reading, SpotQuote | VolatilityQuote | AccountRatio):
        return reading.venue, reading.asset
    return None


def age(span: timedelta) -> str:
    """An age as the part of a reason: in minutes, hours or days."""
    minutes = span.total_seconds() / 60.0
    if minutes < 90:
        return reason("minutes", number=round(minutes))
    if minutes < 48 * 60:
        return reason("hours", number=round(minutes / 60))
    return reason("days", number=round(minutes / 1440))


ONE_MOMENT = timedelta(minutes=2)
"""How far apart the times of a mark and of its index may be for their ratio to be one of a moment."""


def is_of_one_moment(quote: FutureQuote) -> bool:
    """Whether a mark and its index are of one moment, so that their ratio is a basis."""
    return quote.index_at is None or abs(quote.observed_at - quote.index_at) <= ONE_MOMENT

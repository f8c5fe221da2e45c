"""A snapshot and the past become points and facts; and the past alone becomes facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from math import isnan

from msgspec import Struct, field
from msgspec.structs import replace

from bot.domain.catalog import RANK, VIEWS, Catalog, FactName, Measured, Metric
from bot.domain.facts import Fact, Facts, Point
from bot.domain.playbook import Holding
from bot.domain.readings import Gap, Quantity, Snapshot
from bot.metrics.believed import believe
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.lazy import FactShelf, LazyFacts, OneKind
from bot.metrics.moment import ComputedMetric, MetricInputs, age
from bot.metrics.replay import ESTIMATE_STANDS_MS
from bot.metrics.series import points_from_series
from bot.metrics.trails import LazyTrails
from bot.metrics.views import KINDS, MIN_DAYS, Views, kind_of, tolerance, view_at
from bot.reasons import each, reason


class Observed(Struct, frozen=True, kw_only=True):
    """What one snapshot came to: points for the archive, facts for rules and phrases, gaps that measuring
    found (a value that was refused), and the history that these points belong to from now on."""

    points: tuple[Point, ...]
    facts: Facts
    gaps: tuple[Gap, ...] = ()
    history: History | None = None
    outcomes: Mapping[str, ComputedMetric] = field(default_factory=dict)
    shelves: LazyFacts | None = None


def observe(
    snapshot: Snapshot, history: History, catalog: Catalog, holdings: Sequence[Holding] = ()
) -> Observed:
    """Measure a snapshot: every name of the catalog and every view of it ends known, or unknown with a
    reason. The history that comes of it remembers the venues' replies, too."""
    believed = believe(snapshot.without_expired(), history, catalog)
    snapshot, history = believed.snapshot, history.knowing(believed.tellings)
    past = points_from_series(snapshot.readings, snapshot.taken_at, history, catalog)
    moment = MetricInputs(snapshot, history.extend(past), catalog, holdings)
    outcomes = {name: moment.outcome(name) for name in catalog.metrics}
    measured = tuple(
        point
        for name, outcome in outcomes.items()
        if outcome.new and outcome.value is not None
        for point in _points(snapshot.asset, name, outcome.value)
    )
    gaps = believed.gaps + tuple(
        Gap(who=f"metrics {name}", reason=each(reasons)) for name, reasons in sorted(moment.refused.items())
    )
    extended = moment.history.extend(measured)
    shelves = _shelves(extended, catalog, outcomes)
    asked = _sought(snapshot.asked)
    facts = _facts(extended, catalog, snapshot.asset, snapshot.taken_at, outcomes, asked, shelves=shelves)
    return Observed(
        points=past + measured, facts=facts, gaps=gaps, history=extended, outcomes=outcomes, shelves=shelves
    )


def with_balance(observed: Observed, points: Sequence[Point], catalog: Catalog) -> Observed:
    """What was observed, and the balance that the rules made of it: as a fact with its views, and in the history."""
    whole = next((point for point in points if point.venue is None), None)
    if whole is None or observed.history is None or whole.metric not in catalog.metrics:
        return observed
    history = observed.history.extend(points)
    value = Measured(value=whole.value, observed_at=whole.at, venues=whole.venues, of_venues=whole.of_venues)
    outcomes = {**observed.outcomes, whole.metric: ComputedMetric(value=value, new=True)}
    shelves, before = _shelves(history, catalog, outcomes, (whole.metric, observed.shelves)), observed.facts
    facts = _facts(history, catalog, before.asset, before.at, outcomes, before.sought, shelves=shelves)
    return replace(
        observed,
        points=(*observed.points, *points),
        facts=replace(facts, pasts=observed.facts.pasts),
        history=history,
        outcomes=outcomes,
        shelves=shelves,
    )


def _sought(asked: Mapping[Quantity, tuple[str, ...]]) -> tuple[Quantity, ...] | None:
    """What some source is asked for; None where nobody says who is asked."""
    return tuple(sorted(quantity for quantity, venues in asked.items() if venues)) or None


def facts_at(
    history: History,
    catalog: Catalog,
    asset: str,
    at: datetime,
    asked: Mapping[Quantity, tuple[str, ...]] | None = None,
    metrics: Collection[str] | None = None,
) -> Facts:
    """The same facts from the archive alone: known while the last reading is young enough at `at`, else
    stale.

    `asked` names the venues that are switched on: the "m" of "n of m" counts those of them that ever gave the
    metric. With `metrics` the facts of these metrics alone."""
    known = history.at(at)
    nothing = Snapshot(asset=asset, taken_at=at, readings=(), asked=asked or {})
    moment = MetricInputs(nothing, known, catalog, holdings=None)
    outcomes = {name: moment.outcome(name) for name in catalog.metrics if metrics is None or name in metrics}
    shelves = _shelves(known, catalog, outcomes)
    return _facts(known, catalog, asset, at, outcomes, _sought(asked or {}), shelves=shelves)


def _points(asset: str, name: str, value: Measured) -> Iterable[Point]:
    """The aggregate and each venue's own value, all at the aggregate's time."""
    yield Point(
        metric=name,
        asset=asset,
        at=value.observed_at,
        value=value.value,
        venues=value.venues,
        of_venues=value.of_venues,
        lower_bound=value.lower_bound,
    )
    for venue, own in (value.by_venue or {}).items():
        yield Point(
            metric=name,
            asset=asset,
            at=value.observed_at,
            value=own,
            venue=venue,
            venues=(venue,),
            of_venues=1,
            lower_bound=value.lower_bound,
        )


def _shelves(
    history: History,
    catalog: Catalog,
    outcomes: Mapping[str, ComputedMetric],
    beside: tuple[str, LazyFacts | None] = ("", None),
) -> LazyFacts:
    """Every metric and its views, worked out when one of its facts is first asked for. Only one metric is other than in the
    facts that it is put `beside`: no other one's views look at it, and theirs are worked out once for both."""
    own, others = beside

    def fill(name: str, kind: str) -> FactShelf:
        if others is not None and name != own:
            return others.fill_shelf(name, kind)
        return _shelf(history, catalog.metrics[name], kind, outcomes[name])

    return LazyFacts(tuple(outcomes), KINDS, kind_of, fill)


def _facts(
    history: History,
    catalog: Catalog,
    asset: str,
    at: datetime,
    outcomes: Mapping[str, ComputedMetric],
    sought: tuple[Quantity, ...] | None,
    *,
    shelves: LazyFacts,
) -> Facts:
    """Every metric and view: known, or unknown with a reason; and the last value of what is too old. Each
    metric's views are worked out when one of its facts is first asked for."""
    return Facts(
        asset=asset,
        at=at,
        known=OneKind(shelves, lambda shelf: shelf.known),
        unknown=OneKind(shelves, lambda shelf: shelf.unknown),
        stale=OneKind(shelves, lambda shelf: shelf.stale),
        measured={name: _fact(name, outcome.value) for name, outcome in outcomes.items() if outcome.value},
        sought=sought,
        estimated=_estimated_changes(history, catalog, outcomes),
        trails=LazyTrails(history, catalog, at),
    )


def _estimated_changes(
    history: History, catalog: Catalog, outcomes: Mapping[str, ComputedMetric]
) -> Mapping[str, Fact]:
    """Changes over a day and a week of what is measured now and was only estimated then."""
    found: dict[str, Fact] = {}
    for name, outcome in outcomes.items():
        estimates, value = history.estimates(name), outcome.value
        if not len(estimates) or value is None:
            continue
        metric, now_ms = catalog.metrics[name], to_ms(value.observed_at)
        for suffix in ("change_24h", "change_7d"):
            window = VIEWS[suffix].window
            then_ms = now_ms - window.total_seconds() * 1000.0
            measured, _ = history.column(name).before_one(then_ms, tolerance(metric.max_age, window))
            estimated, _ = estimates.before_one(then_ms, ESTIMATE_STANDS_MS)
            if isnan(measured) and not isnan(estimated):
                full = f"{name}.{suffix}"
                change = value.value - estimated
                found[full] = Fact(name=full, value=change, at=value.observed_at, venues=value.venues)
    return found


def _shelf(history: History, metric: Metric, kind: str, outcome: ComputedMetric) -> FactShelf:
    """One metric (kind ""), or one kind of its views."""
    shelf = FactShelf()
    found = shelf.known if outcome.value else shelf.stale
    shown = outcome.value or outcome.last
    if not kind:
        if shown is not None:
            found[metric.name] = _fact(metric.name, shown)
        if outcome.value is None:
            shelf.unknown[metric.name] = outcome.reason
        return shelf
    seen = view_at(history, metric, to_ms(shown.observed_at), (kind,)) if shown is not None else None
    for suffix in _suffixes(kind, amount=metric.amount):
        full = f"{metric.name}.{suffix}"
        view = (
            _view(FactName(name=full, metric=metric, view=VIEWS[suffix]), seen, shown)
            if seen is not None and shown is not None
            else None
        )
        if view is not None:
            found[full] = view
        if view is None or outcome.value is None:
            shelf.unknown[full] = _why(suffix, seen) if seen is not None and outcome.value else outcome.reason
    return shelf


def _fact(name: str, value: Measured) -> Fact:
    return Fact(
        name=name,
        value=value.value,
        at=value.observed_at,
        venues=value.venues,
        of_venues=value.of_venues,
        lower_bound=value.lower_bound,
        extreme_at=value.extreme_at,
        missing=value.missing,
    )


@cache
def _suffixes(kind: str, *, amount: bool) -> tuple[str, ...]:
    return tuple(
        suffix
        for suffix, view in VIEWS.items()
        if kind_of(suffix) == kind and (amount or not view.amounts_only)
    )


def _view(full: FactName, seen: Views, shown: Measured) -> Fact | None:
    """One view of the value `shown` as a fact; None where it is not known, or not plausible. A change stands on the venues
    that were compared, of those that should tell the value; other views name none."""
    suffix = full.name.partition(".")[2]
    value = float(seen.values[suffix][0])
    low, high = full.valid
    if not low <= value <= high:
        return None
    since_ms = seen.since_ms.get(suffix)
    venues = seen.venues_compared(suffix)
    expected = {*shown.venues, *shown.missing} if venues else set(shown.missing)
    return Fact(
        name=full.name,
        value=value,
        at=to_time(float(seen.known_ms[0])),
        venues=venues,
        of_venues=max(shown.of_venues, len(venues)),
        missing=tuple(sorted(expected - set(venues))),
        lower_bound=suffix in seen.at_least and bool(seen.at_least[suffix][0]),
        extreme_at=to_time(float(since_ms[0])) if since_ms is not None else None,
    )


def _why(suffix: str, seen: Views) -> str:
    """Why a view is not known although its metric is."""
    view = VIEWS[suffix]
    if suffix.endswith("_since"):
        return reason("past_short")
    if not suffix.startswith(("change_", "before_")):
        days = int(seen.days[0])
        if days < MIN_DAYS:
            return reason("past_days", days=days, needed=MIN_DAYS)
        return reason("patchy" if suffix == RANK else "unmoved_or_patchy")
    return reason("no_earlier", age=age(view.window))

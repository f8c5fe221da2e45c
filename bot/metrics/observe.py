"""A snapshot and the past become points and facts; and the past alone becomes facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from bot.domain.catalog import VIEWS, Catalog, FactName, Measured, Metric
from bot.domain.facts import Fact, Facts, Point
from bot.domain.playbook import Holding
from bot.domain.readings import Gap, Quantity, Snapshot
from bot.metrics.agreement import believed
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.lazy import OneKind, Shelf, Shelves
from bot.metrics.moment import Moment, Outcome, age
from bot.metrics.told import told
from bot.metrics.views import KINDS, MIN_DAYS, Views, kind_of, view_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one snapshot came to: points for the archive, facts for rules and phrases, gaps that measuring found (a value
    that was refused), and the history that these points belong to from now on."""

    points: tuple[Point, ...]
    facts: Facts
    gaps: tuple[Gap, ...] = ()
    history: History | None = None


def observe(snapshot: Snapshot, history: History, catalog: Catalog, holdings: Sequence[Holding] = ()) -> Observed:
    """Measure a snapshot: every name of the catalog and every view of it ends known, or unknown with a reason."""
    snapshot, disagreements = believed(snapshot, catalog)
    past = told(snapshot.readings, snapshot.taken_at, history, catalog)
    moment = Moment(snapshot, history.extended(past), catalog, holdings)
    outcomes = {name: moment.outcome(name) for name in catalog.metrics}
    points = past + tuple(
        point
        for name, outcome in outcomes.items()
        if outcome.new and outcome.value is not None
        for point in _points(snapshot.asset, name, outcome.value)
    )
    gaps = disagreements + tuple(
        Gap(who=f"metrics {name}", reason="; ".join(reasons)) for name, reasons in sorted(moment.refused.items())
    )
    extended = history.extended(points)
    facts = _facts(extended, catalog, snapshot.asset, snapshot.taken_at, outcomes)
    return Observed(points=points, facts=facts, gaps=gaps, history=extended)


def facts_at(
    history: History,
    catalog: Catalog,
    asset: str,
    at: datetime,
    asked: Mapping[Quantity, tuple[str, ...]] | None = None,
) -> Facts:
    """The same facts from the archive alone: known while the last reading is young enough at `at`, else stale.

    `asked` names the venues that are switched on: the "m" of "n of m" counts those of them that ever gave the metric.
    """
    known = history.at(at)
    moment = Moment(Snapshot(asset=asset, taken_at=at, readings=(), asked=asked or {}), known, catalog)
    outcomes = {name: moment.outcome(name) for name in catalog.metrics}
    return _facts(known, catalog, asset, at, outcomes)


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


def _facts(history: History, catalog: Catalog, asset: str, at: datetime, outcomes: dict[str, Outcome]) -> Facts:
    """Every metric and view: known, or unknown with a reason; and the last value of what is too old. Each metric's views
    are worked out when one of its facts is first asked for."""
    shelves = Shelves(
        tuple(outcomes), KINDS, kind_of, lambda name, kind: _shelf(history, catalog.metrics[name], kind, outcomes[name])
    )
    return Facts(
        asset=asset,
        at=at,
        known=OneKind(shelves, lambda shelf: shelf.known),
        unknown=OneKind(shelves, lambda shelf: shelf.unknown),
        stale=OneKind(shelves, lambda shelf: shelf.stale),
        measured={name: _fact(name, outcome.value) for name, outcome in outcomes.items() if outcome.value},
    )


def _shelf(history: History, metric: Metric, kind: str, outcome: Outcome) -> Shelf:
    """One metric (kind ""), or one kind of its views."""
    shelf = Shelf()
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
        view = _view(FactName(name=full, metric=metric, view=VIEWS[suffix]), seen) if seen is not None else None
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
    )


@cache
def _suffixes(kind: str, *, amount: bool) -> tuple[str, ...]:
    return tuple(
        suffix for suffix, view in VIEWS.items() if kind_of(suffix) == kind and (amount or not view.amounts_only)
    )


def _view(full: FactName, seen: Views) -> Fact | None:
    """One view as a fact; None where it is not known, or not plausible."""
    suffix = full.name.partition(".")[2]
    value = float(seen.values[suffix][0])
    low, high = full.valid
    if not low <= value <= high:
        return None
    since_ms = seen.since_ms.get(suffix)
    return Fact(
        name=full.name,
        value=value,
        at=to_time(float(seen.known_ms[0])),
        venues=seen.compared(suffix),
        of_venues=len(seen.venues),
        lower_bound=suffix in seen.at_least and bool(seen.at_least[suffix][0]),
        extreme_at=to_time(float(since_ms[0])) if since_ms is not None else None,
    )


def _why(suffix: str, seen: Views) -> str:
    """Why a view is not known although its metric is."""
    view = VIEWS[suffix]
    if suffix.endswith("_since"):
        return "its past is not known for long enough, or with too many gaps"
    if not suffix.startswith(("change_", "before_")):
        days = int(seen.days[0])
        if days < MIN_DAYS:
            return f"{days} days of its past are known, {MIN_DAYS} are needed"
        patchy = "too many hours of its past are missing"
        return patchy if suffix == "percentile_90d" else f"it has not moved, or {patchy}"
    return f"no reading {age(view.window)} before from the venues that are there now"

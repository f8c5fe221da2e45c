"""All hours of the past at once: the facts of a year as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta

import numpy as np
from msgspec import Struct

from bot.domain.catalog import Catalog, FactName
from bot.domain.chain import Bools, Floats
from bot.domain.facts import ESTIMATES
from bot.metrics.columns import HOUR_MS, HistoryColumn
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.views import hour_rows, kind_of, look_back_of, replay_views

ESTIMATE_STANDS_MS = 24.0 * HOUR_MS
"""How long an estimate stands for lack of a newer one: until the next day's is known."""
ESTIMATED_VIEWS = frozenset({"change_24h", "before_24h", "change_7d", "before_7d"})


class HourlyFacts(Struct, frozen=True, kw_only=True, eq=False):
    """Facts at full hours: `values` by name, nan where a fact was not known then; `at_least` where one was a
    lower bound."""

    at_ms: Floats
    values: Mapping[str, Floats]
    at_least: Mapping[str, Bools]

    def at(self, step: int) -> datetime:
        """The time of one step."""
        return to_time(float(self.at_ms[step]))

    def rows(self) -> Iterator[tuple[datetime, Mapping[str, float], frozenset[str]]]:
        """Each hour with the facts that were known then, by name, and the names of those that were lower
        bounds."""
        names = tuple(self.values)
        columns = [self.values[name].tolist() for name in names]
        least = [name for name in names if self.at_least[name].any()]
        for step, row in enumerate(zip(*columns, strict=True)):
            known = {name: value for name, value in zip(names, row, strict=True) if value == value}  # noqa: PLR0124
            yield (
                self.at(step),
                known,
                frozenset(name for name in least if name in known and self.at_least[name][step]),
            )


def hours_polled(history: History, since: datetime, until: datetime) -> frozenset[datetime]:
    """The full hours between two times by which something new was observed: the ends of the hours with a
    poll. Stretches that venues told of themselves do not count, for they are told afterwards too; before the first
    poll they do, and so do estimates."""
    first, last = to_ms(since), to_ms(until)
    whole = (None, ESTIMATES)
    columns = [column for (_, venue), column in history.columns.items() if venue in whole and len(column)]
    instants = np.concatenate(
        [np.empty(0), *(column.known_ms[column.covers_ms == 0.0] for column in columns)]
    )
    began = float(instants.min()) if len(instants) else np.inf
    told = [column.known_ms[column.known_ms < began] for column in columns]
    ends = np.unique(np.ceil(np.concatenate([instants, *told]) / HOUR_MS) * HOUR_MS)
    return frozenset(to_time(float(end)) for end in ends[(ends >= first) & (ends <= last)])


def first_polled(history: History) -> datetime | None:
    """When the first poll was; None where all was told afterwards."""
    began = min((_polled_since(column) for column in _whole(history)), default=np.inf)
    return to_time(began) if began < np.inf else None


def _whole(history: History) -> list[HistoryColumn]:
    """The aggregates and the estimates."""
    whole = (None, ESTIMATES)
    return [column for (_, venue), column in history.columns.items() if venue in whole and len(column)]


def by_hour(
    history: History,
    catalog: Catalog,
    names: Iterable[str],
    since: datetime,
    until: datetime,
    *,
    fresh: timedelta = timedelta(0),
) -> HourlyFacts:
    """Facts at each full hour from `since` to `until`, both included, as the archive alone knew them by then.

    A fact is known where its last value was young enough, or within `fresh`: a past that is judged once a day goes by
    the figures of the day. Raises InputError for a name that no fact has.
    """
    first, last = -(-to_ms(since) // HOUR_MS), to_ms(until) // HOUR_MS
    at_ms = np.arange(first, last + 1) * float(HOUR_MS)
    facts = [catalog.resolve(name) for name in dict.fromkeys(names)]
    values: dict[str, Floats] = {}
    at_least: dict[str, Bools] = {}
    for metric in dict.fromkeys(fact.metric.name for fact in facts):
        own = [fact for fact in facts if fact.metric.name == metric]
        for fact, told, least in zip(own, *_columns(history, own, at_ms, fresh), strict=True):
            low, high = fact.valid
            with np.errstate(invalid="ignore"):
                values[fact.name] = np.where((told >= low) & (told <= high), told, np.nan)
            at_least[fact.name] = least
    return HourlyFacts(at_ms=at_ms, values=values, at_least=at_least)


def _columns(
    history: History, facts: list[FactName], at_ms: Floats, fresh: timedelta
) -> tuple[list[Floats], list[Bools]]:
    """For facts of one metric their values at some times, nan where not known, and where they are lower
    bounds."""
    metric = facts[0].metric
    column = history.column(metric.name)
    suffixes = [fact.view.suffix for fact in facts if fact.view]
    kinds, look_backs = set(map(kind_of, suffixes)), set(map(look_back_of, suffixes))
    none = np.full(len(at_ms), np.nan), np.zeros(len(at_ms), np.bool_)
    if not len(column):
        told = [_estimated(history, fact, at_ms, none[0]) for fact in facts]
        return told, [none[1]] * len(facts)
    rows = hour_rows(column)
    found = np.searchsorted(column.known_ms[rows], at_ms, side="right") - 1
    step = np.maximum(found, 0)
    # The rows of these times, and the one before: a single one would be read as live reads its own.
    first, last = (int(step.min()), int(step.max())) if len(step) else (0, 0)
    first = max(first - 1, 0)
    rows, step = rows[first : last + 1], step - first
    views = replay_views(history, metric, kinds, look_backs, rows) if kinds else None
    oldest_ms = max(metric.max_age, fresh).total_seconds() * 1000.0
    age_ms = at_ms - column.known_ms[rows][step]
    # Before the first poll a venue's figure of a stretch stands until its next one is due.
    due = (age_ms < column.covers_ms[rows][step]) & (at_ms < _polled_since(column))
    young = (found >= 0) & ((age_ms <= oldest_ms) | due)
    told, least = [], []
    for fact in facts:
        suffix = fact.name.partition(".")[2]
        own = views.values[suffix] if views is not None and suffix else column.value[rows]
        bound = column.at_least[rows] > 0.0
        if suffix:
            bound = (
                views.at_least[suffix]
                if views is not None and suffix in views.at_least
                else np.zeros_like(bound)
            )
        told.append(_estimated(history, fact, at_ms, np.where(young, own[step], np.nan)))
        least.append(young & bound[step])
    return told, least


def _polled_since(column: HistoryColumn) -> float:
    """When a metric was first observed by a poll; never, where all was told afterwards."""
    instants = column.known_ms[column.covers_ms == 0.0]
    return float(instants[0]) if len(instants) else np.inf


def _estimated(history: History, fact: FactName, at_ms: Floats, told: Floats) -> Floats:
    """A fact's values, before the first poll by estimates where nothing was told: of the metric itself, and of its
    changes over a day and more, each end of which may be an estimate. So the rules can be followed through a past that
    nobody measured; no sentence stands on such a value."""
    metric, estimates = fact.metric, history.estimates(fact.metric.name)
    column = history.column(metric.name)
    if not len(estimates):
        return told

    def level(when_ms: Floats) -> Floats:
        measured, _ = column.before(when_ms, 1000.0 * metric.max_age.total_seconds())
        return np.where(np.isnan(measured), estimates.before(when_ms, ESTIMATE_STANDS_MS)[0], measured)

    if fact.view is None:
        filled = level(at_ms)
    else:
        suffix, window = fact.name.partition(".")[2], fact.view.window
        if suffix not in ESTIMATED_VIEWS:
            return told
        then = level(at_ms - window.total_seconds() * 1000.0)
        filled = then if suffix.startswith("before_") else level(at_ms) - then
    return np.where(np.isnan(told) & (at_ms < _polled_since(column)), filled, told)

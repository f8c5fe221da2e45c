"""All hours of the past at once: the facts of a year as columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from bot.domain.catalog import Catalog, FactName
from bot.domain.chain import Bools, Floats
from bot.metrics.columns import HOUR_MS
from bot.metrics.history import History, to_ms, to_time
from bot.metrics.views import hour_rows, kind_of, replayed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hours:
    """Facts at full hours: `values` by name, nan where a fact was not known then; `at_least` where one was a lower bound."""

    at_ms: Floats
    values: Mapping[str, Floats]
    at_least: Mapping[str, Bools]

    def at(self, step: int) -> datetime:
        """The time of one step."""
        return to_time(float(self.at_ms[step]))

    def rows(self) -> Iterator[tuple[datetime, Mapping[str, float], frozenset[str]]]:
        """Each hour with the facts that were known then, by name, and the names of those that were lower bounds."""
        names = tuple(self.values)
        columns = [self.values[name].tolist() for name in names]
        least = [name for name in names if self.at_least[name].any()]
        for step, row in enumerate(zip(*columns, strict=True)):
            known = {name: value for name, value in zip(names, row, strict=True) if value == value}  # noqa: PLR0124
            yield self.at(step), known, frozenset(name for name in least if name in known and self.at_least[name][step])


def polled(history: History, since: datetime, until: datetime) -> frozenset[datetime]:
    """The full hours between two times by which something new was observed: the ends of the hours with a poll. Stretches that
    venues told of themselves do not count, for they are told afterwards too; where there is nothing else, they do."""
    first, last = to_ms(since), to_ms(until)
    columns = [column for (_, venue), column in history.columns.items() if venue is None and len(column)]
    instants = [column.known_ms[column.covers_ms == 0.0] for column in columns]
    times = instants if any(len(one) for one in instants) else [column.known_ms for column in columns]
    ends = np.unique(np.ceil(np.concatenate(times) / HOUR_MS) * HOUR_MS) if times else np.empty(0)
    return frozenset(to_time(float(end)) for end in ends[(ends >= first) & (ends <= last)])


def by_hour(history: History, catalog: Catalog, names: Iterable[str], since: datetime, until: datetime) -> Hours:
    """Facts at each full hour from `since` to `until`, both included, as the archive alone knew them by then.

    A fact is known where its last value was young enough. Raises InputError for a name that no fact has.
    """
    first, last = -(-to_ms(since) // HOUR_MS), to_ms(until) // HOUR_MS
    at_ms = np.arange(first, last + 1) * float(HOUR_MS)
    facts = [catalog.resolve(name) for name in dict.fromkeys(names)]
    values: dict[str, Floats] = {}
    at_least: dict[str, Bools] = {}
    for metric in dict.fromkeys(fact.metric.name for fact in facts):
        own = [fact for fact in facts if fact.metric.name == metric]
        for fact, told, least in zip(own, *_columns(history, own, at_ms), strict=True):
            low, high = fact.valid
            with np.errstate(invalid="ignore"):
                values[fact.name] = np.where((told >= low) & (told <= high), told, np.nan)
            at_least[fact.name] = least
    return Hours(at_ms=at_ms, values=values, at_least=at_least)


def _columns(history: History, facts: list[FactName], at_ms: Floats) -> tuple[list[Floats], list[Bools]]:
    """For facts of one metric their values at some times, nan where not known, and where they are lower bounds."""
    metric = facts[0].metric
    column = history.column(metric.name)
    kinds = {kind_of(fact.view.suffix) for fact in facts if fact.view}
    views = replayed(history, metric, kinds) if kinds else None
    none = np.full(len(at_ms), np.nan), np.zeros(len(at_ms), np.bool_)
    if not len(column):
        return [none[0]] * len(facts), [none[1]] * len(facts)
    rows = hour_rows(column)
    found = np.searchsorted(column.known_ms[rows], at_ms, side="right") - 1
    step = np.maximum(found, 0)
    young = (found >= 0) & (at_ms - column.known_ms[rows][step] <= metric.max_age.total_seconds() * 1000.0)
    told, least = [], []
    for fact in facts:
        suffix = fact.name.partition(".")[2]
        own = views.values[suffix] if views is not None and suffix else column.value[rows]
        bound = column.at_least[rows] > 0.0
        if suffix:
            bound = views.at_least[suffix] if views is not None and suffix in views.at_least else np.zeros_like(bound)
        told.append(np.where(young, own[step], np.nan))
        least.append(young & bound[step])
    return told, least

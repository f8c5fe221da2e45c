"""A snapshot and the past become points and facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.catalog import Catalog
from bot.domain.facts import Facts, Point
from bot.domain.playbook import Holding
from bot.domain.readings import Gap, Snapshot
from bot.metrics.history import History


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What one snapshot came to: points for the archive, facts for rules and phrases, and the gaps that measuring found."""

    points: tuple[Point, ...]
    facts: Facts
    gaps: tuple[Gap, ...] = ()


def observe(snapshot: Snapshot, history: History, catalog: Catalog, holdings: Sequence[Holding] = ()) -> Observed:
    """Measure a snapshot."""
    raise NotImplementedError


def facts_at(history: History, catalog: Catalog, asset: str, at: datetime) -> Facts:
    """The same facts from the archive alone."""
    raise NotImplementedError

"""Filling the archive from the venues' own past, a stretch at a time, so that what is broken off goes on where it was."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from bot.desk import Desk
from bot.domain.readings import Gap

STRETCH_DAYS = 30
OVERLAP = timedelta(days=1)
"""An interval that was under way when a stretch ended is told with the next one."""

Step = Callable[[str, int, int], None]
"""Hears what comes next, its number from 0, and how many there are; at the end "done" with both the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """What came of it: what could not be had, each once, and for each asset the metrics whose values can be ranked now."""

    gaps: tuple[Gap, ...]
    ranked: Mapping[str, tuple[str, ...]]


async def fill(desk: Desk, days: int, step: Step) -> Filled:
    """Ask every venue for its past of the last days. A stretch is stored before the next is asked for, and one that a venue has
    told already is not asked for again. Raises ArchiveError."""
    now = desk.now()
    cuts = [now - timedelta(days=back) for back in [*range(days, 0, -STRETCH_DAYS), 0]]
    stretches = [(asset, since, until) for asset in desk.assets for since, until in pairwise(cuts)]
    gaps: list[Gap] = []
    for number, (asset, since, until) in enumerate(stretches):
        step(f"{asset}, {since:%-d %B} to {until:%-d %B}", number, len(stretches))
        gaps += await desk.backfill(asset, since - OVERLAP, until, again=False)
    step("done", len(stretches), len(stretches))
    return Filled(gaps=tuple(dict.fromkeys(gaps)), ranked={asset: await _ranked(desk, asset) for asset in desk.assets})


async def _ranked(desk: Desk, asset: str) -> tuple[str, ...]:
    """The metrics whose values have a percentile among their past, fresh or not."""
    facts = await desk.facts(asset)
    views = [*facts.known, *facts.stale]
    return tuple(sorted(name.partition(".")[0] for name in views if name.endswith(".percentile_90d")))

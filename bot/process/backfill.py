"""Filling the archive from the venues' own past, a stretch at a time, so that what is broken off goes on
where it was."""

from collections.abc import Mapping

from msgspec import Struct

from bot.desk.desk import Desk
from bot.desk.filler import Step
from bot.domain.catalog import RANK
from bot.domain.readings import Gap


class Filled(Struct, frozen=True, kw_only=True):
    """What came of it: what could not be had, each once, and for each asset the metrics whose values can be
    ranked now."""

    gaps: tuple[Gap, ...]
    ranked: Mapping[str, tuple[str, ...]]


async def fill(desk: Desk, days: int, step: Step) -> Filled:
    """Ask every venue for its past of the last days; what is known already is not asked for again. Raises
    ArchiveError."""
    gaps = await desk.filler.fill(desk.market.assets, days, step)
    return Filled(gaps=gaps, ranked={asset: await _ranked(desk, asset) for asset in desk.market.assets})


async def _ranked(desk: Desk, asset: str) -> tuple[str, ...]:
    """The metrics whose values have a percentile among their past, fresh or not."""
    facts = await desk.market.facts(asset)
    views = [*facts.known, *facts.stale]
    return tuple(sorted(name.partition(".")[0] for name in views if name.endswith(f".{RANK}")))

"""What the doctor looks at: each finding says what was looked at, whether it is well, and what to mend."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.desk import Desk, Hearing
from bot.domain.facts import Facts
from bot.ports import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One thing that was looked at. `says` is a sentence: the figure seen, or the way out."""

    what: str
    well: bool
    says: str


async def look_at_sources(desk: Desk, at: datetime) -> Sequence[Diagnosis]:
    """One poll of the first asset: who was heard, and why the others were not."""
    await desk.poll(desk.assets[0], at)
    found = [_source(hearing) for hearing in desk.hearings()]
    return [*found, *(_budget(usage) for usage in desk.budgets()), _facts(await desk.facts(desk.assets[0]))]


def _source(hearing: Hearing) -> Diagnosis:
    reasons = "; ".join(gap.reason for gap in hearing.gaps)
    if hearing.heard_at is None:
        return Diagnosis(what=f"source {hearing.source}", well=False, says=reasons or "was not heard")
    return Diagnosis(what=f"source {hearing.source}", well=not reasons, says=reasons or "heard")


def _budget(usage: Usage) -> Diagnosis:
    says = f"{usage.used:g} of {usage.limit:g} in use, {usage.requests} requests"
    if usage.resting_until is not None:
        says += f"; rests until {usage.resting_until:%H:%M:%S} UTC: {usage.trouble}"
    return Diagnosis(what=f"budget {usage.host}", well=usage.resting_until is None, says=says)


def _facts(facts: Facts) -> Diagnosis:
    says = f"{len(facts.known)} facts known, {len(facts.unknown)} not"
    return Diagnosis(what=f"facts on {facts.asset}", well=bool(facts.known), says=says)

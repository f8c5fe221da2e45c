"""What the doctor looks at: each finding says what was looked at, whether it is well, and what to mend."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import distributions
from typing import Protocol

from bot.desk import Desk, Hearing
from bot.domain.facts import Facts
from bot.ports import Usage


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """One thing that was looked at. `says` is a sentence: the figure seen, or the way out."""

    what: str
    well: bool
    says: str


NO_TOKEN = Diagnosis(what="discord", well=True, says="no DISCORD_TOKEN: the bot runs on the page alone")
CLOCKS_APART_S = 5.0  # a Date header is cut to the second, and the way here takes some of another


class Books(Protocol):
    """What is asked of the archive."""

    async def outbox_count(self) -> Mapping[str, int]:
        """How many posts are in each status."""
        ...


async def look_at_sources(desk: Desk, at: datetime) -> Sequence[Diagnosis]:
    """The first asset asked for once: who was heard, and why the others were not. Nothing is stored."""
    facts = await desk.look(desk.assets[0], at)
    found = [_source(hearing) for hearing in desk.hearings()]
    return [*found, *(_budget(usage) for usage in desk.budgets()), _facts(facts)]


async def look_at_archive(books: Books, address: str) -> Diagnosis:
    """Whether the archive can be read, and whether posts got stuck in it."""
    count = await books.outbox_count()
    told = ", ".join(f"{number} {status}" for status, number in sorted(count.items())) or "none yet"
    return Diagnosis(what="archive", well=True, says=f"{address} opens; posts: {told}")


def compare_clocks(ours: datetime, theirs: datetime | None) -> Diagnosis:
    """Whether this machine's clock is right, by a venue's."""
    if theirs is None:
        return Diagnosis(what="clock", well=False, says="nothing to compare it with: the answer had no date")
    apart_s = (ours - theirs).total_seconds()
    if abs(apart_s) > CLOCKS_APART_S:
        says = f"{apart_s:+.0f} s against the venue's: set this machine's clock (NTP), or no reading can be aged"
        return Diagnosis(what="clock", well=False, says=says)
    return Diagnosis(what="clock", well=True, says=f"{apart_s:+.0f} s against the venue's")


def versions() -> Sequence[tuple[str, str]]:
    """Every package installed beside the bot, with its version, by name."""
    found = {found.name: found.version for found in distributions() if found.name}
    return sorted(found.items(), key=lambda item: item[0].lower())


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

"""What the doctor looks at: each finding says what was looked at, whether it is well, and what to mend."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from importlib.metadata import distributions
from typing import Protocol

from msgspec import Struct

from bot.commentary import in_words
from bot.desk.desk import Desk
from bot.desk.memory import SourceState
from bot.desk.troubles import NOTHING_HEARD
from bot.domain.channels import COMMANDS_FAILURE
from bot.domain.facts import ESTIMATES, Facts
from bot.domain.playbook import DatedEvent, Holding
from bot.domain.posts import Profile
from bot.domain.shapes import EndpointShapes, Shape
from bot.lab.shapes import ShapeChange, compare_shapes
from bot.metrics import History, compare_estimates
from bot.metrics.holdings import FILE
from bot.ports import Usage


class Diagnosis(Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `says` is a sentence: the figure seen, or the way out."""

    what: str
    well: bool
    says: str


NO_TOKEN = Diagnosis(what="discord", well=True, says="no DISCORD_TOKEN: the bot runs on the page alone")
MOST_NAMED = 8
EVENTS_AHEAD = timedelta(days=7)
CLOCKS_APART_S = 5.0  # a Date header is cut to the second, and the way here takes some of another


class OutboxCounts(Protocol):
    """What is asked of the archive. Raises ArchiveError."""

    async def count(self) -> Mapping[str, int]:
        """How many posts are in each status."""
        ...


class DoctorNotes(Protocol):
    """Small things that other processes left. Raises ArchiveError."""

    async def get(self, name: str) -> str | None:
        """What was kept under a name; None where nothing was."""
        ...


async def look_at_sources(desk: Desk, at: datetime) -> Sequence[Diagnosis]:
    """The first asset asked for once: who was heard, and why the others were not. Nothing is stored."""
    facts = await desk.poller.look(desk.market.assets[0], at)
    words = desk.market.bank(Profile()).words
    found = [_source(hearing, words) for hearing in desk.market.source_states()]
    heard = any(hearing.heard_at is not None for hearing in desk.market.source_states())
    return [*found, *(_budget(usage, words) for usage in desk.market.budgets()), _facts(facts, heard=heard)]


def tell_closed(closed: Mapping[str, datetime]) -> Sequence[Diagnosis]:
    """The sources that are gone for good: nothing to mend."""
    return [
        Diagnosis(
            what=f"source {name}",
            well=True,
            says=f"closed since {since:%-d %B %Y, %H:%M} UTC: not asked, not counted; what it told stays",
        )
        for name, since in closed.items()
    ]


def look_at_treasuries(holdings: Sequence[Holding], day: date) -> Sequence[Diagnosis]:
    """The holders whose last statement is too old: what is reckoned with them is unknown until a newer one is entered."""
    last = {one.holder: one for one in sorted(holdings, key=lambda one: one.as_of) if one.as_of <= day}
    return [
        Diagnosis(
            what="treasuries",
            well=False,
            says=(
                f"the last statement of {one.holder} in config/{FILE} is of {one.as_of:%-d %B %Y}, "
                f"{(day - one.as_of).days} days ago: add the newest one, or take the holder out"
            ),
        )
        for one in last.values()
        if one.is_outdated(day)
    ]


def compare_with_recorded(recorded: EndpointShapes | None, now: Mapping[str, Shape]) -> Sequence[Diagnosis]:
    """How each endpoint's reply compares with the last recorded one: those that differ, then how many do not.
    A field that is gone or of another type is ill, a new one is not."""
    if recorded is None:
        says = "no recording to compare the replies with: ./tightrope record DIR makes one"
        return [Diagnosis(what="shapes", well=True, says=says)]
    changes = compare_shapes(recorded, now)
    both = len(recorded.endpoints.keys() & now.keys())
    says = f"{both - len(changes)} of {both} replies look as recorded on {recorded.at:%-d %B %Y}"
    if unknown := len(now.keys() - recorded.endpoints.keys()):
        says += f"; {unknown} more were not recorded then"
    return [
        *(
            Diagnosis(what=f"shape of {change.endpoint}", well=not change.breaks, says=_change(change))
            for change in changes
        ),
        Diagnosis(what="shapes", well=True, says=says),
    ]


def _change(change: ShapeChange) -> str:
    told = {"gone": change.gone, "of another type": change.retyped, "new": change.new}
    return "; ".join(f"{how}: {_few(places)}" for how, places in told.items() if places)


def _few(places: Sequence[str]) -> str:
    more = f" and {len(places) - MOST_NAMED} more" if len(places) > MOST_NAMED else ""
    return ", ".join(places[:MOST_NAMED]) + more


def look_at_events(events: Sequence[DatedEvent], at: datetime) -> Sequence[Diagnosis]:
    """Until when each kind of dated event is known; ill where the last one is near or over."""
    last = {one.kind: one for one in events}
    if not last:
        return [
            Diagnosis(what="events", well=False, says="config/events.toml has no date: the calendar is empty")
        ]
    found = []
    for kind, event in sorted(last.items()):
        well = event.at - at > EVENTS_AHEAD
        says = f"dated until {event.at:%-d %B %Y}, read on {event.read:%-d %B %Y}"
        more = "" if well else "; add the next ones to config/events.toml once they are published"
        found.append(Diagnosis(what=f"events {kind}", well=well, says=says + more))
    return found


def look_at_estimates(history: History) -> Sequence[Diagnosis]:
    """How far the estimates of an asset's past lie from the readings of the same stretches, a line a metric; one line
    where nothing was both estimated and measured so far."""
    what = f"estimates of {history.asset}"
    names = dict.fromkeys(metric for metric, teller in history.columns if teller == ESTIMATES)
    if not names:
        return [Diagnosis(what=what, well=True, says="nothing of the past is estimated")]
    found = [one for name in names if (one := compare_estimates(history, name)) is not None]
    if not found:
        says = f"{len(names)} metrics are estimated; nothing of them was both estimated and measured yet"
        return [Diagnosis(what=what, well=True, says=says)]
    return [
        Diagnosis(
            what=f"estimate of {history.asset} {one.metric}",
            well=True,
            says=f"{one.bias:+.2f} against readings, half within {one.spread:.2f} of that, over {one.stretches} stretches",
        )
        for one in found
    ]


async def look_at_archive(outbox: OutboxCounts, address: str) -> Diagnosis:
    """Whether the archive can be read, and whether posts got stuck in it."""
    count = await outbox.count()
    told = ", ".join(f"{number} {status}" for status, number in sorted(count.items())) or "none yet"
    return Diagnosis(what="archive", well=True, says=f"{address} opens; posts: {told}")


async def look_at_commands(notes: DoctorNotes) -> Diagnosis:
    """Whether Discord has taken the slash commands at the last start."""
    failure = await notes.get(COMMANDS_FAILURE)
    says = f"not taken, the bot runs with those before: {failure}" if failure else "nothing was refused"
    return Diagnosis(what="discord commands", well=not failure, says=says)


def compare_clocks(ours: datetime, theirs: datetime | None) -> Diagnosis:
    """Whether this machine's clock is right, by a venue's."""
    if theirs is None:
        return Diagnosis(what="clock", well=False, says="nothing to compare it with: the answer had no date")
    apart_s = (ours - theirs).total_seconds()
    if abs(apart_s) > CLOCKS_APART_S:
        says = (
            f"{apart_s:+.0f} s against the venue's: set this machine's clock (NTP), or no reading can be aged"
        )
        return Diagnosis(what="clock", well=False, says=says)
    return Diagnosis(what="clock", well=True, says=f"{apart_s:+.0f} s against the venue's")


def versions() -> Sequence[tuple[str, str]]:
    """Every package installed beside the bot, with its version, by name."""
    found = {found.name: found.version for found in distributions() if found.name}
    return sorted(found.items(), key=lambda item: item[0].lower())


def _source(hearing: SourceState, words: Mapping[str, str]) -> Diagnosis:
    reasons = "; ".join(in_words(gap.reason, words) for gap in hearing.gaps)
    if hearing.heard_at is None:
        says = f"{hearing.light}: {reasons or 'was not heard'}"
        return Diagnosis(what=f"source {hearing.source}", well=False, says=says)
    says = f"{hearing.light}: {reasons or 'heard'}"
    return Diagnosis(what=f"source {hearing.source}", well=not reasons, says=says)


def _budget(usage: Usage, words: Mapping[str, str]) -> Diagnosis:
    says = f"{usage.used:g} of {usage.limit:g} in use, {usage.requests} requests"
    if usage.resting_until is not None:
        says += f"; rests until {usage.resting_until:%H:%M:%S} UTC: {in_words(usage.trouble or '', words)}"
    return Diagnosis(what=f"budget {usage.host}", well=usage.resting_until is None, says=says)


def _facts(facts: Facts, *, heard: bool) -> Diagnosis:
    """What is known of the past alone is no fact of now: without a source that was heard, none is well."""
    says = f"{len(facts.known)} facts known, {len(facts.unknown)} not"
    if not heard:
        says += f"; {NOTHING_HEARD.partition(';')[0]}"
    return Diagnosis(what=f"facts on {facts.asset}", well=heard and bool(facts.known), says=says)

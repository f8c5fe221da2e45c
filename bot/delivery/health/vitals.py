"""The signs of life of one process, and which of them are bad."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

LATE_POLLS = 3  # so many polls missed are an illness; one is a slow venue
LATE_AT_LEAST = timedelta(
    minutes=3
)  # the gateway takes a minute to come back by itself, a first poll its time to begin
LONGEST_STALL_S = 5.0
AHEAD = timedelta(seconds=5)  # a time that lies further ahead is no sign of life


class Vitals(Struct, frozen=True, kw_only=True):
    """What a process knows of itself at a moment.

    `polled_at` is when the last poll ended well; a process that does not poll now (`polls` false) has none.
    `gateway_at` is when the connection to Discord was last seen open, None before the first time;
    `on_discord` that there should be one, and `gateway_since` since when. `waits_for` names what is another
    process's and this one would take over: to stand by is to be well. `stall_s` is how long the event loop
    stood still at worst in the last minute; `outbox` counts posts by status, and is None with
    `archive_failure` where the archive cannot be read. `warnings` are for a person to mend; the process does
    what it is for all the same. `troubles` are parts that failed in a way nobody thought of, and how: an asset, a
    channel's settings, a source."""

    now: datetime
    started_at: datetime
    role: str = "all"
    polls: bool = True
    poll_every_s: float = 300.0
    polled_at: datetime | None = None
    poll_failure: str | None = None
    on_discord: bool = False
    gateway_at: datetime | None = None
    gateway_since: datetime | None = None
    waits_for: tuple[str, ...] = ()
    stall_s: float = 0.0
    outbox: Mapping[str, int] | None = None
    archive_failure: str | None = None
    sources: Mapping[str, datetime | None] = field(default_factory=dict)
    lights: Mapping[str, str] = field(default_factory=dict)
    playbook: str = ""
    warnings: tuple[str, ...] = ()
    troubles: Mapping[str, str] = field(default_factory=dict)


def ills(vitals: Vitals) -> tuple[str, ...]:
    """What is wrong, in sentences; empty where the process is well."""
    found = []
    if vitals.stall_s > LONGEST_STALL_S:
        found.append(f"the event loop stood still for {vitals.stall_s:.0f} s")
    patience = max(LATE_AT_LEAST, LATE_POLLS * timedelta(seconds=vitals.poll_every_s))
    quiet = vitals.now - (vitals.polled_at or vitals.started_at)
    if vitals.polls and quiet > patience:
        reason = f": {vitals.poll_failure}" if vitals.poll_failure else ""
        found.append(f"no poll has ended well for {quiet.total_seconds():.0f} s{reason}")
    if vitals.polls and quiet < -AHEAD:
        found.append(f"the last poll lies {-quiet.total_seconds():.0f} s ahead: the clock was put back")
    cut = vitals.now - max(filter(None, (vitals.started_at, vitals.gateway_since, vitals.gateway_at)))
    if vitals.on_discord and cut > LATE_AT_LEAST:
        found.append(f"no connection to Discord for {cut.total_seconds():.0f} s")
    found += [f"{part} failed: {why}" for part, why in sorted(vitals.troubles.items())]
    if vitals.archive_failure:
        found.append(f"the archive cannot be read: {vitals.archive_failure}")
    return tuple(found)

"""What is kept about a channel beside its subscriptions: who set it up, what its surface refused, how posts are
shown there."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from bot.domain.posts import Subscription
from bot.domain.rulebook import Severity

COMMANDS_FAILURE = "discord.commands.failure"
"""The note that says why Discord has not taken the commands; empty where it has."""

OCCASION = timedelta(hours=1)
"""Refusals less than this apart are one occasion: the posts of one poll, a permission that was mended at once."""


class ChannelStyle(Struct, frozen=True, kw_only=True):
    """How posts are shown in a channel, beside their words. `pings` names the role that an alert of a severity
    calls, `threads` opens a thread under each post, `publishes` passes posts on to the channels that follow this
    one, `notices` is the channel in which the server wants to hear of trouble."""

    pings: Mapping[Severity, str] = field(default_factory=dict)
    threads: bool = False
    publishes: bool = False
    notices: str | None = None


class SettingsBefore(Struct, frozen=True, kw_only=True):
    """A channel's settings before the last change."""

    wishes: tuple[Subscription, ...]
    style: ChannelStyle
    paused_by: str | None = None
    paused_until: datetime | None = None


class KeptChannel(Struct, frozen=True, kw_only=True):
    """One channel of a server.

    `set_up_by` is the surface's name of the person who set it up, who hears of trouble where no channel was chosen
    for that. `refused_at` are the occasions on which the surface refused us, since it last took a post; `told_at`
    when a pause was told, `looked_at` when its permissions were last looked at since. `paused_by` is who asked for
    a pause that is on, `paused_until` its end: none where it lasts until somebody resumes. `before` is for undoing the last change."""

    channel: str
    guild_id: str | None = None
    set_up_by: str | None = None
    refused_at: tuple[datetime, ...] = ()
    told_at: datetime | None = None
    looked_at: datetime | None = None
    paused_by: str | None = None
    paused_until: datetime | None = None
    style: ChannelStyle = field(default_factory=ChannelStyle)
    before: SettingsBefore | None = None


def add_refusal(refused_at: tuple[datetime, ...], at: datetime) -> tuple[datetime, ...]:
    """The occasions with one more refusal: a new one where it is far enough from the last, on whichever side,
    since a clock may have been put back."""
    if refused_at and abs(at - refused_at[-1]) < OCCASION:
        return refused_at
    return (*refused_at, at)


def is_refused_for_good(refused_at: tuple[datetime, ...], *, occasions: int, over: timedelta) -> bool:
    """Whether so many occasions lie over so long a time."""
    return len(refused_at) >= occasions and max(refused_at) - min(refused_at) >= over

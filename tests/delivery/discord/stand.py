"""A real desk over a small past in memory, and what the Discord room asks of the archive, in memory too."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from bot import app
from bot.desk import Desk, Habits
from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.posts import Card, Post, Profile, State, Subscription, Watch
from bot.domain.story import Story, Text
from bot.errors import InputError
from bot.notices import Notices
from tests.commands.conftest import PAST

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


@dataclass
class Clock:
    at: datetime = AT

    def now(self) -> datetime:
        return self.at


@dataclass
class Memory:
    """An archive in memory: what commands read, and what the Discord room keeps."""

    past_series: Sequence[Series] = PAST
    judged: list[Call] = field(default_factory=list)
    kept: list[Post] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)
    wishes: list[Subscription] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    doubtful: list[str] = field(default_factory=list)
    sent: dict[str, str | None] = field(default_factory=dict)
    watched: list[Watch] = field(default_factory=list)
    attempted: list[str] = field(default_factory=list)
    broken: Exception | None = None
    hold: Any = None

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        if self.hold is not None:
            await self.hold()
        if self.broken:
            raise self.broken
        return [series for series in self.past_series if series.asset == asset]

    async def state(self, asset: str, profile: Profile) -> State:
        return State()

    async def posts(
        self, *, asset: str | None = None, limit: int = 50, before: datetime | None = None
    ) -> Sequence[Post]:
        return self.kept[:limit]

    async def post(self, post_id: str) -> Post | None:
        return next((post for post in self.kept if post.id == post_id), None)

    async def evidence(self, post_id: str) -> Mapping[str, object]:
        return {}

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        return self.judged

    async def past(
        self, metric: str, asset: str, since: datetime, until: datetime | None = None, venue: str | None = None
    ) -> Series:
        known = [one for one in self.past_series if (one.metric, one.asset, one.venue) == (metric, asset, venue)]
        empty = array("q")
        return (*known, Series(metric=metric, asset=asset, venue=venue, at_ms=empty, value=array("d"), covers_s=empty))[
            0
        ]

    async def unsent(self, surface: str) -> Sequence[Post]:
        return [post for post in self.kept if post.id + post.channel not in self.sent and post.id not in self.doubtful]

    async def uncertain(self, surface: str) -> Sequence[Post]:
        return [post for post in self.kept if post.id in self.doubtful]

    async def attempt(self, tried: Sequence[Post], at: datetime) -> None:
        self.attempted += [post.id for post in tried if post.attempted_at is None]

    async def mark_sent(self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None) -> None:
        self.sent[post_id + channel] = message_id

    async def note(self, name: str) -> str | None:
        return self.notes.get(name)

    async def keep_note(self, name: str, value: str) -> None:
        self.notes[name] = value

    async def subscriptions(
        self, *, channel: str | None = None, asset: str | None = None, guild_id: str | None = None
    ) -> Sequence[Subscription]:
        return [
            wish
            for wish in self.wishes
            if channel in (None, wish.channel) and asset in (None, wish.asset) and guild_id in (None, wish.guild_id)
        ]

    async def subscribe(self, subscription: Subscription) -> None:
        key = subscription.channel, subscription.asset
        self.wishes = [wish for wish in self.wishes if (wish.channel, wish.asset) != key] + [subscription]

    async def unsubscribe(self, channel: str, asset: str | None = None) -> int:
        gone = [wish for wish in self.wishes if wish.channel == channel and asset in (None, wish.asset)]
        self.wishes = [wish for wish in self.wishes if wish not in gone]
        return len(gone)

    async def pause(self, channel: str, at: datetime | None) -> None:
        self.wishes = [replace(wish, paused_at=at) if wish.channel == channel else wish for wish in self.wishes]

    async def snooze(self, channel: str, until: datetime | None) -> int:
        self.wishes = [replace(wish, snoozed_until=until) if wish.channel == channel else wish for wish in self.wishes]
        return sum(wish.channel == channel for wish in self.wishes)

    async def forget_guild(self, guild_id: str) -> int:
        self.forgotten.append(guild_id)
        gone = {wish.channel for wish in self.wishes if wish.guild_id == guild_id}
        self.wishes = [wish for wish in self.wishes if wish.guild_id != guild_id]
        return len(gone)

    async def watches(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        return [one for one in self.watched if asset in (None, one.asset) and reader in (None, one.reader)]

    async def watch(self, wish: Watch, *, most: int) -> None:
        if len(self.watched) >= most:
            raise InputError(f"you have {most} watches")
        self.watched.append(replace(wish, id=len(self.watched) + 1))

    async def unwatch(self, reader: str, number: int | None = None) -> int:
        gone = [one for one in self.watched if one.reader == reader and number in (None, one.id)]
        self.watched = [one for one in self.watched if one not in gone]
        return len(gone)

    async def block(self, channel: str, at: datetime | None) -> int:
        self.watched = [replace(one, blocked_at=at) if one.channel == channel else one for one in self.watched]
        if at is not None:
            self.kept = [post for post in self.kept if post.channel != channel]
        return sum(one.channel == channel for one in self.watched)

    async def mark_late(self, post_id: str, *, channel: str) -> None:
        self.late.append(post_id)

    async def mark_uncertain(self, post_id: str, *, channel: str) -> None:
        self.doubtful.append(post_id)


@cache
def playbook() -> Playbook:
    return app.read_playbook()


def make_desk(memory: Any, clock: Clock | None = None, *, abreast: int = 5, notices: Notices | None = None) -> Desk:
    async def nothing_due(asset: str, at: datetime) -> Mapping[str, datetime]:
        return {}

    habits = Habits(
        assets=("BTC", "ETH"), deadline=timedelta(seconds=5), late_after=timedelta(minutes=10), history=timedelta(days=120),
        abreast=abreast,
    )  # fmt: skip
    return Desk(
        clock=clock or Clock(), archive=memory, sources=(), playbook=playbook(), surfaces={}, habits=habits,
        agenda=nothing_due, notices=notices,
    )  # fmt: skip


def make_post(post_id: str = "k7m2p", *, channel: int = 7001, at: datetime = AT, body: str = "Puts cost more.") -> Post:
    story = Story(
        asset="BTC", at=at, length="embed", locale="en", stance="bearish",
        headline=Text(slot="headline", about="bearish", text="Bitcoin calls for caution"),
        paragraphs=(Text(slot="lead", about="bearish", text=body),),
        footer=Text(slot="footer", about="footer", text="Not financial advice."),
    )  # fmt: skip
    return Post(
        id=post_id, channel=f"discord:{channel}", asset="BTC", reason="scheduled", story=story,
        nonce=f"n{post_id}{channel}", intended_at=at, attempted_at=at,
    )  # fmt: skip


def make_card(post: Post, desk: Desk, *, image: bytes | None = None) -> Card:
    return replace(desk.card(post), image=image, alt="a line that falls" if image else "")


def wish(channel: int = 7001, guild: int = 8001, **given: Any) -> Subscription:
    return Subscription(channel=f"discord:{channel}", asset="BTC", created_at=AT, guild_id=str(guild), **given)

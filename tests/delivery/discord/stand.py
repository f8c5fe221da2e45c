"""A real desk over a small past in memory, and what the Discord room asks of the archive, in memory too."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from msgspec.structs import replace

from bot.desk.desk import Desk
from bot.domain.channels import KeptChannel
from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.domain.playbook import Playbook
from bot.domain.posts import Card, Post, Profile, State, Subscription, Watch
from bot.domain.story import Story, Text
from bot.errors import InputError
from bot.notices.notices import Notices
from bot.playbook import read_playbook
from bot.ports import Source
from tests.commands.conftest import PAST, MemoryDigests
from tests.desks import desk_of, market_of

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


@dataclass
class Clock:
    at: datetime = AT

    def now(self) -> datetime:
        return self.at


class MemoryPoints:
    """Numbers' past; `broken` is raised and `hold` awaited before any of it is told."""

    def __init__(self, past: Sequence[Series]) -> None:
        self.past_series = past
        self.broken: Exception | None = None
        self.hold: Any = None

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        if self.hold is not None:
            await self.hold()
        if self.broken:
            raise self.broken
        return [series for series in self.past_series if series.asset == asset]

    async def past(
        self,
        metric: str,
        asset: str,
        since: datetime,
        until: datetime | None = None,
        venue: str | None = None,
    ) -> Series:
        known = [
            one for one in self.past_series if (one.metric, one.asset, one.venue) == (metric, asset, venue)
        ]
        empty = array("q")
        return (
            *known,
            Series(metric=metric, asset=asset, venue=venue, at_ms=empty, value=array("d"), covers_s=empty),
        )[0]


class MemoryStates:
    """What was judged; nothing is remembered."""

    def __init__(self, judged: Sequence[Call]) -> None:
        self.judged = judged

    async def load(self, asset: str, profile: Profile) -> State:
        return State()

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        return self.judged


class MemoryPosts:
    """Posts, in the order in which they were kept."""

    def __init__(self, kept: list[Post]) -> None:
        self.kept = kept

    async def find(
        self,
        *,
        asset: str | None = None,
        limit: int = 50,
        before: datetime | None = None,
        channel: str | None = None,
    ) -> Sequence[Post]:
        return [post for post in self.kept if channel in (None, post.channel)][:limit]

    async def get(self, post_id: str, channels: Sequence[str] = ()) -> Post | None:
        return next((post for post in self.kept if post.id == post_id), None)

    async def evidence(self, post_id: str, channels: Sequence[str] = ()) -> Mapping[str, object]:
        return {}


class MemoryOutbox:
    """The same posts, and what became of them."""

    def __init__(self, posts: MemoryPosts) -> None:
        self._posts = posts
        self.late: list[str] = []
        self.doubtful: list[str] = []
        self.sent: dict[str, str | None] = {}
        self.attempted: list[str] = []
        self.dropped: list[str] = []

    async def take_unsent(self, surface: str) -> Sequence[Post]:
        return [
            post
            for post in self._posts.kept
            if post.id + post.channel not in self.sent
            and post.id not in self.doubtful
            and post.id not in self.dropped
        ]

    async def give_up(self, worthless: Sequence[Post]) -> None:
        self.dropped += [post.id for post in worthless]

    async def clear_attempts(self, untried: Sequence[Post]) -> None:
        gone = {post.id for post in untried}
        self.attempted = [name for name in self.attempted if name not in gone]

    async def find_uncertain(self, surface: str) -> Sequence[Post]:
        return [post for post in self._posts.kept if post.id in self.doubtful]

    async def attempt(self, tried: Sequence[Post], at: datetime) -> None:
        self.attempted += [post.id for post in tried if post.attempted_at is None]

    async def mark_sent(
        self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None
    ) -> None:
        self.sent[post_id + channel] = message_id

    async def mark_late(self, post_id: str, *, channel: str) -> None:
        self.late.append(post_id)

    async def mark_uncertain(self, post_id: str, *, channel: str) -> None:
        self.doubtful.append(post_id)


class MemoryNotes:
    """Small things by name."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        return self.kept.get(name)

    async def set(self, name: str, value: str) -> None:
        self.kept[name] = value


class MemoryChannels:
    """What is kept about channels."""

    def __init__(self) -> None:
        self.kept: dict[str, KeptChannel] = {}

    async def find(self) -> Sequence[KeptChannel]:
        return list(self.kept.values())

    async def put(self, place: KeptChannel) -> None:
        self.kept[place.channel] = place


class MemorySubscriptions:
    """Who follows what, and which servers were forgotten."""

    def __init__(self, wishes: list[Subscription]) -> None:
        self.wishes = wishes
        self.forgotten: list[str] = []

    async def find(
        self, *, channel: str | None = None, asset: str | None = None, guild_id: str | None = None
    ) -> Sequence[Subscription]:
        return [
            wish
            for wish in self.wishes
            if channel in (None, wish.channel)
            and asset in (None, wish.asset)
            and guild_id in (None, wish.guild_id)
        ]

    async def add(self, wish: Subscription) -> None:
        key = wish.channel, wish.asset
        self.wishes = [one for one in self.wishes if (one.channel, one.asset) != key] + [wish]

    async def remove(self, channel: str, asset: str | None = None) -> int:
        gone = [wish for wish in self.wishes if wish.channel == channel and asset in (None, wish.asset)]
        self.wishes = [wish for wish in self.wishes if wish not in gone]
        return len(gone)

    async def pause(self, channel: str, at: datetime | None) -> None:
        self.wishes = [
            replace(wish, paused_at=at) if wish.channel == channel else wish for wish in self.wishes
        ]

    async def snooze(self, channel: str, until: datetime | None) -> int:
        self.wishes = [
            replace(wish, snoozed_until=until) if wish.channel == channel else wish for wish in self.wishes
        ]
        return sum(wish.channel == channel for wish in self.wishes)

    async def forget_guild(self, guild_id: str) -> int:
        self.forgotten.append(guild_id)
        gone = {wish.channel for wish in self.wishes if wish.guild_id == guild_id}
        self.wishes = [wish for wish in self.wishes if wish.guild_id != guild_id]
        return len(gone)


class MemoryWatches:
    """Personal watches."""

    def __init__(self, posts: MemoryPosts) -> None:
        self._posts = posts
        self.kept: list[Watch] = []

    async def find(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        return [one for one in self.kept if asset in (None, one.asset) and reader in (None, one.reader)]

    async def add(self, wish: Watch, *, most: int) -> None:
        if len(self.kept) >= most:
            raise InputError(f"you have {most} watches")
        self.kept.append(replace(wish, id=len(self.kept) + 1))

    async def remove(self, reader: str, number: int | None = None) -> int:
        gone = [one for one in self.kept if one.reader == reader and number in (None, one.id)]
        self.kept = [one for one in self.kept if one not in gone]
        return len(gone)

    async def block(self, channel: str, at: datetime | None) -> int:
        self.kept = [replace(one, blocked_at=at) if one.channel == channel else one for one in self.kept]
        if at is not None:
            self._posts.kept = [post for post in self._posts.kept if post.channel != channel]
        return sum(one.channel == channel for one in self.kept)


class Memory:
    """An archive in memory: what commands read, and what the Discord room keeps."""

    def __init__(
        self,
        *,
        past_series: Sequence[Series] = PAST,
        judged: Sequence[Call] = (),
        kept: Sequence[Post] = (),
        wishes: Sequence[Subscription] = (),
    ) -> None:
        self.points = MemoryPoints(past_series)
        self.states = MemoryStates(judged)
        self.posts = MemoryPosts(list(kept))
        self.outbox = MemoryOutbox(self.posts)
        self.notes = MemoryNotes()
        self.channels = MemoryChannels()
        self.subscriptions = MemorySubscriptions(list(wishes))
        self.watches = MemoryWatches(self.posts)
        self.digests = MemoryDigests()


@cache
def playbook() -> Playbook:
    return read_playbook()


def make_desk(
    memory: Any,
    clock: Clock | None = None,
    *,
    concurrency: int = 5,
    notices: Notices | None = None,
    sources: Sequence[Source] = (),
) -> Desk:
    market = market_of(memory, clock or Clock(), playbook(), sources=sources)
    return desk_of(market, sources=sources, concurrency=concurrency, notices=notices)


def make_post(
    post_id: str = "k7m2p",
    *,
    channel: int = 7001,
    at: datetime = AT,
    body: str = "Puts cost more.",
    tried: bool = False,
) -> Post:
    story = Story(
        asset="BTC",
        at=at,
        length="embed",
        locale="en",
        stance="bearish",
        headline=Text(slot="headline", about="bearish", text="Bitcoin calls for caution"),
        paragraphs=(Text(slot="lead", about="bearish", text=body),),
        footer=Text(slot="footer", about="footer", text="Not financial advice."),
    )
    return Post(
        id=post_id,
        channel=f"discord:{channel}",
        asset="BTC",
        reason="scheduled",
        story=story,
        nonce=f"n{post_id}{channel}",
        intended_at=at,
        attempted_at=at if tried else None,
    )


def make_card(post: Post, desk: Desk, *, image: bytes | None = None) -> Card:
    return replace(desk.cards.of_post(post), image=image, alt="a line that falls" if image else "")


def wish(channel: int = 7001, guild: int = 8001, **given: Any) -> Subscription:
    return Subscription(
        channel=f"discord:{channel}", asset="BTC", created_at=AT, guild_id=str(guild), **given
    )

"""What is posted beside commentary and alerts: outages and returns, the weekly review, events, daily notes, and edits of posts
that were corrected."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import structlog
from msgspec import Struct, field
from msgspec.structs import replace

from bot.domain.playbook import Playbook
from bot.domain.posts import Card, Decision, Post, Profile
from bot.domain.readings import Snapshot, SourceHealth
from bot.errors import ChannelGone, ChannelRefused, DeliveryError, PostRejected
from bot.metrics import History
from bot.notices.corrections import (
    CorrectablePosts,
    Corrections,
    CorrectionStore,
    RestatementStore,
    SeriesStore,
)
from bot.notices.digests import DailyNotes
from bot.notices.events import EventNotes
from bot.notices.outages import MadeForStore, Outages, SourceHealthStore
from bot.notices.weekly import CallStore, Due, SpotPastStore, Weekly
from bot.ports import Edits, Surface

log = structlog.get_logger()


class EditStore(CorrectionStore, Protocol):
    """Corrections made, and the posts that are to be edited for them. Every method raises ArchiveError."""

    async def find_unedited(self, surface: str) -> Sequence[Post]:
        """Posts of one surface that went out and have been corrected since, oldest first."""
        ...

    async def mark_edited(self, post: Post, *, done: bool = True) -> None:
        """The post is shown with all the corrections that it has here; or (not `done`) it cannot be edited
        any more."""
        ...


class PointsLookedBackOn(SeriesStore, SpotPastStore, Protocol):
    """What was measured: of one metric, of all."""


class PostsLookedBackOn(MadeForStore, CorrectablePosts, Protocol):
    """Posts, and the channels that they were made for."""


class NoticeArchive(Protocol):
    """The repositories that notices work with."""

    @property
    def points(self) -> PointsLookedBackOn:
        """What was measured."""
        ...

    @property
    def states(self) -> CallStore:
        """What was judged."""
        ...

    @property
    def posts(self) -> PostsLookedBackOn:
        """Posts, and the channels that they were made for."""
        ...

    @property
    def restatements(self) -> RestatementStore:
        """What venues told otherwise."""
        ...

    @property
    def corrections(self) -> EditStore:
        """Corrections made, and the posts that are to be edited for them."""
        ...

    @property
    def source_health(self) -> SourceHealthStore:
        """How sources do, over restarts."""
        ...


class Notices(Struct, kw_only=True):
    """One for all assets. A poll `begin`s, asks for each profile's decision `with_notices`, and `end`s when
    all is stored."""

    edits: EditStore
    outages: Outages
    corrections: Corrections
    weekly: Weekly
    events: EventNotes | None = None
    digests: DailyNotes | None = None
    _heard: dict[str, Snapshot] = field(default_factory=dict)
    _standings: dict[str, Sequence[SourceHealth]] = field(default_factory=dict)
    _weekly_due: dict[str, Mapping[str, datetime]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        archive: NoticeArchive,
        *,
        due: Due,
        hold: timedelta,
        late_after: timedelta,
        corrected_within: timedelta,
        history: timedelta,
        digests: DailyNotes | None = None,
    ) -> "Notices":
        """All of them on one archive. A return must `hold`; posts of at most `corrected_within` are corrected, with so much
        `history`."""
        return cls(
            edits=archive.corrections,
            outages=Outages(source_health=archive.source_health, made_posts=archive.posts, hold=hold),
            corrections=Corrections(
                restatements=archive.restatements,
                posts=archive.posts,
                points=archive.points,
                added=archive.corrections,
                corrected_within=corrected_within,
                history=history,
            ),
            weekly=Weekly(states=archive.states, points=archive.points, due=due, late_after=late_after),
            events=EventNotes(posts=archive.posts),
            digests=digests,
        )

    async def begin(self, snapshot: Snapshot, history: History, playbook: Playbook) -> None:
        """Look how the sources did in this poll."""
        self._heard[snapshot.asset] = snapshot
        self._weekly_due.pop(snapshot.asset, None)
        self._standings[snapshot.asset] = await self.outages.begin(snapshot, history, playbook.catalog)

    async def with_notices(
        self, decision: Decision, profile: Profile, playbook: Playbook, history: History
    ) -> Decision:
        """The decision, and the posts beside it. A notice that cannot be made holds up nothing else."""
        healths = self._standings.get(decision.facts.asset, ())
        about = decision, profile, playbook, history
        made: list[Post] = []
        notes = [self.digests.posts(decision, profile, playbook)] if self.digests else []
        for making in (self.outages.posts(healths, *about), self._weekly(*about), *notes):
            try:
                made += await making
            except Exception:
                log.error("notice.failed", asset=decision.facts.asset, profile=profile.id, exc_info=True)
        decision = replace(decision, posts=(*decision.posts, *made))
        heard = self._heard.get(decision.facts.asset)
        if self.events is None or heard is None:
            return decision
        try:
            return await self.events.with_events(decision, profile, playbook, history, heard)
        except Exception:
            log.error("notice.failed", asset=decision.facts.asset, profile=profile.id, exc_info=True)
            return decision

    async def _weekly(
        self, decision: Decision, profile: Profile, playbook: Playbook, history: History
    ) -> Sequence[Post]:
        """The reviews of one profile; which channels' are due is asked once a poll."""
        asset = decision.facts.asset
        if asset not in self._weekly_due:
            self._weekly_due[asset] = await self.weekly.due(asset, decision.facts.at)
        return await self.weekly.posts(decision, profile, playbook, history, self._weekly_due[asset])

    async def end(self, asset: str, at: datetime, playbook: Playbook) -> None:
        """All posts of the poll are stored: settle what they told, and correct what was restated."""
        self._heard.pop(asset, None)
        await self.outages.end(self._standings.pop(asset, ()), at)
        try:
            await self.corrections.run(asset, at, playbook)
        except Exception:
            log.error("correction.failed", asset=asset, exc_info=True)

    async def edit(self, name: str, surface: Surface, make: Callable[[Post], Awaitable[Card]]) -> None:
        """Show corrected posts anew on a surface that can. The same edit made twice leaves the same
        message."""
        if not isinstance(surface, Edits):
            return
        for post in await self.edits.find_unedited(name):
            try:
                await surface.edit(post, await make(post))
            except (ChannelGone, ChannelRefused, PostRejected) as error:
                log.warning("post.uneditable", post=post.id, channel=post.channel, reason=str(error))
                await self.edits.mark_edited(post, done=False)
                continue
            except DeliveryError as error:
                log.warning("post.edit_later", post=post.id, channel=post.channel, reason=str(error))
                continue
            await self.edits.mark_edited(post)
            log.info("post.edited", post=post.id, channel=post.channel)

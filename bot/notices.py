"""What is posted beside commentary and alerts: outages and returns, the weekly review, and edits of posts that were corrected."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from bot import corrections, outages, weekly
from bot.corrections import Corrections
from bot.domain.playbook import Playbook
from bot.domain.posts import Card, Decision, Post, Profile
from bot.domain.readings import Snapshot, Standing
from bot.errors import ChannelGone, ChannelRefused, DeliveryError
from bot.metrics import History
from bot.outages import Outages
from bot.ports import Edits, Surface
from bot.weekly import Due, Weekly

log = structlog.get_logger()


class Outbox(Protocol):
    """Posts that are to be edited. Every method raises ArchiveError."""

    async def unedited(self, surface: str) -> Sequence[Post]:
        """Posts of one surface that went out and have been corrected since, oldest first."""
        ...

    async def mark_edited(self, post: Post, *, done: bool = True) -> None:
        """The post is shown with all the corrections that it has here; or (not `done`) it cannot be edited any more."""
        ...


class Keeping(Outbox, outages.Keeping, corrections.Keeping, weekly.Keeping, Protocol):
    """All that notices need to know and to keep."""


@dataclass(slots=True, kw_only=True)
class Notices:
    """One for all assets. A poll `begin`s, asks for each profile's decision `with_notices`, and `end`s when all is stored."""

    outbox: Outbox
    outages: Outages
    corrections: Corrections
    weekly: Weekly
    _standings: dict[str, Sequence[Standing]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        archive: Keeping,
        *,
        due: Due,
        hold: timedelta,
        late_after: timedelta,
        within: timedelta,
        history: timedelta,
    ) -> "Notices":
        """All of them on one archive. A return must `hold`; posts `within` an age are corrected, with so much `history`."""
        return cls(
            outbox=archive,
            outages=Outages(archive=archive, hold=hold),
            corrections=Corrections(archive=archive, within=within, history=history),
            weekly=Weekly(archive=archive, due=due, late_after=late_after),
        )

    async def begin(self, snapshot: Snapshot, history: History, playbook: Playbook) -> None:
        """Look how the sources did in this poll."""
        self._standings[snapshot.asset] = await self.outages.begin(snapshot, history, playbook.catalog)

    async def with_notices(
        self, decision: Decision, profile: Profile, playbook: Playbook, history: History
    ) -> Decision:
        """The decision, and the posts beside it. A notice that cannot be made holds up nothing else."""
        standings = self._standings.get(decision.facts.asset, ())
        about = decision, profile, playbook, history
        made: list[Post] = []
        for making in (self.outages.posts(standings, *about), self.weekly.posts(*about)):
            try:
                made += await making
            except Exception:
                log.error("notice.failed", asset=decision.facts.asset, profile=profile.id, exc_info=True)
        return replace(decision, posts=(*decision.posts, *made))

    async def end(self, asset: str, at: datetime, playbook: Playbook) -> None:
        """All posts of the poll are stored: settle what they told, and correct what was restated."""
        await self.outages.end(self._standings.pop(asset, ()), at)
        try:
            await self.corrections.run(asset, at, playbook)
        except Exception:
            log.error("correction.failed", asset=asset, exc_info=True)

    async def edit(self, name: str, surface: Surface, make: Callable[[Post], Awaitable[Card]]) -> None:
        """Show corrected posts anew on a surface that can. The same edit made twice leaves the same message."""
        if not isinstance(surface, Edits):
            return
        for post in await self.outbox.unedited(name):
            try:
                await surface.edit(post, await make(post))
            except (ChannelGone, ChannelRefused) as error:
                log.warning("post.uneditable", post=post.id, channel=post.channel, reason=str(error))
                await self.outbox.mark_edited(post, done=False)
                continue
            except DeliveryError as error:
                log.warning("post.edit_later", post=post.id, channel=post.channel, reason=str(error))
                continue
            await self.outbox.mark_edited(post)
            log.info("post.edited", post=post.id, channel=post.channel)

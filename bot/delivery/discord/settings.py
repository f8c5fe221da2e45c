"""What can be set for one channel, and how it is changed: each change is kept with what was before it, so that it can
be undone."""

import re
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from bot.commands.typed import SPELLED_OFF, is_off
from bot.delivery.discord.channelbook import ChannelBook
from bot.delivery.discord.stores import ChannelStore
from bot.domain.channels import KeptChannel, SettingsBefore
from bot.domain.posts import Subscription
from bot.domain.rulebook import Ranges, RuleBook, UsualRange
from bot.errors import InputError
from bot.reasons import reason
from bot.rules import own_range

RANGE: Final = re.compile(
    r"\s*([a-z][a-z0-9-]*[a-z0-9])\s+(-?\d{1,4}(?:\.\d{1,4})?)%?\s*(?:-|–|to|a|hasta)\s*(-?\d{1,4}(?:\.\d{1,4})?)%?\s*",
    re.ASCII,
)


class ChannelSettings(Struct, frozen=True, kw_only=True):
    """All settings of one channel: a wish for each asset that it follows, and what is kept beside them."""

    channel: str
    guild_id: str
    wishes: tuple[Subscription, ...]
    kept: KeptChannel

    @property
    def number(self) -> int:
        """Discord's id of the channel."""
        return int(self.channel.removeprefix("discord:"))

    @property
    def first(self) -> Subscription | None:
        """The wish that stands for what all have in common; None where the channel follows nothing."""
        return self.wishes[0] if self.wishes else None

    @property
    def is_paused(self) -> bool:
        """Whether nothing is posted there now."""
        return bool(self.wishes) and all(wish.paused_at is not None for wish in self.wishes)

    def with_all(self, **changed: Any) -> "ChannelSettings":
        """Every wish changed in the same way."""
        return replace(self, wishes=tuple(replace(wish, **changed) for wish in self.wishes))

    def with_profile(self, **changed: Any) -> "ChannelSettings":
        """Every wish spoken to otherwise: length, language, usual ranges."""
        changing = (replace(wish, profile=replace(wish.profile, **changed)) for wish in self.wishes)
        return replace(self, wishes=tuple(changing))

    def with_style(self, **changed: Any) -> "ChannelSettings":
        """Posts shown otherwise."""
        return replace(self, kept=replace(self.kept, style=replace(self.kept.style, **changed)))

    def with_assets(self, assets: Iterable[str], now: datetime) -> "ChannelSettings":
        """These assets followed and no others; one that is new takes the settings of the rest."""
        known = {wish.asset: wish for wish in self.wishes}
        like = self.first or Subscription(
            channel=self.channel, asset="", created_at=now, guild_id=self.guild_id
        )
        wishes = [
            known.get(asset) or replace(like, asset=asset, created_at=now, last_slot_at=None)
            for asset in assets
        ]
        return replace(self, wishes=tuple(wishes))


class SettingsStore:
    """Reads and keeps the settings of channels."""

    def __init__(self, keeping: ChannelStore, channels: ChannelBook, *, now: Callable[[], datetime]) -> None:
        self._keeping = keeping
        self._channels = channels
        self._now = now

    async def load(self, number: int, guild_id: int) -> ChannelSettings:
        """A channel's settings as they are. Raises ArchiveError."""
        channel = f"discord:{number}"
        wishes = await self._keeping.subscriptions.find(channel=channel)
        kept = await self._channels.get(channel)
        return ChannelSettings(
            channel=channel,
            guild_id=str(guild_id),
            wishes=tuple(wishes),
            kept=replace(kept, guild_id=str(guild_id)),
        )

    async def save(self, before: ChannelSettings, after: ChannelSettings) -> ChannelSettings:
        """Keep a change, and what was before it. Raises InputError where no further profile fits, ArchiveError."""
        if (before.wishes, before.kept.style) != (after.wishes, after.kept.style):
            after = replace(after, kept=replace(after.kept, before=_keep(before)))
        after = replace(after, wishes=tuple(self._begin_anew(before, wish) for wish in after.wishes))
        known = {wish.asset: wish for wish in before.wishes}
        for wish in after.wishes:
            if known.pop(wish.asset, None) != wish:
                await self._keeping.subscriptions.add(wish)
        for asset in known:
            await self._keeping.subscriptions.remove(after.channel, asset)
        if after.kept != before.kept:
            await self._channels.put(after.kept)
        return after

    def begin(self, before: ChannelSettings, asset: str, by: int) -> ChannelSettings:
        """The channel served from now on: as it was, or with the usual settings for one asset where it follows
        nothing. What it refused is past. Nothing is kept yet."""
        now = self._now()
        kept = replace(
            before.kept,
            set_up_by=str(by),
            refused_at=(),
            told_at=None,
            looked_at=None,
            paused_by=None,
            paused_until=None,
        )
        after = before if before.wishes else before.with_assets([asset], now)
        return replace(after, kept=kept).with_all(paused_at=None, created_at=now)

    def pause(self, before: ChannelSettings, lasts: timedelta | None, by: int) -> ChannelSettings:
        """Nothing posted from now on, for a time, or until somebody resumes; what the channel refused is past, and ends
        no pause that was asked for. Nothing is kept yet."""
        now = self._now()
        kept = replace(
            before.kept,
            refused_at=(),
            told_at=None,
            looked_at=None,
            paused_by=str(by),
            paused_until=now + lasts if lasts is not None else None,
        )
        return replace(before, kept=kept).with_all(paused_at=now)

    async def remove(self, settings: ChannelSettings) -> ChannelSettings:
        """The channel follows nothing any more; what is unsent to it is given up."""
        after = replace(settings, wishes=(), kept=replace(settings.kept, before=_keep(settings)))
        await self._keeping.subscriptions.remove(settings.channel)
        await self._channels.put(after.kept)
        return after

    async def undo(self, settings: ChannelSettings) -> ChannelSettings:
        """The settings before the last change; undone twice they are as they were."""
        last = settings.kept.before
        if last is None:
            return settings
        kept = replace(
            settings.kept, style=last.style, paused_by=last.paused_by, paused_until=last.paused_until
        )
        now = self._now()
        wishes = tuple(replace(wish, created_at=now) for wish in last.wishes)
        return await self.save(settings, replace(settings, wishes=wishes, kept=kept))

    def _begin_anew(self, before: ChannelSettings, wish: Subscription) -> Subscription:
        """Other times hold from now on: a slot that had passed by then is not made up for."""
        known = next((one for one in before.wishes if one.asset == wish.asset), None)
        same = known is not None and (known.post_at, known.zone) == (wish.post_at, wish.zone)
        return wish if same else replace(wish, created_at=self._now())


def _keep(settings: ChannelSettings) -> SettingsBefore:
    kept = settings.kept
    return SettingsBefore(
        wishes=settings.wishes, style=kept.style, paused_by=kept.paused_by, paused_until=kept.paused_until
    )


def own_ranges(book: RuleBook, typed: str) -> Ranges:
    """A server's own usual ranges as typed ("basis 4-9, skew-60d -8 to 8"; "off" for the usual ones). Raises
    InputError."""
    if is_off(typed):
        return {}
    found: dict[str, UsualRange] = {}
    for part in re.split(r"[,;]", typed.lower()):
        told = RANGE.fullmatch(part)
        if told is None:
            raise InputError(reason("no_ranges", typed=part.strip(), off=SPELLED_OFF))
        found[told[1]] = own_range(book, told[1], float(told[2]), float(told[3]))
    return found

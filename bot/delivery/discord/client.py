"""The Discord client: one gateway connection, the `guilds` intent alone, no caches of messages or members."""

import asyncio
import sys
import time
from collections.abc import Collection, Mapping
from typing import Any

import aiohttp
import discord
import structlog
from discord import app_commands

from bot.commands import discover
from bot.commands.zones import Zones
from bot.delivery.discord.absence import Absence
from bot.delivery.discord.admins import Admins
from bot.delivery.discord.allowed import Allowed
from bot.delivery.discord.answering import Cooldown, Reception
from bot.delivery.discord.buttons import GoOn
from bot.delivery.discord.channelbook import ChannelBook
from bot.delivery.discord.clock import DiscordClock
from bot.delivery.discord.components import PanelItem, Press
from bot.delivery.discord.manage import Management
from bot.delivery.discord.mending import Mending
from bot.delivery.discord.panel import Panel
from bot.delivery.discord.postextras import MUTE
from bot.delivery.discord.registration import Registration, check_application
from bot.delivery.discord.settings import SettingsStore
from bot.delivery.discord.shards import Identifies, mine
from bot.delivery.discord.slash import BankTranslator, build, build_menu, slash
from bot.delivery.discord.stores import ChannelStore
from bot.delivery.discord.throttle import Throttle
from bot.desk.desk import Desk

log = structlog.get_logger()

SWEEP_S = 60.0
MOST_KNOWN = 200
LONGEST_RATELIMIT_S = (
    30.0  # discord.py takes no less; a channel that must wait longer goes back to the outbox
)


def sweep_seldom(http: discord.http.HTTPClient) -> None:
    """discord.py looks through all its rate-limit buckets at every message to a channel that is new to it:
    with 10,000 channels that is 6 ms a message. Once a minute is enough."""
    sweep, swept_at = http._try_clear_expired_ratelimits, [time.monotonic()]

    def seldom() -> None:
        if time.monotonic() - swept_at[0] >= SWEEP_S:
            swept_at[0] = time.monotonic()
            sweep()

    vars(http)["_try_clear_expired_ratelimits"] = seldom


class Tree(app_commands.CommandTree["TightropeClient"]):
    """The slash commands, with one way to fail."""

    async def on_error(
        self, interaction: "discord.Interaction[TightropeClient]", error: app_commands.AppCommandError, /
    ) -> None:
        """A private answer that says what to do."""
        await self.client.reception.apologize(interaction, error)


class TightropeClient(discord.AutoShardedClient):
    """Commands, buttons, and what happens to servers and channels. Posts go through `DiscordSurface`.

    As many connections as Discord recommends, or `shard_count` in all, of which `shard_ids` are this
    process's."""

    def __init__(
        self,
        *,
        desk: Desk,
        keeping: ChannelStore,
        throttle: Throttle | None = None,
        application: str = "",
        **options: Any,
    ) -> None:
        """`application` is the one that takes over an archive that belongs to another."""
        self.clock = DiscordClock()
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=LONGEST_RATELIMIT_S,
            http_trace=(throttle or Throttle()).trace(self.clock.heed),
            **options,
        )
        sweep_seldom(self.http)
        self.identifies = Identifies()
        self.desk = desk
        self.keeping = keeping
        self.arrived = asyncio.Event()
        self.channels = ChannelBook(keeping.channels)
        self.mending = Mending(keeping, self.channels, channel=self.get_channel, now=desk.market.now)
        self.admins = Admins(self, desk.market, keeping, self.channels)
        self.absence = Absence(keeping, now=desk.market.now)
        self.reception = Reception(desk.market, desk.cards, keeping, discover())
        self.panel = Panel(
            market=desk.market,
            cards=desk.cards,
            settings=SettingsStore(keeping, self.channels, now=desk.market.now),
            zones=Zones(bank.words for bank in desk.market.playbook.banks.values()),
            preview=self.reception.preview,
            bank=self.reception.bank,
            apologize=self.reception.apologize,
        )
        self._adopted = application
        self.tree = Tree(self)
        self.management = Management(self.reception, self.panel, Allowed(self.tree))
        for command in (
            *(slash(self.reception, one) for one in self.reception.commands.values()),
            *self.management.commands(),
        ):
            self.tree.add_command(build(command, desk.market.playbook.banks["en"].words))
        words = desk.market.playbook.banks["en"].words
        self.tree.add_command(build_menu(words["menu.why"], "menu.why", self.reception.explain_post))
        self.registration = Registration(
            keeping, payload=self.payload, send=self.tree.sync, now=desk.market.now
        )
        self.add_dynamic_items(GoOn, PanelItem)

    async def setup_hook(self) -> None:
        """After the login, before the gateway: is the archive ours, and does Discord know the commands? Raises
        ConfigError, ArchiveError."""
        if self.application_id is not None:
            await check_application(self.keeping, self.application_id, self._adopted)
            await self.tree.set_translator(BankTranslator(self.desk.market.playbook.banks))
            await self.registration.begin(self.application_id)

    async def close(self) -> None:
        """End every connection."""
        await self.registration.end()
        await super().close()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait for the shard's turn. How often we may connect is asked once, after discord.py's own question for the
        address: asked before, and told that the next such question must wait for over half a minute, discord.py would
        not start. Where it is not told, one shard after another."""
        if initial:
            try:
                self.identifies.allow(await self.fetch_session_start_limits())
            except (discord.DiscordException, aiohttp.ClientError, TimeoutError) as error:
                log.info("discord.starts_unknown", error=type(error).__name__)
        await self.identifies.turn(shard_id)

    @property
    def cooldown(self) -> Cooldown:
        """How often each reader may ask."""
        return self.reception.cooldown

    @cooldown.setter
    def cooldown(self, cooldown: Cooldown) -> None:
        self.reception.cooldown = cooldown

    @property
    def connected(self) -> bool:
        """Whether every connection of this process stands."""
        return (
            self.is_ready()
            and bool(self.shards)
            and not any(shard.is_closed() for shard in self.shards.values())
        )

    async def payload(self) -> list[dict[str, Any]]:
        """The commands as Discord is told them."""
        translator = self.tree.translator
        commands = self.tree.get_commands()
        if translator is None:
            return [command.to_dict(self.tree) for command in commands]
        return [await command.get_translated_payload(self.tree, translator) for command in commands]

    async def go_on(
        self, interaction: "discord.Interaction[TightropeClient]", name: str, options: Mapping[str, str]
    ) -> None:
        """A button's command."""
        if name == MUTE:
            await self.management.mute_by_button(interaction, options)
        else:
            await self.reception.go_on(interaction, name, options)

    async def use_panel(self, interaction: "discord.Interaction[TightropeClient]", press: Press) -> None:
        """A component of the setup panel."""
        await self.panel.use(interaction, press)

    # ── life ────────────────────────────────────────────────────────────────────────────────────────────────

    async def on_ready(self) -> None:
        """Connected, and every server is here. It comes again after a new session."""
        self.arrived.set()

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The server has put us out: its data goes at once. (A server that is down is `unavailable`, and
        keeps it.)"""
        channels = await self.keeping.subscriptions.forget_guild(str(guild.id))
        self.channels.forget(lambda kept: kept.guild_id == str(guild.id))
        log.info("guild.forgotten", guild=guild.id, channels=channels)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel is gone, and what followed in it."""
        if await self.keeping.subscriptions.remove(f"discord:{channel.id}"):
            log.info("channel.gone", channel=channel.id)

    async def on_raw_thread_delete(self, payload: discord.RawThreadDeleteEvent) -> None:
        """A thread is gone, and what followed in it."""
        if await self.keeping.subscriptions.remove(f"discord:{payload.thread_id}"):
            log.info("channel.gone", channel=payload.thread_id)

    async def on_guild_channel_update(
        self, before: discord.abc.GuildChannel, after: discord.abc.GuildChannel
    ) -> None:
        """A channel's permissions may be others now."""
        await self.mending.look_at_guild(after.guild.id)

    async def on_guild_role_update(self, before: discord.Role, after: discord.Role) -> None:
        """A role's permissions may be others now."""
        await self.mending.look_at_guild(after.guild.id)

    async def on_guild_role_delete(self, role: discord.Role) -> None:
        """What the role denied us may be ours now."""
        await self.mending.look_at_guild(role.guild.id)

    async def on_guild_available(self, guild: discord.Guild) -> None:
        """A server is back, or has let us in again: what we may do there may have changed meanwhile. (At the start each of
        them comes so, and what is paused is looked at by the day.)"""
        if self.arrived.is_set():
            await self.mending.look_at_guild(guild.id)

    on_guild_join = on_guild_available

    async def on_thread_update(self, before: discord.Thread, after: discord.Thread) -> None:
        """A thread may be open again."""
        await self.mending.look_at_guild(after.guild.id)

    async def on_member_update(self, before: discord.Member, after: discord.Member) -> None:
        """We may have other roles now: Discord tells us of ourselves without any further intent."""
        if self.user is not None and after.id == self.user.id:
            await self.mending.look_at_guild(after.guild.id)

    async def reconcile(self) -> None:
        """Look who of the servers with settings is not ours any more; only when every server that we are in has
        answered. Raises ArchiveError."""
        if not self.guilds or any(guild.unavailable for guild in self.guilds):
            return
        here = {str(guild.id) for guild in self.guilds}
        count = self.shard_count or 1
        await self.absence.look(here, lambda guild: mine(guild, self.shard_ids or range(count), count))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """An event of ours that failed: logged, and the connection lives on."""
        log.error("discord.event_failed", discord_event=event_method, exc_info=sys.exception())

    async def message_ids(self, channel: str) -> Collection[str]:
        """The messages of a channel that are known to be posts of ours. Raises ArchiveError."""
        posts = await self.desk.market.archive.posts.find(channel=channel, limit=MOST_KNOWN)
        return {post.message_id for post in posts if post.message_id is not None}

    async def tell(self, channel: str, key: str, **values: str) -> bool:
        """Tell those who run a channel's server; whether anybody could be told. Raises nothing."""
        return await self.admins.tell(channel, key, **values)

"""The Discord client: one gateway connection, the `guilds` intent alone, no caches of messages or members."""

import asyncio
import hashlib
import json
import sys
import time
from asyncio import sleep as wait
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import discord
import structlog
from discord import app_commands
from discord.gateway import DiscordWebSocket

from bot.commands import Command, discover
from bot.delivery.discord.answering import Cooldown, apologize, respond
from bot.delivery.discord.buttons import GoOn
from bot.delivery.discord.cogs import settings
from bot.delivery.discord.keeping import Keeping
from bot.delivery.discord.shards import Identifies, mine
from bot.delivery.discord.shelf import Shelf
from bot.delivery.discord.slash import BankTranslator, slash
from bot.delivery.discord.throttle import Throttle

if TYPE_CHECKING:
    from bot.desk import Desk

log = structlog.get_logger()

SWEEP_S = 60.0
LONGEST_RATELIMIT_S = 30.0  # discord.py takes no less; a channel that must wait longer goes back to the outbox


def sweep_seldom(http: discord.http.HTTPClient) -> None:
    """discord.py looks through all its rate-limit buckets at every message to a channel that is new to it: with 10,000
    channels that is 6 ms a message. Once a minute is enough."""
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
        await apologize(self.client, interaction, error)


class TightropeClient(discord.AutoShardedClient):
    """Commands, buttons, and what happens to servers and channels. Posts go through `DiscordSurface`.

    As many connections as Discord recommends, or `shard_count` in all, of which `shard_ids` are this process's.
    """

    def __init__(self, *, desk: "Desk", keeping: Keeping, throttle: Throttle | None = None, **options: Any) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=LONGEST_RATELIMIT_S,
            http_trace=(throttle or Throttle()).trace(),
            **options,
        )
        sweep_seldom(self.http)
        self.identifies = Identifies()
        self.desk = desk
        self.keeping = keeping
        self.arrived = asyncio.Event()
        self.cooldown = Cooldown()
        self.shelf = Shelf()
        self.offered: Mapping[str, Command] = discover()
        self.tree = Tree(self)
        for command in self.offered.values():
            self.tree.add_command(slash(self, command))
        for made in settings.commands(self):
            self.tree.add_command(made)
        self.add_dynamic_items(GoOn)

    async def setup_hook(self) -> None:
        """After the login, before the gateway: tell Discord of the commands where they changed."""
        await self.tree.set_translator(BankTranslator(self.desk.playbook.banks))
        await self.sync_commands()

    async def launch_shards(self) -> None:
        """Connect each shard of ours, within what Discord allows in identifying. Raises GatewayNotFound."""
        if self.is_closed():
            return
        recommended, url, limit = await self.http.get_bot_gateway()
        self.identifies.concurrency = max(limit["max_concurrency"], 1)
        self.shard_count = self.shard_count or recommended
        self._connection.shard_count = self.shard_count
        self._connection.shard_ids = numbers = list(self.shard_ids or range(self.shard_count))
        if limit["remaining"] < len(numbers):
            log.warning("discord.starts_spent", remaining=limit["remaining"], wait_s=limit["reset_after"] / 1000)
            await wait(limit["reset_after"] / 1000)
        address = type(DiscordWebSocket.DEFAULT_GATEWAY)  # the kind of address that discord.py takes
        for number in numbers:
            await self.launch_shard(address(url), number, initial=number == numbers[0])

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Wait for the shard's turn."""
        await self.identifies.turn(shard_id)

    @property
    def connected(self) -> bool:
        """Whether every connection of this process stands."""
        return self.is_ready() and bool(self.shards) and not any(shard.is_closed() for shard in self.shards.values())

    async def sync_commands(self) -> bool:
        """Send the commands when they are not those that were sent last; whether they were sent. Raises ArchiveError."""
        payload = await self.payload()
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        name = f"discord.commands.{self.application_id}"
        if await self.keeping.note(name) == digest:
            return False
        await self.tree.sync()
        await self.keeping.keep_note(name, digest)
        log.info("commands.synced", count=len(payload))
        return True

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
        """A button's command. What it answers is private: a channel is not a reader's notebook."""
        try:
            await respond(self, interaction, self.offered.get(name), options, private=True)
        except Exception as error:  # noqa: BLE001  discord.py would log it and leave the reader without an answer
            await apologize(self, interaction, error)

    # ── life ─────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def on_ready(self) -> None:
        """Connected, and every server is here. It comes again after a new session."""
        self.arrived.set()

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """The server has put us out: its data goes at once. (A server that is down is `unavailable`, and keeps it.)"""
        channels = await self.keeping.forget_guild(str(guild.id))
        log.info("guild.forgotten", guild=guild.id, channels=channels)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """A channel is gone, and what followed in it."""
        if await self.keeping.unsubscribe(f"discord:{channel.id}"):
            log.info("channel.gone", channel=channel.id)

    async def reconcile(self) -> None:
        """Forget the servers that put us out while we were away; only when every server that we are in has answered."""
        if not self.guilds or any(guild.unavailable for guild in self.guilds):
            return
        here = {str(guild.id) for guild in self.guilds}
        stored = {one.guild_id for one in await self.keeping.subscriptions() if one.guild_id is not None}
        ours = {
            one for one in stored if mine(one, self.shard_ids or range(self.shard_count or 1), self.shard_count or 1)
        }
        for guild_id in sorted(ours - here):
            await self.keeping.forget_guild(guild_id)
            log.info("guild.forgotten", guild=guild_id)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """An event of ours that failed: logged, and the connection lives on."""
        log.error("discord.event_failed", discord_event=event_method, exc_info=sys.exception())

    async def tell(self, guild_id: str, key: str, **values: str) -> bool:
        """Tell a server's admins once, in its system channel or else its owner; whether it was possible. Raises nothing."""
        guild = self.get_guild(int(guild_id))
        if guild is None:
            return False
        text = self.desk.playbook.banks["en"].words[f"discord.{key}"].format(**values)
        for place in (guild.system_channel, discord.Object(guild.owner_id) if guild.owner_id else None):
            try:
                if isinstance(place, discord.TextChannel) and place.permissions_for(guild.me).send_messages:
                    await place.send(text)
                    return True
                if isinstance(place, discord.Object):
                    await (await self.create_dm(place)).send(text)
                    return True
            except (discord.DiscordException, OSError) as error:
                log.info("tell.failed", guild=guild_id, reason=str(error))
        return False

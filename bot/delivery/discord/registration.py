"""Telling Discord of the slash commands, where they changed; whose application the archive belongs to.

Nothing waits for it: with commands that Discord does not take, or not now, the bot runs with yesterday's.
Limits: 200 new commands a day for each server (30034); 100 commands."""

import asyncio
import contextlib
import hashlib
import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final

import aiohttp
import discord
import structlog

from bot.delivery.discord.stores import ChannelStore
from bot.domain.channels import COMMANDS_FAILURE
from bot.errors import ArchiveError, ConfigError, Problem

log = structlog.get_logger()

APPLICATION: Final = "discord.application"
PAUSES_S: Final = (60.0, 300.0, 900.0, 3600.0)
FIRST_WAIT_S: Final = 5.0  # a start waits so long for it, so that who types at once meets the new commands

Payload = Callable[[], Awaitable[list[dict[str, Any]]]]
Send = Callable[[], Awaitable[object]]


class Registration:
    """Registers the commands until Discord has them. `failure` says why it has not."""

    def __init__(
        self,
        keeping: ChannelStore,
        *,
        payload: Payload,
        send: Send,
        now: Callable[[], datetime],
        pauses_s: Sequence[float] = PAUSES_S,
    ) -> None:
        self.failure: str | None = None
        self._keeping = keeping
        self._payload = payload
        self._send = send
        self._now = now
        self._pauses_s = pauses_s
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def begin(self, application_id: int) -> None:
        """Register, and go on trying beside everything else where that fails. Raises nothing."""
        self._task = asyncio.create_task(self._until_done(application_id), name="discord commands")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), FIRST_WAIT_S)

    async def end(self) -> None:
        """Stop trying."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def register(self, application_id: int) -> bool:
        """Send the commands when they are not those that were sent last; whether they were sent. Raises
        ArchiveError, and what discord.py raises."""
        payload = await self._payload()
        digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
        name = f"discord.commands.{application_id}"
        if await self._keeping.notes.get(name) == digest:
            return False
        await self._send()
        await self._keeping.notes.set(name, digest)
        log.info("commands.synced", count=len(payload))
        return True

    async def _until_done(self, application_id: int) -> None:
        for number in range(1_000_000):
            try:
                await self.register(application_id)
            except (discord.DiscordException, ArchiveError) as error:
                await self._keep_failure(" ".join(str(error).split())[:500] or type(error).__name__)
            except (aiohttp.ClientError, OSError) as error:
                await self._keep_failure(f"Discord cannot be reached: {type(error).__name__}")
            except Exception as error:  # noqa: BLE001  an odd answer trips discord.py over whatever it lacks
                await self._keep_failure(f"Discord's answer is odd: {type(error).__name__}")
            else:
                await self._keep_failure(None)
                return
            finally:
                self._tried.set()
            await asyncio.sleep(self._pauses_s[min(number, len(self._pauses_s) - 1)])

    async def _keep_failure(self, failure: str | None) -> None:
        """For the doctor, who looks from another process."""
        if failure is not None:
            log.error("commands.refused", reason=failure)
        if failure is None and self.failure is None and not await self._was_refused():
            return
        self.failure = failure
        with contextlib.suppress(ArchiveError):
            await self._keeping.notes.set(
                COMMANDS_FAILURE, f"{self._now():%Y-%m-%d %H:%M} UTC: {failure}" if failure else ""
            )

    async def _was_refused(self) -> bool:
        with contextlib.suppress(ArchiveError):
            return bool(await self._keeping.notes.get(COMMANDS_FAILURE))
        return False


async def check_application(keeping: ChannelStore, application_id: int, adopted: str) -> None:
    """Keep whose application the archive belongs to. Raises ConfigError where it is another's, and holds its
    servers' settings: these channels are not ours to post to, and not ours to forget. `adopted` names the
    application that takes them over. Raises ArchiveError."""
    known = await keeping.notes.get(APPLICATION)
    ours = str(application_id)
    if known == ours:
        return
    servers = {one.guild_id for one in await keeping.subscriptions.find() if one.guild_id is not None}
    if known is not None and servers and adopted != ours:
        reason = (
            f"is of application {ours}, and the archive belongs to application {known}, with the settings of "
            f"{len(servers)} servers. Use that application's token, or another archive (DATABASE_URL), or hand "
            f'the settings over: application = "{ours}" under [discord] in config/bot.toml'
        )
        raise ConfigError([Problem(file="environment", id="DISCORD_TOKEN", reason=reason)])
    await keeping.notes.set(APPLICATION, ours)

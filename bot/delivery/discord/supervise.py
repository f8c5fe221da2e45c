"""Keeps the client running: starts it, starts it again with growing pauses, and stops where only a person can
help.

Limits: 1,000 IDENTIFY a day, beyond which Discord resets the token; close codes 4004 and 4010-4014 are final.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import discord
import structlog
from msgspec.structs import replace

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.routes import Routes
from bot.delivery.discord.sender import DiscordSurface
from bot.delivery.discord.stores import ChannelStore
from bot.desk.desk import Desk
from bot.domain.posts import Card, Post
from bot.errors import ArchiveError, ConfigError, Problem

log = structlog.get_logger()

FIRST_PAUSE_S: Final = 5.0
LONGEST_PAUSE_S: Final = 300.0  # at most 288 starts a day
CLOSE_S: Final = 10.0  # Discord's farewell is waited for so long
CANCEL_S: Final = 2.0
CANCELS: Final = 3
LOOK_S: Final = 60.0  # how often it is looked after what cannot be served
STEADY_S: Final = 3600.0  # a run this long starts the pauses anew
FATAL: Final = {
    4004: "Discord does not accept the token: make a new one in the developer portal",
    4010: "Discord refuses the shard",
    4011: "the bot is in more servers than one connection may serve",
    4012: "Discord no longer speaks this version of its gateway: update the bot",
    4013: "Discord refuses the intents",
    4014: "Discord does not allow the intents that are asked for",
}

MakeClient = Callable[[], TightropeClient]


async def run_discord(
    token: str,
    desk: Desk,
    keeping: ChannelStore,
    *,
    make: MakeClient | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Be on Discord until cancelled. Raises ConfigError where the token or the bot's settings in Discord must
    be mended."""
    pause_s = FIRST_PAUSE_S
    while True:
        client = make() if make else TightropeClient(desk=desk, keeping=keeping)
        started = now()
        reason = await _live(client, token, desk, keeping)
        if now() - started >= STEADY_S:
            pause_s = FIRST_PAUSE_S
        log.warning("discord.again", reason=reason, after_s=pause_s)
        await sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


async def _live(client: TightropeClient, token: str, desk: Desk, keeping: ChannelStore) -> str:
    """One client's life: why it ended, if starting again may help.

    The client is a task of its own, since discord.py keeps a cancellation that meets it while it resumes."""
    living = asyncio.create_task(client.start(token), name="discord lives")
    arriving = asyncio.create_task(_arrive(client, desk, keeping), name="discord arrives")
    try:
        await asyncio.wait({living})
        living.result()
    except (discord.LoginFailure, discord.PrivilegedIntentsRequired) as error:
        raise _mend(str(error)) from error
    except discord.ConnectionClosed as error:
        if error.code in FATAL:
            raise _mend(FATAL[error.code]) from error
        return f"closed with {error.code}"
    except ConfigError:
        raise
    except Exception as error:  # noqa: BLE001  a malformed event ends Client.start with whatever it tripped over
        return repr(error)
    finally:
        await _end(arriving)
        await _close(client)
        await _end(living)
    return "the connection was closed"


async def _arrive(client: TightropeClient, desk: Desk, keeping: ChannelStore) -> None:
    """Once every server is there: take posts; and from then on look after what cannot be served now."""
    await client.arrived.wait()
    surface = DiscordSurface(client, late=lambda post: _as_late(post, desk, keeping), now=desk.market.now)
    desk.sender.add_surface("discord", Routes(surface, client))
    log.info("discord.ready", servers=len(client.guilds))
    while True:
        try:
            await client.reconcile()
            await client.mending.look()
        except ArchiveError as error:
            log.warning("discord.look", reason=str(error))
        await asyncio.sleep(LOOK_S)


async def _as_late(post: Post, desk: Desk, keeping: ChannelStore) -> Card:
    await keeping.outbox.mark_late(post.id, channel=post.channel)
    return await desk.cards.with_picture(replace(post, late=True))


async def _close(client: TightropeClient) -> None:
    try:
        async with asyncio.timeout(CLOSE_S):
            await client.close()
    except Exception as error:  # noqa: BLE001  what ended it must not hide behind what happens at the end
        log.warning("discord.close", reason=repr(error))


async def _end(task: asyncio.Task[None]) -> None:
    """Cancel it until it has ended; what it raised is told elsewhere."""
    for _ in range(CANCELS):
        task.cancel()
        await asyncio.wait({task}, timeout=CANCEL_S)
        if task.done():
            break
    if task.done() and not task.cancelled():
        task.exception()


def _mend(reason: str) -> ConfigError:
    return ConfigError([Problem(file="environment", id="DISCORD_TOKEN", reason=reason)])

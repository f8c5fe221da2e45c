"""This process's part of the connection to Discord: the shards that it owns, and its share of what Discord
allows the bot in all.

A shard is owned by a lock that ends with its process: a second process for the same shards waits, and takes
over. The 50 requests a second and the refusals that Discord bears with are shared out as the shards are;
turns to identify are taken across processes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import structlog

from bot.errors import ArchiveError
from bot.process import app

if TYPE_CHECKING:
    from bot.archive.locks import SessionLocks
    from bot.process.settings import Discord

log = structlog.get_logger()

LOOK_S = 5.0  # how often a process makes sure of its shards, or tries to get them


async def on_discord(
    parts: app.Parts, token: str, ours: "Discord", alive: Callable[[Callable[[], bool] | None], None]
) -> None:
    """Be on Discord with these shards whenever they are ours, until cancelled. `alive` is told how to ask
    whether the connection stands, or None while the shards are another's. Raises ConfigError."""
    from bot.delivery.discord import run_discord  # discord.py takes 0.4 s to import: only where it is used
    from bot.delivery.discord.client import TightropeClient
    from bot.delivery.discord.refusals import Refusals
    from bot.delivery.discord.throttle import RATE, Throttle

    rate = max(1, int(RATE * ours.share))
    refusals = Refusals(ours.share)  # outlives the clients: Discord's count does

    def make() -> TightropeClient:
        client = TightropeClient(
            desk=parts.desk,
            keeping=parts.archive,
            throttle=Throttle(rate, refusals=refusals),
            shard_count=ours.shard_count or None,
            shard_ids=list(ours.shard_ids) or None,
            application=ours.application,
        )
        client.identifies.across = parts.archive.turns
        alive(lambda: client.connected)
        return client

    owned = parts.archive.shards(ours.shard_ids)
    try:
        while True:
            alive(None)
            await _until(owned, held=True)
            alive(lambda: False)
            log.info("shards.owned", shards=list(ours.shard_ids), of=ours.shard_count)
            await _while_held(owned, run_discord(token, parts.desk, parts.archive, make=make))
            parts.desk.sender.remove_surface("discord")
            log.warning("shards.lost", shards=list(ours.shard_ids))
    finally:
        with contextlib.suppress(ArchiveError):
            await owned.release()


async def _while_held(owned: "SessionLocks", running: Awaitable[None]) -> None:
    """Run until it ends by itself or the shards are no longer ours."""
    tasks = [asyncio.ensure_future(running), asyncio.create_task(_until(owned, held=False))]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _until(owned: "SessionLocks", *, held: bool) -> None:
    """Return once the shards are ours, or (`held` is False) once they are no longer."""
    while True:
        try:
            # Taken anew where the connection to the database was lost and nobody else was quicker.
            if await owned.acquire() is held:
                return
        except ArchiveError as error:
            log.warning("shards.unknown", reason=str(error))
        await asyncio.sleep(LOOK_S)

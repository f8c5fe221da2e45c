"""A bot in a process of its own, which ends itself with SIGKILL at a named point. Run by `test_killed.py`.

Arguments: the fake's port, the database, the time it believes it is, the point ("never" for none).
"""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime
from types import ModuleType
from typing import Any

from discord.http import HTTPClient

from bot.archive import SqlArchive, open_archive
from bot.archive.outbox import SqlOutbox
from bot.delivery.discord import sender
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.sender import DiscordSurface
from bot.delivery.discord.supervise import run_discord
from bot.desk.desk import Desk
from tests.delivery.discord.at_the_fake import turn
from tests.delivery.discord.stand import Clock, make_desk

POINTS = (
    "logging in",
    "ready",
    "before the post leaves",
    "after Discord has answered",
    "before it is marked",
    "after it is marked",
)
LONGEST_S = 20.0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def dying(owner: type | ModuleType, name: str, *, after: bool) -> None:
    """The method or function ends the process when it is called, or when it has done its work."""
    works: Callable[..., Awaitable[Any]] = getattr(owner, name)

    async def works_and_dies(*given: Any, **named: Any) -> Any:
        if not after:
            die()
        done = await works(*given, **named)
        die()
        return done

    setattr(owner, name, works_and_dies)


def arm(point: str) -> None:
    match point:
        case "logging in":
            dying(HTTPClient, "static_login", after=True)
        case "ready":
            dying(TightropeClient, "reconcile", after=True)
        case "before the post leaves":
            dying(sender, "post_message", after=False)
        case "after Discord has answered":
            dying(sender, "post_message", after=True)
        case "before it is marked":
            dying(DiscordSurface, "show", after=True)
        case "after it is marked":
            dying(SqlOutbox, "mark_sent", after=True)


async def live(archive: SqlArchive, desk: Desk, is_left: Callable[[], Awaitable[bool]]) -> None:
    """Deliver on the fake until nothing is left, then close."""
    running = asyncio.create_task(
        run_discord(
            "token",
            desk,
            archive,
            make=lambda: TightropeClient(desk=desk, keeping=archive, guild_ready_timeout=0.1),
        )
    )
    async with asyncio.timeout(LONGEST_S):
        while await is_left():
            await desk.sender.deliver()
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait({running})
    await archive.aclose()


async def main(port: str, database: str, at: str, point: str) -> None:
    turn(port)
    arm(point)
    archive = await open_archive(database)

    async def is_left() -> bool:
        return bool(await archive.outbox.find_unsent("discord"))

    await live(archive, make_desk(archive, Clock(datetime.fromisoformat(at))), is_left)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""A bot in a process of its own that edits what was corrected, and ends itself with SIGKILL at a named point.

Run by `test_edits.py`. Arguments: the fake's port, the database, the time it believes it is, the point ("never" for none).
"""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import HTTPClient, Route

from bot.archive import SqlArchive, open_archive
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.sender import DiscordSurface
from bot.delivery.discord.supervise import run_discord
from bot.notices import Notices
from tests.delivery.discord.child import LONGEST_S, dying
from tests.delivery.discord.stand import Clock, make_desk

POINTS = ("before the edit leaves", "after Discord has answered", "before it is marked", "after it is marked")


def arm(point: str) -> None:
    match point:
        case "before the edit leaves":
            dying(HTTPClient, "edit_message", after=False)
        case "after Discord has answered":
            dying(HTTPClient, "edit_message", after=True)
        case "before it is marked":
            dying(DiscordSurface, "edit", after=True)
        case "after it is marked":
            dying(SqlArchive, "mark_edited", after=True)


async def never_due(asset: str, at: datetime) -> Mapping[str, datetime]:
    return {}


async def main(port: int, database: str, at: str, point: str) -> None:
    Route.BASE = f"http://127.0.0.1:{port}/api/v10"
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"ws://127.0.0.1:{port}/gateway/")
    arm(point)
    archive = await open_archive(database)
    zero = timedelta()
    notices = Notices.of(archive, due=never_due, hold=zero, late_after=zero, within=zero, history=zero)
    desk = make_desk(archive, Clock(datetime.fromisoformat(at)), notices=notices)
    running = asyncio.create_task(
        run_discord(
            "token", desk, archive, make=lambda: TightropeClient(desk=desk, keeping=archive, guild_ready_timeout=0.1)
        )
    )
    async with asyncio.timeout(LONGEST_S):
        while await archive.unsent("discord") or await archive.unedited("discord"):
            await desk.deliver()
            await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait({running})
    await archive.aclose()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]))

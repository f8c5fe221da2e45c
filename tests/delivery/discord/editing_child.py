"""A bot in a process of its own that edits what was corrected, and ends itself with SIGKILL at a named point.

Run by `test_edits.py`. Arguments: the fake's port, the database, the time it believes it is, the point
("never" for none)."""

import asyncio
import sys
from collections.abc import Mapping
from datetime import datetime, timedelta

from discord.http import HTTPClient

from bot.archive import open_archive
from bot.archive.corrections import SqlCorrections
from bot.delivery.discord.sender import DiscordSurface
from bot.notices.notices import Notices
from tests.delivery.discord.at_the_fake import turn
from tests.delivery.discord.child import dying, live
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
            dying(SqlCorrections, "mark_edited", after=True)


async def never_due(asset: str, at: datetime) -> Mapping[str, datetime]:
    return {}


async def main(port: str, database: str, at: str, point: str) -> None:
    turn(port)
    arm(point)
    archive = await open_archive(database)
    zero = timedelta()
    notices = Notices.of(
        archive, due=never_due, hold=zero, late_after=zero, corrected_within=zero, history=zero
    )

    async def is_left() -> bool:
        return bool(
            await archive.outbox.find_unsent("discord") or await archive.corrections.find_unedited("discord")
        )

    await live(archive, make_desk(archive, Clock(datetime.fromisoformat(at)), notices=notices), is_left)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

"""Daily notes that readers asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import decode, encode
from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.schema import digests
from bot.archive.subscriptions import LOOK_BACK, Slots
from bot.domain.posts import DailyNote, Post

AHEAD = timedelta(days=1)
"""What lies further ahead was written by a clock that was wrong by so much, and has been put right."""


class SqlDigests:
    """The table of daily notes, one a reader."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @run_to_the_end
    async def find(self, *, reader: str | None = None) -> Sequence[DailyNote]:
        """Daily notes, by reader."""
        wanted = select(digests) if reader is None else select(digests).where(digests.c.reader == reader)
        async with self._database.read("daily notes") as connection:
            return tuple(_note(row) for row in await connection.execute(wanted.order_by(digests.c.reader)))

    @run_to_the_end
    async def put(self, note: DailyNote) -> None:
        """Keep a reader's note in place of the one before."""
        row = {
            "reader": note.reader,
            "channel": note.channel,
            "wish": encode(replace(note, last_slot_at=None, blocked_at=None)),
            "created_at": note.created_at,
            "last_slot_at": note.last_slot_at,
            "blocked_at": note.blocked_at,
        }
        async with self._database.write(f"daily note of {note.reader}") as connection:
            statement = upsert(connection, digests).values(row)
            changed = {name: statement.excluded[name] for name in row if name != "reader"}
            await connection.execute(statement.on_conflict_do_update(index_elements=["reader"], set_=changed))

    @run_to_the_end
    async def remove(self, reader: str) -> int:
        """End a reader's note: how many there were."""
        async with self._database.write(f"daily note of {reader}") as connection:
            return (await connection.execute(delete(digests).where(digests.c.reader == reader))).rowcount

    async def due(self, at: datetime, slots: Slots) -> Sequence[tuple[DailyNote, datetime]]:
        """The notes whose hour has come, and the hour; of several that were missed the last one. Those of readers who
        take no direct messages are none."""
        found: list[tuple[DailyNote, datetime]] = []
        for note in await self.find():
            if note.blocked_at is not None:
                continue
            passed = slots([note.post_at], note.zone, at - LOOK_BACK, at)
            served = [time for time in (note.created_at, note.last_slot_at) if time and time - at <= AHEAD]
            if passed and passed[-1] > max(served, default=at - LOOK_BACK):
                found.append((note, passed[-1]))
        return found

    async def serve(self, connection: AsyncConnection, posts: Sequence[Post]) -> None:
        """The hours of these posts are served."""
        rows = [
            {"for_channel": post.channel, "slot": post.intended_at}
            for post in posts
            if post.reason == "digest"
        ]
        if rows:
            change = update(digests).where(digests.c.channel == bindparam("for_channel"))
            await connection.execute(change.values(last_slot_at=bindparam("slot")), rows)


def _note(row: Row[Any]) -> DailyNote:
    note = decode(row.wish, DailyNote, f"daily note of {row.reader}")
    return replace(note, last_slot_at=row.last_slot_at, blocked_at=row.blocked_at)

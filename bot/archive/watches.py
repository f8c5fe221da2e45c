"""Personal watches: what single readers want to be told by direct message."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.outbox import SqlOutbox
from bot.archive.schema import digests, watches
from bot.domain.posts import Watch
from bot.errors import InputError
from bot.reasons import reason

SAME = ("reader", "asset", "fact", "side", "line")


class SqlWatches:
    """The table of watches."""

    def __init__(self, database: Database, outbox: SqlOutbox) -> None:
        self._database = database
        self._outbox = outbox

    @run_to_the_end
    async def find(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        """Personal watches, in the order in which they were set."""
        async with self._database.read("watches") as connection:
            return await _find(connection, asset=asset, reader=reader)

    @run_to_the_end
    async def add(self, wish: Watch, *, most: int) -> None:
        """Set a watch; one on the same line begins anew. Raises InputError where the reader has `most`
        others."""
        row = {
            "reader": wish.reader,
            "channel": wish.channel,
            "asset": wish.asset,
            "fact": wish.fact,
            "side": wish.side,
            "line": wish.line,
            "clears": wish.clears,
            "locale": wish.locale,
            "armed": wish.armed,
            "created_at": wish.created_at,
            "told_at": None,
            "blocked_at": wish.blocked_at,
        }
        async with self._database.write(f"watch of {wish.reader}") as connection:
            if not self._database.is_sqlite:  # two wishes at once would both find room for one
                await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(wish.reader))))
            mine = await _find(connection, reader=wish.reader)
            others = [one for one in mine if any(getattr(one, name) != row[name] for name in SAME)]
            if len(others) >= most:
                raise InputError(reason("watches_full", most=most))
            statement = upsert(connection, watches).values(row)
            changed = {name: statement.excluded[name] for name in row if name not in SAME}
            await connection.execute(statement.on_conflict_do_update(index_elements=list(SAME), set_=changed))

    @run_to_the_end
    async def remove(self, reader: str, number: int | None = None) -> int:
        """Remove one watch of a reader by its id, or all: how many there were."""
        gone = delete(watches).where(watches.c.reader == reader)
        if number is not None:
            gone = gone.where(watches.c.id == number)
        async with self._database.write(f"watch of {reader}") as connection:
            return (await connection.execute(gone)).rowcount

    @run_to_the_end
    async def block(self, channel: str, at: datetime | None) -> int:
        """Direct messages are refused since a time, and what is unsent is given up; None: they go through
        again; a daily note waits with them. How many watches are told there."""
        change = update(watches).where(watches.c.channel == channel).values(blocked_at=at)
        async with self._database.write(f"watches told in {channel}") as connection:
            if at is not None:
                await self._outbox.drop(connection, channel)
            note = update(digests).where(digests.c.channel == channel)
            await connection.execute(note.values(blocked_at=at))
            return (await connection.execute(change)).rowcount

    async def keep(self, connection: AsyncConnection, changed: Sequence[Watch]) -> None:
        """Keep how watches stand now; one that its reader has removed meanwhile stays removed."""
        for one in changed:
            change = update(watches).where(watches.c.id == one.id)
            await connection.execute(change.values(armed=one.armed, told_at=one.told_at))


async def _find(
    connection: AsyncConnection, *, asset: str | None = None, reader: str | None = None
) -> tuple[Watch, ...]:
    wanted = select(watches)
    if asset is not None:
        wanted = wanted.where(watches.c.asset == asset)
    if reader is not None:
        wanted = wanted.where(watches.c.reader == reader)
    return tuple(_watch(row) for row in await connection.execute(wanted.order_by(watches.c.id)))


def _watch(row: Row[Any]) -> Watch:
    return Watch(
        id=row.id,
        reader=row.reader,
        channel=row.channel,
        asset=row.asset,
        fact=row.fact,
        side=row.side,
        line=row.line,
        clears=row.clears,
        locale=row.locale,
        armed=bool(row.armed),
        created_at=row.created_at,
        told_at=row.told_at,
        blocked_at=row.blocked_at,
    )

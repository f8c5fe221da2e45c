"""Personal watches: what single readers want to be told by direct message."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.engine import upsert
from bot.archive.outbox import drop
from bot.archive.schema import watches
from bot.domain.posts import Watch
from bot.errors import InputError

SAME = ("reader", "asset", "fact", "side", "line")


async def listed(
    connection: AsyncConnection, *, asset: str | None = None, reader: str | None = None
) -> tuple[Watch, ...]:
    """Watches, in the order in which they were set."""
    wanted = select(watches)
    if asset is not None:
        wanted = wanted.where(watches.c.asset == asset)
    if reader is not None:
        wanted = wanted.where(watches.c.reader == reader)
    return tuple(_watch(row) for row in await connection.execute(wanted.order_by(watches.c.id)))


async def add(connection: AsyncConnection, wish: Watch, most: int) -> None:
    """Set a watch; one on the same line begins anew. Raises InputError where the reader has `most` others."""
    if not connection.dialect.name.startswith("sqlite"):  # two wishes at once would both find room for one
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtext(wish.reader))))
    mine = await listed(connection, reader=wish.reader)
    others = [one for one in mine if any(getattr(one, name) != getattr(wish, name) for name in SAME)]
    if len(others) >= most:
        raise InputError(f"you have {most} watches, and that is as many as there may be: /watches removes one")
    row = {
        "reader": wish.reader, "channel": wish.channel, "asset": wish.asset, "fact": wish.fact, "side": wish.side,
        "line": wish.line, "clears": wish.clears, "locale": wish.locale, "armed": wish.armed,
        "created_at": wish.created_at, "told_at": None, "blocked_at": wish.blocked_at,
    }  # fmt: skip
    statement = upsert(connection, watches).values(row)
    changed = {name: statement.excluded[name] for name in row if name not in SAME}
    await connection.execute(statement.on_conflict_do_update(index_elements=list(SAME), set_=changed))


async def remove(connection: AsyncConnection, reader: str, number: int | None = None) -> int:
    """Remove one watch of a reader by its id, or all: how many there were."""
    gone = delete(watches).where(watches.c.reader == reader)
    if number is not None:
        gone = gone.where(watches.c.id == number)
    return (await connection.execute(gone)).rowcount


async def keep(connection: AsyncConnection, changed: Sequence[Watch]) -> None:
    """Keep how watches stand now; one that its reader has removed meanwhile stays removed."""
    for one in changed:
        change = update(watches).where(watches.c.id == one.id)
        await connection.execute(change.values(armed=one.armed, told_at=one.told_at))


async def block(connection: AsyncConnection, channel: str, at: datetime | None) -> int:
    """Direct messages are refused since a time, and what is unsent is given up; None: they go through again."""
    if at is not None:
        await drop(connection, channel)
    change = update(watches).where(watches.c.channel == channel).values(blocked_at=at)
    return (await connection.execute(change)).rowcount


def _watch(row: Row[Any]) -> Watch:
    return Watch(
        id=row.id, reader=row.reader, channel=row.channel, asset=row.asset, fact=row.fact, side=row.side, line=row.line,
        clears=row.clears, locale=row.locale, armed=bool(row.armed), created_at=row.created_at, told_at=row.told_at,
        blocked_at=row.blocked_at,
    )  # fmt: skip

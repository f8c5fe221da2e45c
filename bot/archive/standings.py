"""How each source does for each asset, over restarts: what outages and returns are told by."""

from collections.abc import Sequence
from dataclasses import fields

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.engine import upsert
from bot.archive.schema import hearings
from bot.domain.readings import Standing

NAMES = tuple(field.name for field in fields(Standing))
KEY = ("asset", "source")


async def listed(connection: AsyncConnection, asset: str) -> tuple[Standing, ...]:
    """How the sources of an asset did so far, by name."""
    wanted = select(hearings).where(hearings.c.asset == asset).order_by(hearings.c.source)
    return tuple(Standing(**row) for row in (await connection.execute(wanted)).mappings())


async def keep(connection: AsyncConnection, standings: Sequence[Standing]) -> None:
    """Keep how some sources do now."""
    statement = upsert(connection, hearings)
    changed = {name: statement.excluded[name] for name in NAMES if name not in KEY}
    rows = [{name: getattr(one, name) for name in NAMES} for one in standings]
    await connection.execute(statement.on_conflict_do_update(index_elements=KEY, set_=changed), rows)

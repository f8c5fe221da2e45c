"""How each source does for each asset, over restarts: what outages and returns are told by."""

from collections.abc import Sequence

from sqlalchemy import select

from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.leader import Leadership
from bot.archive.schema import hearings
from bot.domain.readings import SourceHealth

NAMES = SourceHealth.__struct_fields__
KEY = ("asset", "source")


class SqlSourceHealth:
    """The table of how sources do."""

    def __init__(self, database: Database, leadership: Leadership) -> None:
        self._database = database
        self._leadership = leadership

    @run_to_the_end
    async def find(self, asset: str) -> Sequence[SourceHealth]:
        """How each source of an asset did so far, by name."""
        wanted = select(hearings).where(hearings.c.asset == asset).order_by(hearings.c.source)
        async with self._database.read(f"sources of {asset}") as connection:
            return tuple(SourceHealth(**row) for row in (await connection.execute(wanted)).mappings())

    @run_to_the_end
    async def keep(self, healths: Sequence[SourceHealth]) -> None:
        """Keep how some sources do now."""
        rows = [{name: getattr(one, name) for name in NAMES} for one in healths]
        async with self._database.write("sources") as connection:
            await self._leadership.fence(connection)
            statement = upsert(connection, hearings)
            changed = {name: statement.excluded[name] for name in NAMES if name not in KEY}
            await connection.execute(statement.on_conflict_do_update(index_elements=KEY, set_=changed), rows)

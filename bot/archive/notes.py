"""Small things to remember by name, such as the hash of the commands that were last registered."""

from sqlalchemy import select

from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.schema import notes


class SqlNotes:
    """The table of notes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @run_to_the_end
    async def get(self, name: str) -> str | None:
        """What was kept under a name; None where nothing was."""
        wanted = select(notes.c.value).where(notes.c.name == name)
        async with self._database.read(f"note {name}") as connection:
            found: str | None = (await connection.execute(wanted)).scalar()
            return found

    @run_to_the_end
    async def set(self, name: str, value: str) -> None:
        """Keep it under a name."""
        async with self._database.write(f"note {name}") as connection:
            row = upsert(connection, notes).values(name=name, value=value)
            changed = {"value": row.excluded.value}
            await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=changed))

"""Everything from one database to another: from the file to PostgreSQL, or back."""

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.archive import open_archive
from bot.archive.schema import metadata, series, states, subscriptions
from bot.errors import ArchiveError

BATCH = 2_000


async def move(source: str, target: str) -> dict[str, int]:
    """Copy every row to an empty database, in one transaction: how many rows of each table. The source stays
    as it is.

    Raises ArchiveError where the target holds something already, or the bot is running on the source.
    """
    old, new = await open_archive(source), await open_archive(target)
    try:
        if not await old.leadership.acquire():
            raise ArchiveError("move: the bot is running on the old database; stop it first")
        counts: dict[str, int] = {}
        async with (
            old.database.read("old database") as reading,
            new.database.write("new database") as writing,
        ):
            for table in (series, states, subscriptions):
                if (await writing.execute(select(func.count()).select_from(table))).scalar():
                    raise ArchiveError(
                        f"move: the new database is not empty ({table.name}); give an empty one"
                    )
            for table in metadata.sorted_tables:
                if table.name in ("editions", "leadership"):
                    continue
                counts[table.name] = 0
                rows = await reading.stream(select(table))
                async for batch in rows.mappings().partitions(BATCH):
                    await writing.execute(table.insert(), [dict(row) for row in batch])
                    counts[table.name] += len(batch)
            await _number_on(writing)
        await new.database.checkpoint()
        return counts
    finally:
        await old.aclose()
        await new.aclose()


async def _number_on(connection: AsyncConnection) -> None:
    """Let PostgreSQL's counters go on behind the highest number; SQLite counts by looking."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            counter = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
            highest = f"SELECT coalesce(max({column.name}), 0) + 1 FROM {table.name}"  # noqa: S608  (names of our own schema)
            await connection.execute(text(f"SELECT setval({counter}, ({highest}), false)"))

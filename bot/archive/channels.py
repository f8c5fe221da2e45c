"""What is kept about each channel beside its subscriptions; it goes with its server."""

from collections.abc import Sequence

from sqlalchemy import select

from bot.archive.codec import decode, encode
from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.schema import channels
from bot.domain.channels import KeptChannel


class SqlChannels:
    """The table of channels, as the surface sees it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @run_to_the_end
    async def find(self) -> Sequence[KeptChannel]:
        """Every channel about which something is kept, by name."""
        wanted = select(channels).where(channels.c.place.is_not(None)).order_by(channels.c.channel)
        async with self._database.read("channels") as connection:
            rows = (await connection.execute(wanted)).all()
        return tuple(decode(row.place, KeptChannel, f"place {row.channel}") for row in rows)

    @run_to_the_end
    async def put(self, place: KeptChannel) -> None:
        """Keep it."""
        async with self._database.write(f"place {place.channel}") as connection:
            row = upsert(connection, channels).values(
                channel=place.channel, guild_id=place.guild_id, place=encode(place)
            )
            changed = {"place": row.excluded.place}
            await connection.execute(row.on_conflict_do_update(index_elements=["channel"], set_=changed))

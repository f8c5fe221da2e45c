"""The playbooks that ever judged, kept by their hash: the files as they were."""

import zlib
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select

from bot.archive.codec import decode, encode
from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.schema import playbooks
from bot.domain.playbook import Playbook
from bot.errors import ArchiveError


class SqlPlaybooks:
    """The table of playbooks."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @run_to_the_end
    async def keep(self, playbook: Playbook, at: datetime) -> None:
        """Keep the files of an edition, so that what it said can be said again; one that is kept already
        stays as it is."""
        known = select(playbooks.c.hash).where(playbooks.c.hash == playbook.hash)
        async with self._database.read(f"playbook {playbook.hash}") as connection:
            if (await connection.execute(known)).first() is not None:
                return
        files = zlib.compress(encode(dict(playbook.texts)).encode(), 9)
        row = {"hash": playbook.hash, "rules_hash": playbook.rules.hash, "kept_at": at, "files": files}
        async with self._database.write(f"playbook {playbook.hash}") as connection:
            await connection.execute(upsert(connection, playbooks).values(row).on_conflict_do_nothing())

    @run_to_the_end
    async def files(self, name: str) -> Mapping[str, str]:
        """The files of the edition of this hash, path → text; none where it was not kept. Raises ArchiveError
        for a damaged row."""
        wanted = select(playbooks.c.files).where(playbooks.c.hash == name)
        async with self._database.read(f"playbook {name}") as connection:
            packed = (await connection.execute(wanted)).scalar()
        if packed is None:
            return {}
        try:
            text = zlib.decompress(packed).decode()
        except (zlib.error, UnicodeDecodeError) as error:
            raise ArchiveError(f"playbook {name}: its files cannot be unpacked: {error}") from error
        return decode(text, dict[str, str], f"playbook {name}")

"""The playbooks that ever judged, kept by their hash: the files as they were."""

import zlib
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import decode, encode
from bot.archive.engine import upsert
from bot.archive.schema import playbooks
from bot.domain.playbook import Playbook
from bot.errors import ArchiveError


async def keep(connection: AsyncConnection, playbook: Playbook, at: datetime) -> None:
    """Keep the files of a playbook; one that is kept already stays as it is."""
    files = zlib.compress(encode(dict(playbook.texts)).encode(), 9)
    row = {"hash": playbook.hash, "rules_hash": playbook.rules.hash, "kept_at": at, "files": files}
    await connection.execute(upsert(connection, playbooks).values(row).on_conflict_do_nothing())


async def is_kept(connection: AsyncConnection, name: str) -> bool:
    """Whether the playbook of this hash is kept."""
    found = select(playbooks.c.hash).where(playbooks.c.hash == name)
    return (await connection.execute(found)).first() is not None


async def files(connection: AsyncConnection, name: str) -> Mapping[str, str]:
    """The files of a playbook, path → text; none where it was not kept. Raises ArchiveError for a damaged row."""
    packed = (await connection.execute(select(playbooks.c.files).where(playbooks.c.hash == name))).scalar()
    if packed is None:
        return {}
    try:
        text = zlib.decompress(packed).decode()
    except (zlib.error, UnicodeDecodeError) as error:
        raise ArchiveError(f"playbook {name}: its files cannot be unpacked: {error}") from error
    return decode(text, dict[str, str], f"playbook {name}")

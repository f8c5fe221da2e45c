"""Bringing a database to the schema of this version: forward only, in one transaction, and never touching a
newer one."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, inspect, select, text

from bot import __version__
from bot.archive.engine import Database, upsert
from bot.archive.schema import editions, metadata
from bot.archive.shape import Shape, differences, shape_of
from bot.errors import ArchiveError

KNOWN = ("0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008")
HEAD = KNOWN[-1]
# Two processes that start together must not both migrate; any number will do, as long as it is always the
# same.
LOCK = 7_463_001
MOST_NAMED = 3


async def revision(database: Database) -> str | None:
    """The database's revision, None where it is empty. Raises ArchiveError."""
    async with database.read("database") as connection:
        return await connection.run_sync(_revision)


async def migrate(database: Database) -> bool:
    """Bring the database to HEAD: an empty one at once, one of an older version step by step. Whether there was
    anything to do. Raises ArchiveError where it is newer than this version, naming the one to install."""
    if await revision(database) == HEAD:
        return False
    async with database.write("database migration") as connection:
        if not database.is_sqlite:
            await connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
        is_empty = not await connection.run_sync(lambda sync: inspect(sync).get_table_names())
        await connection.run_sync(_create if is_empty else _upgrade)
        row = upsert(connection, editions).values(revision=HEAD, version=__version__)
        await connection.execute(row.on_conflict_do_nothing())
    return True


def check_revision(connection: sqlite3.Connection, subject: str) -> None:
    """Whether a file is a database of ours that this version can read. Raises ArchiveError that starts with
    the subject."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not {"alembic_version", "editions"} <= tables:
        raise ArchiveError(f"{subject}: not a database of Tightrope")
    found = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if found is not None and found[0] not in KNOWN:
        version = connection.execute("SELECT version FROM editions WHERE revision = ?", found).fetchone()
        raise ArchiveError(f"{subject}: {_newer(found[0], version[0] if version else None)}")


def check_schema(connection: sqlite3.Connection, subject: str) -> None:
    """Whether a file of ours (`check_revision`) holds the tables of its revision as they were made, and nothing
    that acts on its own: a trigger or a view of somebody's would run with every write. Raises ArchiveError that
    starts with the subject and names what differs."""
    (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or (None,)
    if found is None:
        raise ArchiveError(f"{subject}: it does not say of which revision it is; take another backup")
    wrong = list(differences(shape_of(connection), _shape_at(found)))
    if wrong:
        more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
        raise ArchiveError(
            f"{subject}: not as Tightrope made it: {'; '.join(wrong[:MOST_NAMED])}{more}; take another backup"
        )


def _shape_at(wanted: str) -> Shape:
    """The tables of a revision, made in memory."""
    engine = create_engine("sqlite://")
    try:
        with engine.begin() as connection:
            if wanted == HEAD:
                _create(connection)
            else:
                _upgrade(connection, wanted)
            raw: Any = connection.connection.dbapi_connection
            return shape_of(raw)
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    if "alembic_version" not in inspect(connection).get_table_names():
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _create(connection: Connection) -> None:
    """All tables as they are now, and the mark that no migration is missing: what the migrations would come
    to."""
    metadata.create_all(connection, checkfirst=False)  # nothing is there
    named = "version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)"
    connection.execute(text(f"CREATE TABLE alembic_version ({named})"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": HEAD})


def _upgrade(connection: Connection, target: str = HEAD) -> None:
    # alembic takes a fifth of a second to import: only where there is something to migrate.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    found = _revision(connection)
    if found is not None and found not in KNOWN:
        version = connection.execute(select(editions.c.version).where(editions.c.revision == found)).scalar()
        raise ArchiveError(_newer(found, version))
    try:
        command.upgrade(config, target)
    except CommandError as error:
        raise ArchiveError(
            f"database migration from {found} to {target} failed ({type(error).__name__}): restore a backup"
        ) from error


def _newer(found: str, version: str | None) -> str:
    wanted = f"install Tightrope {version} or later" if version else "install a newer Tightrope"
    return f"the database is of revision {found}, newer than version {__version__} reads: {wanted}, or restore a backup"

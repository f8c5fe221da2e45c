"""From any earlier schema to today's, and never on a newer one."""

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, inspect, text

import bot.archive.archive
import bot.archive.migrate
from bot.archive import SqlArchive, open_archive
from bot.archive.engine import Database
from bot.archive.migrate import HEAD, KNOWN, migrate, revision
from bot.archive.schema import UtcMoment, metadata
from bot.errors import ArchiveError
from tests.archive.make import point


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def shape(connection: Connection) -> dict[str, object]:
    """Columns, keys and indexes of every table."""
    looked = inspect(connection)
    return {
        table: {
            "columns": {
                one["name"]: (str(one["type"]), one["nullable"]) for one in looked.get_columns(table)
            },
            "key": looked.get_pk_constraint(table)["constrained_columns"],
            "unique": sorted(one["column_names"] for one in looked.get_unique_constraints(table)),
            "foreign": sorted(
                (one["constrained_columns"], one["referred_table"]) for one in looked.get_foreign_keys(table)
            ),
            "indexes": sorted(
                (one["name"] or "", one["column_names"], bool(one["unique"]))
                for one in looked.get_indexes(table)
            ),
        }
        for table in looked.get_table_names()
    }


async def test_an_empty_database_gets_what_the_migrations_come_to(archive: SqlArchive) -> None:
    async with archive.database.write("at once") as connection:
        assert await connection.run_sync(differences) == []
        at_once = await connection.run_sync(shape)
        await connection.run_sync(metadata.drop_all)
        await connection.execute(text("DROP TABLE alembic_version"))

    async with archive.database.write("step by step") as connection:
        await connection.run_sync(bot.archive.migrate._upgrade)
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(shape) == at_once
        assert "alembic_version" in at_once


async def test_an_empty_database_is_not_asked_for_each_table_that_it_gets() -> None:
    database = Database("sqlite://")
    asked: list[str] = []
    event.listen(
        database.engine.sync_engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, *_: asked.append(statement),
    )
    assert await migrate(database)
    await database.aclose()
    made = sum(statement.lstrip().startswith("CREATE TABLE") for statement in asked)
    assert made == len(metadata.tables) + 1  # and alembic's own
    assert [statement for statement in asked if "table_info" in statement] == []


def test_the_known_revisions_are_the_migrations_in_order() -> None:
    config = Config()
    config.set_main_option("path_separator", "os")
    config.set_main_option("script_location", str(Path(bot.archive.__file__).parent / "migrations"))
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == KNOWN


async def test_migrating_twice_changes_nothing(archive: SqlArchive) -> None:
    await migrate(archive.database)
    assert await revision(archive.database) == HEAD


async def test_a_newer_database_is_refused_with_the_version_to_install(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'newer.sqlite'}"
    archive = await open_archive(url)
    async with archive.database.write("test") as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await connection.execute(text("INSERT INTO editions VALUES ('9999', '7.1.0')"))
    await archive.aclose()

    with pytest.raises(ArchiveError, match=r"9999.*install Tightrope 7\.1\.0"):
        await open_archive(url)


async def test_a_file_of_an_older_schema_is_copied_before_it_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.sqlite"
    archive = await open_archive(f"sqlite:///{path}")
    await archive.points.add([point(20.0)])
    async with archive.database.write("test") as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    await archive.aclose()
    for room in (bot.archive.archive, bot.archive.migrate):
        monkeypatch.setattr(room, "KNOWN", ("0000", HEAD))

    for _ in range(2):
        with pytest.raises(ArchiveError, match="migration from 0000"):
            await open_archive(f"sqlite:///{path}")

    copy = sqlite3.connect(f"{path}.before-{HEAD}")
    assert copy.execute("SELECT value FROM points").fetchall() == [(20.0,)]
    copy.close()


async def test_points_take_their_room_without_a_rowid(file_archive: SqlArchive) -> None:
    async with file_archive.database.read("schema") as connection:
        found = await connection.execute(
            text("SELECT sql FROM sqlite_master WHERE name IN ('points', 'hours', 'days')")
        )
        assert [sql.rstrip().endswith("WITHOUT ROWID") for sql in found.scalars()] == [True, True, True]


def test_a_moment_is_exact_to_the_microsecond_and_needs_a_zone() -> None:
    at = datetime(2026, 2, 6, 12, 0, 0, 123457, tzinfo=UTC)
    kept = UtcMoment().process_bind_param(at, None)  # type: ignore[arg-type]
    assert UtcMoment().process_result_value(kept, None) == at  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no zone"):
        UtcMoment().process_bind_param(at.replace(tzinfo=None), None)  # type: ignore[arg-type]

"""Copies of the file: whole and checked, or not there; and the way back."""

import asyncio
import json
import sqlite3
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

import bot.archive.migrate
from bot.archive import SqlArchive, open_archive, restore
from bot.archive.migrate import KNOWN
from bot.domain.posts import Profile
from bot.errors import ArchiveError, InputError
from tests.archive.make import NOON, decision, point, post, snapshot


def url(path: Path) -> str:
    return f"sqlite:///{path}"


async def values(path: Path) -> list[float]:
    archive = await open_archive(url(path))
    try:
        return [kept.value for kept in await archive.points.latest()]
    finally:
        await archive.aclose()


def damage(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    for page in range(2, len(whole) // 4096):
        whole[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    path.write_bytes(bytes(whole))


async def test_a_backup_made_while_the_bot_writes_holds_whole_evaluations(
    file_archive: SqlArchive, tmp_path: Path
) -> None:
    async def write() -> None:
        for minute in range(30):
            at = NOON + timedelta(minutes=minute)
            told = (post(f"post{minute:04}", at=at),)
            await file_archive.commit("BTC", Profile(), decision(at, posts=told), snapshot(at))

    (tmp_path / "copies").mkdir()
    writing = asyncio.create_task(write())
    await asyncio.sleep(0.05)
    size = await file_archive.backup(tmp_path / "copies" / "one.sqlite")
    await writing

    copy = await open_archive(url(tmp_path / "copies" / "one.sqlite"))
    posts, state = await copy.posts.find(), await copy.states.load("BTC", Profile())
    await copy.aclose()
    assert size > 0
    assert state.stance_since == (posts[0].intended_at if posts else None)
    assert sorted(entry.name for entry in (tmp_path / "copies").iterdir()) == ["one.sqlite"]


async def test_a_backup_never_overwrites(file_archive: SqlArchive, tmp_path: Path) -> None:
    (tmp_path / "there").write_text("mine")
    with pytest.raises(InputError, match="a file already"):
        await file_archive.backup(tmp_path / "there")
    assert (tmp_path / "there").read_text() == "mine"


async def test_what_is_restored_is_what_was_backed_up_and_the_old_file_is_kept(
    file_archive: SqlArchive, tmp_path: Path
) -> None:
    await file_archive.points.add([point(1.0)])
    await file_archive.backup(tmp_path / "copy")
    await file_archive.points.add([point(2.0)])
    await file_archive.aclose()

    aside = await restore(tmp_path / "copy", url(tmp_path / "tightrope.sqlite"))

    assert await values(tmp_path / "tightrope.sqlite") == [1.0]
    assert aside is not None
    assert await values(aside) == [2.0]


async def test_restoring_where_there_was_nothing(file_archive: SqlArchive, tmp_path: Path) -> None:
    await file_archive.points.add([point(1.0)])
    await file_archive.backup(tmp_path / "copy")
    assert await restore(tmp_path / "copy", url(tmp_path / "new" / "t.sqlite")) is None
    assert await values(tmp_path / "new" / "t.sqlite") == [1.0]


async def test_a_damaged_backup_is_refused_and_the_database_stays(
    file_archive: SqlArchive, tmp_path: Path
) -> None:
    await file_archive.points.add([point(1.0)])
    await file_archive.backup(tmp_path / "copy")
    await file_archive.aclose()
    damage(tmp_path / "copy")

    with pytest.raises(ArchiveError, match="damaged"):
        await restore(tmp_path / "copy", url(tmp_path / "tightrope.sqlite"))
    assert await values(tmp_path / "tightrope.sqlite") == [1.0]


async def test_somebody_else_s_database_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "other")
    other.execute("CREATE TABLE recipes (name TEXT)")
    other.close()
    with pytest.raises(ArchiveError, match="not a database of Tightrope"):
        await restore(tmp_path / "other", url(tmp_path / "t.sqlite"))


async def test_a_newer_backup_is_refused_with_the_version_to_install(
    file_archive: SqlArchive, tmp_path: Path
) -> None:
    await file_archive.backup(tmp_path / "copy")
    newer = sqlite3.connect(tmp_path / "copy")
    newer.execute("UPDATE alembic_version SET version_num = '9999'")
    newer.execute("INSERT INTO editions VALUES ('9999', '7.1.0')")
    newer.commit()
    newer.close()
    with pytest.raises(ArchiveError, match=r"install Tightrope 7\.1\.0"):
        await restore(tmp_path / "copy", url(tmp_path / "t.sqlite"))


async def test_a_database_in_use_is_not_replaced(file_archive: SqlArchive, tmp_path: Path) -> None:
    await file_archive.backup(tmp_path / "copy")
    assert await file_archive.leadership.acquire()
    with pytest.raises(ArchiveError, match="stop it first"):
        await restore(tmp_path / "copy", url(tmp_path / "tightrope.sqlite"))


async def test_a_backup_into_a_folder_that_is_not_there_says_so(
    file_archive: SqlArchive, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"there is no folder .*/nowhere"):
        await file_archive.backup(tmp_path / "nowhere" / "one.sqlite")
    with pytest.raises(InputError, match="no such file"):
        await restore(tmp_path / "nowhere" / "one.sqlite", url(tmp_path / "t.sqlite"))
    assert not (tmp_path / "nowhere").exists()


FOREIGN = {
    "there is a trigger spy": "CREATE TRIGGER spy AFTER INSERT ON posts BEGIN DELETE FROM points; END",
    "there is a view telling": "CREATE VIEW telling AS SELECT * FROM posts",
    "the table watches is missing": "DROP TABLE watches",
    "there is a table recipes more": "CREATE TABLE recipes (name TEXT)",
    "there is a table words more": "CREATE TABLE words (name TEXT)",
    "the column notes.value is missing": "ALTER TABLE notes RENAME COLUMN value TO told",
    "there is a column notes.more more": "ALTER TABLE notes ADD COLUMN more TEXT DEFAULT 'x'",
    "the constraints of notes are others": "CREATE UNIQUE INDEX one ON notes (value)",
    "an index of posts is missing": "DROP INDEX ix_posts_channel",
    "an index of notes is on an expression": "CREATE INDEX odd ON notes (json(value))",
    "the constraints of watches are others": "PRAGMA writable_schema = ON;"
    "UPDATE sqlite_master SET sql = rtrim(sql, ') \n') || '), CHECK (id < 0))' WHERE name = 'watches'",
}


@pytest.mark.parametrize("told", FOREIGN)
async def test_a_backup_that_is_not_as_it_was_made_is_refused_and_the_database_stays(
    file_archive: SqlArchive, tmp_path: Path, told: str
) -> None:
    await file_archive.points.add([point(1.0)])
    await file_archive.backup(tmp_path / "copy")
    await file_archive.aclose()
    changed = sqlite3.connect(tmp_path / "copy")
    changed.executescript(FOREIGN[told])
    changed.commit()
    changed.close()

    with pytest.raises(ArchiveError, match=told):
        await restore(tmp_path / "copy", url(tmp_path / "tightrope.sqlite"))
    assert await values(tmp_path / "tightrope.sqlite") == [1.0]


async def test_what_is_not_as_it_was_made_is_copied_all_the_same_and_said(
    file_archive: SqlArchive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with file_archive.database.write("test") as connection:
        await connection.execute(text("CREATE VIEW telling AS SELECT * FROM posts"))
    assert await file_archive.backup(tmp_path / "copy") > 0
    said = capsys.readouterr()
    assert "there is a view telling" in said.out + said.err


async def test_an_index_that_somebody_wanted_is_no_reason_to_refuse(
    file_archive: SqlArchive, tmp_path: Path
) -> None:
    async with file_archive.database.write("test") as connection:
        await connection.execute(text("CREATE INDEX mine ON posts (reason)"))
    await file_archive.backup(tmp_path / "copy")
    assert await restore(tmp_path / "copy", url(tmp_path / "t.sqlite")) is None


async def test_a_backup_of_an_earlier_schema_is_held_against_that_one(tmp_path: Path) -> None:
    path, older = tmp_path / "copy", KNOWN[-2]
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        bot.archive.migrate._upgrade(connection, older)
    engine.dispose()
    assert await restore(path, url(tmp_path / "t.sqlite")) is None

    changed = sqlite3.connect(path)
    changed.execute("DROP TABLE playbooks")
    changed.close()
    with pytest.raises(ArchiveError, match="the table playbooks is missing"):
        await restore(path, url(tmp_path / "u.sqlite"))


async def test_memory_is_not_backed_up(tmp_path: Path) -> None:
    archive = await open_archive("sqlite://")
    with pytest.raises(ArchiveError, match="only a file"):
        await archive.backup(tmp_path / "copy")
    await archive.aclose()


async def killed(what: str, folder: Path) -> list[dict[str, Any]]:
    """What was there after a kill before each step of it, and after one that nobody killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.archive.killed", what, str(folder), stdout=asyncio.subprocess.PIPE
    )
    lines = (await process.communicate())[0].decode().splitlines()
    found = [json.loads(line) for line in lines]
    assert process.returncode == 0
    assert [one["killed"] for one in found] == [True] * (len(found) - 1) + [False]
    return found


async def leave_a_log(path: Path, value: float) -> None:
    """An archive whose last value stands in the write-ahead log alone, as one that was killed leaves it."""
    archive = await open_archive(url(path))
    await archive.points.add([point(value)])
    kept = {ending: path.with_name(path.name + ending).read_bytes() for ending in ("", "-wal", "-shm")}
    await archive.aclose()
    for ending, content in kept.items():
        path.with_name(path.name + ending).write_bytes(content)


async def test_a_backup_that_is_killed_at_any_step_leaves_a_whole_copy_or_none(tmp_path: Path) -> None:
    (tmp_path / "start").mkdir()
    await leave_a_log(tmp_path / "start" / "t.sqlite", 1.0)
    found = await killed("backup", tmp_path)
    assert len(found) > 5
    for one in found:
        assert one["found"].get("copy", [1.0]) == [1.0], one
        assert one["found"]["t.sqlite"] == [1.0], one
    assert set(found[-1]["found"]) == {"t.sqlite", "copy"}

    last = max(one["step"] for one in found if "copy" not in one["found"])
    again = tmp_path / str(last)  # killed just before the copy got its name
    assert list(again.glob("*.unfinished"))
    archive = await open_archive(url(again / "t.sqlite"))
    (again / "copy.unfinished-journal").write_bytes(b"half a journal")
    await archive.backup(again / "copy")
    await archive.aclose()
    assert await values(again / "copy") == [1.0]
    assert not list(again.glob("*.unfinished*"))


async def test_a_restore_that_is_killed_at_any_step_leaves_the_old_archive_or_the_new_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "start").mkdir()
    await leave_a_log(tmp_path / "start" / "t.sqlite", 2.0)
    other = await open_archive(url(tmp_path / "other"))
    await other.points.add([point(1.0)])
    await other.backup(tmp_path / "start" / "copy")
    await other.aclose()

    found = await killed("restore", tmp_path)
    assert len(found) > 8
    for one in found:
        assert one["found"].get("t.sqlite") in ([1.0], [2.0]), one
        assert [2.0] in (one["found"].get("t.sqlite"), one["found"].get("t.sqlite.replaced-1")), one
    assert found[-1]["found"] == {"copy": [1.0], "t.sqlite": [1.0], "t.sqlite.replaced-1": [2.0]}

    last = tmp_path / str(len(found) - 1)
    await restore(last / "copy", url(last / "t.sqlite"))
    assert await values(last / "t.sqlite") == [1.0]

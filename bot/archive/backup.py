"""Copies of the file, made while the bot runs, checked before they count; and the way back."""

import os
import sqlite3
from asyncio import to_thread
from contextlib import closing, suppress
from pathlib import Path

import structlog

from bot.archive.engine import Database, translate_errors
from bot.archive.files import make_private
from bot.archive.leader import FileLock
from bot.archive.migrate import check_revision, check_schema
from bot.errors import ArchiveError, InputError

log = structlog.get_logger()


async def backup(database: Database, to: Path) -> int:
    """Copy the file to another, for its owner alone, that is complete and checked, or is not there at all: its
    size in bytes. Raises InputError for a place where no file can be made, else ArchiveError."""
    if database.path is None:
        raise ArchiveError(
            "backup: only a file is copied; for PostgreSQL use pg_dump, memory is gone with the process"
        )
    return await to_thread(_copy, Path(database.path), to)


async def restore(backup_file: Path, url: str) -> Path | None:
    """Put a backup whose pages and schema are checked in the place of the database, which must not be in use:
    where the old file was moved to (None: there was none). Raises InputError, ArchiveError."""
    path = Database(url).path
    if path is None:
        raise ArchiveError("restore: only a file is put back; for PostgreSQL use pg_restore")
    return await to_thread(_put_back, backup_file, Path(path))


def _copy(source: Path, to: Path) -> int:
    if to.exists():
        raise InputError(f"backup to {to}: there is a file already; name another")
    if not to.parent.is_dir():
        raise InputError(f"backup to {to}: there is no folder {to.parent}; make it first, or name another")
    with translate_errors(f"backup to {to}"):
        unfinished = to.with_name(f"{to.name}.unfinished")
        try:
            _copy_pages(source, unfinished)
            _check(unfinished)
            try:
                _check_shape(unfinished)
            except ArchiveError as error:  # a copy of it is better than none, and it is better known now
                log.warning("backup.unusual", reason=str(error))
            unfinished.replace(to)
        finally:
            _remove(unfinished)
        return to.stat().st_size


def _put_back(backup_file: Path, path: Path) -> Path | None:
    if not backup_file.is_file():
        raise InputError(f"restore from {backup_file}: there is no such file")
    with translate_errors(f"restore from {backup_file}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        if not lock.acquire():
            raise ArchiveError(f"restore from {backup_file}: the bot is running on {path}; stop it first")
        unfinished = path.with_name(f"{path.name}.unfinished")
        try:
            _check(backup_file)
            _check_shape(backup_file)
            _copy_pages(backup_file, unfinished)
            _check(unfinished)
            aside = _set_aside(path)
            unfinished.replace(path)
            return aside
        finally:
            _remove(unfinished)
            lock.release()


def _copy_pages(source: Path, to: Path) -> None:
    _remove(to)  # an earlier try that was killed
    make_private(to)
    reading, writing = _open(source), sqlite3.connect(to)
    try:
        reading.backup(writing)
        # A copy is one file: without this it would ask for a -wal beside it.
        writing.execute("PRAGMA journal_mode = DELETE")
    finally:
        writing.close()
        reading.close()
    with to.open("rb") as written:
        os.fsync(written.fileno())


def _check(path: Path) -> None:
    connection = _open(path)
    try:
        found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        if found != ["ok"]:
            raise ArchiveError(f"{path}: damaged; take an earlier backup")
        check_revision(connection, str(path))
    finally:
        connection.close()


def _check_shape(path: Path) -> None:
    connection = _open(path)
    try:
        check_schema(connection, str(path))
    finally:
        connection.close()


def _open(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def _set_aside(path: Path) -> Path | None:
    """Give the file that is there a second name, under which it stays. Until another takes its first name, it keeps that
    one too: whoever is killed in between leaves the old archive or the new one, never none."""
    if not path.exists():
        return None
    number = 1
    while (aside := path.with_name(f"{path.name}.replaced-{number}")).exists():
        number += 1
    _fold_log(path)
    # What is left of the write-ahead log belongs to the old file: beside the new one it would be played into it.
    for ending in ("-wal", "-shm"):
        beside = path.with_name(path.name + ending)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + ending))
    try:
        aside.hardlink_to(path)
    except OSError:  # a file system without second names
        path.replace(aside)
    return aside


def _fold_log(path: Path) -> None:
    """Write what the log holds into the file, so that the file alone is the archive. A damaged file keeps its log."""
    with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _remove(unfinished: Path) -> None:
    for ending in ("", "-journal"):
        unfinished.with_name(unfinished.name + ending).unlink(missing_ok=True)

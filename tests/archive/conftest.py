"""Archives to test on."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.archive import SqlArchive, open_archive


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of today's schema, made once."""
    path = tmp_path_factory.mktemp("archive") / "empty.sqlite"
    asyncio.run(_make(path))
    return path


async def _make(path: Path) -> None:
    archive = await open_archive(f"sqlite:///{path}")
    await archive.aclose()


@pytest.fixture
async def archive(tmp_path: Path, migrated: Path) -> AsyncIterator[SqlArchive]:
    """An empty archive of its own for each test."""
    path = tmp_path / "tightrope.sqlite"
    shutil.copy(migrated, path)
    opened = await open_archive(f"sqlite:///{path}")
    yield opened
    await opened.aclose()

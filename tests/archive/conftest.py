"""Archives to test on: every test that asks for `archive` runs on SQLite and, under --all, on PostgreSQL."""

import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from bot.archive import SqlArchive, open_archive
from bot.archive.engine import Database
from tests.archive.postgres import server

TEMPLATE = "tightrope_empty"
numbers = itertools.count(1)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty database of today's schema, made once."""
    path = tmp_path_factory.mktemp("archive") / "empty.sqlite"
    asyncio.run(_make(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server's maintenance address, an empty migrated database to copy made once."""
    with server() as address:
        asyncio.run(_command(address, f"DROP DATABASE IF EXISTS {TEMPLATE}"))
        asyncio.run(_command(address, f"CREATE DATABASE {TEMPLATE}"))
        asyncio.run(_make(_named(address, TEMPLATE)))
        yield address


@pytest.fixture
async def postgres_url(postgres: str) -> AsyncIterator[str]:
    """The address of an empty PostgreSQL database of the test's own."""
    name = f"tightrope_{next(numbers)}"
    await _command(postgres, f"DROP DATABASE IF EXISTS {name}")
    await _command(postgres, f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
    yield _named(postgres, name)
    await _command(postgres, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def file_archive(tmp_path: Path, migrated: Path) -> AsyncIterator[SqlArchive]:
    """An empty archive in a file of the test's own."""
    path = tmp_path / "tightrope.sqlite"
    shutil.copy(migrated, path)
    opened = await open_archive(f"sqlite:///{path}")
    yield opened
    await opened.aclose()


@pytest.fixture(params=["file_archive", pytest.param("postgres_archive", marks=pytest.mark.slow)])
def archive(request: pytest.FixtureRequest) -> SqlArchive:
    """An empty archive of the test's own, on each database."""
    opened: SqlArchive = request.getfixturevalue(request.param)
    return opened


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """The address of a file that is not there yet."""
    return f"sqlite:///{tmp_path / 'tightrope.sqlite'}"


@pytest.fixture(params=["file_url", pytest.param("postgres_url", marks=pytest.mark.slow)])
def url(request: pytest.FixtureRequest) -> str:
    """The address of a database of the test's own, of each kind."""
    address: str = request.getfixturevalue(request.param)
    return address


@pytest.fixture
async def postgres_archive(postgres_url: str) -> AsyncIterator[SqlArchive]:
    """An empty archive in a PostgreSQL database of the test's own."""
    opened = await open_archive(postgres_url)
    yield opened
    await opened.aclose()


async def _make(url: str) -> None:
    archive = await open_archive(url)
    await archive.aclose()


async def _command(address: str, statement: str) -> None:
    database = Database(address)
    async with database.engine.connect() as connection:
        alone = await connection.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text(statement))
    await database.aclose()


def _named(address: str, database: str) -> str:
    return make_url(address).set(database=database).render_as_string(hide_password=False)

"""A database's errors in our own words: the way out, by commands that exist, and nothing of the address."""

import errno
import re
import sqlite3
import traceback
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from bot.archive import SqlArchive, advice, open_archive
from bot.archive.advice import advise
from bot.archive.engine import Database
from bot.cli.main import COMMANDS
from bot.errors import ArchiveError
from tests.archive.make import point

PASSWORD = "pa55w0rd"


class ServerError(Exception):
    """What a server answers."""

    def __init__(self, sqlstate: str) -> None:
        super().__init__(f"user tightrope, password {PASSWORD}")
        self.sqlstate = sqlstate


def of_server(sqlstate: str) -> OperationalError:
    return OperationalError("SELECT", {}, ServerError(sqlstate))


@pytest.mark.parametrize(
    ("sqlstate", "told"),
    [
        ("25006", "failover"),
        ("53300", "max_connections"),
        ("53100", "disk is full"),
        ("57P01", "restarted"),
        ("08006", "connection to the server was lost"),
        ("28P01", "refuses this user or password"),
        ("3D000", "no database of this name"),
        ("22012", "SQLSTATE 22012"),
    ],
)
def test_what_a_server_answers_is_told_by_its_code_and_never_in_its_words(sqlstate: str, told: str) -> None:
    said = advise(of_server(sqlstate))
    assert told in said
    assert PASSWORD not in said


def test_a_driver_that_gives_up_is_named_by_its_class_alone() -> None:
    assert advise(OperationalError("SELECT", {}, RuntimeError(PASSWORD))) == (
        "the database's driver gave up with OperationalError"
    )
    assert advise(ConnectionRefusedError(errno.ECONNREFUSED, PASSWORD)) == advice.UNREACHED
    assert advise(PermissionError(errno.EACCES, "Permission denied")) == "permission denied"


def test_every_command_that_is_advised_exists() -> None:
    texts = [*advice.SQLITE.values(), *advice.POSTGRESQL.values(), advice.LOST, advice.BUSY, advice.UNREACHED]
    texts += [path.read_text("utf-8") for path in Path(advice.__file__).parent.glob("*.py")]
    advised = {found for text in texts for found in re.findall(r"`\./tightrope ([a-z-]+)", text)}
    known = {name for names in COMMANDS.values() for name in names}
    assert "restore" in advised
    assert advised <= known
    assert not any("`bot " in text for text in texts)


def damage(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    for page in range(1, len(whole) // 4096):
        whole[page * 4096 : page * 4096 + 300] = b"\xff" * 300
    path.write_bytes(bytes(whole))


async def test_a_damaged_page_names_the_way_back(file_archive: SqlArchive) -> None:
    await file_archive.points.add([point(1.0)])
    await file_archive.database.checkpoint()
    path = Path(str(file_archive.database.path))
    damage(path)
    fresh = Database(f"sqlite:///{path}")
    with pytest.raises(ArchiveError, match=r"damaged.*`\./tightrope restore BACKUP`"):
        async with fresh.read("points") as connection:
            await connection.exec_driver_sql("SELECT * FROM points")
    await fresh.aclose()


def test_what_sqlite_says_is_told_by_its_code() -> None:
    with closing(sqlite3.connect(":memory:")) as empty, pytest.raises(sqlite3.Error) as raised:
        empty.execute("SELECT * FROM nothing")
    assert "does not hold what this version stores" in advise(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://tightrope:{PASSWORD}@127.0.0.1:1/tightrope",
        f"postgresql://tightrope:{PASSWORD}@nowhere.invalid/tightrope",
        f"mysql://tightrope:{PASSWORD}@127.0.0.1/tightrope",
        f"postgresql//tightrope:{PASSWORD}@127.0.0.1/tightrope",
        f"postgresql://tightrope:{PASSWORD}@127.0.0.1:port/tightrope",
    ],
)
async def test_the_password_is_in_no_message_trace_or_repr(url: str) -> None:
    with pytest.raises(ArchiveError) as raised:
        await open_archive(url)
    assert PASSWORD not in str(raised.value)
    assert PASSWORD not in "".join(traceback.format_exception(raised.value))
    if url.startswith("postgresql://") and ":port" not in url:
        database = Database(url)
        assert PASSWORD not in f"{database!r} {database.url!r} {database.url} {database.engine!r}"
        assert PASSWORD not in repr(vars(database))

"""Backup, restore and the move to another database, by their commands."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bot.cli.main import main

Said = tuple[int, str]
Bot = Callable[..., Said]

PASSWORD = "pa55w0rd"


@pytest.fixture
def bot(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bot:
    """Runs a command in this process: its exit code, and all that it said."""
    for name in ("DATABASE_URL", "DATABASE_URL_FILE", "NEW_DATABASE_URL", "NEW_DATABASE_URL_FILE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Said:
        monkeypatch.setattr(sys, "argv", ["bot", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the archive, which is not there yet."""
    address = f"sqlite:///{tmp_path / 'var' / 'old.sqlite'}"
    monkeypatch.setenv("DATABASE_URL", address)
    return address


def test_a_backup_into_a_folder_that_is_not_there_says_so(bot: Bot, url: str, tmp_path: Path) -> None:
    code, said = bot("backup", tmp_path / "nowhere" / "copy")
    assert code == 2
    assert f"there is no folder {tmp_path / 'nowhere'}; make it first" in said
    assert bot("backup", tmp_path / "copy")[0] == 0
    assert bot("backup", tmp_path / "copy")[0] == 2
    assert bot("restore", tmp_path / "nothing")[0] == 2


def test_the_new_database_is_named_by_the_environment_or_by_a_file_or_plainly_without_a_password(
    bot: Bot, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert bot("backup", tmp_path / "copy")[0] == 0  # now it is there
    monkeypatch.setenv("NEW_DATABASE_URL", f"sqlite:///{tmp_path / 'by-environment.sqlite'}")
    assert bot("migrate-to")[0] == 0
    assert (tmp_path / "by-environment.sqlite").is_file()

    monkeypatch.delenv("NEW_DATABASE_URL")
    secret = tmp_path / "new-database"
    secret.write_text(f"sqlite:///{tmp_path / 'by-file.sqlite'}\n", encoding="utf-8")
    secret.chmod(0o600)
    monkeypatch.setenv("NEW_DATABASE_URL_FILE", str(secret))
    assert bot("migrate-to")[0] == 0
    assert (tmp_path / "by-file.sqlite").is_file()

    assert bot("migrate-to", f"sqlite:///{tmp_path / 'plainly.sqlite'}")[0] == 0
    assert (tmp_path / "plainly.sqlite").is_file()


def test_a_password_among_the_arguments_is_refused_and_not_repeated(bot: Bot, url: str) -> None:
    for address in (
        f"postgresql://tightrope:{PASSWORD}@127.0.0.1:1/tightrope",
        f"postgresql://127.0.0.1:1/tightrope?user=tightrope&password={PASSWORD}",
    ):
        code, said = bot("migrate-to", address)
        assert code == 2
        assert "NEW_DATABASE_URL" in said
        assert PASSWORD not in said


def test_nothing_to_move_to_says_how_to_name_it(bot: Bot, url: str) -> None:
    code, said = bot("migrate-to")
    assert code == 2
    assert "NEW_DATABASE_URL_FILE" in said


def test_a_server_out_of_reach_is_said_without_its_password(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", f"postgresql://tightrope:{PASSWORD}@127.0.0.1:1/tightrope")
    for command in (("replay", "abcd"), ("backup", "copy"), ("migrate-to", "sqlite:///y.sqlite")):
        code, said = bot(*command)
        assert code == 3
        assert "the server cannot be reached" in said
        assert PASSWORD not in said

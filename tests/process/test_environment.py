"""The `.env` file beside the checkout: what is taken from it, what the environment says otherwise, who may read it."""

import sys
from pathlib import Path

import pytest

from bot.cli import main as front
from bot.errors import ConfigError
from bot.process.environment import adopt_env_file, read_env_file, tell_env_file


def env_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def test_the_file_beside_the_checkout_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    path = env_file(
        tmp_path, "# a token\nDISCORD_TOKEN=\nCOINGLASS_KEY='abc'\nexport TIGHTROPE_PAGE__PORT=9000\n"
    )
    environment = {"TIGHTROPE_PAGE__PORT": "9100"}
    adopt_env_file(environment, path)
    assert environment == {"COINGLASS_KEY": "abc", "TIGHTROPE_PAGE__PORT": "9100"}


def test_without_a_file_nothing_is_taken(tmp_path: Path) -> None:
    assert read_env_file(tmp_path / ".env") == {}
    well, says = tell_env_file({}, tmp_path / ".env")
    assert well
    assert f"no {tmp_path / '.env'}" in says


def test_the_doctor_names_the_file_and_what_it_sets_and_never_a_value(tmp_path: Path) -> None:
    path = env_file(tmp_path, "COINGLASS_KEY=abc123\nDISCORD_TOKEN=t0ken\n")
    well, says = tell_env_file({"COINGLASS_KEY": "abc123", "DISCORD_TOKEN": "other"}, path)
    assert well
    assert says == f"{path} sets COINGLASS_KEY; the environment sets otherwise DISCORD_TOKEN"
    path.chmod(0o644)
    well, says = tell_env_file({"COINGLASS_KEY": "abc123"}, path)
    assert not well
    assert says.endswith(f"others may read this file: chmod 600 {path}")


def test_a_file_that_is_no_utf8_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes("DISCORD_TOKEN=abc".encode("utf-16"))
    with pytest.raises(ConfigError, match="line 1 is not UTF-8"):
        read_env_file(path)


def test_every_command_takes_the_file_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = env_file(tmp_path, "TIGHTROPE_POSTS__LOCALE=xx\n")
    monkeypatch.setattr(sys, "argv", ["bot", "check"])
    monkeypatch.setenv("TIGHTROPE_POSTS__LOCALE", "")
    monkeypatch.setattr(front, "adopt_env_file", lambda environment: adopt_env_file(environment, path))
    with pytest.raises(SystemExit) as ended:
        front.main()
    assert ended.value.code == 2
    assert "TIGHTROPE_POSTS__LOCALE: there are no phrases for 'xx'" in capsys.readouterr().err

"""The `.env` file beside the checkout: what is taken from it, what the environment says otherwise, who may read it."""

import sys
from pathlib import Path

import pytest

from bot.cli import main as front
from bot.errors import ConfigError, Problem
from bot.process.environment import adopt_env_file, read_env_file, read_secret, tell_env_file, variable_of


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


def test_a_secret_is_the_variables_own_or_that_of_the_file_it_names(tmp_path: Path) -> None:
    path = env_file(tmp_path, " t0ken\n")
    problems: list[Problem] = []
    given = {"A": " plain ", "B_FILE": str(path), "C_FILE": ""}
    assert [read_secret(name, given, problems) for name in "ABCD"] == ["plain", "t0ken", None, None]
    assert read_secret("B", {**given, "B": "mine"}, problems) == "mine"
    env_file(tmp_path, " \n")
    assert read_secret("B", given, problems) is None
    assert problems == []


def test_a_secret_that_cannot_be_had_is_a_problem_where_it_was_sought(tmp_path: Path) -> None:
    def wrong(name: str, **given: str) -> Problem:
        problems: list[Problem] = []
        assert read_secret(name, given, problems) is None
        [problem] = problems
        return problem

    away = str(tmp_path / "away")
    assert wrong("A", A_FILE=away) == Problem(
        file=away, id="A_FILE", reason="cannot be read: No such file or directory"
    )
    assert wrong("A", A_FILE=str(tmp_path)).id == "A_FILE"
    path = env_file(tmp_path, "to ken", 0o644)
    assert wrong("A", A_FILE=str(path)) == Problem(
        file=str(path), id="A_FILE", reason="others may read this file: chmod 600 it"
    )
    path.chmod(0o600)
    odd = wrong("A", A_FILE=str(path))
    assert (odd.file, odd.id) == (str(path), "A_FILE")
    assert odd.reason.startswith("character 3 of 6 is none of a secret's")
    plain = wrong("A", A="to ken")
    assert (plain.file, plain.id, plain.reason) == ("environment", "A", odd.reason)


def test_a_setting_is_led_back_to_the_variable_that_sets_it_or_all_around_it() -> None:
    given = {"tightrope_posts__locale": "es", "TIGHTROPE_POLL": "{}", "TIGHTROPE_ASSETS__0": "BTC"}
    assert variable_of(("posts", "locale"), given) == "tightrope_posts__locale"
    assert variable_of(("posts",), given) is None
    assert variable_of(("posts", "at"), given) is None
    assert variable_of(("poll", "every_s"), given) == "TIGHTROPE_POLL"
    assert variable_of(("assets", 0), given) == "TIGHTROPE_ASSETS__0"
    assert variable_of((), given) is None

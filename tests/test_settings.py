"""Settings: the file, the environment above it, and every problem at once."""

from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.settings import load

SHIPPED = Path(__file__).resolve().parent.parent / "config"


def write(folder: Path, text: str) -> Path:
    (folder / "bot.toml").write_text(text, encoding="utf-8")
    return folder


def test_the_shipped_file_loads() -> None:
    settings = load(SHIPPED, {})
    assert settings.assets[0] == "BTC"
    assert settings.discord_token is None


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    folder = write(tmp_path, '[archive]\nurl = "sqlite+aiosqlite:///a.sqlite"\nminutes_days = 3\n')
    settings = load(folder, {"DATABASE_URL": "postgresql+asyncpg://db/tightrope"})
    assert settings.archive.url == "postgresql+asyncpg://db/tightrope"
    assert settings.archive.minutes_days == 3


def test_every_problem_is_listed_with_its_key(tmp_path: Path) -> None:
    folder = write(tmp_path, 'assets = ["btc"]\nfoo = 1\n[poll]\nevery_s = "x"\nbar = 2\n[posts]\nat = ["25:00"]\n')
    with pytest.raises(ConfigError) as caught:
        load(folder, {})
    named = {problem.id for problem in caught.value.problems}
    assert named == {"assets", "foo", "poll.every_s", "poll.bar", "posts.at"}
    assert all(str(folder / "bot.toml") in str(problem) for problem in caught.value.problems)


def test_a_file_that_is_no_toml_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bot\.toml: Invalid value"):
        load(write(tmp_path, "assets = ["), {})


def test_a_token_shows_neither_in_repr_nor_in_json() -> None:
    settings = load(SHIPPED, {"DISCORD_TOKEN": "very-secret-token"})
    assert settings.discord_token is not None
    assert "very-secret" not in repr(settings)
    assert "very-secret" not in settings.model_dump_json()


def test_a_token_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("abc\n", encoding="utf-8")
    secret.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(SHIPPED, {"DISCORD_TOKEN_FILE": str(secret)})
    secret.chmod(0o600)
    token = load(SHIPPED, {"DISCORD_TOKEN_FILE": str(secret)}).discord_token
    assert token is not None
    assert token.get_secret_value() == "abc"


def test_a_secret_in_the_file_is_refused_without_showing_it(tmp_path: Path) -> None:
    lines = ['discord_token = "t0ken"', "[keys]", 'coinglass = "k3y"', "[page]", 'password = "w0rd"']
    lines += ["[archive]", 'url = "postgresql+asyncpg://tightrope:pa55@db/tightrope"']
    (tmp_path / "bot.toml").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, {})
    assert [problem.id for problem in raised.value.problems] == [
        "discord_token",
        "keys",
        "page.password",
        "archive.url",
    ]
    assert not any(secret in str(raised.value) for secret in ("t0ken", "k3y", "w0rd", "pa55"))


def test_a_vendor_key_comes_from_the_environment() -> None:
    keys = load(SHIPPED, {"COINGLASS_KEY": "k"}).keys
    assert keys["coinglass"].get_secret_value() == "k"
    assert "coinalyze" not in keys


def test_a_process_has_the_share_of_its_shards(tmp_path: Path) -> None:
    folder = write(tmp_path, "[discord]\nshard_count = 8\nshard_ids = [2, 3]\n")
    assert load(folder, {}).discord.share == 0.25
    assert load(write(tmp_path, ""), {}).discord.share == 1.0


@pytest.mark.parametrize(("ids", "why"), [("[4]", "from 0 to 3"), ("[-1]", "from 0 to 3"), ("[1, 1]", "named twice")])
def test_shards_that_do_not_exist_are_refused(tmp_path: Path, ids: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load(write(tmp_path, f"[discord]\nshard_count = 4\nshard_ids = {ids}\n"), {})

"""Settings: the file, the environment above it, and every problem at once."""

import json
from pathlib import Path

import pytest
from pydantic_settings import SettingsError

from bot.errors import ConfigError, Problem
from bot.process.run import _secrets
from bot.process.settings import Settings, _checked, load

SHIPPED = Path(__file__).resolve().parents[2] / "config"


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
    assert settings.archive.url.get_secret_value() == "postgresql+asyncpg://db/tightrope"
    assert settings.archive.minutes_days == 3


def test_every_problem_is_listed_with_its_key(tmp_path: Path) -> None:
    folder = write(
        tmp_path, 'assets = ["btc"]\nfoo = 1\n[poll]\nevery_s = "x"\nbar = 2\n[posts]\nat = ["25:00"]\n'
    )
    with pytest.raises(ConfigError) as caught:
        load(folder, {})
    named = {problem.id for problem in caught.value.problems}
    assert named == {"assets", "foo", "poll.every_s", "poll.bar", "posts.at"}
    assert all(str(folder / "bot.toml") in str(problem) for problem in caught.value.problems)


def test_a_file_that_is_no_toml_is_one_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"bot\.toml: not TOML: Invalid value"):
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


@pytest.mark.parametrize(
    ("ids", "why"), [("[4]", "from 0 to 3"), ("[-1]", "from 0 to 3"), ("[1, 1]", "named twice")]
)
def test_shards_that_do_not_exist_are_refused(tmp_path: Path, ids: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        load(write(tmp_path, f"[discord]\nshard_count = 4\nshard_ids = {ids}\n"), {})


def test_the_databases_address_comes_from_a_file_too(tmp_path: Path) -> None:
    secret = tmp_path / "database"
    secret.write_text("postgresql://tightrope:pa55@db/tightrope\n", encoding="utf-8")
    secret.chmod(0o600)
    settings = load(SHIPPED, {"DATABASE_URL_FILE": str(secret)})
    assert settings.archive.url.get_secret_value() == "postgresql://tightrope:pa55@db/tightrope"
    secret.chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load(SHIPPED, {"DATABASE_URL_FILE": str(secret)})


@pytest.mark.parametrize(
    ("url", "address", "passwords"),
    [
        ("postgresql://u:pa%2055@db:5432/t", "postgresql://db:5432/t", ("pa%2055", "pa 55")),
        ("postgresql://u:p@55@db/t", "postgresql://db/t", ("p@55", "p")),
        ("postgresql://db/t?user=u&password=pa55", "postgresql://db/t", ("pa55",)),
        ("postgresql://u@db/t", "postgresql://db/t", ()),
        ("postgresql://db:5432/t", "postgresql://db:5432/t", ()),
        ("sqlite:////srv/a:b@c/t.sqlite", "sqlite:////srv/a:b@c/t.sqlite", ()),
    ],
)
def test_the_databases_password_shows_nowhere(url: str, address: str, passwords: tuple[str, ...]) -> None:
    settings = load(SHIPPED, {"DATABASE_URL": url})
    assert settings.archive.address == address
    assert settings.archive.passwords == passwords
    shown = repr(settings) + str(settings) + settings.model_dump_json()
    assert not any(password in shown for password in passwords if len(password) > 1)


def test_what_is_blacked_out_of_logs_holds_the_databases_password() -> None:
    settings = load(SHIPPED, {"DATABASE_URL": "postgresql://u:pa%2055@db/t"})
    assert {"pa%2055", "pa 55"} <= set(_secrets(settings))


def test_unknown_language_zone_surface_and_source_are_told_all_at_once_with_file_and_key(
    tmp_path: Path,
) -> None:
    for language in ("en", "es"):
        (tmp_path / "phrases" / language).mkdir(parents=True)
    lines = ['sources = ["deribit", "mtgox"]', 'surfaces = ["console", "fax"]', "[posts]"]
    folder = write(tmp_path, "\n".join([*lines, 'locale = "xx"', 'zone = "Mars/Olympus"', ""]))
    with pytest.raises(ConfigError) as caught:
        load(folder, {})
    told = {problem.id: problem.reason for problem in caught.value.problems}
    assert told.keys() == {"sources", "surfaces", "posts.locale", "posts.zone"}
    assert all(problem.file == str(folder / "bot.toml") for problem in caught.value.problems)
    assert "known are en, es" in told["posts.locale"]
    assert "Europe/Berlin" in told["posts.zone"]
    assert "known are console, preview" in told["surfaces"]
    assert "there is no mtgox" in told["sources"]


def test_what_the_environment_sets_wrongly_is_told_by_its_variable() -> None:
    given = {
        "TIGHTROPE_POSTS__LOCALE": "xx",
        "TIGHTROPE_POLL__EVERY_S": "often",
        "TIGHTROPE_PAGE__PORT": "9000",
    }
    with pytest.raises(ConfigError) as caught:
        load(SHIPPED, given)
    told = {problem.id: problem for problem in caught.value.problems}
    assert told.keys() == {"TIGHTROPE_POSTS__LOCALE", "TIGHTROPE_POLL__EVERY_S"}
    assert {problem.file for problem in told.values()} == {"environment"}
    with pytest.raises(ConfigError, match=r"TIGHTROPE_ASSETS: not JSON: .*\[\"BTC\""):
        load(SHIPPED, {"TIGHTROPE_ASSETS": "BTC"})
    assert load(SHIPPED, {"TIGHTROPE_PAGE__PORT": "9000"}).page.port == 9000


@pytest.mark.parametrize("odd", ["abc\u200b", "abc def", "abc\ndef", "ключ", "abc\x7f"])
def test_a_secret_that_is_no_plain_ascii_on_one_line_is_refused_without_showing_it(odd: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(SHIPPED, {"COINGLASS_KEY": odd})
    [problem] = caught.value.problems
    assert (problem.file, problem.id) == ("environment", "COINGLASS_KEY")
    assert "ASCII" in problem.reason
    assert odd not in str(problem)


@pytest.mark.parametrize("held", ["t0ken".encode("utf-16"), b"t0ken\nt0ken2\n", b"\xef\xbb\xbft0ken"])
def test_a_token_file_in_another_encoding_or_of_two_lines_is_one_line(tmp_path: Path, held: bytes) -> None:
    secret = tmp_path / "token"
    secret.write_bytes(held)
    secret.chmod(0o600)
    with pytest.raises(ConfigError) as caught:
        load(SHIPPED, {"DISCORD_TOKEN_FILE": str(secret)})
    [problem] = caught.value.problems
    assert (problem.file, problem.id) == (str(secret), "DISCORD_TOKEN_FILE")
    assert "UTF-8" in problem.reason
    assert "t0ken" not in str(problem)
    secret.write_bytes(b"t0ken\r\n")
    token = load(SHIPPED, {"DISCORD_TOKEN_FILE": str(secret)}).discord_token
    assert token is not None
    assert token.get_secret_value() == "t0ken"


@pytest.mark.parametrize("name", ["ASSETS", "SOURCES", "SURFACES"])
def test_what_is_named_twice_is_refused_since_it_would_be_counted_twice(name: str) -> None:
    twice = {"ASSETS": ["BTC", "ETH", "BTC"], "SOURCES": ["okx", "okx"], "SURFACES": ["console", "console"]}[
        name
    ]
    with pytest.raises(ConfigError) as caught:
        load(SHIPPED, {f"TIGHTROPE_{name}": json.dumps(twice)})
    [problem] = caught.value.problems
    assert problem.id == f"TIGHTROPE_{name}"
    assert f"{twice[-1]} stands there more than once" in problem.reason


@pytest.mark.parametrize("odd", ["BTC\u0661", "B\u00b2", "btc", "B-C", ""])
def test_an_odd_asset_of_the_settings_is_refused(odd: str) -> None:
    with pytest.raises(ConfigError, match="in capitals, such as BTC"):
        load(SHIPPED, {"TIGHTROPE_ASSETS": json.dumps([odd])})


def test_a_token_file_that_is_none_is_not_read_to_its_end(tmp_path: Path) -> None:
    large = tmp_path / "token"
    with large.open("wb") as to:
        to.truncate(2 * 2**20)
    large.chmod(0o600)
    with pytest.raises(ConfigError, match="DISCORD_TOKEN_FILE: cannot be read: larger than 1 MB"):
        load(SHIPPED, {"DISCORD_TOKEN_FILE": str(large)})


def test_settings_are_shown_by_name_and_of_a_secret_only_that_it_is_set(tmp_path) -> None:
    (tmp_path / "bot.toml").write_text('assets = ["BTC"]\n[page]\nport = 9000\n', encoding="utf-8")
    shown = load(tmp_path, {"COINGLASS_KEY": "a-very-secret-key"}).describe()
    assert shown["page.port"] == "9000"
    assert shown["assets"] == "BTC"
    assert shown["keys.coinglass"] == "***"
    assert not any("a-very-secret-key" in value for value in shown.values())


def test_a_venue_that_has_closed_may_be_named_though_its_file_is_gone(tmp_path: Path) -> None:
    lines = ['sources = ["deribit", "mtgox"]', "[closed]", "mtgox = 2014-02-25T00:00:00Z", ""]
    assert load(write(tmp_path, "\n".join(lines)), {}).sources == ("deribit", "mtgox")


def test_settings_that_cannot_be_read_are_told_by_their_variable_or_as_they_are(tmp_path: Path) -> None:
    def told(says: str, **given: str) -> Problem:
        def make() -> Settings:
            raise SettingsError(says)

        with pytest.raises(ConfigError) as caught:
            _checked(make, tmp_path / "bot.toml", given, [])
        [problem] = caught.value.problems
        return problem

    assert told("an odd file") == Problem(file=str(tmp_path / "bot.toml"), id="", reason="an odd file")
    named = told('error parsing value for field "assets"', TIGHTROPE_ASSETS="BTC,ETH", TIGHTROPE_POSTS="{}")
    assert (named.file, named.id) == ("environment", "TIGHTROPE_ASSETS")
    assert named.reason.startswith("not JSON: a list is written as")

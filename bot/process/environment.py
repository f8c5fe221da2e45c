"""The environment as settings are read from it: variables, the `.env` file beside the checkout, secrets in files."""

import stat
from collections.abc import Mapping, MutableMapping
from pathlib import Path

from pydantic_settings import BaseSettings, DotEnvSettingsSource, EnvSettingsSource, SettingsError

from bot.errors import Problem
from bot.given import Unreadable, read_given
from bot.playbook import CONFIG, ROOT, SHIPPED, read_file

ENV_FILE = (CONFIG if SHIPPED.is_dir() else ROOT) / ".env"
PREFIX = "TIGHTROPE_"
BETWEEN = "__"
LONGEST_SECRET = 2**20
PLAIN = range(0x21, 0x7F)
PRIVATE = stat.S_IRGRP | stat.S_IROTH


class _Nothing(BaseSettings):
    """Settings of which none is known."""


def read_env_file(path: Path = ENV_FILE) -> Mapping[str, str]:
    """The variables of a file such as .env.example, without the empty ones; none where there is no file. Raises
    ConfigError that names it."""
    if not path.is_file():
        return {}
    read_file(path)
    found = DotEnvSettingsSource(_Nothing, env_file=path, env_file_encoding="utf-8", case_sensitive=True)
    return {name: value for name, value in found.env_vars.items() if value}


def adopt_env_file(environment: MutableMapping[str, str], path: Path = ENV_FILE) -> None:
    """Take what the file says and the environment does not. Raises ConfigError."""
    for name, value in read_env_file(path).items():
        if not environment.get(name):
            environment[name] = value


def tell_env_file(environment: Mapping[str, str], path: Path = ENV_FILE) -> tuple[bool, str]:
    """Whether the file is as it should be, and what came from it: names, never values. Raises ConfigError."""
    found = read_env_file(path)
    if not path.is_file():
        return True, f"no {path}: secrets come from the environment alone"
    taken = sorted(name for name, value in found.items() if environment.get(name) == value)
    says = f"{path} sets {', '.join(taken) or 'nothing'}"
    if others := sorted(found.keys() - set(taken)):
        says += f"; the environment sets otherwise {', '.join(others)}"
    if path.stat().st_mode & PRIVATE:
        return False, f"{says}; others may read this file: chmod 600 {path}"
    return True, says


def read_secret(name: str, environment: Mapping[str, str], problems: list[Problem]) -> str | None:
    """A secret from NAME, or from the file named by NAME_FILE, which nobody else may read: printable ASCII on one
    line, as a token, a key or an address is. What is wrong goes to `problems`, without the secret."""
    if value := environment.get(name, "").strip():
        return _plain(value, "environment", name, problems)
    named = environment.get(f"{name}_FILE")
    if not named:
        return None
    path = Path(named)
    try:
        if path.stat().st_mode & PRIVATE:
            problems.append(
                Problem(file=named, id=f"{name}_FILE", reason="others may read this file: chmod 600 it")
            )
            return None
        held = read_given(path, LONGEST_SECRET)
    except Unreadable as error:
        problems.append(Problem(file=named, id=f"{name}_FILE", reason=f"cannot be read: {error.reason}"))
        return None
    except OSError as error:
        problems.append(Problem(file=named, id=f"{name}_FILE", reason=f"cannot be read: {error.strerror}"))
        return None
    # Latin-1 has a character for each byte: another encoding is told by characters that are not ASCII's.
    value = held.decode("latin-1").strip()
    return _plain(value, named, f"{name}_FILE", problems) if value else None


def _plain(value: str, where: str, name: str, problems: list[Problem]) -> str | None:
    wrong = next((number for number, one in enumerate(value, 1) if ord(one) not in PLAIN), None)
    if wrong is None:
        return value
    reason = (
        f"character {wrong} of {len(value)} is none of a secret's: one line of plain letters, digits and signs (ASCII),"
        " without spaces; paste it anew, and save a file as UTF-8 without a mark at its head"
    )
    problems.append(Problem(file=where, id=name, reason=reason))
    return None


class GivenEnvironment(EnvSettingsSource):
    """TIGHTROPE_<SECTION>__<KEY> out of a given mapping."""

    def __init__(self, settings: type[BaseSettings], given: Mapping[str, str]) -> None:
        self._given = given
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._given.items()}


def variable_of(where: tuple[int | str, ...], given: Mapping[str, str]) -> str | None:
    """The variable that sets what is at a place of the settings, such as ("posts", "locale"); None where the file
    does."""
    names = {name.upper(): name for name in given}
    for length in range(len(where), 0, -1):
        asked = PREFIX + BETWEEN.join(str(part) for part in where[:length]).upper()
        if asked in names:
            return names[asked]
    return None


def problem_of(error: SettingsError, given: Mapping[str, str]) -> Problem | None:
    """What cannot be read as a list or a table; None where the error is of something else."""
    for name in given:
        if name.upper().startswith(PREFIX) and f'"{name[len(PREFIX) :].lower()}"' in str(error).lower():
            reason = """not JSON: a list is written as '["BTC", "ETH"]'"""
            return Problem(file="environment", id=name, reason=reason)
    return None

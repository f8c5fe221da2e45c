"""Settings: config/bot.toml and the environment, frozen. An unknown key is an error, and all errors come at once."""

import re
import stat
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bot.errors import ConfigError, Problem

OFF = "off"
ADDRESS_WITH_PASSWORD = re.compile(r"://[^/@]*:[^/@]+@")
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Poll(_Section):
    """How often and how patiently venues are asked."""

    every_s: int = Field(300, ge=30, le=3600)
    jitter_s: int = Field(10, ge=0, le=120)
    deadline_s: float = Field(25, gt=0, le=120)
    history_days: int = Field(120, ge=60, le=3650)
    backfill_days: int = Field(90, ge=0, le=3650)
    back_after_s: int = Field(900, ge=0, le=86_400)


class Posts(_Section):
    """When and how the console and the page are posted to; servers have their own settings."""

    at: tuple[str, ...] = ("12:00",)
    zone: str = "UTC"
    length: Literal["short", "embed", "article"] = "embed"
    locale: str = "en"
    late_after_s: int = Field(600, ge=0)
    abreast: int = Field(20, ge=1, le=200)
    retry_s: int = Field(15, ge=1, le=600)
    weekly: str = "sunday 18:00"
    corrected_within_h: int = Field(72, ge=0, le=24 * 30)

    @field_validator("weekly")
    @classmethod
    def _day_and_time(cls, typed: str) -> str:
        day, _, time = typed.partition(" ")
        if typed != OFF and (day not in DAYS or cls._times_of_day((time,)) != (time,)):
            raise ValueError(f'{typed!r} is neither a day and a time, such as "sunday 18:00", nor "{OFF}"')
        return typed

    @property
    def weekly_slots(self) -> tuple[str, ...]:
        """The weekly review's time as a cron line; none where it is off."""
        if self.weekly == OFF:
            return ()
        day, _, time = self.weekly.partition(" ")
        hour, _, minute = time.partition(":")
        return (f"{int(minute)} {int(hour)} * * {DAYS.index(day)}",)

    @field_validator("at")
    @classmethod
    def _times_of_day(cls, times: tuple[str, ...]) -> tuple[str, ...]:
        for time in times:
            hour, _, minute = time.partition(":")
            if not (len(time) == 5 and hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60):
                raise ValueError(f"{time!r} is not a time of day; write it as 09:30")
        return times


class Watches(_Section):
    """How many watches a reader may set, how far behind its line one is armed again, how long it rests once it was told."""

    most: int = Field(5, ge=0, le=25)
    margin_pct: float = Field(5, ge=0, le=100)
    rest_s: int = Field(21_600, ge=0)


class Discord(_Section):
    """Which connections to Discord are this process's: all of them, unless several processes share them."""

    shard_count: int = Field(0, ge=0)
    shard_ids: tuple[int, ...] = ()

    @field_validator("shard_ids")
    @classmethod
    def _of_the_count(cls, ids: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        count = info.data.get("shard_count")
        if count is not None and any(not 0 <= one < count for one in ids):
            raise ValueError(f"shards are numbered from 0 to {count - 1}, for a shard_count of {count}")
        if len(set(ids)) < len(ids):
            raise ValueError("a shard is named twice")
        return ids

    @property
    def share(self) -> float:
        """How much of what Discord allows the bot in all is this process's."""
        return len(self.shard_ids) / self.shard_count if self.shard_ids else 1.0


class Page(_Section):
    """Where the page is served. Another address than loopback needs a password."""

    host: str = "127.0.0.1"
    port: int = Field(8737, ge=0, le=65535)
    password: SecretStr | None = None


class ArchiveSettings(_Section):
    """Where points, states and posts are kept, and for how long in which grain."""

    url: str = "sqlite+aiosqlite:///var/tightrope.sqlite"
    minutes_days: int = Field(14, ge=1)
    hours_days: int = Field(800, ge=90)


class Settings(BaseSettings):
    """All settings. Edges receive single values of it, never the whole."""

    model_config = SettingsConfigDict(
        env_prefix="TIGHTROPE_", env_nested_delimiter="__", frozen=True, extra="forbid", toml_file=None
    )

    assets: tuple[str, ...] = ("BTC", "ETH")
    sources: tuple[str, ...] = ("deribit",)
    surfaces: tuple[str, ...] = ("console", "preview")
    poll: Poll = Poll()
    posts: Posts = Posts()
    watches: Watches = Watches()
    page: Page = Page()
    discord: Discord = Discord()
    archive: ArchiveSettings = ArchiveSettings()
    discord_token: SecretStr | None = None
    keys: dict[str, SecretStr] = Field(default_factory=dict)

    @field_validator("assets")
    @classmethod
    def _assets(cls, assets: tuple[str, ...]) -> tuple[str, ...]:
        if not assets or any(not asset.isalnum() or asset != asset.upper() for asset in assets):
            raise ValueError("name at least one asset, in capitals, such as BTC")
        return assets

    @property
    def late_after(self) -> timedelta:
        """When a post counts as late."""
        return timedelta(seconds=self.posts.late_after_s)


def load(folder: Path, environment: dict[str, str]) -> Settings:
    """Settings from `folder`/bot.toml under the environment's. Raises ConfigError with every problem found."""
    path = folder / "bot.toml"
    problems = _secrets_in(path)
    given: dict[str, Any] = {}
    if token := _secret("DISCORD_TOKEN", environment, problems):
        given["discord_token"] = token
    if url := environment.get("DATABASE_URL"):
        given["archive"] = {"url": url}
    keys = {}
    for name in ("COINGLASS", "COINALYZE"):
        if key := _secret(f"{name}_KEY", environment, problems):
            keys[name.lower()] = key
    given["keys"] = keys

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource, dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:  # fmt: skip
            return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    try:
        settings = FromFile(**given)
    except ValidationError as error:
        problems += [
            Problem(
                file=str(path), id=".".join(str(part) for part in one["loc"]), reason=_reason(one["type"], one["msg"])
            )
            for one in error.errors()
        ]
    except ValueError as error:  # a TOML file that cannot be read at all
        problems.append(Problem(file=str(path), id="", reason=str(error)))
    else:
        if not problems:
            return settings
    raise ConfigError(problems)


def _secrets_in(path: Path) -> list[Problem]:
    """The secrets that stand in the file, where they would be kept and shown with it."""
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # told where the settings are read
        return []
    page, archive = (one if isinstance(one := told.get(name), dict) else {} for name in ("page", "archive"))
    found = {
        "discord_token": "discord_token" in told,
        "keys": "keys" in told,
        "page.password": "password" in page,
        "archive.url": ADDRESS_WITH_PASSWORD.search(str(archive.get("url", ""))) is not None,
    }
    reason = "a secret belongs in the environment, or in a file that only you may read (.env.example)"
    return [Problem(file=str(path), id=name, reason=reason) for name, stands in found.items() if stands]


def _reason(kind: str, message: str) -> str:
    return "unknown key: remove it or mend its spelling" if kind == "extra_forbidden" else message


def _secret(name: str, environment: dict[str, str], problems: list[Problem]) -> str | None:
    """A secret from NAME, or from the file named by NAME_FILE, which nobody else may read."""
    if value := environment.get(name):
        return value.strip() or None
    named = environment.get(f"{name}_FILE")
    if not named:
        return None
    path = Path(named)
    try:
        if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
            problems.append(Problem(file=named, id=f"{name}_FILE", reason="others may read this file: chmod 600 it"))
            return None
        return path.read_text(encoding="utf-8").strip() or None
    except OSError as error:
        problems.append(Problem(file=named, id=f"{name}_FILE", reason=f"cannot be read: {error.strerror}"))
        return None

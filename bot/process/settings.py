"""Settings: config/bot.toml and the environment, frozen. An unknown key is an error, and all errors come at
once."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote
from zoneinfo import ZoneInfo

from msgspec.structs import replace
from pydantic import (
    AliasChoices,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from bot import sources as venues
from bot.delivery.webhook.hooks import Hook, read_hook
from bot.domain.files import problems_in, read_tables
from bot.errors import ConfigError, InputError, Problem
from bot.playbook import locales_in, read_file
from bot.process.environment import GivenEnvironment, problem_of, read_secret, variable_of

OFF = "off"
LANGUAGES: ContextVar[tuple[str, ...]] = ContextVar("languages", default=())
"""Those of the config folder that is being read."""
SURFACES = ("console", "preview")  # discord joins by itself where a token is set
PASSWORD_OPTION = re.compile(r"[?&]password=([^&]*)")
DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Poll(_Section):
    """How often and how patiently venues are asked."""

    every_s: int = Field(300, ge=30, le=3600)
    jitter_s: int = Field(10, ge=0, le=120)
    deadline_s: float = Field(25, gt=0, le=120)
    history_days: int = Field(400, ge=60, le=3650)
    backfill_days: int = Field(365, ge=0, le=3650)
    back_after_s: int = Field(900, ge=0, le=86_400)


class Posts(_Section):
    """When and how the console and the page are posted to; servers have their own settings."""

    at: tuple[str, ...] = ("12:00",)
    zone: str = "UTC"
    length: Literal["short", "embed", "article"] = "embed"
    locale: str = "en"
    late_after_s: int = Field(600, ge=0)
    concurrency: int = Field(20, ge=1, le=200, validation_alias=AliasChoices("concurrency", "abreast"))
    retry_s: int = Field(15, ge=1, le=600)
    worth_h: int = Field(24, ge=1, le=24 * 7)
    news_worth_h: int = Field(6, ge=1, le=24 * 7)
    weekly: str = "sunday 18:00"
    corrected_within_h: int = Field(72, ge=0, le=24 * 30)

    @field_validator("weekly")
    @classmethod
    def _day_and_time(cls, typed: str) -> str:
        day, _, time = typed.partition(" ")
        if typed != OFF and (day not in DAYS or cls._times_of_day((time,)) != (time,)):
            raise ValueError(f'{typed!r} is neither a day and a time, such as "sunday 18:00", nor "{OFF}"')
        return typed

    @field_validator("locale")
    @classmethod
    def _spoken(cls, locale: str) -> str:
        languages = LANGUAGES.get()
        if languages and locale not in languages:
            raise ValueError(f"there are no phrases for {locale!r}; known are {', '.join(languages)}")
        return locale

    @field_validator("zone")
    @classmethod
    def _of_the_world(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{zone!r} is not a time zone of the world, such as Europe/Berlin") from error
        return zone

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
            if not (
                len(time) == 5 and hour.isdigit() and minute.isdigit() and int(hour) < 24 and int(minute) < 60
            ):
                raise ValueError(f"{time!r} is not a time of day; write it as 09:30")
        return times


class Watches(_Section):
    """How many watches a reader may set, how far behind its line one is armed again, how long it rests once
    it was told."""

    most: int = Field(5, ge=0, le=25)
    margin_pct: float = Field(5, ge=0, le=100)
    rest_s: int = Field(21_600, ge=0)


class Discord(_Section):
    """Which connections to Discord are this process's: all of them, unless several processes share them."""

    shard_count: int = Field(0, ge=0)
    shard_ids: tuple[int, ...] = ()
    application: str = Field("", pattern=r"^\d*$")

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


class PageSettings(_Section):
    """Where the page is served. Another address than loopback needs a password; `names` are those that it may
    be asked by there, beside its address and names without a dot."""

    host: str = "127.0.0.1"
    port: int = Field(8737, ge=0, le=65535)
    password: SecretStr | None = None
    names: tuple[str, ...] = ()


class ArchiveSettings(_Section):
    """Where points, states and posts are kept, and for how long in which grain."""

    url: SecretStr = SecretStr("sqlite+aiosqlite:///var/tightrope.sqlite")
    minutes_days: int = Field(14, ge=1)
    hours_days: int = Field(800, ge=90)

    @property
    def address(self) -> str:
        """Where the database is, without user, password and options: what may be shown."""
        scheme, _, rest = self.url.get_secret_value().partition("://")
        return f"{scheme}://{rest if _is_file(scheme) else rest.partition('?')[0].rpartition('@')[2]}"

    @property
    def passwords(self) -> tuple[str, ...]:
        """The password in the database's address, as it is written there and as it is meant."""
        scheme, _, rest = self.url.get_secret_value().partition("://")
        if _is_file(scheme):
            return ()
        # Up to the first @ as the address is read, up to the last one as it may have been meant.
        users = (rest.partition("?")[0].rpartition("@")[0], rest.partition("@")[0] if "@" in rest else "")
        written = [*(user.partition(":")[2] for user in users), *PASSWORD_OPTION.findall(rest)]
        return tuple(dict.fromkeys(form for one in written if one for form in (one, unquote(one))))


class Settings(BaseSettings):
    """All settings. Edges receive single values of it, never the whole."""

    model_config = SettingsConfigDict(
        env_prefix="TIGHTROPE_", env_nested_delimiter="__", frozen=True, extra="forbid", toml_file=None
    )

    assets: tuple[str, ...] = ("BTC", "ETH")
    closed: dict[str, AwareDatetime] = {"bitmex": datetime(2026, 9, 23, 4, tzinfo=UTC)}
    sources: tuple[str, ...] = ("deribit",)
    surfaces: tuple[str, ...] = ("console", "preview")
    poll: Poll = Poll()
    posts: Posts = Posts()
    watches: Watches = Watches()
    page: PageSettings = PageSettings()
    discord: Discord = Discord()
    archive: ArchiveSettings = ArchiveSettings()
    discord_token: SecretStr | None = None
    keys: dict[str, SecretStr] = Field(default_factory=dict)
    webhooks: tuple[SecretStr, ...] = ()

    @property
    def hooks(self) -> tuple[Hook, ...]:
        """The webhooks that are posted to, each once."""
        found = [read_hook(url.get_secret_value()) for url in self.webhooks]
        return tuple({hook.channel: hook for hook in found if hook is not None}.values())

    def closed_at(self, at: datetime) -> Mapping[str, datetime]:
        """The sources that are gone at a time, and since when: no poll asks them, and nothing counts them."""
        return {name: since for name, since in sorted(self.closed.items()) if since <= at}

    def describe(self) -> Mapping[str, str]:
        """Every setting by its name ("poll.every_s"), as words; of a secret only whether it is set."""
        return dict(_flat("", self.model_dump()))

    @field_validator("assets", "sources", "surfaces")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        """A source that is asked twice would be counted twice."""
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} stands there more than once")
        return names

    @field_validator("assets")
    @classmethod
    def _assets(cls, assets: tuple[str, ...]) -> tuple[str, ...]:
        if not assets or any(not (one.isascii() and one.isalnum()) or one != one.upper() for one in assets):
            raise ValueError("name at least one asset, in capitals, such as BTC")
        return assets

    @field_validator("sources")
    @classmethod
    def _known_sources(cls, names: tuple[str, ...], told: ValidationInfo) -> tuple[str, ...]:
        """What is gone may still stand in a file of the time before: it is not asked."""
        if unknown := sorted(set(names) - set(venues.names()) - set(told.data.get("closed", ()))):
            raise ValueError(f"there is no {', '.join(unknown)}; known are {', '.join(venues.names())}")
        return names

    @field_validator("surfaces")
    @classmethod
    def _known_surfaces(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := sorted(set(names) - set(SURFACES)):
            more = "; discord joins by itself where DISCORD_TOKEN is set" if "discord" in unknown else ""
            raise ValueError(f"there is no {', '.join(unknown)}; known are {', '.join(SURFACES)}{more}")
        return names

    @property
    def late_after(self) -> timedelta:
        """When a post counts as late."""
        return timedelta(seconds=self.posts.late_after_s)


def _flat(prefix: str, value: object) -> Iterator[tuple[str, str]]:
    """The leaves of nested settings, by dotted name."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else str(name), inner)
    elif isinstance(value, SecretStr):
        yield prefix, "***"
    elif isinstance(value, tuple | list):
        yield prefix, ", ".join(str(one) for one in value)
    else:
        yield prefix, "–" if value is None else str(value)


def load(folder: Path, environment: Mapping[str, str]) -> Settings:
    """Settings from `folder`/bot.toml under the environment's. Raises ConfigError with every problem
    found."""
    path = folder / "bot.toml"
    problems = _secrets_in(path)
    given: dict[str, Any] = {}
    if token := read_secret("DISCORD_TOKEN", environment, problems):
        given["discord_token"] = token
    if url := read_secret("DATABASE_URL", environment, problems):
        given["archive"] = {"url": url}
    keys = {}
    for name in ("COINGLASS", "COINALYZE", "FRED"):
        if key := read_secret(f"{name}_KEY", environment, problems):
            keys[name.lower()] = key
    given["keys"] = keys
    if urls := read_secret("WEBHOOK_URLS", environment, problems):
        given["webhooks"] = _webhooks(urls, problems)

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=path)

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            given_settings = GivenEnvironment(settings_cls, environment)
            return init_settings, given_settings, TomlConfigSettingsSource(settings_cls)

    languages = LANGUAGES.set(locales_in(folder))
    try:
        return _checked(partial(FromFile, **given), path, environment, problems)
    finally:
        LANGUAGES.reset(languages)


def _webhooks(urls: str, problems: list[Problem]) -> tuple[str, ...]:
    """The addresses of webhooks, which commas part; one that is none goes to `problems`, without it."""
    found = tuple(url for url in urls.split(",") if url)
    for number, url in enumerate(found, 1):
        if read_hook(url) is None:
            reason = (
                f"address {number} is no webhook of Discord or Slack (https://discord.com/api/webhooks/…)"
            )
            problems.append(Problem(file="environment", id="WEBHOOK_URLS", reason=reason))
    return found


def _checked(
    make: Callable[[], Settings], path: Path, environment: Mapping[str, str], problems: list[Problem]
) -> Settings:
    """The settings, where nothing is wrong with them and nothing was before. Raises ConfigError."""
    try:
        if path.exists():
            read_tables(read_file(path), str(path))
        settings = make()
    except ConfigError as error:
        problems += error.problems
    except ValidationError as error:
        problems += _found(error, path, environment)
    except SettingsError as error:
        problems.append(problem_of(error, environment) or Problem(file=str(path), id="", reason=str(error)))
    else:
        if not problems:
            return settings
    raise ConfigError(problems)


def _found(error: ValidationError, path: Path, environment: Mapping[str, str]) -> Iterator[Problem]:
    """Each problem where it can be mended: the file's with its key, or the environment's with its variable."""
    told = [problem["loc"] for problem in error.errors()]
    for problem, where in zip(problems_in(error, str(path), secret=True), told, strict=True):
        reason = problem.reason.removeprefix("Value error, ")
        variable = variable_of(where, environment)
        if variable is None:
            yield replace(problem, reason=reason)
        else:
            yield Problem(file="environment", id=variable, reason=reason)


def read_target(url: str | None, environment: Mapping[str, str]) -> str:
    """The address of the database to move to: from the command line where it holds no password, else from
    NEW_DATABASE_URL or the file named by NEW_DATABASE_URL_FILE. Raises ConfigError, InputError."""
    if url is not None and ArchiveSettings(url=SecretStr(url)).passwords:
        raise InputError(
            "the new database's address holds a password, which everybody sees who lists this machine's processes:"
            " put it into NEW_DATABASE_URL, or into a file named by NEW_DATABASE_URL_FILE, and run"
            " `./tightrope migrate-to` without it"
        )
    problems: list[Problem] = []
    found = url or read_secret("NEW_DATABASE_URL", environment, problems)
    if problems:
        raise ConfigError(problems)
    if not found:
        raise InputError("where to? name the new database, or set NEW_DATABASE_URL or NEW_DATABASE_URL_FILE")
    return found


def _is_file(scheme: str) -> bool:
    return scheme.startswith("sqlite")


def _secrets_in(path: Path) -> list[Problem]:
    """The secrets that stand in the file, where they would be kept and shown with it."""
    try:
        told = read_tables(read_file(path), str(path))
    except ConfigError:  # told where the settings are read
        return []
    page, archive = (one if isinstance(one := told.get(name), dict) else {} for name in ("page", "archive"))
    found = {
        "discord_token": "discord_token" in told,
        "keys": "keys" in told,
        "webhooks": "webhooks" in told,
        "page.password": "password" in page,
        "archive.url": bool(ArchiveSettings(url=SecretStr(str(archive.get("url", "")))).passwords),
    }
    reason = "a secret belongs in the environment, or in a file that only you may read (.env.example)"
    return [Problem(file=str(path), id=name, reason=reason) for name, stands in found.items() if stands]

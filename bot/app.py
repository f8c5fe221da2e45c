"""The composition root: reads files, builds every part, starts and stops them. Nothing else builds anything."""

import asyncio
import contextlib
import hashlib
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from rich.console import Console as Terminal

from bot import commentary, metrics, rules, sources
from bot.archive import SqlArchive, open_archive
from bot.delivery.console import Console
from bot.delivery.preview import Preview
from bot.desk import Agenda, Desk, Habits
from bot.domain.playbook import Playbook
from bot.domain.posts import Profile, Subscription
from bot.errors import ArchiveError, ConfigError, Problem
from bot.metrics import CATALOG
from bot.ports import Clock, Source, Surface
from bot.schedule import Schedule, TapeClock, slots_between
from bot.settings import Settings
from bot.sources._http import Http
from bot.sources._tape import Tape, TapeTransport
from bot.sources._tape import parse as parse_tape

log = structlog.get_logger()

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config"


class SystemClock:
    """The machine's clock, in UTC."""

    def now(self) -> datetime:
        """This moment."""
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A running bot's parts, for who starts it."""

    desk: Desk
    archive: SqlArchive
    clock: Clock
    schedule: Schedule
    preview: Preview
    http: Http


def read_folder(folder: Path, suffix: str = ".toml") -> Mapping[str, str]:
    """The texts of a folder's files by name, in alphabetical order."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"*{suffix}"))}


def read_playbook(config: Path = CONFIG) -> Playbook:
    """Catalog, rules, phrases and treasuries of a config folder. Raises ConfigError with every problem of every file."""
    problems: list[Problem] = []
    try:
        book = rules.parse(read_folder(config / "rules"), CATALOG)
    except ConfigError as error:
        raise ConfigError([*error.problems, *problems]) from error
    banks = {}
    for folder in sorted(path for path in (config / "phrases").iterdir() if path.is_dir()):
        try:
            banks[folder.name] = commentary.parse(read_folder(folder), folder.name, CATALOG, book)
        except ConfigError as error:
            problems += error.problems
    treasuries = config / "treasuries.toml"
    holdings = ()
    if treasuries.exists():
        try:
            holdings = metrics.parse_holdings(treasuries.read_text(encoding="utf-8"))
        except ConfigError as error:
            problems += error.problems
    if "en" not in banks and not problems:
        problems.append(Problem(file=str(config / "phrases"), id="en", reason="the English phrases are missing"))
    if problems:
        raise ConfigError(problems)
    editions = [book.hash, *(banks[locale].hash for locale in sorted(banks))]
    return Playbook(
        catalog=CATALOG, rules=book, banks=banks, holdings=holdings,
        hash=hashlib.sha256(" ".join(editions).encode()).hexdigest()[:12],
    )  # fmt: skip


def read_tape(name: str, config: Path = CONFIG) -> Tape:
    """A tape of config/tapes. Raises ConfigError."""
    folder = config / "tapes" / name
    if not folder.is_dir():
        known = ", ".join(sorted(path.name for path in (config / "tapes").iterdir()))
        raise ConfigError([Problem(file=str(folder), id=name, reason=f"no such tape: there is {known}")])
    return parse_tape({path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())})


def build_sources(settings: Settings, http: Http) -> list[Source]:
    """The sources that bot.toml names, in its order; a vendor without a key is left out. Raises ConfigError."""
    known, problems, built = sources.available(), [], []
    for name in settings.sources:
        if name not in known:
            listed = ", ".join(sorted(known))
            problems.append(Problem(file="bot.toml", id=f"sources.{name}", reason=f"no such source: there are {listed}"))
            continue
        key = settings.keys.get(name)
        if known[name].NEEDS_KEY and key is None:
            log.info("source.off", source=name, reason=f"{name.upper()}_KEY is not set")
            continue
        built.append(known[name](http, key=key.get_secret_value() if key else None))
    if problems:
        raise ConfigError(problems)
    return built


@asynccontextmanager
async def house(
    settings: Settings, playbook: Playbook, *, terminal: Terminal, tape: Tape | None = None
) -> AsyncIterator[House]:
    """All parts, built and opened; closed on leaving. With a tape: its clock, its transport, its post times, no file."""
    clock: Clock = TapeClock(tape.moments[0]) if tape else SystemClock()
    transport = TapeTransport(tape, clock.now, venues=settings.sources) if tape else None
    async with contextlib.AsyncExitStack() as stack:
        archive = await open_archive("sqlite+aiosqlite://" if tape else settings.archive.url)
        stack.push_async_callback(archive.aclose)
        http = Http(transport=transport, now=clock.now)
        stack.push_async_callback(http.aclose)
        preview = Preview()
        surfaces: dict[str, Surface] = {"console": Console(terminal), "preview": preview}
        desk = Desk(
            clock=clock,
            archive=archive,
            sources=build_sources(settings, http),
            playbook=playbook,
            surfaces=surfaces,
            habits=habits(settings),
            agenda=_tape_agenda(tape, archive) if tape else _agenda(archive, settings),
        )
        await _subscribe(archive, settings, clock.now())
        schedule = Schedule(clock)
        yield House(desk=desk, archive=archive, clock=clock, schedule=schedule, preview=preview, http=http)


def habits(settings: Settings) -> Habits:
    """The desk's numbers, out of the settings."""
    return Habits(
        assets=settings.assets,
        deadline=timedelta(seconds=settings.poll.deadline_s),
        late_after=settings.late_after,
        history=timedelta(days=settings.poll.history_days),
        abreast=settings.posts.abreast,
    )

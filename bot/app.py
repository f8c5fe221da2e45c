"""The composition root: reads files, builds every part, starts and stops them. Nothing else builds anything."""

import asyncio
import io
import os
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import structlog
from aiohttp.web import RouteDef
from rich.console import Console as Terminal

from bot import metrics, sources
from bot.archive import Slots, SqlArchive, open_archive
from bot.archive import move as move_archive
from bot.archive import restore as restore_archive
from bot.backfill import Filled, Step, fill
from bot.charts import PngPainter
from bot.check import Report, check
from bot.commands.summary import Summaries
from bot.delivery.console import Console
from bot.delivery.preview import Preview, ask_health, ask_reload, serve
from bot.desk import Desk, Habits
from bot.doctor import NO_TOKEN, Diagnosis, compare_clocks, look_at_archive, look_at_sources
from bot.domain.facts import Facts
from bot.domain.playbook import Playbook
from bot.domain.posts import Post, Profile, Subscription
from bot.domain.readings import Snapshot
from bot.errors import ArchiveError, ConfigError, InputError, Problem, SourceError, TightropeError
from bot.notices import Notices
from bot.pictures import Pictures
from bot.playbook import parse_playbook
from bot.ports import Clock, Source, Surface
from bot.schedule import Schedule, SystemClock, TapeClock, slots_between, until_stopped
from bot.settings import Settings
from bot.sources import deribit
from bot.sources._http import Http, Transport
from bot.sources._tape import ON_THE_TAPE, TapeTransport
from bot.sources._tape_table import Tape
from bot.sources._tape_table import parse as parse_tape
from bot.watches import Watching

log = structlog.get_logger()

ROOT = Path(__file__).resolve().parent.parent
CONFIG = ROOT / "config"
WARM_AFTER_S = 60.0  # a start that takes no second and no memory for pictures; who asks before waits for them
EQUIVALENT = "equivalent.toml"  # beside the cases: mutants that no case can tell apart


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A running bot's parts, for who starts it."""

    desk: Desk
    archive: SqlArchive
    clock: Clock
    schedule: Schedule
    preview: Preview
    http: Http
    listening: tuple[sources.Listens, ...] = ()


class _Shared(SqlArchive):
    """The archive where several processes send: what is unsent is claimed, and nobody else's until the lease ends."""

    async def unsent(self, surface: str) -> Sequence[Post]:
        """Claimed posts of one surface, oldest first."""
        return await self.claim(surface, worker=f"{socket.gethostname()}:{os.getpid()}", at=datetime.now(UTC))


def read_folder(folder: Path, suffix: str = ".toml") -> Mapping[str, str]:
    """The texts of a folder's files by name, in alphabetical order."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob(f"*{suffix}"))}


def read_playbook(config: Path = CONFIG) -> Playbook:
    """Catalog, rules, phrases and treasuries of a config folder. Raises ConfigError with every problem of every file."""
    folders = [config / "rules", *sorted(path for path in (config / "phrases").iterdir() if path.is_dir())]
    texts = {
        f"{folder.relative_to(config).as_posix()}/{name}": text
        for folder in folders
        for name, text in read_folder(folder).items()
    }
    alone = [config / name for name in ("treasuries.toml", "record.toml")]
    texts |= {path.name: path.read_text(encoding="utf-8") for path in alone if path.exists()}
    return parse_playbook(texts)


def read_tape(name: str, config: Path = CONFIG) -> Tape:
    """A tape of config/tapes. Raises ConfigError."""
    folder = config / "tapes" / name
    if not folder.is_dir():
        known = ", ".join(sorted(path.name for path in (config / "tapes").iterdir()))
        raise ConfigError([Problem(file=str(folder), id=name, reason=f"no such tape: there is {known}")])
    return parse_tape({path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())})


def build_sources(settings: Settings, http: Http, *, any_key: str | None = None) -> list[Source]:
    """The sources that bot.toml names, in its order; a vendor without a key is left out, unless `any_key` serves all (a
    tape asks for none). Raises ConfigError."""
    problems: list[Problem] = []
    built: list[Source] = []
    for name in settings.sources:
        try:
            source = sources.load(name)
        except ConfigError as error:
            problems += error.problems
            continue
        given = settings.keys.get(name)
        key = given.get_secret_value() if given else any_key
        if source.NEEDS_KEY and key is None:
            log.info("source.off", source=name, reason=f"{name.upper()}_KEY is not set")
            continue
        built.append(source(http, key=key))
    if problems:
        raise ConfigError(problems)
    return built


@asynccontextmanager
async def house(
    settings: Settings, playbook: Playbook, *, terminal: Terminal, tape: Tape | None = None,
    transport: Transport | None = None, alone: bool = True, url: str | None = None,
) -> AsyncIterator[House]:  # fmt: skip
    """All parts, built and opened; closed on leaving. With a tape: its clock, its transport, its post times, no file, unless
    `transport` and `url` say otherwise. Not `alone`, the outbox is shared: posts are claimed before they are sent."""
    clock: Clock = TapeClock(tape.starts_at) if tape else SystemClock()
    async with AsyncExitStack() as stack:
        archive = await open_archive(url or ("sqlite://" if tape else settings.archive.url))
        archive = archive if alone else _Shared(archive.database)
        stack.push_async_callback(archive.aclose)
        if tape and transport is None:
            transport = TapeTransport(tape, clock.now, venues=settings.sources)
        http = await stack.enter_async_context(Http(transport=transport, now=clock.now))
        preview = Preview()
        painter = PngPainter()
        stack.callback(painter.close)
        warming = asyncio.get_running_loop().call_later(WARM_AFTER_S, painter.warm)
        stack.callback(warming.cancel)
        pictures = Pictures(painter, surfaces=("discord",))
        offered: dict[str, Surface] = {"console": Console(terminal), "preview": preview}
        built = build_sources(settings, http, any_key=tape.name if tape else None)
        built = [source for source in built if not tape or source.name in ON_THE_TAPE]
        listening = tuple(source for source in built if isinstance(source, sources.Listens))
        for source in listening:
            stack.push_async_callback(source.stop)
        slots = partial(_tape_slots, tape) if tape else slots_between
        desk = Desk(
            clock=clock,
            archive=archive,
            sources=built,
            playbook=playbook,
            surfaces={name: offered[name] for name in settings.surfaces if name in offered},
            habits=_habits(settings),
            pictures=pictures,
            agenda=partial(archive.due, slots=slots),
            budgets=http.usage,
            notices=Notices.of(
                archive,
                due=partial(archive.due_weekly, slots=slots_between, times=settings.posts.weekly_slots),
                hold=timedelta(seconds=settings.poll.back_after_s),
                late_after=settings.late_after,
                within=timedelta(hours=settings.posts.corrected_within_h),
                history=_habits(settings).history,
            ),
        )
        pictures.of_post = partial(Summaries(), desk)
        desk.upcoming = partial(_next_post, archive, slots)
        await _follow(archive, settings, clock.now())
        yield House(
            desk=desk, archive=archive, clock=clock, schedule=Schedule(clock), preview=preview, http=http,
            listening=listening,
        )  # fmt: skip


async def demo(
    settings: Settings, playbook: Playbook, tape: Tape, terminal: Terminal, *,
    once: bool = False, speed: float = 6.0, port: int | None = None,
) -> None:  # fmt: skip
    """Play a tape through the whole bot. `speed` is in hours of the tape a second; with `once` as fast as it goes, without
    a page, and only the asset that is posted: nobody can ask about the others."""
    if once:
        settings = settings.model_copy(update={"assets": settings.assets[:1], "surfaces": ("console",)})
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(house(settings, playbook, terminal=terminal, tape=tape))
        if not once:
            chosen = settings.page.port if port is None else port
            await stack.enter_async_context(page(parts, settings, terminal, port=chosen))
        if once:
            await play(parts, settings, tape)
        else:
            await until_stopped(play(parts, settings, tape, speed))


def read_recording(folder: Path, asset: str) -> Snapshot:
    """The snapshot in a folder of recorded Deribit replies. Raises SourceError, InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    return deribit.read_recording({path.name: path.read_bytes() for path in sorted(folder.glob("*.json"))}, asset)


def recorded_facts(folder: Path, asset: str, playbook: Playbook) -> Facts:
    """What a recording tells, without history."""
    return metrics.observe(read_recording(folder, asset), metrics.History.empty(asset), playbook.catalog).facts


async def backfill(settings: Settings, playbook: Playbook, days: int, step: Step) -> Filled:
    """Fill the archive with the venues' own past; see `fill`. Raises ArchiveError."""
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO())) as parts:
        return await fill(parts.desk, days, step)


async def live_facts(settings: Settings, playbook: Playbook, asset: str) -> Facts:
    """What the venues and the archive tell of an asset now. Stores and posts nothing. Raises InputError."""
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO())) as parts:
        return await parts.desk.look(parts.desk.asset(asset), parts.clock.now())


def check_config(playbook: Playbook, config: Path, cases: Path) -> Report:
    """Everything that an operator edits, checked. Raises ConfigError with what cannot be read."""
    tapes = [read_tape(path.name, config) for path in sorted((config / "tapes").iterdir()) if path.is_dir()]
    told = read_folder(cases) if cases.is_dir() else {}
    report = check(playbook, {name: text for name, text in told.items() if name != EQUIVALENT})
    moments = tuple(f"tape {tape.name}: {len(tape.moments)} moments" for tape in tapes)
    return replace(report, checked=("bot.toml", *report.checked, *moments))


async def doctor(settings: Settings, playbook: Playbook) -> Sequence[Diagnosis]:
    """Token, archive, sources and clock, looked at once. Stores and posts nothing."""
    token = settings.discord_token
    found = [await _on_discord(token.get_secret_value())] if token else [NO_TOKEN]
    try:
        async with house(settings, playbook, terminal=Terminal(file=io.StringIO())) as parts:
            found.append(await look_at_archive(parts.archive, without_secret(settings.archive.url)))
            found += await look_at_sources(parts.desk, parts.clock.now())
            found.append(await _look_at_clock(parts.http))
    except ArchiveError as error:
        found.append(Diagnosis(what="archive", well=False, says=str(error)))
    return found


def without_secret(url: str) -> str:
    """A database address without its user and password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def password_of(url: str) -> str | None:
    """The password in a database address."""
    return urlsplit(url).password


async def _on_discord(token: str) -> Diagnosis:
    from bot.delivery.discord.doctor import look_at_token  # discord.py takes 0.4 s to import

    well, says = await look_at_token(token)
    return Diagnosis(what="discord", well=well, says=says)


async def _look_at_clock(http: Http) -> Diagnosis:
    try:
        reply = await http.get(f"https://{deribit.HOST}/api/v2/public/get_time", subject="deribit time")
    except SourceError as error:
        return Diagnosis(what="clock", well=False, says=f"nothing to compare it with: {error}")
    return compare_clocks(reply.heard_at, reply.dated_at)


async def backup(settings: Settings, to: Path) -> None:
    """A checked copy of the archive, made while the bot runs. Raises ArchiveError."""
    archive = await open_archive(settings.archive.url)
    try:
        await archive.backup(to)
    finally:
        await archive.aclose()


async def restore(settings: Settings, source: Path) -> Path | None:
    """Put a backup in the archive's place; where the old one went. Raises ArchiveError."""
    return await restore_archive(source, settings.archive.url)


async def migrate_to(settings: Settings, url: str) -> Mapping[str, int]:
    """Copy the archive to another database: rows by table. Raises ArchiveError."""
    return await move_archive(settings.archive.url, url)


async def health(settings: Settings) -> tuple[bool, str]:
    """What the running bot's page says of itself."""
    return await ask_health(settings.page.host, settings.page.port)


async def reload(settings: Settings) -> tuple[bool, str]:
    """Ask the running bot to read its files anew: whether it did, and what it says."""
    password = settings.page.password.get_secret_value() if settings.page.password else None
    return await ask_reload(settings.page.host, settings.page.port, password)


async def play(parts: House, settings: Settings, tape: Tape, speed: float | None = None) -> None:
    """Step through the tape, at `speed` hours a second or (None) as fast as it goes. Raises TightropeError where a poll
    failed."""
    for asset in settings.assets:
        since = tape.starts_at - timedelta(days=settings.poll.backfill_days)
        await parts.desk.backfill(asset, since, tape.starts_at)
    parts.schedule.moments("poll", [moment.at for moment in tape.moments], partial(poll_all, parts))
    before = tape.starts_at
    for moment in tape.moments:
        if speed is not None:
            await asyncio.sleep((moment.at - before).total_seconds() / 3600 / speed)
        await parts.schedule.step_to(moment.at)
        before = moment.at
        for name, ran in parts.schedule.runs.items():
            if ran.failure:
                raise TightropeError(f"{tape.name} at {moment.at.isoformat()}: {name}: {ran.failure}")


async def poll_all(parts: House, at: datetime) -> None:
    """One poll of every asset, one after the other."""
    for asset in parts.desk.assets:
        await parts.desk.poll(asset, at)


@asynccontextmanager
async def page(
    parts: House, settings: Settings, terminal: Terminal, *, port: int | None = None,
    beside: Sequence[RouteDef] = (),
) -> AsyncIterator[None]:  # fmt: skip
    """The page, served while the block runs. Raises ConfigError where its address cannot be used."""
    password = settings.page.password.get_secret_value() if settings.page.password else None
    chosen = settings.page.port if port is None else port
    host = settings.page.host
    profile = Profile(locale=settings.posts.locale, length=settings.posts.length)
    serving = serve(
        parts.desk, parts.preview, host=host, port=chosen, password=password, beside=beside, profile=profile
    )
    async with serving as address:
        terminal.print(f"The page is at {address}", highlight=False)
        yield


async def _follow(archive: SqlArchive, settings: Settings, at: datetime) -> None:
    """The console and the page follow the first asset, as bot.toml says; a change there takes hold at the next start."""
    profile = Profile(locale=settings.posts.locale, length=settings.posts.length)
    for surface in ("console", "preview"):
        channel = f"{surface}:"
        if surface not in settings.surfaces:
            await archive.unsubscribe(channel)
            continue
        known = await archive.subscriptions(channel=channel)
        wish = Subscription(
            channel=channel, asset=settings.assets[0], created_at=known[0].created_at if known else at, profile=profile,
            post_at=settings.posts.at, zone=settings.posts.zone, last_slot_at=known[0].last_slot_at if known else None,
        )  # fmt: skip
        await archive.subscribe(wish)


async def _next_post(archive: SqlArchive, slots: Slots, channel: str, at: datetime) -> datetime | None:
    """When a channel's next scheduled post is due, of whatever asset, within the week; None where it is paused or has none."""
    wishes = [wish for wish in await archive.subscriptions(channel=channel) if wish.paused_at is None]
    coming = [slots(wish.post_at, wish.zone, at, at + timedelta(days=8)) for wish in wishes]
    return min((found[0] for found in coming if found), default=None)


def _tape_slots(tape: Tape, post_at: Sequence[str], zone: str, since: datetime, until: datetime) -> Sequence[datetime]:
    """A tape's own post times take the place of the settings'."""
    return [at for at in tape.post_times if since < at <= until]


def _habits(settings: Settings) -> Habits:
    return Habits(
        assets=settings.assets,
        deadline=timedelta(seconds=settings.poll.deadline_s),
        late_after=settings.late_after,
        history=timedelta(days=settings.poll.history_days),
        abreast=settings.posts.abreast,
        watching=Watching(
            most=settings.watches.most,
            margin_pct=settings.watches.margin_pct,
            rest=timedelta(seconds=settings.watches.rest_s),
        ),
    )

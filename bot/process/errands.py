"""What one command asks of an installation and then is done: recordings, the doctor, backfills, backups, moves. A start of
the bot needs none of it."""

import asyncio
import io
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from rich.console import Console as Terminal

from bot import metrics
from bot.archive import move as move_archive
from bot.archive import open_archive
from bot.archive import restore as restore_archive
from bot.archive.remembered import keep_shapes, last_shapes
from bot.delivery.api import ApiClient
from bot.delivery.preview import page_address
from bot.desk.filler import Step
from bot.domain.audit import AuditReport
from bot.domain.facts import Facts
from bot.domain.playbook import Playbook
from bot.domain.readings import Snapshot
from bot.errors import ArchiveError, InputError
from bot.given import read_given
from bot.playbook import CONFIG
from bot.process.app import build_sources, house, look_at_clock
from bot.process.audit import audit_archive, read_audit_settings
from bot.process.backfill import Filled, fill
from bot.process.doctor import (
    NO_TOKEN,
    Diagnosis,
    compare_with_recorded,
    look_at_archive,
    look_at_commands,
    look_at_estimates,
    look_at_events,
    look_at_sources,
    look_at_treasuries,
    tell_closed,
)
from bot.process.record import (
    check_folder,
    is_recording,
    load_recording,
    recorded_shapes,
    replay,
    shapes_of,
    write_recording,
)
from bot.process.record import record as record_poll
from bot.process.schedule import SystemClock
from bot.process.settings import Settings
from bot.sources import deribit
from bot.sources._record import RecordingTransport
from bot.sources._recording import RecordedReply, Recording


def read_recording(folder: Path, asset: str) -> Snapshot:
    """The snapshot in a folder that `record` wrote, or in one of Deribit's replies alone. Raises SourceError,
    InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: not a folder")
    if is_recording(folder):
        return asyncio.run(replay(load_recording(folder), asset))
    return deribit.read_recording(
        {path.name: read_given(path) for path in sorted(folder.glob("*.json"))}, asset
    )


def recorded_facts(folder: Path, asset: str, playbook: Playbook) -> Facts:
    """What a recording tells, without history."""
    return metrics.observe(
        read_recording(folder, asset), metrics.History.empty(asset), playbook.catalog
    ).facts


async def backfill(settings: Settings, playbook: Playbook, days: int, step: Step) -> Filled:
    """Fill the archive with the venues' own past; see `fill`. Raises ArchiveError."""
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO())) as parts:
        return await fill(parts.desk, days, step)


async def audit(settings: Settings, playbook: Playbook, hours: int, config: Path = CONFIG) -> AuditReport:
    """The venues' own histories of the last hours held against the archive; see `audit_archive`. Raises
    ConfigError, ArchiveError."""
    rules = read_audit_settings(playbook.catalog, config)
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO())) as parts:
        return await audit_archive(
            parts.archive, parts.venues, settings.assets, rules, parts.clock.now(), hours
        )


async def record(settings: Settings, folder: Path, listen_s: float) -> Recording:
    """One poll of everything, raw, into a new folder; the shapes of its replies are remembered for the doctor.
    Raises InputError, ConfigError, ArchiveError."""
    check_folder(folder)
    archive = await open_archive(settings.archive.url.get_secret_value())
    try:
        recording = await record_poll(
            partial(build_sources, settings),
            settings.assets,
            now=SystemClock().now,
            listen_s=listen_s,
            secrets=[key.get_secret_value() for key in settings.keys.values()],
        )
        write_recording(recording, folder)
        await keep_shapes(archive.notes, recorded_shapes(recording))
    finally:
        await archive.aclose()
    return recording


async def live_facts(settings: Settings, playbook: Playbook, asset: str) -> Facts:
    """What the venues and the archive tell of an asset now. Stores and posts nothing. Raises InputError."""
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO())) as parts:
        return await parts.desk.poller.look(parts.desk.market.asset(asset), parts.clock.now())


async def doctor(settings: Settings, playbook: Playbook) -> Sequence[Diagnosis]:
    """Token, archive, sources and clock, looked at once. Stores and posts nothing."""
    token = settings.discord_token
    found = [await _on_discord(token.get_secret_value())] if token else [NO_TOKEN]
    replies: list[RecordedReply] = []
    recorder = RecordingTransport(replies.append, SystemClock().now)
    try:
        async with house(
            settings, playbook, terminal=Terminal(file=io.StringIO()), transport=recorder
        ) as parts:
            found.append(await look_at_archive(parts.archive.outbox, settings.archive.address))
            if token:
                found.append(await look_at_commands(parts.archive.notes))
            found += await look_at_sources(parts.desk, parts.clock.now())
            found += tell_closed(settings.closed_at(parts.clock.now()))
            for asset in parts.desk.market.assets:
                found += look_at_estimates(await parts.desk.market.history(asset))
            found += look_at_treasuries(playbook.holdings, parts.clock.now().date())
            found += look_at_events(playbook.events, parts.clock.now())
            found += compare_with_recorded(await last_shapes(parts.archive.notes), shapes_of(replies))
            words = playbook.banks["en"].words
            found.append(await look_at_clock(parts.http, words))
    except ArchiveError as error:
        found.append(Diagnosis(what="archive", well=False, says=str(error)))
    return found


async def _on_discord(token: str) -> Diagnosis:
    from bot.delivery.discord.examine import examine  # discord.py takes 0.4 s to import

    well, says = await examine(token)
    return Diagnosis(what="discord", well=well, says=says)


async def backup(settings: Settings, to: Path) -> None:
    """A checked copy of the archive, made while the bot runs. Raises ArchiveError."""
    archive = await open_archive(settings.archive.url.get_secret_value())
    try:
        await archive.backup(to)
    finally:
        await archive.aclose()


async def restore(settings: Settings, source: Path) -> Path | None:
    """Put a backup in the archive's place; where the old one went. Raises ArchiveError."""
    return await restore_archive(source, settings.archive.url.get_secret_value())


async def migrate_to(settings: Settings, url: str) -> Mapping[str, int]:
    """Copy the archive to another database: rows by table. Raises ArchiveError."""
    return await move_archive(settings.archive.url.get_secret_value(), url)


def serve_mcp(settings: Settings) -> None:
    """The running bot's API over the Model Context Protocol, on standard input and output. Raises InputError where the
    extra is not installed."""
    from bot.delivery.api.mcp_server import serve_stdio  # an extra, and asked for by one command alone

    password = settings.page.password.get_secret_value() if settings.page.password else None
    serve_stdio(ApiClient(page_address(settings.page.host, settings.page.port), password))

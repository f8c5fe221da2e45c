"""The running bot as its operator sees it on the page: outbox, channels, logs, backups, and what may be asked of it."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bot.archive import SqlArchive
from bot.desk.sender import Sender
from bot.domain.operation import BackupFile, LogLine, OperationState, ServedChannel, TaskOutcome
from bot.domain.posts import Card
from bot.errors import ConfigError, DeliveryError, TightropeError
from bot.playbook import CONFIG
from bot.ports import Clock
from bot.process.logs import LogKeeper
from bot.process.settings import Settings

log = structlog.get_logger()

Reload = Callable[[], Awaitable[str]]

CHECK_S = 300.0
DIRECT = "discord:dm:"


class BotOperation:
    """The operator's view of one process."""

    def __init__(
        self,
        archive: SqlArchive,
        sender: Sender,
        clock: Clock,
        settings: Settings,
        *,
        config: Path = CONFIG,
        logs: LogKeeper | None = None,
        reload: Reload | None = None,
    ) -> None:
        self._archive = archive
        self._sender = sender
        self._clock = clock
        self._settings = settings
        self._config = config
        self._logs = logs or LogKeeper()
        self._reload = reload
        self._done: dict[str, TaskOutcome] = {}
        self._checking = asyncio.Lock()

    async def look(self) -> OperationState:
        """How it is now. Raises ArchiveError."""
        refused = {one.channel: len(one.refused_at) for one in await self._archive.channels.find()}
        wishes = [
            wish for wish in await self._archive.subscriptions.find() if not wish.channel.startswith(DIRECT)
        ]
        counts = await self._archive.outbox.count()
        return OperationState(
            on_discord=self._settings.discord_token is not None,
            invitation=invitation(self._settings.discord.application),
            outbox=tuple(sorted(counts.items())),
            channels=tuple(
                ServedChannel(wish=wish, refusals=refused.get(wish.channel, 0)) for wish in wishes
            ),
            testable=tuple(
                dict.fromkeys(wish.channel for wish in wishes if self._sender.tries_out(wish.channel))
            ),
            backups=self._backups(),
            logs=self._today(),
            reloaded=self._done.get("reload"),
            checked=self._done.get("check"),
            tested=self._done.get("test"),
            backed_up=self._done.get("backup"),
        )

    def note_reload(self, says: str, *, well: bool) -> None:
        """The files were read anew, or could not be: what was said of it."""
        self._note("reload", *says.strip().splitlines(), well=well)

    async def check(self) -> None:
        """`check` in a process of its own, so that the bot goes on meanwhile; one at a time."""
        if self._checking.locked():
            return
        async with self._checking:
            command = [sys.executable, "-m", "bot", "check", "--json", "--config", str(self._config)]
            try:
                async with asyncio.timeout(CHECK_S):
                    process = await asyncio.create_subprocess_exec(
                        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
                    )
                    said, complained = await process.communicate()
            except (OSError, TimeoutError) as error:
                self._note("check", f"check did not end: {error or 'no answer'}", well=False)
                return
            well = process.returncode == 0
            self._note("check", *_lines(said, complained), well=well)

    async def reload(self) -> None:
        """Read rules and phrases anew; the outcome is noted by whoever reads them."""
        if self._reload is None:
            self._note("reload", "this bot plays a tape: its files are read at the start", well=False)
            return
        with contextlib.suppress(ConfigError):  # noted where it arose; the old playbook stays
            await self._reload()

    async def back_up(self) -> None:
        """A checked copy of the archive under backups/, beside it."""
        folder = self._folder()
        if folder is None:
            self._note("backup", "the archive is no file here: back PostgreSQL up with pg_dump", well=False)
            return
        at = self._clock.now()
        to = folder / f"tightrope-{at:%Y%m%d-%H%M%S}.sqlite"
        try:
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
            await self._archive.backup(to)
        except (TightropeError, OSError) as error:
            self._note("backup", str(error), well=False)
        else:
            self._note("backup", to.name, well=True)

    async def send_test(self, channel: str, title: str, body: str) -> None:
        """Show a card in a channel at once, past the outbox."""
        card = Card(title=title, body=body, at=self._clock.now())
        try:
            await self._sender.try_out(channel, card)
        except DeliveryError as error:
            self._note("test", f"{channel.partition(':')[0]}: {error}", well=False)
        else:
            self._note("test", channel.partition(":")[0], well=True)

    def _note(self, what: str, *lines: str, well: bool) -> None:
        self._done[what] = TaskOutcome(at=self._clock.now(), well=well, lines=lines)
        log.info("operator.asked", what=what, well=well)

    def _folder(self) -> Path | None:
        scheme, _, path = self._settings.archive.url.get_secret_value().partition(":///")
        return Path(path).resolve().parent / "backups" if scheme.startswith("sqlite") and path else None

    def _backups(self) -> tuple[BackupFile, ...]:
        folder = self._folder()
        if folder is None or not folder.is_dir():
            return ()
        found = [(path, path.stat()) for path in folder.glob("*.sqlite")]
        files = [
            BackupFile(
                name=path.name, size_mb=told.st_size / 1e6, at=datetime.fromtimestamp(told.st_mtime, UTC)
            )
            for path, told in found
        ]
        return tuple(sorted(files, key=lambda file: file.at, reverse=True))

    def _today(self) -> tuple[LogLine, ...]:
        day = self._clock.now().date().isoformat()
        return tuple(line for line in self._logs.lines if line.at.startswith(day))[::-1]


def invitation(application: str) -> str:
    """The address at which a server's admin lets the bot in; nothing where the application is not known."""
    if not application:
        return ""
    from bot.delivery.discord import permissions  # discord.py takes 0.4 s to import

    return permissions.invitation(application)


def _lines(said: bytes, complained: bytes) -> tuple[str, ...]:
    """What `check --json` printed, in lines; what it complained of where that is no JSON."""
    try:
        told = json.loads(said)
        kinds = ("failures", "warnings", "checked")
        return tuple(str(line) for kind in kinds for line in told[kind])
    except (ValueError, KeyError, TypeError):
        text = (complained or said).decode("utf-8", "replace")
        return tuple(line for line in text.split(os.linesep) if line.strip())

"""One life of the live bot: start, lead or follow, poll and post, reload, and stop with nothing half-sent."""

import asyncio
import contextlib
import ctypes
import faulthandler
import os
import signal
import socket
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import structlog
from rich.console import Console as Terminal

from bot import app
from bot.delivery.health import Vitals, health_routes
from bot.domain.playbook import Playbook
from bot.errors import ArchiveError, ConfigError
from bot.gateway import on_discord
from bot.logs import set_up_logs
from bot.schedule import stop_signal
from bot.settings import Settings

log = structlog.get_logger()

Role = Literal["all", "poller", "gateway"]
"""`all`: one process does everything. Several on one PostgreSQL: pollers, of which one leads, and gateways that post."""

PRUNED_AT = ("03:40",)
BEAT_S = 1.0
LEAD_S = 5.0  # how often a poller that does not lead tries to, and one that leads makes sure of it
REFRESH_S = 60.0  # how often a process that does not poll reads anew what another stored
WATCHDOG_S = 60.0  # an event loop that stands still for so long will not come back
GRACE_S = 7.0  # for what runs at the stop: 10 s in all


class Life:
    """What the live bot knows of itself, and what it does beside polling."""

    def __init__(self, parts: app.House, settings: Settings, *, config: Path, role: Role) -> None:
        self.parts = parts
        self.leads = False
        self._listens = False
        self._settings = settings
        self._config = config
        self._role = role
        self._started_at = parts.clock.now()
        self._polled_at: datetime | None = None
        self._poll_failure: str | None = None
        self._gateway_at: datetime | None = None
        self._gateway_since: datetime | None = None
        self._stalls: deque[float] = deque(maxlen=60)
        self.gateway: Callable[[], bool] | None = None

    def connected_by(self, ask: Callable[[], bool] | None) -> None:
        """From now on this tells whether the connection to Discord stands; None: it is another process's."""
        if self.gateway is None:
            self._gateway_since = self.parts.clock.now()
        self.gateway = ask

    def _waits_for(self) -> tuple[str, ...]:
        lead = ("the lead",) if self._role == "poller" and not self.leads else ()
        if self._role == "poller" or self._settings.discord_token is None or self.gateway is not None:
            return lead
        ids = self._settings.discord.shard_ids
        return (f"shards {', '.join(map(str, ids))}" if ids else "the connection to Discord",)

    async def look(self) -> Vitals:
        """The signs of life of this moment."""
        desk, archive = self.parts.desk, self.parts.archive
        outbox, failure = None, None
        try:
            async with asyncio.timeout(3):
                outbox = await archive.outbox_count()
        except (ArchiveError, TimeoutError) as error:
            failure = str(error) or "no answer within 3 s"
        return Vitals(
            now=self.parts.clock.now(),
            started_at=self._started_at,
            role=self._role,
            polls=self.leads or self._role == "all",
            poll_every_s=self._settings.poll.every_s,
            polled_at=self._polled_at,
            poll_failure=self._poll_failure,
            on_discord=self.gateway is not None,
            gateway_at=self._gateway_at,
            gateway_since=self._gateway_since,
            waits_for=self._waits_for(),
            stall_s=max(self._stalls, default=0.0),
            outbox=outbox,
            archive_failure=failure,
            sources={one.source: one.heard_at for one in desk.hearings()},
            playbook=desk.playbook.hash,
        )

    async def reload(self) -> str:
        """Read the files anew and go by them; what changed. Raises ConfigError, and nothing has changed."""
        try:
            playbook = await asyncio.to_thread(app.read_playbook, self._config)
        except ConfigError as error:
            log.error("reload.refused", problems=[str(problem) for problem in error.problems])  # noqa: TRY400
            raise
        before, self.parts.desk.playbook = self.parts.desk.playbook, playbook
        changed = sorted(rule for rule, name in playbook.editions.items() if before.editions.get(rule) != name)
        log.info("reload.done", playbook=playbook.hash, before=before.hash, changed=changed)
        return f"{before.hash} → {playbook.hash}; rules that start anew: {', '.join(changed) or 'none'}\n"

    async def beat(self) -> None:
        """Once a second: how long the loop stood still, whether the poll and the gateway live; tell the watchdogs."""
        loop = asyncio.get_running_loop()
        _notify("READY=1")
        while True:
            faulthandler.dump_traceback_later(WATCHDOG_S, exit=True)
            meant = loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._stalls.append(max(0.0, loop.time() - meant))
            self._note_poll()
            if self.gateway is not None and self.gateway():
                self._gateway_at = self.parts.clock.now()
            _notify("WATCHDOG=1")

    def _note_poll(self) -> None:
        ran = self.parts.schedule.runs.get("poll")
        if ran is None or ran.ended_at is None:
            return
        self._poll_failure = ran.failure
        if ran.failure is None:
            self._polled_at = ran.ended_at

    async def follow(self) -> None:
        """Without polling: post what others judged, and answer from what they stored."""
        parts = self.parts
        while True:
            try:
                await parts.archive.wake.wait(1.0)
                await parts.desk.deliver()
            except ArchiveError as error:
                log.warning("deliver.later", reason=str(error))
                await asyncio.sleep(BEAT_S)
            except Exception:  # as in the schedule: one that fails must not end the others
                log.exception("deliver.failed")
                await asyncio.sleep(BEAT_S)

    async def refresh(self) -> None:
        """Forget now and then what this process read: another one polls."""
        while True:
            await asyncio.sleep(REFRESH_S)
            if not self.leads:
                self.parts.desk.refresh()

    async def poll(self) -> None:
        """Poll while this process leads; wait for the lead where it does not."""
        leadership = self.parts.archive.leadership
        while True:
            try:
                leads = await leadership.acquire()
            except ArchiveError as error:
                log.warning("lead.unknown", reason=str(error))
                leads = False
            if leads and not self.leads:
                log.info("lead.taken", epoch=leadership.epoch)
                self.parts.desk.refresh()
                self._started_at = self.parts.clock.now()
                self.leads = True
                await self._fill()
                self.parts.schedule.start()
            elif self.leads and not leads:
                log.warning("lead.lost")
                self.leads = False
                await self.parts.schedule.stop()
            await asyncio.sleep(LEAD_S)

    async def _fill(self) -> None:
        """Fill a young archive from the venues' own past, and begin to listen."""
        parts, now = self.parts, self.parts.clock.now()
        since = now - timedelta(days=self._settings.poll.backfill_days)
        for asset in self._settings.assets:
            if since < now and not await parts.archive.series(asset, since):
                await parts.desk.backfill(asset, since, now)
        for source in () if self._listens else parts.listening:
            await source.start(self._settings.assets)
        self._listens = True


def plan(parts: app.House, settings: Settings) -> None:
    """What the schedule is to do once it is started."""
    poll = partial(app.poll_all, parts)
    parts.schedule.every("poll", settings.poll.every_s, poll, jitter_s=settings.poll.jitter_s)
    parts.schedule.slots("slots", settings.posts.at, settings.posts.zone, poll)
    parts.schedule.every("deliver", settings.posts.retry_s, lambda at: parts.desk.deliver())

    parts.schedule.slots("prune", PRUNED_AT, "UTC", partial(night, parts, settings))


async def night(parts: app.House, settings: Settings, at: datetime) -> None:
    """Once a day: what is past retention goes, from the archive and from memory."""
    keep = settings.archive
    await parts.archive.prune(at, minutes_days=keep.minutes_days, hours_days=keep.hours_days)
    # What the desk has in memory grows with each poll; read anew, its past is by the hour again.
    parts.desk.refresh()
    with contextlib.suppress(AttributeError, OSError):  # only glibc keeps what was freed, and has a way to let go of it
        ctypes.CDLL(None).malloc_trim(0)


async def run(
    settings: Settings, playbook: Playbook, terminal: Terminal, *, config: Path = app.CONFIG, role: Role = "all"
) -> None:
    """The live bot until SIGINT or SIGTERM: the page at once, then history, polls and posts; Discord where a token is set.

    SIGHUP reads the files anew. Raises ConfigError, ArchiveError.
    """
    from bot.delivery.health.figures import Figures  # prometheus-client takes 0.1 s to import: only where it is used

    figures = Figures()
    set_up_logs(_secrets(settings), heed=[figures.heed])
    async with contextlib.AsyncExitStack() as stack:
        parts = await stack.enter_async_context(app.house(settings, playbook, terminal=terminal, alone=role == "all"))
        life = Life(parts, settings, config=config, role=role)
        if role == "all" and not await parts.archive.leadership.acquire():
            where = app.without_secret(settings.archive.url)
            raise ArchiveError(f"{where}: another bot polls into it; stop that one first")
        await stack.enter_async_context(
            app.page(parts, settings, terminal, beside=health_routes(life.look, figures, life.reload))
        )
        plan(parts, settings)
        await _until_stopped(life, settings, role)


async def _until_stopped(life: Life, settings: Settings, role: Role) -> None:
    stop = stop_signal()
    wishes: dict[str, Awaitable[object]] = {"stop": stop.wait(), "beat": life.beat(), "reload": _on_hangup(life)}
    if role != "gateway":
        wishes["poll"] = life.poll()
    if role != "all":
        wishes |= {"refresh": life.refresh(), "follow": life.follow()}
    if role != "poller" and settings.discord_token is not None:
        token = settings.discord_token.get_secret_value()
        wishes["discord"] = on_discord(life.parts, token, settings.discord, life.connected_by)
    tasks = [asyncio.ensure_future(wish) for wish in wishes.values()]
    log.info("life.begun", role=role, playbook=life.parts.desk.playbook.hash)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    log.info("life.ending")
    _notify("STOPPING=1")
    await life.parts.schedule.stop(GRACE_S)
    faulthandler.cancel_dump_traceback_later()
    ended = [task for task in tasks if task.done() and not task.cancelled()]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=2)
    for task in ended:
        task.result()


async def _on_hangup(life: Life) -> None:
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    while True:
        await asked.wait()
        asked.clear()
        with contextlib.suppress(ConfigError):  # logged where it arose; the old playbook stays
            await life.reload()


def _secrets(settings: Settings) -> list[str]:
    """What must never stand in a log."""
    kept = [settings.discord_token, settings.page.password, *settings.keys.values()]
    password = app.password_of(settings.archive.url)
    return [*(secret.get_secret_value() for secret in kept if secret is not None), *([password] if password else [])]


def _notify(state: str) -> None:
    """Tell systemd, where it asked to be told (sd_notify's protocol: a datagram to $NOTIFY_SOCKET)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker, contextlib.suppress(OSError):
        speaker.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        speaker.send(state.encode())

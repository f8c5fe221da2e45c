"""One life of the live bot: start, lead or follow, poll and post, reload, and stop with nothing half-sent."""

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Literal

import structlog
from rich.console import Console as Terminal

from bot.delivery.health import Figures, Vitals, health_routes
from bot.desk.troubles import NOTHING_HEARD
from bot.domain.channels import COMMANDS_FAILURE
from bot.domain.kept import forget_the_day
from bot.domain.playbook import Playbook
from bot.errors import ArchiveError, ConfigError, Problem, SourceError
from bot.lab.audit import AuditSettings
from bot.late import load
from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process.audit import audit_archive, read_audit_settings
from bot.process.logs import LogKeeper, set_up_logs
from bot.process.operation import BotOperation
from bot.process.schedule import Schedule, stop_signal
from bot.process.settings import Settings
from bot.process.shards import on_discord
from bot.process.watchdog import Watchdog

log = structlog.get_logger()

Role = Literal["all", "poller", "gateway"]
"""`all`: one process does everything. Several on one PostgreSQL: pollers, of which one leads, and gateways
that post."""

PRUNED_AT = ("03:40",)
AUDITED_AT = ("03:50",)
AUDITED_H = 24
BEAT_S = 1.0
LEAD_S = 5.0  # how often a poller that does not lead tries to, and one that leads makes sure of it
FILL_AGAIN_S = 300.0  # after a try that reached no source
REFRESH_S = 60.0  # how often a process that does not poll reads anew what another stored
WATCHDOG_S = 60.0  # an event loop that stands still for so long will not come back
CLOCK_AFTER_S = 5.0  # the page is there at once, and polls go first
CLOCK_EVERY_S = 6 * 3600.0
LOAD_AFTER_S = 5.0  # a start takes neither its time nor its memory for what draws
FIRST_USED = (
    "jinja2",
    "numpy",
    "httpx",
    "aiohttp.connector",
    "bot.process.timing",
    "bot.delivery.health.counters",
)
"""What the first poll uses: imported on a thread while the page answers already."""
FIRST_USED_AFTER_S = 0.1  # whoever waits for the page is answered first
LOADED_AHEAD = ("pandas", "matplotlib.figure", "matplotlib.backends.backend_agg")
GRACE_S = 7.0  # for what runs at the stop: 10 s in all


class LiveBot:
    """What the live bot knows of itself, and what it does beside polling."""

    def __init__(
        self, parts: app.Parts, settings: Settings, *, config: Path, role: Role, logs: LogKeeper | None = None
    ) -> None:
        self.parts = parts
        self.leads = False
        self._listens = False
        self._filling: asyncio.Task[None] | None = None
        self._settings = settings
        self._config = config
        self._role = role
        self._started_s = time.monotonic()
        self._polled_s: float | None = None  # these are seconds of a clock that nobody can set
        self._poll_ended_at: datetime | None = None
        self._poll_failure: str | None = None
        self._gateway_s: float | None = None
        self._gateway_since_s: float | None = None
        self._stalls: deque[float] = deque(maxlen=60)
        self._refused = 0
        self._clock_wrong = ""
        self.chores = Schedule(parts.clock)  # what every process does, whether it leads or not
        self.chores.every("clock", CLOCK_EVERY_S, self.compare_clocks, after_s=CLOCK_AFTER_S)
        if role != "all":
            self.chores.every("refresh", REFRESH_S, self.refresh, after_s=REFRESH_S)
        self.watchdog = Watchdog(WATCHDOG_S)
        self.gateway: Callable[[], bool] | None = None
        self.operation = BotOperation(
            parts.archive,
            parts.desk.sender,
            parts.clock,
            settings,
            config=config,
            logs=logs,
            reload=self.reload,
        )

    def connected_by(self, ask: Callable[[], bool] | None) -> None:
        """From now on this tells whether the connection to Discord stands; None: it is another process's."""
        if self.gateway is None:
            self._gateway_since_s = time.monotonic()
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
        outbox, failure, commands = None, None, None
        try:
            async with asyncio.timeout(3):
                outbox = await archive.outbox.count()
                commands = await archive.notes.get(COMMANDS_FAILURE)
        except (ArchiveError, TimeoutError) as error:
            failure = str(error) or "no answer within 3 s"
        now = self.parts.clock.now()
        return Vitals(
            now=now,
            started_at=_ago(now, self._started_s) or now,
            role=self._role,
            polls=self.leads or self._role == "all",
            poll_every_s=self._settings.poll.every_s,
            polled_at=_ago(now, self._polled_s),
            poll_failure=self._poll_failure,
            on_discord=self.gateway is not None,
            gateway_at=_ago(now, self._gateway_s),
            gateway_since=_ago(now, self._gateway_since_s),
            waits_for=self._waits_for(),
            stall_s=max(self._stalls, default=0.0),
            outbox=outbox,
            archive_failure=failure,
            troubles=desk.market.memory.troubles.by_part,
            warnings=self._warnings(commands),
            sources={one.source: one.heard_at for one in desk.market.source_states()},
            lights={one.source: one.light for one in desk.market.source_states()},
            playbook=desk.market.playbook.hash,
        )

    def _warnings(self, commands: str | None) -> tuple[str, ...]:
        told = [f"Discord has not taken the commands: {commands}"] if commands else []
        if self._refused:
            told.append(
                f"the last reload was refused, {self._refused} problem(s): ./tightrope check lists them"
            )
        if self._clock_wrong:
            told.append(f"the clock is wrong: {self._clock_wrong}")
        return tuple(told)

    async def reload(self) -> str:
        """Read the files anew and go by them; what changed. Raises ConfigError, and nothing has changed."""
        try:
            playbook = await asyncio.to_thread(self._read)
        except ConfigError as error:
            self._refused = len(error.problems)
            log.error("reload.refused", problems=[str(problem) for problem in error.problems])  # noqa: TRY400
            self.operation.note_reload(str(error), well=False)
            raise
        self._refused = 0
        before = self.parts.desk.market.playbook
        self.parts.desk.market.adopt(playbook)
        changed = sorted(
            rule for rule, name in playbook.editions.items() if before.editions.get(rule) != name
        )
        log.info("reload.done", playbook=playbook.hash, before=before.hash, changed=changed)
        says = f"{before.hash} → {playbook.hash}; rules that start anew: {', '.join(changed) or 'none'}\n"
        self.operation.note_reload(says, well=True)
        return says

    def _read(self) -> Playbook:
        """The playbook in the files. Raises ConfigError, whatever the reading raises."""
        try:
            return read_playbook(self._config)
        except ConfigError:
            raise
        except Exception as error:
            log.exception("reload.failed")
            reason = f"cannot be taken ({type(error).__name__}); the log has the trace"
            raise ConfigError([Problem(file=str(self._config), id="", reason=reason)]) from error

    async def beat(self) -> None:
        """Once a second: how long the loop stood still, whether the poll and the gateway live; tell the
        watchdogs."""
        loop = asyncio.get_running_loop()
        _notify("READY=1")
        self.watchdog.start()
        while True:
            self.watchdog.beat()
            meant = loop.time() + BEAT_S
            await asyncio.sleep(BEAT_S)
            self._stalls.append(max(0.0, loop.time() - meant))
            self._note_poll()
            if self.gateway is not None and self.gateway():
                self._gateway_s = time.monotonic()
            _notify("WATCHDOG=1")

    def _note_poll(self) -> None:
        ran = self.parts.schedule.runs.get("poll")
        if ran is None or ran.ended_at is None:
            return
        self._poll_failure = ran.failure
        if ran.failure is None and self.parts.desk.market.memory.heard_nothing:
            self._poll_failure = NOTHING_HEARD
        elif ran.failure is None and ran.ended_at != self._poll_ended_at:
            self._poll_ended_at, self._polled_s = ran.ended_at, time.monotonic()

    async def follow(self) -> None:
        """Without polling: post what others judged, and answer from what they stored."""
        parts = self.parts
        while True:
            try:
                await parts.archive.wake.wait(1.0)
                await parts.desk.sender.deliver()
            except ArchiveError as error:
                log.warning("deliver.later", reason=str(error))
                await asyncio.sleep(BEAT_S)
            except Exception:  # as in the schedule: one that fails must not end the others
                log.exception("deliver.failed")
                await asyncio.sleep(BEAT_S)

    async def compare_clocks(self, at: datetime) -> None:
        """Whether this machine's clock is right, by a venue's; no reading can be aged by a wrong one."""
        words = self.parts.desk.market.playbook.banks["en"].words
        found = await app.look_at_clock(self.parts.http, words)
        # Without an answer nothing is known of the clock: that is the network's trouble, and said there.
        wrong = found.says if not found.well and not found.says.startswith("nothing") else ""
        if wrong and not self._clock_wrong:
            log.warning("clock.wrong", reason=wrong)
        self._clock_wrong = wrong

    async def refresh(self, at: datetime) -> None:
        """Forget what this process read, where another one polls."""
        if not self.leads:
            self.parts.desk.market.refresh()

    async def poll(self) -> None:
        """Poll while this process leads; wait for the lead where it does not."""
        try:
            await self._poll()
        finally:
            await self._stop_filling()

    async def _poll(self) -> None:
        leadership = self.parts.archive.leadership
        while True:
            try:
                leads = await leadership.acquire()
            except ArchiveError as error:
                log.warning("lead.unknown", reason=str(error))
                leads = False
            if leads and not self.leads:
                # Where nobody else could lead, it is no news.
                say = log.debug if self._role == "all" else log.info
                say("lead.taken", epoch=leadership.epoch)
                self.parts.desk.market.refresh()
                self._started_s = time.monotonic()
                self.leads = True
                await self._listen()
                self.parts.schedule.start()
                self._filling = asyncio.create_task(self.fill())
            elif self.leads and not leads:
                log.warning("lead.lost")
                self.leads = False
                await self._stop_filling()
                await self.parts.schedule.stop()
            await asyncio.sleep(LEAD_S)

    async def fill(self) -> None:
        """Fill what is lacking of the last year from the venues' own past, beside the polls: a young archive begins to
        know its ranks while the bot answers; one that knows them asks for nothing. Without a network it is tried again
        once there may be one."""
        parts, days = self.parts, self._settings.poll.backfill_days
        noted = ""

        def note(what: str, number: int, total: int) -> None:
            nonlocal noted
            if what != noted and number * 20 // max(total, 1) != (number - 1) * 20 // max(total, 1):
                log.info("past.filling", what=what, done=number, of=total)
            noted = what

        try:
            while days:
                try:
                    gaps = await parts.desk.filler.fill(self._settings.assets, days, note)
                except SourceError:  # the poll has said so, with the way out
                    await asyncio.sleep(FILL_AGAIN_S)
                    continue
                log.info("past.filled", gaps=len(gaps))
                break
        except ArchiveError as error:
            log.warning("past.later", reason=str(error))
        except Exception:  # a past that cannot be filled must not end the present
            log.exception("past.failed")

    async def _stop_filling(self) -> None:
        if self._filling is not None:
            self._filling.cancel()
            await asyncio.gather(self._filling, return_exceptions=True)
            self._filling = None

    async def _listen(self) -> None:
        """Begin to listen, once."""
        for source in () if self._listens else self.parts.listening:
            await source.start(self._settings.assets)
        self._listens = True


def plan(parts: app.Parts, settings: Settings, config: Path = CONFIG) -> None:
    """What the schedule is to do once it is started. Raises ConfigError."""
    poll = partial(app.poll_all, parts)
    parts.schedule.every("poll", settings.poll.every_s, poll, jitter_s=settings.poll.jitter_s)
    parts.schedule.slots("slots", settings.posts.at, settings.posts.zone, poll)
    parts.schedule.every("deliver", settings.posts.retry_s, lambda at: parts.desk.sender.deliver())

    parts.schedule.slots("prune", PRUNED_AT, "UTC", partial(night, parts, settings))
    rules = read_audit_settings(parts.desk.market.playbook.catalog, config)
    parts.schedule.slots("audit", AUDITED_AT, "UTC", partial(audit_day, parts, settings, rules))


async def night(parts: app.Parts, settings: Settings, at: datetime) -> None:
    """Once a day: what is past retention goes, from the archive and from memory."""
    keep = settings.archive
    await parts.archive.prune(at, minutes_days=keep.minutes_days, hours_days=keep.hours_days)
    # What the desk has in memory grows with each poll; read anew, its past is by the hour again.
    parts.desk.market.refresh()
    forget_the_day()
    with contextlib.suppress(
        AttributeError, OSError
    ):  # only glibc keeps what was freed, and has a way to let go of it
        ctypes.CDLL(None).malloc_trim(0)


async def audit_day(parts: app.Parts, settings: Settings, rules: AuditSettings, at: datetime) -> None:
    """Once a day: what polls stored of the last day is held against the venues' own histories."""
    await audit_archive(parts.archive, parts.venues, settings.assets, rules, at, AUDITED_H)


async def run(
    settings: Settings, playbook: Playbook, terminal: Terminal, *, config: Path = CONFIG, role: Role = "all"
) -> None:
    """The live bot until SIGINT or SIGTERM: the page at once, then history, polls and posts; Discord where a
    token is set.

    SIGHUP reads the files anew. Raises ConfigError, ArchiveError.
    """
    figures, logs = Figures(), LogKeeper()
    set_up_logs(_secrets(settings), heed=[figures.heed], keep=[logs])
    async with contextlib.AsyncExitStack() as stack:
        parts = await stack.enter_async_context(
            app.house(settings, playbook, terminal=terminal, alone=role == "all")
        )
        life = LiveBot(parts, settings, config=config, role=role, logs=logs)
        if role == "all" and not await parts.archive.leadership.acquire():
            where = settings.archive.address
            raise ArchiveError(f"{where}: another bot polls into it; stop that one first")
        await stack.enter_async_context(
            app.page(
                parts,
                settings,
                terminal,
                beside=health_routes(life.look, figures, life.reload),
                operation=life.operation,
            )
        )
        await asyncio.sleep(FIRST_USED_AFTER_S)
        await asyncio.to_thread(load, FIRST_USED)
        look_for_garbage()
        loading = asyncio.create_task(load_ahead(), name="libraries")
        stack.callback(loading.cancel)
        plan(parts, settings, config)
        await _until_stopped(life, settings, role)


def look_for_garbage() -> None:
    """From now on garbage is looked for again, where a start had put that off, and not among what it loaded: that stays."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


async def load_ahead() -> None:
    """Libraries that the page needs not to answer, on a thread: the first command that draws finds them there. Whoever
    typed it would wait for them with the whole loop."""
    await asyncio.sleep(LOAD_AFTER_S)
    for name in LOADED_AHEAD:
        await asyncio.to_thread(load, (name,))


async def _until_stopped(life: LiveBot, settings: Settings, role: Role) -> None:
    stop = stop_signal()
    wishes: dict[str, Awaitable[object]] = {
        "stop": stop.wait(),
        "beat": life.beat(),
        "reload": _on_hangup(life),
    }
    if role != "gateway":
        wishes["poll"] = life.poll()
    if role != "all":
        wishes["follow"] = life.follow()
    if role != "poller" and settings.discord_token is not None:
        token = settings.discord_token.get_secret_value()
        wishes["discord"] = on_discord(life.parts, token, settings.discord, life.connected_by)
    life.chores.start()
    tasks = [asyncio.ensure_future(wish) for wish in wishes.values()]
    log.info("life.begun", role=role, playbook=life.parts.desk.market.playbook.hash)
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    log.info("life.ending")
    _notify("STOPPING=1")
    await asyncio.gather(life.parts.schedule.stop(GRACE_S), life.chores.stop(0.0))
    life.watchdog.stop()
    ended = [task for task in tasks if task.done() and not task.cancelled()]
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks, timeout=2)
    for task in ended:
        task.result()


_hangups: list[int] = []


def note_hangups() -> None:
    """From now on a hangup ends nothing: the bot heeds it once it listens. To be called before its files are read."""
    signal.signal(signal.SIGHUP, lambda number, _frame: _hangups.append(number))


async def _on_hangup(life: LiveBot) -> None:
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, asked.set)
    if _hangups:
        asked.set()
    while True:
        await asked.wait()
        asked.clear()
        with contextlib.suppress(ConfigError):  # logged where it arose; the old playbook stays
            await life.reload()


def _ago(now: datetime, steady_s: float | None) -> datetime | None:
    """The time of something that was seen at a moment of the steady clock, by the machine's clock of now: however
    that was set meanwhile, the age is right. None where it was not seen."""
    return None if steady_s is None else now - timedelta(seconds=time.monotonic() - steady_s)


def _secrets(settings: Settings) -> list[str]:
    """What must never stand in a log."""
    kept = [settings.discord_token, settings.page.password, *settings.keys.values(), *settings.webhooks]
    return [
        *(hook.url.rpartition("/")[2] for hook in settings.hooks),
        *(secret.get_secret_value() for secret in kept if secret is not None),
        *settings.archive.passwords,
    ]


def _notify(state: str) -> None:
    """Tell systemd, where it asked to be told (sd_notify's protocol: a datagram to $NOTIFY_SOCKET)."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker, contextlib.suppress(OSError):
        speaker.connect(f"\0{address[1:]}" if address.startswith("@") else address)
        speaker.send(state.encode())

"""When things are done: the only home of cronsim and, with timing.py, of APScheduler; live or stepped along a tape.

APScheduler 3.11 runs every job. Its interval trigger is used as it is. Its cron trigger is not: `1-5` is Tuesday to
Saturday to it, and a time that a clock change repeats comes twice (docs/decisions/0016). So times of day have a
trigger of our own for it, `SlotTrigger`, whose times are cronsim's: in a gap the first moment after it, in a fold
once."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from time import monotonic
from types import ModuleType
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog
from cronsim import CronSim, CronSimError
from msgspec import Struct
from msgspec.structs import replace

from bot.errors import InputError, TightropeError
from bot.ports import Clock

if TYPE_CHECKING:
    from apscheduler.schedulers.asyncio import AsyncIOScheduler

log = structlog.get_logger()

Job = Callable[[datetime], Awaitable[object]]
"""What is done at a time; the time is the one that was meant, not the one at which it was got round to."""

WATCH_S = 1.0
"""How often the live schedule compares the machine's clock with one that nobody can set."""

JUMP = timedelta(seconds=2)
"""A clock that is corrected little by little (NTP) moves less between two looks."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """This moment, in UTC."""
        return datetime.now(UTC)


def steady_from(now: Callable[[], datetime]) -> Callable[[], datetime]:
    """A time that begins where a clock stands and goes on evenly, however that clock is set: for rests and pauses."""
    begun_at, begun_s = now(), monotonic()
    return lambda: begun_at + timedelta(seconds=monotonic() - begun_s)


class TapeClock:
    """A time that stands until it is set, and never goes back."""

    def __init__(self, at: datetime) -> None:
        self._at = at.astimezone(UTC)

    def now(self) -> datetime:
        """The time that was set last."""
        return self._at

    def set(self, at: datetime) -> None:
        """Go on to a time. Raises ValueError where it lies in the past."""
        if at < self._at:
            raise ValueError(
                f"the tape stands at {self._at.isoformat()} and cannot go back to {at.isoformat()}"
            )
        self._at = at.astimezone(UTC)


class TapePauses:
    """The pauses of those who ask a tape: they take no time, and budgets are filled as if they had."""

    def __init__(self, clock: TapeClock) -> None:
        self._clock = clock
        self._paused = timedelta(0)

    def steady(self) -> datetime:
        """The tape's time and all pauses so far."""
        return self._clock.now() + self._paused

    async def sleep(self, seconds: float) -> None:
        """Pause without waiting."""
        self._paused += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class JobRun(Struct, frozen=True, kw_only=True):
    """How a job did when it last ran, by the schedule's clock. `ended_at` is None while it runs; `failure`
    says why it failed."""

    started_at: datetime
    ended_at: datetime | None = None
    failure: str | None = None


class _Entry(Struct, frozen=True, kw_only=True):
    """A job and its times: `times(since, until)` lists those after the one and up to the other, ascending."""

    name: str
    job: Job
    times: Callable[[datetime, datetime], Sequence[datetime]]
    every_s: float | None = None
    jitter_s: float = 0.0
    after_s: float = 0.0
    next_time: Callable[[datetime], datetime | None] = lambda after: None


class Schedule:
    """Jobs and their times. Live (`start`, `stop`) on the system's clock, or `step_to` a time on a tape's.

    A job never overlaps with itself, not even where it has two names (an interval and times of day): it
    waits. Times missed while it ran or the machine slept are made up for once, and a job that fails is logged
    (`schedule.failed`) and runs again at its next time. Where the machine's clock is put back or ahead, the
    intervals go on as they were: APScheduler plans by that clock, so its plans are moved along with it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: list[_Entry] = []
        self._runs: dict[str, JobRun] = {}
        self._running: dict[asyncio.Task[Any], str] = {}
        self._turns: dict[Job, asyncio.Lock] = {}
        self._looked_at: dict[str, datetime] = {}
        self._scheduler: AsyncIOScheduler | None = None
        self._watching: asyncio.Task[None] | None = None

    @property
    def runs(self) -> Mapping[str, JobRun]:
        """How each job did when it last ran, by name; a job that has not run is absent."""
        return dict(self._runs)

    def every(
        self, name: str, seconds: float, job: Job, *, jitter_s: float = 0.0, after_s: float = 0.0
    ) -> None:
        """Run a job at once (`after_s` later) and then every so many seconds, live give or take the jitter; on a tape at
        whole multiples."""
        step = timedelta(seconds=seconds)
        self._add(
            _Entry(
                name=name,
                job=job,
                times=lambda a, b: _multiples(step, a, b),
                every_s=seconds,
                jitter_s=jitter_s,
                after_s=after_s,
            )
        )

    def slots(self, name: str, times: Sequence[str], zone: str, job: Job) -> None:
        """Run a job at times of day ("12:00") or by cron lines ("0 9 * * 1-5") in a time zone. Raises
        InputError."""
        slots_between(times, zone, EPOCH, EPOCH)
        self._add(
            _Entry(
                name=name,
                job=job,
                times=lambda a, b: slots_between(times, zone, a, b),
                next_time=lambda after: next_slot(times, zone, after),
            )
        )

    def moments(self, name: str, moments: Sequence[datetime], job: Job) -> None:
        """Run a job at listed moments: a tape's."""
        listed = sorted(moments)
        self._add(
            _Entry(
                name=name,
                job=job,
                times=lambda a, b: [at for at in listed if a < at <= b],
                next_time=lambda after: next((at for at in listed if at > after), None),
            )
        )

    def start(self) -> None:
        """Start the live schedule in the running event loop."""
        timing = _timing()
        scheduler = timing.make_scheduler()
        for entry in self._entries:
            self._looked_at[entry.name] = self._clock.now()
            if entry.every_s is None:
                # Two at a time: one that comes while the job still runs waits for its end and serves what passed.
                scheduler.add_job(self._serve, timing.SlotTrigger(entry.next_time), (entry,), max_instances=2)
            else:
                scheduler.add_job(
                    self._fire,
                    "interval",
                    (entry,),
                    seconds=entry.every_s,
                    jitter=entry.jitter_s or None,
                    max_instances=1,
                    next_run_time=datetime.now(UTC) + timedelta(seconds=entry.after_s),
                )
        scheduler.start()
        self._scheduler = scheduler
        self._watching = asyncio.create_task(self._watch_clock(scheduler), name="schedule clock")

    async def stop(self, grace_s: float = 8.0) -> None:
        """Stop the live schedule: nothing new begins, what runs may finish within the grace and is cancelled
        after it (without one at once, and no word is lost on it)."""
        if self._scheduler is None:
            return
        self._scheduler.pause()
        if self._watching is not None:
            self._watching.cancel()
        running = self._running.keys() - {asyncio.current_task()}
        if running:
            _, late = await asyncio.wait(running, timeout=grace_s)
            if late and grace_s:
                log.warning("schedule.cut", jobs=sorted(self._running[task] for task in late))
        self._scheduler.shutdown(wait=False)
        self._scheduler = None

    async def step_to(self, at: datetime) -> None:
        """Run all that is due up to a time, in time order, the clock standing at each job's time; then stand
        at `at`.

        The first step includes the time at which the clock stands. Raises TypeError where the clock is not a
        tape's."""
        if not isinstance(self._clock, TapeClock):
            raise TypeError("only a tape's clock can be stepped")
        now = self._clock.now()
        due = [
            (time, number, entry)
            for number, entry in enumerate(self._entries)
            for time in entry.times(self._looked_at.get(entry.name, now - INSTANT), at)
        ]
        for time, _, entry in sorted(due, key=lambda item: item[:2]):
            self._clock.set(time)
            async with self._turn(entry):
                await self._do(entry, time)
        for entry in self._entries:
            self._looked_at[entry.name] = at
        self._clock.set(at)

    def _add(self, entry: _Entry) -> None:
        if any(other.name == entry.name for other in self._entries):
            raise ValueError(f"two jobs are named {entry.name!r}")
        self._entries.append(entry)

    async def _watch_clock(self, scheduler: "AsyncIOScheduler") -> None:
        """Notice a jump of the machine's clock, and plan anew."""
        loop = asyncio.get_running_loop()
        seen, seen_s = self._clock.now(), loop.time()
        while True:
            await asyncio.sleep(WATCH_S)
            now, now_s = self._clock.now(), loop.time()
            jump = now - seen - timedelta(seconds=now_s - seen_s)
            seen, seen_s = now, now_s
            if abs(jump) < JUMP:
                continue
            log.warning("schedule.clock_moved", by_s=round(jump.total_seconds()))
            for name, looked_at in self._looked_at.items():
                self._looked_at[name] = min(looked_at, now)
            for job in scheduler.get_jobs():
                _timing().plan_anew(job, jump)
            scheduler.wakeup()

    async def _fire(self, entry: _Entry) -> None:
        at = self._clock.now()
        async with self._turn(entry):
            await self._do(entry, at)

    async def _serve(self, entry: _Entry) -> None:
        """Do it for the last of its times that has passed and was not served, where one has by the time it is its turn."""
        async with self._turn(entry):
            now = self._clock.now()
            passed = entry.times(self._looked_at[entry.name], now)
            self._looked_at[entry.name] = now
            if passed:
                await self._do(entry, passed[-1])

    @asynccontextmanager
    async def _turn(self, entry: _Entry) -> AsyncIterator[None]:
        task = asyncio.current_task()
        if task is not None:
            self._running[task] = entry.name
        try:
            async with self._turns.setdefault(entry.job, asyncio.Lock()):
                yield
        finally:
            if task is not None:
                self._running.pop(task, None)

    async def _do(self, entry: _Entry, at: datetime) -> None:
        begun = JobRun(started_at=self._clock.now())
        self._runs[entry.name] = begun
        failure = None
        try:
            await entry.job(at)
        except Exception as error:  # the house's one catch-all: a job that fails must not end the others
            # /healthz tells it: a library's own words may hold more than its reader should see.
            kind = type(error).__name__
            failure = f"{kind}: {error}" if isinstance(error, TightropeError) else kind
            log.exception("schedule.failed", job=entry.name, at=at.isoformat())
        finally:
            self._runs[entry.name] = replace(begun, ended_at=self._clock.now(), failure=failure)


def _timing() -> ModuleType:
    """What APScheduler does for a live schedule: imported once one is started."""
    from bot.process import timing

    return timing


def slots_between(
    post_at: Sequence[str], zone: str, since: datetime, until: datetime
) -> tuple[datetime, ...]:
    """The slots after `since` and up to `until`, ascending, in UTC. Each is a time of day ("12:00") or a cron
    line, in a time zone. Raises InputError that names the word that is wrong."""
    found: set[datetime] = set()
    for time in post_at:
        found.update(takewhile(lambda at: at <= until, _slots_after(time, zone, since)))
    return tuple(sorted(found))


def next_slot(post_at: Sequence[str], zone: str, after: datetime) -> datetime | None:
    """The first slot after a moment, in UTC; None where none comes any more. Raises InputError."""
    found = [at for time in post_at for at in islice(_slots_after(time, zone, after), 1)]
    return min(found, default=None)


def _slots_after(time: str, zone: str, since: datetime) -> Iterator[datetime]:
    where = _zone(zone)
    # From a day before: cronsim, begun inside the hour that a clock change repeats, would tell the earlier one again.
    slots = _cron(time, (since - timedelta(days=1)).astimezone(where))
    return (at for slot in slots if (at := slot.astimezone(UTC)) > since)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise InputError(f"time zone {name!r}: not one of the world's, such as Europe/Berlin") from error


def _cron(time: str, begin: datetime) -> CronSim:
    hour, colon, minute = time.partition(":")
    line = f"{minute} {hour} * * *" if colon and hour.isdecimal() and minute.isdecimal() else time
    try:
        return CronSim(line, begin)
    except CronSimError as error:
        raise InputError(
            f"time {time!r}: neither a time of day such as 12:00 nor a cron line ({error})"
        ) from error


def _multiples(step: timedelta, since: datetime, until: datetime) -> list[datetime]:
    first = (since - EPOCH) // step + 1
    last = (until - EPOCH) // step
    return [EPOCH + step * number for number in range(first, last + 1)]


async def until_stopped(playing: Coroutine[None, None, None]) -> None:
    """Let it play, and stay until somebody asks the process to stop, which may be sooner. Raises what the
    playing raises."""
    asked = asyncio.create_task(stop_signal().wait())
    played = asyncio.create_task(playing)
    try:
        await asyncio.wait({asked, played}, return_when=asyncio.FIRST_COMPLETED)
        if played.done():
            played.result()
            await asked
    finally:
        asked.cancel()
        played.cancel()
        await asyncio.wait({asked, played})


def stop_signal() -> asyncio.Event:
    """Set when somebody asks the process to stop."""
    event = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, event.set)
    return event

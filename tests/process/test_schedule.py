"""When things are done: time zones, tapes, and what a failing or slow job does to the others."""

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import apscheduler.schedulers.base
import apscheduler.triggers.interval
import pytest
import structlog
from apscheduler.triggers.cron import CronTrigger
from hypothesis import given, settings
from hypothesis import strategies as st

import bot.process.schedule
import bot.process.timing
from bot.errors import InputError
from bot.process.schedule import Schedule, SystemClock, TapeClock, slots_between, until_stopped

START = datetime(2026, 2, 6, tzinfo=UTC)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def test_slots_lie_after_the_first_time_and_up_to_the_second() -> None:
    assert slots_between(("12:00",), "UTC", utc(2026, 2, 5, 12), utc(2026, 2, 6, 12)) == (
        utc(2026, 2, 6, 12),
    )
    assert slots_between(("12:00",), "UTC", utc(2026, 2, 6, 12), utc(2026, 2, 6, 12)) == ()


def test_a_slot_follows_the_clocks_of_its_zone() -> None:
    found = slots_between(("12:00",), "Europe/Berlin", utc(2026, 3, 27, 23), utc(2026, 3, 30))
    assert found == (utc(2026, 3, 28, 11), utc(2026, 3, 29, 10))


def test_a_time_that_a_clock_change_leaves_out_is_served_right_after_the_gap() -> None:
    found = slots_between(("02:30",), "Europe/Berlin", utc(2026, 3, 28, 12), utc(2026, 3, 30))
    assert found == (utc(2026, 3, 29, 1),)


def test_a_time_that_a_clock_change_repeats_is_served_once() -> None:
    fold = (utc(2026, 10, 25, 0, 30),)
    assert slots_between(("02:30",), "Europe/Berlin", utc(2026, 10, 24, 12), utc(2026, 10, 26)) == fold
    assert slots_between(("02:30",), "Europe/Berlin", utc(2026, 10, 25, 0, 45), utc(2026, 10, 26)) == ()
    assert slots_between(("02:30",), "Europe/Berlin", utc(2026, 10, 25, 1, 15), utc(2026, 10, 26)) == ()


def test_several_times_come_in_order_and_each_once() -> None:
    found = slots_between(("18:00", "06:00", "06:00"), "UTC", utc(2026, 2, 6), utc(2026, 2, 7))
    assert found == (utc(2026, 2, 6, 6), utc(2026, 2, 6, 18))


def test_a_cron_line_for_weekdays_leaves_saturday_and_sunday_out() -> None:
    found = slots_between(("0 9 * * 1-5",), "UTC", utc(2026, 2, 5, 12), utc(2026, 2, 9, 12))
    assert found == (utc(2026, 2, 6, 9), utc(2026, 2, 9, 9))


@pytest.mark.parametrize("time", ["25:00", "noon", "12:60", "", "-1:00"])
def test_a_time_that_is_none_is_refused_by_name(time: str) -> None:
    with pytest.raises(InputError, match="time"):
        slots_between((time,), "UTC", START, START)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc", "/etc/passwd"])
def test_a_zone_that_is_none_is_refused_by_name(zone: str) -> None:
    with pytest.raises(InputError, match="time zone"):
        slots_between(("12:00",), zone, START, START)


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(
        ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo"]
    ),
    minute_of_day=st.integers(0, 1439),
    since_hours=st.integers(0, 24 * 365),
    cut_hours=st.integers(0, 96),
)
def test_however_time_is_cut_each_day_has_its_slot_once(
    zone: str, minute_of_day: int, since_hours: int, cut_hours: int
) -> None:
    times = (f"{minute_of_day // 60:02}:{minute_of_day % 60:02}",)
    since = utc(2026, 1, 1) + timedelta(hours=since_hours)
    cut, until = since + timedelta(hours=cut_hours), since + timedelta(hours=96)

    whole = slots_between(times, zone, since, until)

    assert whole == slots_between(times, zone, since, cut) + slots_between(times, zone, cut, until)
    days = [slot.astimezone(ZoneInfo(zone)).date() for slot in whole]
    assert len(set(days)) == len(days)
    assert 3 <= len(days) <= 5


def test_a_tape_s_clock_never_goes_back() -> None:
    clock = TapeClock(START)
    clock.set(START + timedelta(hours=1))
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(START)
    assert clock.now() == START + timedelta(hours=1)


async def test_a_step_runs_all_jobs_in_time_order_with_the_clock_at_each() -> None:
    clock = TapeClock(START)
    schedule = Schedule(clock)
    seen: list[tuple[str, datetime, datetime]] = []

    def note(name: str):
        async def job(at: datetime) -> None:
            seen.append((name, at, clock.now()))

        return job

    schedule.every("poll", 6 * 3600, note("poll"))
    schedule.slots("post", ("06:00", "09:00"), "UTC", note("post"))
    schedule.moments("extra", (utc(2026, 2, 6, 7), utc(2026, 2, 5)), note("extra"))
    await schedule.step_to(utc(2026, 2, 6, 10))

    expected = [("poll", 0), ("poll", 6), ("post", 6), ("extra", 7), ("post", 9)]
    assert [(name, at.hour) for name, at, _ in seen] == expected
    assert all(at == now for _, at, now in seen)
    assert clock.now() == utc(2026, 2, 6, 10)

    await schedule.step_to(utc(2026, 2, 6, 10))
    await schedule.step_to(utc(2026, 2, 6, 12))
    assert [(name, at.hour) for name, at, _ in seen] == [*expected, ("poll", 12)]


async def test_a_job_that_fails_is_logged_and_the_others_go_on() -> None:
    schedule = Schedule(TapeClock(START))
    served: list[datetime] = []

    async def fail(at: datetime) -> None:
        raise RuntimeError(f"no market at {at.hour}")

    async def serve(at: datetime) -> None:
        served.append(at)

    schedule.every("broken", 3600, fail)
    schedule.every("sound", 3600, serve)
    with structlog.testing.capture_logs() as logs:
        await schedule.step_to(START + timedelta(hours=1))

    assert len(served) == 2
    assert [(line["event"], line["job"]) for line in logs] == [("schedule.failed", "broken")] * 2
    assert schedule.runs["broken"].failure == "RuntimeError"  # a library's own words are the log's alone
    assert schedule.runs["sound"].failure is None


def test_two_jobs_of_one_name_are_refused() -> None:
    async def job(at: datetime) -> None: ...

    schedule = Schedule(SystemClock())
    schedule.every("poll", 60, job)
    with pytest.raises(ValueError, match="poll"):
        schedule.every("poll", 60, job)


async def test_only_a_tape_can_be_stepped() -> None:
    with pytest.raises(TypeError, match="tape"):
        await Schedule(SystemClock()).step_to(START)


async def test_live_a_slow_job_does_not_overlap_with_itself_and_does_not_hold_up_others() -> None:
    schedule = Schedule(SystemClock())
    at_once, most, quick = 0, 0, asyncio.Event()
    enough = asyncio.Event()

    async def slow(_: datetime) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await enough.wait()
        at_once -= 1

    counted = 0

    async def often(_: datetime) -> None:
        nonlocal counted
        counted += 1
        if counted >= 4:
            quick.set()

    schedule.every("slow", 0.02, slow)
    schedule.every("often", 0.02, often)
    schedule.start()
    await quick.wait()
    enough.set()
    await schedule.stop()
    assert most == 1


async def test_live_a_job_with_two_names_does_not_overlap_with_itself_either() -> None:
    schedule = Schedule(SystemClock())
    at_once, most, runs = 0, 0, 0
    enough = asyncio.Event()

    async def poll(_: datetime) -> None:
        nonlocal at_once, most, runs
        at_once, runs = at_once + 1, runs + 1
        most = max(most, at_once)
        await asyncio.sleep(0.01)
        at_once -= 1
        if runs >= 6:
            enough.set()

    schedule.every("poll", 0.01, poll)
    schedule.every("again", 0.01, poll)
    schedule.start()
    await enough.wait()
    await schedule.stop()
    assert most == 1


async def test_stopping_lets_a_running_job_finish() -> None:
    schedule = Schedule(SystemClock())
    begun, finished = asyncio.Event(), []

    async def job(_: datetime) -> None:
        begun.set()
        await asyncio.sleep(0.05)
        finished.append(True)

    schedule.every("post", 3600, job)
    schedule.start()
    await begun.wait()
    await schedule.stop()
    assert finished == [True]
    await schedule.stop()


async def test_stopping_cuts_a_job_that_outlasts_the_grace() -> None:
    schedule = Schedule(SystemClock())
    begun, cut = asyncio.Event(), asyncio.Event()

    async def job(_: datetime) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.set()
            raise

    schedule.every("endless", 3600, job)
    schedule.start()
    await begun.wait()
    with structlog.testing.capture_logs() as logs:
        await schedule.stop(grace_s=0.01)
        await cut.wait()
    assert [(line["event"], line["jobs"]) for line in logs] == [("schedule.cut", ["endless"])]


class MachineClock:
    """The machine's clock, as APScheduler and the schedule read it: it goes on, and can be set."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.moved = timedelta(0)
        clock = self

        class Moved(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> "Moved":
                return datetime.now(tz) + clock.moved  # type: ignore[return-value]

        told = (bot.process.schedule, bot.process.timing)
        for module in (apscheduler.schedulers.base, apscheduler.triggers.interval, *told):
            monkeypatch.setattr(module, "datetime", Moved)
        monkeypatch.setattr("bot.process.schedule.WATCH_S", 0.05)

    def set(self, at: datetime) -> None:
        self.moved = at - datetime.now(UTC)


class SlotJob:
    """A job that notes for which times it was run."""

    def __init__(self) -> None:
        self.served: list[datetime] = []
        self._more = asyncio.Event()

    async def run(self, at: datetime) -> None:
        self.served.append(at)
        self._more.set()

    async def until(self, count: int) -> None:
        while len(self.served) < count:
            self._more.clear()
            await asyncio.wait_for(self._more.wait(), 20)


async def test_live_a_slot_is_served_when_its_time_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, schedule, job = MachineClock(monkeypatch), Schedule(SystemClock()), SlotJob()
    monkeypatch.setattr("bot.process.schedule.WATCH_S", 3600)
    clock.set(utc(2026, 2, 6, 11, 59, 59))
    schedule.slots("post", ("12:00",), "UTC", job.run)
    schedule.start()
    await job.until(1)
    await schedule.stop()
    assert job.served == [utc(2026, 2, 6, 12)]


async def test_live_missed_slots_are_made_up_for_once_with_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, schedule, job = MachineClock(monkeypatch), Schedule(SystemClock()), SlotJob()
    clock.set(utc(2026, 2, 6, 11, 55))
    schedule.slots("post", ("12:00",), "UTC", job.run)
    schedule.start()
    await asyncio.sleep(0.1)
    clock.set(utc(2026, 2, 9, 13))
    await job.until(1)
    await asyncio.sleep(0.2)
    await schedule.stop()
    assert job.served == [utc(2026, 2, 9, 12)]


async def test_live_a_slot_comes_again_where_the_clock_was_put_back_before_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, schedule, job = MachineClock(monkeypatch), Schedule(SystemClock()), SlotJob()
    clock.set(utc(2026, 2, 6, 11, 59, 59))
    schedule.slots("post", ("12:00",), "UTC", job.run)
    schedule.start()
    await job.until(1)
    clock.set(utc(2026, 2, 6, 11, 59, 57))
    await job.until(2)
    await schedule.stop()
    assert job.served == [utc(2026, 2, 6, 12)] * 2


async def test_live_slots_that_come_while_their_job_runs_are_made_up_for_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, schedule = MachineClock(monkeypatch), Schedule(SystemClock())
    clock.set(utc(2026, 2, 6, 11, 59, 59))
    served: list[datetime] = []
    begun, enough, again = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def slow(at: datetime) -> None:
        served.append(at)
        (again if begun.is_set() else begun).set()
        await enough.wait()

    schedule.slots("slow", ("* * * * *",), "UTC", slow)
    schedule.start()
    await asyncio.wait_for(begun.wait(), 20)
    for minute in (1, 2, 3):
        clock.set(utc(2026, 2, 6, 12, minute, 30))
        await asyncio.sleep(0.2)
    enough.set()
    await asyncio.wait_for(again.wait(), 20)
    await schedule.stop()
    assert served == [utc(2026, 2, 6, 12), utc(2026, 2, 6, 12, 3)]


# ── APScheduler's own cron trigger, and why it is not used ──────────────────────────────────────────────────


def fires(trigger: CronTrigger, since: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    at, zone = trigger.get_next_fire_time(None, since), trigger.timezone
    while at is not None and at <= until:
        found.append(at.astimezone(UTC))
        at = trigger.get_next_fire_time(at, at.astimezone(zone))
    return found


def test_apschedulers_cron_is_not_the_worlds() -> None:
    """The day that this fails, docs/decisions/0016 is to be read again."""
    berlin = "Europe/Berlin"
    weekdays = fires(CronTrigger.from_crontab("0 9 * * 1-5", "UTC"), utc(2026, 2, 2), utc(2026, 2, 8, 23))
    gap = fires(CronTrigger(hour=2, minute=30, timezone=berlin), utc(2026, 3, 28, 12), utc(2026, 3, 29, 12))
    fold = fires(
        CronTrigger(hour=2, minute=30, timezone=berlin), utc(2026, 10, 24, 12), utc(2026, 10, 25, 12)
    )
    assert [at.strftime("%a") for at in weekdays] == ["Tue", "Wed", "Thu", "Fri", "Sat"]
    assert gap == [utc(2026, 3, 29, 1, 30)]  # 03:30: half an hour late, where ours is served at the change
    assert fold == [utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1, 30)]  # ours is served once


# ── until somebody asks to stop ─────────────────────────────────────────────────────────────────────────────


async def test_a_signal_ends_what_still_plays() -> None:
    reached: list[str] = []

    async def plays() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(60)
        reached.append("the end")

    await asyncio.wait_for(until_stopped(plays()), 5)
    assert reached == []


async def test_what_the_playing_raises_is_raised() -> None:
    async def plays() -> None:
        await asyncio.sleep(0)
        raise ValueError("a torn tape")

    with pytest.raises(ValueError, match="a torn tape"):
        await asyncio.wait_for(until_stopped(plays()), 5)


@pytest.mark.parametrize("hours", [-1, 1, -24, -24 * 365, 24 * 3653])
async def test_live_intervals_go_on_though_the_machines_clock_is_moved(
    monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    clock = MachineClock(monkeypatch)
    schedule, ran = Schedule(SystemClock()), list[datetime]()

    async def job(at: datetime) -> None:
        ran.append(at)

    schedule.every("poll", 0.2, job)
    schedule.start()
    await asyncio.sleep(0.5)
    before = len(ran)
    clock.moved = timedelta(hours=hours)
    await asyncio.sleep(1.0)
    await schedule.stop(1)
    assert before >= 2
    assert 3 <= len(ran) - before <= 7
    assert abs(ran[-1] - datetime.now(UTC) - clock.moved) < timedelta(seconds=5)

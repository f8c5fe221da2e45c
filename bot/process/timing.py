"""APScheduler's part of a live schedule: its event loop's scheduler, and the trigger of our own for times of day."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.job import Job as PlannedJob
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger


class SlotTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler ships no types
    """APScheduler's plan for times that another knows: `next_time` tells the first after a moment. Several that passed
    unseen are one."""

    def __init__(self, next_time: Callable[[datetime], datetime | None]) -> None:
        self._next_time = next_time

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first time after this moment, and after the one that was served last."""
        return self._next_time(now if previous_fire_time is None else max(previous_fire_time, now))


def make_scheduler() -> AsyncIOScheduler:
    """One in the running event loop. What was missed is made up for once, however long ago it was."""
    return AsyncIOScheduler(timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None})


def plan_anew(job: PlannedJob, jump: timedelta) -> None:
    """What an interval planned moves along with the machine's clock; a slot is a time of that clock, and one that lies
    behind it now is due."""
    if not isinstance(job.trigger, SlotTrigger):
        job.modify(next_run_time=job.next_run_time + jump)
    elif job.next_run_time is None or job.next_run_time > datetime.now(UTC):
        job.reschedule(job.trigger)

"""The days for which pasts are worked out."""

from datetime import UTC, datetime, timedelta, timezone

from bot.metrics.pasts import day_of


def test_a_moment_lies_in_a_day_of_utc() -> None:
    there = datetime(2026, 2, 7, 1, 34, 56, 789, tzinfo=timezone(timedelta(hours=2)))
    assert day_of(there) == datetime(2026, 2, 6, tzinfo=UTC)

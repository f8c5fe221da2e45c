"""The day of a stance, by the calendar."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bot.domain.judgement import day_number

SINCE = datetime(2026, 2, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("at", "day"),
    [
        (SINCE, 1),
        (datetime(2026, 2, 2, 23, 59, tzinfo=UTC), 1),
        (datetime(2026, 2, 3, tzinfo=UTC), 2),
        (datetime(2026, 2, 3, 13, tzinfo=UTC), 2),
        (datetime(2026, 3, 1, tzinfo=UTC), 28),
    ],
)
def test_a_day_of_a_stance_begins_at_midnight(at: datetime, day: int) -> None:
    assert day_number(SINCE, at) == day


def test_it_is_the_day_of_utc_whatever_zone_a_time_is_told_in() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert day_number(SINCE.astimezone(tokyo), datetime(2026, 2, 3, 8, 59, tzinfo=tokyo)) == 1
    assert day_number(SINCE, datetime(2026, 2, 3, 9, tzinfo=tokyo)) == 2

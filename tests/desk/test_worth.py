"""How long a post is worth sending."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.desk.market import no_post_due
from bot.desk.worth import PostWorth, why_worthless
from tests.archive.make import NOON, post

HOUR = timedelta(hours=1)
WORTH = PostWorth(news=6 * HOUR, scheduled=24 * HOUR)


async def at_midnight(channel: str, at: datetime) -> datetime | None:
    """The next post is due twelve hours after noon."""
    return NOON + 12 * HOUR if at < NOON + 12 * HOUR else None


@pytest.mark.parametrize(
    ("reason", "age", "worthless"),
    [
        ("scheduled", 12 * HOUR - timedelta(seconds=1), False),
        ("scheduled", 12 * HOUR, True),
        ("scheduled", -HOUR, False),
        ("weekly", 12 * HOUR, False),
        ("weekly", 24 * HOUR, False),
        ("weekly", 25 * HOUR, True),
        ("escalated", 6 * HOUR, False),
        ("escalated", 6 * HOUR + timedelta(seconds=1), True),
        ("watch", 7 * HOUR, True),
        ("correction", 7 * HOUR, True),
        ("all clear", -HOUR, False),
    ],
)
async def test_a_scheduled_post_is_worth_it_until_the_next_is_due_and_news_for_hours(
    reason: Any, age: timedelta, worthless: bool
) -> None:
    told = await why_worthless(replace(post(), reason=reason), NOON + age, WORTH, at_midnight)
    assert (told is not None) is worthless


async def test_where_no_other_is_due_a_scheduled_post_is_worth_it_for_a_day() -> None:
    for age, worthless in ((24 * HOUR, False), (25 * HOUR, True)):
        assert (await why_worthless(post(), NOON + age, WORTH, no_post_due) is not None) is worthless

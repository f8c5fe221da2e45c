"""How often a channel hears from us: seldom in a storm, never twice, and in a calm only when it asked to."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.domain.judgement import Course, Signal
from bot.domain.posts import Route
from bot.rules import alert, evaluate
from tests.rules.make import book, facts
from tests.tapes import Market, quiet, recorded, volatile

POST_HOUR = 12
Posts = list[tuple[datetime, str, str, str]]


def follow(market: Market) -> Posts:
    """Every post of one channel with a daily post at noon: when, why, the stance, and the alarms in it."""
    route, posts = Route(channel="preview:"), Posts()
    kept: Mapping[str, Signal] = {}
    course: Course | None = None
    for at, sample in zip(market.times, market.samples, strict=True):
        judgement = evaluate(book(), facts(sample, at), kept, at, course=course)
        kept, course = judgement.signals, judgement.course
        due = at if at.hour == POST_HOUR else None
        route, reason = alert(replace(route, due_at=due), judgement, book(), at)
        if due or reason:
            found = [one.rule for one in judgement.verdict.findings if one.severity == "alarm"]
            moves = [f"{one.rule} {one.line:g} {one.severity}" for one in judgement.verdict.alarms if one.new]
            alarms = " ".join([*found, *moves])
            posts.append((at, "scheduled" if due else str(reason), judgement.verdict.stance, alarms))
    return posts


def is_bearable(posts: Posts, days: int) -> None:
    """At most four posts a day; what goes over that is a grave move alone, on few days, and never a third one."""
    a_day = Counter(at.date() for at, *_ in posts)
    assert max(a_day.values()) <= 6
    assert sum(count > 4 for count in a_day.values()) <= max(days // 20, 1)
    for day in (day for day, count in a_day.items() if count > 4):
        later = [post for post in posts if post[0].date() == day and post[1] != "scheduled"][3:]
        assert all(" alarm" in alarms for *_, alarms in later), later
    assert sum(why == "scheduled" for _, why, *_ in posts) == days
    alerts = [post for post in posts if post[1] != "scheduled"]
    for (before, *one), (after, *two) in pairwise(alerts):
        assert one != two or after - before >= timedelta(days=1)


def test_a_quiet_month_brings_exactly_the_scheduled_posts() -> None:
    posts = follow(quiet(seed=7, days=10))
    assert [(at.hour, why) for at, why, *_ in posts] == [(POST_HOUR, "scheduled")] * 10
    assert {stance for _, _, stance, _ in posts[:1]} == {"unclear"}  # nobody knows the two days before
    assert {stance for _, _, stance, _ in posts[1:]} == {"neutral"}


def test_two_volatile_weeks_bring_at_most_four_posts_a_day() -> None:
    is_bearable(follow(volatile(seed=3, days=14)), 14)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(6))
def test_a_volatile_quarter_brings_at_most_four_posts_a_day_but_for_grave_moves_and_none_twice(
    seed: int,
) -> None:
    posts = follow(volatile(seed))
    is_bearable(posts, 90)
    assert [why for _, why, *_ in posts if why != "scheduled"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(4))
def test_a_whole_quiet_month_brings_exactly_the_scheduled_posts(seed: int) -> None:
    posts = follow(quiet(seed))
    assert [why for _, why, *_ in posts] == ["scheduled"] * 30


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_fall_of_february_2026_brings_at_most_four_posts_a_day(shared: Path) -> None:
    until = datetime(2026, 2, 20, tzinfo=UTC)
    posts = follow(recorded(shared / "recordings" / "history", datetime(2026, 1, 1, tzinfo=UTC), until))
    is_bearable(posts, 50)
    alerts = [(at, stance) for at, why, stance, _ in posts if why != "scheduled"]
    assert any(stance == "bearish" and at < datetime(2026, 2, 6, tzinfo=UTC) for at, stance in alerts)

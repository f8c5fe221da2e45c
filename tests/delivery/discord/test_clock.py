"""Discord's own time."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.discord.clock import EPOCH, DiscordClock, first_id_at, time_of

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


class Ticks:
    def __init__(self) -> None:
        self.s = 0.0

    def __call__(self) -> float:
        return self.s


def test_it_is_not_known_before_the_first_answer_and_then_goes_on_by_itself() -> None:
    ticks = Ticks()
    clock = DiscordClock(monotonic=ticks)
    assert clock.now() is None
    clock.heed({"Date": "Fri, 06 Feb 2026 14:00:00 GMT"})
    ticks.s = 90.5
    assert clock.now() == AT + timedelta(seconds=90.5)


def test_the_newest_answer_counts_and_one_without_a_date_changes_nothing() -> None:
    clock = DiscordClock(monotonic=Ticks())
    clock.heed({"Date": "Fri, 06 Feb 2026 15:00:00 GMT"})
    clock.heed({"Date": "Fri, 06 Feb 2026 14:00:00 GMT"})
    for header in ({}, {"Date": "yesterday"}, {"Date": "Fri, 06 Feb 2026 14:00:00 -0000"}):
        clock.heed(header)
    assert clock.now() == AT


def test_the_id_of_discords_own_example_is_of_its_time() -> None:
    number = 175928847299117063  # docs.discord.com, "Snowflake"
    at = datetime(2016, 4, 30, 11, 18, 25, 796_000, tzinfo=UTC)
    assert time_of(number) == at
    assert first_id_at(at) <= number < first_id_at(at + timedelta(milliseconds=1))


def test_before_discord_was_there_are_no_ids() -> None:
    assert first_id_at(EPOCH - timedelta(days=1)) == 0


@given(st.integers(0, 1 << 62))
def test_an_id_is_never_before_the_first_of_its_time(number: int) -> None:
    assert first_id_at(time_of(number)) <= number

"""A host's budget and breaker."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.sources._hosts import FAILURES_TO_OPEN, OPEN_FIRST, OPEN_LONGEST, Budget, Host, Purse

NOW = datetime(2026, 1, 23, 12, 30, tzinfo=UTC)


def host(burst: float = 3, per_s: float = 1) -> Host:
    return Host("venue.example", Purse(Budget(burst=burst, per_s=per_s)))


def test_a_burst_is_free_and_the_request_after_it_waits_for_its_refill():
    one = host()
    for _ in range(3):
        assert one.wait_s(1, NOW) == 0
        one.spend(1, NOW)
    assert one.wait_s(1, NOW) == 1
    assert one.wait_s(1, NOW + timedelta(seconds=1)) == 0


def test_usage_shows_what_is_spent_of_the_limit_and_how_often_it_was_asked():
    one = host(burst=10)
    one.spend(4, NOW)
    one.spend(1, NOW)
    assert (one.usage(NOW).used, one.usage(NOW).limit, one.usage(NOW).requests) == (5, 10, 2)
    assert one.usage(NOW + timedelta(seconds=2)).used == 3


@given(st.lists(st.floats(0, 5), max_size=60))
def test_what_is_granted_in_any_time_stays_within_burst_and_refill(pauses: list[float]):
    one, at, granted = host(burst=5, per_s=2), NOW, 0
    for pause in pauses:
        at += timedelta(seconds=pause)
        if one.wait_s(1, at) == 0:
            one.spend(1, at)
            granted += 1
    assert granted <= 5 + 2 * (at - NOW).total_seconds() + 1e-6


def test_it_rests_after_some_failures_in_a_row_and_an_answer_in_between_forgets_them():
    one = host()
    for _ in range(FAILURES_TO_OPEN - 1):
        one.note_failure("HTTP 500", NOW)
    one.note_answer()
    for _ in range(FAILURES_TO_OPEN - 1):
        one.note_failure("HTTP 500", NOW)
    assert one.resting_s(NOW) == 0
    one.note_failure("HTTP 500", NOW)
    assert one.resting_s(NOW) == OPEN_FIRST.total_seconds()
    assert one.usage(NOW).health == "resting"
    assert one.usage(NOW).trouble == "HTTP 500"


def test_after_its_rest_it_is_doubtful_and_a_failed_probe_doubles_the_rest_up_to_the_longest():
    one, at = host(), NOW
    for _ in range(FAILURES_TO_OPEN):
        one.note_failure("no route", at)
    rest = OPEN_FIRST
    for _ in range(8):
        at += timedelta(seconds=one.resting_s(at))
        assert one.doubtful
        assert one.usage(at).health == "probing"
        one.note_failure("no route", at)
        rest = min(rest * 2, OPEN_LONGEST)
        assert one.resting_s(at) == rest.total_seconds()
    one.note_answer()
    assert not one.doubtful
    assert one.usage(at).health == "well"


def test_a_failure_of_a_request_made_before_the_rest_does_not_lengthen_it():
    one = host()
    for _ in range(FAILURES_TO_OPEN + 4):
        one.note_failure("HTTP 502", NOW)
    assert one.resting_s(NOW) == OPEN_FIRST.total_seconds()


def test_the_longer_rest_wins():
    one = host()
    one.rest("banned", NOW, timedelta(hours=1))
    one.rest("too many requests", NOW, timedelta(seconds=5))
    assert one.resting_s(NOW) == 3600


def test_hosts_of_one_purse_spend_from_one_budget():
    purse = Purse(Budget(burst=10, per_s=1))
    one, other = Host("a.example", purse), Host("b.example", purse)
    one.spend(8, NOW)
    assert other.wait_s(2, NOW) == 0
    assert other.wait_s(5, NOW) == 3
    other.spend(5, NOW)
    assert (one.usage(NOW).used, other.usage(NOW).used) == (13, 13)
    assert (one.usage(NOW).requests, other.usage(NOW).requests) == (1, 1)

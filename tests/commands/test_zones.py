"""Time zones as people name them."""

import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.commands.zones import Zones, label_zone, read_offset
from bot.errors import InputError
from tests.delivery.discord.stand import playbook
from tests.said import refused

WINTER, SUMMER = datetime(2026, 1, 15, 12, tzinfo=UTC), datetime(2026, 7, 15, 12, tzinfo=UTC)
ZONES = Zones([bank.words for bank in playbook().banks.values()])


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("new york", "America/New_York"),
        ("NYC", "America/New_York"),
        ("EST", "America/New_York"),
        ("edt", "America/New_York"),
        ("nueva york", "America/New_York"),
        ("pst", "America/Los_Angeles"),
        ("san francisco", "America/Los_Angeles"),
        ("london", "Europe/London"),
        ("CET", "Europe/Berlin"),
        ("germany", "Europe/Berlin"),
        ("são paulo", "America/Sao_Paulo"),
        ("ist", "Asia/Kolkata"),
        ("tokyo", "Asia/Tokyo"),
        ("europe/berlin", "Europe/Berlin"),
        ("Europe Berlin", "Europe/Berlin"),
        ("utc", "UTC"),
        ("gmt", "UTC"),
        ("+2", "Etc/GMT-2"),
        ("UTC+2", "Etc/GMT-2"),
        ("gmt -5", "Etc/GMT+5"),
        ("utc−5", "Etc/GMT+5"),
        ("+0", "UTC"),
        ("+5:30", "Asia/Kolkata"),
    ],
)
def test_a_zone_is_found_by_what_people_call_it(typed: str, name: str) -> None:
    assert ZONES.find(typed, WINTER)[0] == name
    assert ZONES.name_of(typed, WINTER) == name


def test_an_offset_offers_zones_that_are_so_far_from_greenwich_and_no_other() -> None:
    for typed, hours in (("+2", 2), ("-3", -3), ("utc+9", 9)):
        for name in ZONES.find(typed, WINTER):
            assert WINTER.astimezone(ZoneInfo(name)).utcoffset() == timedelta(hours=hours)
    assert "Etc/GMT+2" not in ZONES.find("+2", WINTER)


def test_a_zone_is_shown_with_its_offset_of_now_and_never_by_ianas_backward_names() -> None:
    assert label_zone("America/New_York", WINTER) == "America/New York (UTC−5)"
    assert label_zone("America/New_York", SUMMER) == "America/New York (UTC−4)"
    assert label_zone("Etc/GMT-2", WINTER) == "UTC+2"
    assert label_zone("Asia/Kolkata", WINTER) == "Asia/Kolkata (UTC+5:30)"
    assert label_zone("UTC", WINTER) == "UTC"


@pytest.mark.parametrize("typed", ["mars", "", "+15", "a", "+2:99"])
def test_what_is_no_zone_or_may_be_many_is_refused_with_what_would_do(typed: str) -> None:
    with refused(InputError, match="Europe/Berlin"):
        ZONES.name_of(typed, WINTER)


@settings(deadline=None)
@given(st.text(max_size=30))
def test_whatever_is_typed_is_a_zone_or_is_refused(typed: str) -> None:
    with contextlib.suppress(InputError):
        ZoneInfo(ZONES.name_of(typed, WINTER))
    for name in ZONES.find(typed, WINTER):
        ZoneInfo(name)


@given(st.integers(-14, 14))
def test_an_offset_is_read_with_its_sign(hours: int) -> None:
    assert read_offset(f"UTC{hours:+d}") == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("+2h", "Etc/GMT-2"),
        ("UTC 2", "Etc/GMT-2"),
        ("gmt2", "Etc/GMT-2"),
        ("–3", "Etc/GMT+3"),
        ("GMT+5.30", "Asia/Kolkata"),
        ("+5.5", "Asia/Kolkata"),
        ("Pacific Time", "America/Los_Angeles"),
        ("Central European Time", "Europe/Berlin"),
        ("hora de Madrid", "Europe/Madrid"),
        ("New York City", "America/New_York"),
        ("new york, usa", "America/New_York"),
        ("Ciudad de México", "America/Mexico_City"),
        ("São Paulo", "America/Sao_Paulo"),
    ],
)
def test_a_zone_is_found_by_what_people_put_around_its_name(typed: str, name: str) -> None:
    assert ZONES.name_of(typed, WINTER) == name


@pytest.mark.parametrize("typed", ["time", "hora de", "2", "5:30", "+15"])
def test_words_that_say_nothing_of_a_zone_are_none(typed: str) -> None:
    with pytest.raises(InputError):
        ZONES.name_of(typed, WINTER)

"""Dated events, and what is priced around one: by hand."""

from datetime import UTC, date, datetime
from math import sqrt
from pathlib import Path

import pytest

from bot.errors import ConfigError
from bot.metrics import parse_event_rows, parse_events
from bot.metrics.events import price_stretch
from bot.metrics.smile import Smile

ROOT = Path(__file__).resolve().parents[2]
GOOD = """
[[events]]
kind = "cpi"
source = "its publisher"
read = 2026-11-30
at = [2026-12-10T13:30:00Z, 2026-11-10T13:30:00Z]

[[events]]
kind = "fomc"
source = "its publisher"
read = 2026-11-30
at = [2026-12-09T19:00:00Z]
"""


def smile(days: float, atm: float | None) -> Smile:
    return Smile(days, None, None, atm)


def test_events_come_in_the_order_of_time_with_source_and_day_of_reading() -> None:
    told = parse_events(GOOD)
    assert [(one.kind, one.at) for one in told] == [
        ("cpi", datetime(2026, 11, 10, 13, 30, tzinfo=UTC)),
        ("fomc", datetime(2026, 12, 9, 19, tzinfo=UTC)),
        ("cpi", datetime(2026, 12, 10, 13, 30, tzinfo=UTC)),
    ]
    assert {(one.source, one.read) for one in told} == {("its publisher", date(2026, 11, 30))}
    assert parse_events("") == ()


@pytest.mark.parametrize(
    "bad",
    [
        "[[event]]\nkind = 'cpi'",
        GOOD.replace('kind = "cpi"', 'kind = "rumor"'),
        GOOD.replace('source = "its publisher"', 'source = ""'),
        GOOD.replace("read = 2026-11-30\n", ""),
        GOOD.replace("2026-12-10T13:30:00Z", "2026-12-10T13:30:00"),
        GOOD.replace("2026-11-10T13:30:00Z", "2026-12-10T13:30:00Z"),
        GOOD.replace("at = [2026-12-09T19:00:00Z]", "at = []"),
    ],
)
def test_an_event_without_source_day_or_zone_is_refused_and_so_is_one_that_stands_twice(bad: str) -> None:
    with pytest.raises(ConfigError):
        parse_events(bad)


def test_the_shipped_dates_are_those_published_for_2026_and_2027() -> None:
    told = parse_events((ROOT / "config" / "events.toml").read_text("utf-8"))
    of_2026 = {
        kind: [one.at for one in told if one.kind == kind and one.at.year == 2026] for kind in ("fomc", "cpi")
    }
    assert {kind: len(found) for kind, found in of_2026.items()} == {"fomc": 8, "cpi": 12}
    # Second days of the meetings, all of them Wednesdays; 2 p.m. in Washington, 8:30 a.m. for prices.
    assert " ".join(f"{at:%-d.%-m}" for at in of_2026["fomc"]) == "28.1 18.3 29.4 17.6 29.7 16.9 28.10 9.12"
    assert all(one.at.weekday() == 2 for one in told if one.kind == "fomc")
    summer = [
        one for one in told if datetime(2026, 3, 8, tzinfo=UTC) < one.at < datetime(2026, 11, 1, tzinfo=UTC)
    ]
    assert {(one.kind, one.at.hour) for one in summer} == {("fomc", 18), ("cpi", 12)}


def test_the_stretch_around_an_event_is_what_total_variance_grows_by() -> None:
    # 40% for 10 days, 50% for 20: w = 0.16 x 10/365 = 0.0043836 and 0.25 x 20/365 = 0.0136986; √0.009315 = 9.6515%.
    smiles = [smile(10.0, 40.0), smile(20.0, 50.0)]
    found = price_stretch(smiles, 15.0)
    assert found is not None
    assert (found.since_days, found.until_days) == (10.0, 20.0)
    assert found.move_pct == pytest.approx(9.6515, abs=1e-3)
    first = price_stretch(smiles, 3.0)
    assert first is not None
    assert first.since_days == 0.0
    assert first.move_pct == pytest.approx(40.0 * sqrt(10 / 365))


def test_beyond_the_expiries_and_where_variance_shrinks_nothing_is_told() -> None:
    assert price_stretch([smile(10.0, 40.0)], 10.0) is None
    assert price_stretch([smile(10.0, 60.0), smile(11.0, 50.0)], 10.5) is None
    assert price_stretch([smile(10.0, None)], 5.0) is None
    assert price_stretch([], 5.0) is None


def test_on_a_recorded_day_the_stretch_of_the_decision_is_that_of_both_expiries() -> None:
    # 23 January 2026: 27 January ±3.04% (3.81 days), 30 January ±4.75% (6.81): √(4.75² - 3.04²) = 3.65%.
    smiles = [smile(3.81, 3.04 / sqrt(3.81 / 365)), smile(6.81, 4.75 / sqrt(6.81 / 365))]
    found = price_stretch(smiles, 5.27)
    assert found is not None
    assert found.move_pct == pytest.approx(3.65, abs=0.005)


ROWS = (ROOT / "config" / "event-posts.toml").read_text(encoding="utf-8")


def test_each_kind_of_event_that_is_told_has_its_numbers() -> None:
    rows = {row.kind: row for row in parse_event_rows(ROWS)}
    assert set(rows) == {"cascade", "squeeze", "funding-turn", "expiry", "calendar"}
    assert rows["cascade"].floor_usd("SOL") == 3e6
    assert rows["cascade"].floor_usd("BTC") == 2e7
    assert parse_event_rows("") == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('kind     = "squeeze"', 'kind = "cascade"', "stands twice"),
        ('kind     = "squeeze"', 'kind = "rumor"', "kind"),
        ("times = 80, ", "", "numbers must be after_h, quiet_h, times"),
        ("share_pct = 10", "share = 10", "numbers must be"),
        ("each = 3e6, ", "", "floors need each"),
        ("late_h   = 12", "late_h = 0", "late_h"),
        ("[[event]]", "[[rumor]]", "unknown key"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused_with_its_reason(old: str, new: str, said: str) -> None:
    assert old in ROWS
    with pytest.raises(ConfigError, match=said):
        parse_event_rows(ROWS.replace(old, new))

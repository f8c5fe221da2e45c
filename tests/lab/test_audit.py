"""What was stored, held against histories that differ from it by known amounts."""

from array import array
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.audit import AuditReport, AuditRow
from bot.domain.facts import Series
from bot.domain.readings import SeriesReading
from bot.errors import ConfigError
from bot.lab.audit import AuditSettings, compare_with_history, parse_audit_settings, report_lines
from bot.metrics import CATALOG
from bot.playbook import CONFIG

SINCE = datetime(2026, 11, 1, tzinfo=UTC)
HOUR_MS = 3_600_000
START_MS = round(SINCE.timestamp() * 1000)
SETTINGS = parse_audit_settings(
    """
    within_s = 600
    [[metric]]
    name = "open_interest_coin"
    tolerance_pct = 1
    [[metric]]
    name = "dvol"
    tolerance = 0.5
    """,
    CATALOG,
)


def stored(values: Sequence[float], *, late_s: float = 60, covers_s: int = 0) -> Series:
    """One value an hour, each heard so long before the hour."""
    return Series(
        metric="x",
        asset="BTC",
        venue="v",
        at_ms=array("q", [START_MS + i * HOUR_MS - round(late_s * 1000) for i in range(len(values))]),
        value=array("d", values),
        covers_s=array("l", [covers_s] * len(values)),
    )


def history(
    metric: str, values: Sequence[float], venue: str = "binance", asset: str = "BTC"
) -> SeriesReading:
    return SeriesReading(
        source=venue,
        observed_at=SINCE,
        venue=venue,
        asset=asset,
        metric=metric,
        interval_s=3600,
        at_ms=array("q", [START_MS + i * HOUR_MS for i in range(len(values))]),
        value=array("d", values),
    )


def row(
    told: SeriesReading, ours: Series | None, settings: AuditSettings = SETTINGS, since: datetime = SINCE
) -> AuditRow:
    known = {} if ours is None else {(told.metric, told.venue): [ours]}
    [found] = compare_with_history("BTC", [told], known, settings, since)
    return found


def test_amounts_differ_in_percent_of_what_the_venue_says():
    found = row(history("open_interest_coin", [100, 200, 400]), stored([101, 196, 400]))
    assert (found.compared, found.missing, found.beyond, found.unit) == (3, 0, 1, "%")
    assert found.mean == pytest.approx(1)  # 1, 2 and 0 percent
    assert found.bias == pytest.approx(-1 / 3)
    assert found.largest == pytest.approx(2)
    assert found.largest_at == SINCE + timedelta(hours=1)


def test_levels_differ_in_their_own_unit():
    found = row(history("dvol", [40.0, 50.0]), stored([40.5, 48.0]))
    assert (found.unit, found.tolerance, found.beyond) == ("vol points", 0.5, 1)
    assert found.mean == pytest.approx(1.25)
    assert found.bias == pytest.approx(-0.75)
    assert found.largest == pytest.approx(2.0)


def test_a_value_is_held_against_the_last_one_stored_by_then_and_not_a_later_one():
    later = stored([1, 2, 3], late_s=-60)  # each a minute after the hour
    found = row(history("open_interest_coin", [1, 1, 2]), later)
    assert (found.compared, found.missing) == (0, 3)  # 59 minutes are too old


@pytest.mark.parametrize(("late_s", "compared"), [(600, 2), (601, 0), (0, 2)])
def test_one_stored_too_long_before_is_missing(late_s: float, compared: int):
    found = row(history("dvol", [40, 41]), stored([40, 41], late_s=late_s))
    assert (found.compared, found.missing) == (compared, 2 - compared)


def test_what_was_filled_in_from_a_history_is_not_held_against_itself():
    found = row(history("dvol", [40, 41]), stored([40, 41], late_s=0, covers_s=3600))
    assert (found.compared, found.missing, found.mean, found.largest_at) == (0, 2, None, None)


def test_what_is_not_to_be_looked_at_another_asset_and_what_is_older_are_left_out():
    nasdaq, ether = history("nasdaq_points", [1]), history("dvol", [1], asset="ETH")
    assert compare_with_history("BTC", [nasdaq, ether], {}, SETTINGS, SINCE) == ()
    found = row(history("dvol", [40, 41, 42]), stored([40, 41, 42]), since=SINCE + timedelta(hours=1))
    assert found.compared == 2


def test_a_history_of_zero_has_no_percent():
    found = row(history("open_interest_coin", [0, 100]), stored([5, 100]))
    assert (found.compared, found.missing) == (1, 1)


def test_a_report_says_what_was_compared_what_has_no_history_and_what_is_missing():
    rows = compare_with_history(
        "BTC",
        [history("open_interest_coin", [100, 200, 400]), history("dvol", [40.0], venue="deribit")],
        {("open_interest_coin", "binance"): [stored([101, 196, 400])]},
        SETTINGS,
        SINCE,
    )
    report = AuditReport(
        at=SINCE, since=SINCE, rows=rows, without_history=("BTC dvol okx",), gaps=("okx: no answer",)
    )
    assert (report.compared, report.beyond) == (3, 1)
    assert report_lines(report) == [
        "BTC dvol deribit: nothing stored beside the 1 values of its history",
        (
            "BTC open_interest_coin binance: 3 compared, 0 missing; apart by 1% in the mean (-0.3333), "
            "at most 2% (2026-11-01T01:00:00Z); 1 beyond 1%"
        ),
        "no history to hold it against: BTC dvol okx",
        "missing: okx: no answer",
    ]


def test_the_shipped_tolerances_can_be_read():
    shipped = parse_audit_settings((CONFIG / "audit.toml").read_text(encoding="utf-8"), CATALOG)
    assert shipped.within == timedelta(minutes=10)
    assert {"open_interest_coin", "funding_8h_pct", "dvol", "spot_usd"} <= set(shipped.tolerances)
    assert shipped.tolerances["open_interest_coin"].relative
    assert not shipped.tolerances["dvol"].relative


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("within_s = 1", "metric: is missing"),
        ("metric = []", "within_s: is missing"),
        ("within_s = 1\nmetric = []\nfoo = 1", "foo: unknown key"),
        ('within_s = 1\n[[metric]]\nname = "x"\ntolerance = 1', "x: there is no such metric"),
        ('within_s = 1\n[[metric]]\nname = "dvol"', "dvol: either tolerance or tolerance_pct"),
        ('within_s = 1\n[[metric]]\nname = "dvol"\ntolerance = 1\ntolerance_pct = 1', "dvol: either"),
        ('within_s = 1\n[[metric]]\nname = "dvol"\ntolerance = 1\nunit = "x"', "unknown key 'unit'"),
        ("within_s = ", "audit.toml"),
    ],
)
def test_a_file_that_cannot_be_taken_says_what_is_wrong(text: str, said: str):
    with pytest.raises(ConfigError, match=said):
        parse_audit_settings(text, CATALOG)

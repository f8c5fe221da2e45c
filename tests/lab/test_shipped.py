"""Rows of a first history, worked out from a recorded past."""

from array import array
from datetime import UTC, date, datetime, timedelta

import pytest

from bot.domain.facts import Series
from bot.errors import InputError
from bot.lab.shipped import past_rows, rows_text
from bot.metrics import CATALOG
from bot.playbook import read_playbook

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 101
DAY_MS = 86_400_000


def skew() -> Series:
    """One day after another, 0, 1 … 100."""
    first = int(START.timestamp() * 1000)
    return Series(
        metric="skew_60d_pct",
        asset="BTC",
        venue=None,
        at_ms=array("q", [first + number * DAY_MS for number in range(DAYS)]),
        value=array("d", [float(number) for number in range(DAYS)]),
        covers_s=array("q", [86_400] * DAYS),
    )


def test_a_row_is_the_quantiles_of_its_own_days_and_no_others() -> None:
    book, last = read_playbook().rules, (START + timedelta(days=100)).date()
    [row] = [
        one
        for one in past_rows(book, [skew()], CATALOG, "BTC", START.date(), last)
        if one.fact == "skew_60d_pct"
    ]
    assert row.quantiles == pytest.approx((5, 20, 50, 80, 95), abs=0.05)
    assert row.days == 101
    first = date(2026, 4, 10)
    [later] = [
        one for one in past_rows(book, [skew()], CATALOG, "BTC", first, last) if one.fact == "skew_60d_pct"
    ]
    assert later.days == 61
    assert later.quantiles[0] > 40


def test_a_row_is_written_as_a_rule_file_has_it_and_can_be_read_again() -> None:
    book, last = read_playbook().rules, date(2026, 6, 9)
    rows = past_rows(book, [skew()], CATALOG, "BTC", START.date(), last)
    text = rows_text(
        [row for row in rows if row.fact == "skew_60d_pct"], "BTC", START.date(), last, "made up"
    )
    assert text.splitlines()[:7] == [
        "[[past]]",
        'asset     = "BTC"',
        'fact      = "skew_60d_pct"',
        "from      = 2026-03-01",
        "to        = 2026-06-09",
        "quantiles = [5, 20, 50, 80, 95]",
        "n         = 101",
    ]


def test_a_row_spans_a_year_at_most() -> None:
    with pytest.raises(InputError, match="spans one to 365 days"):
        past_rows(read_playbook().rules, [skew()], CATALOG, "BTC", date(2025, 1, 1), date(2026, 6, 9))

"""The study: which stretches it judges, and what it counts there."""

from array import array
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.facts import Series
from bot.lab.study import entropy, stretches, without_families
from bot.playbook import read_playbook

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def daily(metric: str, first: int, last: int, gap: tuple[int, int] = (0, 0)) -> Series:
    """A figure a day from one day to another, without those of a gap."""
    days = [day for day in range(first, last) if not gap[0] <= day < gap[1]]
    at = [int((START + day * DAY).timestamp() * 1000) for day in days]
    return Series(
        metric=metric,
        asset="BTC",
        venue=None,
        at_ms=array("q", at),
        value=array("d", [1.0] * len(at)),
        covers_s=array("q", [86_400] * len(at)),
    )


def test_a_stretch_is_a_month_with_three_of_the_four_heavy_families() -> None:
    past = [
        daily("skew_60d_pct", 0, 100),
        daily("basis_60d_pct", 20, 100),
        daily("open_interest_usd", 0, 60),
        daily("liquidations_24h_usd", 40, 100),
    ]
    [(since, until)] = stretches(read_playbook().rules, past)
    assert (since, until) == (START + 21 * DAY, START + 101 * DAY)


def test_a_gap_of_two_days_does_not_end_a_stretch_and_a_longer_one_does() -> None:
    def told(gap: tuple[int, int]) -> list[Series]:
        return [
            daily("skew_60d_pct", 0, 100),
            daily("basis_60d_pct", 0, 100, gap),
            daily("open_interest_usd", 0, 100),
        ]

    assert len(stretches(read_playbook().rules, told((50, 52)))) == 1
    assert len(stretches(read_playbook().rules, told((50, 54)))) == 2
    assert stretches(read_playbook().rules, told((10, 95))) == ()


def test_a_family_is_taken_away_from_a_time_on_or_altogether() -> None:
    book = read_playbook().rules
    past = [daily("skew_60d_pct", 0, 10), daily("liquidations_24h_usd", 0, 10)]
    gap = without_families(book, past, ["liquidations"], START + 4 * DAY)
    assert [len(one.at_ms) for one in gap] == [10, 4]
    assert [one.metric for one in without_families(book, past, ["liquidations"], None)] == ["skew_60d_pct"]


def test_entropy_says_how_much_a_stance_tells() -> None:
    assert entropy({"bearish": 40}) == 0.0
    assert entropy({"bearish": 20, "neutral": 20}) == 1.0
    assert entropy({"bearish": 27, "neutral": 20}) == pytest.approx(0.984, abs=0.001)

"""How verdicts did: hit rates beside base rates, intervals, and the courage to say "too few"."""

from array import array
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.domain.rulebook import Stance
from bot.errors import ConfigError
from bot.rules.record import Prices, RecordRow, RecordSettings, changes, interval, parse_manner, record

START = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def manner(root: Path, least: int = 2) -> RecordSettings:
    text = (
        (root / "config" / "record.toml")
        .read_text(encoding="utf-8")
        .replace("least = 20", f"least = {least}")
    )
    return parse_manner(text)


def prices(usd: list[float]) -> Prices:
    """Hourly prices, each known at the end of its hour."""
    spot = Series(
        metric="spot_usd",
        asset="BTC",
        venue=None,
        at_ms=array(
            "q", [int((START + (hour - 1) * DAY / 24).timestamp() * 1000) for hour in range(len(usd))]
        ),
        value=array("d", usd),
        covers_s=array("q", [3600] * len(usd)),
    )
    return Prices.of(spot, timedelta(hours=2))


def call(day: float, stance: Stance, rules: str = "one") -> Call:
    return Call(at=START + day * DAY, stance=stance, rules=rules)


def row(rows: tuple[RecordRow, ...], stance: str, days: int, rules: str = "one") -> RecordRow:
    return next(one for one in rows if (one.stance, one.days, one.rules) == (stance, days, rules))


def test_a_falling_price_makes_caution_right_every_time_and_so_is_the_base_rate(root: Path) -> None:
    falling = prices([1000.0 - hour for hour in range(24 * 20)])
    calls = [
        call(0, "neutral"),
        call(1, "bearish"),
        call(3, "bullish"),
        call(5, "bearish"),
        call(8, "neutral"),
    ]
    rows = record(calls, falling, manner(root), START + 20 * DAY)
    bearish = row(rows, "bearish", 1)
    assert (bearish.n, bearish.hit_pct, bearish.base_pct) == (2, 100.0, 100.0)
    assert row(rows, "bullish", 1).hit_pct in (None, 0.0)


def test_fewer_windows_than_the_stated_number_say_no_rate(root: Path) -> None:
    calls = [call(0, "neutral"), call(1, "bearish")]
    one = row(record(calls, prices([100.0] * 480), manner(root), START + 20 * DAY), "bearish", 1)
    assert one.n == 1
    assert (one.hit_pct, one.low_pct, one.high_pct) == (None, None, None)


def test_calls_within_one_window_count_once(root: Path) -> None:
    calls = [call(0, "neutral")]
    for day in range(1, 6):
        calls += [call(day, "bearish"), call(day + 0.5, "neutral")]
    rows = record(calls, prices([1000.0 - hour for hour in range(24 * 20)]), manner(root), START + 20 * DAY)
    assert (row(rows, "bearish", 7).calls, row(rows, "bearish", 7).n) == (5, 1)
    assert row(rows, "bearish", 1).n == 5


def test_a_window_that_is_not_over_is_not_counted(root: Path) -> None:
    calls = [call(0, "neutral"), call(1, "bearish")]
    rows = record(
        calls, prices([100.0 - hour / 100 for hour in range(24 * 5)]), manner(root), START + 5 * DAY
    )
    assert row(rows, "bearish", 1).calls == 1
    assert row(rows, "bearish", 7).calls == 0
    assert row(rows, "bearish", 7).base_pct is None


def test_an_edit_of_the_rules_starts_a_new_line_and_is_no_call_itself(root: Path) -> None:
    calls = [call(0, "neutral"), call(1, "bearish"), call(4, "bearish", "two"), call(6, "neutral", "two")]
    rows = record(calls, prices([1000.0 - hour for hour in range(480)]), manner(root), START + 20 * DAY)
    assert row(rows, "bearish", 1, "one").calls == 1
    assert row(rows, "bearish", 1, "two").calls == 0
    assert row(rows, "neutral", 1, "two").calls == 1


def test_the_first_stance_of_a_record_is_no_change() -> None:
    assert changes([call(0, "bearish"), call(1, "neutral")]) == (call(1, "neutral"),)


def test_a_price_that_is_missing_leaves_its_window_out(root: Path) -> None:
    calls = [call(0, "neutral"), call(1, "bearish")]
    rows = record(calls, prices([100.0] * 30), manner(root), START + 20 * DAY)
    assert row(rows, "bearish", 1).calls == 0


def test_the_ends_of_the_interval_are_those_at_which_the_share_would_be_just_so_unlikely() -> None:
    """Wilson's ends solve |share - p| = 1.6449 x sqrt(p (1 - p) / n): eight right out of ten."""
    for end in interval(8, 10):
        p = end / 100
        assert abs(0.8 - p) == pytest.approx(1.6448536 * (p * (1 - p) / 10) ** 0.5, rel=1e-6)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_an_interval_holds_the_share_and_stays_within_all_and_nothing(sample: tuple[int, int]) -> None:
    hits, n = sample
    low, high = interval(hits, n)
    assert 0.0 <= low <= 100.0 * hits / n + 1e-9
    assert 100.0 * hits / n - 1e-9 <= high <= 100.0


def test_a_stance_that_does_not_exist_and_an_unknown_key_are_problems_by_name() -> None:
    with pytest.raises(ConfigError, match="bearsih"):
        parse_manner('horizons_days=[1]\nleast=2\nprice_max_age_h=2\n[[stance]]\nid="bearsih"\nright="lower"')
    with pytest.raises(ConfigError, match="leest"):
        parse_manner("leest=2")

"""The rules over a past: CSV files read as described, figures that follow from them as live, and nothing known before its time."""

import math
from array import array
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.app import read_playbook
from bot.backtest import HistoryFile, completed, parse_schema, read_folder, run, with_data
from bot.domain.facts import Series
from bot.domain.playbook import Playbook
from bot.errors import ConfigError
from bot.metrics import CATALOG, History, facts_at
from bot.past import folder_past

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SCHEMA = """
[[file]]
name = "bars.csv"
time = "open_at"
every = "1h"
venue = "binance"
asset = "BTC"
columns = { spot_usd = "close", spot_high_usd = "high", spot_low_usd = "low" }

[[file]]
name = "funding.csv"
time = "day"
every = "1d"
venue = "coinglass"
asset_column = "symbol"
columns = { funding_annual_pct = { column = "rate", times = 1095 } }
zero = "gap"
"""


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return read_playbook()


def price(hour: int) -> float:
    """Calm for forty days, then a fall of a quarter within two, then half the way back."""
    calm = 90_000 + 500 * math.sin(hour / 9)
    fall = min(max(hour - 960, 0), 48) / 48 * 22_000
    return calm - fall + min(max(hour - 1010, 0), 100) / 100 * 11_000


def bars(hours: int = 1300, left_out: range = range(0)) -> str:
    lines = ["open_at,open,high,low,close"]
    for hour in range(hours):
        if hour not in left_out:
            usd = price(hour)
            lines.append(f"{(START + hour * HOUR):%Y-%m-%dT%H:%MZ},{usd},{usd + 50},{usd - 50},{usd}")
    return "\n".join(lines)


def past_of(files: Mapping[str, str], asset: str = "BTC") -> tuple[Series, ...]:
    return completed(read_folder(files, parse_schema(SCHEMA, CATALOG), asset, CATALOG))


def column(past: tuple[Series, ...], metric: str) -> Mapping[datetime, float]:
    one = next(series for series in past if series.metric == metric and series.venue is None)
    return {datetime.fromtimestamp(at / 1000, UTC): value for at, value in zip(one.at_ms, one.value, strict=True)}


def test_a_file_is_read_as_it_is_described_and_an_empty_cell_or_a_zero_that_means_nothing_is_a_gap() -> None:
    text = "symbol,day,rate\nBTC,2026-01-01,0.01\nBTC,2026-01-02,\nBTC,2026-01-03,0.0\nETH,2026-01-01,0.5\n"
    found = column(past_of({"funding.csv": text}), "funding_annual_pct")
    assert found == {START: pytest.approx(10.95)}


def test_a_column_that_is_not_there_and_a_cell_that_is_no_number_are_problems_by_line() -> None:
    with pytest.raises(ConfigError, match=r"funding\.csv: rate: no such column"):
        past_of({"funding.csv": "symbol,day\nBTC,2026-01-01\n"})
    with pytest.raises(ConfigError, match=r"line 2: could not convert"):
        past_of({"funding.csv": "symbol,day,rate\nBTC,2026-01-01,n/a\n"})


def test_what_a_description_gets_wrong_is_said_all_at_once() -> None:
    wrong = (
        '[[file]]\nname = "x.csv"\ntime = "t"\nevery = "2h"\nvenue = "v"\ncolour = 1\ncolumns = { spott_usd = "c" }\n'
    )
    with pytest.raises(ConfigError) as refused:
        parse_schema(wrong, CATALOG)
    told = str(refused.value)
    assert all(word in told for word in ("colour", "every", "spott_usd", "asset_column"))


def test_the_shipped_description_is_sound(root: Path) -> None:
    assert parse_schema((root / "config" / "history.toml").read_text(encoding="utf-8"), CATALOG)


def test_extremes_that_follow_from_bars_are_those_of_the_live_bot() -> None:
    past = past_of({"bars.csv": bars(left_out=range(800, 810))})
    live = History.of("BTC", [one for one in past if one.metric.startswith("spot_")])
    for hour in (721, 850, 1000, 1030, 1299):
        at = START + (hour + 1) * HOUR
        facts = facts_at(live, CATALOG, "BTC", at)
        for metric in (
            "low_30d_usd",
            "high_30d_usd",
            "rebound_pct",
            "drawdown_pct",
            "hours_since_low",
            "hours_since_high",
        ):
            assert facts.value(metric) == pytest.approx(column(past, metric)[START + hour * HOUR]), (metric, hour)


def test_extremes_are_not_known_before_their_month_is() -> None:
    early = column(past_of({"bars.csv": bars()}), "low_30d_usd")
    assert min(early) >= START + 684 * HOUR - HOUR


def test_a_fall_changes_the_stance_of_the_rules_that_have_data_and_posts_it(playbook: Playbook) -> None:
    past = past_of({"bars.csv": bars()})
    book = with_data(playbook.rules, past)
    assert set(book.families) == {"price"}
    ran = run(book, past, "BTC", CATALOG, START, START + 54 * DAY)
    assert ran.calls[0].stance in ("no-call", "neutral")
    falls = [call for call in ran.calls if call.stance == "bearish"]
    assert START + 960 * HOUR < falls[0].at < START + 1000 * HOUR
    assert any(told.stance == "bearish" for told in ran.alerts)
    assert sum(ran.stances.values()) == len(ran.moments)


def test_the_whole_book_has_nothing_to_call_where_the_heavy_families_are_silent(playbook: Playbook) -> None:
    ran = run(playbook.rules, past_of({"bars.csv": bars()}), "BTC", CATALOG, START, START + 54 * DAY)
    assert set(ran.stances) == {"no-call"}
    assert ran.alerts == ()


def test_nothing_said_by_a_time_depends_on_what_came_later(playbook: Playbook) -> None:
    book, until = with_data(playbook.rules, past_of({"bars.csv": bars()})), START + 990 * HOUR
    short = run(book, past_of({"bars.csv": bars(990)}), "BTC", CATALOG, START, until)
    whole = run(book, past_of({"bars.csv": bars()}), "BTC", CATALOG, START, START + 54 * DAY)
    assert short.moments == whole.moments[: len(short.moments)]


def test_a_daily_past_is_judged_once_a_day_at_the_end_of_its_day(playbook: Playbook) -> None:
    days = "\n".join(f"BTC,{(START + day * DAY):%Y-%m-%d},{0.08}" for day in range(20))
    past = past_of({"funding.csv": f"symbol,day,rate\n{days}\n"})
    ran = run(with_data(playbook.rules, past), past, "BTC", CATALOG, START, START + 30 * DAY, every=DAY)
    assert [moment.at for moment in ran.moments] == [START + day * DAY for day in range(1, 21)]
    assert ran.on["funding-crowded"] >= 18


def test_a_window_of_liquidations_with_a_day_missing_is_not_known() -> None:
    def tally(side: str) -> Series:
        days = [day for day in range(8) if day != 3]
        return Series(
            metric=f"liquidations_tally_{side}_usd", asset="BTC", venue="coinglass",
            at_ms=array("q", [int((START + day * DAY).timestamp() * 1000) for day in days]),
            value=array("d", [1e8] * len(days)), covers_s=array("q", [86_400] * len(days)),
        )  # fmt: skip

    past = completed((tally("long"), tally("short")))
    assert set(column(past, "liquidations_24h_usd").values()) == {2e8}
    assert column(past, "liquidations_5d_usd") == {}
    assert len(column(past, "liquidations_24h_long_usd")) == 7


def test_a_file_that_says_what_another_said_is_refused() -> None:
    twice = [
        HistoryFile(name=name, time="t", every_s=3600, venue="v", columns={"dvol": ("v", 1.0)}, asset="BTC")
        for name in ("a.csv", "b.csv")
    ]
    with pytest.raises(ConfigError, match=r"b\.csv: dvol: another file"):
        read_folder({"a.csv": "t,v\n2026-01-01,40\n", "b.csv": "t,v\n2026-01-02,41\n"}, twice, "BTC", CATALOG)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_recorded_year_of_hours_is_judged_hour_by_hour(shared: Path, root: Path, playbook: Playbook) -> None:
    past = folder_past(playbook, shared / "recordings" / "history", root / "config" / "history.toml", "BTC")
    book = with_data(playbook.rules, [one for one in past if one.covers_s and max(one.covers_s) <= 3600])
    ran = run(book, past, "BTC", CATALOG, datetime(2025, 2, 28, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC))
    assert len(ran.moments) == 365 * 24 + 1
    assert any(call.stance == "bearish" and call.at >= datetime(2026, 1, 25, tzinfo=UTC) for call in ran.calls)

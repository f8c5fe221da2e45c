"""The rules over a past: CSV files read as described, figures that follow from them as live, and nothing
known before its time."""

import math
from array import array
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from benchmarks.bench_backtest import UNTIL, walks
from bot.domain.facts import Fact, Facts, OwnPast, Series
from bot.domain.judgement import Call, Course, Signal
from bot.domain.playbook import Playbook
from bot.domain.posts import Route
from bot.errors import ConfigError
from bot.lab.backtest import LEAD_IN, BacktestRun, WouldBeAlert, run, with_data
from bot.lab.completed_past import complete_past
from bot.lab.history_folder import HistoryFile, parse_schema, read_folder
from bot.metrics import CATALOG, History, by_hour, facts_at, hours_polled, own_pasts
from bot.playbook import read_playbook
from bot.process.archive_questions import folder_past
from bot.rules import JudgedMoment, alert, evaluate
from tests.rules.make import few_or_many

T = TypeVar("T")
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
    return complete_past(read_folder(files, parse_schema(SCHEMA, CATALOG), asset, CATALOG))


def column(past: tuple[Series, ...], metric: str) -> Mapping[datetime, float]:
    one = next(series for series in past if series.metric == metric and series.venue is None)
    return {
        datetime.fromtimestamp(at / 1000, UTC): value for at, value in zip(one.at_ms, one.value, strict=True)
    }


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
    wrong = '[[file]]\nname = "x.csv"\ntime = "t"\nevery = "2h"\nvenue = "v"\ncolour = 1\ncolumns = { spott_usd = "c" }\n'
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
            assert facts.value(metric) == pytest.approx(column(past, metric)[START + hour * HOUR]), (
                metric,
                hour,
            )


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


def test_families_of_which_a_past_has_no_file_are_no_part_of_the_book_there(playbook: Playbook) -> None:
    ran = run(playbook.rules, past_of({"bars.csv": bars()}), "BTC", CATALOG, START, START + 54 * DAY)
    assert ran.without == ("options", "basis", "leverage", "liquidations", "funding", "cross-asset")
    assert {moment.coverage for moment in ran.moments} <= {0.0, 1.0}
    assert all("options" not in moment.families for moment in ran.moments)


def test_nothing_said_by_a_time_depends_on_what_came_later(playbook: Playbook) -> None:
    book, until = with_data(playbook.rules, past_of({"bars.csv": bars()})), START + 990 * HOUR
    short = run(book, past_of({"bars.csv": bars(990)}), "BTC", CATALOG, START, until)
    whole = run(book, past_of({"bars.csv": bars()}), "BTC", CATALOG, START, START + 54 * DAY)
    assert short.moments == whole.moments[: len(short.moments)]


EVERY_FAMILY = """
[[file]]
name = "days.csv"
time = "day"
every = "1d"
venue = "binance"
asset = "BTC"
[file.columns]
skew_60d_pct = "skew"
basis_60d_pct = "basis"
funding_annual_pct = "funding"
open_interest_coin = "coins"
spot_usd = "spot"
liquidations_24h_long_usd = "longs"
liquidations_24h_short_usd = "shorts"
"""
USUAL = {
    "skew": 8.0,
    "basis": 4.0,
    "funding": 6.0,
    "coins": 520_000.0,
    "spot": 80_000.0,
    "longs": 6e7,
    "shorts": 4e7,
}


def days_of(factors: Sequence[Sequence[float | None]]) -> str:
    """A row a day, each figure times a factor of its own; None leaves a cell empty."""
    lines = ["day," + ",".join(USUAL)]
    for day, row in enumerate(factors):
        cells = [
            "" if factor is None else f"{usual * factor:.6g}"
            for usual, factor in zip(USUAL.values(), row, strict=True)
        ]
        lines.append(f"{(START + day * DAY):%Y-%m-%d}," + ",".join(cells))
    return "\n".join(lines)


@few_or_many
def test_whatever_comes_after_a_time_the_verdicts_up_to_it_are_the_same(
    playbook: Playbook, examples: int
) -> None:
    schema = parse_schema(EVERY_FAMILY, CATALOG)
    row = st.tuples(*(st.one_of(st.none(), st.floats(0.2, 3.0)) for _ in USUAL))

    def judged(factors: Sequence[Sequence[float | None]]) -> BacktestRun:
        past = complete_past(read_folder({"days.csv": days_of(factors)}, schema, "BTC", CATALOG))
        return run(playbook.rules, past, "BTC", CATALOG, START, START + 7 * DAY, every=DAY)

    @settings(max_examples=max(4, examples // 20), deadline=None)
    @given(
        days=st.lists(row, min_size=7, max_size=7),
        others=st.lists(row, min_size=7, max_size=7),
        known=st.integers(1, 6),
    )
    def holds(
        days: list[tuple[float | None, ...]], others: list[tuple[float | None, ...]], known: int
    ) -> None:
        # The first day has a figure of everything: what a folder has no file of is no part of the book.
        days[0] = tuple(1.0 for _ in USUAL)
        one, other = judged(days), judged([*days[:known], *others[known:]])
        until = START + known * DAY
        assert [moment for moment in one.moments if moment.at <= until] == [
            moment for moment in other.moments if moment.at <= until
        ]

    holds()


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
            metric=f"liquidations_tally_{side}_usd",
            asset="BTC",
            venue="coinglass",
            at_ms=array("q", [int((START + day * DAY).timestamp() * 1000) for day in days]),
            value=array("d", [1e8] * len(days)),
            covers_s=array("q", [86_400] * len(days)),
        )

    past = complete_past((tally("long"), tally("short")))
    assert set(column(past, "liquidations_24h_usd").values()) == {2e8}
    assert column(past, "liquidations_5d_usd") == {}
    assert len(column(past, "liquidations_24h_long_usd")) == 7


LOST = {"skew": range(70, 130), "basis": range(90, 93), "spot": range(100, 106)}
"""For some families the hours of the last days in which nothing is heard of them."""


def with_gaps(past: Sequence[Series], since: datetime) -> list[Series]:
    """A past in which some metrics are lost for hours and some values are lower bounds."""
    kept = []
    for one in past:
        lost = next((hours for stem, hours in LOST.items() if one.metric.startswith(stem)), range(0))
        rows = [
            (at, value)
            for at, value in zip(one.at_ms, one.value, strict=True)
            if (at / 1000 - since.timestamp()) // 3600 not in lost
        ]
        least = [int(one.metric.startswith("liquidations") and row % 3 == 0) for row in range(len(rows))]
        kept.append(
            replace(
                one,
                at_ms=array("q", [at for at, _ in rows]),
                value=array("d", [value for _, value in rows]),
                covers_s=array("q", [0] * len(rows)),
                lower_bound=array("b", least),
            )
        )
    return kept


@pytest.mark.parametrize("asset", ["BTC", "SOL"])
def test_a_past_is_judged_as_the_live_bot_judges_it_hour_by_hour(playbook: Playbook, asset: str) -> None:
    """Every column of every hour, the changes of stance, the alerts: from the facts, signals and course of one hour after
    another, stored and read again in between, under pasts that are worked out for each day alone."""
    days, book = 6, playbook.rules
    since = UNTIL - days * DAY
    past = with_gaps(walks(asset, days), since)
    ran = run(book, past, asset, CATALOG, since, UNTIL, by_files=False)
    history = History.of(asset, past)
    hours = by_hour(history, CATALOG, book.asks, since - LEAD_IN, UNTIL)
    route, posted = Route(channel="live:"), None
    signals: Mapping[str, Signal] = {}
    course: Course | None = None
    calls: list[Call] = []
    alerts: list[WouldBeAlert] = []
    moments = iter(ran.moments)
    pasts: Mapping[str, OwnPast] = {}
    polled = hours_polled(history, since - LEAD_IN, UNTIL)
    for at, values, bounds in hours.rows():
        if at not in polled:
            continue
        if not pasts or at.hour == 0:
            pasts = own_pasts(history, CATALOG, book, asset, at)
        known = {
            name: Fact(name=name, value=value, at=at, lower_bound=name in bounds)
            for name, value in values.items()
        }
        facts = Facts(asset=asset, at=at, known=known, pasts=pasts)
        judgement = evaluate(book, facts, signals, at, course=course)
        signals, course = judgement.signals, judgement.course
        if at.hour % 6 == 0:
            signals, course = read_again(signals, dict[str, Signal]), read_again(course, Course)
        if at < since:
            continue
        verdict, moment = judgement.verdict, next(moments)
        assert moment == JudgedMoment(
            at=at,
            stance=verdict.stance,
            confidence=verdict.confidence,
            score=verdict.score,
            coverage=verdict.coverage,
            families=verdict.families,
            counts=judgement.counts,
            counting=judgement.counting,
            changed=judgement.changed,
            votes=verdict.votes,
            balance=verdict.balance,
            middle=verdict.middle,
            direction=verdict.direction,
            leaning=verdict.leaning,
            alarms=verdict.alarms,
            ordinary=frozenset(one.rule for one in verdict.findings if one.ordinary),
        )
        if not calls or calls[-1].stance != verdict.stance:
            calls.append(Call(at=at, stance=verdict.stance, rules=book.hash))
        due = posted != at.date() and at.hour >= 12
        posted = at.date() if due else posted
        route, reason = alert(replace(route, due_at=at if due else None), judgement, book, at)
        if reason is not None:
            alerts.append(WouldBeAlert(at=at, reason=reason, stance=verdict.stance))
    assert next(moments, None) is None
    assert (ran.calls, ran.alerts) == (tuple(calls), tuple(alerts))
    assert len(calls) > 1
    assert alerts
    assert {moment.coverage for moment in ran.moments} > {1.0}
    assert any(moment.alarms for moment in ran.moments)


def read_again(value: Any, kind: type[T]) -> T:
    """As a restart finds it."""
    return msgspec.json.decode(
        msgspec.json.encode(dict(value) if isinstance(value, Mapping) else value), type=kind
    )


def test_a_file_that_says_what_another_said_is_refused() -> None:
    twice = [
        HistoryFile(name=name, time="t", every_s=3600, venue="v", columns={"dvol": ("v", 1.0)}, asset="BTC")
        for name in ("a.csv", "b.csv")
    ]
    with pytest.raises(ConfigError, match=r"b\.csv: dvol: another file"):
        read_folder({"a.csv": "t,v\n2026-01-01,40\n", "b.csv": "t,v\n2026-01-02,41\n"}, twice, "BTC", CATALOG)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_recorded_year_of_hours_is_judged_hour_by_hour(
    shared: Path, root: Path, playbook: Playbook
) -> None:
    past = folder_past(playbook, shared / "recordings" / "history", root / "config" / "history.toml", "BTC")
    book = with_data(playbook.rules, [one for one in past if one.covers_s and max(one.covers_s) <= 3600])
    ran = run(
        book, past, "BTC", CATALOG, datetime(2025, 2, 28, tzinfo=UTC), datetime(2026, 2, 28, tzinfo=UTC)
    )
    assert len(ran.moments) == 365 * 24 + 1
    assert any(
        call.stance == "bearish" and call.at >= datetime(2026, 1, 25, tzinfo=UTC) for call in ran.calls
    )

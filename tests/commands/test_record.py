"""`/record`: what was said live and how it did, "too few" said aloud."""

import math
from array import array
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.metrics import History
from tests.commands.conftest import AT

DAYS = 60


@pytest.fixture
def recorded(market, archive, root, monkeypatch):
    """Sets what was called in an archive, over sixty days of a price that falls by a dollar an hour."""
    text = (root / "config" / "record.toml").read_text(encoding="utf-8")
    market.adopt(replace(market.playbook, texts={"record.toml": text}))
    hours = range(DAYS * 24 + 1)
    start = AT - timedelta(days=DAYS)
    spot = Series(
        metric="spot_usd",
        asset="BTC",
        venue=None,
        at_ms=array("q", [int((start + timedelta(hours=hour)).timestamp() * 1000) for hour in hours]),
        value=array("d", [90_000.0 - hour for hour in hours]),
        covers_s=array("q", [0] * len(hours)),
    )

    market.memory.keep_history("BTC", History.of("BTC", [spot, replace(spot, venue="deribit")]))

    async def past(metric, asset, since, until=None, venue=None):
        return spot

    async def nothing_before(asset, since, until=None):
        return []

    def called(count: int) -> None:
        rules = market.playbook.rules.hash
        calls = [Call(at=start, stance="neutral", rules=rules)]
        for day in range(1, count + 1):
            calls.append(Call(at=start + timedelta(days=day), stance="bearish", rules=rules))
            calls.append(Call(at=start + timedelta(days=day, hours=12), stance="neutral", rules=rules))

        async def told(asset, since, *, until=None, profile=None):
            return tuple(calls) if count else ()

        monkeypatch.setattr(archive.states, "calls", told, raising=False)

    monkeypatch.setattr(archive.points, "past", past, raising=False)
    monkeypatch.setattr(archive.points, "series", nothing_before)
    return called


async def test_nothing_said_yet_is_said_so(ask, recorded):
    recorded(0)
    answer = await ask("record")
    assert "no record to show" in answer.body
    assert answer.figures == ()
    assert answer.chart is None


async def test_a_few_calls_are_too_few_to_say_and_no_rate_is_shown(ask, recorded, figures_of):
    recorded(5)
    answer = await ask("record")
    shown = figures_of(answer)
    assert shown["caution, 1 d on"] == "5 so far: too few to say. Base rate 100%."
    assert answer.chart is None


async def test_enough_calls_have_a_rate_with_its_interval_beside_the_base_rate(ask, recorded, figures_of):
    recorded(40)
    answer = await ask("record")
    assert figures_of(answer)["caution, 1 d on"].startswith(
        "Right 100% of 40, likely between 93.7% and 100%; base rate"
    )
    assert "since 8 December 2025: 80," in answer.body


async def test_the_chart_shows_the_middle_horizon_where_one_stance_has_a_rate(ask, recorded, market):
    recorded(40)
    text = market.playbook.texts["record.toml"].replace("least = 20", "least = 3")
    market.adopt(replace(market.playbook, texts={"record.toml": text}))
    chart = (await ask("record")).chart
    assert chart is not None
    assert chart.kind == "record"
    assert chart.caption == "6 Feb 2026, 14:00 UTC · Deribit"
    assert len({len(column.y) for column in chart.series} | {len(chart.marks)}) == 1


async def test_the_backfilled_record_stands_beside_the_live_one_labeled_and_never_added_to_it(
    ask, recorded, archive, figures_of, monkeypatch, market
):
    recorded(5)
    spot = await archive.points.past("spot_usd", "BTC", AT)
    start = AT - timedelta(days=DAYS)
    hours = range(300 * 24)
    before = replace(
        spot,
        at_ms=array(
            "q", [int((start - timedelta(hours=hour)).timestamp() * 1000) for hour in reversed(hours)]
        ),
        value=array("d", [60_000.0 + 8_000.0 * math.sin(hour / 200) for hour in hours]),
        covers_s=array("q", [0] * len(hours)),
    )

    async def series(asset, since, until=None):
        return [before, replace(before, venue="deribit")] if asset == "BTC" else []

    monkeypatch.setattr(archive.points, "series", series)
    answer = await ask("record")
    shown = figures_of(answer)
    live = {label: text for label, text in shown.items() if not label.startswith("Backfilled: ")}
    told = {label: text for label, text in shown.items() if label.startswith("Backfilled: ")}
    assert live["caution, 1 d on"] == "5 so far: too few to say. Base rate 100%."  # as without it
    assert told
    assert "never said live" in answer.body
    assert "Changes of stance since 8 December 2025: 10," in answer.body


async def test_without_a_past_there_is_no_backfilled_record(ask, recorded, figures_of):
    recorded(5)
    answer = await ask("record")
    assert "backfilled" not in answer.body.lower()
    assert not [label for label in figures_of(answer) if label.startswith("Backfilled")]

"""`/record`: what was said live and how it did, "too few" said aloud."""

import math
from array import array
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.charts.pictures import Pictures
from bot.commands import Request, discover, run
from bot.delivery.discord.embed import pages
from bot.delivery.discord.tables import WIDTH, fence
from bot.desk.cards import Cards
from bot.domain.facts import Series
from bot.domain.judgement import Call
from bot.domain.posts import Profile
from bot.domain.rulebook import UsualRange
from bot.metrics import History
from tests.commands.conftest import AT
from tests.delivery.discord.looks import MOST_ROWS, rows_of_embed

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


def rows_of(answer):
    """The table: what a line is of, and its cells."""
    return {row.label: [one.text for one in row.cells] for table in answer.tables for row in table.rows}


def goes_on_to(answer):
    """What its buttons ask for, by their labels."""
    return {button.label: dict(button.arguments) for button in answer.buttons}


async def test_nothing_said_yet_is_said_so_and_what_is_backfilled_is_one_press_away(ask, recorded):
    recorded(0)
    answer = await ask("record")
    assert "no record to show" in answer.body
    assert (answer.lead, answer.tables, answer.chart) == (None, (), None)
    assert goes_on_to(answer) == {"Backfilled": {"asset": "BTC", "rules": "backfilled"}}


async def test_who_is_not_posted_to_in_a_language_gets_the_record_of_the_same_ranges(
    recorded, archive, market, monkeypatch
):
    """A stance goes by the ranges alone: not by the language in which it was told."""
    recorded(40)
    calls = await archive.states.calls("BTC", AT - timedelta(days=DAYS))

    async def told(asset, since, *, until=None, profile=None):
        return calls if (profile or Profile()).id == "default" else ()

    monkeypatch.setattr(archive.states, "calls", told)

    async def ask_as(profile):
        asked = Request(options={"days": "1"}, channel="preview:", profile=profile)
        return await run(market, discover()["record"], asked)

    answer = await ask_as(Profile(length="article"))
    assert rows_of(answer)["caution"] == ["100%", "100%", "40"]
    other = {"skew_60d_pct": UsualRange(since=AT.date(), low=-4.0, high=4.0, source="a test")}
    assert "no record to show" in (await ask_as(Profile(ranges=other))).body


async def test_a_few_calls_are_too_few_to_say_and_no_rate_is_shown(ask, recorded):
    recorded(5)
    answer = await ask("record", days="1")
    assert answer.lead.text == "Too few to say"
    assert answer.body.startswith("Caution, 1 day on: 5 so far.")
    assert rows_of(answer)["caution"] == ["–", "100%", "5"]
    assert "fewer than 20 cases" in answer.notes[0].text
    assert answer.chart is None


async def test_enough_calls_have_a_rate_first_and_large_with_its_interval_beside_the_base_rate(ask, recorded):
    recorded(40)
    answer = await ask("record", days="1d")
    assert answer.lead.text == "100%"
    assert answer.body.startswith("Caution, 1 day on: right 100% of 40, likely between 93.7% and 100%.")
    assert rows_of(answer)["caution"] == ["100%", "100%", "40"]
    assert (answer.notes[0].label, answer.notes[0].text) == (
        "Likely",
        "caution 94% to 100% · neutral 94% to 100%",
    )
    assert "since 8 December 2025: 80," in answer.notes[-1].text


async def test_the_middle_horizon_is_told_first_and_the_others_have_a_button(ask, recorded):
    recorded(40)
    answer = await ask("record")
    assert "7 days on" in answer.body
    assert goes_on_to(answer)["1 d on"] == {"asset": "BTC", "days": "1"}
    assert "30 days on" in (await ask("record", **goes_on_to(answer)["30 d on"])).body


async def test_while_no_call_is_as_old_as_the_middle_horizon_the_shortest_is_told(ask, recorded, market):
    recorded(40)
    text = market.playbook.texts["record.toml"].replace("[1, 7, 30]", "[1, 70, 90]")
    market.adopt(replace(market.playbook, texts={"record.toml": text}))
    assert "1 day on" in (await ask("record")).body
    young = await ask("record", days="70")
    assert "70 days on is still ahead of each" in young.body
    assert young.tables == ()


async def test_each_edition_of_the_rules_has_a_record_of_its_own(ask, recorded, archive, market, monkeypatch):
    recorded(10)
    now = market.playbook.rules.hash
    calls = await archive.states.calls("BTC", AT - timedelta(days=DAYS))
    edited = [replace(call, rules="0ld" if number < 9 else now) for number, call in enumerate(calls)]

    async def told(asset, since, *, until=None, profile=None):
        return tuple(edited)

    monkeypatch.setattr(archive.states, "calls", told)
    answer = await ask("record", days="1")
    assert rows_of(answer)["caution"][-1] == "6"
    earlier = goes_on_to(answer)["Earlier rules"]
    assert earlier == {"asset": "BTC", "rules": "0ld"}
    before = await ask("record", days="1", **earlier)
    assert rows_of(before)["caution"][-1] == "4"
    assert "under rules 0ld" in before.notes[-1].text
    assert "Earlier rules" not in goes_on_to(before)
    assert goes_on_to(before)["7 d on"] == {"asset": "BTC", "rules": "0ld", "days": "7"}


@pytest.mark.parametrize("wrong", [{"days": "9"}, {"days": "soon"}, {"rules": "zzz"}])
async def test_what_is_no_horizon_and_no_edition_is_refused_with_those_that_are(ask, recorded, wrong):
    recorded(5)
    answer = await ask("record", **wrong)
    assert answer.private
    assert next(iter(wrong.values())) in answer.body


async def test_the_chart_shows_the_horizon_where_one_stance_has_a_rate(ask, recorded, market):
    recorded(40)
    text = market.playbook.texts["record.toml"].replace("least = 20", "least = 3")
    market.adopt(replace(market.playbook, texts={"record.toml": text}))
    chart = (await ask("record")).chart
    assert chart is not None
    assert chart.kind == "record"
    assert chart.caption == "6 Feb 2026, 14:00 UTC · Deribit"
    assert len({len(column.y) for column in chart.series} | {len(chart.marks)}) == 1


@pytest.fixture
def long_past(recorded, archive, monkeypatch):
    """Five calls live, and three hundred days of a price before them."""

    async def set_up():
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

    return set_up


async def test_the_backfilled_record_is_another_answer_that_says_so_and_changes_nothing_of_the_live_one(
    ask, recorded, long_past
):
    recorded(5)
    without = await ask("record", days="1")
    await long_past()
    live = await ask("record", days="1")
    assert (live.body, live.tables) == (without.body, without.tables)
    backfilled = await ask("record", **goes_on_to(live)["Backfilled"])
    assert backfilled.notes[-1].text.startswith("Never said live")
    assert rows_of(backfilled)
    assert goes_on_to(backfilled)["Said live"] == {"asset": "BTC"}
    assert goes_on_to(backfilled)["1 d on"] == {"asset": "BTC", "rules": "backfilled", "days": "1"}


async def test_without_a_past_there_is_nothing_backfilled(ask, recorded):
    recorded(5)
    answer = await ask("record", rules="backfilled")
    assert "Nothing of the past" in answer.body
    assert answer.tables == ()


@pytest.mark.parametrize("locale", ["en", "es"])
@pytest.mark.parametrize("count", [0, 5, 40])
@pytest.mark.parametrize("rules", ["", "backfilled"])
async def test_every_part_of_the_record_fits_a_telephone(market, recorded, long_past, locale, count, rules):
    await long_past()
    recorded(count)
    for days in ("1", "7", "30"):
        options = {"days": days} | ({"rules": rules} if rules else {})
        request = Request(options=options, profile=Profile(locale=locale), surface="discord")
        card = await Cards(market, Pictures()).of_answer(await run(market, discover()["record"], request))
        ((embed,),) = [page.embeds for page in pages(card)]
        assert rows_of_embed(dict(embed.to_dict())) <= MOST_ROWS
        assert all(len(line) <= WIDTH for line in fence(card.tables).splitlines())

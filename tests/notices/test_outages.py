"""A silence is told once when it is long enough, and its end once when it has held; over restarts, and
through the real poll."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.readings import Gap, LiquidationTally, Snapshot, SourceHealth, SpotQuote
from bot.notices.outages import after_poll, next_state, patience, together, was_heard
from bot.process.archive_questions import post_again
from tests.notices.bots import BEGIN, MINUTE, Bot, playbook, settings

pytestmark = pytest.mark.timeout(120)

LIMIT, HOLD = 30 * MINUTE, 15 * MINUTE
THREE = ("deribit", "okx", "bybit")


def polled(known: SourceHealth, at: datetime, *, heard: bool) -> SourceHealth:
    return after_poll(known, at, heard=heard, limit=LIMIT, hold=HOLD)


def walked(pattern: str, *, every: timedelta = 5 * MINUTE) -> list[SourceHealth]:
    """How a source stands after each poll of a pattern: "+" heard, "." not; what is decided is told in the
    same poll."""
    known, found = SourceHealth(asset="BTC", source="okx"), []
    for number, poll in enumerate(pattern):
        known = polled(known, BEGIN + number * every, heard=poll == "+")
        found.append(known)
        known = next_state(known, BEGIN + number * every)
    return found


def events(pattern: str) -> str:
    """The pattern with "O" where an outage is told and "B" where a return is."""
    return "".join(
        "B" if one.ended_at and one.told_at else "O" if one.outage_at and not one.told_at else poll
        for poll, one in zip(pattern, walked(pattern), strict=True)
    )


@pytest.mark.parametrize(
    ("polls", "said"),
    [
        ("+++......+++", "+++......+++"),  # 25 minutes of silence are none
        ("++.......+", "++......O+"),
        ("++.............", "++......O......"),  # once, however long it lasts
        ("++.......++++++", "++......O+++B++"),  # a return has to hold
        ("++.......++.++.+.++++++", "++......O++.++.+.+++B++"),  # and one that flaps has not
        (".............", "............."),  # never heard: nobody knows what it would bring
        ("++.......++++.......++++", "++......O+++B......O+++B"),
    ],
)
def test_a_silence_is_told_when_it_lasts_and_its_end_when_it_holds(polls: str, said: str) -> None:
    assert events(polls) == said


@given(st.text("+.", max_size=80))
def test_outages_and_returns_take_turns_and_an_outage_comes_first(polls: str) -> None:
    told_ones = [event for event in events(polls) if event in "OB"]
    assert told_ones == ["O", "B"] * (len(told_ones) // 2) + ["O"] * (len(told_ones) % 2)


def test_an_outage_remembers_the_last_word_before_it() -> None:
    out, back = walked("++.......++++++")[8], walked("++.......++++++")[12]
    assert out.heard_at == BEGIN + 5 * MINUTE
    assert (back.heard_at, back.back_at) == (BEGIN + 5 * MINUTE, BEGIN + 45 * MINUTE)


def test_where_all_are_silent_all_go_out_together_also_those_that_may_be_silent_for_longer() -> None:
    out = SourceHealth(asset="BTC", source="okx", heard_at=BEGIN, silent_at=BEGIN, outage_at=BEGIN + LIMIT)
    patient = replace(out, source="fred", outage_at=None)
    fine = replace(patient, silent_at=None)
    never = SourceHealth(asset="BTC", source="kraken", silent_at=BEGIN)
    names = ("okx", "fred", "kraken")
    whole = together([out, patient, never], BEGIN + LIMIT, names)
    assert [(one.outage_at, one.everyone) for one in whole] == [(BEGIN + LIMIT, True)] * 2 + [(None, False)]
    assert together([out, fine], BEGIN + LIMIT, names) == (out, fine)
    assert together([out], BEGIN + LIMIT, names) == (out,)  # one source alone is no network


def test_a_source_that_answers_from_memory_is_no_witness_that_we_hear_anything() -> None:
    out = SourceHealth(asset="BTC", source="okx", heard_at=BEGIN, silent_at=BEGIN, outage_at=BEGIN + LIMIT)
    also, daily = (
        replace(out, source="bybit", outage_at=None),
        replace(out, source="fred", silent_at=None, outage_at=None),
    )
    whole = together([out, also, daily], BEGIN + LIMIT, ("okx", "bybit"))
    assert [one.everyone for one in whole] == [True, True, False]
    assert whole[2] == daily


def test_a_tally_of_our_own_beside_gaps_is_no_sign_of_life() -> None:
    tally = LiquidationTally(
        source="okx",
        observed_at=BEGIN,
        venue="okx",
        asset="BTC",
        since_at=BEGIN - LIMIT,
        until_at=BEGIN,
        longs_usd=1.0,
        shorts_usd=0.0,
        complete=False,
    )
    price = SpotQuote(source="okx", observed_at=BEGIN, venue="okx", asset="BTC", index_usd=70_000.0)
    gap = Gap(who="okx BTC", reason="okx BTC: no route to host")
    taken = Snapshot(asset="BTC", taken_at=BEGIN, readings=())
    cases = [
        ((tally,), (gap,), False),
        ((tally, price), (gap,), True),
        ((tally,), (), True),
        ((), (gap,), False),
    ]
    assert [was_heard("okx", replace(taken, readings=read, gaps=gaps)) for read, gaps, _ in cases] == [
        told for _, _, told in cases
    ]
    assert was_heard("okx", taken) is None


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bot]:
    return lambda *sources, **changed: Bot(
        tmp_path / "bot.sqlite", settings(*(sources or THREE), **changed), monkeypatch
    )


async def test_a_source_that_is_out_is_told_once_with_what_is_not_known_and_so_is_its_return(
    bot: Callable[..., Bot],
) -> None:
    async with bot().started() as one:
        await one.polls(BEGIN, BEGIN + 20 * MINUTE)
        await one.polls(BEGIN + 30 * MINUTE, BEGIN + 180 * MINUTE, silent="deribit")
        assert await one.posts("back") == []
        await one.polls(BEGIN + 190 * MINUTE, BEGIN + 240 * MINUTE)
        (out,) = await one.posts("outage")
        (back,) = await one.posts("back")
        again = [await post_again(one.parts.archive, post.id) for post in (out, back)]
    assert [told.same for told in again] == [True, True]
    assert out.story.headline is not None
    assert "Deribit" in out.story.headline.text
    assert "00:20 UTC" in out.story.body  # its last word
    assert "DVOL" in out.story.body  # nobody else tells it
    assert not out.story.plain
    assert out.intended_at == BEGIN + 60 * MINUTE
    assert back.intended_at >= BEGIN + 205 * MINUTE  # heard again at 190, and held for 15 minutes
    assert "3 hours" in back.story.body
    assert "03:10 UTC" in back.story.body or "00:20 UTC" in back.story.body


async def test_a_restart_in_the_middle_tells_nothing_twice_and_forgets_nothing(
    bot: Callable[..., Bot],
) -> None:
    one = bot()
    async with one.started():
        await one.polls(BEGIN, BEGIN + 20 * MINUTE)
        await one.polls(BEGIN + 30 * MINUTE, BEGIN + 70 * MINUTE, silent="okx")
    async with one.started():
        await one.polls(BEGIN + 80 * MINUTE, BEGIN + 120 * MINUTE, silent="okx")
        assert len(await one.posts("outage")) == 1
        await one.polls(BEGIN + 130 * MINUTE, BEGIN + 130 * MINUTE)
    async with one.started():
        await one.polls(BEGIN + 140 * MINUTE, BEGIN + 200 * MINUTE)
        assert [post.reason for post in await one.posts("outage", "back")] == ["outage", "back"]


async def test_a_kill_between_the_decision_and_its_being_told_tells_it_once(
    bot: Callable[..., Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with bot().started() as one:
        await one.polls(BEGIN, BEGIN + 20 * MINUTE)
        with monkeypatch.context() as patch:

            async def killed(*_: object) -> None:
                raise KeyboardInterrupt

            patch.setattr("bot.notices.outages.Outages.end", killed)
            with pytest.raises(KeyboardInterrupt):
                await one.polls(BEGIN + 30 * MINUTE, BEGIN + 60 * MINUTE, silent="okx")
    assert await _after_the_kill(one) == 1


async def _after_the_kill(one: Bot) -> int:
    async with one.started():
        await one.polls(BEGIN + 30 * MINUTE, BEGIN + 120 * MINUTE, silent="okx")
        return len(await one.posts("outage"))


async def test_sources_that_go_out_together_make_one_post_and_all_at_once_are_our_own_line(
    bot: Callable[..., Bot],
) -> None:
    async with bot().started() as one:
        await one.polls(BEGIN, BEGIN + 20 * MINUTE)
        await one.polls(BEGIN + 30 * MINUTE, BEGIN + 120 * MINUTE, silent="okx bybit")
        (two,) = await one.posts("outage")
        assert "OKX" in two.story.body
        assert "Bybit" in two.story.body
        await one.polls(BEGIN + 130 * MINUTE, BEGIN + 200 * MINUTE)
        assert len(await one.posts("back")) == 1
        assert "110 minutes" in (await one.posts("back"))[0].story.body
        await one.polls(BEGIN + 210 * MINUTE, BEGIN + 300 * MINUTE, silent=" ".join(THREE))
        everyone = (await one.posts("outage"))[1:]
        await one.polls(BEGIN + 310 * MINUTE, BEGIN + 400 * MINUTE)
        back = (await one.posts("back"))[1:]
    assert len(everyone) == len(back) == 1
    assert "our own" in everyone[0].story.body
    assert "3 sources" in everyone[0].story.body
    assert "Deribit" not in everyone[0].story.body


async def test_a_channel_that_wants_no_alerts_is_not_told_and_neither_is_its_end(
    bot: Callable[..., Bot],
) -> None:
    async with bot().started() as one:
        (console,) = await one.parts.archive.subscriptions.find(channel="console:")
        await one.parts.archive.subscriptions.add(replace(console, alerts=False))
        await one.polls(BEGIN, BEGIN + 20 * MINUTE)
        await one.polls(BEGIN + 30 * MINUTE, BEGIN + 90 * MINUTE, silent="okx")
        await one.parts.archive.subscriptions.add(replace(console, alerts=True))
        await one.polls(BEGIN + 100 * MINUTE, BEGIN + 150 * MINUTE)
        assert await one.posts("outage", "back") == []
        others = await one.parts.archive.posts.find(channel="preview:", limit=50)
        assert len([post for post in others if post.reason in ("outage", "back")]) == 2


async def test_a_source_that_never_told_anything_of_the_asset_is_not_missed(bot: Callable[..., Bot]) -> None:
    async with bot("deribit", "okx").started() as one:
        await one.polls(BEGIN, BEGIN + 90 * MINUTE, silent="okx")
        assert await one.posts("outage") == []
        healths = {known.source: known for known in await one.parts.archive.source_health.find("BTC")}
    assert healths["okx"].heard_at is None
    assert healths["deribit"].heard_at == BEGIN + 90 * MINUTE


async def test_a_source_may_be_silent_for_as_long_as_the_shortest_lived_of_its_readings(
    bot: Callable[..., Bot],
) -> None:
    async with bot("deribit", "fred").started() as one:
        await one.polls(BEGIN, BEGIN)
        history = await one.parts.desk.market.history("BTC")
    catalog = playbook().catalog
    assert patience("deribit", history, catalog) == catalog.metrics["spot_usd"].max_age
    assert patience("fred", history, catalog) == catalog.metrics["nasdaq_points"].max_age
    assert patience("nobody", history, catalog) == max(metric.max_age for metric in catalog.metrics.values())

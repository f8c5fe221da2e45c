"""Where a venue restates what a post rests on, the post is edited once and says so; where it does not matter,
nothing is said."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.commentary import card
from bot.domain.facts import Facts, Point
from bot.domain.posts import Card, Post, PostInputs, Profile, State
from bot.errors import DeliveryUnavailable
from bot.lab.questions import StatedMarket, state_facts
from bot.lab.retell import brief_at
from bot.notices.corrections import stance_on_restated
from bot.rules import evaluate
from tests.notices.bots import MINUTE, Bot, playbook, settings, tape_with

pytestmark = pytest.mark.timeout(120)

HOUR = timedelta(hours=1)
NOON = datetime(2026, 2, 7, 12, tzinfo=UTC)
LATER = NOON + HOUR
LOW = "spot_low_usd"


@pytest.fixture
def bot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bot]:
    return lambda **changed: Bot(tmp_path / "bot.sqlite", settings("deribit", **changed), monkeypatch)


async def posted(bot: Bot) -> Post:
    """The scheduled post of noon, on a past of ninety days."""
    bot.parts.clock.set(NOON)  # type: ignore[attr-defined]
    await bot.parts.desk.filler.backfill("BTC", NOON - timedelta(days=90), NOON)
    await bot.polls(NOON, NOON)
    (post,) = await bot.posts("scheduled")
    return post


LOWER, HARDLY = tape_with(low_usd=57_100.0), tape_with(low_usd=60_150.2)


async def test_a_restated_figure_that_a_post_shows_is_corrected_in_words_once(
    bot: Callable[..., Bot],
) -> None:
    async with bot().started() as one:
        post = await posted(one)
        await one.polls(LATER, LATER, told=LOWER)
        (corrected,) = await one.posts("scheduled")
        await one.polls(LATER + 10 * MINUTE, LATER + 20 * MINUTE, told=LOWER)
        (again,) = await one.posts("scheduled")
    first = corrected.corrections[0]
    told = {span.origin.ref: span.text for text in corrected.corrections for span in text.spans}
    assert "Deribit" in first.text
    assert "13:00 UTC" in first.text  # when it was restated
    # 67,950 over 60,150, and over 57,100.
    assert (told["rebound_pct@stated"], told["rebound_pct@restated"]) == ("13%", "19%")
    assert not any("spot_usd@" in ref for ref in told)
    assert again.corrections == corrected.corrections
    assert corrected.story == post.story  # what was said stays on record
    assert first.text in card(corrected, playbook().banks["en"]).body
    assert " ".join(one.terminal.getvalue().split()).count(first.text) == 1  # the console prints it once


async def test_what_changes_no_shown_figure_is_no_correction(bot: Callable[..., Bot]) -> None:
    async with bot().started() as one:
        await posted(one)
        await one.polls(LATER, LATER, told=HARDLY)
        (post,) = await one.posts("scheduled")
        assert post.corrections == ()
        assert await one.parts.archive.restatements.find_open("BTC") == ()


async def test_a_post_that_is_too_old_is_left_alone(bot: Callable[..., Bot]) -> None:
    chosen = settings("deribit")
    brief = chosen.posts.model_copy(update={"corrected_within_h": 1})
    async with bot(posts=brief).started() as one:
        await posted(one)
        await one.polls(NOON + 2 * HOUR, NOON + 2 * HOUR, told=LOWER)
        (post,) = await one.posts("scheduled")
        assert post.corrections == ()


async def test_a_total_that_another_venue_changed_by_telling_late_is_nobodys_restatement(
    bot: Callable[..., Bot],
) -> None:
    async with bot().started() as one:
        await posted(one)
        history = await one.parts.archive.points.past(LOW, "BTC", NOON - timedelta(days=30), NOON)
        at_ms, covers_s = min(zip(history.at_ms, history.covers_s, strict=True), key=lambda row: row[0])
        began = datetime.fromtimestamp(at_ms / 1000, UTC)
        whole = Point(metric=LOW, asset="BTC", at=began, value=50_000.0, covers_s=covers_s)
        await one.parts.archive.points.add([whole], LATER)
        await one.parts.desk.sender.deliver()
        one.parts.desk.market.refresh()
        await one.polls(LATER, LATER)
        (post,) = await one.posts("scheduled")
        assert post.corrections == ()


async def test_a_figure_that_is_restated_back_is_corrected_back(bot: Callable[..., Bot]) -> None:
    async with bot().started() as one:
        await posted(one)
        await one.polls(LATER, LATER, told=LOWER)
        await one.polls(LATER + HOUR, LATER + HOUR)
        (post,) = await one.posts("scheduled")
    told = [{span.origin.ref: span.text for span in text.spans} for text in post.corrections]
    rebounds = [
        (one["rebound_pct@stated"], one["rebound_pct@restated"])
        for one in told
        if "rebound_pct@stated" in one
    ]
    assert rebounds == [("13%", "19%"), ("19%", "13%")]


def market(at: datetime, **facts: float) -> Facts:
    return state_facts(StatedMarket(asset="BTC", at=at, facts=facts, times={}), playbook())


def test_a_verdict_that_would_have_been_another_is_said_where_the_rules_of_now_bear_it_out() -> None:
    fear = {
        "spot_usd": 71_500.0,
        "low_30d_usd": 60_150.0,
        "hours_since_low": 24.0,
        "skew_60d_pct": 20.0,
        "basis_60d_pct": 2.0,
        "open_interest_usd": 35.8e9,
        "open_interest_usd.before_7d": 44.3e9,
        "open_interest_coin": 527_850.0,
        "open_interest_coin.change_7d_pct": 0.0,
        "liquidations_5d_long_usd": 1.8e9,
    }
    calm = fear | {"skew_60d_pct": 0.0, "basis_60d_pct": 7.0, "liquidations_5d_long_usd": 0.1e9}
    fall = fear | {"spot_usd.change_24h_pct": -22.0, "ordinary_day_pct": 3.0}
    book, at, state = playbook().rules, NOON, State()
    judged = evaluate(book, market(at, **calm), state.signals, at, {}, course=state.course)
    for _ in range(80):
        judged = evaluate(book, market(at, **calm), state.signals, at, {}, course=state.course)
        state, at = replace(state, signals=judged.signals, course=judged.course), at + HOUR
    before = judged.verdict.stance
    # A fall of several ordinary days turns the verdict at once; a reading of three days would not hang on one hour.
    judged = evaluate(book, market(at, **fall), state.signals, at, {}, course=state.course)
    assert (judged.verdict.stance, judged.verdict.turned_by) == ("bearish", "price-falls")
    said = market(at, **fall)
    occasion = PostInputs(
        facts=said, state=state, profile=Profile(), verdict=judged.verdict, playbook_hash=playbook().hash
    )
    restated = market(at, **fall | {"spot_usd.change_24h_pct": -1.0})
    assert stance_on_restated(occasion, said, restated, playbook()) == before
    assert stance_on_restated(occasion, said, market(at, **fall | {"skew_60d_pct": 20.1}), playbook()) is None
    other_rules = replace(occasion, verdict=replace(judged.verdict, stance="bullish"))
    assert stance_on_restated(other_rules, said, restated, playbook()) is None


class Stubborn:
    """A surface that edits, but not at first."""

    def __init__(self) -> None:
        self.refusals = 2
        self.edited: list[str] = []

    async def show(self, post: Post, shown: Card) -> str | None:
        return "1"

    async def edit(self, post: Post, shown: Card) -> None:
        if self.refusals:
            self.refusals -= 1
            raise DeliveryUnavailable(f"{post.channel}: not now")
        self.edited.append(shown.body)


async def test_an_edit_that_fails_is_made_later_once_also_by_the_next_life(bot: Callable[..., Bot]) -> None:
    one, surface = bot(), Stubborn()
    async with one.started():
        one.parts.desk.sender.add_surface("console", surface)
        await posted(one)
        await one.polls(LATER, LATER, told=LOWER)
        assert surface.edited == []
    async with one.started():
        one.parts.desk.sender.add_surface("console", surface)
        await one.parts.desk.sender.deliver()
        assert surface.edited == []
        await one.parts.desk.sender.deliver()
        await one.parts.desk.sender.deliver()
    (body,) = surface.edited
    assert "restated" in body or "Correct" in body


async def test_what_was_said_of_a_time_is_said_of_it_again_after_a_restatement(
    bot: Callable[..., Bot],
) -> None:
    async with bot().started() as one:
        await posted(one)
        since = NOON - timedelta(days=120)
        before = brief_at(
            await one.parts.archive.points.series("BTC", since, NOON), playbook(), "BTC", NOON, Profile()
        )
        await one.polls(LATER, LATER, told=LOWER)
        after = brief_at(
            await one.parts.archive.points.series("BTC", since, NOON), playbook(), "BTC", NOON, Profile()
        )
        later = brief_at(
            await one.parts.archive.points.series("BTC", since, LATER), playbook(), "BTC", LATER, Profile()
        )
    assert after.story == before.story
    assert after.facts.value("low_30d_usd") == before.facts.value("low_30d_usd")
    assert later.facts.value("low_30d_usd") != before.facts.value("low_30d_usd")

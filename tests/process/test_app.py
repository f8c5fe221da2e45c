"""The whole way through: the tape walks from wire format to posts, by the same code as live data."""

import asyncio
import io
import itertools
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace
from pydantic import SecretStr
from rich.console import Console as Terminal

from bot.archive import open_archive
from bot.commands import Request, discover, run
from bot.domain.kept import keep_for_a_day
from bot.domain.playbook import Playbook
from bot.domain.posts import Answer, Post, Subscription
from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process import run as life
from bot.process.app import Parts, _next_post, house
from bot.process.demo import fill_tape, play, read_tape
from bot.process.schedule import slots_between
from bot.process.settings import Settings, load
from bot.sources._tape_table import Tape, parse

pytestmark = pytest.mark.timeout(300)  # a whole tape is played

AFTERNOON = datetime(2026, 2, 6, 14, tzinfo=UTC)
MIDNIGHT = datetime(2026, 2, 7, tzinfo=UTC)
THE_LAST_DAY = datetime(2026, 2, 6, 8, tzinfo=UTC)
BEFORE_THE_FALL = datetime(2026, 1, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return read_playbook()


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load(CONFIG, {}).model_copy(update={"assets": ("BTC",)})


def changed_tape(**figures: float) -> Tape:
    """The shipped tape with some of its [figures] changed, as an editor would."""
    folder = CONFIG / "tapes" / "february-2026"
    files = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())}
    for name, value in figures.items():
        files["tape.toml"], count = re.subn(
            rf"(?m)^{name} = [\d_.]+$", f"{name} = {value}", files["tape.toml"]
        )
        assert count == 1, name
    return parse(files)


async def play_from(since: datetime, parts: Parts, settings: Settings, tape: Tape) -> None:
    """Step through the tape's last moments, on its past before them as a start at that time fills it."""
    parts.clock.set(since)  # type: ignore[attr-defined]  # the tape's
    await fill_tape(parts, settings, tape, settings.assets)
    moments = [moment.at for moment in tape.moments if moment.at >= since]
    parts.schedule.moments("poll", moments, partial(app.poll_all, parts))
    for at in moments:
        await parts.schedule.step_to(at)
        assert not any(ran.failure for ran in parts.schedule.runs.values())


async def posts_of(
    tape: Tape, settings: Settings, playbook: Playbook, since: datetime | None = None
) -> Mapping[datetime, Post]:
    """The scheduled posts that a tape leads to, all of it or what comes after a time, by their slot."""
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO()), tape=tape) as parts:
        if since is None:
            await play(parts, settings, tape)
        else:
            await play_from(since, parts, settings, tape)
        posts = await parts.archive.posts.find(channel="console:", limit=500)
    return {post.intended_at: post for post in posts if post.reason == "scheduled"}


@pytest.fixture(scope="module")
def told(settings: Settings, playbook: Playbook) -> Mapping[datetime, Post]:
    return asyncio.run(posts_of(read_tape("february-2026"), settings, playbook))


def words(post: Post) -> str:
    return f"{post.story.headline.text if post.story.headline else ''}\n{post.story.body}"


def test_the_tape_leads_to_a_post_at_each_of_its_times(told: Mapping[datetime, Post]) -> None:
    assert set(told) == set(read_tape("february-2026").post_times)
    assert len(told) >= 6


def test_no_post_fell_back_to_a_plain_card(told: Mapping[datetime, Post]) -> None:
    assert {at.isoformat(): post.story.failures for at, post in told.items() if post.story.plain} == {}


def told_values(post: Post) -> Mapping[str, float]:
    """What a post tells in figures, in its prose or in its table, by fact."""
    return {
        span.origin.ref: float(span.origin.value)
        for span in post.story.spans
        if span.origin.kind == "fact" and not isinstance(span.origin.value, str)
    }


def test_the_post_of_the_afternoon_tells_what_the_article_told(told: Mapping[datetime, Post]) -> None:
    post = told[AFTERNOON]
    assert post.story.stance == "bearish"
    assert post.story.tag is not None
    assert post.story.tag.text.startswith("Caution")
    values = told_values(post)
    assert values["skew_60d_pct"] == pytest.approx(20, abs=0.3)
    assert values["basis_60d_pct"] == pytest.approx(2, abs=0.2)


def test_the_post_of_midnight_tells_the_price_and_the_open_interest_of_then(
    told: Mapping[datetime, Post],
) -> None:
    post = told[MIDNIGHT]
    values = told_values(post)
    assert values["spot_usd"] == pytest.approx(71_500, rel=1e-3)
    assert values["open_interest_coin"] == pytest.approx(527_850, rel=0.01)


def test_a_commentary_before_the_fall_is_not_bearish(told: Mapping[datetime, Post]) -> None:
    early = [post for at, post in told.items() if at < BEFORE_THE_FALL]
    assert early
    assert all(post.story.stance != "bearish" for post in early)


def test_no_post_repeats_anothers_wording(told: Mapping[datetime, Post]) -> None:
    headlines = [post.story.headline.text for post in told.values() if post.story.headline]
    assert len(set(headlines)) == len(headlines)
    texts = [text for _, post in sorted(told.items()) for text in post.story.paragraphs]
    paragraphs = [text.text for text in texts if len(text.text) > 80 and text.slot != "watch"]
    assert len(set(paragraphs)) == len(paragraphs)
    # What would end a verdict is the same line days later, and then told in the same words; not from post to post.
    watched = [text.text for text in texts if text.slot == "watch"]
    assert len(watched) > 5
    assert all(before != after for before, after in pairwise(watched))


def test_coins_times_index_equals_dollars_in_every_post(told: Mapping[datetime, Post]) -> None:
    seen = 0
    for post in told.values():
        values = {
            span.origin.ref: span.origin.value for span in post.story.spans if span.origin.kind == "fact"
        }
        names = ("open_interest_coin", "spot_usd", "open_interest_usd")
        coins, spot_usd, usd = (values.get(name) for name in names)
        if isinstance(coins, float) and isinstance(spot_usd, float) and isinstance(usd, float):
            seen += 1
            assert coins * spot_usd == pytest.approx(usd, rel=1e-3)
    assert seen >= 1


def test_three_changed_figures_change_the_posts(settings: Settings, playbook: Playbook) -> None:
    """The stance is the median of three days, so that one evening's figures cannot turn it; its words follow them."""
    settings = settings.model_copy(update={"poll": settings.poll.model_copy(update={"backfill_days": 30})})
    shipped = asyncio.run(posts_of(read_tape("february-2026"), settings, playbook, THE_LAST_DAY))
    tape = changed_tape(skew_60d_pct=3.0, basis_60d_pct=12.0, low_usd=66_000.0)
    posts = asyncio.run(posts_of(tape, settings, playbook, THE_LAST_DAY))
    text = words(posts[AFTERNOON]) + words(posts[MIDNIGHT])
    for at in (AFTERNOON, MIDNIGHT):
        assert words(posts[at]) != words(shipped[at])
    assert "$60,150" not in text
    assert "18.9%" not in text
    figures = {
        span.origin.ref: span.origin.value
        for span in posts[MIDNIGHT].story.spans
        if span.origin.kind == "fact" and isinstance(span.origin.value, float)
    }
    assert figures.get("basis_60d_pct", 12.0) == pytest.approx(12.0, abs=0.1)
    assert figures.get("skew_60d_pct", 3.0) == pytest.approx(3.0, abs=0.1)
    assert figures.get("low_30d_usd", 66_000.0) == pytest.approx(66_000.0)


@pytest.mark.slow
def test_the_same_tape_gives_the_same_bytes(
    told: Mapping[datetime, Post], settings: Settings, playbook: Playbook
) -> None:
    again = asyncio.run(posts_of(read_tape("february-2026"), settings, playbook))
    assert {at: words(post) for at, post in again.items()} == {at: words(post) for at, post in told.items()}


async def ask(parts: Parts, name: str, **options: str) -> Answer:
    return await run(parts.desk.market, discover()[name], Request(options=options))


class _Dead(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("the network is gone", request=request)


async def test_a_dead_network_leaves_the_last_reading_with_its_age(
    settings: Settings, playbook: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    tape = read_tape("february-2026")
    short = replace(tape, moments=tape.moments[:8])
    settings = settings.model_copy(update={"poll": settings.poll.model_copy(update={"backfill_days": 30})})
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO()), tape=short) as parts:
        await play(parts, settings, short)
        fresh = await ask(parts, "skew", tenor="60")
        monkeypatch.setattr(parts.http, "_transport", _Dead())
        later = short.ends_at + timedelta(hours=18)
        await parts.schedule.step_to(later)
        decision = await parts.desk.poller.poll("BTC", later)
        stale = await ask(parts, "skew", tenor="60")
    assert "%" in fresh.body
    assert decision.verdict.stance == "no-call"
    assert stale.body != fresh.body
    assert re.search(r"hours|29 January|30 January", stale.body), stale.body


async def test_without_token_and_network_the_bot_serves_the_page_and_says_which_sources_are_out(
    settings: Settings, playbook: Playbook, tmp_path: Path
) -> None:
    own = settings.model_copy(
        update={
            "archive": settings.archive.model_copy(
                update={"url": SecretStr(f"sqlite:///{tmp_path / 'a.sqlite'}")}
            )
        }
    )
    async with house(own, playbook, terminal=Terminal(file=io.StringIO()), transport=_Dead()) as parts:
        decision = await parts.desk.poller.poll("BTC", parts.clock.now())
        hearings: Sequence[object] = parts.desk.market.source_states()
    assert decision.verdict.stance == "no-call"
    off = {"coinglass", "coinalyze", *settings.closed}  # vendors without a key, and a venue that is gone
    assert len(hearings) == len(set(settings.sources) - off)
    assert "deribit" in str(hearings)
    assert "unreachable(how='refused')" in str(hearings)
    assert "network is gone" not in str(hearings)  # a library's own words


async def test_a_channels_next_post_is_the_earliest_of_its_assets_and_none_while_it_is_paused() -> None:
    at = datetime(2026, 2, 6, 5, tzinfo=UTC)
    archive = await open_archive("sqlite://")
    for asset, times in (("BTC", ("12:00",)), ("ETH", ("06:00", "18:00"))):
        await archive.subscriptions.add(
            Subscription(channel="discord:1", asset=asset, created_at=at, post_at=times)
        )
    assert await _next_post(archive, slots_between, "discord:1", at) == at + timedelta(hours=1)
    assert await _next_post(archive, slots_between, "discord:1", at + timedelta(hours=2)) == at + timedelta(
        hours=7
    )
    assert await _next_post(archive, slots_between, "discord:2", at) is None
    await archive.subscriptions.pause("discord:1", at)
    assert await _next_post(archive, slots_between, "discord:1", at) is None
    await archive.aclose()


async def test_each_night_the_desk_reads_its_past_anew_so_that_it_does_not_grow(
    settings: Settings, playbook: Playbook, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def idle(*_: object) -> None:
        return None

    asked = itertools.count(1)

    @keep_for_a_day(8)
    def read_strike(name: str) -> int:
        return next(asked)

    monkeypatch.setattr(app, "poll_all", idle)
    tape = read_tape("february-2026")
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO()), tape=tape) as parts:
        monkeypatch.setattr(parts.desk.sender, "deliver", idle)
        life.plan(parts, settings)
        night = tape.starts_at.replace(hour=3, minute=40) + timedelta(days=1)
        await parts.schedule.step_to(night - timedelta(minutes=1))
        before = await parts.desk.market.history("BTC")
        assert await parts.desk.market.history("BTC") is before
        assert [read_strike("27MAR26-90000-C"), read_strike("27MAR26-90000-C")] == [1, 1]
        await parts.schedule.step_to(night)
        assert await parts.desk.market.history("BTC") is not before
        assert read_strike("27MAR26-90000-C") == 2, "contracts that are gone are let go of"

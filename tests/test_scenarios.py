"""What a subscriber reads when a venue drops out, when half of what is open is gone from the replies, when a reply is a day
old, and when a count slips by two digits: through the real sources, the poller and the posts, beside the post of a sound
market."""

import asyncio
import json
import shutil
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec import Struct

from bot.commentary.fewer import is_total
from bot.commentary.masks import figures_in, sentences
from bot.domain.facts import Facts
from bot.domain.posts import Post
from bot.domain.story import Text
from bot.process.archive_questions import post_again
from bot.sources._tape import VENUES, TapeTransport
from tests.notices.bots import Bot, Change, settings, tape

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BEFORE = datetime(2026, 2, 5, 12, tzinfo=UTC)
WRONG_FROM = datetime(2026, 2, 6, 9, tzinfo=UTC)
NOON = datetime(2026, 2, 6, 12, tzinfo=UTC)
LATER = datetime(2026, 2, 6, 14, tzinfo=UTC)
SOURCES = (
    "deribit",
    "binance",
    "okx",
    "bybit",
    "gate",
    "bitget",
    "hyperliquid",
    "kraken",
    "coinglass",
    "fred",
)
LEAST = {"spot_usd": 1.0, "funding_annual_pct": 0.5}
"""What a figure may be off by, in its own unit, whoever tells it."""


class Read(Struct, frozen=True, kw_only=True):
    """What came of some hours: the post at noon and what it stood on, the one of two hours later, and all posts."""

    noon: Post
    facts: Facts
    later: Post
    later_facts: Facts
    posts: tuple[Post, ...]
    same: bool


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An archive with a year of past, two days of polls and the post of the day before."""
    path = tmp_path_factory.mktemp("scenarios") / "base.sqlite"

    async def build() -> None:
        async with Bot(path, settings(*SOURCES), pytest.MonkeyPatch()).started() as bot:
            bot.parts.clock.set(BEFORE - 2 * DAY)  # type: ignore[attr-defined]
            await bot.parts.desk.filler.fill(("BTC",), 400)
            await bot.polls(BEFORE - 1.5 * DAY, BEFORE - 0.5 * DAY, every=6 * HOUR)
            await bot.polls(BEFORE - 3 * HOUR, BEFORE, every=HOUR)

    asyncio.run(build())
    return path


def read(base: Path, locale: str = "en", *, silent: str = "", change: Change | None = None) -> Read:
    """The day after, on which from nine o'clock to noon some venues are silent or tell something else."""
    path = base.with_name(f"{locale}.sqlite")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"{path.name}{suffix}").unlink(missing_ok=True)
        beside = base.with_name(f"{base.name}{suffix}")
        if beside.exists():
            shutil.copy(beside, path.with_name(f"{path.name}{suffix}"))

    async def live() -> Read:
        chosen = settings(*SOURCES)
        chosen = chosen.model_copy(update={"posts": chosen.posts.model_copy(update={"locale": locale})})
        async with Bot(path, chosen, pytest.MonkeyPatch()).started() as bot:
            await bot.polls(WRONG_FROM - 3 * HOUR, WRONG_FROM - HOUR, every=HOUR)
            await bot.polls(WRONG_FROM, NOON, every=HOUR, silent=silent, change=change)
            await bot.polls(NOON + HOUR, LATER, every=HOUR)
            archive = bot.parts.archive
            found = await archive.posts.find(channel="console:", limit=100)
            posts = tuple(post for post in reversed(found) if post.intended_at > BEFORE)
            at = {post.intended_at: post for post in posts if post.reason == "scheduled"}
            inputs = [await archive.posts.inputs(at[when].id) for when in (NOON, LATER)]
            assert inputs[0] is not None
            assert inputs[1] is not None
            later = [post for post in posts if post.intended_at >= WRONG_FROM]
            same = [(await post_again(archive, post.id)).same for post in later]
            return Read(
                noon=at[NOON],
                facts=inputs[0].facts,
                later=at[LATER],
                later_facts=inputs[1].facts,
                posts=posts,
                same=all(same),
            )

    return asyncio.run(live())


@pytest.fixture(scope="module")
def sound(base: Path) -> Read:
    """The same day with nothing wrong."""
    return read(base)


# ── what goes wrong ─────────────────────────────────────────────────────────────────────────────────────────


def venue_of(request: httpx.Request) -> str:
    return VENUES[request.url.host][0]


def instead(request: httpx.Request, reply: httpx.Response, tree: Any) -> httpx.Response:
    return httpx.Response(200, headers=reply.headers, content=json.dumps(tree).encode(), request=request)


def times(factor: float, fields: Collection[str], *venues: str) -> Change:
    """All figures of some fields at some venues by a factor."""

    def scale(tree: Any) -> None:
        if isinstance(tree, list):
            for one in tree:
                scale(one)
        elif isinstance(tree, dict):
            for key, value in tree.items():
                if key in fields and value not in (None, ""):
                    scaled = float(value) * factor
                    tree[key] = f"{scaled:.12g}" if isinstance(value, str) else scaled
                else:
                    scale(value)

    async def change(request: httpx.Request, reply: httpx.Response, _: TapeTransport) -> httpx.Response:
        if venue_of(request) not in venues:
            return reply
        tree = reply.json()
        scale(tree)
        return instead(request, reply, tree)

    return change


async def emptied(request: httpx.Request, reply: httpx.Response, _: TapeTransport) -> httpx.Response:
    """The lists of Bybit and of what is open at OKX are empty, and so are Binance's counts."""
    venue, tree = venue_of(request), reply.json()
    if venue == "bybit" and request.url.path.endswith("tickers"):
        return instead(request, reply, tree | {"result": tree["result"] | {"list": []}})
    if venue == "okx" and request.url.path.endswith("open-interest"):
        return instead(request, reply, tree | {"data": []})
    if venue == "binance" and "openInterest" in request.url.path:
        return instead(request, reply, [])
    return reply


def a_day_old(venue: str, *, fresh_date: bool) -> Change:
    """A venue's replies of a day before, under the date of now or of then."""

    async def change(request: httpx.Request, reply: httpx.Response, now: TapeTransport) -> httpx.Response:
        if venue_of(request) != venue:
            return reply
        then = now._now() - DAY
        if then not in transports:
            transports[then] = TapeTransport(tape(), lambda: then, venues=SOURCES)
        old = await transports[then].handle_async_request(request)
        date = reply.headers["date"] if fresh_date else old.headers["date"]
        headers = {"date": date, "content-type": "application/json"}
        return httpx.Response(old.status_code, headers=headers, content=old.content, request=request)

    transports: dict[datetime, TapeTransport] = {}
    return change


# ── what a reader could call false ──────────────────────────────────────────────────────────────────────────


def told(post: Post) -> Iterator[tuple[Text, str, float]]:
    """Each sentence or row of a post with each fact that it tells as a figure of now."""
    for text in post.story.texts:
        if text.slot != "watch":
            for one in sentences(text):
                for span in figures_in(one):
                    if "@" not in span.origin.ref:
                        yield one, span.origin.ref, float(span.origin.value)
    for row in post.story.table:
        for span in figures_in(row):
            yield row, span.origin.ref, float(span.origin.value)


def assert_true(post: Post, facts: Facts, sound: Facts, lost: str, mark: str = "†") -> None:
    """Every figure is the sound market's, but for totals that say which venue they lack."""
    for text, name, value in told(post):
        stem = name.partition(".")[0]
        usual, here, there = sound.get(name), facts.get(stem), sound.get(stem)
        if usual is None or here is None or there is None:
            continue
        if is_total(stem) and set(here.venues) != set(there.venues):
            assert lost in text.text or mark in text.text, (name, text.text)
        elif not is_total(stem) or set(here.venues) == set(there.venues):
            apart = abs(value - usual.value)
            assert apart <= max(0.02 * abs(usual.value), LEAST.get(stem, 1e-9)), (name, text.text)


def counted(post: Post) -> str:
    """What the post says of open interest."""
    own = [text.text for text, name, _ in told(post) if name.startswith("open_interest_")]
    return " ".join([*own, *([post.story.footer.text] if "†" in "".join(own) and post.story.footer else [])])


MOVES = ("shrank", "grew", "added positions", "closed positions", "open positions went")


@pytest.mark.parametrize(
    ("locale", "lost", "said"),
    [
        ("en", "without Binance this time", ("say so", "says which")),
        ("es", "esta vez sin Binance", ("lo dicen", "dice cuál")),
    ],
)
def test_a_venue_drops_out(base: Path, sound: Read, locale: str, lost: str, said: tuple[str, ...]) -> None:
    found = read(base, locale, silent="binance")
    [notice] = [post for post in found.posts if post.reason == "outage"]
    assert "Binance" in notice.story.body
    assert any(one in notice.story.body for one in said)
    assert notice.story.footer is not None
    assert "Binance" not in notice.story.footer.text  # it names none as its source
    assert notice.intended_at < found.noon.intended_at
    assert not found.noon.story.plain
    assert_true(found.noon, found.facts, sound.facts, lost)
    assert lost in counted(found.noon)
    assert found.noon.story.footer is not None
    assert f"† {lost}" in found.noon.story.footer.text
    assert not any(move in counted(found.noon) for move in MOVES)
    assert found.same


def test_a_venue_that_is_back_is_said_to_be(base: Path) -> None:
    found = read(base, silent="okx")
    said = " ".join(text.text for text, _, _ in told(found.later))
    footer = found.later.story.footer.text if found.later.story.footer else ""
    assert "with OKX counted anew" in said + footer
    assert not any(move in counted(found.later) for move in MOVES)


def test_half_the_open_interest_is_gone_from_the_lists(base: Path, sound: Read) -> None:
    found = read(base, change=emptied)
    assert "without Binance, Bybit and OKX this time" in counted(found.noon)
    assert not any(move in counted(found.noon) for move in MOVES)
    assert found.facts.get("open_interest_coin.change_24h_pct") is not None
    assert found.facts.value("open_interest_coin.change_24h_pct") == pytest.approx(
        sound.facts.value("open_interest_coin.change_24h_pct"), abs=0.5
    )
    notices = [post.story.body for post in found.posts if post.reason == "outage"]
    assert not any("has not answered" in body or "silen" in body for body in notices)  # Bybit did answer
    assert found.same


def test_half_of_one_venues_open_interest_stands_and_is_no_move(base: Path) -> None:
    found = read(base, change=times(0.5, {"openInterest"}, "binance"))
    for post in (found.noon, found.later):
        assert not any(move in counted(post) for move in MOVES), counted(post)
    said = counted(found.noon)
    assert "with Binance counted anew" in said or "without Binance this time" in said
    assert found.same


@pytest.mark.parametrize(
    ("venue", "fresh_date"),
    [
        ("hyperliquid", True),
        ("hyperliquid", False),
        ("coinglass", True),
        ("coinglass", False),
        ("deribit", True),
        ("binance", False),
        ("kraken", True),
    ],
)
def test_a_reply_is_a_day_old(base: Path, sound: Read, venue: str, fresh_date: bool) -> None:
    found = read(base, change=a_day_old(venue, fresh_date=fresh_date))
    names = {"coinglass": "CoinGlass"}
    lost = f"without {names.get(venue, venue.capitalize())} this time"
    assert_true(found.noon, found.facts, sound.facts, lost)
    assert not any(move in counted(found.noon) for move in MOVES)
    assert found.same


COINGLASS = {
    "liquidation_usd",
    "longLiquidation_usd",
    "shortLiquidation_usd",
    "aggregated_long_liquidation_usd",
    "aggregated_short_liquidation_usd",
}
SLIPS: Mapping[str, Change] = {
    "Binance's counts": times(100, {"openInterest"}, "binance"),
    "Bybit's counts": times(0.01, {"openInterest", "singleOpenInterest"}, "bybit"),
    "a vendor's liquidations": times(100, COINGLASS, "coinglass"),
    "a rate of funding": times(100, {"fundingRate"}, "bybit"),
    "a chain's volatility": times(100, {"mark_iv"}, "deribit"),
    "a mark": times(100, {"markPx"}, "okx"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_figure_slips_by_two_digits_for_hours(base: Path, sound: Read, slip: str) -> None:
    found = read(base, change=SLIPS[slip])
    for post, facts, usual in (
        (found.noon, found.facts, sound.facts),
        (found.later, found.later_facts, sound.later_facts),
    ):
        assert_true(post, facts, usual, " this time")
        assert not any(move in counted(post) for move in MOVES), counted(post)
    assert found.same

"""The board, its readings, the charts and the look: what a reader keeps open."""

import itertools
from array import array
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from bot.charts.pictures import Pictures
from bot.delivery.preview import OperatorSide, create_app
from bot.delivery.preview.adminroutes import OPERATOR
from bot.delivery.preview.board import Board
from bot.delivery.preview.light import light_of
from bot.desk.memory import SourceState
from bot.domain.catalog import Catalog
from bot.domain.facts import Fact, Facts, Series
from bot.domain.judgement import Call
from bot.domain.operation import BackupFile, LogLine, OperationState, ServedChannel, TaskOutcome
from bot.domain.posts import Profile, Subscription
from bot.metrics import History
from tests.delivery.preview.conftest import AT, StandInPainter, page_words
from tests.delivery.preview.test_page import glance, read_until, text_of

HOUR = timedelta(hours=1)


def past(metric: str, *, venue: str | None = None, last: float, first: float, hours: int = 24 * 30) -> Series:
    """Hourly values that go straight to `last` at AT."""
    rows = [
        (int((AT - HOUR * (hours - hour)).timestamp() * 1000), first + (last - first) * hour / hours)
        for hour in range(hours + 1)
    ]
    return Series(
        metric=metric,
        asset="BTC",
        venue=venue,
        at_ms=array("q", [at for at, _ in rows]),
        value=array("d", [value for _, value in rows]),
        covers_s=array("q", [0] * len(rows)),
    )


@pytest.fixture
def known(market: Any) -> Any:
    """The market with a past of skew, also by venue, and a stance."""
    market.past = History.of(
        "BTC",
        [
            past("skew_60d_pct", first=2.04, last=20.04),
            past("skew_60d_pct", venue="deribit", first=2.0, last=20.0),
            past("skew_60d_pct", venue="okx", first=3.0, last=21.0),
        ],
    )
    market.archive.states.taken = [
        Call(at=AT - timedelta(days=20), stance="neutral"),
        Call(at=AT - timedelta(days=7, hours=2), stance="bearish"),
    ]
    return market


async def test_the_board_shows_the_stance_with_its_day_and_each_reading_with_its_usual_range(
    page, known
) -> None:
    known.direction = "easing"
    text = await text_of(page)
    assert "<strong>caution</strong> day 8 · easing" in text
    assert '<a class="cell" href="/reading/skew_60d_pct?asset=BTC">' in text
    assert "usual −6% to 6%" in text
    assert "<polyline points=" in text
    assert "<rect x=" in text


async def test_a_stance_is_as_old_as_posts_say_and_of_an_earlier_time_only_where_that_is_kept(
    page, known
) -> None:
    known.since = AT - timedelta(days=30, hours=3)
    assert "<strong>caution</strong> day 31" in await text_of(page)
    known.archive.states.taken = [Call(at=AT - timedelta(days=7, hours=2), stance="bearish")]
    then = int((AT - timedelta(days=3)).timestamp())
    told = await text_of(page, f"/?at={then}")
    assert "<strong>caution</strong>" in told
    assert "<strong>caution</strong> day" not in told


async def test_every_followed_asset_stands_in_the_strip_with_its_stance(page, known) -> None:
    known.assets = ("BTC", "ETH", "SOL")
    text = await text_of(page)
    strip = text[text.index('<nav class="assets"') : text.index("</nav>")]
    assert [name in strip for name in ("<b>BTC</b>", "<b>ETH</b>", "<b>SOL</b>")] == [True] * 3
    assert "<strong>caution</strong>" in strip
    known.assets = ("BTC",)
    assert '<nav class="assets"' not in await text_of(page)


async def test_the_strip_and_the_line_below_it_tell_an_asset_at_the_same_moment(
    page, known, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown, times = Board.show, itertools.count(1)

    async def grow(self: Board, *asked: Any, **more: Any) -> Any:
        return replace(await shown(self, *asked, **more), stance_word=f"moment {next(times)}")

    monkeypatch.setattr(Board, "show", grow)
    text = await text_of(page)
    assert text.count("<strong>moment 1</strong>") == 2
    assert text.count("<strong>moment 2</strong>") == 1  # the other asset


async def test_a_reading_tells_its_change_since_the_last_post_of_the_channel(page, known, a_post) -> None:
    since = "since last post"
    assert since not in await text_of(page)
    known.archive.posts.kept = [
        a_post("old", at=AT - timedelta(days=3)),
        a_post("last", at=AT - timedelta(hours=20)),
        a_post("elsewhere", at=AT - timedelta(hours=2), channel="discord:7"),
        replace(a_post("unsent", at=AT - timedelta(hours=1)), sent_at=None),
    ]
    assert f"+0.5% {since}" in await text_of(page)
    at = int((AT - timedelta(hours=40)).timestamp())
    assert f"+0.8% {since}" in await text_of(page, f"/?at={at}")


async def test_a_change_since_a_post_of_which_nothing_is_known_is_not_told(page, known, a_post) -> None:
    known.archive.posts.kept = [a_post("before", at=AT - timedelta(days=40))]
    assert "since last post" not in await text_of(page)


@pytest.mark.parametrize(
    ("rank", "says"),
    [
        (0.02, "lowest 1% of 90 days"),
        (4.2, "lowest 5% of 90 days"),
        (5.5, "above 5.5% of 90 days"),
        (62.0, "above 62% of 90 days"),
        (95.0, "highest 5% of 90 days"),
        (99.98, "highest 1% of 90 days"),
    ],
)
async def test_a_rank_is_told_as_a_reader_means_it(
    page, known, monkeypatch: pytest.MonkeyPatch, rank: float, says: str
) -> None:
    named = "skew_60d_pct.percentile_90d"
    facts = await known.facts("BTC")
    ranked = replace(facts, known={**facts.known, named: Fact(name=named, value=rank, at=AT)})

    async def facts_of(asset: str) -> Facts:
        return ranked

    monkeypatch.setattr(known, "facts", facts_of)
    assert says in await text_of(page)


async def test_where_the_60_day_rank_is_not_known_the_board_tells_the_one_of_the_90_day_basis_by_name(
    page, known, monkeypatch: pytest.MonkeyPatch
) -> None:
    ninety = "basis_90d_pct.percentile_90d"
    [skew] = known.playbook.catalog.metrics.values()
    of_basis = {name: replace(skew, name=name) for name in ("basis_60d_pct", "basis_90d_pct")}
    known.playbook.catalog = Catalog({skew.name: skew, **of_basis})
    facts = await known.facts("BTC")
    told = {"basis_60d_pct": 2.0, "basis_90d_pct": 3.0, ninety: 8.0}
    shown = dict(told)

    async def facts_of(asset: str) -> Facts:
        own = {name: Fact(name=name, value=value, at=AT) for name, value in shown.items()}
        return replace(facts, known={**facts.known, **own})

    monkeypatch.setattr(known, "facts", facts_of)
    says = "no rank yet; basis_90d_pct: above 8% of 90 days"
    assert says in await text_of(page)
    shown["basis_60d_pct.percentile_90d"] = 30.0
    text = await text_of(page)
    assert "above 30% of 90 days" in text
    assert "no rank yet" not in text
    del shown["basis_60d_pct.percentile_90d"], shown[ninety]
    assert "no rank yet" not in await text_of(page)


async def test_the_slider_moves_the_board_too_and_says_what_is_now(page, known) -> None:
    at = AT - timedelta(days=15)
    text = await text_of(page, f"/?at={int(at.timestamp())}")
    board = text[text.index('id="board"') : text.index("figure class")]
    assert "<strong>11.04%</strong>" in board
    assert "now 20.04%" in board
    assert (
        "<strong>neutral</strong>" in text
        or "neutral" in text[text.index('id="pin"') : text.index("</header>")]
    )
    assert f"/reading/skew_60d_pct?asset=BTC&amp;at={int(at.timestamp())}" in board


async def test_a_time_ahead_is_now(page, known) -> None:
    assert "As it stood at" not in await text_of(page, f"/?at={int((AT + timedelta(days=2)).timestamp())}")


async def test_another_asset_has_a_board_of_its_own(page, known) -> None:
    text = await text_of(page, "/?asset=ETH")
    assert '<a href="/?asset=ETH" aria-current="page"><b>ETH</b>' in text
    assert "<polyline" not in text


async def test_a_reading_tells_its_venues_formula_range_and_time(page, known) -> None:
    text = await text_of(page, "/reading/skew_60d_pct?asset=BTC&fragment")
    assert text.startswith("<article")
    assert '<th scope="row">Deribit</th><td>20%</td>' in text
    assert '<th scope="row">Okx</th><td>21%</td>' in text
    assert "put less call over the middle" in text
    assert "6 Feb 2026, 14:00 UTC" in text
    assert 'data-chart="/chart/skew_60d_pct.json?asset=BTC"' in text


async def test_a_reading_has_a_page_of_its_own_that_says_how_it_stood_then(page, known) -> None:
    at = int((AT - timedelta(days=15)).timestamp())
    text = await text_of(page, f"/reading/skew_60d_pct?asset=BTC&at={at}")
    assert "<!doctype html>" in text
    assert "<strong>11.04%</strong>" in text
    assert "<td>11%</td>" in text


async def test_a_metric_of_which_nothing_is_known_yet_has_a_chart_without_content(page):
    assert (await page.get("/chart/skew_60d_pct.json")).status == 204


@pytest.mark.parametrize(
    "path", ["/reading/nothing", "/chart/nothing.json", "/chart/nothing.png", "/chart/skew_60d_pct.png"]
)
async def test_what_does_not_exist_or_was_never_heard_is_not_found(page, path) -> None:
    assert (await page.get(path)).status == 404


async def test_a_chart_is_the_same_spec_as_plain_values(page, known) -> None:
    told = await (await page.get("/chart/skew_60d_pct.json?asset=BTC&window=7d")).json()
    (line,) = told["series"]
    assert (line["at"][-1], line["y"][-1]) == (int(AT.timestamp()), 20.04)
    assert len(line["at"]) == 7 * 24
    assert told["band"] == [-6.0, 6.0]
    assert [stance["word"] for stance in told["stances"]] == ["caution"]
    assert told["stances"][0]["dark"] == "#f0883e"


async def test_a_gap_of_a_chart_is_null(page, known) -> None:
    rows = past("skew_60d_pct", first=2.0, last=20.0)
    keep = [row for row in range(len(rows.at_ms)) if not len(rows.at_ms) - 60 < row < len(rows.at_ms) - 20]
    known.past = History.of(
        "BTC",
        [
            Series(
                metric=rows.metric,
                asset="BTC",
                venue=None,
                at_ms=array("q", [rows.at_ms[row] for row in keep]),
                value=array("d", [rows.value[row] for row in keep]),
                covers_s=array("q", [0] * len(keep)),
            )
        ],
    )
    told = await (await page.get("/chart/skew_60d_pct.json?asset=BTC&window=7d")).json()
    assert told["series"][0]["y"].count(None) == 1


async def test_the_picture_of_a_chart_follows_the_theme(page, known) -> None:
    known.cards.pictures = Pictures(StandInPainter())
    assert (await (await page.get("/chart/skew_60d_pct.png")).read()).endswith(b"skew_60d_pct")
    assert (await (await page.get("/chart/skew_60d_pct.png?theme=light")).read()).endswith(b"light")


async def test_a_posts_picture_comes_on_the_ground_of_the_readers_theme(page, known, a_post) -> None:
    known.archive.posts.kept = [a_post("aaaa")]
    known.cards.pictures = Pictures(StandInPainter(), of_post=glance)
    text = await text_of(page)
    assert '<source srcset="/picture/aaaa.png?theme=light" media="(prefers-color-scheme: light)">' in text
    assert await (await page.get("/picture/aaaa.png?theme=light")).read() == b"\x89PNG BTC light"
    await page.post("/look", data={"theme": "dark"})
    assert "<source" not in await text_of(page)


async def test_the_look_is_remembered_by_the_browser_and_wrong_values_are_not(page, known) -> None:
    wanted = {"theme": "dark", "language": "es", "zone": "moon", "back": "/?asset=ETH"}
    reply = await page.post("/look", data=wanted, allow_redirects=False)
    assert reply.status == 303
    assert reply.headers["Location"] == "/?asset=ETH"
    text = await text_of(page)
    assert '<html lang="es" data-theme="dark" data-zone="own">' in text
    assert "Aún no hay publicaciones" in text


@pytest.mark.parametrize(
    "back", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
)
async def test_the_way_back_leads_nowhere_else(page, back) -> None:
    reply = await page.post("/look", data={"theme": "dark", "back": back}, allow_redirects=False)
    assert reply.headers["Location"] == "/"


async def test_every_word_of_the_page_is_there_in_both_languages() -> None:
    english, spanish = page_words("en"), page_words("es")
    assert english.keys() == spanish.keys()
    for key, text in english.items():
        assert sorted(_names(text)) == sorted(_names(spanish[key])), key


def _names(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]


async def test_the_board_streams_to_an_open_page(page, known) -> None:
    async with page.get("/stream?asset=BTC") as stream:
        seen = await read_until(stream, "event: board")
        assert "event: pin" in seen
        assert "/reading/skew_60d_pct" in await read_until(stream, "</svg>")


def states(*ages: float | None) -> list[SourceState]:
    return [
        SourceState(source=f"s{place}", heard_at=None if age is None else AT - timedelta(minutes=age))
        for place, age in enumerate(ages)
    ]


@pytest.mark.parametrize(
    ("ages", "state", "words"),
    [
        ((1, 2), "live", "2 of 2 sources heard, oldest 2 min"),
        ((1, None), "partial", "1 of 2 sources heard, oldest 1 min"),
        ((1, 45), "partial", "2 of 2 sources heard, oldest 45 min"),
        ((45, 50), "stale", "2 of 2 sources heard, oldest 50 min"),
        ((None,), "dark", "no source has been asked yet"),
        ((), "dark", "no source has been asked yet"),
    ],
)
def test_one_light_stands_for_all_sources(ages, state: str, words: str) -> None:
    light = light_of(states(*ages), AT, page_words("en"))
    assert (light.state, light.words) == (state, words)


async def test_a_source_with_gaps_is_not_whole(a_gap) -> None:
    heard = [SourceState(source="deribit", heard_at=AT, gaps=(a_gap,))]
    assert light_of(heard, AT, page_words("en")).state == "partial"


async def test_who_counts_in_coins_sees_coins(market) -> None:
    state = await Board(market).show("BTC", Profile(), coins=True)
    assert [reading.name for reading in state.readings] == ["skew_60d_pct"]
    assert datetime.fromtimestamp(state.at.timestamp(), UTC) == AT


async def test_the_operators_side_tells_sources_posts_in_doubt_and_editions_and_no_channel(
    page, market, a_post, a_gap
) -> None:
    market.heard = [SourceState(source="deribit", heard_at=AT - timedelta(minutes=2), gaps=(a_gap,))]
    told = a_post("aaaa", channel="discord:555111")
    market.archive.posts.kept = [told, replace(a_post("bbbb", channel="discord:7"), sent_at=None)]
    market.archive.outbox.doubtful = [market.archive.posts.kept[1]]
    text = await text_of(page, "/admin")
    assert '<th scope="row">deribit</th><td>7 min</td><td>1</td>' in text
    assert "<td>discord</td>" in text
    assert "555111" not in text
    assert "<td>?</td>" in text
    assert "0123456789ab" in text
    assert "6 Feb 2026, 14:00 UTC" in text


class StandInOperation:
    """A running bot that notes what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.state = OperationState(on_discord=False)

    async def look(self) -> OperationState:
        return self.state

    async def check(self) -> None:
        self.asked.append("check")

    async def reload(self) -> None:
        self.asked.append("reload")

    async def back_up(self) -> None:
        self.asked.append("back up")

    async def send_test(self, channel: str, title: str, body: str) -> None:
        self.asked.append(f"{title} in {channel}: {body}")


@pytest.fixture
async def operated(market, preview, commands, monkeypatch) -> AsyncIterator[Any]:
    """A page with an operator's side, and what it was asked."""
    monkeypatch.setattr("bot.delivery.preview.page.discover", lambda: commands)
    app, operation = create_app(market, market.cards, preview), StandInOperation()
    app[OPERATOR] = OperatorSide(settings={"poll.every_s": "300"}, operation=operation)
    async with TestClient(TestServer(app)) as client:
        yield client, operation


async def test_without_a_token_the_operator_is_led_to_the_first_start(operated) -> None:
    page, operation = operated
    text = await text_of(page, "/admin")
    assert text.index("DISCORD_TOKEN") < text.index("./tightrope doctor") < text.index("/setup")
    operation.state = replace(operation.state, invitation="https://discord.com/oauth2/authorize?client_id=1")
    assert 'href="https://discord.com/oauth2/authorize?client_id=1"' in await text_of(page, "/admin")
    operation.state = replace(operation.state, on_discord=True)
    assert "DISCORD_TOKEN" not in await text_of(page, "/admin")


async def test_the_operator_sees_settings_outbox_channels_log_and_backups(operated) -> None:
    page, operation = operated
    wish = Subscription(channel="discord:77", asset="BTC", created_at=AT, guild_id="99")
    paused, muted = replace(wish, paused_at=AT), replace(wish, channel="discord:78", snoozed_until=AT)
    operation.state = OperationState(
        on_discord=True,
        outbox=(("sent", 12), ("unsent", 3)),
        channels=(
            *(ServedChannel(wish=one) for one in (wish, paused, muted)),
            ServedChannel(wish=wish, refusals=2),
        ),
        backups=(BackupFile(name="tightrope-1.sqlite", size_mb=12.34, at=AT),),
        logs=(LogLine(at="2026-02-06T13:01:02Z", level="warning", event="post.kept", says="reason=late"),),
        reloaded=TaskOutcome(at=AT, well=False, lines=("options.toml: <b>no</b>",)),
    )
    text = await text_of(page, "/admin")
    for told in (
        '<th scope="row">poll.every_s</th><td>300</td>',
        '<th scope="row">unsent</th><td>3</td>',
        '<th scope="row">discord:77</th><td>99</td><td>BTC</td><td>12:00 UTC</td><td>posts</td>',
        "<td>paused since 6 Feb 2026, 14:00 UTC</td>",
        "<td>no alerts until 6 Feb 2026, 14:00 UTC</td>",
        "<td>refused 2 times, still tried</td>",
        '<th scope="row">tightrope-1.sqlite</th><td>12.3 MB</td>',
        '<th scope="row">13:01:02</th><td>warning</td><td>post.kept</td><td>reason=late</td>',
        "<li>options.toml: &lt;b&gt;no&lt;/b&gt;</li>",
    ):
        assert told in text, told


@pytest.mark.parametrize("do", ["check", "reload", "back_up"])
async def test_the_operators_buttons_ask_the_running_bot(operated, do: str) -> None:
    page, operation = operated
    reply = await page.post("/admin", data={"do": do}, allow_redirects=False)
    assert (reply.status, reply.headers["Location"]) == (303, "/admin")
    assert operation.asked == [do.replace("_", " ")]


async def test_a_test_is_sent_where_one_can_be_and_nowhere_else(operated) -> None:
    page, operation = operated
    operation.state = OperationState(on_discord=True, testable=("discord:77",))
    assert "<option>discord:77</option>" in await text_of(page, "/admin")
    await page.post("/admin", data={"do": "test", "channel": "discord:77"})
    (said,) = operation.asked
    assert said.startswith("A test in discord:77: ")
    assert (await page.post("/admin", data={"do": "test", "channel": "discord:78"})).status == 404
    assert (await page.post("/admin", data={"do": "format"})).status == 404
    assert len(operation.asked) == 1


async def test_from_elsewhere_nothing_is_asked_of_the_running_bot(operated) -> None:
    page, operation = operated
    reply = await page.post("/admin", data={"do": "back_up"}, headers={"Origin": "https://evil.example"})
    assert reply.status == 403
    assert operation.asked == []


async def test_where_no_bot_runs_there_is_nothing_to_ask(page) -> None:
    assert (await page.post("/admin", data={"do": "check"})).status == 404
    assert "Check files" not in await text_of(page, "/admin")


async def test_the_board_is_worked_out_once_for_all_open_pages_until_something_is_heard(known) -> None:
    facts = await known.facts("BTC")
    later = replace(facts, at=AT + timedelta(minutes=1))
    heard = [facts]

    async def read(asset: str) -> Any:
        return heard[-1]

    known.facts = read
    board = Board(known)
    first = await board.show("BTC", Profile())
    assert await board.show("BTC", Profile()) is first
    assert await board.show("BTC", Profile(locale="es")) is not first
    heard.append(later)
    assert (await board.show("BTC", Profile())).at == later.at

"""The page: posts, answers, streams, and what it refuses."""

import asyncio
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from msgspec.structs import replace

from bot.charts.pictures import Pictures
from bot.delivery.preview import create_app
from bot.delivery.preview.draw import Draw, Entry, plain
from bot.delivery.preview.look import Look, Voice
from bot.delivery.preview.provenance import CardBasis, own_of
from bot.desk.memory import SourceState
from bot.domain.catalog import Catalog
from bot.domain.posts import Card, ChartSpec, Figure, Post
from bot.domain.story import Text
from bot.errors import ArchiveError
from tests.delivery.preview.conftest import StandInPainter, page_words

NASTY = "<script>alert(1)</script> **bold** [x](javascript:alert(1)) @everyone \"'{{ 7*7 }}"


async def text_of(client, path="/") -> str:
    reply = await client.get(path)
    assert reply.status == 200
    return await reply.text()


async def test_the_page_shows_the_posts_of_its_channel_newest_first(page, market, a_post):
    early, late = a_post("aaaa"), a_post("bbbb", at=a_post("x").intended_at + timedelta(hours=1))
    market.archive.posts.kept = [late, early, a_post("cccc", channel="console:")]
    text = await text_of(page)
    assert text.index('id="post-bbbb"') < text.index('id="post-aaaa"')
    assert "post-cccc" not in text
    assert "Nothing here is sent anywhere" in text


async def test_a_post_not_yet_sent_is_not_shown(page, market, a_post):
    market.archive.posts.kept = [replace(a_post("aaaa"), sent_at=None)]
    assert "No post yet" in await text_of(page)


async def test_the_stance_is_said_in_words(page, market, a_post):
    market.archive.posts.kept = [a_post("aaaa")]
    assert "<strong>caution</strong>" in await text_of(page)


async def test_a_number_shows_what_it_stands_on(page, market, a_post):
    market.archive.posts.kept = [a_post("aaaa")]
    text = await text_of(page)
    assert (
        'href="#post-aaaa-1" title="skew_60d_pct: 20.04 % of ATM IV, 6 Feb 2026, 13:55 UTC, 5 min old, 1 of 2 venues: deribit: '
        'put less call over the middle" data-reading="skew_60d_pct">20%</a>' in text
    )
    assert 'id="post-aaaa-1"' in text
    assert "put less call over the middle" in text


async def glance(post: Post) -> ChartSpec:
    alt = f'{post.asset}: caution. "20%" <now>'
    return ChartSpec(kind="summary", title=post.asset, series=(), unit="", caption="", alt=alt)


async def test_a_post_has_its_picture_with_what_it_shows_in_words(page, market, a_post):
    market.archive.posts.kept, market.cards.pictures = (
        [a_post("aaaa")],
        Pictures(StandInPainter(), of_post=glance),
    )
    text = await text_of(page)
    assert '<img src="/picture/aaaa.png" alt="BTC: caution. &#34;20%&#34; &lt;now&gt;"' in text
    reply = await page.get("/picture/aaaa.png")
    assert reply.content_type == "image/png"
    assert await reply.read() == b"\x89PNG BTC"


async def test_a_picture_is_drawn_only_when_it_is_asked_for(page, market, a_post, monkeypatch):
    async def draw(chart):
        raise AssertionError("nobody looks yet")

    market.archive.posts.kept, market.cards.pictures = (
        [a_post("aaaa")],
        Pictures(StandInPainter(), of_post=glance),
    )
    monkeypatch.setattr(market.cards.pictures, "draw", draw)
    assert "/picture/aaaa.png" in await text_of(page)


async def test_only_posts_of_this_channel_show_a_picture(page, market, a_post):
    market.archive.posts.kept = [a_post("aaaa", channel="discord:7")]
    market.cards.pictures = Pictures(StandInPainter(), of_post=glance)
    assert (await page.get("/picture/aaaa.png")).status == 404
    assert (await page.get("/picture/bbbb.png")).status == 404


async def test_a_post_without_a_picture_has_none(page, market, a_post):
    market.archive.posts.kept = [a_post("aaaa")]
    assert "/picture/" not in await text_of(page)
    assert (await page.get("/picture/aaaa.png")).status == 404


async def test_text_is_never_taken_for_markup(page, market, a_post):
    market.archive.posts.kept = [a_post("aaaa", NASTY)]
    text = await text_of(page)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; **bold** [x](javascript:alert(1))" in text
    assert "{{ 7*7 }}" in text


async def test_a_typed_line_is_answered_and_never_taken_for_markup(page):
    reply = await page.post("/command?fragment", data={"line": "/explain <script>alert(1)</script>"})
    text = await reply.text()
    assert reply.status == 200
    assert "<script>alert" not in text
    assert "You asked: &lt;script&gt;" in text


async def test_an_answer_comes_with_its_figures_and_buttons(page):
    text = await (await page.post("/command?fragment", data={"line": "/skew eth 60"})).text()
    assert "ETH: skew" in text
    assert "<dt>Change</dt><dd>+1%</dd>" in text
    assert 'name="line" value="/skew asset:ETH tenor:90"' in text


async def test_an_input_error_is_private_and_says_what_would_be_right(page):
    text = await (await page.post("/command?fragment", data={"line": "/skew DOGE"})).text()
    assert "only you can see this" in text
    assert "unknown asset &#39;DOGE&#39;: one of BTC, ETH" in text


async def test_without_a_script_a_form_is_answered_on_the_page_again(page):
    reply = await page.post("/command", data={"line": "/skew BTC"}, allow_redirects=False)
    assert reply.status == 303
    key = reply.headers["Location"].removeprefix("/#")
    assert f'id="{key}"' in await text_of(page)


async def test_an_answer_is_seen_by_its_asker_alone(page, market, preview):
    await page.get("/")
    await page.post("/command", data={"line": "/skew BTC"})
    assert "BTC: skew" in await text_of(page)
    page.session.cookie_jar.clear()
    assert "BTC: skew" not in await text_of(page)


async def read_until(stream, wanted: str) -> str:
    seen = ""
    async with asyncio.timeout(5):
        while wanted not in seen:
            seen += (await stream.content.readline()).decode()
        return seen


async def test_a_post_streams_to_an_open_page(page, market, preview, a_post):
    async with page.get("/stream") as stream:
        assert stream.headers["Content-Type"] == "text/event-stream"
        await read_until(stream, "event: bar")
        await preview.show(a_post("aaaa"), market.cards.of_post(a_post("aaaa")))
        seen = await read_until(stream, "</article>")
    assert "event: post\nid: aaaa\n" in seen
    assert 'data: <article class="message" id="post-aaaa"' in seen


async def test_a_corrected_post_streams_again_to_who_has_it(page, market, preview, a_post):
    market.archive.posts.kept = [a_post("aaaa")]
    note = Text(slot="correction", about="restated", text="Deribit restated the skew.")
    async with page.get("/stream", params={"after": ""}) as stream:
        await read_until(stream, "</article>")
        await preview.edit(replace(a_post("aaaa"), corrections=(note,)), market.cards.of_post(a_post("aaaa")))
        seen = await read_until(stream, "</article>")
    assert "event: edit" in seen
    assert 'id="post-aaaa"' in seen


async def test_a_page_that_was_away_gets_what_it_missed(page, market, a_post):
    start = a_post("x").intended_at
    market.archive.posts.kept = [
        a_post(name, at=start + timedelta(hours=hour)) for hour, name in enumerate(["aaaa", "bbbb", "cccc"])
    ]
    async with page.get("/stream", headers={"Last-Event-ID": "aaaa"}) as stream:
        seen = await read_until(stream, "event: bar")
    assert "id: aaaa" not in seen
    assert seen.index("id: bbbb") < seen.index("id: cccc")


async def test_a_post_shown_while_the_page_loads_is_not_lost(page, market, preview, a_post):
    market.archive.posts.kept = [a_post("aaaa")]
    await preview.show(a_post("bbbb"), market.cards.of_post(a_post("bbbb")))
    async with page.get("/stream", params={"after": "aaaa"}) as stream:
        seen = await read_until(stream, "event: bar")
    assert "id: bbbb" in seen
    assert "id: aaaa" not in seen


async def test_a_page_without_a_post_gets_all_that_came_before_it_listened(page, market, a_post):
    market.archive.posts.kept = [a_post("aaaa")]
    async with page.get("/stream", params={"after": ""}) as stream:
        assert "id: aaaa" in await read_until(stream, "event: bar")


async def test_looking_back_shows_the_posts_up_to_then_and_no_later_one(page, market, a_post):
    start = a_post("x").intended_at - timedelta(hours=3)
    market.archive.posts.kept = [
        a_post(name, at=start + timedelta(hours=hour)) for hour, name in enumerate(["aaaa", "bbbb", "cccc"])
    ]
    text = await text_of(page, f"/?at={int((start + timedelta(hours=1)).timestamp())}")
    assert 'id="post-aaaa"' in text
    assert 'id="post-bbbb"' in text
    stream = text[text.index('id="stream"') :]
    assert 'id="post-cccc"' not in stream
    then, now = text[text.index('class="pair"') : text.index('id="stream"')].split("The last post now", 1)
    assert ('id="post-bbbb"' in then, 'id="post-cccc"' in now) == (True, True)
    assert "As it stood at" in text


@pytest.mark.parametrize("at", ["", "soon", "-1e9", "9" * 30, "<script>"])
async def test_a_time_that_is_none_shows_now(page, market, a_post, at):
    market.archive.posts.kept = [a_post("aaaa")]
    reply = await page.get("/", params={"at": at})
    text = await reply.text()
    assert 'id="post-aaaa"' in text
    assert "As it stood at" not in text


async def test_the_bar_tells_each_source_and_its_age(page, market, a_gap):
    market.heard = [
        SourceState(source="deribit", heard_at=market.now() - timedelta(minutes=7), gaps=(a_gap,)),
        SourceState(source="okx"),
    ]
    text = await text_of(page)
    assert ">7 min ago</time>" in text
    assert "not heard yet" in text
    assert "&lt;b&gt;no answer&lt;/b&gt;" in text


async def test_lines_are_completed(page):
    reply = await page.get("/suggest", params={"line": "/skew BTC 3"})
    assert await reply.json() == ["/skew BTC 30"]


async def test_an_archive_that_cannot_be_read_is_said_and_nothing_leaks(page, market, monkeypatch):
    async def broken(**_):
        raise ArchiveError("/secret/path.sqlite: disk I/O error")

    monkeypatch.setattr(market.archive.posts, "find", broken)
    reply = await page.get("/")
    assert reply.status == 503
    assert "secret" not in await reply.text()
    assert "Content-Security-Policy" in reply.headers


async def test_healthz_answers_small_json(page):
    reply = await page.get("/healthz")
    assert reply.status == 200
    assert (await reply.json())["status"] == "ok"


@pytest.mark.parametrize("path", ["/", "/stream", "/static/page.js", "/healthz", "/nowhere"])
async def test_every_answer_forbids_other_hosts(page, path):
    async with page.get(path) as reply:
        policy = reply.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert reply.headers["X-Content-Type-Options"] == "nosniff"


async def test_the_page_itself_names_no_other_host_and_no_inline_code(page, market, a_post):
    market.archive.posts.kept = [a_post("aaaa")]
    text = await text_of(page)
    assert "//" not in text.replace("<!doctype html>", "")
    assert " style=" not in text
    assert " onclick" not in text
    for path in ("/static/page.js", "/static/page.css"):
        assert "https:" not in await text_of(page, path)


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8737", "127.0.0.1.evil.example", ""])
async def test_a_host_that_is_not_loopback_is_refused(page, host):
    assert (await page.get("/", headers={"Host": host})).status == 403


@pytest.mark.parametrize("host", ["localhost:8737", "127.0.0.1", "[::1]:8737"])
async def test_a_loopback_host_is_served(page, host):
    assert (await page.get("/", headers={"Host": host})).status == 200


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
async def test_a_command_from_another_page_is_refused(page, headers):
    assert (await page.post("/command", data={"line": "/skew"}, headers=headers)).status == 403


async def test_a_body_too_large_is_refused(page):
    assert (await page.post("/command", data={"line": "x" * 5000})).status == 413


async def test_a_line_too_long_is_answered_privately(page):
    text = await (await page.post("/command?fragment", data={"line": "/skew " + "x" * 1000})).text()
    assert "longer than 200 characters" in text
    assert "x" * 300 not in text


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"me:{password}".encode()).decode()}


async def test_elsewhere_than_on_loopback_a_password_is_asked_for(market, preview):
    app = create_app(market, market.cards, preview, loopback=False, password="open sesame")
    async with TestClient(TestServer(app)) as client:
        assert (await client.get("/")).status == 401
        assert (await client.get("/", headers=basic("wrong"))).status == 401
        assert (await client.get("/", headers={"Authorization": "Basic !"})).status == 401
        assert (await client.get("/", headers=basic("open sesame"))).status == 200
        assert (await client.get("/healthz")).status == 200


async def test_a_number_shows_what_each_venue_said(page, market, a_post):
    market.archive.posts.kept, market.archive.posts.values = [a_post("aaaa")], {"deribit": 20.04, "okx": 19.5}
    assert "1 of 2 venues: deribit 20.04, okx 19.5" in await text_of(page)


async def test_one_venues_number_shows_that_venue_and_its_time(page, market, a_post, monkeypatch):
    market.archive.posts.kept, market.archive.posts.values = [a_post("aaaa")], {"deribit": 19.0, "okx": 20.04}
    told = await market.archive.posts.evidence("aaaa")
    told["facts"]["skew_60d_pct"]["value"] = 19.4

    async def evidence(post_id, channels=()):
        return told

    monkeypatch.setattr(market.archive.posts, "evidence", evidence)
    assert "5 min old, 1 of 1 venues: okx" in await text_of(page)


def test_evidence_of_another_shape_explains_nothing():
    assert own_of({"points": "none"}) == {}
    assert (
        own_of(
            {"points": [{"venue": "okx"}, 3, {"venue": "okx", "metric": "x", "value": "much", "at": "then"}]}
        )
        == {}
    )


async def test_one_venues_own_number_does_not_pass_for_the_number_of_all(page, market, a_post, monkeypatch):
    market.archive.posts.kept = [a_post("aaaa")]
    told = await market.archive.posts.evidence("aaaa")
    told["facts"]["skew_60d_pct"]["value"] = 35_798_786_970.25  # the post's span has another value

    async def evidence(post_id, channels=()):
        return told

    monkeypatch.setattr(market.archive.posts, "evidence", evidence)
    text = await text_of(page)
    assert (
        'title="skew_60d_pct: 20.04 % of ATM IV: put less call over the middle" data-reading="skew_60d_pct">20%</a>'
        in text
    )
    assert "of 2 venues" not in text


def test_the_value_behind_a_number_can_be_read():
    assert [plain(value) for value in (35_798_786_970.25, 20.04, "BTC")] == ["35,798,786,970", "20.04", "BTC"]


def test_a_figure_with_much_to_say_gets_a_row_to_itself():
    card = Card(
        title="Status",
        body="",
        fields=(Figure(label="Short", text="1"), Figure(label="Long", text="word " * 30)),
    )
    at = datetime(2026, 2, 6, tzinfo=UTC)
    entry = Entry(key="answer-1", at=at, card=card, basis=CardBasis(at=at), catalog=Catalog({}))
    html = Draw().entry(entry, Voice(look=Look(), words=page_words("en")))
    assert "<div><dt>Short" in html
    assert '<div class="long"><dt>Long' in html

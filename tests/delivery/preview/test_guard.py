"""The page on a network address: who gets in, for how long, by which name, and how often one may try."""

import asyncio
import time
from base64 import b64encode
from typing import Any

import pytest
from aiohttp import CookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from bot.delivery.preview import create_app, doorman, serve
from bot.delivery.preview.doorman import Doorman
from bot.delivery.preview.tries import Sessions, Tries
from bot.errors import ConfigError

PASSWORD = "open sesame, please"
BROWSER = {"Accept": "text/html"}
HERE = "203.0.113.7"


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"me:{password}".encode()).decode()}


def outside(market: Any, preview: Any, **more: Any) -> TestClient[Any, Any]:
    app = create_app(market, market.cards, preview, loopback=False, password=PASSWORD, **more)
    return TestClient(TestServer(app), cookie_jar=CookieJar(unsafe=True))


async def test_a_password_on_a_network_address_has_twelve_characters_at_least(market, preview):
    with pytest.raises(ConfigError, match="TIGHTROPE_PAGE__PASSWORD: has 11 characters"):
        async with serve(market, market.cards, preview, host="0.0.0.0", port=0, password="x" * 11):
            raise AssertionError
    async with serve(market, market.cards, preview, host="0.0.0.0", port=0, password="x" * 12) as address:
        assert address.startswith("http://0.0.0.0:")


async def test_a_browser_shows_the_password_once_and_has_a_session_until_it_logs_out(market, preview):
    async with outside(market, preview) as client:
        form = await client.get("/", headers=BROWSER)
        assert form.status == 401
        assert "WWW-Authenticate" not in form.headers
        assert 'action="/login"' in await form.text()
        wrong = await client.post("/login", data={"password": "open"}, allow_redirects=False)
        assert wrong.status == 401
        assert "not the password" in await wrong.text()
        right = await client.post("/login", data={"password": PASSWORD}, allow_redirects=False)
        assert (right.status, right.headers["Location"]) == (303, "/")
        cookie = right.cookies["session"]
        assert (cookie["httponly"], cookie["samesite"], cookie["secure"]) == (True, "Strict", "")
        home = await client.get("/", headers=BROWSER)
        assert home.status == 200
        assert 'action="/logout"' in await home.text()
        ended = await client.post("/logout", allow_redirects=False)
        assert ended.status == 303
        client.session.cookie_jar.update_cookies({"session": cookie.value})
        assert (await client.get("/", headers=BROWSER)).status == 401


async def test_where_tls_stands_before_it_the_cookie_is_secure(market, preview):
    async with outside(market, preview) as client:
        right = await client.post(
            "/login",
            data={"password": PASSWORD},
            headers={"X-Forwarded-Proto": "https"},
            allow_redirects=False,
        )
        assert right.cookies["session"]["secure"] is True


async def test_five_wrong_passwords_are_logged_and_then_none_is_looked_at(market, preview):
    with capture_logs() as logs:
        async with outside(market, preview) as client:
            for number in range(5):
                sent = basic("wrong") if number % 2 else None
                told = (
                    await client.get("/", headers=sent)
                    if sent
                    else await client.post("/login", data={"password": "wrong"})
                )
                assert told.status == 401
            for paused in (
                await client.get("/", headers=basic(PASSWORD)),
                await client.post("/login", data={"password": PASSWORD}),
            ):
                assert paused.status == 429
                assert 290 <= int(paused.headers["Retry-After"]) <= 300
            assert (await client.get("/healthz")).status == 200
    events = [one["event"] for one in logs if one["event"].startswith("page.")]
    assert events == ["page.wrong_password"] * 5 + ["page.paused"]
    assert "wrong" not in [one.get("password") for one in logs]


def test_a_pause_is_an_addresss_own_and_over_after_five_minutes():
    now = [0.0]
    tries = Tries(lambda: now[0])
    for _ in range(5):
        now[0] += 10
        tries.note_wrong(HERE)
    assert tries.pause_s(HERE) == 300.0
    assert tries.pause_s("203.0.113.8") == 0.0
    now[0] += 301
    assert tries.pause_s(HERE) == 0.0
    tries.note_wrong(HERE)
    assert tries.pause_s(HERE) == 0.0
    for last in range(5):
        tries.note_wrong(f"2001:db8::{last}")
    assert tries.pause_s("2001:db8::ffff") == 300.0


def test_a_session_ends_after_twelve_hours():
    now = [0.0]
    sessions = Sessions(lambda: now[0])
    name = sessions.begin()
    assert sessions.holds(name)
    assert not sessions.holds("")
    now[0] = 12 * 3600.0
    assert not sessions.holds(name)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("203.0.113.7:8737", 200),
        ("[2001:db8::1]:8737", 200),
        ("raspberry:8737", 200),
        ("bot.local", 200),
        ("Bot.Example.org.", 200),
        ("evil.example.org", 403),
        ("127.0.0.1.evil.example", 403),
        ("[::1", 403),
    ],
)
async def test_the_page_is_asked_by_its_address_or_by_a_name_that_it_knows(market, preview, host, status):
    async with outside(market, preview, names=("bot.example.org",)) as client:
        assert (await client.get("/", headers={"Host": host, **basic(PASSWORD)})).status == status


async def test_a_page_has_so_many_streams_and_no_more(page, monkeypatch):
    monkeypatch.setattr("bot.delivery.preview.page.MOST_STREAMS", 2)
    streams = [await page.get("/stream") for _ in range(2)]
    assert [one.status for one in streams] == [200, 200]
    for one in streams:
        await one.content.readany()  # it has begun to tell
    third = await page.get("/stream")
    assert (third.status, third.headers["Retry-After"]) == (503, "60")
    for one in streams:
        one.close()


async def test_a_connection_that_asks_nothing_is_closed_in_time(market, preview, monkeypatch):
    monkeypatch.setattr(doorman, "HEADERS_S", 0.3)
    monkeypatch.setattr(doorman, "SWEEP_S", 0.05)
    async with serve(market, market.cards, preview, port=0) as address:
        port = int(address.rstrip("/").rpartition(":")[2])
        for said in (b"", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            begun_s = time.monotonic()
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(reader.readexactly(1), 10)
            assert time.monotonic() - begun_s < 5
            writer.close()


async def test_of_too_many_connections_the_oldest_that_asked_nothing_goes():
    class Idle(asyncio.Protocol):
        pass

    keeper = Doorman(Idle, most=3)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(keeper.receive, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    with capture_logs() as logs:
        lines = []
        for _ in range(5):
            lines.append(await asyncio.open_connection(*address))
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.1)
        gone = [reader.at_eof() or reader.exception() is not None for reader, _ in lines]
        for number in (0, 1):
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await asyncio.wait_for(lines[number][0].readexactly(1), 5)
    assert gone[2:] == [False, False, False]
    assert [one["event"] for one in logs] == ["page.full"]
    for _, writer in lines:
        writer.close()
    server.close()


async def test_what_nobody_thought_of_is_in_the_log_and_not_on_the_page(page, market, monkeypatch):
    async def fail(*_: object, **__: object) -> web.Response:
        raise KeyError("s3cret")

    monkeypatch.setattr(market.archive.posts, "find", fail, raising=False)
    with capture_logs() as logs:
        answer = await page.get("/")
    assert answer.status == 500
    assert "s3cret" not in await answer.text()
    assert "page.failed" in [one["event"] for one in logs]

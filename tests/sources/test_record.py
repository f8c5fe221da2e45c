"""Replies and messages written down as they come, without a secret, and answered again from what was written."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest
from aiohttp import web

from bot.errors import InputError, SourceUnavailable
from bot.sources._http import Http, Patience
from bot.sources._record import RecordingTransport, ReplayTransport, listen
from bot.sources._recording import (
    INDEX,
    RecordedMessages,
    RecordedReply,
    Recording,
    read_recording,
    recording_files,
)
from bot.sources._ws import Stream
from tests.said import english, refused
from tests.sources.conftest import START, StillClock
from tests.sources.test_ws import read, venue

SECRET = "s3cr3t-key"
DATE = {"date": "Fri, 23 Jan 2026 12:30:00 GMT", "set-cookie": "a=b", "content-type": "application/json"}


def answer(request: httpx.Request) -> httpx.Response:
    if request.url.host == "dead":
        raise httpx.ConnectError(f"no route for {SECRET}", request=request)
    if request.method == "POST":
        return httpx.Response(200, headers=DATE, content=b"posted " + request.content)
    return httpx.Response(200, headers=DATE, text=f"you are {request.headers.get('key', 'nobody')}")


async def recorded(*asked: tuple[str, str], headers: dict[str, str] | None = None) -> list[RecordedReply]:
    heard: list[RecordedReply] = []
    clock = StillClock()
    transport = RecordingTransport(
        heard.append, clock.now, inner=httpx.MockTransport(answer), secrets=[SECRET]
    )
    async with Http(now=clock.now, transport=transport, patience=Patience(attempts=1)) as http:
        for url, body in asked:
            try:
                if body:
                    await http.post(url, subject="x", body=body.encode())
                else:
                    await http.get(url, subject="x", headers=headers)
            except SourceUnavailable:
                pass
    return heard


async def test_each_reply_is_passed_on_and_written_down_with_its_question():
    get, post = await recorded(("https://h/a?x=1", ""), ("https://h/b", '{"q":1}'))
    assert (get.method, get.url, get.status, get.body) == ("GET", "https://h/a?x=1", 200, b"you are nobody")
    assert (post.method, post.asked, post.body) == ("POST", '{"q":1}', b'posted {"q":1}')
    assert get.heard_at == START
    assert get.headers == {"date": DATE["date"], "content-type": "application/json"}


async def test_a_key_stands_nowhere_in_what_was_written():
    replies = await recorded(
        (f"https://h/a?api_key={SECRET}&symbol=BTC", ""),
        (f"https://h/b?s={SECRET}", ""),
        ("https://dead/c", ""),
        headers={"key": SECRET},
    )
    assert [reply.url for reply in replies] == [
        "https://h/a?api_key=%2A%2A%2A&symbol=BTC",
        "https://h/b?s=***",
        "https://dead/c",
    ]
    assert replies[0].body == b"you are ***"
    recording = Recording(taken_at=START, assets=("BTC",), sources=("x",), replies=tuple(replies))
    assert not [name for name, content in recording_files(recording).items() if SECRET.encode() in content]


async def test_what_could_not_be_reached_is_written_down_too():
    [reply] = await recorded(("https://dead/c", ""))
    assert (reply.status, reply.failure) == (0, "no route for ***")


def some(**more: object) -> Recording:
    reply = RecordedReply(
        method="GET",
        url="https://h/a?x=1",
        asked="",
        heard_at=START + timedelta(seconds=2),
        status=200,
        headers={"date": DATE["date"]},
        body=b'{"n": 1}',
    )
    dead = RecordedReply(
        method="GET", url="https://dead/", asked="", heard_at=START, headers={}, failure="no route"
    )
    socket = RecordedMessages(
        source="okx", url="wss://x/", messages=((START, '{"e": "ü"}'), (START, "pong")), failure="closed"
    )
    whole = {
        "taken_at": START,
        "assets": ("BTC", "ETH"),
        "sources": ("okx",),
        "replies": (reply, dead),
        "sockets": (socket,),
    }
    return Recording(**{**whole, **more})  # type: ignore[arg-type]


def test_a_folder_holds_the_whole_recording():
    files = recording_files(some())
    assert set(files) == {INDEX, "replies/001-h-a.txt", "sockets/01-okx.jsonl"}
    assert files["replies/001-h-a.txt"] == b'{"n": 1}'
    assert read_recording(files) == some()


@pytest.mark.parametrize("index", [b"", b"{}", b'{"version": 2}', b'{"version": 1, "taken_at": "x"}', b"[]"])
def test_a_folder_that_cannot_be_read_says_so(index: bytes):
    with refused(InputError, match=r"recording\.json"):
        read_recording({INDEX: index})


async def asked_again(recording: Recording, urls: Sequence[str]) -> list[bytes | str]:
    transport = ReplayTransport(recording)
    heard: list[bytes | str] = []
    async with Http(now=transport.now, transport=transport, patience=Patience(attempts=1)) as http:
        for url in urls:
            try:
                reply = await http.get(url, subject="x")
            except SourceUnavailable as error:
                heard.append(english(error))
            else:
                heard.append(reply.body)
                assert reply.heard_at == START + timedelta(seconds=2)
    return heard


async def test_the_same_question_gets_the_same_reply_at_the_same_time():
    urls = ["https://h/a?x=1", "https://h/a?x=1", "https://h/a?x=2", "https://dead/"]
    assert await asked_again(some(), urls) == [
        b'{"n": 1}',
        b'{"n": 1}',
        "x: no connection: it is refused",
        "x: no connection: it is refused",
    ]


async def test_a_question_that_was_asked_twice_is_answered_in_turn():
    first = some().replies[0]
    second = RecordedReply(
        method="GET", url=first.url, asked="", heard_at=first.heard_at, status=200, headers={}, body=b"second"
    )
    recording = some(replies=(first, second))
    assert await asked_again(recording, [first.url] * 3) == [b'{"n": 1}', b"second", b"second"]


async def test_what_a_socket_pushes_is_written_down_until_the_time_is_over():
    heard: list[str] = []

    async def serve(socket: web.WebSocketResponse) -> None:
        heard.append((await socket.receive()).data)
        await socket.send_str(f"welcome {SECRET}")
        await socket.send_bytes(b"more")
        heard.extend([message.data async for message in socket])

    async with venue(serve) as url:
        stream = Stream(url=url, read=read, greet=("hello",), ping="ping", ping_every_s=0.05)
        told = await listen("okx", stream, 0.3, lambda: START, [SECRET])
    assert told == RecordedMessages(source="okx", url=url, messages=((START, "welcome ***"), (START, "more")))
    assert heard[:2] == ["hello", "ping"]


async def test_a_socket_that_closes_or_cannot_be_reached_says_why():
    async def serve(socket: web.WebSocketResponse) -> None:
        await socket.send_str("bye")

    async with venue(serve) as url:
        told = await listen("okx", Stream(url=url, read=read), 5, lambda: START)
    assert ([text for _, text in told.messages], told.failure) == (["bye"], "the venue closed it")
    async with asyncio.timeout(10):
        dead = await listen("okx", Stream(url="http://127.0.0.1:1/", read=read), 5, lambda: START)
    assert dead.messages == ()
    assert "127.0.0.1" in dead.failure

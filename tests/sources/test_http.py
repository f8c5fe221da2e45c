"""What an answer means, how long we try, and what a server cannot do to us."""

import asyncio
import contextlib
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.errors import SourceChanged, SourceUnavailable
from bot.sources._hosts import Budget
from bot.sources._http import BODY_LIMIT_BYTES, Http, Patience, Reply
from tests.said import refused
from tests.sources.conftest import START, Ask, StillClock

URL = "https://venue.example/thing"


class Script:
    """Answers in turn; the last one is repeated."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


async def test_a_good_answer_is_its_body_and_the_servers_date(ask: Ask):
    http = ask(Script(httpx.Response(200, content=b"{}", headers={"date": "Fri, 23 Jan 2026 12:29:50 GMT"})))
    reply = await http.get(URL, subject="venue BTC")
    assert reply.body == b"{}"
    assert reply.server_at() == datetime(2026, 1, 23, 12, 29, 50, tzinfo=UTC)


@pytest.mark.parametrize("apart_s", [31, -31])
async def test_a_server_whose_clock_is_more_than_30_s_from_ours_is_a_gap(apart_s: int):
    reply = Reply(subject="venue BTC", body=b"", heard_at=START, dated_at=START + timedelta(seconds=apart_s))
    with refused(SourceUnavailable, match=r"venue BTC: its clock and ours are [+-]31 s apart"):
        reply.server_at()


def test_the_envelopes_time_goes_before_the_date_header_and_ours_stands_in_for_none():
    reply = Reply(subject="venue BTC", body=b"", heard_at=START, dated_at=START - timedelta(hours=1))
    assert reply.server_at(START + timedelta(seconds=2)) == START + timedelta(seconds=2)
    assert Reply(subject="venue BTC", body=b"", heard_at=START).server_at() == START


async def test_an_unreadable_date_header_tells_nothing(ask: Ask):
    http = ask(Script(httpx.Response(200, headers={"date": "yesterday"})))
    assert (await http.get(URL, subject="venue BTC")).server_at() == START


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500),
        httpx.Response(503),
        httpx.Response(408),
        httpx.ConnectError("no route"),
        OSError("reset"),
    ],
)
async def test_trouble_that_passes_is_tried_again_after_a_pause(ask: Ask, clock: StillClock, trouble):
    script = Script(trouble, trouble, httpx.Response(200, content=b"well"))
    http = ask(script)
    assert (await http.get(URL, subject="venue BTC")).body == b"well"
    assert script.asked == 3
    first, second = clock.pauses
    assert 0.15 <= first <= 0.45
    assert 0.3 <= second <= 0.9


async def test_trouble_that_stays_is_unavailable_with_the_subject_and_what_it_was(ask: Ask):
    script = Script(httpx.Response(502))
    with refused(SourceUnavailable, match="venue BTC: HTTP 502"):
        await ask(script).get(URL, subject="venue BTC")
    assert script.asked == 3


async def test_a_short_retry_after_is_honored_to_the_second(ask: Ask, clock: StillClock):
    script = Script(httpx.Response(429, headers={"retry-after": "4"}), httpx.Response(200))
    await ask(script).get(URL, subject="venue BTC")
    assert clock.pauses == [4]


async def test_a_long_retry_after_is_handed_on_and_the_host_is_left_alone_until_then(
    ask: Ask, clock: StillClock
):
    script = Script(httpx.Response(429, headers={"retry-after": "90"}), httpx.Response(200))
    http = ask(script)
    with refused(SourceUnavailable, match="too many requests") as caught:
        await http.get(URL, subject="venue BTC")
    assert caught.value.retry_after_s == 90
    clock.pass_s(60)
    with refused(SourceUnavailable, match="rests for 30 s"):
        await http.get(URL, subject="venue BTC")
    assert script.asked == 1
    clock.pass_s(31)
    await http.get(URL, subject="venue BTC")
    assert http.usage()[0].health == "well"


async def test_a_retry_after_that_is_a_date_is_counted_from_now(ask: Ask):
    headers = {"retry-after": "Fri, 23 Jan 2026 12:32:00 GMT"}
    with pytest.raises(SourceUnavailable) as caught:
        await ask(Script(httpx.Response(429, headers=headers))).get(URL, subject="venue BTC")
    assert caught.value.retry_after_s == 120


@pytest.mark.parametrize(
    ("answer", "words", "rest_s"),
    [
        (httpx.Response(429), "too many requests", 60),
        (httpx.Response(403, content=b"error code: 1015"), "too many requests", 60),
        (httpx.Response(418), "banned for too many requests", 120),
        (httpx.Response(418, headers={"retry-after": "7200"}), "banned for too many requests", 7200),
        (httpx.Response(403), "this place is not served", 600),
        (httpx.Response(451), "this place is not served", 3600),
    ],
)
async def test_a_refusal_is_not_tried_again_and_the_host_rests(
    ask: Ask, answer: httpx.Response, words: str, rest_s: float
):
    script = Script(answer)
    http = ask(script)
    with refused(SourceUnavailable, match=words) as caught:
        await http.get(URL, subject="venue BTC")
    assert script.asked == 1
    assert caught.value.retry_after_s == rest_s
    assert http.usage()[0].resting_until == START + timedelta(seconds=rest_s)


@pytest.mark.parametrize("status", [301, 302, 400, 401, 404, 422])
async def test_a_request_that_is_not_understood_any_more_needs_a_person(ask: Ask, status: int):
    script = Script(httpx.Response(status, content=b'{"msg":"no such thing"}'))
    with refused(SourceChanged, match=f"venue BTC: .*{status}"):
        await ask(script).get(URL, subject="venue BTC")
    assert script.asked == 1


async def test_a_host_that_keeps_failing_rests_and_other_hosts_do_not(ask: Ask, clock: StillClock):
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(500 if request.url.host == "ill.example" else 200)

    http = ask(handler)
    for _ in range(3):
        with refused(SourceUnavailable, match="HTTP 500"):
            await http.get("https://ill.example/", subject="ill BTC")
    with refused(SourceUnavailable, match="rests for"):
        await http.get("https://ill.example/", subject="ill BTC")
    assert (await http.get(URL, subject="venue BTC")).body == b""
    assert {usage.host: usage.health for usage in http.usage()} == {
        "ill.example": "resting",
        "venue.example": "well",
    }


async def test_after_the_rest_one_request_probes_and_the_others_wait_for_what_it_learns(
    ask: Ask, clock: StillClock
):
    script = Script(*[httpx.Response(500)] * 9, httpx.Response(500), httpx.Response(500), httpx.Response(500))
    http = ask(script)
    for _ in range(3):
        with pytest.raises(SourceUnavailable):
            await http.get(URL, subject="venue BTC")
    clock.pass_s(60)
    asked = script.asked
    many = await asyncio.gather(
        *(http.get(URL, subject="venue BTC") for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(one, SourceUnavailable) for one in many)
    assert script.asked - asked == 3  # one probe with its attempts; the four others were not sent
    script.answers = [httpx.Response(200)]
    clock.pass_s(600)
    many = await asyncio.gather(
        *(http.get(URL, subject="venue BTC") for _ in range(5)), return_exceptions=True
    )
    assert all(isinstance(one, Reply) for one in many)


async def test_a_budget_makes_requests_wait_and_a_long_wait_is_refused(ask: Ask, clock: StillClock):
    http = ask(Script(httpx.Response(200)))
    http.allow("venue.example", Budget(burst=2, per_s=0.5))
    for _ in range(4):
        await http.get(URL, subject="venue BTC")
    assert clock.pauses == [2, 2]
    with refused(SourceUnavailable, match=r"our budget for venue\.example is spent"):
        await http.get(URL, subject="venue BTC", cost=5)


async def test_on_a_clock_that_stands_still_a_wait_for_the_budget_still_ends():
    async def no_sleep(_: float) -> None: ...

    async with Http(
        now=lambda: START, sleep=no_sleep, transport=httpx.MockTransport(Script(httpx.Response(200)))
    ) as http:
        http.allow("venue.example", Budget(burst=1, per_s=1))
        for _ in range(4):
            await http.get(URL, subject="venue BTC")
        assert http.usage()[0].used == 4


async def test_hosts_of_one_pool_share_its_budget_and_rest_together_when_it_is_overspent(ask: Ask):
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(418 if "banned" in request.url.path else 200)

    http = ask(answer)
    for host in ("one.example", "two.example"):
        http.allow(host, Budget(burst=10, per_s=1), pool="both")
    http.allow("other.example", Budget(burst=10, per_s=1))
    await http.get("https://one.example/", subject="venue", cost=4)
    await http.get("https://two.example/", subject="venue", cost=3)
    assert {usage.host: usage.used for usage in http.usage()} == {
        "one.example": 7,
        "other.example": 0,
        "two.example": 7,
    }
    with refused(SourceUnavailable, match="banned"):
        await http.get("https://one.example/banned", subject="venue")
    with refused(SourceUnavailable, match=r"banned.*two\.example rests"):
        await http.get("https://two.example/", subject="venue")
    assert {usage.host: usage.health for usage in http.usage()} == {
        "one.example": "resting",
        "other.example": "well",
        "two.example": "resting",
    }


@pytest.mark.parametrize(
    ("said", "kind"),
    [(b"retry", SourceUnavailable), (b"bad symbol", SourceChanged), (b"\xff", SourceChanged)],
)
async def test_a_refusal_that_its_source_knows_as_passing_is_waited_for(
    ask: Ask, said: bytes, kind: type[Exception]
):
    script = Script(httpx.Response(400, content=said))
    http = ask(script)
    http.allow("venue.example", Budget(burst=10, per_s=1), passing=lambda body: body == b"retry")
    with refused(kind, match="HTTP 400"):
        await http.get(URL, subject="venue BTC")
    assert script.asked == (3 if kind is SourceUnavailable else 1)


async def test_whatever_a_transport_trips_over_ends_one_request(ask: Ask):
    with refused(SourceUnavailable, match=r"venue BTC: the answer could not be read \(KeyError\)"):
        await ask(Script(KeyError("surprise"))).get(URL, subject="venue BTC")


async def test_a_post_sends_json(ask: Ask):
    seen: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200)

    await ask(handler).post(URL, subject="venue", body=b'{"type":"x"}')
    assert seen[0].method == "POST"
    assert seen[0].content == b'{"type":"x"}'
    assert seen[0].headers["content-type"] == "application/json"
    assert seen[0].headers["accept-encoding"] == "gzip"


async def test_a_shared_question_is_asked_once_and_again_when_its_answer_is_old(ask: Ask, clock: StillClock):
    script = Script(httpx.Response(200, content=b"1"))
    http = ask(script)
    both = await asyncio.gather(*(http.get(URL, subject="venue", share_s=10) for _ in range(2)))
    assert [one.body for one in both] == [b"1", b"1"]
    assert script.asked == 1
    await http.get(URL, subject="venue", params={"symbol": "ETH"}, share_s=10)
    assert script.asked == 2
    clock.pass_s(11)
    await http.get(URL, subject="venue", share_s=10)
    assert script.asked == 3


async def test_a_shared_failure_is_everyones_and_is_not_kept(ask: Ask):
    script = Script(httpx.Response(404), httpx.Response(200))
    http = ask(script)
    both = await asyncio.gather(
        *(http.get(URL, subject="v", share_s=10) for _ in range(2)), return_exceptions=True
    )
    assert [type(one) for one in both] == [SourceChanged, SourceChanged]
    assert script.asked == 1
    assert (await http.get(URL, subject="v", share_s=10)).body == b""


# ── a real server on the loopback, which behaves badly ──────────────────────────────────────────────────────

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = Patience(attempts=2, pause_s=0.01, longest_pause_s=0.02, read_s=0.2, connect_s=0.5, total_s=3.0)


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client hung up, which is what some of these tests are about
        finally:
            writer.close()

    running = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = running.sockets[0].getsockname()[1]
    async with running:
        yield f"http://127.0.0.1:{port}/"


async def heard_from(serve: Serve) -> Reply:
    async with server(serve) as url, Http(now=lambda: datetime.now(UTC), patience=QUICK) as http:
        return await http.get(url, subject="venue BTC")


def body(content: bytes, *headers: bytes, length: int | None = None) -> Serve:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = str(len(content) if length is None else length).encode()
        writer.write(b"\r\n".join([b"HTTP/1.1 200 OK", b"content-length: " + size, *headers, b"", content]))
        await writer.drain()

    return serve


async def test_a_packed_body_is_unpacked():
    packed = gzip.compress(b'{"result":1}', mtime=0)
    assert (await heard_from(body(packed, b"content-encoding: gzip"))).body == b'{"result":1}'


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_packed_body_of_two_members_is_both_of_them(at_once: bool):
    first, second = gzip.compress(b'{"result":', mtime=0), gzip.compress(b"1}", mtime=0)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = str(len(first) + len(second)).encode()
        head = [b"HTTP/1.1 200 OK", b"content-length: " + size, b"content-encoding: gzip", b"", b""]
        writer.write(b"\r\n".join(head))
        for part in [first + second] if at_once else [first, second[:7], second[7:]]:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)

    assert (await heard_from(serve)).body == b'{"result":1}'


async def test_a_second_member_that_is_cut_off_is_no_answer():
    packed = gzip.compress(b'{"result":1}', mtime=0) + gzip.compress(b"more", mtime=0)[:-6]
    with refused(SourceUnavailable, match="cut off"):
        await heard_from(body(packed, b"content-encoding: gzip"))


async def test_a_server_that_stalls_is_unavailable():
    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read()

    with refused(SourceUnavailable, match="venue BTC"):
        await heard_from(serve)


async def test_a_server_that_drips_is_cut_off_by_the_time_limit_of_the_whole_request():
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.05)

    patience = Patience(total_s=0.4)
    async with server(serve) as url, Http(now=lambda: datetime.now(UTC), patience=patience) as http:
        with refused(SourceUnavailable, match=r"no answer within 0\.4 s"):
            await http.get(url, subject="venue BTC")


async def test_a_server_that_resets_is_unavailable():
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    with refused(SourceUnavailable, match="venue BTC"):
        await heard_from(serve)


async def test_a_body_that_is_cut_off_is_unavailable():
    with refused(SourceUnavailable, match="venue BTC"):
        await heard_from(body(b"{", length=100))


@pytest.mark.parametrize("content", [b"no gzip at all", gzip.compress(b"x" * 1000, mtime=0)[:-8]])
async def test_a_body_that_cannot_be_unpacked_is_unavailable(content: bytes):
    with refused(SourceUnavailable, match=r"venue BTC: the (packed )?body"):
        await heard_from(body(content, b"content-encoding: gzip"))


async def test_a_packing_that_was_not_asked_for_is_a_change():
    with refused(SourceChanged, match="packed as 'br'"):
        await heard_from(body(b"x", b"content-encoding: br"))


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"x" * (BODY_LIMIT_BYTES + 1), []),
        (gzip.compress(b"x" * 50_000_000, mtime=0), [b"content-encoding: gzip"]),
    ],
    ids=["plain", "swells from 50 kB to 50 MB"],
)
async def test_a_body_beyond_the_limit_is_not_swallowed(content: bytes, headers: list[bytes]):
    with refused(SourceChanged, match="larger than 8 MB"):
        await heard_from(body(content, *headers))


async def test_a_host_where_nobody_listens_is_unavailable():
    async with Http(now=lambda: datetime.now(UTC), patience=QUICK) as http:
        with refused(SourceUnavailable, match="venue BTC"):
            await http.get("http://127.0.0.1:9/", subject="venue BTC")


@pytest.mark.parametrize(
    "odd",
    [
        "Fri, 31 Dec 9999 23:59:59 -2359",
        "Sat, 01 Jan 0001 00:00:00 +2359",
        "Fri, 23 Jan 2026 12:30:00 +99999",
        "Fri, 23 Jan 99999 12:30:00 GMT",
        "Fri, 23 Jan 2026 12:30:00 -99999999999999999999",
        "0",
        ", , ,",
    ],
)
@pytest.mark.parametrize("header", ["date", "retry-after"])
async def test_an_odd_date_of_a_venue_is_at_most_a_gap(ask: Ask, odd: str, header: str):
    status = 200 if header == "date" else 503
    http = ask(Script(httpx.Response(status, headers={header: odd})))
    with contextlib.suppress(SourceUnavailable):  # any other error would stop every venue
        (await http.get(URL, subject="venue BTC")).server_at()


@pytest.mark.parametrize("asked", ["99999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
async def test_a_rest_is_capped_alike_for_seconds_and_for_dates(ask: Ask, asked: str):
    http = ask(Script(httpx.Response(429, headers={"retry-after": asked})))
    with pytest.raises(SourceUnavailable) as refusal:
        await http.get(URL, subject="venue BTC")
    assert refusal.value.retry_after_s == 3 * 86_400


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (httpx.ConnectTimeout("https://venue.example/?key=s3cret"), "it takes too long"),
        (httpx.ReadTimeout("s3cret"), "it fell silent"),
        (httpx.ProxyError("s3cret"), "the proxy does not pass it on"),
        (httpx.ConnectError("s3cret"), "it is refused"),
        (httpx.ReadError("s3cret"), "it broke off"),
        (OSError("s3cret"), "it broke off"),
    ],
)
async def test_a_failure_of_the_network_is_told_by_its_kind_and_not_in_a_librarys_words(
    ask: Ask, error: Exception, said: str
):
    with refused(SourceUnavailable, match=f"no connection: {said}") as told:
        await ask(Script(error)).get(URL, subject="venue BTC")
    assert "s3cret" not in str(told.value)


async def test_rests_and_shared_answers_go_by_a_time_that_nobody_sets():
    wall, steady = StillClock(), StillClock()
    asked = Script(httpx.Response(200, content=b"one"), httpx.Response(429, headers={"retry-after": "600"}))
    transport = httpx.MockTransport(asked)
    async with Http(now=wall.now, steady=steady.now, transport=transport, sleep=steady.sleep) as http:
        assert (await http.get(URL, subject="venue BTC", share_s=60)).body == b"one"
        wall.at -= timedelta(days=1)  # put back a day: the share is over all the same
        steady.at += timedelta(seconds=61)
        with pytest.raises(SourceUnavailable, match="too_many_requests"):
            await http.get(URL, subject="venue BTC", share_s=60)
        wall.at += timedelta(days=3650)  # ahead ten years: the rest goes on
        with pytest.raises(SourceUnavailable, match="resting"):
            await http.get(URL, subject="venue BTC")
        [usage] = http.usage()
        assert usage.resting_until is not None
        assert abs(usage.resting_until - wall.now() - timedelta(seconds=600)) < timedelta(seconds=2)
        steady.at += timedelta(seconds=601)
        with pytest.raises(SourceUnavailable, match="too_many_requests"):
            await http.get(URL, subject="venue BTC")

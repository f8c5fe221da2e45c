"""Refusals and their budget: on a clock of its own, over all processes together, and in a storm on
sockets."""

import asyncio
from bisect import bisect_right
from collections import deque
from typing import Any

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from structlog.testing import capture_logs
from yarl import URL

from bot.delivery.discord.asking import PATIENCE_S
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.refusals import BUDGET, LIMIT, WINDOW_S, Refusals
from bot.delivery.discord.sender import DiscordSurface
from bot.delivery.discord.throttle import RATE, Throttle
from bot.desk.desk import Desk
from bot.errors import ChannelRefused
from tests.delivery.discord.fake import FakeDiscord, Fault
from tests.delivery.discord.stand import Memory, make_card, make_post
from tests.delivery.discord.test_throttle import Still


class Reply:
    """As much of an answer as is looked at."""

    def __init__(self, status: int = 403, scope: str | None = None) -> None:
        self.status, self.method = status, "POST"
        self.url = URL("https://discord.test/api/v10/channels/1/messages")
        self.headers = CIMultiDictProxy(CIMultiDict({"x-ratelimit-scope": scope} if scope else {}))


def heed(refusals: Refusals, *replies: Reply) -> None:
    for reply in replies:
        refusals.heed(reply)  # type: ignore[arg-type]


@pytest.mark.parametrize("status", [401, 403, 429])
def test_an_answer_that_discord_counts_is_counted(status: int) -> None:
    refusals = Refusals(1 / BUDGET)
    assert refusals.budget == 1
    heed(refusals, Reply(status))
    assert refusals.wait_s() > 0


@pytest.mark.parametrize("reply", [Reply(200), Reply(400), Reply(404), Reply(500), Reply(429, "shared")])
def test_an_answer_that_discord_does_not_count_is_not_counted(reply: Reply) -> None:
    refusals = Refusals(1 / BUDGET)
    heed(refusals, reply)
    assert refusals.wait_s() == 0.0


def test_a_429_of_the_bots_own_is_counted() -> None:
    refusals = Refusals(2 / BUDGET)
    heed(refusals, Reply(429, "user"), Reply(429, "global"))
    assert refusals.wait_s() > 0


def test_a_spent_budget_frees_itself_as_its_refusals_grow_ten_minutes_old() -> None:
    still = Still()
    refusals = Refusals(3 / BUDGET, now=still.now)
    for _ in range(3):
        heed(refusals, Reply())
        still.now_s += 100
    assert refusals.wait_s() == WINDOW_S - 300
    still.now_s += WINDOW_S - 300
    assert refusals.wait_s() == 0.0
    heed(refusals, Reply())
    assert refusals.wait_s() == 100.0


def test_a_spent_budget_is_logged_once_and_again_after_it_was_half_free() -> None:
    still = Still()
    refusals = Refusals(4 / BUDGET, now=still.now)
    with capture_logs() as logs:
        heed(refusals, *[Reply()] * 9)
        still.now_s += WINDOW_S + 1
        assert refusals.wait_s() == 0.0
        heed(refusals, *[Reply()] * 4)
    spent = [one for one in logs if one["event"] == "discord.refusals_spent"]
    assert [(one["budget"], one["wait_s"]) for one in spent] == [(4, 600), (4, 600)]
    assert sum(one["event"] == "discord.refused" for one in logs) == 13


def test_the_log_of_a_refusal_holds_no_token_of_an_interaction() -> None:
    reply = Reply()
    reply.url = URL("https://discord.test/api/v10/interactions/1/secret/callback")
    with capture_logs() as logs:
        heed(Refusals(), reply)
    assert logs
    assert "secret" not in str(logs)


async def test_requests_wait_until_the_window_frees() -> None:
    still = Still()
    refusals = Refusals(5 / BUDGET, now=still.now)
    throttle = Throttle(refusals=refusals, now=still.now, sleep=still.sleep)
    heed(refusals, *[Reply()] * 5)
    begun = still.now_s
    await throttle.turn()
    assert still.now_s - begun >= WINDOW_S


def refused_at(share: float, latency_s: float, *, starts: list[float], until_s: float) -> list[float]:
    """When Discord refuses one process everything that it asks as fast as it may, begun anew at each of
    `starts`."""
    times: list[float] = []
    gap_s = 1 / max(1, int(RATE * share))
    for begin, end in zip(starts, [*starts[1:], until_s], strict=True):
        still = Still()
        still.now_s = begin
        refusals, out = Refusals(share, now=still.now), deque[float]()
        while still.now_s < end:
            while out and out[0] <= still.now_s:
                out.popleft()
                heed(refusals, Reply())
            if (wait_s := refusals.wait_s()) > 0:
                still.now_s += wait_s
                continue
            times.append(still.now_s)
            out.append(still.now_s + latency_s)
            still.now_s += gap_s
    return times


@settings(max_examples=6, deadline=None)
@given(
    cuts=st.lists(st.integers(1, 47), max_size=5, unique=True).map(sorted),
    latency_s=st.floats(0.01, PATIENCE_S),
    again_s=st.floats(1.0, 599.0),
)
def test_all_processes_together_stay_under_the_limit_even_where_each_is_started_again(
    cuts: list[int], latency_s: float, again_s: float
) -> None:
    shares = [(high - low) / 48 for low, high in zip([0, *cuts], [*cuts, 48], strict=True)]
    with capture_logs():
        each = [refused_at(share, latency_s, starts=[0.0, again_s], until_s=900) for share in shares]
    times = sorted(at for times in each for at in times)
    most = max(bisect_right(times, at + WINDOW_S) - place for place, at in enumerate(times))
    assert 0.9 * BUDGET < most < LIMIT


async def test_a_storm_of_refusals_stops_asking_and_still_answers_readers(
    fake: FakeDiscord, desk: Desk, memory: Memory, clock: Any
) -> None:
    refusals = Refusals(25 / BUDGET)
    client = TightropeClient(
        desk=desk, keeping=memory, throttle=Throttle(50, refusals=refusals), guild_ready_timeout=0.1
    )
    fake.fault("POST", "/messages", *[Fault(status=403, body={"code": 50013, "message": "no"})] * 1000)
    running = asyncio.create_task(client.start("token"))
    await asyncio.wait_for(client.arrived.wait(), 10)
    surface = DiscordSurface(client, late=_never, now=clock.now)
    posts = [make_post(f"s{number:04}", channel=7100 + number) for number in range(100)]
    tasks = [asyncio.create_task(surface.show(post, make_card(post, desk))) for post in posts]
    await fake.until(lambda: refusals.wait_s() > 0)
    await asyncio.sleep(0.3)
    asked = len(fake.requests("POST", "/messages"))
    assert asked < 100
    ended = [task.exception() for task in tasks if task.done()]
    assert len(ended) == asked >= 25
    assert all(isinstance(error, ChannelRefused) for error in ended)
    answered = await fake.slash("skew")
    assert len(answered.callbacks) == 1
    await asyncio.sleep(0.2)
    assert len(fake.requests("POST", "/messages")) == asked
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await client.close()
    await asyncio.wait({running}, timeout=5)


async def test_an_answer_to_a_reader_that_is_refused_is_counted_too(fake: FakeDiscord) -> None:
    refusals = Refusals(2 / BUDGET)
    async with aiohttp.ClientSession(trace_configs=[Throttle(refusals=refusals).trace()]) as session:
        for path in ("interactions/1/x/callback", "webhooks/1/x"):
            fake.fault("POST", path, Fault(status=401))
            async with session.post(f"{fake.base}/{path}"):
                pass
    fake.problems.clear()  # these were no requests of the bot's
    assert refusals.wait_s() > 0


async def _never(post: object) -> Any:
    raise AssertionError("no post is late here")

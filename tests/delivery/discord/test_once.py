"""Attacks on "once": each ends with one message in the channel, whatever the clocks, the chatter, the moderators and
the database do. A real archive, a Discord of our own on sockets, a new process's memory after each blow."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot.archive import Claims, SqlArchive, open_archive
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.routes import Routes
from bot.delivery.discord.sender import DiscordSurface
from bot.desk.desk import Desk
from bot.domain.posts import Card, Post, Profile
from bot.errors import ArchiveError
from tests.archive.make import decision, snapshot
from tests.delivery.discord.conftest import connected
from tests.delivery.discord.fake import BOT, CHANNEL, FakeDiscord, Fault
from tests.delivery.discord.stand import AT, Clock, make_desk, make_post, wish

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


class Process:
    """One process of the bot on one database: its desk, its client."""

    def __init__(self, archive: SqlArchive, desk: Desk, client: TightropeClient) -> None:
        self.archive, self.desk = archive, desk

        async def late(post: Post) -> Card:
            await archive.outbox.mark_late(post.id, channel=post.channel)
            return await desk.cards.with_picture(replace(post, late=True))

        async def at_once(seconds: float) -> None:
            await asyncio.sleep(0)

        surface = DiscordSurface(client, late=late, now=desk.market.now, sleep=at_once)
        desk.sender.add_surface("discord", Routes(surface, client))

    async def deliver(self) -> None:
        with contextlib.suppress(ArchiveError):
            await self.desk.sender.deliver()

    async def lose_the_answer(self) -> None:
        """Discord takes the post; the database is locked at the mark, and the process ends."""

        async def locked(*_: Any, **__: Any) -> None:
            raise ArchiveError("database is locked")

        self.archive.outbox.mark_sent = locked  # type: ignore[method-assign]
        await self.deliver()


class Scene:
    """A database, a Discord, this machine's clock."""

    def __init__(self, fake: FakeDiscord, database: str, clock: Clock) -> None:
        self.fake, self.database, self.clock = fake, database, clock

    @contextlib.asynccontextmanager
    async def process(self, claims: Claims | None = None) -> AsyncIterator[Process]:
        archive = await open_archive(self.database, claims=claims)
        desk = make_desk(archive, self.clock)
        try:
            async with connected(desk, archive) as client:
                yield Process(archive, desk, client)
        finally:
            await archive.aclose()

    async def begin(self, *posts: Post) -> None:
        archive = await open_archive(self.database)
        await archive.subscriptions.add(wish())
        at = posts[0].intended_at
        await archive.commit("BTC", Profile(), decision(at, posts=posts), snapshot(at))
        await archive.aclose()

    def pass_on(self, discord: timedelta, here: timedelta | None = None) -> None:
        """Time goes by, on Discord's clock and on ours; nonces are forgotten with it."""
        self.fake.moved_by += discord
        self.clock.at += discord if here is None else here
        if discord >= 3 * MINUTE:
            self.fake.forget_nonces()

    @property
    def ours(self) -> list[Mapping[str, Any]]:
        return [one for one in self.fake.posted() if one["author"]["id"] == str(BOT)]

    async def counts(self) -> Mapping[str, int]:
        archive = await open_archive(self.database)
        counts = await archive.outbox.count()
        await archive.aclose()
        return counts


@pytest.fixture
def scene(fake: FakeDiscord, clock: Clock, tmp_path: Path) -> Scene:
    fake.stand_at(AT)
    return Scene(fake, f"sqlite:///{tmp_path}/once.sqlite", clock)


async def lose_and_begin_again(scene: Scene, discord: timedelta, here: timedelta) -> None:
    async with scene.process() as first:
        await first.lose_the_answer()
    assert len(scene.ours) == 1
    scene.pass_on(discord, here)
    async with scene.process() as second:
        await second.deliver()


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 3 * MINUTE, -3 * MINUTE])
async def test_the_machines_clock_jumps_between_the_two_tries(scene: Scene, jump: timedelta) -> None:
    await scene.begin(make_post())
    await lose_and_begin_again(scene, 10 * MINUTE, 10 * MINUTE + jump)
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


@pytest.mark.parametrize("skew", [3 * MINUTE, -3 * MINUTE, HOUR, -HOUR])
async def test_the_machines_clock_is_wrong_all_the_time(scene: Scene, skew: timedelta) -> None:
    scene.clock.at = AT + skew
    await scene.begin(make_post(at=AT + skew))
    await lose_and_begin_again(scene, 10 * MINUTE, 10 * MINUTE)
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


@pytest.mark.parametrize("messages", [60, 200, 450])
async def test_others_talk_over_the_post(scene: Scene, messages: int) -> None:
    await scene.begin(make_post())
    async with scene.process() as first:
        await first.lose_the_answer()
    scene.pass_on(5 * MINUTE)
    scene.fake.chat(messages)
    scene.pass_on(5 * MINUTE)
    async with scene.process() as second:
        await second.deliver()
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


async def test_others_talk_before_the_post_and_it_was_never_sent(scene: Scene) -> None:
    await scene.begin(make_post())
    scene.fake.chat(250)
    async with scene.process() as first:
        scene.fake.fault("POST", "/messages", *[Fault(abort=True)] * 3)
        await first.deliver()
    scene.fake.chat(250)
    scene.pass_on(10 * MINUTE)
    async with scene.process() as second:
        await second.deliver()
    assert len(scene.ours) == 1


async def test_a_moderator_takes_the_embeds_away(scene: Scene) -> None:
    before = make_post("other", at=AT - HOUR)
    await scene.begin(before)
    async with scene.process() as first:
        await first.deliver()
    archive = await open_archive(scene.database)
    await archive.commit("BTC", Profile(), decision(AT, posts=(make_post(),)), snapshot(AT))
    await archive.aclose()
    async with scene.process() as second:
        await second.lose_the_answer()
    for message in scene.ours:
        message.update(embeds=[], flags=4)  # type: ignore[attr-defined]
        message.pop("nonce", None)  # type: ignore[attr-defined]
    scene.pass_on(10 * MINUTE)
    async with scene.process() as third:
        await third.deliver()
    assert len(scene.ours) == 2
    assert await scene.counts() == {"sent": 2}


async def test_another_posts_bare_message_is_not_taken_for_this_one(scene: Scene) -> None:
    await scene.begin(make_post("other"), make_post())
    async with scene.process() as first:
        scene.fake.fault("POST", "/messages", Fault(), *[Fault(abort=True)] * 3)
        await first.deliver()
    (message,) = scene.ours
    message.update(embeds=[], flags=4)  # type: ignore[attr-defined]
    message.pop("nonce", None)  # type: ignore[attr-defined]
    scene.pass_on(10 * MINUTE)
    async with scene.process() as second:
        await second.deliver()
    assert len(scene.ours) == 2
    assert await scene.counts() == {"sent": 2}


async def test_a_moderator_deletes_the_post_before_the_second_try(scene: Scene) -> None:
    await scene.begin(make_post())
    async with scene.process() as first:
        await first.lose_the_answer()
    scene.fake.messages[CHANNEL].clear()
    scene.pass_on(MINUTE)
    async with scene.process() as second:
        await second.deliver()
        assert [one.paused_at for one in await second.archive.subscriptions.find()] == [None]
    assert scene.ours == []
    assert await scene.counts() == {"sent": 1}


async def test_the_archive_is_locked_at_the_mark_and_the_process_lives_on(scene: Scene) -> None:
    await scene.begin(make_post())
    async with scene.process() as process:
        mark = process.archive.outbox.mark_sent
        await process.lose_the_answer()
        scene.pass_on(10 * MINUTE)
        await process.deliver()
        assert await scene.counts() == {"unsent": 1}
        process.archive.outbox.mark_sent = mark  # type: ignore[method-assign]
        await process.deliver()
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


async def test_two_workers_send_at_once(scene: Scene) -> None:
    await scene.begin(*[make_post(f"p{number}") for number in range(5)])
    async with scene.process(Claims(worker="one")) as one, scene.process(Claims(worker="two")) as two:
        for _ in range(3):
            await asyncio.gather(one.deliver(), two.deliver())
    assert len(scene.ours) == 5
    assert await scene.counts() == {"sent": 5}


async def test_a_worker_that_hangs_over_its_lease_and_one_that_takes_over(scene: Scene) -> None:
    await scene.begin(make_post())
    async with (
        scene.process(Claims(worker="one", lease=timedelta(0))) as one,
        scene.process(Claims(worker="two")) as two,
    ):
        scene.fake.fault("POST", "/messages", Fault(hang_s=0.5, after=True))
        hanging = asyncio.create_task(one.deliver())
        await scene.fake.until(lambda: len(scene.ours) == 1)
        scene.fake.forget_nonces()
        await two.deliver()
        await hanging
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


async def test_a_lease_that_a_wrong_clock_gave_does_not_keep_the_post_for_ever(scene: Scene) -> None:
    await scene.begin(make_post())
    archive = await open_archive(scene.database)
    claims = Claims(worker="dead")
    taken = await archive.outbox.claim("discord", claims, AT + timedelta(days=3650))
    assert len(taken) == 1
    assert len(await archive.outbox.claim("discord", Claims(worker="alive"), AT)) == 1
    await archive.aclose()


async def test_a_post_that_was_refused_outright_was_never_tried(scene: Scene) -> None:
    """Where we may not read the channel's past, a post in doubt is not sent; one that Discord refused is in none."""
    await scene.begin(make_post())
    async with scene.process() as first:
        scene.fake.fault("POST", "/messages", Fault(status=409, body={"code": 0, "message": "later"}))
        await first.deliver()
        (left,) = await first.archive.outbox.find_unsent("discord")
        assert left.attempted_at is None
    scene.fake.fault("GET", "/messages", *[Fault(status=403, body={"code": 50001, "message": "no"})] * 3)
    scene.pass_on(10 * MINUTE)
    async with scene.process() as second:
        await second.deliver()
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


@pytest.mark.parametrize(
    ("reason", "age", "left"),
    [
        ("scheduled", 23 * HOUR, {"sent": 1}),
        ("scheduled", 25 * HOUR, {"dropped": 1}),
        ("escalated", 5 * HOUR, {"sent": 1}),
        ("escalated", 7 * HOUR, {"dropped": 1}),
        ("weekly", 23 * HOUR, {"sent": 1}),
        ("scheduled", -10 * HOUR, {"sent": 1}),
    ],
)
async def test_a_post_older_than_its_worth_is_given_up(
    scene: Scene, reason: Any, age: timedelta, left: Mapping[str, int]
) -> None:
    await scene.begin(replace(make_post(), reason=reason))
    scene.pass_on(age, age)
    async with scene.process() as process:
        await process.deliver()
    assert await scene.counts() == left


async def test_one_odd_answer_ends_neither_the_round_nor_the_others(scene: Scene) -> None:
    await scene.begin(*[make_post(f"p{number}", channel=7001 + number) for number in range(3)])
    scene.fake.checked = False  # such answers are in no document
    async with scene.process() as process:
        scene.fake.fault("POST", "/channels/7001/", Fault(status=429, body={}))
        scene.fake.fault("POST", "/channels/7002/", Fault(status=200, body={"message": "no id"}))
        await process.deliver()
        assert len(scene.fake.posted(7003)) == 1
        scene.pass_on(MINUTE)
        await process.deliver()
    assert [len(scene.fake.posted(7001 + number)) for number in range(3)] == [1, 1, 1]


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_discord_fails_after_it_took_the_post_and_the_process_ends(scene: Scene, status: int) -> None:
    await scene.begin(make_post())
    async with scene.process() as first:
        scene.fake.fault("POST", "/messages", *[Fault(status=status, after=True)] * 20)
        await first.deliver()
    scene.fake.faults.clear()
    assert len(scene.ours) == 1
    scene.pass_on(10 * MINUTE)
    async with scene.process() as second:
        await second.deliver()
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


@pytest.mark.parametrize("jump", [HOUR, -HOUR, 3 * MINUTE])
async def test_clocks_chatter_and_a_moderator_all_at_once(scene: Scene, jump: timedelta) -> None:
    await scene.begin(make_post())
    async with scene.process() as first:
        await first.lose_the_answer()
    for message in scene.ours:
        message.update(embeds=[], flags=4)  # type: ignore[attr-defined]
        message.pop("nonce", None)  # type: ignore[attr-defined]
    scene.fake.chat(200)
    scene.pass_on(10 * MINUTE, 10 * MINUTE + jump)
    async with scene.process(Claims(worker="one")) as one, scene.process(Claims(worker="two")) as two:
        await asyncio.gather(one.deliver(), two.deliver())
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


@pytest.mark.usefixtures("hurried")
async def test_an_odd_answer_to_the_look_sends_nothing_blindly(scene: Scene) -> None:
    scene.fake.checked = False  # such answers are in no document
    await scene.begin(make_post())
    async with scene.process() as first:
        await first.lose_the_answer()
    scene.pass_on(10 * MINUTE)
    odd = (
        Fault(status=200, body={"messages": []}),
        Fault(status=200, body=7),
        Fault(status=502, raw="<html>"),
    )
    for fault in odd:
        async with scene.process() as process:
            scene.fake.fault("GET", "/messages", *[fault] * 6)
            await process.deliver()
            scene.fake.faults.clear()
        scene.pass_on(MINUTE)
    assert len(scene.ours) == 1
    async with scene.process() as last:
        await last.deliver()
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}


async def test_a_thread_that_is_archived_at_the_mark_takes_the_post_once_it_is_open(scene: Scene) -> None:
    await scene.begin(make_post())
    for code in (50083, 160005):
        async with scene.process() as process:
            scene.fake.fault("POST", "/messages", Fault(status=403, body={"code": code, "message": "no"}))
            await process.deliver()
        assert await scene.counts() == {"unsent": 1}
        scene.pass_on(HOUR)
    async with scene.process() as last:
        await last.deliver()
    assert len(scene.ours) == 1
    assert await scene.counts() == {"sent": 1}

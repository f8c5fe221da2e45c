"""What becomes of a post: sent, found, kept, dropped, or in doubt; each fault on real sockets."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.sender import LOOKED_THROUGH, DiscordSurface
from bot.delivery.discord.throttle import Throttle, Turn
from bot.desk import Desk
from bot.domain.posts import Post
from bot.errors import ChannelGone, ChannelRefused, DeliveryUnavailable, DeliveryUncertain
from tests.delivery.discord.fake import CHANNEL, GUILD, FakeDiscord, Fault
from tests.delivery.discord.stand import AT, Clock, Memory, make_card, make_post

OLD = timedelta(minutes=10)


def refusal(status: int, code: int) -> Fault:
    return Fault(status=status, body={"code": code, "message": "no"})


@pytest.fixture
def show(surface: DiscordSurface, desk: Desk):
    async def shown(post: Post) -> str | None:
        return await surface.show(post, make_card(post, desk))

    return shown


@pytest.mark.parametrize("code", [10003, 10004])
async def test_a_channel_that_is_gone_is_said_to_be_gone(show, fake: FakeDiscord, post: Post, code: int) -> None:
    fake.fault("POST", "/messages", refusal(404, code))
    with pytest.raises(ChannelGone, match=f"discord:{CHANNEL}: 404 {code}"):
        await show(post)


@pytest.mark.parametrize("code", [50001, 50013, 50007])
async def test_a_channel_that_refuses_us_is_said_to_refuse(show, fake: FakeDiscord, post: Post, code: int) -> None:
    fake.fault("POST", "/messages", refusal(403, code))
    with pytest.raises(ChannelRefused, match=str(code)):
        await show(post)
    assert len(fake.requests("POST", "/messages")) == 1


@pytest.mark.parametrize(
    "fault",
    [Fault(status=503), Fault(abort=True), Fault(abort=True, after=True)],
    ids=["503", "abort before it was taken", "abort after it was taken"],
)
async def test_what_discord_py_does_not_try_again_we_do_with_the_same_nonce(
    show, fake: FakeDiscord, post: Post, fault: Fault
) -> None:
    fake.fault("POST", "/messages", fault)
    message_id = await show(post)
    first, second = fake.requests("POST", "/messages")
    assert first.body["nonce"] == second.body["nonce"] == post.nonce
    assert [one["id"] for one in fake.posted()] == [message_id]


async def test_a_500_is_tried_again_by_discord_py(show, fake: FakeDiscord, post: Post) -> None:
    fake.fault("POST", "/messages", Fault(status=500))
    await show(post)
    assert len(fake.requests("POST", "/messages")) == 2
    assert len(fake.posted()) == 1


async def test_what_stays_down_is_left_to_the_outbox_and_rests(
    show, fake: FakeDiscord, post: Post, clock: Clock
) -> None:
    fake.fault("POST", "/messages", *[Fault(status=503)] * 3)
    with pytest.raises(DeliveryUnavailable, match="503"):
        await show(post)
    with pytest.raises(DeliveryUnavailable, match="resting"):
        await show(post)
    assert len(fake.requests("POST", "/messages")) == 3
    clock.at += timedelta(seconds=16)
    await show(post)
    assert len(fake.posted()) == 1


async def test_a_429_is_waited_for(show, fake: FakeDiscord, post: Post) -> None:
    body = {"code": 0, "message": "You are being rate limited.", "retry_after": 0.05, "global": False}
    fake.fault("POST", "/messages", Fault(status=429, body=body))
    await show(post)
    assert len(fake.posted()) == 1


async def test_a_429_that_takes_too_long_goes_back_to_the_outbox(show, fake: FakeDiscord, post: Post) -> None:
    body = {"code": 0, "message": "You are being rate limited.", "retry_after": 3600.0, "global": False}
    fake.fault("POST", "/messages", Fault(status=429, body=body))
    with pytest.raises(DeliveryUnavailable) as caught:
        await show(post)
    assert caught.value.retry_after_s == 3600


async def test_a_channel_that_must_wait_does_not_hold_up_another(
    surface: DiscordSurface, fake: FakeDiscord, desk: Desk
) -> None:
    fake.fault("POST", f"/channels/{CHANNEL}/", Fault(hang_s=0.5))
    slow, quick = make_post(), make_post(channel=7002)
    waiting = asyncio.create_task(surface.show(slow, make_card(slow, desk)))
    await surface.show(quick, make_card(quick, desk))
    assert not waiting.done()
    await waiting
    assert (len(fake.posted(CHANNEL)), len(fake.posted(7002))) == (1, 1)


async def test_buckets_are_kept_to_without_a_429(surface: DiscordSurface, fake: FakeDiscord, desk: Desk) -> None:
    fake.per_channel = (5, 0.4)
    posts = [make_post(f"p{number}") for number in range(8)]
    await asyncio.gather(*(surface.show(one, make_card(one, desk)) for one in posts))
    assert len(fake.posted()) == 8
    assert fake.refused == []


async def test_an_old_intent_that_is_in_the_channel_is_found_and_not_sent_again(
    show, fake: FakeDiscord, post: Post, clock: Clock, memory: Memory
) -> None:
    first = await show(post)
    fake.forget_nonces()
    clock.at += OLD
    assert await show(post) == first
    assert len(fake.posted()) == 1
    assert memory.late == []


async def test_an_old_intent_that_was_never_tried_is_sent_late_without_a_look(
    show, fake: FakeDiscord, memory: Memory
) -> None:
    await show(replace(make_post(at=AT - OLD), attempted_at=None))
    assert fake.requests("GET", "/messages") == []
    assert len(fake.posted()) == 1
    assert memory.late == ["k7m2p"]


async def test_an_old_intent_that_is_not_there_is_sent_and_marked_late(
    show, fake: FakeDiscord, post: Post, clock: Clock, memory: Memory
) -> None:
    clock.at += OLD
    await show(post)
    assert len(fake.posted()) == 1
    assert memory.late == [post.id]
    assert fake.requests("GET", "/messages")[0].query["limit"] == "50"


async def test_a_post_behind_many_newer_messages_is_found_from_its_own_time_on(
    show, fake: FakeDiscord, post: Post, clock: Clock
) -> None:
    first = await show(post)
    fake.forget_nonces()
    for _ in range(LOOKED_THROUGH + 10):
        fake.messages[CHANNEL].append(fake._message(CHANNEL, {"content": "chatter"}))
    clock.at += OLD
    assert await show(post) == first


async def test_where_we_may_not_look_nothing_is_sent(show, fake: FakeDiscord, post: Post, clock: Clock) -> None:
    clock.at += OLD
    fake.fault("GET", "/messages", refusal(403, 50001))
    with pytest.raises(DeliveryUncertain, match="may not look"):
        await show(post)
    assert fake.posted() == []


async def test_an_empty_history_without_the_right_to_read_it_proves_nothing(
    show, fake: FakeDiscord, post: Post, clock: Clock, client: TightropeClient
) -> None:
    fake.add_guild(GUILD, [CHANNEL], allowed=str(1 << 11 | 1 << 10))
    await fake.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(GUILD), "role": fake.guilds[GUILD]["roles"][0]})
    guild = client.guilds[0]
    await fake.until(lambda: not guild.default_role.permissions.read_message_history)
    clock.at += OLD
    with pytest.raises(DeliveryUncertain, match="history"):
        await show(post)
    assert fake.posted() == []


async def test_a_long_story_is_completed_not_repeated(
    surface: DiscordSurface, fake: FakeDiscord, desk: Desk, clock: Clock
) -> None:
    long = make_post(body="\n\n".join("word " * 150 for _ in range(9)).strip())
    card = make_card(long, desk)
    fake.fault("POST", "/messages", Fault(), refusal(403, 50013))
    with pytest.raises(ChannelRefused):
        await surface.show(long, card)
    assert len(fake.posted()) == 1
    fake.forget_nonces()
    clock.at += OLD
    await surface.show(long, card)
    footers = [one["embeds"][-1]["footer"]["text"] for one in fake.posted()]
    assert footers[0] == f"{long.id} 1/2"
    assert len(footers) == 2
    nonces = [one.body["nonce"] for one in fake.requests("POST", "/messages")]
    assert len(set(nonces)) == 2


async def test_a_readers_direct_messages_are_a_channel_too(
    surface: DiscordSurface, fake: FakeDiscord, desk: Desk
) -> None:
    watch = make_post()
    direct = Post(
        id="w1", channel="discord:dm:6001", asset="BTC", reason="first", story=watch.story, nonce="w1", intended_at=AT
    )
    await surface.show(direct, make_card(direct, desk))
    assert len(fake.posted(5000 + 6001)) == 1


async def test_a_client_that_was_closed_keeps_the_post(
    surface: DiscordSurface, client: TightropeClient, desk: Desk, post: Post
) -> None:
    await client.close()
    with pytest.raises(DeliveryUnavailable, match="not connected"):
        await surface.show(post, make_card(post, desk))


async def test_a_client_that_is_closed_while_a_request_waits_for_its_turn_keeps_the_post(
    fake: FakeDiscord, desk: Desk, memory: Memory, clock: Clock, post: Post
) -> None:
    waiting, free = asyncio.Event(), asyncio.Event()

    class Held(Throttle):
        async def turn(self) -> Turn:
            if client.arrived.is_set():
                waiting.set()
                await free.wait()
            return await super().turn()

    client = TightropeClient(desk=desk, keeping=memory, throttle=Held(1000), guild_ready_timeout=0.1)
    running = asyncio.create_task(client.start("token"))
    await asyncio.wait_for(client.arrived.wait(), 10)
    surface = DiscordSurface(client, late=memory.mark_late, now=clock.now)  # type: ignore[arg-type]
    shown = asyncio.create_task(surface.show(post, make_card(post, desk)))
    await asyncio.wait_for(waiting.wait(), 5)
    await client.close()
    free.set()
    with pytest.raises(DeliveryUnavailable, match=f"discord:{CHANNEL}: ") as raised:
        await shown
    assert isinstance(raised.value.__cause__, AssertionError)
    await asyncio.wait({running}, timeout=5)
    assert not fake.posted()

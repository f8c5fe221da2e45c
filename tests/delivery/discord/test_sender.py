"""What becomes of a post: sent, found, kept, dropped, or in doubt; each fault on real sockets."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.routes import Routes
from bot.delivery.discord.sender import LATE, DiscordSurface, is_nonce_known
from bot.delivery.discord.throttle import Throttle, Turn
from bot.desk.desk import Desk
from bot.domain.posts import Card, Post
from bot.errors import (
    ChannelGone,
    ChannelRefused,
    DeliveryError,
    DeliveryUnavailable,
    DeliveryUncertain,
    PostRejected,
)
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
async def test_a_channel_that_is_gone_is_said_to_be_gone(
    show, fake: FakeDiscord, post: Post, code: int
) -> None:
    fake.fault("POST", "/messages", refusal(404, code))
    with pytest.raises(ChannelGone, match=f"discord:{CHANNEL}: 404 {code}"):
        await show(post)


@pytest.mark.parametrize("code", [50001, 50013, 50007])
async def test_a_channel_that_refuses_us_is_said_to_refuse(
    show, fake: FakeDiscord, post: Post, code: int
) -> None:
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


async def test_a_test_is_sent_once_with_the_same_nonce_and_nothing_of_it_is_kept(
    surface: DiscordSurface, client: TightropeClient, fake: FakeDiscord, memory: Memory
) -> None:
    fake.fault("POST", "/messages", Fault(abort=True, after=True))
    await Routes(surface, client).try_out(f"discord:{CHANNEL}", Card(title="A test", body="It is open."))
    first, second = fake.requests("POST", "/messages")
    assert first.body["nonce"] == second.body["nonce"]
    (posted,) = fake.posted()
    assert posted["embeds"][0]["title"] == "A test"
    assert not posted.get("components")


async def test_a_test_that_is_refused_says_so(surface: DiscordSurface, client, fake: FakeDiscord) -> None:
    fake.fault("POST", "/messages", refusal(403, 50013))
    with pytest.raises(ChannelRefused, match="50013"):
        await Routes(surface, client).try_out(f"discord:{CHANNEL}", Card(title="A test", body="It is open."))


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


async def test_buckets_are_kept_to_without_a_429(
    surface: DiscordSurface, fake: FakeDiscord, desk: Desk
) -> None:
    fake.per_channel = (5, 0.4)
    posts = [make_post(f"p{number}") for number in range(8)]
    await asyncio.gather(*(surface.show(one, make_card(one, desk)) for one in posts))
    assert len(fake.posted()) == 8
    assert fake.refused == []


async def test_a_post_that_was_tried_before_is_looked_for_and_not_sent_again(
    show, fake: FakeDiscord, post: Post, memory: Memory
) -> None:
    first = await show(post)
    fake.forget_nonces()
    assert await show(replace(post, attempted_at=AT)) == first
    assert len(fake.posted()) == 1
    assert memory.outbox.late == []


async def test_a_post_that_was_never_tried_is_sent_without_a_look(
    show, fake: FakeDiscord, memory: Memory
) -> None:
    await show(make_post(at=AT - OLD))
    assert fake.requests("GET", "/messages") == []
    assert len(fake.posted()) == 1
    assert memory.outbox.late == ["k7m2p"]


@pytest.mark.parametrize(("old", "late"), [(LATE - timedelta(microseconds=1), []), (LATE, ["p1"])])
async def test_a_post_says_that_it_is_late_from_its_two_minutes_on(
    show, memory: Memory, old: timedelta, late: list[str]
) -> None:
    await show(make_post("p1", at=AT - old))
    assert memory.outbox.late == late


async def test_a_post_that_was_tried_and_is_not_there_is_sent_and_marked_late(
    show, fake: FakeDiscord, post: Post, clock: Clock, memory: Memory
) -> None:
    clock.at += OLD
    await show(replace(post, attempted_at=AT))
    assert len(fake.posted()) == 1
    assert memory.outbox.late == [post.id]


async def test_where_we_may_not_look_nothing_is_sent(
    show, fake: FakeDiscord, post: Post, clock: Clock
) -> None:
    clock.at += OLD
    fake.fault("GET", "/messages", refusal(403, 50001))
    with pytest.raises(DeliveryUncertain, match="may not look"):
        await show(replace(post, attempted_at=AT))
    assert fake.posted() == []


async def test_where_we_may_not_look_the_nonce_serves_as_long_as_discord_knows_it_by_its_own_clock(
    show, fake: FakeDiscord, post: Post, client: TightropeClient
) -> None:
    heard = client.clock.now()
    assert heard is not None
    first = await show(post)
    fake.fault("GET", "/messages", refusal(403, 50001), refusal(403, 50001))
    assert await show(replace(post, attempted_at=heard)) == first
    with pytest.raises(DeliveryUncertain):
        await show(replace(post, attempted_at=heard - timedelta(minutes=3)))
    assert len(fake.posted()) == 1


@pytest.mark.parametrize(
    ("ago_s", "known"),
    [(-2.001, False), (-2.0, True), (0.0, True), (119.999, True), (120.0, False), (120.001, False)],
)
def test_a_nonce_is_relied_on_for_less_than_two_minutes(ago_s: float, known: bool) -> None:
    assert is_nonce_known(AT - timedelta(seconds=ago_s), AT) is known


def test_a_nonce_is_not_relied_on_where_a_time_is_missing() -> None:
    assert not is_nonce_known(None, AT)
    assert not is_nonce_known(AT, None)


async def test_a_post_that_was_never_tried_is_sent_where_we_may_not_look(show, fake: FakeDiscord) -> None:
    fake.fault("GET", "/messages", refusal(403, 50001))
    await show(make_post(at=AT - OLD))
    assert len(fake.posted()) == 1


async def test_an_empty_history_without_the_right_to_read_it_proves_nothing(
    show, fake: FakeDiscord, post: Post, clock: Clock, client: TightropeClient
) -> None:
    fake.add_guild(GUILD, [CHANNEL], allowed=str(1 << 11 | 1 << 10))
    await fake.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(GUILD), "role": fake.guilds[GUILD]["roles"][0]})
    guild = client.guilds[0]
    await fake.until(lambda: not guild.default_role.permissions.read_message_history)
    clock.at += OLD
    with pytest.raises(DeliveryUncertain, match="history"):
        await show(replace(post, attempted_at=AT))
    assert fake.posted() == []


async def test_a_post_that_somebody_deleted_after_it_was_taken_is_done(
    show, fake: FakeDiscord, post: Post
) -> None:
    fake.fault("POST", "/messages", refusal(404, 10008))
    with capture_logs() as logs:
        assert await show(post) is None
    assert fake.posted() == []
    [told] = [one for one in logs if one["event"] == "post.deleted"]
    assert (told["post"], told["channel"]) == (post.id, post.channel)
    assert "10008" in told["reason"]


@pytest.mark.parametrize(("status", "code"), [(400, 200000), (400, 240000), (403, 20009)])
async def test_a_post_that_the_servers_rules_stop_is_rejected_by_the_server(
    show, fake: FakeDiscord, post: Post, status: int, code: int
) -> None:
    fake.fault("POST", "/messages", refusal(status, code))
    with pytest.raises(PostRejected) as caught:
        await show(post)
    assert caught.value.by_server


@pytest.mark.parametrize(("status", "code"), [(400, 50035), (400, 40005), (413, 0), (400, 0)])
async def test_a_post_that_is_made_wrongly_is_rejected_and_logged_as_an_error(
    show, fake: FakeDiscord, post: Post, status: int, code: int
) -> None:
    fake.fault("POST", "/messages", refusal(status, code))
    with capture_logs() as logs, pytest.raises(PostRejected) as caught:
        await show(post)
    assert not caught.value.by_server
    assert [one["log_level"] for one in logs if one["event"] == "discord.ours"] == ["error"]


@pytest.mark.parametrize(
    "fault",
    [
        refusal(403, 40333),
        refusal(403, 40006),
        refusal(403, 0),
        refusal(404, 0),
        refusal(408, 0),
        refusal(409, 0),
        Fault(status=403, raw="<html>403 Forbidden</html>"),
        Fault(status=404, raw="<html>404</html>"),
        Fault(status=400, raw="<html>400</html>"),
        Fault(status=429, raw="error code: 1015", via=False),
        Fault(status=429, raw=""),
        Fault(status=429, body={}),
        Fault(status=429, body={"retry_after": "soon"}),
        Fault(status=200, raw="<html>all is well</html>"),
        Fault(status=200, body={"message": "no id"}),
    ],
    ids=lambda fault: f"{fault.status} {fault.raw or fault.body}"[:40],
)
async def test_what_says_nothing_of_the_post_or_the_channel_is_waited_for(
    show, fake: FakeDiscord, post: Post, clock: Clock, fault: Fault
) -> None:
    fake.checked = False
    fake.fault("POST", "/messages", fault)
    with pytest.raises(DeliveryUnavailable):
        await show(post)
    clock.at += timedelta(hours=1)
    await show(post)
    assert len(fake.posted()) == 1


async def test_cloudflares_own_limit_rests_every_channel_for_as_long_as_it_says(
    surface: DiscordSurface, fake: FakeDiscord, desk: Desk, clock: Clock
) -> None:
    fake.checked = False
    barred = Fault(status=429, raw="error code: 1015", via=False, headers={"Retry-After": "600"})
    fake.fault("POST", "/channels/7001/messages", barred)
    here, there = make_post("a"), make_post("b", channel=7002)
    begun_at = clock.at
    with capture_logs() as logs:
        for one in (here, there):
            with pytest.raises(DeliveryUnavailable):
                await surface.show(one, make_card(one, desk))
    assert len(fake.requests("POST", "/messages")) == 1
    [told] = [one for one in logs if one["event"] == "discord.rests"]
    assert told["until"] == (begun_at + timedelta(minutes=10)).isoformat()
    assert told["reason"].startswith(here.channel)
    clock.at += timedelta(minutes=9)
    assert not await surface.is_ready(there.channel)
    clock.at += timedelta(minutes=2)
    await surface.show(there, make_card(there, desk))
    assert len(fake.posted(7002)) == 1


@pytest.mark.parametrize(
    ("fault", "rest_s"),
    [(Fault(status=429, raw="error code: 1015", via=False), 60), (refusal(403, 40333), 15)],
)
async def test_a_limit_that_does_not_say_for_how_long_rests_every_channel_as_long_as_its_kind_does(
    surface: DiscordSurface, fake: FakeDiscord, desk: Desk, clock: Clock, fault: Fault, rest_s: int
) -> None:
    fake.checked = False
    fake.fault("POST", "/channels/7001/messages", fault)
    here, there = make_post("a"), make_post("b", channel=7002)
    with pytest.raises(DeliveryUnavailable):
        await surface.show(here, make_card(here, desk))
    ready = []
    for _ in range(2):
        clock.at += timedelta(seconds=rest_s / 2)
        ready.append(await surface.is_ready(there.channel))
    assert ready == [False, True]


async def test_a_channel_that_fails_again_rests_longer_each_time_and_begins_anew_once_it_was_served(
    surface: DiscordSurface, fake: FakeDiscord, desk: Desk, clock: Clock, post: Post
) -> None:
    async def rests_s(times: int) -> list[float]:
        fake.fault("POST", "/messages", *[refusal(409, 0)] * times)
        waited = []
        for _ in range(times):
            with pytest.raises(DeliveryUnavailable):
                await surface.show(post, make_card(post, desk))
            begun_at = clock.at
            while not await surface.is_ready(post.channel):
                clock.at += timedelta(seconds=5)
            waited.append((clock.at - begun_at).total_seconds())
        return waited

    assert await rests_s(7) == [15, 30, 60, 120, 300, 300, 300]
    await surface.show(post, make_card(post, desk))
    assert await rests_s(1) == [15]


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("tried", [False, True])
async def test_a_post_that_is_not_even_asked_for_is_as_unsent_as_it_was(
    surface: DiscordSurface,
    client: TightropeClient,
    fake: FakeDiscord,
    desk: Desk,
    post: Post,
    closed: bool,
    tried: bool,
) -> None:
    if closed:
        await client.close()
    else:
        fake.fault("POST", "/messages", refusal(409, 0))
        with pytest.raises(DeliveryUnavailable):
            await surface.show(post, make_card(post, desk))
    again = replace(post, attempted_at=AT if tried else None)
    with pytest.raises(DeliveryUnavailable, match="not connected" if closed else "resting until") as raised:
        await surface.show(again, make_card(again, desk))
    assert raised.value.unsent is not tried


async def test_a_wait_of_a_year_is_one_of_a_day_and_of_its_channel_alone(
    surface: DiscordSurface, fake: FakeDiscord, desk: Desk, clock: Clock
) -> None:
    fake.checked = False
    body = {"message": "slow down", "retry_after": 31_536_000.0, "global": False}
    headers = {"Retry-After": "31536000", "Via": "1.1 fake"}
    fake.fault("POST", "/channels/7001/messages", Fault(status=429, body=body, headers=headers))
    here, there = make_post("a"), make_post("b", channel=7002)
    with pytest.raises(DeliveryUnavailable):
        await surface.show(here, make_card(here, desk))
    await surface.show(there, make_card(there, desk))
    clock.at += timedelta(hours=23)
    assert not await surface.is_ready(here.channel)
    clock.at += timedelta(hours=1)
    await surface.show(here, make_card(here, desk))
    assert (len(fake.posted(7001)), len(fake.posted(7002))) == (1, 1)


async def test_a_rest_ends_though_the_machines_clock_is_put_back(
    show, surface: DiscordSurface, fake: FakeDiscord, post: Post, clock: Clock
) -> None:
    fake.fault("POST", "/messages", refusal(409, 0))
    with pytest.raises(DeliveryUnavailable):
        await show(post)
    assert not await surface.is_ready(post.channel)
    clock.at -= timedelta(hours=1)
    assert await surface.is_ready(post.channel)


async def test_a_request_that_takes_too_long_is_left_to_go_on_and_found_by_the_next_try(
    show, fake: FakeDiscord, post: Post, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.discord.asking.PATIENCE_S", 0.1)
    fake.fault("POST", "/messages", Fault(hang_s=0.3))
    with pytest.raises(DeliveryUnavailable, match="no answer"):
        await show(post)
    await fake.until(lambda: len(fake.posted()) == 1)
    fake.forget_nonces()
    clock.at += timedelta(seconds=20)
    assert await show(replace(post, attempted_at=AT)) == fake.posted()[0]["id"]
    assert len(fake.requests("POST", "/messages")) == 1


async def test_a_global_limit_that_outlasts_our_patience_holds_up_nothing_for_good(
    show, fake: FakeDiscord, post: Post, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.discord.asking.PATIENCE_S", 0.1)
    body = {"code": 0, "message": "You are being rate limited.", "retry_after": 0.5, "global": True}
    fake.fault("POST", "/messages", Fault(status=429, body=body))
    with pytest.raises(DeliveryUnavailable, match="no answer"):
        await show(post)
    clock.at += timedelta(seconds=20)
    await asyncio.sleep(0.6)
    await fake.until(lambda: len(fake.posted()) == 1)
    other = make_post("other")
    assert await show(other)


async def test_what_is_certain_not_to_have_gone_out_says_so(show, fake: FakeDiscord, post: Post) -> None:
    for fault, unsent in (
        ([refusal(403, 50013)], True),
        ([refusal(409, 0)], True),
        ([Fault(abort=True), refusal(403, 50013)], False),
        ([Fault(status=503)] * 3, False),
    ):
        fake.fault("POST", "/messages", *fault)
        with pytest.raises(DeliveryError) as caught:
            await show(replace(post, channel=f"discord:{7100 + len(fake.asked)}"))
        assert caught.value.unsent is unsent


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
    await surface.show(replace(long, attempted_at=AT), card)
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
        id="w1",
        channel="discord:dm:6001",
        asset="BTC",
        reason="first",
        story=watch.story,
        nonce="w1",
        intended_at=AT,
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
    surface = DiscordSurface(client, late=memory.outbox.mark_late, now=clock.now)  # type: ignore[arg-type]
    shown = asyncio.create_task(surface.show(post, make_card(post, desk)))
    await asyncio.wait_for(waiting.wait(), 5)
    await client.close()
    free.set()
    with pytest.raises(DeliveryUnavailable, match=f"discord:{CHANNEL}: ") as raised:
        await shown
    assert isinstance(raised.value.__cause__, AssertionError)
    await asyncio.wait({running}, timeout=5)
    assert not fake.posted()

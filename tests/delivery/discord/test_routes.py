"""What becomes of a route that Discord turns down, and what its server's admins hear of it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.routes import Routes
from bot.desk.desk import Desk
from bot.domain.channels import ChannelStyle, KeptChannel
from bot.domain.posts import Card, Post, Profile
from bot.errors import ChannelGone, ChannelRefused, DeliveryUnavailable, DeliveryUncertain, PostRejected
from tests.delivery.discord.fake import CHANNEL, GUILD, OWNER, READER, FakeDiscord, Fault
from tests.delivery.discord.stand import AT, Clock, Memory, make_card, wish

OWNER_CHANNEL, READER_CHANNEL = 5000 + OWNER, 5000 + READER
HERE = f"discord:{CHANNEL}"
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Said:
    """A surface that says what it is told to say."""

    error: Exception | None = None
    shown: list[str] = field(default_factory=list)

    async def show(self, post: Post, card: Card) -> str | None:
        self.shown.append(post.id)
        if self.error:
            raise self.error
        return "1"


class Stage:
    """A followed channel, and what the surface says of the next post."""

    def __init__(self, client: TightropeClient, memory: Memory, clock: Clock, post: Post, desk: Desk) -> None:
        self.client, self.memory, self.clock = client, memory, clock
        self.post, self.desk = post, desk
        self.surface = Said()
        self.routes = Routes(self.surface, client)

    async def try_one(self, error: Exception | None = None) -> Exception | None:
        self.surface.error = error
        try:
            await self.routes.show(self.post, make_card(self.post, self.desk))
        except Exception as raised:  # noqa: BLE001  whatever it is, it is looked at
            return raised
        return None

    async def refuse(self, *pauses: timedelta) -> None:
        """So many refusals, each after a pause."""
        for pause in pauses:
            self.clock.at += pause
            await self.try_one(ChannelRefused("50013"))

    def is_paused(self) -> bool:
        return any(one.paused_at is not None for one in self.memory.subscriptions.wishes)

    @property
    def place(self) -> KeptChannel:
        return self.memory.channels.kept[HERE]

    def restart(self) -> None:
        """A new process's memory."""
        self.client.channels.forget(lambda kept: True)
        self.routes = Routes(self.surface, self.client)


@pytest.fixture
async def stage(client: TightropeClient, memory: Memory, clock: Clock, post: Post, desk: Desk) -> Stage:
    memory.subscriptions.wishes = [wish()]
    return Stage(client, memory, clock, post, desk)


async def test_a_channel_that_is_gone_ends_its_subscriptions_and_the_owner_hears_once(
    stage: Stage, fake: FakeDiscord
) -> None:
    assert isinstance(await stage.try_one(ChannelGone("gone")), ChannelGone)
    assert stage.memory.subscriptions.wishes == []
    (said,) = fake.posted(OWNER_CHANNEL)
    assert "<#7001>" in said["content"]
    assert "/setup" in said["content"]


async def test_many_refusals_at_one_moment_are_one_occasion(stage: Stage) -> None:
    for _ in range(5):
        stage.restart()
        await stage.refuse(timedelta(seconds=15))
    assert not stage.is_paused()
    assert stage.place.refused_at == (AT + timedelta(seconds=15),)


async def test_a_channel_that_refused_us_is_left_alone_for_an_hour(stage: Stage) -> None:
    await stage.refuse(MINUTE)
    waiting = await stage.try_one()
    assert isinstance(waiting, DeliveryUnavailable)
    assert not await stage.routes.is_ready(HERE)
    assert len(stage.surface.shown) == 1
    stage.clock.at += HOUR
    assert await stage.routes.is_ready(HERE)
    assert await stage.try_one() is None


async def test_the_hour_ends_though_the_clock_is_put_back(stage: Stage) -> None:
    await stage.refuse(MINUTE)
    stage.clock.at -= 2 * HOUR
    assert await stage.try_one() is None


async def test_three_occasions_within_a_day_do_not_pause(stage: Stage) -> None:
    await stage.refuse(HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR)
    assert not stage.is_paused()


async def test_the_third_occasion_after_a_day_pauses_the_route_and_tells_once(
    stage: Stage, fake: FakeDiscord
) -> None:
    await stage.refuse(HOUR, 12 * HOUR)
    assert not stage.is_paused()
    await stage.refuse(13 * HOUR)
    assert stage.is_paused()
    (said,) = fake.posted(OWNER_CHANNEL)
    assert "<#7001>" in said["content"]
    assert "View Channel" in said["content"]
    for _ in range(3):
        assert isinstance(await stage.try_one(), DeliveryUnavailable)
        stage.clock.at += 2 * HOUR
    assert len(stage.surface.shown) == 3
    assert len(fake.posted(OWNER_CHANNEL)) == 1


async def test_occasions_are_counted_over_a_restart(stage: Stage) -> None:
    for _ in range(3):
        stage.restart()
        await stage.refuse(13 * HOUR)
    assert stage.is_paused()


async def test_a_success_starts_the_count_anew(stage: Stage) -> None:
    await stage.refuse(13 * HOUR, 13 * HOUR)
    stage.clock.at += HOUR
    assert await stage.try_one() is None
    await stage.refuse(13 * HOUR, 13 * HOUR)
    assert not stage.is_paused()


async def test_a_pause_from_before_the_restart_is_not_told_again(stage: Stage, fake: FakeDiscord) -> None:
    await stage.refuse(13 * HOUR, 13 * HOUR, 13 * HOUR)
    stage.restart()
    for _ in range(3):
        assert isinstance(await stage.try_one(ChannelRefused("50013")), DeliveryUnavailable)
    assert len(fake.posted(OWNER_CHANNEL)) == 1


async def test_whoever_set_it_up_hears_of_it_and_the_owner_where_that_fails(
    stage: Stage, fake: FakeDiscord
) -> None:
    stage.memory.channels.kept[HERE] = KeptChannel(channel=HERE, guild_id=str(GUILD), set_up_by=str(READER))
    await stage.refuse(13 * HOUR, 13 * HOUR, 13 * HOUR)
    assert (len(fake.posted(READER_CHANNEL)), len(fake.posted(OWNER_CHANNEL))) == (1, 0)
    closed = Fault(status=403, body={"code": 50007, "message": "no"})
    fake.fault("POST", f"/channels/{READER_CHANNEL}", closed)
    await stage.client.tell(HERE, "refused")
    assert (len(fake.posted(READER_CHANNEL)), len(fake.posted(OWNER_CHANNEL))) == (1, 1)


async def test_a_channel_that_was_chosen_for_it_hears_of_it_and_no_other(
    stage: Stage, fake: FakeDiscord
) -> None:
    stage.memory.channels.kept[HERE] = KeptChannel(
        channel=HERE, set_up_by=str(READER), style=ChannelStyle(notices="discord:7009")
    )
    await stage.refuse(13 * HOUR, 13 * HOUR, 13 * HOUR)
    assert len(fake.posted(7009)) == 1
    assert (len(fake.posted(READER_CHANNEL)), len(fake.posted(OWNER_CHANNEL))) == (0, 0)


async def test_it_is_told_in_the_servers_language(stage: Stage, fake: FakeDiscord) -> None:
    stage.memory.subscriptions.wishes = [wish(profile=Profile(locale="es"))]
    await stage.refuse(13 * HOUR, 13 * HOUR, 13 * HOUR)
    (said,) = fake.posted(OWNER_CHANNEL)
    assert "permisos: Ver canal" in said["content"]


async def test_a_permission_that_is_given_resumes_at_once_and_a_post_says_so(
    stage: Stage, fake: FakeDiscord
) -> None:
    await allow(stage, fake, "0")
    await stage.refuse(13 * HOUR, 13 * HOUR, 13 * HOUR)
    assert stage.is_paused()
    await allow(stage, fake, str((1 << 50) - 1))
    await fake.until(lambda: not stage.is_paused())
    assert await stage.try_one() is None
    said = [one["content"] for one in fake.posted(OWNER_CHANNEL)]
    assert len(said) == 2
    assert "again" in said[1]
    assert (stage.place.refused_at, stage.place.told_at) == ((), None)


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "fault",
    [Fault(abort=True), Fault(status=200, body={"message": "no id"}), Fault(status=502, raw="<html>")],
    ids=["broken off", "odd", "html"],
)
async def test_admins_who_cannot_be_told_hold_nothing_up(
    stage: Stage, fake: FakeDiscord, fault: Fault
) -> None:
    fake.checked = False  # such answers are in no document
    fake.fault("POST", f"/channels/{OWNER_CHANNEL}/messages", *[fault] * 6)
    await stage.refuse(13 * HOUR, 13 * HOUR)
    stage.clock.at += 13 * HOUR
    assert isinstance(await stage.try_one(ChannelRefused("50013")), ChannelRefused)
    assert stage.is_paused()
    assert stage.place.told_at is not None


@pytest.mark.parametrize("event", ["role deleted", "server back", "server joined", "thread opened"])
async def test_whatever_may_have_changed_permissions_has_them_looked_at(
    stage: Stage, fake: FakeDiscord, event: str
) -> None:
    await stage.refuse(13 * HOUR, 13 * HOUR, 13 * HOUR)
    assert stage.is_paused()
    guild = stage.client.guilds[0]
    if event == "role deleted":
        role = {**fake.guilds[GUILD]["roles"][0], "id": "4242", "name": "muted"}
        await fake.dispatch("GUILD_ROLE_CREATE", {"guild_id": str(GUILD), "role": role})
        await fake.until(lambda: guild.get_role(4242) is not None)
        await fake.dispatch("GUILD_ROLE_DELETE", {"guild_id": str(GUILD), "role_id": "4242"})
    elif event == "server back":
        await fake.dispatch("GUILD_DELETE", {"id": str(GUILD), "unavailable": True})
        await fake.until(lambda: stage.client.guilds[0].unavailable)
        await fake.dispatch("GUILD_CREATE", fake.guilds[GUILD])
    elif event == "server joined":
        await stage.client.on_guild_join(guild)
    else:
        await stage.client.on_thread_update(FakeThread(guild), FakeThread(guild))  # type: ignore[arg-type]
    await fake.until(lambda: not stage.is_paused())


@dataclass
class FakeThread:
    """As much of a thread as is looked at."""

    guild: Any


async def test_a_permission_that_is_given_ends_the_hour_too(stage: Stage, fake: FakeDiscord) -> None:
    await allow(stage, fake, "0")
    await stage.refuse(MINUTE)
    assert isinstance(await stage.try_one(), DeliveryUnavailable)
    await allow(stage, fake, str((1 << 50) - 1))
    await fake.until(lambda: HERE in stage.client.mending.mended)
    assert await stage.try_one() is None


async def test_a_paused_route_is_looked_at_once_a_day(stage: Stage, fake: FakeDiscord) -> None:
    await allow(stage, fake, "0")
    await stage.refuse(13 * HOUR, 13 * HOUR, 13 * HOUR)
    fake.guilds[GUILD]["roles"][0]["permissions"] = str((1 << 50) - 1)
    stage.client.guilds[0].default_role._permissions = (1 << 50) - 1  # the event was missed
    stage.clock.at += 23 * HOUR
    await stage.client.mending.look()
    assert stage.is_paused()
    stage.clock.at += 2 * HOUR
    await stage.client.mending.look()
    assert not stage.is_paused()


async def test_a_route_that_is_refused_again_after_a_look_pauses_at_once_and_is_not_told_again(
    stage: Stage, fake: FakeDiscord
) -> None:
    await stage.refuse(13 * HOUR, 13 * HOUR, 13 * HOUR)
    stage.clock.at += 25 * HOUR
    await stage.client.mending.look()
    assert not stage.is_paused()
    await stage.refuse(MINUTE)
    assert stage.is_paused()
    assert len(fake.posted(OWNER_CHANNEL)) == 1


async def test_a_pause_that_somebody_asked_for_ends_in_time(stage: Stage) -> None:
    stage.memory.subscriptions.wishes = [wish(paused_at=AT)]
    stage.memory.channels.kept[HERE] = KeptChannel(channel=HERE, paused_until=AT + DAY)
    assert isinstance(await stage.try_one(), DeliveryUnavailable)
    stage.clock.at += DAY
    await stage.client.mending.look()
    assert not stage.is_paused()
    assert await stage.try_one() is None


async def test_a_post_that_the_servers_rules_stop_is_given_up_and_told_once_a_day(
    stage: Stage, fake: FakeDiscord
) -> None:
    for pause, times in ((MINUTE, 1), (HOUR, 1), (DAY, 2)):
        stage.clock.at += pause
        assert isinstance(await stage.try_one(PostRejected("200000", by_server=True)), PostRejected)
        assert len(fake.posted(OWNER_CHANNEL)) == times
    assert "Bitcoin calls for caution" in fake.posted(OWNER_CHANNEL)[0]["content"]
    assert stage.post.id in fake.posted(OWNER_CHANNEL)[0]["content"]
    assert stage.memory.outbox.dropped == [stage.post.id] * 3
    assert not stage.is_paused()


async def test_a_post_that_is_made_wrongly_is_given_up_and_its_channel_unharmed(
    stage: Stage, fake: FakeDiscord
) -> None:
    await stage.try_one(PostRejected("50035"))
    assert stage.memory.outbox.dropped == [stage.post.id]
    assert fake.posted(OWNER_CHANNEL) == []
    assert await stage.try_one() is None


async def test_a_post_in_doubt_is_marked_and_never_sent_again(stage: Stage) -> None:
    await stage.try_one(DeliveryUncertain("may not look"))
    assert stage.memory.outbox.doubtful == [stage.post.id]


async def test_an_owner_who_takes_no_messages_stops_nothing(stage: Stage, fake: FakeDiscord) -> None:
    fake.fault("POST", f"/channels/{OWNER_CHANNEL}", Fault(status=403, body={"code": 50007, "message": "no"}))
    assert isinstance(await stage.try_one(ChannelGone("gone")), ChannelGone)
    assert stage.memory.subscriptions.wishes == []


async def allow(stage: Stage, fake: FakeDiscord, permissions: str) -> None:
    role: dict[str, Any] = fake.guilds[GUILD]["roles"][0]
    role["permissions"] = permissions
    await fake.dispatch("GUILD_ROLE_UPDATE", {"guild_id": str(GUILD), "role": role})
    guild = stage.client.guilds[0]
    await fake.until(lambda: str(guild.default_role.permissions.value) == permissions)
    stage.post = replace(stage.post, attempted_at=None)

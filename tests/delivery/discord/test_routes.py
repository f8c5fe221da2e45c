"""What becomes of a route that Discord turns down, and what its server's admins hear of it."""

from dataclasses import dataclass, field

import pytest

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.routes import REFUSALS, Routes
from bot.desk import Desk
from bot.domain.posts import Card, Post
from bot.errors import ChannelGone, ChannelRefused, DeliveryUncertain
from tests.delivery.discord.fake import OWNER, FakeDiscord, Fault
from tests.delivery.discord.stand import Memory, make_card, wish

OWNER_CHANNEL = 5000 + OWNER


@dataclass
class Told:
    """A surface that says what it is told to say."""

    error: Exception | None = None
    shown: list[str] = field(default_factory=list)

    async def show(self, post: Post, card: Card) -> str | None:
        self.shown.append(post.id)
        if self.error:
            raise self.error
        return "1"


async def test_a_channel_that_is_gone_ends_its_subscriptions_and_the_owner_hears_once(
    client: TightropeClient, fake: FakeDiscord, memory: Memory, post: Post, desk: Desk
) -> None:
    memory.wishes = [wish()]
    with pytest.raises(ChannelGone):
        await Routes(Told(ChannelGone("gone")), client).show(post, make_card(post, desk))
    assert memory.wishes == []
    (said,) = fake.posted(OWNER_CHANNEL)
    assert "<#7001>" in said["content"]
    assert "/setup" in said["content"]


async def test_the_third_refusal_pauses_the_route_and_tells_once(
    client: TightropeClient, fake: FakeDiscord, memory: Memory, post: Post, desk: Desk
) -> None:
    memory.wishes = [wish()]
    told = Told(ChannelRefused("50013"))
    routes = Routes(told, client)
    for number in range(1, REFUSALS + 3):
        with pytest.raises(ChannelRefused):
            await routes.show(post, make_card(post, desk))
        assert (memory.wishes[0].paused_at is not None) is (number >= REFUSALS)
    assert len(told.shown) == REFUSALS
    assert len(fake.posted(OWNER_CHANNEL)) == 1


async def test_a_route_that_setup_has_started_again_is_served(
    client: TightropeClient, memory: Memory, post: Post, desk: Desk
) -> None:
    memory.wishes = [wish()]
    told = Told(ChannelRefused("50013"))
    routes = Routes(told, client)
    for _ in range(REFUSALS):
        with pytest.raises(ChannelRefused):
            await routes.show(post, make_card(post, desk))
    await memory.pause("discord:7001", None)
    told.error = None
    assert await routes.show(post, make_card(post, desk)) == "1"


async def test_a_pause_from_before_the_restart_is_not_told_again(
    client: TightropeClient, fake: FakeDiscord, memory: Memory, post: Post, desk: Desk
) -> None:
    memory.wishes = [wish(paused_at=desk.now())]
    for _ in range(3):
        with pytest.raises(ChannelRefused):
            await Routes(Told(ChannelRefused("50013")), client).show(post, make_card(post, desk))
    assert fake.posted(OWNER_CHANNEL) == []


async def test_a_success_between_refusals_starts_the_count_anew(
    client: TightropeClient, memory: Memory, post: Post, desk: Desk
) -> None:
    memory.wishes = [wish()]
    told = Told()
    routes = Routes(told, client)
    for error in (ChannelRefused("x"), ChannelRefused("x"), None, ChannelRefused("x"), ChannelRefused("x")):
        told.error = error
        if error is None:
            await routes.show(post, make_card(post, desk))
            continue
        with pytest.raises(ChannelRefused):
            await routes.show(post, make_card(post, desk))
    assert memory.wishes[0].paused_at is None


async def test_a_post_in_doubt_is_marked_and_never_sent_again(
    client: TightropeClient, memory: Memory, post: Post, desk: Desk
) -> None:
    with pytest.raises(DeliveryUncertain):
        await Routes(Told(DeliveryUncertain("may not look")), client).show(post, make_card(post, desk))
    assert memory.doubtful == [post.id]


async def test_an_owner_who_takes_no_messages_stops_nothing(
    client: TightropeClient, fake: FakeDiscord, memory: Memory, post: Post, desk: Desk
) -> None:
    memory.wishes = [wish()]
    fake.fault("POST", f"/channels/{OWNER_CHANNEL}", Fault(status=403, body={"code": 50007, "message": "no"}))
    with pytest.raises(ChannelGone):
        await Routes(Told(ChannelGone("gone")), client).show(post, make_card(post, desk))
    assert memory.wishes == []

"""A real client against a Discord of our own over real sockets: log in, post, answer."""

import pytest

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.sender import DiscordSurface
from bot.desk.desk import Desk
from bot.domain.posts import Post
from tests.delivery.discord.fake import APP, CHANNEL, FakeDiscord
from tests.delivery.discord.stand import make_card

PNG = b"\x89PNG\r\n\x1a\n" + bytes(2000)


async def test_it_asks_for_the_guilds_intent_alone_over_a_compressed_stream(
    client: TightropeClient, fake: FakeDiscord
) -> None:
    identify = next(said["d"] for said in fake.gateway if said["op"] == 2)
    assert identify["intents"] == 1
    assert [guild.id for guild in client.guilds] == [8001]
    assert client.guilds[0].me is not None


async def test_commands_are_sent_once_for_everybody_in_servers_and_alone(
    client: TightropeClient, fake: FakeDiscord
) -> None:
    sent = {one["name"]: one for one in fake.requests("PUT", "/commands")[0].body}
    assert {"skew", "basis", "brief"} <= set(sent)
    assert sent["skew"]["contexts"] == [0, 1, 2]
    assert sent["skew"]["integration_types"] == [0, 1]
    assert await client.registration.register(APP) is False
    assert len(fake.requests("PUT", "/commands")) == 1


async def test_a_post_arrives_as_an_embed_with_its_own_nonce(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk
) -> None:
    message_id = await surface.show(post, make_card(post, desk))
    (posted,) = fake.posted()
    (asked,) = fake.requests("POST", "/messages")
    assert message_id == posted["id"]
    assert posted["embeds"][0]["title"] == "Bitcoin calls for caution"
    assert posted["embeds"][0]["description"] == "Puts cost more."
    assert post.id in posted["embeds"][0]["footer"]["text"]
    assert asked.body["nonce"] == post.nonce
    assert asked.body["enforce_nonce"] is True
    assert asked.body["allowed_mentions"] == {"parse": []}


async def test_a_picture_is_attached_with_its_words(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk
) -> None:
    await surface.show(post, make_card(post, desk, image=PNG))
    (asked,) = fake.requests("POST", "/messages")
    assert asked.files == {"chart.png": len(PNG)}
    assert asked.body["attachments"][0]["description"] == "a line that falls"
    assert asked.body["embeds"][0]["image"] == {"url": "attachment://chart.png"}


async def test_the_same_post_again_is_the_same_message(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk
) -> None:
    first = await surface.show(post, make_card(post, desk))
    again = await surface.show(post, make_card(post, desk))
    assert first == again
    assert len(fake.posted(CHANNEL)) == 1


async def test_a_slash_command_is_answered_from_what_is_stored(
    client: TightropeClient, fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bot.delivery.discord.answering.GRACE_S", 60.0
    )  # on a machine that has much to do, too
    asked = await fake.slash("skew", asset="BTC", tenor="60")
    embed = asked.shown["embeds"][0]
    assert "20" in embed["description"]
    assert not asked.private
    assert [one["type"] for one in asked.callbacks] == [4]


async def test_a_button_of_an_answer_goes_on_privately_even_after_a_restart(
    client: TightropeClient, fake: FakeDiscord
) -> None:
    asked = await fake.slash("skew")
    button = asked.shown["components"][0]["components"][0]
    pressed = await fake.click(asked.shown, button["custom_id"])
    assert pressed.private
    assert pressed.shown["embeds"][0]["title"]
    assert len(button["custom_id"]) <= 100


async def test_an_unknown_asset_is_answered_privately_with_the_way_out(
    client: TightropeClient, fake: FakeDiscord
) -> None:
    asked = await fake.slash("skew", asset="DOGE")
    assert asked.private
    assert "BTC, ETH" in asked.shown["embeds"][0]["description"]

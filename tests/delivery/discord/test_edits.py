"""A sent post that was corrected: its own message is edited, again after a kill, and never a second one
sent."""

import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.archive import open_archive
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.routes import Routes
from bot.delivery.discord.sender import DiscordSurface
from bot.desk.desk import Desk
from bot.domain.posts import Post, Profile
from bot.domain.story import Text
from bot.errors import ChannelGone, ChannelRefused, DeliveryUnavailable
from tests.archive.make import decision, snapshot
from tests.delivery.discord.editing_child import POINTS
from tests.delivery.discord.fake import CHANNEL, FakeDiscord, Fault
from tests.delivery.discord.stand import AT, Clock, make_card, make_post, wish

WORDS = Text(slot="correction", about="any", text="Corrected: Deribit restated it.")


def corrected(post: Post, message_id: str | None) -> Post:
    return replace(post, message_id=message_id, corrections=(WORDS,))


async def test_a_corrected_post_is_edited_in_its_own_message(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, post: Post
) -> None:
    sent = await surface.show(post, make_card(post, desk, image=b"\x89PNG one"))
    after = corrected(post, sent)
    for _ in range(2):  # made again, as after a kill
        await surface.edit(after, make_card(after, desk, image=b"\x89PNG two"))
    (message,) = fake.posted()
    assert message["id"] == sent
    assert WORDS.text in message["embeds"][0]["description"]
    assert "Puts cost more." in message["embeds"][0]["description"]
    assert post.id in message["embeds"][0]["footer"]["text"]
    assert len(fake.requests("PATCH", "/messages/")) == 2


async def test_the_message_is_found_by_the_posts_short_id_where_its_own_was_not_kept(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, post: Post
) -> None:
    await surface.show(post, make_card(post, desk))
    after = corrected(post, None)
    await surface.edit(after, make_card(after, desk))
    (message,) = fake.posted()
    assert WORDS.text in message["embeds"][0]["description"]


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [(404, 10008, ChannelRefused), (404, 10003, ChannelGone), (403, 50001, ChannelRefused)],
)
async def test_a_message_that_is_gone_is_not_edited_for_ever(
    surface: DiscordSurface,
    desk: Desk,
    fake: FakeDiscord,
    post: Post,
    status: int,
    code: int,
    error: type[Exception],
) -> None:
    after = corrected(post, await surface.show(post, make_card(post, desk)))
    fake.fault("PATCH", "/messages/", Fault(status=status, body={"code": code, "message": "no"}))
    with pytest.raises(error):
        await Routes(surface, surface._client).edit(after, make_card(after, desk))


async def test_what_may_be_edited_later_is_tried_again_and_then_left_to_the_outbox(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, post: Post, clock: Clock
) -> None:
    after = corrected(post, await surface.show(post, make_card(post, desk)))
    fake.fault("PATCH", "/messages/", *[Fault(status=503)] * 3)
    with pytest.raises(DeliveryUnavailable):
        await surface.edit(after, make_card(after, desk))
    clock.at += timedelta(seconds=16)
    fake.fault("PATCH", "/messages/", Fault(status=503))
    await surface.edit(after, make_card(after, desk))
    assert WORDS.text in fake.posted()[0]["embeds"][0]["description"]


async def test_an_edit_that_must_wait_rests_by_itself_for_as_long_as_it_was_told(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, clock: Clock
) -> None:
    posts = make_post("a"), make_post("b")
    first, other = [corrected(post, await surface.show(post, make_card(post, desk))) for post in posts]
    body = {"code": 0, "message": "You are being rate limited.", "retry_after": 3600.0, "global": False}
    fake.fault("PATCH", "/messages/", Fault(status=429, body=body))
    with pytest.raises(DeliveryUnavailable):
        await surface.edit(first, make_card(first, desk))
    over = clock.at + timedelta(hours=1)
    with pytest.raises(
        DeliveryUnavailable, match=f"{first.channel} post {first.id}: its edit rests until {over:%H:%M}"
    ):
        await surface.edit(first, make_card(first, desk))
    assert len(fake.requests("PATCH", "/messages/")) == 1
    await surface.edit(other, make_card(other, desk))
    clock.at = over
    await surface.edit(first, make_card(first, desk))
    assert [WORDS.text in one["embeds"][0]["description"] for one in fake.posted()] == [True, True]


async def test_an_edit_says_what_became_of_its_message(
    surface: DiscordSurface, client: TightropeClient, desk: Desk, fake: FakeDiscord, post: Post
) -> None:
    after = corrected(post, await surface.show(post, make_card(post, desk)))
    fake.fault("PATCH", "/messages/", Fault(status=404, body={"code": 10008, "message": "no"}))
    with pytest.raises(ChannelRefused, match=f"{post.channel} post {post.id}: somebody has deleted it"):
        await surface.edit(after, make_card(after, desk))
    await client.close()
    with pytest.raises(DeliveryUnavailable, match=f"{post.channel}: Discord is not connected"):
        await surface.edit(after, make_card(after, desk))


async def test_a_post_that_would_need_a_message_more_is_left_as_it_is(
    surface: DiscordSurface, desk: Desk, fake: FakeDiscord, post: Post
) -> None:
    sent = await surface.show(post, make_card(post, desk))
    long = replace(WORDS, text="Word after word after word. " * 300)
    after = replace(post, message_id=sent, corrections=(long,))
    with pytest.raises(ChannelRefused, match="2 messages are needed"):
        await surface.edit(after, make_card(after, desk))
    assert len(fake.posted()) == 1
    assert fake.requests("PATCH", "/messages/") == []


async def _begin(database: str, fake: FakeDiscord) -> None:
    """A database with a post that went out, is in the channel, and has been corrected since."""
    archive = await open_archive(database)
    await archive.subscriptions.add(wish())
    post = make_post()
    await archive.commit("BTC", Profile(), decision(AT, posts=(post,)), snapshot(AT))
    footer = {"text": f"Not financial advice. Post {post.id}"}
    message = fake._message(CHANNEL, {"embeds": [{"description": "Puts cost more.", "footer": footer}]})
    fake.messages[CHANNEL].append(message)
    await archive.outbox.mark_sent(post.id, channel=post.channel, sent_at=AT, message_id=message["id"])
    await archive.corrections.add({post.id: [WORDS]}, [], AT)
    await archive.aclose()


async def _run(fake: FakeDiscord, database: str, point: str, root: Path) -> int | None:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.delivery.discord.editing_child",
        str(fake.port),
        database,
        AT.isoformat(),
        point,
        cwd=root,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await child.communicate()
    assert child.returncode in (0, -signal.SIGKILL), told.decode()
    return child.returncode


@pytest.mark.slow
@pytest.mark.timeout(120)
@pytest.mark.parametrize("point", POINTS)
async def test_killed_at_any_point_and_started_again_the_post_is_corrected_once(
    fake: FakeDiscord, tmp_path: Path, root: Path, point: str
) -> None:
    database = f"sqlite:///{tmp_path / 'bot.sqlite'}"
    await _begin(database, fake)
    assert await _run(fake, database, point, root) == -signal.SIGKILL
    assert await _run(fake, database, "never", root) == 0
    (message,) = fake.posted(CHANNEL)
    assert message["embeds"][0]["description"].count(WORDS.text) == 1
    archive = await open_archive(database)
    assert await archive.corrections.find_unedited("discord") == ()
    await archive.aclose()

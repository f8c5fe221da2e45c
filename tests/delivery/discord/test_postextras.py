"""What goes with a post: buttons, the role that it calls, a thread, its passing on; and the menu of a message."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.postextras import PASSED_ON, post_buttons, role_called
from bot.delivery.discord.sender import DiscordSurface
from bot.desk.desk import Desk
from bot.domain.channels import ChannelStyle, KeptChannel
from bot.domain.posts import Post
from bot.domain.story import Origin, Span, Text
from tests.delivery.discord.fake import CHANNEL, GUILD, READER, FakeDiscord, Fault
from tests.delivery.discord.stand import AT, Memory, make_card, playbook, wish

HERE = f"discord:{CHANNEL}"
ROLE = 4242


def keep(memory: Memory, **style: Any) -> None:
    memory.channels.kept[HERE] = KeptChannel(channel=HERE, guild_id=str(GUILD), style=ChannelStyle(**style))


async def show(surface: DiscordSurface, post: Post, desk: Desk) -> str:
    sent = await surface.show(post, make_card(post, desk))
    await surface._extras.finish()
    assert sent is not None
    return sent


def labels(message: Any) -> list[str]:
    return [one["label"] for row in message["components"] for one in row["components"]]


def button(message: Any, label: str) -> str:
    children = [one for row in message["components"] for one in row["components"]]
    return next(str(one["custom_id"]) for one in children if one["label"] == label)


def with_figure(post: Post) -> Post:
    origin = Origin(kind="fact", ref="skew_60d_pct.change_24h", value=1.0)
    span = Span(start=0, end=2, text="1%", origin=origin, filter="pct")
    lead = Text(slot="lead", about="bearish", text="1% more.", spans=(span,))
    return replace(post, story=replace(post.story, paragraphs=(lead,)))


def test_a_post_has_buttons_that_lead_on(post: Post) -> None:
    banks, catalog = playbook().banks, playbook().catalog
    found = post_buttons(with_figure(post), banks["en"], catalog)
    assert [(one.label, one.command, dict(one.arguments)) for one in found] == [
        ("Why?", "why", {"post": post.id}),
        ("Chart", "history", {"metric": "skew_60d_pct", "asset": "BTC"}),
        ("Mute 24 h", "mute", {"hours": "24"}),
        ("More", "brief", {"asset": "BTC", "length": "article"}),
    ]
    personal = replace(post, channel="discord:dm:6001")
    assert [one.command for one in post_buttons(personal, banks["en"], catalog)] == ["why", "brief"]
    spanish = banks["es"]
    assert "article" in str(post_buttons(post, spanish, catalog))
    without = replace(spanish, words={**spanish.words, "lengths": "short|embed"})
    assert "article" not in str(post_buttons(post, without, catalog))


@pytest.mark.parametrize(
    ("severity", "pings", "role"),
    [
        ("alarm", {"alarm": "1", "caution": "2"}, "1"),
        ("alarm", {"caution": "2", "watch": "3"}, "2"),
        ("watch", {"caution": "2"}, None),
        ("watch", {"watch": "3"}, "3"),
        ("alarm", {}, None),
        (None, {"watch": "3"}, None),
    ],
)
def test_an_alert_calls_the_role_of_its_level_or_of_the_nearest_below(
    severity: Any, pings: Any, role: str | None
) -> None:
    assert role_called(severity, pings) == role


async def test_a_role_is_called_where_the_channel_wants_it_and_that_role_alone(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    keep(memory, pings={"caution": str(ROLE)})
    await give_role(fake, surface)
    await show(surface, replace(post, severity="alarm"), desk)
    await show(surface, replace(post, id="other", nonce="other"), desk)
    called, quiet = (one.body for one in fake.requests("POST", "/messages"))
    assert called["content"] == f"<@&{ROLE}>"
    assert (called["allowed_mentions"]["roles"], called["allowed_mentions"]["parse"]) == ([ROLE], [])
    assert not quiet.get("content")
    assert quiet["allowed_mentions"]["parse"] == []
    assert "roles" not in quiet["allowed_mentions"]


async def give_role(fake: FakeDiscord, surface: DiscordSurface) -> None:
    role = {**fake.guilds[GUILD]["roles"][0], "id": str(ROLE), "name": "desk"}
    await fake.dispatch("GUILD_ROLE_CREATE", {"guild_id": str(GUILD), "role": role})
    await fake.until(lambda: surface._client.guilds[0].get_role(ROLE) is not None)


async def test_a_role_that_the_server_has_deleted_is_not_called_by_its_number(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    keep(memory, pings={"caution": str(ROLE)})
    await give_role(fake, surface)
    await fake.dispatch("GUILD_ROLE_DELETE", {"guild_id": str(GUILD), "role_id": str(ROLE)})
    await fake.until(lambda: surface._client.guilds[0].get_role(ROLE) is None)
    await show(surface, replace(post, severity="alarm"), desk)
    (sent,) = fake.requests("POST", "/messages")
    assert not sent.body.get("content")


async def test_where_the_servers_permissions_are_told_oddly_who_manages_it_may_press(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    memory.subscriptions.wishes = [wish()]
    fake.checked = False  # such answers are in no document
    fake.fault("GET", "/permissions", *[Fault(status=200, body={"no": "permissions"})] * 4)
    pressed = await press_mute(surface, fake, post, desk, permissions="0")
    assert memory.subscriptions.wishes[0].snoozed_until is None
    pressed = await press_mute(surface, fake, replace(post, id="b", nonce="b"), desk, permissions=str(1 << 5))
    assert pressed.private
    assert memory.subscriptions.wishes[0].snoozed_until is not None


async def test_a_thread_is_opened_and_the_post_passed_on_where_the_channel_wants_it(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    news = {**fake.channel(CHANNEL), "type": 5, "guild_id": str(GUILD)}
    await fake.dispatch("CHANNEL_UPDATE", news)
    keep(memory, threads=True, publishes=True)
    sent = await show(surface, post, desk)
    assert fake.threads == {int(sent): "Bitcoin calls for caution"}
    assert fake.posted()[0]["flags"] & 1


async def test_what_goes_with_a_post_may_fail_and_the_post_is_out(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    keep(memory, threads=True)
    fake.fault("POST", "/threads", Fault(status=403, body={"code": 50013, "message": "no"}))
    assert await show(surface, post, desk) == fake.posted()[0]["id"]
    assert fake.threads == {}


async def test_ten_posts_an_hour_are_passed_on_and_no_more(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    await fake.dispatch("CHANNEL_UPDATE", {**fake.channel(CHANNEL), "type": 5, "guild_id": str(GUILD)})
    keep(memory, publishes=True)
    for number in range(PASSED_ON + 2):
        await show(surface, replace(post, id=f"p{number}", nonce=f"p{number}"), desk)
    assert len(fake.requests("POST", "/crosspost")) == PASSED_ON


async def test_nothing_goes_with_a_post_at_first(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk
) -> None:
    await show(surface, replace(post, severity="alarm"), desk)
    (asked,) = fake.requests("POST", "/channels/")
    assert not asked.body.get("content")
    assert labels(fake.posted()[0]) == ["Why?", "Mute 24 h", "More"]


async def press_mute(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, *, permissions: str
) -> Any:
    await show(surface, post, desk)
    message = fake.posted()[0]
    return await fake.click(message, button(message, "Mute 24 h"), permissions=permissions)


async def test_who_may_manage_the_server_mutes_by_a_press(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    memory.subscriptions.wishes = [wish()]
    pressed = await press_mute(surface, fake, post, desk, permissions=str(1 << 5))
    assert pressed.private
    assert memory.subscriptions.wishes[0].snoozed_until == AT + timedelta(hours=24)


@pytest.mark.parametrize(
    ("of_mute", "of_bot", "permissions", "may"),
    [
        (None, None, "0", False),
        ([{"id": str(READER), "type": 2, "permission": True}], None, "0", True),
        ([{"id": str(READER), "type": 2, "permission": False}], None, str(1 << 5), False),
        ([{"id": str(GUILD), "type": 1, "permission": True}], None, "0", True),
        ([{"id": str(GUILD), "type": 1, "permission": False}], None, str(1 << 3), True),
        ([{"id": str(CHANNEL), "type": 3, "permission": False}], None, str(1 << 5), False),
        ([{"id": str(GUILD - 1), "type": 3, "permission": False}], None, str(1 << 5), False),
        (None, [{"id": str(GUILD), "type": 1, "permission": False}], str(1 << 5), False),
        (
            [{"id": str(READER), "type": 2, "permission": True}],
            [{"id": str(GUILD), "type": 1, "permission": False}],
            "0",
            True,
        ),
    ],
)
async def test_the_servers_own_command_permissions_decide_who_may_press(
    surface: DiscordSurface,
    fake: FakeDiscord,
    post: Post,
    desk: Desk,
    memory: Memory,
    client: TightropeClient,
    of_mute: Any,
    of_bot: Any,
    permissions: str,
    may: bool,
) -> None:
    memory.subscriptions.wishes = [wish()]
    mute = next(one["id"] for one in fake.commands if one["name"] == "mute")
    for name, overrides in ((mute, of_mute), (str(client.application_id), of_bot)):
        if overrides is not None:
            fake.allowed[name] = overrides
    pressed = await press_mute(surface, fake, post, desk, permissions=permissions)
    assert pressed.private
    assert (memory.subscriptions.wishes[0].snoozed_until is not None) is may


async def test_why_is_in_the_menu_of_a_message(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    memory.posts.kept = [post]
    await show(surface, post, desk)
    (message,) = fake.posted()
    pressed = await fake.choose_menu("Why?", message)
    assert pressed.private
    assert pressed.shown["embeds"][0]["title"] == "Bitcoin calls for caution"


async def test_why_in_the_menu_knows_a_post_whose_embeds_were_taken_away(
    surface: DiscordSurface, fake: FakeDiscord, post: Post, desk: Desk, memory: Memory
) -> None:
    sent = await show(surface, post, desk)
    memory.posts.kept = [replace(post, message_id=sent)]
    fake.posted()[0]["embeds"] = []
    pressed = await fake.choose_menu("Why?", fake.posted()[0])
    assert pressed.shown["embeds"][0]["title"] == "Bitcoin calls for caution"


async def test_why_in_the_menu_of_anothers_message_says_what_to_do(
    surface: DiscordSurface, fake: FakeDiscord, client: TightropeClient
) -> None:
    fake.chat(1)
    pressed = await fake.choose_menu("Why?", fake.posted()[0])
    assert pressed.private
    assert "/why" in pressed.shown["embeds"][0]["description"]

"""`/setup`, `/settings`, `/mute` as a server's manager meets them, in simcord's Discord."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import discord
import pytest
import simcord
from hypothesis import given
from hypothesis import strategies as st

from bot.delivery.discord.answering import Cooldown
from bot.delivery.discord.cogs.settings import hours, named_zone, times
from bot.delivery.discord.permissions import NEEDED, invitation, missing
from bot.desk import Desk
from bot.errors import InputError
from tests.delivery.discord.conftest import make_client
from tests.delivery.discord.stand import AT, Memory, wish
from tests.delivery.discord.wire import best


@dataclass
class Server:
    """A server, one who manages it, one who does not, and two channels: in `closed` the bot may not embed."""

    env: simcord.Env
    guild: Any
    channel: Any
    closed: Any
    manager: Any
    reader: Any

    async def type(self, name: str, **options: Any) -> Any:
        return await self.manager.slash(self.channel, name, **options)


@pytest.fixture
async def server(desk: Desk, memory: Memory) -> AsyncIterator[Server]:
    client = make_client(desk, memory)
    client.cooldown = Cooldown(count=1000)
    env = simcord.Env(client, check_errors=False, shard_count=1)
    await env.start()
    try:
        guild = env.create_guild()
        role = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
        denied = discord.PermissionOverwrite(embed_links=False, attach_files=False)
        yield Server(
            env=env,
            guild=guild,
            channel=guild.create_text_channel("market"),
            closed=guild.create_text_channel("closed", overwrites={guild.default_role: denied}),
            manager=guild.add_member(env.create_user("manager"), roles=[role]),
            reader=guild.add_member(env.create_user("reader")),
        )
    finally:
        await env.shutdown()
    wire = best()
    sent = [(one.method, one.path, one.json, one.params) for one in env.http_requests]
    assert [
        wrong for method, path, body, query in sent for wrong in wire.request(method, path, body, query=query)
    ] == []


async def test_setup_saves_the_channels_wishes_and_shows_a_post(server: Server, memory: Memory) -> None:
    result = await server.type(
        "setup", asset="BTC", at="9:00, 21:00", zone="europe/berlin", length="short", quiet="22-7", alerts=False
    )
    (saved,) = memory.wishes
    assert saved.channel == f"discord:{server.channel.id}"
    assert saved.guild_id == str(server.guild.id)
    assert (saved.post_at, saved.zone, saved.quiet, saved.alerts) == (
        ("09:00", "21:00"),
        "Europe/Berlin",
        (22, 7),
        False,
    )
    assert saved.profile.length == "short"
    assert saved.created_at == AT
    assert result.ephemeral
    (field,) = result.response.embeds[0].fields
    assert "#market" in field.name
    assert "09:00, 21:00" in field.value
    (preview,) = result.followups
    assert preview.ephemeral
    assert preview.embeds[0].description


async def test_setup_again_changes_only_what_is_named(server: Server, memory: Memory) -> None:
    await server.type("setup", at="09:00", zone="Asia/Tokyo")
    await server.type("setup", alerts=False)
    (saved,) = memory.wishes
    assert (saved.post_at, saved.zone, saved.alerts) == (("09:00",), "Asia/Tokyo", False)


async def test_the_weekly_review_is_on_until_it_is_turned_off_and_settings_say_so(
    server: Server, memory: Memory
) -> None:
    first = await server.type("setup")
    assert [wish.weekly for wish in memory.wishes] == [True]
    assert "weekly review on" in first.response.embeds[0].fields[0].value
    await server.type("setup", weekly=False)
    await server.type("setup", at="09:00")
    assert [wish.weekly for wish in memory.wishes] == [False]
    listed = await server.type("settings")
    assert "weekly review off" in listed.response.embeds[0].fields[0].value


async def test_a_server_has_its_own_usual_ranges_and_severity_until_they_are_turned_off(
    server: Server, memory: Memory
) -> None:
    result = await server.type("setup", ranges="basis 4-9; skew-60d -8 to 8", severity="caution")
    (saved,) = memory.wishes
    assert {name: (usual.low, usual.high) for name, usual in saved.profile.ranges.items()} == {
        "basis": (4, 9),
        "skew-60d": (-8, 8),
    }
    assert saved.severity == "caution"
    shown = result.response.embeds[0].fields[0].value
    assert "basis 4 to 9, skew-60d -8 to 8" in shown
    assert "from caution on" in shown
    await server.type("setup", ranges="off")
    assert memory.wishes[0].profile.ranges == {}
    assert memory.wishes[0].severity == "caution"


@pytest.mark.parametrize(
    ("typed", "why"),
    [("basis 1-9", "between 2 and 6"), ("nothing 1-2", "one of basis"), ("basis 4-9, skew", "such as basis")],
)
async def test_a_range_beyond_its_bounds_is_refused_with_them(
    server: Server, memory: Memory, typed: str, why: str
) -> None:
    result = await server.type("setup", ranges=typed)
    assert memory.wishes == []
    assert why in result.response.embeds[0].description


async def test_setup_checks_its_permissions_before_it_saves(server: Server, memory: Memory) -> None:
    result = await server.type("setup", channel=server.closed)
    assert memory.wishes == []
    assert result.ephemeral
    assert "Embed Links, Attach Files" in result.response.embeds[0].description


async def test_setup_starts_a_paused_channel_again(server: Server, memory: Memory) -> None:
    memory.wishes = [wish(server.channel.id, server.guild.id, paused_at=AT)]
    await server.type("setup")
    assert memory.wishes[0].paused_at is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"at": "25:00"},
        {"zone": "Mars"},
        {"quiet": "7-7"},
        {"asset": "DOGE"},
        {"length": "long"},
        {"language": "xx"},
        {"severity": "grave"},
        {"ranges": "basis"},
    ],
)
async def test_setup_refuses_what_it_cannot_take_and_says_what_it_could(
    server: Server, memory: Memory, wrong: dict[str, str]
) -> None:
    result = await server.type("setup", **wrong)
    assert memory.wishes == []
    assert result.ephemeral
    assert next(iter(wrong.values())) in result.response.embeds[0].description


@pytest.mark.parametrize("name", ["setup", "settings", "mute"])
async def test_only_who_manages_the_server_may_change_it(server: Server, memory: Memory, name: str) -> None:
    command = server.env.bot.tree.get_command(name)  # type: ignore[attr-defined]
    assert command.default_permissions == discord.Permissions(manage_guild=True)
    assert command.allowed_contexts.dm_channel is False
    options = {"hours": 1} if name == "mute" else {}
    with pytest.raises(simcord.SetupError):
        await server.reader.slash(server.channel, name, **options)
    assert memory.wishes == []


@pytest.mark.parametrize("name", ["setup", "settings", "mute"])
async def test_we_check_ourselves_where_an_admin_has_shown_the_command_to_all(
    server: Server, memory: Memory, name: str
) -> None:
    command = next(one for one in await server.env.bot.tree.fetch_commands() if one.name == name)  # type: ignore[attr-defined]
    server.guild.set_command_permissions(command, {server.guild.default_role: True})
    options = {"hours": 1} if name == "mute" else {}
    result = await server.reader.slash(server.channel, name, **options)
    assert result.ephemeral
    assert "manage the server" in result.response.embeds[0].description
    assert memory.wishes == []


async def test_settings_lists_every_channel_and_ends_one(server: Server, memory: Memory) -> None:
    assert "/setup" in (await server.type("settings")).response.embeds[0].description
    await server.type("setup")
    (field,) = (await server.type("settings")).response.embeds[0].fields
    assert "#market: BTC" in field.name
    await server.type("settings", stop=server.channel)
    assert memory.wishes == []


async def test_mute_holds_alerts_back_and_zero_ends_it(server: Server, memory: Memory) -> None:
    nothing = await server.type("mute", hours=3)
    assert "/setup" in nothing.response.embeds[0].description
    await server.type("setup")
    await server.type("mute", hours=3)
    assert memory.wishes[0].snoozed_until == AT + timedelta(hours=3)
    await server.type("mute", hours=0)
    assert memory.wishes[0].snoozed_until is None


async def test_answers_follow_the_servers_settings(server: Server, memory: Memory) -> None:
    await server.type("setup", length="short")
    short = await server.type("brief")
    await server.type("setup", length="embed")
    longer = await server.type("brief")
    assert len(short.response.embeds[0].description) < len(longer.response.embeds[0].description)


async def test_the_invitation_asks_for_what_is_needed_and_no_more(server: Server) -> None:
    assert f"permissions={NEEDED.value}" in invitation(9002)
    assert "scope=bot+applications.commands" in invitation(9002)
    assert NEEDED.value == 1 << 10 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 16
    place = server.env.bot.get_channel(server.closed.id)
    assert isinstance(place, discord.TextChannel)
    assert missing(place) == ["embed_links", "attach_files"]


def test_times_hours_and_zones_are_read_as_they_are_typed() -> None:
    assert times("21:00 9:05;9:05") == ("09:05", "21:00")
    assert times("off") == ()
    assert hours("22-7") == (22, 7)
    assert hours("OFF") is None
    assert named_zone("america/new york") == "America/New_York"


@given(st.text(max_size=30))
def test_whatever_is_typed_is_taken_or_refused(typed: str) -> None:
    for read in (times, hours, named_zone):
        with contextlib.suppress(InputError):
            assert read(typed) is None or isinstance(read(typed), str | tuple)

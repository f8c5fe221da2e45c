"""`/setup`, `/settings`, `/mute` and the setup panel as a server's manager meets them, in simcord's Discord."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import discord
import pytest
import simcord
from msgspec.structs import replace

from bot.delivery.discord.answering import Cooldown
from bot.delivery.discord.permissions import NEEDED, invitation, missing
from bot.desk.desk import Desk
from bot.domain.channels import KeptChannel
from bot.domain.posts import Subscription
from tests.delivery.discord.conftest import make_client
from tests.delivery.discord.stand import AT, Memory, wish
from tests.delivery.discord.wire import best

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Server:
    """A server, one who manages it, one who does not, and two channels: in `closed` the bot may not embed."""

    env: simcord.Env
    memory: Memory
    guild: Any
    channel: Any
    closed: Any
    manager: Any
    reader: Any
    role: Any
    client: Any
    shown: Any = None

    async def type(self, name: str, **options: Any) -> Any:
        result = await self.manager.slash(self.channel, name, **options)
        self.shown = result.response
        return result

    async def press(self, action: str) -> Any:
        """Press a button of the panel."""
        return self._seen(await self.manager.click(self.shown.message, custom_id=self._id(action)))

    async def choose(self, action: str, *values: Any) -> Any:
        """Choose in one of its lists."""
        return self._seen(
            await self.manager.select(self.shown.message, list(values), custom_id=self._id(action))
        )

    async def fill(self, form: str, **values: Any) -> Any:
        """Open one of its forms and send it."""
        opened = await self.choose("change", form)
        return self._seen(await self.manager.submit_modal(opened, values))

    def _id(self, action: str) -> str:
        children = [child for row in self.shown.message.components for child in row.children]
        return next(one.custom_id for one in children if one.custom_id.split(":")[1] == action)

    def _seen(self, result: Any) -> Any:
        fetched = result.response
        if fetched is not None and fetched.message.components:
            self.shown = fetched
        return result

    @property
    def text(self) -> str:
        """The panel's text."""
        return str(self.shown.message.embeds[0].description)

    @property
    def controls(self) -> list[str]:
        return [
            child.custom_id.split(":")[1] for row in self.shown.message.components for child in row.children
        ]

    @property
    def wishes(self) -> list[Subscription]:
        return sorted(self.memory.subscriptions.wishes, key=lambda one: one.asset)

    @property
    def kept(self) -> KeptChannel:
        return self.memory.channels.kept[f"discord:{self.channel.id}"]


@pytest.fixture
async def server(desk: Desk, memory: Memory) -> AsyncIterator[Server]:
    client = make_client(desk, memory)
    client.cooldown = Cooldown(count=1000)
    env = simcord.Env(client, check_errors=False, shard_count=1, settle_timeout=60.0)
    await env.start()
    try:
        guild = env.create_guild()
        role = guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
        denied = discord.PermissionOverwrite(embed_links=False, attach_files=False)
        yield Server(
            env=env,
            memory=memory,
            guild=guild,
            channel=guild.create_text_channel("market"),
            closed=guild.create_text_channel("closed", overwrites={guild.default_role: denied}),
            manager=guild.add_member(env.create_user("manager"), roles=[role]),
            reader=guild.add_member(env.create_user("reader")),
            role=role,
            client=client,
        )
    finally:
        await env.shutdown()
    wire = best()
    sent = [(one.method, one.path, one.json, one.params) for one in env.http_requests]
    assert [
        wrong for method, path, body, query in sent for wrong in wire.request(method, path, body, query=query)
    ] == []


async def test_setup_begins_at_once_and_shows_all_settings_and_a_post(server: Server) -> None:
    result = await server.type("setup")
    (saved,) = server.wishes
    assert saved.channel == f"discord:{server.channel.id}"
    assert (saved.guild_id, saved.asset, saved.created_at) == (str(server.guild.id), "BTC", AT)
    assert server.kept.set_up_by == str(server.manager.id)
    assert result.ephemeral
    assert f"<#{server.channel.id}>: is served" in server.text
    assert "**Posts** 12:00, UTC" in server.text
    assert "**Trouble is told to** <@" in server.text
    (preview,) = result.followups
    assert preview.ephemeral
    assert preview.embeds[0].description


async def test_setup_takes_times_zone_and_quiet_hours_as_they_are_typed(server: Server) -> None:
    await server.type("setup", at="9am, 21h", zone="new york", quiet="10pm to 7am")
    (saved,) = server.wishes
    assert (saved.post_at, saved.zone, saved.quiet) == (("09:00", "21:00"), "America/New_York", (22, 7))
    assert "**Posts** 09:00, 21:00, America/New York (UTC−5)" in server.text
    assert "**Quiet hours** 22:00–07:00" in server.text


async def test_setup_again_changes_only_what_is_named(server: Server) -> None:
    await server.type("setup", at="09:00", zone="tokyo")
    await server.type("setup", quiet="22-7")
    (saved,) = server.wishes
    assert (saved.post_at, saved.zone, saved.quiet) == (("09:00",), "Asia/Tokyo", (22, 7))


async def test_setup_checks_its_permissions_before_it_saves(server: Server) -> None:
    result = await server.type("setup", channel=server.closed)
    assert server.wishes == []
    assert result.ephemeral
    assert f"<#{server.closed.id}>" in result.response.embeds[0].description
    assert "Embed Links, Attach Files" in result.response.embeds[0].description


async def test_setup_starts_a_paused_channel_again_and_forgets_what_it_refused(server: Server) -> None:
    channel = f"discord:{server.channel.id}"
    server.memory.subscriptions.wishes = [wish(server.channel.id, server.guild.id, paused_at=AT)]
    server.memory.channels.kept[channel] = KeptChannel(channel=channel, refused_at=(AT,), told_at=AT)
    await server.type("setup")
    assert server.wishes[0].paused_at is None
    assert (server.kept.refused_at, server.kept.told_at) == ((), None)


@pytest.mark.parametrize("wrong", [{"at": "25:00"}, {"zone": "Mars"}, {"quiet": "7-7"}])
async def test_setup_refuses_what_it_cannot_take_and_says_what_it_could(
    server: Server, wrong: dict[str, str]
) -> None:
    result = await server.type("setup", **wrong)
    assert server.wishes == []
    assert result.ephemeral
    assert next(iter(wrong.values())) in result.response.embeds[0].description


async def test_zones_are_suggested_as_people_call_them_and_shown_with_their_offset(server: Server) -> None:
    for typed, value, name in (
        ("new york", "America/New_York", "America/New York (UTC−5)"),
        ("+2", "Etc/GMT-2", "UTC+2"),
        ("nueva y", "America/New_York", "America/New York (UTC−5)"),
    ):
        found = await server.manager.autocomplete(server.channel, "setup", "zone", typed)
        assert (found[0]["value"], found[0]["name"]) == (value, name)


async def test_assets_are_turned_on_and_off_one_by_one(server: Server) -> None:
    await server.type("setup", at="9", zone="+2")
    await server.choose("assets", "BTC", "ETH")
    assert [(one.asset, one.post_at, one.zone) for one in server.wishes] == [
        ("BTC", ("09:00",), "Etc/GMT-2"),
        ("ETH", ("09:00",), "Etc/GMT-2"),
    ]
    assert "**Assets** BTC, ETH" in server.text
    await server.choose("assets", "ETH")
    assert [one.asset for one in server.wishes] == ["ETH"]


async def test_times_zone_and_quiet_hours_are_typed_into_a_form(server: Server) -> None:
    await server.type("setup")
    await server.fill("times", at="8 and 20", zone="EST", quiet="de 22 a 7")
    assert [(one.post_at, one.zone, one.quiet) for one in server.wishes] == [
        (("08:00", "20:00"), "America/New_York", (22, 7))
    ]
    await server.fill("times", at="", zone="utc", quiet="")
    assert [(one.post_at, one.zone, one.quiet) for one in server.wishes] == [((), "UTC", None)]
    assert "**Posts** none" in server.text


async def test_a_form_with_what_cannot_be_taken_changes_nothing_and_says_why(server: Server) -> None:
    await server.type("setup")
    before = server.wishes
    result = await server.fill("times", at="25:00", zone="utc", quiet="")
    assert server.wishes == before
    assert result.ephemeral
    assert "25:00" in result.response.embeds[0].description


@pytest.mark.parametrize(
    ("setting", "value", "shown"),
    [("length", "short", "**Length** one line"), ("level", "caution", "from “caution” on")],
)
async def test_a_length_and_a_level_are_chosen_from_a_list(
    server: Server, setting: str, value: str, shown: str
) -> None:
    await server.type("setup")
    await server.choose("change", setting)
    assert server.controls == [setting, "back"]
    await server.choose(setting, value)
    assert shown in server.text
    (saved,) = server.wishes
    assert value in (saved.profile.length, saved.severity)


async def test_moves_that_alert_are_chosen_one_by_one(server: Server) -> None:
    await server.type("setup")
    assert "**Moves that alert** all\n" in server.text
    await server.choose("change", "moves")
    select = server.shown.message.components[0].children[0]
    assert all(option.default for option in select.options)
    kept = [
        option.value for option in select.options if option.value not in ("balance-falls", "balance-rises")
    ]
    await server.choose("moves", *kept)
    assert server.wishes[0].muted_moves == ("balance-falls", "balance-rises")
    assert "all but a day of the balance toward caution; a day of the balance toward appetite" in server.text
    await server.choose("change", "moves")
    await server.choose("moves", "balance-falls")
    assert "**Moves that alert** only a day of the balance toward caution\n" in server.text
    await server.press("undo")
    await server.choose("change", "moves")
    await server.choose("moves")
    assert "**Moves that alert** none" in server.text
    await server.press("undo")
    assert server.wishes[0].muted_moves == ("balance-falls", "balance-rises")


async def test_a_language_takes_only_the_lengths_that_it_has(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def in_english_alone(words: Mapping[str, str], length: str) -> bool:
        return length != "article" or words["and"] == "and"

    monkeypatch.setattr("bot.delivery.discord.changes.has_length", in_english_alone)
    await server.type("setup")
    await server.choose("change", "length")
    await server.choose("length", "article")
    await server.choose("change", "language")
    await server.choose("language", "es")
    assert [(one.profile.locale, one.profile.length) for one in server.wishes] == [("es", "embed")]
    assert "**Language** Español" in server.text


async def test_usual_ranges_are_typed_and_refused_beyond_their_bounds(server: Server) -> None:
    await server.type("setup")
    await server.fill("ranges", ranges="basis 4-9; skew-60d -8 to 8")
    (saved,) = server.wishes
    assert {name: (usual.low, usual.high) for name, usual in saved.profile.ranges.items()} == {
        "basis": (4, 9),
        "skew-60d": (-8, 8),
    }
    for typed, why in (
        ("basis 1-9", "between 2 and 6"),
        ("nothing 1-2", "one of basis"),
        ("basis", "basis 4-9"),
    ):
        refused = await server.fill("ranges", ranges=typed)
        assert why in refused.response.embeds[0].description
    await server.fill("ranges", ranges="")
    assert server.wishes[0].profile.ranges == {}


async def test_roles_are_called_by_level_and_none_at_first(server: Server) -> None:
    await server.type("setup")
    assert "**Roles to call** none" in server.text
    await server.fill("pings", alarm=[server.role])
    assert server.kept.style.pings == {"alarm": str(server.role.id)}
    assert f"alarm <@&{server.role.id}>" in server.text
    await server.fill("pings", alarm=[])
    assert server.kept.style.pings == {}


async def test_alerts_weekly_review_and_threads_are_switched_by_a_press(server: Server) -> None:
    await server.type("setup")
    for name, read in (
        ("alerts", lambda: server.wishes[0].alerts),
        ("weekly", lambda: server.wishes[0].weekly),
        ("threads", lambda: server.kept.style.threads),
    ):
        before = read()
        await server.press(name)
        assert read() is not before
    assert "publishes" not in server.controls


async def test_trouble_is_told_in_a_channel_that_is_chosen_for_it(server: Server) -> None:
    await server.type("setup")
    await server.choose("change", "notices")
    await server.choose("notices", server.closed)
    assert server.kept.style.notices == f"discord:{server.closed.id}"
    assert f"**Trouble is told to** <#{server.closed.id}>" in server.text


async def test_a_change_is_undone_and_the_undoing_too(server: Server) -> None:
    await server.type("setup")
    await server.choose("assets", "BTC", "ETH")
    await server.press("undo")
    assert [one.asset for one in server.wishes] == ["BTC"]
    await server.press("undo")
    assert [one.asset for one in server.wishes] == ["BTC", "ETH"]
    await server.press("threads")
    await server.press("undo")
    assert server.kept.style.threads is False


async def test_a_channel_is_removed_when_asked_twice_and_the_removal_is_undone(server: Server) -> None:
    await server.type("setup", at="9")
    await server.press("remove")
    assert server.controls == ["remove-sure", "back"]
    assert len(server.wishes) == 1
    await server.press("remove-sure")
    assert server.wishes == []
    assert "follows nothing yet" in server.text
    await server.press("undo")
    assert [one.post_at for one in server.wishes] == [("09:00",)]


@pytest.mark.parametrize(("lasts", "time"), [("hour", HOUR), ("day", DAY), ("week", 7 * DAY)])
async def test_a_channel_pauses_for_a_while_and_resumes(server: Server, lasts: str, time: timedelta) -> None:
    await server.type("setup")
    await server.press("pause")
    assert [one.paused_at for one in server.wishes] == [None]
    await server.choose("pause", lasts)
    assert [one.paused_at for one in server.wishes] == [AT]
    assert server.kept.paused_until == AT + time
    assert f"paused until <t:{int((AT + time).timestamp())}:f>" in server.text
    await server.press("resume")
    assert [one.paused_at for one in server.wishes] == [None]
    kept = server.memory.channels.kept[f"discord:{server.channel.id}"]
    assert (kept.paused_by, kept.paused_until) == (None, None)


async def test_a_channel_pauses_until_somebody_resumes_it_whatever_it_refused_before(server: Server) -> None:
    await server.type("setup")
    kept = server.memory.channels.kept
    name = f"discord:{server.channel.id}"
    kept[name] = replace(kept[name], refused_at=(AT - DAY,), told_at=AT - DAY, looked_at=AT - DAY)
    await server.press("pause")
    await server.choose("pause", "resumed")
    assert f"paused by <@{server.manager.id}> until somebody resumes it here" in server.text
    await server.client.mending.look()
    assert [one.paused_at for one in server.wishes] == [AT]
    await server.press("resume")
    assert [one.paused_at for one in server.wishes] == [None]
    assert "is served" in server.text


async def test_undoing_the_end_of_a_pause_gives_back_its_end(server: Server) -> None:
    await server.type("setup")
    await server.press("pause")
    await server.choose("pause", "week")
    await server.press("resume")
    await server.press("undo")
    assert [one.paused_at for one in server.wishes] == [AT]
    assert server.kept.paused_until == AT + 7 * DAY
    await server.press("undo")
    assert [one.paused_at for one in server.wishes] == [None]
    assert server.kept.paused_until is None


async def test_a_test_post_goes_into_the_channel_and_says_that_it_is_one(server: Server) -> None:
    await server.type("setup")
    await server.press("test")
    message = server.channel.last_message
    assert "A test" in message.content
    assert message.embeds
    assert "The test is in the channel" in server.text


async def test_a_test_post_that_discord_refuses_says_what_is_missing(server: Server) -> None:
    await server.type("setup")
    server.env.inject_error("POST", "/channels/*/messages", code=50013, status=403)
    await server.press("test")
    assert "Discord did not take the test" in server.text
    assert len(server.wishes) == 1


@pytest.mark.parametrize(
    ("status", "code", "why"),
    [
        (403, 50013, "a permission is missing"),
        (403, 40333, "try again in a minute"),
        (404, 10003, "the channel is gone"),
        (400, 200000, "AutoMod"),
        (400, 50035, "that was logged"),
    ],
)
async def test_a_refused_test_is_told_in_the_words_of_who_asked(
    server: Server, status: int, code: int, why: str
) -> None:
    await server.type("setup")
    server.env.inject_error("POST", "/channels/*/messages", code=code, status=status)
    await server.press("test")
    (note, *_) = server.text.splitlines()
    assert why in note
    assert str(code) not in note


async def test_a_channel_that_lacks_a_permission_says_so_before_anything_was_refused(server: Server) -> None:
    server.memory.subscriptions.wishes = [wish(server.closed.id, server.guild.id)]
    await server.type("settings")
    await server.choose("channel", str(server.closed.id))
    assert f"<#{server.closed.id}>: Discord refuses our posts: grant Embed Links, Attach Files" in server.text


async def test_what_a_channel_of_its_kind_cannot_have_is_not_told_of_it(server: Server) -> None:
    await server.type("setup")
    assert "**Threads** off" in server.text
    assert "**Publish**" not in server.text
    await server.type("setup", channel=server.guild.create_news_channel("news"))
    assert "**Publish** off" in server.text


async def test_own_ranges_are_shown_in_the_form_as_its_language_writes_them_and_taken_so(
    server: Server,
) -> None:
    await server.type("setup")
    for typed in ("basis 4 a 9", "basis 4 hasta 9", "basis 4 to 9"):
        await server.fill("ranges", ranges=typed)
        assert "**Usual ranges** basis 4 to 9" in server.text
    banks = server.client.reception.market.playbook.banks
    assert banks["es"].words["short.range"].format(low="4", high="9") == "4 a 9"


async def test_other_times_hold_from_now_on_and_other_settings_leave_the_slots_alone(server: Server) -> None:
    await server.type("setup")
    server.memory.subscriptions.wishes = [replace(server.wishes[0], created_at=AT - DAY)]
    await server.press("weekly")
    assert server.wishes[0].created_at == AT - DAY
    await server.fill("times", at="9", zone="utc", quiet="")
    assert server.wishes[0].created_at == AT


@pytest.mark.parametrize("name", ["setup", "settings", "mute"])
async def test_at_first_only_who_manages_the_server_sees_these_commands(server: Server, name: str) -> None:
    command = server.env.bot.tree.get_command(name)  # type: ignore[attr-defined]
    assert command.default_permissions == discord.Permissions(manage_guild=True)
    assert command.allowed_contexts.dm_channel is False
    options = {"hours": 1} if name == "mute" else {}
    with pytest.raises(simcord.SetupError):
        await server.reader.slash(server.channel, name, **options)
    assert server.wishes == []


async def test_whom_the_server_lets_use_them_is_let_in(server: Server) -> None:
    tree: Any = server.env.bot.tree  # type: ignore[attr-defined]
    command = next(one for one in await tree.fetch_commands() if one.name == "setup")
    server.guild.set_command_permissions(command, {server.guild.default_role: True})
    result = await server.reader.slash(server.channel, "setup")
    assert result.ephemeral
    assert [one.asset for one in server.wishes] == ["BTC"]


async def test_settings_lists_every_channel_by_mention_and_opens_one(server: Server) -> None:
    assert "/setup" in (await server.type("settings")).response.embeds[0].description
    await server.type("setup")
    listed = await server.type("settings")
    assert listed.ephemeral
    assert f"<#{server.channel.id}>: BTC · 12:00, UTC · embed · alerts on" in server.text
    assert "-# channel: assets · times and zone · length · alerts" in server.text
    await server.choose("channel", str(server.channel.id))
    assert "**Assets** BTC" in server.text
    await server.choose("channel", server.closed)
    assert f"<#{server.closed.id}>: follows nothing yet" in server.text


async def test_the_panel_works_after_a_restart(server: Server, desk: Desk, memory: Memory) -> None:
    await server.type("setup")
    await server.env.restart_bot(make_client(desk, memory))
    await server.press("weekly")
    assert server.wishes[0].weekly is False


async def test_mute_holds_alerts_back_and_zero_ends_it(server: Server) -> None:
    nothing = await server.type("mute", hours=3)
    assert "/setup" in nothing.response.embeds[0].description
    await server.type("setup")
    muted = await server.type("mute", hours=3)
    assert f"<#{server.channel.id}>" in muted.response.embeds[0].description
    assert server.wishes[0].snoozed_until == AT + 3 * HOUR
    await server.type("mute", hours=0)
    assert server.wishes[0].snoozed_until is None


async def test_answers_follow_the_servers_settings(server: Server) -> None:
    await server.type("setup")
    await server.choose("change", "length")
    await server.choose("length", "short")
    short = await server.manager.slash(server.channel, "brief")
    await server.type("setup")
    await server.choose("change", "length")
    await server.choose("length", "embed")
    longer = await server.manager.slash(server.channel, "brief")
    assert len(short.response.embeds[0].description) < len(longer.response.embeds[0].description)


async def test_the_invitation_asks_for_what_is_needed_and_no_more(server: Server) -> None:
    assert f"permissions={NEEDED.value}" in invitation(9002)
    assert "scope=bot+applications.commands" in invitation(9002)
    assert NEEDED.value == 1 << 10 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 16
    place = server.env.bot.get_channel(server.closed.id)
    assert isinstance(place, discord.TextChannel)
    assert missing(place) == ["embed_links", "attach_files"]


async def test_in_an_announcement_channel_posts_are_passed_on_when_it_is_switched_so(server: Server) -> None:
    news = server.guild.create_news_channel("news")
    await server.type("setup", channel=news)
    assert f"<#{news.id}>: is served" in server.text
    for on in (True, False):
        await server.press("publishes")
        assert server.memory.channels.kept[f"discord:{news.id}"].style.publishes is on

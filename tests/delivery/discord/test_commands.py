"""Every command as a reader meets it, in simcord's Discord: options, errors, permissions, deadlines; each
request checked."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
import simcord
import structlog
from msgspec.structs import replace

from bot.commands import Command, CommandOption, Request, discover
from bot.delivery.discord.answering import Cooldown
from bot.delivery.discord.client import TightropeClient, sweep_seldom
from bot.delivery.discord.slash import SlashCommand, build, slash
from bot.desk.desk import Desk
from bot.desk.market import Market
from bot.domain.posts import Answer, Button
from bot.errors import ArchiveError
from tests.delivery.discord.conftest import make_client
from tests.delivery.discord.stand import Memory, playbook
from tests.delivery.discord.wire import best


class Server:
    """A server with a channel and a reader."""

    def __init__(self, env: simcord.Env, client: TightropeClient) -> None:
        self.env = env
        self.client = client
        self.guild = env.create_guild()
        self.channel = self.guild.create_text_channel("market")
        self.reader: Any = self.guild.add_member(env.create_user("reader"))

    async def type(self, name: str, **options: Any) -> Any:
        return await self.reader.slash(self.channel, name, **options)


async def act(market: Market, request: Request) -> Answer:
    """A command for tests: does what its option says."""
    match request.options.get("way"):
        case "broken":
            raise KeyError("mark_iv")
        case "archive":
            raise ArchiveError("database /var/x.sqlite is locked")
        case "slow":
            await asyncio.sleep(2)
        case "private":
            await asyncio.sleep(2)
            return Answer(title="t", body="for you", private=True)
        case "long":
            return Answer(title="t", body="word " * 2500)
        case "buttons":
            fit = Button(label="on", command="act", arguments={"way": "plain"})
            gone = Button(label="gone", command="nowhere")
            large = Button(label="large", command="act", arguments={"way": "x" * 100})
            return Answer(title="t", body="b", buttons=(fit, gone, large))
    return Answer(title="t", body=f"guild {request.guild_id is not None}")


ACT = Command(name="act", options=(CommandOption(name="way"),), answer=act)


def add(client: TightropeClient, command: SlashCommand) -> None:
    client.tree.add_command(build(command, client.reception.market.playbook.banks["en"].words))


@pytest.fixture
async def server(desk: Desk, memory: Memory) -> AsyncIterator[Server]:
    client = make_client(desk, memory)
    client.cooldown = Cooldown(count=1000)
    client.reception.commands = {**client.reception.commands, "act": ACT}
    add(client, slash(client.reception, ACT))
    add(client, replace(slash(client.reception, ACT), name="kept", managers=True))
    env = simcord.Env(client, check_errors=False, shard_count=1, settle_timeout=30)
    await env.start()
    try:
        yield Server(env, client)
    finally:
        await env.shutdown()
    wire = best()
    wrong = [
        problem
        for asked in env.http_requests
        for problem in wire.request(asked.method, asked.path, asked.json, query=asked.params)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", sorted(discover()))
async def test_every_command_answers_without_any_option_or_says_what_it_wants(
    server: Server, name: str
) -> None:
    needed = {
        option.name: (*option.choices, "BTC")[0] for option in discover()[name].options if option.required
    }
    result = await server.type(name, **needed)
    assert result.response is not None
    assert result.response.embeds
    assert "Traceback" not in str([embed.to_dict() for embed in result.response.embeds])


async def test_an_answer_is_seen_by_all_and_an_error_by_the_asker_alone(server: Server) -> None:
    assert not (await server.type("skew", asset="BTC")).ephemeral
    wrong = await server.type("skew", asset="DOGE")
    assert wrong.ephemeral
    assert "BTC, ETH" in wrong.response.embeds[0].description


async def test_assets_are_suggested_while_they_are_typed(server: Server) -> None:
    found = await server.reader.autocomplete(server.channel, "skew", "asset", "e")
    assert [choice["value"] for choice in found] == ["ETH"]


async def test_an_error_that_nobody_thought_of_is_private_and_shows_nothing_of_itself(server: Server) -> None:
    result = await server.type("act", way="broken")
    (embed,) = result.response.embeds
    assert result.ephemeral
    assert "mark_iv" not in embed.description
    assert "/status" in embed.description


async def test_a_broken_archive_is_said_to_be_one_without_its_address(server: Server) -> None:
    result = await server.type("act", way="archive")
    assert result.ephemeral
    assert "sqlite" not in result.response.embeds[0].description


async def test_an_answer_that_takes_long_is_deferred_and_then_edited_in(server: Server) -> None:
    result = await server.type("act", way="slow")
    assert "guild" in result.response.embeds[0].description
    methods = [(asked.method, asked.path.rsplit("/", 1)[-1]) for asked in server.env.http_requests[-2:]]
    assert methods == [("POST", "callback"), ("PATCH", "@original")]


async def test_a_private_answer_stays_private_though_it_was_deferred_in_public(server: Server) -> None:
    result = await server.type("act", way="private")
    (shown,) = result.followups
    assert shown.ephemeral
    assert shown.embeds[0].description == "for you"
    assert result.response is None


async def test_a_quick_answer_is_not_deferred(server: Server) -> None:
    await server.type("act", way="plain")
    last: Any = server.env.http_requests[-1].json
    assert last["type"] == 4


async def test_a_long_answer_goes_on_in_further_messages(server: Server) -> None:
    result = await server.type("act", way="long")
    texts = [result.response.embeds, *(one.embeds for one in result.followups)]
    assert (
        sum(len(embed.description) for embeds in texts for embed in embeds) >= 2500 * 5 - len(texts) * 2 - 4
    )


async def test_buttons_go_on_privately_and_an_unknown_one_says_what_to_do(server: Server) -> None:
    result = await server.type("act", way="buttons")
    shown = result.response.message
    labels = [button.label for row in shown.components for button in row.children]
    assert labels == ["On", "Gone"]
    on = await server.reader.click(shown, label="On")
    assert on.ephemeral
    assert "guild" in on.response.embeds[0].description
    gone = await server.reader.click(shown, label="Gone")
    assert gone.ephemeral
    assert "earlier edition" in gone.response.embeds[0].description


async def test_a_button_works_after_a_restart(server: Server, desk: Desk, memory: Memory) -> None:
    shown = (await server.type("skew")).response.message
    label = shown.components[0].children[0].label
    await server.env.restart_bot(make_client(desk, memory))
    pressed = await server.reader.click(shown, label=label)
    assert pressed.ephemeral
    assert pressed.response.embeds


async def test_a_command_for_managers_is_refused_to_others(server: Server) -> None:
    role = server.guild.create_role("Managers", permissions=discord.Permissions(manage_guild=True))
    manager: Any = server.guild.add_member(server.env.create_user("manager"), roles=[role])
    allowed = await manager.slash(server.channel, "kept")
    assert "guild True" in allowed.response.embeds[0].description
    kept: Any = server.client.tree.get_command("kept")
    assert kept.default_permissions == discord.Permissions(manage_guild=True)
    assert kept.guild_only
    with pytest.raises(simcord.SetupError):
        await server.reader.slash(server.channel, "kept")


async def test_a_reader_who_asks_too_often_is_told_how_long_to_wait(server: Server) -> None:
    server.client.cooldown = Cooldown(count=2, per_s=10)
    assert [(await server.type("act")).ephemeral for _ in range(3)] == [False, False, True]
    other = server.guild.add_member(server.env.create_user("other"))
    assert not (await other.slash(server.channel, "act")).ephemeral


async def test_an_answer_that_comes_too_late_for_discord_ends_quietly(server: Server) -> None:
    server.env.inject_error("POST", "/interactions/*/callback", code=10062, status=404)
    result = await server.type("act")
    assert result.response is None
    assert (await server.type("act")).response is not None


@pytest.mark.parametrize(("grace_s", "takes_s"), [(9.0, 0.0), (0.01, 60.0)], ids=["answer", "deferral"])
@pytest.mark.parametrize("name", sorted(discover()))
async def test_every_command_ends_quietly_where_discord_no_longer_knows_the_interaction(
    server: Server, monkeypatch: pytest.MonkeyPatch, name: str, grace_s: float, takes_s: float
) -> None:
    """Four seconds on Discord's clock, which waits for three, pass before the answer, or before the deferral."""
    monkeypatch.setattr("bot.delivery.discord.answering.GRACE_S", grace_s)
    needed = {
        option.name: (*option.choices, "BTC")[0] for option in discover()[name].options if option.required
    }
    answer = discover()[name].answer

    async def late(market: Market, request: Request) -> Answer:
        server.env.backend.advance_clock(4.0)
        await asyncio.sleep(takes_s)
        return await answer(market, request)

    command = replace(discover()[name], answer=late, shared=False)
    server.client.tree.remove_command(name)
    add(server.client, slash(server.client.reception, command))
    with structlog.testing.capture_logs() as logs:
        result = await server.type(name, **needed)
    assert result.response is None or not result.response.embeds
    assert [
        one["event"] for one in logs if one["event"].startswith("answer.") and one["event"] != "answer.given"
    ] == ["answer.too_late"]
    assert (await server.type("act")).response is not None


async def test_commands_answer_in_direct_messages_too(server: Server) -> None:
    alone: Any = server.env.create_user("alone")
    result = await alone.slash("act")
    assert "guild False" in result.response.embeds[0].description


async def test_nothing_that_is_typed_becomes_a_mention_or_a_format(server: Server) -> None:
    for typed in (
        "@everyone",
        "<@&1234567890123456789>",
        "**x**",
        "`" * 30,
        "[a](http://b.c)",
        "\u202e",
        "🙂" * 20,
    ):
        result = await server.type("skew", asset=typed)
        text = str([embed.to_dict() for embed in result.response.embeds])
        assert result.ephemeral
        assert "@everyone" not in text
        assert "<@&" not in text.replace("\\\\<", "")


def test_only_an_answer_that_is_the_same_for_all_is_shared() -> None:
    personal = {name for name, command in discover().items() if not command.shared}
    assert not personal & {"skew", "basis", "brief"}
    assert {"why", "status"} <= personal


async def test_looking_through_rate_limits_is_done_seldom(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[int] = []
    http = discord.http.HTTPClient(asyncio.get_running_loop())
    monkeypatch.setattr(http, "_try_clear_expired_ratelimits", lambda: swept.append(1))
    sweep_seldom(http)
    for number in range(300):
        http.get_ratelimit(str(number))
    assert swept == []
    monkeypatch.setattr("bot.delivery.discord.client.SWEEP_S", 0.0)
    http.get_ratelimit("one more")
    assert swept == [1]


async def test_what_many_ask_at_once_is_worked_out_once_and_what_is_personal_for_each(server: Server) -> None:
    asked: list[str] = []

    async def count(market: Market, request: Request) -> Answer:
        asked.append(request.options["way"])
        await asyncio.sleep(0)
        return Answer(title="t", body="b")

    for shared, times in ((True, 1), (False, 3)):
        command = replace(ACT, answer=count, shared=shared)
        server.client.tree.remove_command("act")
        add(server.client, slash(server.client.reception, command))
        asked.clear()
        for _ in range(3):
            await server.type("act", way="plain")
        assert len(asked) == times
        server.client.reception.market.adopt(replace(playbook(), hash=f"other {times}"))
        await server.type("act", way="plain")
        assert len(asked) == times + 1

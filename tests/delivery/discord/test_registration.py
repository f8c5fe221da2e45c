"""Telling Discord of the commands: what fails is said, tried again, and holds up nothing; whose application it is."""

import asyncio
import re
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.registration import APPLICATION, Registration
from bot.desk.desk import Desk
from bot.domain.channels import COMMANDS_FAILURE
from bot.errors import ConfigError
from tests.delivery.discord.conftest import connected, make_client
from tests.delivery.discord.fake import APP, FakeDiscord, Fault
from tests.delivery.discord.stand import Clock, Memory, wish


def refusal(status: int, code: int) -> Fault:
    return Fault(status=status, body={"code": code, "message": "no"})


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (refusal(400, 50035), "50035"),
        (refusal(403, 50001), "50001"),
        (refusal(400, 30034), "30034"),
        (refusal(503, 0), "503"),
        (Fault(status=403, raw="<html>blocked</html>"), "403"),
    ],
)
async def test_commands_that_discord_does_not_take_are_said_and_the_bot_is_there_all_the_same(
    desk: Desk, memory: Memory, fake: FakeDiscord, fault: Fault, why: str
) -> None:
    fake.fault("PUT", "/commands", fault)
    with capture_logs() as logs:
        async with connected(desk, memory) as client:
            assert client.arrived.is_set()
            assert client.registration.failure is not None
            assert why in client.registration.failure
            assert why in memory.notes.kept[COMMANDS_FAILURE]
            assert memory.notes.kept[COMMANDS_FAILURE].startswith("2026-02-06 14:00 UTC: ")
    assert [one["log_level"] for one in logs if one["event"] == "commands.refused"] == ["error"]


@pytest.mark.parametrize(
    "odd",
    [[{}], [{"id": "1"}], ["a command"], {"code": 0}, [{"id": None, "options": [{"type": "x"}]}], None, 7],
)
async def test_an_odd_answer_to_the_registration_is_said_and_tried_again(
    desk: Desk, memory: Memory, fake: FakeDiscord, clock: Clock, odd: Any
) -> None:
    fake.fault("PUT", "/commands", *[Fault(status=200, body=odd)] * 2)
    client = make_client(desk, memory)
    pauses_s = (0.01, 0.02)
    client.registration = Registration(
        memory, payload=client.payload, send=client.tree.sync, now=clock.now, pauses_s=pauses_s
    )
    with capture_logs() as logs:
        running = asyncio.create_task(client.start("token"))
        await fake.until(lambda: memory.notes.kept.get(COMMANDS_FAILURE) == "")
    refused = [one["reason"] for one in logs if one["event"] == "commands.refused"]
    assert len(refused) == 2
    assert all(re.fullmatch(r"Discord's answer is odd: \w+", reason) for reason in refused)
    assert len(fake.requests("PUT", "/commands")) == 3
    await client.close()
    await asyncio.wait({running}, timeout=5)
    assert all("/commands → 200" in problem for problem in fake.problems)  # as it was meant to be
    fake.problems.clear()


async def test_they_are_tried_again_until_discord_has_them(
    desk: Desk, memory: Memory, fake: FakeDiscord, clock: Clock
) -> None:
    fake.fault("PUT", "/commands", *[refusal(400, 50035)] * 3)
    client = make_client(desk, memory)
    client.registration = Registration(
        memory, payload=client.payload, send=client.tree.sync, now=clock.now, pauses_s=(0.01,)
    )
    running = asyncio.create_task(client.start("token"))
    await fake.until(lambda: len(fake.commands) > 0)
    await fake.until(lambda: memory.notes.kept.get(COMMANDS_FAILURE) == "")
    assert client.registration.failure is None
    assert len(fake.requests("PUT", "/commands")) == 4
    await client.close()
    await asyncio.wait({running}, timeout=5)


async def test_a_discord_that_is_slow_to_take_them_does_not_hold_up_the_start(
    desk: Desk, memory: Memory, fake: FakeDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.discord.registration.FIRST_WAIT_S", 0.1)
    fake.fault("PUT", "/commands", Fault(hang_s=1.0))
    async with connected(desk, memory) as client:
        assert client.arrived.is_set()
        assert fake.commands == []
        await fake.until(lambda: len(fake.commands) > 0)


async def test_another_applications_token_is_refused_with_the_way_out_and_nothing_is_deleted(
    desk: Desk, memory: Memory, fake: FakeDiscord
) -> None:
    memory.notes.kept[APPLICATION] = "1234"
    memory.subscriptions.wishes = [wish(guild=8555)]
    client = make_client(desk, memory)
    with pytest.raises(ConfigError, match=rf'application {APP}.*application 1234.*application = "{APP}"'):
        await client.start("token")
    await client.close()
    assert len(memory.subscriptions.wishes) == 1
    assert fake.requests("PUT", "/commands") == []


@pytest.mark.parametrize("known", [None, str(APP)])
async def test_the_first_application_and_the_same_again_are_taken(
    desk: Desk, memory: Memory, fake: FakeDiscord, known: str | None
) -> None:
    if known is not None:
        memory.notes.kept[APPLICATION] = known
    memory.subscriptions.wishes = [wish(guild=8555)]
    async with connected(desk, memory):
        assert memory.notes.kept[APPLICATION] == str(APP)


async def test_an_archive_without_servers_and_one_that_is_handed_over_are_taken(
    desk: Desk, memory: Memory, fake: FakeDiscord
) -> None:
    memory.notes.kept[APPLICATION] = "1234"
    async with connected(desk, memory):
        assert memory.notes.kept[APPLICATION] == str(APP)
    memory.notes.kept[APPLICATION] = "1234"
    memory.subscriptions.wishes = [wish()]
    client = TightropeClient(desk=desk, keeping=memory, guild_ready_timeout=0.1, application=str(APP))
    running = asyncio.create_task(client.start("token"))
    await asyncio.wait_for(client.arrived.wait(), 5)
    assert memory.notes.kept[APPLICATION] == str(APP)
    await client.close()
    await asyncio.wait({running}, timeout=5)


async def test_a_server_is_forgotten_after_a_day_of_absence_and_not_before(
    client: TightropeClient, memory: Memory, clock: Clock
) -> None:
    memory.subscriptions.wishes = [wish(), wish(channel=7009, guild=8555)]
    await client.reconcile()
    clock.at += timedelta(hours=23)
    await client.reconcile()
    assert memory.subscriptions.forgotten == []
    clock.at += timedelta(hours=1)
    await client.reconcile()
    assert memory.subscriptions.forgotten == ["8555"]


async def test_a_server_that_came_back_meanwhile_begins_its_day_anew(
    client: TightropeClient, memory: Memory, clock: Clock
) -> None:
    memory.subscriptions.wishes = [wish(channel=7009, guild=8555)]
    await client.reconcile()
    clock.at += timedelta(hours=20)
    kept = memory.subscriptions.wishes
    memory.subscriptions.wishes = []
    await client.reconcile()
    memory.subscriptions.wishes = kept
    await client.reconcile()
    clock.at += timedelta(hours=20)
    await client.reconcile()
    assert memory.subscriptions.forgotten == []


async def test_a_clock_that_is_put_back_forgets_nobody_early(
    client: TightropeClient, memory: Memory, clock: Clock
) -> None:
    memory.subscriptions.wishes = [wish(channel=7009, guild=8555)]
    clock.at += timedelta(days=40)
    await client.reconcile()
    clock.at -= timedelta(days=40)
    await client.reconcile()
    clock.at += timedelta(hours=23)
    await client.reconcile()
    assert memory.subscriptions.forgotten == []

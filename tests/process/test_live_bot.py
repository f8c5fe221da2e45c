"""What a live bot tells of itself, by its role and by what it has seen so far; nothing of it runs."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from bot.domain.channels import COMMANDS_FAILURE
from bot.errors import ArchiveError
from bot.playbook import CONFIG
from bot.process import run
from bot.process.run import LiveBot, Role
from bot.process.settings import Settings

NOW = datetime(2026, 2, 6, 14, tzinfo=UTC)
TOKEN = {"discord_token": "token"}


class Listening:
    """A source with a socket."""

    def __init__(self) -> None:
        self.started: list[tuple[str, ...]] = []

    async def start(self, assets: tuple[str, ...]) -> None:
        self.started.append(tuple(assets))


def live(
    role: Role = "all", *, notes: dict[str, str] | None = None, away: str | None = None, **given: Any
) -> tuple[LiveBot, Any]:
    """A bot that was not started, and the parts that it stands on; `away`: how the archive fails."""

    async def count() -> dict[str, int]:
        if away is not None:
            raise ArchiveError(away)
        return {"sent": 3, "unsent": 1}

    async def get(name: str) -> str | None:
        return (notes or {}).get(name)

    states = [
        SimpleNamespace(source="okx", heard_at=NOW, light="green"),
        SimpleNamespace(source="fred", heard_at=None, light="grey"),
    ]
    market = SimpleNamespace(
        memory=SimpleNamespace(troubles=SimpleNamespace(by_part={"ETH": "KeyError"}), heard_nothing=False),
        source_states=lambda: states,
        playbook=SimpleNamespace(hash="abcd"),
    )
    parts: Any = SimpleNamespace(
        archive=SimpleNamespace(outbox=SimpleNamespace(count=count), notes=SimpleNamespace(get=get)),
        desk=SimpleNamespace(market=market, sender=SimpleNamespace()),
        clock=SimpleNamespace(now=lambda: NOW, sleep=None),
        listening=(Listening(), Listening()),
        schedule=SimpleNamespace(runs={}),
    )
    return LiveBot(parts, Settings.model_validate(given), config=CONFIG, role=role), parts


async def test_it_tells_what_the_archive_and_the_sources_hold() -> None:
    bot, _ = live()
    vitals = await bot.look()
    assert (vitals.now, vitals.role, vitals.playbook) == (NOW, "all", "abcd")
    assert (vitals.outbox, vitals.archive_failure) == ({"sent": 3, "unsent": 1}, None)
    assert vitals.sources == {"okx": NOW, "fred": None}
    assert vitals.lights == {"okx": "green", "fred": "grey"}
    assert vitals.troubles == {"ETH": "KeyError"}
    assert (vitals.warnings, vitals.stall_s, vitals.poll_failure) == ((), 0.0, None)
    assert vitals.poll_every_s == Settings().poll.every_s
    assert vitals.polled_at is None


@pytest.mark.parametrize(
    ("away", "said"), [("database is locked", "database is locked"), ("", "no answer within 3 s")]
)
async def test_an_archive_that_does_not_answer_is_told_by_its_reason(away: str, said: str) -> None:
    bot, _ = live(away=away)
    vitals = await bot.look()
    assert (vitals.outbox, vitals.archive_failure) == (None, said)


@pytest.mark.parametrize(
    ("role", "given", "polls", "waits_for"),
    [
        ("all", {}, True, ()),
        ("all", TOKEN, True, ("the connection to Discord",)),
        ("poller", TOKEN, False, ("the lead",)),
        ("gateway", TOKEN, False, ("the connection to Discord",)),
        ("gateway", {**TOKEN, "discord": {"shard_ids": [0, 2], "shard_count": 4}}, False, ("shards 0, 2",)),
    ],
)
async def test_a_process_waits_for_what_is_anothers_by_its_role(
    role: Role, given: dict[str, Any], polls: bool, waits_for: tuple[str, ...]
) -> None:
    bot, _ = live(role, **given)
    vitals = await bot.look()
    assert (vitals.polls, vitals.waits_for, vitals.on_discord) == (polls, waits_for, False)
    bot.leads = True
    bot.connected_by(lambda: True)
    vitals = await bot.look()
    assert (vitals.polls, vitals.waits_for, vitals.on_discord) == (True, (), True)
    assert vitals.gateway_since is not None


async def test_each_warning_says_what_a_person_is_to_mend() -> None:
    bot, _ = live(notes={COMMANDS_FAILURE: "400 50035"})
    assert (await bot.look()).warnings == ("Discord has not taken the commands: 400 50035",)
    bot._refused, bot._clock_wrong = 2, "+90 s"
    assert (await bot.look()).warnings[1:] == (
        "the last reload was refused, 2 problem(s): ./tightrope check lists them",
        "the clock is wrong: +90 s",
    )


async def test_a_poll_counts_once_it_ended_well_and_its_failure_is_told() -> None:
    bot, parts = live()
    runs = parts.schedule.runs

    async def polled() -> tuple[bool, str | None]:
        bot._note_poll()
        vitals = await bot.look()
        return vitals.polled_at is not None, vitals.poll_failure

    assert await polled() == (False, None)
    runs["poll"] = SimpleNamespace(ended_at=None, failure=None)
    assert await polled() == (False, None)
    runs["poll"] = SimpleNamespace(ended_at=NOW, failure="KeyError")
    assert await polled() == (False, "KeyError")
    parts.desk.market.memory.heard_nothing = True
    runs["poll"] = SimpleNamespace(ended_at=NOW, failure=None)
    told = await polled()
    assert not told[0]
    assert told[1] is not None
    assert told[1].startswith("no source answers")
    parts.desk.market.memory.heard_nothing = False
    assert await polled() == (True, None)


async def test_sockets_are_opened_once_for_the_assets_of_the_settings() -> None:
    bot, parts = live(assets=["BTC", "ETH"])
    for _ in range(2):
        await bot._listen()
    assert [one.started for one in parts.listening] == [[("BTC", "ETH")]] * 2


async def test_each_beat_notes_how_long_the_loop_stood_still_and_whether_discord_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run, "BEAT_S", 0.0)
    bot, _ = live()
    started: list[bool] = []
    beaten = asyncio.Semaphore(0)
    watchdog: Any = SimpleNamespace(start=lambda: started.append(True), beat=beaten.release)
    bot.watchdog = watchdog
    there = False
    bot.connected_by(lambda: there)
    beating = asyncio.create_task(bot.beat())
    for _ in range(3):
        await asyncio.wait_for(beaten.acquire(), 10)
    assert (await bot.look()).gateway_at is None
    there = True
    time.sleep(0.2)  # noqa: ASYNC251 (it is to stand still)
    for _ in range(3):
        await asyncio.wait_for(beaten.acquire(), 10)
    beating.cancel()
    vitals = await bot.look()
    assert 0.1 < vitals.stall_s < 60.0
    assert vitals.gateway_at is not None
    assert started == [True]


async def test_each_night_what_is_older_than_the_settings_say_goes() -> None:
    pruned: list[tuple[datetime, dict[str, int]]] = []

    async def prune(at: datetime, **days: int) -> None:
        pruned.append((at, days))

    _, parts = live()
    parts.archive.prune = prune
    parts.desk.market.refresh = lambda: None
    settings = Settings.model_validate({"archive": {"minutes_days": 3, "hours_days": 99}})
    await run.night(parts, settings, NOW)
    assert pruned == [(NOW, {"minutes_days": 3, "hours_days": 99})]


@pytest.mark.parametrize(("role", "alone"), [("all", True), ("poller", False), ("gateway", False)])
async def test_a_bot_of_one_process_alone_sends_posts_that_nobody_claimed(
    role: Role, alone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[bool] = []

    @asynccontextmanager
    async def house(*_: object, alone: bool, **__: object) -> AsyncIterator[None]:
        opened.append(alone)
        if opened:
            raise ArchiveError("it is opened, and that is all")
        yield

    monkeypatch.setattr("bot.process.app.house", house)
    monkeypatch.setattr(run, "set_up_logs", lambda *_, **__: None)
    nothing: Any = None
    with pytest.raises(ArchiveError):
        await run.run(Settings(), nothing, nothing, role=role)
    assert opened == [alone]

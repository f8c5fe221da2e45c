"""One asset's trouble stays its own, and a poll in which nothing was heard is none that went well."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace
from structlog.testing import capture_logs

from bot.delivery.health import ills
from bot.desk.memory import DeskMemory
from bot.errors import ArchiveError, SourceUnavailable
from bot.playbook import CONFIG
from bot.process import app
from bot.process.doctor import Diagnosis
from bot.process.run import LiveBot
from bot.process.schedule import JobRun
from bot.process.settings import load

AT = datetime(2026, 2, 6, 14, tzinfo=UTC)


class Desk:
    """Polls as it is told: an asset's error, or none."""

    def __init__(self, **errors: Exception) -> None:
        self.errors = errors
        self.polled: list[str] = []
        self.delivered = 0
        self.market = SimpleNamespace(
            assets=("BTC", "ETH"),
            memory=DeskMemory(),
            source_states=tuple,
            playbook=SimpleNamespace(hash="abc"),
        )
        self.poller = self.sender = self
        self.filler: Any = None

    async def poll(self, asset: str, at: datetime) -> None:
        self.polled.append(asset)
        if asset in self.errors:
            raise self.errors[asset]

    async def deliver(self) -> None:
        self.delivered += 1


def parts_of(desk: Desk) -> Any:
    async def count() -> dict[str, int]:
        return {}

    async def get(name: str) -> None:
        return None

    archive = SimpleNamespace(outbox=SimpleNamespace(count=count), notes=SimpleNamespace(get=get))
    clock = SimpleNamespace(now=lambda: AT)
    return SimpleNamespace(desk=desk, archive=archive, clock=clock, schedule=SimpleNamespace(runs={}))


async def test_an_asset_that_raises_anything_loses_itself_alone_and_health_says_so() -> None:
    desk = Desk(BTC=KeyError("xx"))
    for minutes in (0, 5):
        await app.poll_all(parts_of(desk), AT + timedelta(minutes=minutes))
    assert desk.polled == ["BTC", "ETH"] * 2
    assert desk.delivered == 4
    bot = LiveBot(parts_of(desk), load(CONFIG, {}), config=Path("config"), role="all")
    assert ills(await bot.look()) == ("BTC failed: KeyError",)
    desk.errors.clear()
    await app.poll_all(parts_of(desk), AT)
    assert ills(await bot.look()) == ()


async def test_where_every_asset_fails_the_poll_fails() -> None:
    with pytest.raises(OSError, match="two"):
        await app.poll_all(parts_of(Desk(BTC=KeyError("one"), ETH=OSError("two"))), AT)


async def test_an_archive_that_fails_is_no_assets_own_trouble() -> None:
    desk = Desk(BTC=ArchiveError("the disk is full"))
    with pytest.raises(ArchiveError):
        await app.poll_all(parts_of(desk), AT)
    assert desk.market.memory.troubles.by_part == {}


async def test_a_poll_in_which_nothing_was_heard_is_not_well() -> None:
    desk = Desk()
    parts = parts_of(desk)
    bot = LiveBot(parts, load(CONFIG, {}), config=Path("config"), role="all")
    desk.market.memory.note_poll("BTC", heard=False)
    parts.schedule.runs["poll"] = JobRun(started_at=AT, ended_at=AT + timedelta(seconds=9))
    bot._note_poll()
    vitals = await bot.look()
    assert vitals.polled_at is None
    [ill] = ills(replace(vitals, started_at=AT - timedelta(minutes=16)))
    assert "no poll has ended well" in ill
    assert "no source answers" in ill
    desk.market.memory.note_poll("ETH", heard=True)
    bot._note_poll()
    polled_at = (await bot.look()).polled_at
    assert polled_at is not None
    assert AT - polled_at < timedelta(seconds=time.monotonic())


async def test_a_clock_that_is_wrong_is_said_once_and_health_warns(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = parts_of(desk := Desk())
    desk.market.playbook.banks = {"en": SimpleNamespace(words={})}
    parts.http = None
    bot = LiveBot(parts, load(CONFIG, {}), config=Path("config"), role="all")
    found = [
        Diagnosis(what="clock", well=False, says="nothing to compare it with: no network"),
        Diagnosis(
            what="clock", well=False, says="+3600 s against the venue's: set this machine's clock (NTP)"
        ),
        Diagnosis(
            what="clock", well=False, says="+3600 s against the venue's: set this machine's clock (NTP)"
        ),
        Diagnosis(what="clock", well=True, says="+0 s against the venue's"),
    ]
    warned: list[tuple[str, ...]] = []

    async def look(http: object, words: object) -> Diagnosis:
        return found.pop(0)

    monkeypatch.setattr(app, "look_at_clock", look)
    with capture_logs() as logs:
        while found:
            await bot.compare_clocks(AT)
            warned.append((await bot.look()).warnings)
    assert [one["event"] for one in logs] == ["clock.wrong"]
    assert [len(one) for one in warned] == [0, 1, 1, 0]
    assert "set this machine's clock" in warned[1][0]


async def test_the_clock_is_looked_at_again_though_a_look_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    parts, looks, enough = parts_of(desk := Desk()), list[object](), asyncio.Event()
    desk.market.playbook.banks, parts.http = {"en": SimpleNamespace(words={})}, None

    async def look(http: object, words: object) -> Diagnosis:
        looks.append(http)
        if len(looks) == 1:
            raise RuntimeError("a venue of which nobody thought")
        enough.set()
        return Diagnosis(what="clock", well=True, says="+0 s")

    monkeypatch.setattr(app, "look_at_clock", look)
    monkeypatch.setattr("bot.process.run.CLOCK_AFTER_S", 0.0)
    monkeypatch.setattr("bot.process.run.CLOCK_EVERY_S", 0.02)
    bot = LiveBot(parts, load(CONFIG, {}), config=Path("config"), role="all")
    bot.chores.start()
    await asyncio.wait_for(enough.wait(), 20)
    await bot.chores.stop(1.0)
    assert len(looks) >= 2


async def test_a_start_without_a_network_fills_its_past_once_there_is_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.process.run.FILL_AGAIN_S", 0.0)
    parts, tries = parts_of(desk := Desk()), []

    async def fill(assets: tuple[str, ...], days: int, step: object) -> tuple[()]:
        tries.append((assets, days))
        if len(tries) < 3:
            raise SourceUnavailable("no source answers")
        return ()

    desk.filler = SimpleNamespace(fill=fill)
    bot = LiveBot(parts, load(CONFIG, {}), config=Path("config"), role="all")
    with capture_logs() as logs:
        await bot.fill()
    assert tries == [(("BTC", "ETH"), 365)] * 3
    assert [(one["event"], one["gaps"]) for one in logs] == [("past.filled", 0)]

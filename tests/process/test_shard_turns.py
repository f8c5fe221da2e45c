"""A process is on Discord while its shards are its own, and waits for them while they are another's."""

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

import bot.delivery.discord
from bot.errors import ArchiveError
from bot.process import shards
from bot.process.settings import Discord

OURS = Discord.model_validate({"shard_ids": [0, 2], "shard_count": 4})


class Turns:
    """The lock of some shards: it answers from a list, and is held for good after it; it cannot be let go of."""

    def __init__(self, *answers: bool | None) -> None:
        self.answers = list(answers)
        self.released = 0

    async def acquire(self) -> bool:
        answer = self.answers.pop(0) if self.answers else True
        if answer is None:
            raise ArchiveError("the database is away")
        return answer

    async def release(self) -> None:
        self.released += 1
        raise ArchiveError("the database is away")


async def test_it_connects_when_the_shards_are_its_own_and_leaves_when_they_are_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    runs = 0
    again = asyncio.Event()

    async def run_discord(token: str, desk: Any, keeping: Any, *, make: Any) -> None:
        nonlocal runs
        runs += 1
        told.append(f"on Discord with {token}")
        if runs == 2:
            again.set()
        try:
            await asyncio.Event().wait()
        finally:
            told.append("off")

    def alive(ask: Callable[[], bool] | None) -> None:
        told.append("another's" if ask is None else f"connected: {ask()}")

    monkeypatch.setattr(bot.delivery.discord, "run_discord", run_discord)
    monkeypatch.setattr(shards, "LOOK_S", 0.0)
    lock, asked = Turns(False, None, True, True, False, False, True), list[tuple[int, ...]]()

    def locks(ids: tuple[int, ...]) -> Turns:
        asked.append(tuple(ids))
        return lock

    sender = SimpleNamespace(remove_surface=lambda name: told.append(f"without {name}"))
    parts: Any = SimpleNamespace(archive=SimpleNamespace(shards=locks), desk=SimpleNamespace(sender=sender))
    with capture_logs() as logs:
        running = asyncio.create_task(shards.on_discord(parts, "token", OURS, alive))
        await asyncio.wait_for(again.wait(), 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert asked == [(0, 2)]
    assert lock.released == 1
    assert told == [
        "another's",
        "connected: False",
        "on Discord with token",
        "off",
        "without discord",
        "another's",
        "connected: False",
        "on Discord with token",
        "off",
    ]
    assert [(one["event"], one.get("shards"), one.get("reason")) for one in logs] == [
        ("shards.unknown", None, "the database is away"),
        ("shards.owned", [0, 2], None),
        ("shards.lost", [0, 2], None),
        ("shards.owned", [0, 2], None),
    ]


async def test_what_ends_the_connection_for_good_ends_the_process_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run_discord(*_: Any, **__: Any) -> None:
        raise KeyError("token")

    monkeypatch.setattr(bot.delivery.discord, "run_discord", run_discord)
    lock = Turns(True)
    parts: Any = SimpleNamespace(archive=SimpleNamespace(shards=lambda ids: lock), desk=None)
    with pytest.raises(KeyError):
        await shards.on_discord(parts, "token", OURS, lambda ask: None)
    assert lock.released == 1

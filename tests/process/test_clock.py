"""What the machine's clock does to the bot: a jump ahead of ten years, a stop of minutes."""

import io
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from rich.console import Console as Terminal

from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process import run as life
from bot.process.demo import read_tape
from bot.process.settings import load

pytestmark = pytest.mark.timeout(120)


async def test_ten_years_ahead_a_poll_and_the_night_end_and_nothing_stored_is_dropped() -> None:
    settings = load(CONFIG, {}).model_copy(update={"assets": ("BTC",)})
    tape = read_tape("february-2026")
    terminal = Terminal(file=io.StringIO())
    async with app.house(settings, read_playbook(), terminal=terminal, tape=tape) as parts:
        for _ in range(3):
            await app.poll_all(parts, parts.clock.now())
            parts.clock.set(parts.clock.now() + timedelta(minutes=5))  # type: ignore[attr-defined]
        heard = await parts.archive.points.latest()
        assert len(heard) > 100
        parts.clock.set(parts.clock.now() + timedelta(days=3653))  # type: ignore[attr-defined]
        begun_s = time.monotonic()
        await app.poll_all(parts, parts.clock.now())
        await life.night(parts, settings, parts.clock.now())
        assert time.monotonic() - begun_s < 30
        since = tape.starts_at - timedelta(days=1)
        kept = await parts.archive.points.series("BTC", since, tape.starts_at + timedelta(days=1))
        assert sum(len(one.at_ms) for one in kept) >= len(heard)
        assert parts.desk.market.memory.troubles.by_part == {}


WATCHED = """
import asyncio
from bot.process.watchdog import Watchdog
async def live():
    watchdog = Watchdog(2.0)
    watchdog.start()
    print("begun", flush=True)
    for _ in range(10):
        watchdog.beat()
        await asyncio.sleep(0.5)
        print("beats", flush=True)
    watchdog.stop()
asyncio.run(live())
print("ended", flush=True)
"""


def test_a_process_that_is_stopped_for_longer_than_its_watchdog_waits_lives_on(root: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", WATCHED],
        env={"PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    assert process.stdout.readline() == "beats\n"
    process.send_signal(signal.SIGSTOP)
    time.sleep(5)  # more than twice as long as it waits for a beat
    process.send_signal(signal.SIGCONT)
    told, trace = process.communicate(timeout=40)
    assert told.endswith("ended\n"), trace
    assert process.returncode == 0

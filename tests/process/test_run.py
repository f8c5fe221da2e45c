"""The live bot as a process: ready, well, reloaded, refused a second time, and stopped in time with nothing
open."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from bot.playbook import CONFIG

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]
PATIENCE_S = 90


class Running(Struct, frozen=True, kw_only=True):
    """A bot of its own, without a network."""

    process: subprocess.Popen[str]
    port: int
    folder: Path
    log: Path

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as reply:
                return reply.status, reply.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text("utf-8").splitlines() if line.startswith("{")]

    def until(self, holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                if holds():
                    return
            except OSError:
                pass
            assert self.process.poll() is None, self.log.read_text("utf-8")
            time.sleep(0.1)
        raise AssertionError(self.log.read_text("utf-8"))

    def heard_of(self, event: str) -> bool:
        return any(one["event"] == event for one in self.events())


def environment(root: Path, port: int) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("DISCORD_", "DATABASE_"))
    }
    more = {
        "PYTHONPATH": str(root),
        "TIGHTROPE_PAGE__PORT": str(port),
        "TIGHTROPE_SOURCES": '["deribit"]',
        "TIGHTROPE_POLL__BACKFILL_DAYS": "0",
        "https_proxy": "http://127.0.0.1:9",
    }
    return {**kept, **more}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextlib.contextmanager
def started(root: Path, folder: Path, name: str = "bot", role: str = "all", **more: str) -> Iterator[Running]:
    """A bot that answers, killed at the end. Bots of one folder share its archive."""
    with starting(root, folder, name, role, **more) as bot:
        bot.until(lambda: bot.get("/healthz"))
        yield bot


@contextlib.contextmanager
def starting(
    root: Path, folder: Path, name: str = "bot", role: str = "all", **more: str
) -> Iterator[Running]:
    """A bot that has just been started, killed at the end."""
    port, log = free_port(), folder / f"{name}.log"
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "bot", "run", "--config", str(folder / "config"), "--role", role],
            cwd=folder,
            env={**environment(root, port), **more},
            stdout=stream,
            stderr=stream,
            text=True,
        )
        bot = Running(process=process, port=port, folder=folder, log=log)
        try:
            yield bot
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a configuration of its own."""
    shutil.copytree(CONFIG, tmp_path / "config")
    return tmp_path


@pytest.fixture
def running(root: Path, home: Path) -> Iterator[Running]:
    with started(root, home) as bot:
        yield bot


def run(bot: Running, root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "bot", *arguments, "--config", str(bot.folder / "config")],
        cwd=bot.folder,
        env=environment(root, bot.port),
        capture_output=True,
        text=True,
        check=False,
    )


def change_a_rule(bot: Running) -> None:
    path = bot.folder / "config" / "rules" / "price.toml"
    text = path.read_text("utf-8")
    assert "interest = 3" in text
    path.write_text(text.replace("interest = 3", "interest = 4", 1), encoding="utf-8")


def test_the_bot_without_a_network_runs_counts_its_gaps_and_stops_in_time(
    running: Running, root: Path
) -> None:
    running.until(lambda: running.heard_of("poll.done"))
    status, told = running.get("/healthz")
    assert (status, json.loads(told)["status"]) == (200, "ok")
    assert 'tightrope_source_gaps_total{source="deribit"}' in running.get("/metrics")[1]
    assert sum(one["event"] == "network.none" for one in running.events()) == 1
    assert not running.heard_of("source.gap")
    second = run(running, root, "run")
    assert second.returncode != 0
    begun = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(timeout=15) == 0
    assert time.monotonic() - begun < 10
    assert running.heard_of("life.ending")


def test_what_is_said_without_a_network_is_ten_lines_at_most(root: Path, home: Path) -> None:
    every = tomllib.loads((home / "config" / "bot.toml").read_text("utf-8"))["sources"]
    assert len(every) > 8
    more = {"TIGHTROPE_SOURCES": json.dumps(every), "TIGHTROPE_POLL__BACKFILL_DAYS": "90"}
    with started(root, home, TIGHTROPE_POLL__EVERY_S="30", TIGHTROPE_POLL__JITTER_S="0", **more) as bot:
        bot.until(lambda: sum(one["event"] == "poll.done" for one in bot.events()) >= 4)
        lines = [line for line in bot.log.read_text("utf-8").splitlines() if '"poll.done"' not in line]
    assert len(lines) <= 6, lines
    [told] = [one for one in bot.events() if one["event"] == "network.none"]
    assert "HTTPS_PROXY" in told["reason"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc: nothing lists what a process has loaded")
def test_what_draws_is_loaded_before_anybody_asks(running: Running) -> None:
    loaded = Path(f"/proc/{running.process.pid}/maps")
    running.until(lambda: all(name in loaded.read_text("utf-8") for name in ("pandas/_libs", "_backend_agg")))


def test_changed_files_are_taken_on_a_hangup_and_broken_ones_are_not(running: Running, root: Path) -> None:
    before = json.loads(running.get("/healthz")[1])["playbook"]
    broken = running.folder / "config" / "rules" / "odd.toml"
    broken.write_text("[[rule]]\nid = 'odd'\n", encoding="utf-8")
    running.process.send_signal(signal.SIGHUP)
    running.until(lambda: running.heard_of("reload.refused"))
    assert json.loads(running.get("/healthz")[1])["playbook"] == before
    assert run(running, root, "reload").returncode == 2
    assert "tightrope_reload_successful 0.0" in running.get("/metrics")[1]
    [warning] = json.loads(running.get("/healthz")[1])["warnings"]
    assert "./tightrope check" in warning
    broken.unlink()
    change_a_rule(running)
    running.process.send_signal(signal.SIGHUP)
    running.until(lambda: running.heard_of("reload.done"))
    assert "tightrope_reload_successful 1.0" in running.get("/metrics")[1]
    assert json.loads(running.get("/healthz")[1])["playbook"] != before
    [done] = [one for one in running.events() if one["event"] == "reload.done"]
    assert {"price-rally", "price-slide"} <= set(
        done["changed"]
    )  # the two steps of the ladder that was changed
    assert run(running, root, "reload").returncode == 0


def signals(process: subprocess.Popen[str], what: str) -> int:
    """The signals that a process ignores (SigIgn) or catches (SigCgt), as the bits of a number; none where it is gone."""
    lines = Path(f"/proc/{process.pid}/status").read_text("utf-8").splitlines()
    return next((int(line.split()[1], 16) for line in lines if line.startswith(what)), 0)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="no /proc: nothing says which signals a process heeds")
def test_a_hangup_while_the_bot_starts_ends_nothing_and_is_heeded_once_it_listens(
    root: Path, home: Path
) -> None:
    hangup = 1 << (signal.SIGHUP - 1)
    with starting(root, home) as bot:
        bot.until(lambda: (signals(bot.process, "SigIgn") | signals(bot.process, "SigCgt")) & hangup)
        with pytest.raises(OSError, match="refused"):  # nobody answers yet
            bot.get("/healthz")
        bot.process.send_signal(signal.SIGHUP)
        bot.until(lambda: signals(bot.process, "SigCgt") & hangup)
        with pytest.raises(OSError, match="refused"):  # nobody answers yet
            bot.get("/healthz")
        bot.process.send_signal(signal.SIGHUP)
        bot.until(lambda: bot.heard_of("reload.done"))
        assert bot.process.poll() is None


def latin_1(path: Path) -> None:
    path.write_bytes(b'a = "\xe9"\n')


def a_folder(path: Path) -> None:
    path.mkdir()


def deeply_nested(path: Path) -> None:
    path.write_text(f"a = {'[' * 5000}", encoding="utf-8")


def an_endless_key(path: Path) -> None:
    path.write_text(f"{'a.' * 50_000}a = 1", encoding="utf-8")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def test_a_hangup_with_files_that_cannot_be_read_changes_nothing_and_ends_nothing(running: Running) -> None:
    before = json.loads(running.get("/healthz")[1])["playbook"]
    for number, make in enumerate((latin_1, a_folder, deeply_nested, an_endless_key, a_pipe, a_device), 1):
        make(running.folder / "config" / "rules" / "odd.toml")
        running.process.send_signal(signal.SIGHUP)
        running.until(partial(refused_times, running, number))
        odd = running.folder / "config" / "rules" / "odd.toml"
        odd.rename(running.folder / f"odd{number}")
    (running.folder / "config" / "rules" / ".#price.toml").symlink_to("me@host.1:2")
    running.process.send_signal(signal.SIGHUP)
    running.until(lambda: running.heard_of("reload.done"))
    assert json.loads(running.get("/healthz")[1])["playbook"] == before
    assert running.process.poll() is None


def refused_times(bot: Running, times: int) -> bool:
    return sum(one["event"] == "reload.refused" for one in bot.events()) == times


def test_a_second_poller_takes_over_from_one_that_was_killed(root: Path, home: Path) -> None:
    with started(root, home, "first", "poller") as first:
        first.until(lambda: first.heard_of("lead.taken"))
        with started(root, home, "second", "poller") as second:
            status, told = second.get("/healthz")
            standing_by = json.loads(told)
            assert (status, standing_by["status"], standing_by["stands_by_for"]) == (200, "ok", ["the lead"])
            assert standing_by["polls"] is False
            assert json.loads(first.get("/healthz")[1])["stands_by_for"] == []
            first.process.kill()
            killed_at = time.monotonic()
            second.until(lambda: second.heard_of("lead.taken"))
            assert time.monotonic() - killed_at < 15
            second.until(lambda: second.heard_of("poll.done"))
            [taken] = [one for one in second.events() if one["event"] == "lead.taken"]
            assert taken["epoch"] == 2


def test_systemd_hears_of_the_start_of_each_second_and_of_the_end(root: Path, home: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(home / "notify"))
        told.settimeout(PATIENCE_S)
        with started(root, home, NOTIFY_SOCKET=str(home / "notify")) as bot:
            assert [told.recv(100) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            bot.process.send_signal(signal.SIGTERM)
            while (word := told.recv(100)) == b"WATCHDOG=1":
                pass
            assert word == b"STOPPING=1"


STALLED = """
import asyncio, time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from bot.process import run as life
from bot.process.settings import load
life.WATCHDOG_S = 2.0
clock = SimpleNamespace(now=lambda: datetime.now(UTC))
parts = SimpleNamespace(
    clock=clock, archive=None, desk=SimpleNamespace(sender=None), schedule=SimpleNamespace(runs={})
)
async def stand_still():
    one = life.LiveBot(parts, load(Path("config"), {}), config=Path("config"), role="all")
    beating = asyncio.create_task(one.beat())
    await asyncio.sleep(3)  # longer than the watchdog waits: it beats
    print("beats", flush=True)
    time.sleep(30)
asyncio.run(stand_still())
"""


def test_a_loop_that_stands_still_for_good_says_where_and_ends_the_process(root: Path, home: Path) -> None:
    begun = time.monotonic()
    ended = subprocess.run(
        [sys.executable, "-P", "-c", STALLED],
        cwd=home,
        env=environment(root, 0),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout == "beats\n", ended.stderr
    assert ended.returncode == 1
    assert "in stand_still" in ended.stderr
    assert time.monotonic() - begun < 25

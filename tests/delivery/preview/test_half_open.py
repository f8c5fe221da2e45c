"""Five hundred connections that never say what they want, at a process with 256 files."""

import asyncio
import contextlib
import json
import os
import resource
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

FILES = 256
HALF_OPEN = 500


@contextlib.contextmanager
def running(root: Path, folder: Path, port: int) -> Iterator[Popen[str]]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(root),
        "DATABASE_URL": f"sqlite:///{folder / 'archive.sqlite'}",
        "TIGHTROPE_PAGE__PORT": str(port),
        "TIGHTROPE_SOURCES": '["deribit"]',
        "TIGHTROPE_POLL__EVERY_S": "30",
        "TIGHTROPE_POLL__JITTER_S": "0",
        "TIGHTROPE_POLL__BACKFILL_DAYS": "0",
        "https_proxy": "http://127.0.0.1:9",
    }
    environment.pop("DISCORD_TOKEN", None)
    process = Popen(
        [sys.executable, "-P", "-m", "bot", "run"],
        env=environment,
        cwd=folder,
        stdout=PIPE,
        stderr=STDOUT,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES)),  # noqa: PLW1509
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def ask(port: int, path: str) -> tuple[int, str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
        return reply.status, reply.read().decode()


async def wait_for(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError):
            ask(port, "/healthz")
            return
        await asyncio.sleep(0.2)
    raise AssertionError("it does not answer")


async def test_500_half_open_requests_neither_stop_a_poll_nor_fill_the_log(
    root: Path, tmp_path: Path, unused_tcp_port: int
) -> None:
    with running(root, tmp_path, unused_tcp_port) as bot:
        await wait_for(unused_tcp_port)
        held = []
        for number in range(HALF_OPEN):
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
                writer.write(b"GET / HTTP/1.1\r\nHost: " if number % 2 else b"G")
                held.append((reader, writer))
        assert len(held) > HALF_OPEN * 0.9
        status, page = await asyncio.to_thread(ask, unused_tcp_port, "/")
        assert (status, "tightrope" in page) == (200, True)
        await asyncio.sleep(35)  # a poll interval
        assert json.loads((await asyncio.to_thread(ask, unused_tcp_port, "/healthz"))[1])["status"] == "ok"
        assert bot.poll() is None
        bot.terminate()
        told, _ = bot.communicate(timeout=20)
        for _, writer in held:
            writer.close()
    lines = told.splitlines()
    assert sum('"poll.done"' in line for line in lines) >= 4
    assert sum('"page.full"' in line for line in lines) == 1
    assert len(lines) < 25
    assert "Traceback" not in told
    assert "Too many open files" not in told

"""The README: every command in it is run here, the five steps against a Discord of our own, and its pictures
can be made again."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO
from urllib.request import urlopen

import pytest

from bot.archive import open_archive
from bot.commands import discover
from bot.domain.facts import Point
from bot.sources import available
from tests.cli.test_main import market, recording
from tests.delivery.discord.fake import CHANNEL, FakeDiscord

__all__ = ["recording"]

ROOT = Path(__file__).resolve().parents[1]
COMMAND = re.compile(r"\./tightrope(?: [^\s`#]+)+")
NOBODY = "http://127.0.0.1:9"  # a proxy that nothing listens at: no test asks a venue

RUN_HERE = {
    "demo": "test_the_demo_serves_a_page_until_it_is_stopped",
    "demo --once": "test_the_demo_plays_to_its_end",
    "test": "test_the_tests_run_through_the_door",
    "doctor": "test_the_five_steps_lead_to_a_channel_that_is_served",
    "run": "test_the_five_steps_lead_to_a_channel_that_is_served",
    "check": "test_the_files_are_checked",
    "check --watch": "test_the_watch_begins_and_ends",
    "brief BTC": "test_without_a_network_the_brief_says_what_is_missing",
    "backfill": "test_without_a_network_the_backfill_says_what_is_missing",
    "audit": "test_without_a_network_the_audit_says_what_is_missing",
    "record DIR": "test_without_a_network_the_recording_says_what_was_not_heard",
    "backup FILE": "test_a_backup_is_made_and_put_back",
    "measure --recording DIR": "test_a_recording_is_measured",
    "judge FILE": "test_stated_facts_are_judged",
    "factcheck TEXT --facts FILE": "test_a_text_is_checked_against_facts",
}
"""Each command as the README spells it, and the test below that runs it."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An archive of its own, a page on any free port, no token and no way to a venue."""
    told = {key: value for key, value in os.environ.items() if not key.startswith(("DISCORD", "TIGHTROPE"))}
    proxies = dict.fromkeys(("HTTPS_PROXY", "https_proxy"), NOBODY)
    url = f"sqlite+aiosqlite:///{tmp_path / 'archive.sqlite'}"
    return {**told, **proxies, "no_proxy": "127.0.0.1", "DATABASE_URL": url, "TIGHTROPE_PAGE__PORT": "0"}


def door(environment: Mapping[str, str], *arguments: object, code: int = 0, within_s: float = 120) -> str:
    """What `./tightrope` prints, its complaint with it where it ends with one; its exit code is looked at."""
    done = subprocess.run(
        [str(ROOT / "tightrope"), *map(str, arguments)],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=within_s,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr if code else done.stdout


@contextmanager
def running(
    command: Sequence[str], environment: Mapping[str, str]
) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A process and its output; killed if it is still there at the end."""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**environment, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no threads here yet
    ) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def line_with(words: str, output: IO[str]) -> str:
    """The first line that holds some words; fails where the output ends without it."""
    for line in output:
        if words in line:
            return line
    raise AssertionError(f"{words!r} was never said")


def test_every_command_of_the_readme_is_run_by_a_test_here() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = {found.removeprefix("./tightrope ").strip() for found in COMMAND.findall(text)}
    told = {re.sub(r" (--all|--impact \d+|--days \d+)$", "", command) for command in commands}
    assert told == set(RUN_HERE)
    assert set(RUN_HERE.values()) <= set(globals())


def test_every_command_of_the_channel_is_named_and_there() -> None:
    named = set(re.findall(r"`/([a-z]+)`", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert named == set(discover()) | {"setup"}


def test_every_source_that_is_asked_is_named() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8").lower()
    assert [name for name in available() if name not in text] == []


def test_every_picture_of_the_readme_is_there_and_described() -> None:
    pictures = re.findall(r"!\[([^\]]*)\]\(([^)]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert pictures
    maker = (ROOT / "benchmarks" / "screenshots.py").read_text(encoding="utf-8")
    for words, path in pictures:
        assert len(words.split()) >= 4, path
        assert (ROOT / path).is_file()
        assert Path(path).stem.split("-")[0] in maker, path


def test_every_page_that_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = set(re.findall(r"(?:docs/)?[\w-]+\.md", text))
    assert {"CONTRIBUTING.md", "CHANGELOG.md", "docs/glossary.md", "docs/benchmarks.md"} <= pages
    assert [page for page in pages if not (ROOT / page).is_file()] == []


# ── the two commands ────────────────────────────────────────────────────────────────────────────────────────


def posts_of_the_readme() -> list[str]:
    """The scheduled posts that the README shows."""
    shown = re.findall(r"```text\n(.+?)\n```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    return [post for post in shown if post.splitlines()[0].endswith("· scheduled")]


def test_the_readme_shows_posts() -> None:
    assert len(posts_of_the_readme()) == 3


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_demo_plays_to_its_end(environment: dict[str, str]) -> None:
    said = door(environment, "demo", "--once", within_s=200)
    assert "7 Feb 2026" in said
    told = " ".join(said.replace("─", "").split())
    for post in posts_of_the_readme():
        for part in post.split("\n\n"):
            assert " ".join(part.split()) in told, part
    assert "· not advice" in " ".join(said.split())


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_demo_serves_a_page_until_it_is_stopped(environment: dict[str, str]) -> None:
    with running([str(ROOT / "tightrope"), "demo", "--port", "0"], environment) as (process, output):
        address = line_with("The page is at", output).split()[-1]
        with urlopen(address, timeout=30) as reply:
            assert b"Tightrope" in reply.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_tests_run_through_the_door(environment: dict[str, str]) -> None:
    # One file of them: all would run this one again.
    assert " passed" in door(environment, "test", "tests/process/test_settings.py", "-p", "no:cacheprovider")


# ── the five steps ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_the_five_steps_lead_to_a_channel_that_is_served(
    environment: dict[str, str], tmp_path: Path
) -> None:
    token = tmp_path / "token"  # step 2: a file that only we may read
    token.write_text("a.b.c\n", encoding="utf-8")
    token.chmod(0o600)
    # Sources that listen at sockets would go round the proxy.
    sources = json.dumps(["kraken", "bitget"])
    environment |= {"DISCORD_TOKEN_FILE": str(token), "PYTHONPATH": str(ROOT), "TIGHTROPE_SOURCES": sources}
    async with FakeDiscord(checked=False) as fake:
        at_the_fake = [sys.executable, "-m", "tests.delivery.discord.at_the_fake", str(fake.port)]
        # Step 3: the invitation. The venues cannot be reached, so the doctor finds something ill.
        asked = await asyncio.create_subprocess_exec(
            *at_the_fake, "doctor", cwd=ROOT, env=environment, stdout=asyncio.subprocess.PIPE
        )
        said = (await asked.communicate())[0].decode()
        assert asked.returncode == 1
        [invitation] = re.findall(r"https://discord\.com/\S+", said)
        assert "permissions=" in invitation
        assert "scope=bot" in invitation
        # Step 4: run. Step 5: /setup in the channel.
        bot = await asyncio.create_subprocess_exec(
            *at_the_fake,
            "run",
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            await fake.until(lambda: fake.commands and fake.live, within_s=60)
            pressed = await fake.slash("setup", permissions=str(1 << 5), wait_s=30)
            assert pressed.private
            assert "embeds" in pressed.shown
        finally:
            bot.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(bot.wait(), 20) == 0
    archive = await open_archive(environment["DATABASE_URL"])
    try:
        assert [wish.channel for wish in await archive.subscriptions.find(channel=f"discord:{CHANNEL}")]
    finally:
        await archive.aclose()


# ── run it ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_files_are_checked(environment: dict[str, str]) -> None:
    assert "rule cases at" in door(environment, "check")


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_the_watch_begins_and_ends(environment: dict[str, str]) -> None:
    now = datetime.now(UTC)
    await filled(environment, Point(metric="basis_60d_pct", asset="BTC", at=now, value=7.0, venue=None))
    with running([str(ROOT / "tightrope"), "check", "--watch"], environment) as (process, output):
        assert "all cases pass" in line_with("watching", output)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 130


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_without_a_network_the_brief_says_what_is_missing(environment: dict[str, str]) -> None:
    assert "not enough data" in door(environment, "brief", "BTC")


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_without_a_network_the_audit_says_what_is_missing(environment: dict[str, str]) -> None:
    assert "missing: deribit BTC" in door(environment, "audit", code=3)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_without_a_network_the_recording_says_what_was_not_heard(
    environment: dict[str, str], tmp_path: Path
) -> None:
    said = door(environment, "record", tmp_path / "poll", code=1)
    assert "not heard: https://www.deribit.com/api/v2/public/get_index_price?index_name=btc_usd" in said
    assert "0 messages from wss://" in said
    assert (tmp_path / "poll" / "recording.json").is_file()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_without_a_network_the_backfill_says_what_is_missing(environment: dict[str, str]) -> None:
    assert "no source answers" in (said := door(environment, "backfill", code=3))
    assert "HTTPS_PROXY" in said


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_backup_is_made_and_put_back(environment: dict[str, str], tmp_path: Path) -> None:
    at = datetime.now(UTC) - timedelta(hours=1)
    await filled(environment, Point(metric="basis_60d_pct", asset="BTC", at=at, value=7.0, venue=None))
    copy = tmp_path / "copy.sqlite"
    assert str(copy) in door(environment, "backup", copy)
    assert "restored" in door(environment, "restore", copy)
    assert "1 points" in door(environment, "export", tmp_path / "points.csv")


async def filled(environment: Mapping[str, str], *points: Point) -> None:
    """An archive that holds something."""
    archive = await open_archive(environment["DATABASE_URL"])
    await archive.points.add(points)
    await archive.aclose()


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_recording_is_measured(environment: dict[str, str], recording: Path) -> None:
    told = json.loads(door(environment, "measure", "--recording", recording))
    assert told["metrics"]["atm_iv_30d_pct"] == pytest.approx(50, abs=0.5)


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_stated_facts_are_judged(environment: dict[str, str], tmp_path: Path) -> None:
    told = json.loads(door(environment, "judge", market(tmp_path / "market.json")))
    assert told["verdict"]["stance"] == "bearish"


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_a_text_is_checked_against_facts(environment: dict[str, str], tmp_path: Path) -> None:
    text = tmp_path / "text.md"
    text.write_text("Two-month skew stands at 20%, and the futures basis at 4%.\n", encoding="utf-8")
    refused = door(environment, "factcheck", text, "--facts", market(tmp_path / "market.json"), code=1)
    assert refused.split() == ["4%"]

"""The running bot as its operator sees it: over a real archive, and with what goes wrong said."""

import io
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from bot.archive import open_archive
from bot.delivery.discord.permissions import invitation as asked_by_doctor
from bot.desk.sender import Sender
from bot.desk.worth import PostWorth
from bot.domain.channels import KeptChannel
from bot.domain.posts import Card, Post, Subscription
from bot.errors import ChannelRefused, ConfigError, Problem
from bot.process.logs import LogKeeper, set_up_logs
from bot.process.operation import BotOperation, invitation
from bot.process.settings import Settings

NOW = datetime(2026, 2, 6, 14, tzinfo=UTC)


class OpenSurface:
    """Takes tests, or refuses them."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.shown: list[tuple[str, str]] = []

    async def show(self, post: Post, card: Card) -> str | None:
        raise AssertionError("a test is no post")

    async def try_out(self, channel: str, card: Card) -> None:
        if self.refuses:
            raise ChannelRefused(f"{channel}: no permission")
        self.shown.append((channel, card.title))


class PlainSurface:
    """Takes posts alone."""

    async def show(self, post: Post, card: Card) -> str | None:
        return None


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Any]:
    """An operation over an archive in a file, its sender's surfaces, and its reload."""
    settings = Settings.model_validate({"archive": {"url": f"sqlite+aiosqlite:///{tmp_path}/bot.sqlite"}})
    archive = await open_archive(settings.archive.url.get_secret_value())
    surface, reloads = OpenSurface(), list[str]()
    market: Any = SimpleNamespace(now=lambda: NOW)
    cards: Any = SimpleNamespace()
    sender = Sender(
        market=market,
        archive=archive,
        cards=cards,
        surfaces={"discord": surface, "console": PlainSurface()},
        concurrency=1,
        worth=PostWorth(news=timedelta(hours=1), scheduled=timedelta(hours=1)),
    )

    async def reload() -> str:
        reloads.append("asked")
        raise ConfigError([Problem(file="x.toml", id="", reason="broken")])

    operation = BotOperation(archive, sender, market, settings, logs=LogKeeper(), reload=reload)
    yield SimpleNamespace(
        operation=operation, archive=archive, surface=surface, reloads=reloads, folder=tmp_path
    )
    await archive.aclose()


async def test_channels_of_servers_are_told_and_no_readers(made: Any) -> None:
    wish = Subscription(channel="discord:77", asset="BTC", created_at=NOW, guild_id="9")
    for channel in ("discord:77", "discord:dm:5", "console:"):
        await made.archive.subscriptions.add(
            Subscription(channel=channel, asset="BTC", created_at=NOW, guild_id=wish.guild_id)
        )
    await made.archive.channels.put(KeptChannel(channel="discord:77", guild_id="9", refused_at=(NOW,)))
    state = await made.operation.look()
    assert [(one.wish.channel, one.refusals) for one in state.channels] == [
        ("console:", 0),
        ("discord:77", 1),
    ]
    assert state.testable == ("discord:77",)
    assert not state.on_discord


async def test_a_wish_that_came_while_it_looked_was_refused_nowhere(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none() -> tuple[KeptChannel, ...]:
        return ()

    await made.archive.subscriptions.add(Subscription(channel="discord:77", asset="BTC", created_at=NOW))
    monkeypatch.setattr(made.archive.channels, "find", none)
    state = await made.operation.look()
    assert [(one.wish.channel, one.refusals) for one in state.channels] == [("discord:77", 0)]


async def test_a_test_is_shown_or_its_refusal_told(made: Any) -> None:
    await made.operation.send_test("discord:77", "A test", "It is open.")
    assert made.surface.shown == [("discord:77", "A test")]
    assert (await made.operation.look()).tested.well
    made.surface.refuses = True
    await made.operation.send_test("discord:77", "A test", "It is open.")
    tested = (await made.operation.look()).tested
    assert (tested.well, tested.lines) == (False, ("discord: discord:77: no permission",))
    await made.operation.send_test("console:", "A test", "It is open.")
    assert not (await made.operation.look()).tested.well


async def test_a_backup_is_a_whole_archive_and_is_listed(made: Any) -> None:
    await made.operation.back_up()
    state = await made.operation.look()
    assert state.backed_up is not None
    assert state.backed_up.well, state.backed_up.lines
    (file,) = state.backups
    assert file.name == "tightrope-20260206-140000.sqlite"
    with closing(sqlite3.connect(made.folder / "backups" / file.name)) as copy:
        assert copy.execute("pragma integrity_check").fetchone() == ("ok",)
    await made.operation.back_up()  # one of that second is there already
    assert not (await made.operation.look()).backed_up.well


async def test_a_reload_that_is_refused_is_asked_for_once_and_raises_nothing(made: Any) -> None:
    await made.operation.reload()
    assert made.reloads == ["asked"]
    made.operation.note_reload("a → b\n", well=True)
    reloaded = (await made.operation.look()).reloaded
    assert (reloaded.at, reloaded.well, reloaded.lines) == (NOW, True, ("a → b",))


@pytest.mark.parametrize(
    ("code", "said", "well", "lines"),
    [
        (0, {"checked": ["bot.toml"], "failures": [], "warnings": ["w"]}, True, ("w", "bot.toml")),
        (1, {"checked": [], "failures": ["f"], "warnings": []}, False, ("f",)),
        (2, None, False, ("rules/x.toml: broken",)),
    ],
)
async def test_the_files_are_checked_by_a_process_of_its_own(
    made: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: Any, well: bool, lines: Any
) -> None:
    stand_in = tmp_path / "python"
    told = f"cat <<'END'\n{json.dumps(said)}\nEND" if said else "echo 'rules/x.toml: broken' >&2"
    stand_in.write_text(f"#!/bin/sh\n{told}\nexit {code}\n")
    stand_in.chmod(0o755)
    monkeypatch.setattr("sys.executable", str(stand_in))
    await made.operation.check()
    checked = (await made.operation.look()).checked
    assert (checked.well, checked.lines) == (well, lines)


def test_the_invitation_asks_for_what_posting_takes() -> None:
    def parts(address: str) -> set[str]:
        return set(address.partition("?")[2].replace("%20", "+").split("&"))

    assert parts(invitation("42")) == parts(asked_by_doctor(42))
    assert invitation("") == ""


def test_lines_of_the_log_are_kept_without_secrets_and_without_whom_they_are_about() -> None:
    keeper = LogKeeper(most=2)
    set_up_logs(["hunter22"], keep=[keeper], stream=io.StringIO())
    log = structlog.get_logger()
    log.info("one")
    log.info("two", reason="the key hunter22", channel="discord:dm:5", reader="5")
    log.warning("three", n=3)
    two, three = keeper.lines
    assert (two.event, two.says) == ("two", "reason=the key [hidden]")
    assert (three.level, three.event, three.says) == ("warning", "three", "n=3")
    assert three.at.startswith("20")
    set_up_logs(stream=io.StringIO())

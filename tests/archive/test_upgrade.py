"""What an earlier version wrote is read by this one: its archive, its settings, its posts by their own
playbook."""

import io
import json
import lzma
import tarfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.archive import open_archive
from bot.playbook import parse_playbook
from bot.process.archive_questions import post_again
from bot.process.settings import load

WRITTEN = Path(__file__).parent / "written"
VERSIONS = sorted(path for path in WRITTEN.iterdir() if path.is_dir())


@pytest.fixture(params=VERSIONS, ids=lambda path: path.name)
def written(request: pytest.FixtureRequest) -> Path:
    """The folder of what one version wrote."""
    folder: Path = request.param
    return folder


@pytest.fixture
def url(written: Path, tmp_path: Path) -> str:
    """The address of a copy of that version's archive."""
    path = tmp_path / "tightrope.sqlite"
    path.write_bytes(lzma.decompress((written / "archive.sqlite.xz").read_bytes()))
    return f"sqlite:///{path}"


@pytest.fixture
def config(written: Path, tmp_path: Path) -> Path:
    """That version's config folder."""
    with tarfile.open(fileobj=io.BytesIO((written / "config.tar.xz").read_bytes())) as tar:
        tar.extractall(tmp_path / "config", filter="data")
    return tmp_path / "config"


def posts_in(written: Path) -> Iterator[Mapping[str, Any]]:
    """Every post as that version's readers saw it."""
    yield from json.loads((written / "posts.json").read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.timeout(300)  # each post's playbook is read anew
async def test_every_post_is_told_again_byte_for_byte_by_its_own_playbook(written: Path, url: str) -> None:
    archive = await open_archive(url)
    try:
        told = {post["id"]: await post_again(archive, post["id"]) for post in posts_in(written)}
    finally:
        await archive.aclose()
    assert len(told) == 22
    for post in posts_in(written):
        for card in (told[post["id"]].stored, told[post["id"]].retold):
            assert (card.title, card.body, card.footer) == (post["title"], post["body"], post["footer"])
            assert [[field.label, field.text] for field in card.fields] == post["fields"]


async def test_channels_watches_and_what_is_unsent_are_kept(url: str) -> None:
    archive = await open_archive(url)
    try:
        wishes = {wish.channel: wish for wish in await archive.subscriptions.find()}
        watches = await archive.watches.find()
        unsent = await archive.outbox.find_unsent("discord")
        series = await archive.points.series("BTC", datetime(2026, 1, 1, tzinfo=UTC))
    finally:
        await archive.aclose()
    assert sorted(wishes) == ["console:", "discord:101", "discord:102", "discord:103"]
    madrid, new_york, third = (wishes[f"discord:{number}"] for number in (101, 102, 103))
    assert (madrid.profile.locale, madrid.post_at, madrid.quiet) == ("es", ("08:00", "20:00"), (23, 7))
    assert (new_york.profile.length, new_york.severity, new_york.weekly) == ("article", "caution", False)
    assert (third.alerts, third.paused_at is not None) == (False, True)
    assert [(one.fact, one.line, one.armed) for one in watches] == [
        ("skew_60d_pct", 12.0, False),
        ("spot_usd", 70000.0, False),
    ]
    assert len(unsent) == 18
    assert sum(len(one.value) for one in series) > 4_000


def test_its_settings_and_playbook_are_read(config: Path) -> None:
    settings = load(config, {})
    texts = {
        path.relative_to(config).as_posix(): path.read_text("utf-8")
        for path in sorted(config.rglob("*.toml"))
        if path.name not in {"bot.toml", "history.toml"}
    }
    assert settings.assets == ("BTC", "ETH")
    assert set(parse_playbook(texts).banks) == {"en", "es"}

"""Webhooks in the house: each follows the first asset, one that is named no more is forgotten, a tape posts to none."""

import io
from pathlib import Path

import pytest
from rich.console import Console as Terminal

from bot.domain.playbook import Playbook
from bot.playbook import CONFIG, read_playbook
from bot.process.app import house
from bot.process.demo import read_tape
from bot.process.run import _secrets
from bot.process.settings import Settings, load

URL = "https://discord.com/api/webhooks/1/a-very-secret-token"


@pytest.fixture(scope="module")
def playbook() -> Playbook:
    return read_playbook()


def settings_with(folder: Path, urls: str) -> Settings:
    database = f"sqlite+aiosqlite:///{folder}/bot.sqlite"
    given = {"DATABASE_URL": database} | ({"WEBHOOK_URLS": urls} if urls else {})
    return load(CONFIG, given)


async def followed(settings: Settings, playbook: Playbook) -> tuple[list[tuple[str, str]], bool]:
    """The webhooks' channels with their asset, and whether posts go out to them."""
    async with house(settings, playbook, terminal=Terminal(file=io.StringIO())) as parts:
        found = await parts.archive.subscriptions.find()
        channels = [(one.channel, one.asset) for one in found if one.channel.startswith("webhook:")]
        return channels, "webhook" in parts.desk.sender.surfaces


async def test_each_webhook_follows_the_first_asset_until_it_is_named_no_more(
    tmp_path: Path, playbook: Playbook
) -> None:
    settings = settings_with(tmp_path, URL)
    (hook,) = settings.hooks
    assert await followed(settings, playbook) == ([(hook.channel, "BTC")], True)
    assert await followed(settings_with(tmp_path, ""), playbook) == ([], False)


async def test_a_tape_posts_to_no_webhook(tmp_path: Path, playbook: Playbook) -> None:
    settings = settings_with(tmp_path, URL)
    async with house(
        settings, playbook, terminal=Terminal(file=io.StringIO()), tape=read_tape("february-2026")
    ) as parts:
        assert "webhook" not in parts.desk.sender.surfaces


def test_an_address_and_its_token_are_blacked_out_in_logs(tmp_path: Path) -> None:
    assert {URL, "a-very-secret-token"} <= set(_secrets(settings_with(tmp_path, URL)))

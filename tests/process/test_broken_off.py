"""Readers who leave before the page has answered (F5, Esc) take nothing with them."""

import asyncio
import io
import random
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec.structs import replace
from rich.console import Console as Terminal

from bot.domain.posts import Profile
from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process.demo import play, read_tape
from bot.process.settings import load

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]  # a sixth of a tape is played

PLACES = ("/", "/?asset=ETH", "/healthz", "/?before=2026-02-01T00:00Z")


async def leave_early(address: str, place: str, patience_s: float) -> None:
    """Ask for a page, and go before it has come."""
    told = urlsplit(address)
    reader, writer = await asyncio.open_connection(told.hostname, told.port)
    writer.write(f"GET {place} HTTP/1.1\r\nHost: {told.netloc}\r\n\r\n".encode())
    await writer.drain()
    await asyncio.sleep(patience_s)
    # A reset, as a browser's that closes a tab: the server learns of it at once.
    writer.transport.abort()
    del reader


async def test_two_hundred_requests_that_are_broken_off_leave_the_page_and_the_demo_whole() -> None:
    by_seed = random.Random(22)
    settings = load(CONFIG, {"TIGHTROPE_PAGE__PORT": "0"}).model_copy(update={"assets": ("BTC",)})
    tape = read_tape("february-2026")
    short = replace(tape, moments=tape.moments[: len(tape.moments) // 6])
    told = io.StringIO()
    terminal = Terminal(file=told, width=200)
    async with (
        app.house(settings, read_playbook(), terminal=terminal, tape=short) as parts,
        app.page(parts, settings, terminal),
    ):
        address = told.getvalue().rpartition("The page is at ")[2].split()[0]
        playing = asyncio.create_task(play(parts, settings, short))
        for _ in range(200):
            await leave_early(address, by_seed.choice(PLACES), by_seed.uniform(0, 0.02))
        await playing
        async with httpx.AsyncClient() as client:
            assert (await client.get(address)).status_code == 200
        assert (await parts.archive.states.load("BTC", Profile())).stance is not None
        assert await parts.archive.posts.find(channel="preview:")

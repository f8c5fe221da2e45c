"""Twenty seconds of the page while the tape plays, as an animated picture."""

import asyncio
import io
from contextlib import AsyncExitStack
from typing import Final

from PIL import Image
from rich.console import Console as Terminal

from bot.delivery.preview import serve
from bot.playbook import read_playbook
from bot.process import app
from bot.process.demo import play, read_tape
from bot.process.settings import Settings
from tests.delivery.preview import chromium

SECONDS: Final = 20.0
FRAMES: Final = 40
WIDTH, HEIGHT = 1180, 760
SHRUNK: Final = 760  # pixels wide, in the picture
HOURS_A_SECOND: Final = 6.0
LAST_S: Final = 2.0  # the end stays a while
MOST_BYTES: Final = 1_500_000
STEADY: Final = """
document.querySelector("figure.price[data-drawn]") && !document.querySelector(".cell.old")
  && [...document.images].every((one) => one.complete)
"""
"""Between two moments of the tape nothing is fresh: what the page shows then no live bot shows for long."""


async def film(settings: Settings, tape_name: str, browser: str) -> bytes:
    """Play a tape before an open page, and return what it showed as WebP. Raises SystemExit where that grew too large."""
    tape = read_tape(tape_name)
    async with AsyncExitStack() as stack:
        terminal = Terminal(file=io.StringIO())
        parts = await stack.enter_async_context(
            app.house(settings, read_playbook(), terminal=terminal, tape=tape)
        )
        desk = parts.desk
        address = await stack.enter_async_context(serve(desk.market, desk.cards, parts.preview, port=0))
        tab = await stack.enter_async_context(chromium.browser(browser))
        playing = asyncio.create_task(play(parts, settings, tape, HOURS_A_SECOND))
        await tab.open(address, width=WIDTH, height=HEIGHT)
        taken: list[bytes] = []
        while not playing.done():
            if await tab.say(STEADY):
                picture = await tab.picture()
                if not taken or picture != taken[-1]:
                    taken.append(picture)
            await asyncio.sleep(0.2)
        await playing
        taken.append(await tab.picture())
    frames = [_shrunk(taken[round(i * (len(taken) - 1) / (FRAMES - 1))]) for i in range(FRAMES)]
    pause_ms = round((SECONDS - LAST_S) / (FRAMES - 1) * 1000)
    durations = [pause_ms] * (FRAMES - 1) + [round(LAST_S * 1000)]
    image = io.BytesIO()
    first, *others = frames
    first.save(
        image, "WEBP", save_all=True, append_images=others, duration=durations, loop=0, quality=60, method=6
    )
    if len(image.getvalue()) > MOST_BYTES:
        raise SystemExit(f"the page's film: {len(image.getvalue()) / 1e6:.2f} MB are too many for a README")
    return image.getvalue()


def _shrunk(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    return image.resize((SHRUNK, round(image.height * SHRUNK / image.width)), Image.Resampling.LANCZOS)

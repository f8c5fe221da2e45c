"""The page on the tape, as Chromium counts it: bytes over the line until all is there, and when something useful is first
seen.

Run: python benchmarks/bench_page.py Goal: the first useful paint within 1 s and under 150 KB, on a phone and on a desk.
Beside it the same page by a bare server that sends the same files as they are, unpacked."""

import asyncio
import io
import json
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from playwright.async_api import Page
from rich.console import Console as Terminal

from bot.delivery.preview import serve
from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process.demo import play, read_tape
from bot.process.logs import set_up_logs
from bot.process.settings import load
from tests.delivery.preview import chromium

TAPE, UNTIL = "february-2026", datetime(2026, 2, 6, 14, tzinfo=UTC)
SIZES = {"phone": (390, 844), "desk": (1280, 900)}
TIMES = 5
GOAL_KB, GOAL_S = 150, 1.0
SETTLE_S = 2.0
LARGEST = """
new Promise((done) => new PerformanceObserver((list) => done(list.getEntries().at(-1).startTime))
  .observe({ type: "largest-contentful-paint", buffered: true }))
"""


class Opened(Struct, frozen=True, kw_only=True):
    """One opening of the page: bytes over the line, the same unpacked, and the time of its largest paint."""

    sent_kb: float
    plain_kb: float
    painted_s: float


async def opened(page: Page, address: str) -> Opened:
    """Open the page once, with nothing of it in the browser's cache."""
    told = await page.context.new_cdp_session(page)
    await told.send("Network.enable")
    await told.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sent: list[float] = []
    plain: list[float] = []
    told.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    told.on("Network.dataReceived", lambda event: plain.append(event["dataLength"]))
    await page.goto(address)
    painted_ms = await page.evaluate(LARGEST)
    await asyncio.sleep(SETTLE_S)
    await told.detach()
    return Opened(sent_kb=sum(sent) / 1000, plain_kb=sum(plain) / 1000, painted_s=painted_ms / 1000)


def row(what: str, unit: str, ours: float, theirs: float | None, goal: float) -> str:
    """One row of the table."""
    found = {
        "what": what,
        "value": round(ours, 2),
        "unit": unit,
        "goal": f"≤ {goal:g} {unit}",
        "held": ours <= goal,
    }
    if theirs is not None:
        found |= {"peer": "the same files unpacked", "peer_value": round(theirs, 2), "ratio": theirs / ours}
    return f"row: {json.dumps(found, ensure_ascii=False)}"


async def main() -> None:
    """Play the tape up to an afternoon, then open the page again and again."""
    browser = chromium.found()
    if browser is None:
        print("no Chromium on this machine: nothing is measured")
        return
    settings, tape = load(CONFIG, {}), read_tape(TAPE)
    settings = settings.model_copy(update={"surfaces": ("preview",)})
    tape = replace(tape, moments=tuple(moment for moment in tape.moments if moment.at <= UNTIL))
    async with AsyncExitStack() as stack:
        terminal = Terminal(file=io.StringIO())
        parts = await stack.enter_async_context(
            app.house(settings, read_playbook(), terminal=terminal, tape=tape)
        )
        await play(parts, settings, tape)
        desk = parts.desk
        address = await stack.enter_async_context(serve(desk.market, desk.cards, parts.preview, port=0))
        tab = await stack.enter_async_context(chromium.browser(browser))
        for name, (width, height) in SIZES.items():
            await tab.open("about:blank", width=width, height=height)
            found = [await opened(tab.page, address) for _ in range(TIMES)]
            sent, plain = max(one.sent_kb for one in found), max(one.plain_kb for one in found)
            print(row(f"bytes of the page, {name}", "KB", sent, plain, GOAL_KB))
            print(row(f"first useful paint, {name}", "s", min(one.painted_s for one in found), None, GOAL_S))


if __name__ == "__main__":
    set_up_logs([])
    asyncio.run(main())

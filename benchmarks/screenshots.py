"""The pictures of the documents, into docs/images/: every kind of chart, and the page, of the recorded market
of February 2026.

The page is looked at in Chromium, wide and on a phone, light and dark; where there is no Chromium its
pictures stay as they are."""

import asyncio
import io
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from msgspec.structs import replace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rich.console import Console as Terminal

from benchmarks.film import film
from bot.commands import Request, discover, run
from bot.commands.summary import Summaries
from bot.delivery.preview import serve
from bot.domain.posts import ChartSpec
from bot.playbook import CONFIG, read_playbook
from bot.process import app
from bot.process.demo import play, read_tape
from bot.process.logs import set_up_logs
from bot.process.settings import load
from tests.charts.samples import record
from tests.delivery.preview import chromium

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
TAPE, UNTIL = "february-2026", datetime(2026, 2, 6, 14, tzinfo=UTC)
ASKED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "history": ("skew", {}),
    "smile": ("skew", {"chart": "smile"}),
    "term": ("skew", {"chart": "term"}),
    "balance": ("history", {"metric": "balance", "window": "30d"}),
    "curve": ("basis", {}),
    "split": ("oi", {}),
    "liquidations": ("liquidations", {"window": "5d"}),
    "funding": ("funding", {}),
    "volatility": ("options", {"chart": "volatility"}),
    "gamma": ("options", {"chart": "gamma"}),
    "expiries": ("options", {"chart": "expiries"}),
    "move": ("price", {"chart": "move"}),
}
PAGES = {
    "page": (1280, 900, False),
    "page-dark": (1280, 900, True),
    "page-phone": (390, 1240, False),
    "page-phone-dark": (390, 1240, True),
}
DRAWN = """
[...document.images].every((one) => {
  const place = one.getBoundingClientRect();
  return one.complete || place.bottom < 0 || place.top > innerHeight;
})
"""


async def main(folder: Path = IMAGES) -> None:
    """Play the tape up to the afternoon of the post, then draw and look."""
    settings, tape = load(CONFIG, {}), read_tape(TAPE)
    settings = settings.model_copy(update={"surfaces": ("preview",)})
    tape = replace(tape, moments=tuple(moment for moment in tape.moments if moment.at <= UNTIL))
    async with AsyncExitStack() as stack:
        terminal = Terminal(file=io.StringIO())
        parts = await stack.enter_async_context(
            app.house(settings, read_playbook(), terminal=terminal, tape=tape)
        )
        await play(parts, settings, tape)
        await draw_charts(parts, folder)
        desk = parts.desk
        address = await stack.enter_async_context(serve(desk.market, desk.cards, parts.preview, port=0))
        browser = chromium.found()
        if browser is None:
            print("no Chromium on this machine: the page's pictures stay as they are")
            return
        tab = await stack.enter_async_context(chromium.browser(browser))
        for name, (width, height, dark) in PAGES.items():
            await look(tab, address, folder / f"{name}.png", width=width, height=height, dark=dark)
    _keep(folder / "page.webp", await film(settings, TAPE, browser))


async def draw_charts(parts: app.Parts, folder: Path) -> None:
    """A picture of each kind. The scorecard's numbers are made up: ten days are too few for a record, and the
    picture says so."""
    market = parts.desk.market
    (post,) = await market.archive.posts.find(limit=1, asset=market.assets[0])
    charts: dict[str, ChartSpec | None] = {
        "record": replace(record(), caption="an example: these numbers are made up"),
        "summary": await Summaries(market)(post),
    }
    for kind, (name, options) in ASKED.items():
        charts[kind] = (await run(market, discover()[name], Request(options=options))).chart
    for kind, chart in charts.items():
        image = await parts.desk.cards.draw(chart) if chart else None
        if chart is None or image is None or chart.kind != kind:
            raise SystemExit(f"{kind}: no such chart came of {ASKED.get(kind)}")
        _keep(folder / f"chart-{kind}.png", image)


async def look(tab: chromium.Tab, address: str, path: Path, *, width: int, height: int, dark: bool) -> None:
    """The page as it opens, its charts drawn."""
    await tab.open(address, width=width, height=height, dark=dark)
    await tab.until("document.querySelector('figure.price[data-drawn]')")
    await tab.until(DRAWN)
    await asyncio.sleep(0.3)  # the last frame is painted after the picture is there
    _keep(path, await tab.picture())


def _keep(path: Path, image: bytes) -> None:
    path.write_bytes(image)
    print(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}  {len(image) / 1000:.0f} KB")


if __name__ == "__main__":
    set_up_logs([])
    asyncio.run(main(*(Path(argument).resolve() for argument in sys.argv[1:])))

"""Drives a Chromium of this machine with Playwright, which brings no browser of its own here."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 60_000
GRAVE = ("serious", "critical")


def found() -> str | None:
    """The browser's path, if there is one."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Tab:
    """One open page."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._page: Page | None = None
        self.asked: list[str] = []
        self.complaints: list[str] = []

    @property
    def page(self) -> Page:
        """The page as Playwright knows it."""
        assert self._page is not None, "nothing is open"
        return self._page

    async def open(
        self, url: str, *, width: int = 1200, height: int = 900, dark: bool = False, script: bool = True
    ) -> None:
        """Open an address at a size, in a theme, with or without scripts; what the page asks for and
        complains of is kept."""
        if self._page is not None:
            await self._page.context.close()
        context = await self._browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            timezone_id="Europe/Berlin",
            locale="en-GB",
        )
        context.set_default_timeout(PATIENCE_MS)
        self._page = await context.new_page()
        self._page.on("request", lambda request: self.asked.append(request.url))
        self._page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self._page.on(
            "console", lambda told: self.complaints.append(told.text) if told.type == "error" else None
        )
        await self._page.goto(url)

    async def say(self, expression: str) -> Any:
        """The value of an expression in the page."""
        return await self.page.evaluate(expression)

    async def until(self, expression: str) -> None:
        """Wait until an expression holds in the page."""
        await self.page.wait_for_function(f"() => Boolean({expression})", polling=50)

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.page.keyboard.insert_text(text)

    async def press(self, key: str) -> None:
        """Press one key, such as Enter or Tab."""
        await self.page.keyboard.press(key)

    async def picture(self) -> bytes:
        """What is in view, as PNG."""
        return await self.page.screenshot()

    async def barriers(self) -> list[str]:
        """What axe finds that keeps somebody out: serious and critical, each with the first element that has
        it."""
        found = (await Axe().run(self.page)).response["violations"]
        return [
            f"{one['impact']} {one['id']}: {one['help']}: {one['nodes'][0]['html'][:200]}"
            for one in found
            if one["impact"] in GRAVE
        ]


@asynccontextmanager
async def browser(path: str) -> AsyncIterator[Tab]:
    """A browser with one page, ended on leaving."""
    async with async_playwright() as driver:
        opened = await driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield Tab(opened)
        finally:
            await opened.close()

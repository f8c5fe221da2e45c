"""The painter: draws in a thread of its own, one chart at a time, and keeps what it drew by content."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from async_lru import alru_cache

from bot.charts.draw import render
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

KEPT = 48  # pictures of at most 45 KB


class PngPainter:
    """A `Painter`. Whoever asks for a chart that is being drawn waits for that one; `close` it at the end."""

    def __init__(self, *, kept: int = KEPT) -> None:
        # One thread: matplotlib may be used from one at a time, and drawing holds the interpreter's lock
        # anyway.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="charts")
        self._sheet: Sheet | None = None
        # One call for all who ask for the same at once; a failure is not kept.
        self._drawn = alru_cache(maxsize=kept)(self._draw)

    async def draw(self, spec: ChartSpec, *, light: bool = False) -> bytes:
        """PNG bytes, on a dark or a light ground; of equal specs the same object."""
        return await self._drawn(spec, light)

    async def _draw(self, spec: ChartSpec, light: bool) -> bytes:
        return await asyncio.wrap_future(self._thread.submit(self._paint, spec, light))

    def warm(self) -> None:
        """Load what drawing needs, in the painter's thread: it takes a second, which the first reader need
        not wait."""
        self._thread.submit(self._make_ready)

    def close(self) -> None:
        """End the thread; what waits for it is dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _paint(self, spec: ChartSpec, light: bool) -> bytes:
        return render(spec, self._make_ready(), light=light)

    def _make_ready(self) -> Sheet:
        if self._sheet is None:
            self._sheet = Sheet()
            self._sheet.text(0, 0, "0")  # finds the font
            self._sheet.png()  # makes the table of colors
        return self._sheet

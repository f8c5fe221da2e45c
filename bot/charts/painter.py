"""The painter: draws in a thread of its own, one chart at a time, and keeps what it drew by content."""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from bot.charts.draw import render
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

KEPT = 48  # pictures of at most 45 KB


class PngPainter:
    """A `Painter`. Whoever asks for a chart that is being drawn waits for that one; `close` it at the end."""

    def __init__(self, *, kept: int = KEPT) -> None:
        # One thread: matplotlib may be used from one at a time, and drawing holds the interpreter's lock anyway.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="charts")
        self._sheet: Sheet | None = None
        self._kept = kept
        self._drawn: OrderedDict[ChartSpec, asyncio.Future[bytes]] = OrderedDict()

    async def draw(self, spec: ChartSpec) -> bytes:
        """PNG bytes; of equal specs the same object."""
        known = self._drawn.get(spec)
        if known is None:
            known = asyncio.ensure_future(asyncio.wrap_future(self._thread.submit(self._paint, spec)))
            self._drawn[spec] = known
            while len(self._drawn) > self._kept:
                self._drawn.popitem(last=False)
        self._drawn.move_to_end(spec)
        try:
            return await asyncio.shield(known)
        except Exception:
            self._drawn.pop(spec, None)  # a failure is not kept
            raise

    def warm(self) -> None:
        """Load what drawing needs, in the painter's thread: it takes a second, which the first reader need not wait."""
        self._thread.submit(self._make_ready)

    def close(self) -> None:
        """End the thread; what waits for it is dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _paint(self, spec: ChartSpec) -> bytes:
        return render(spec, self._make_ready())

    def _make_ready(self) -> Sheet:
        if self._sheet is None:
            self._sheet = Sheet()
            self._sheet.text(0, 0, "0")  # finds the font
            self._sheet.png()  # makes the table of colors
        return self._sheet

"""One sheet of paper: lines, bars, markers and words in pixels, drawn with matplotlib's Figure and Agg; used
again and again.

Pixels count from the lower left. pyplot is never used: it keeps figures in a global state that is not safe in
threads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from msgspec import Struct

from bot.charts import theme, ticks
from bot.charts.png import encode
from bot.domain.posts import ENGLISH, ChartSpeech

if TYPE_CHECKING:
    from matplotlib.backends.backend_agg import RendererAgg

Across = Literal["left", "center", "right"]
Upright = Literal["baseline", "center", "top", "bottom"]
Dash = str | tuple[int, tuple[float, ...]]

BETWEEN = 8.0  # the least distance between two words side by side
RIM = 7.0  # of words that may stand over a line
BACK, DATA = 0, 2
"""What is drawn as high as DATA or higher is data; below is ground, at the bottom the wide fields on which words may stand."""


class Box(Struct, frozen=True, kw_only=True):
    """Where a word stands."""

    text: str
    left: float
    low: float
    right: float
    high: float

    def meets(self, other: Box, room: float = 0.0) -> bool:
        """Whether the two overlap, or come nearer than `room`."""
        apart = self.right + room <= other.left or other.right + room <= self.left
        return not (apart or self.high + room <= other.low or other.high + room <= self.low)

    def holds(self, other: Box) -> bool:
        """Whether all of the other lies inside."""
        within = self.left <= other.left and other.right <= self.right
        return within and self.low <= other.low and other.high <= self.high


class Sheet:
    """A sheet: `wipe`, draw, `png`. One thread at a time."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # 0.3 s: loaded by the first chart
        from matplotlib.figure import Figure

        # At 72 dots an inch a point is a pixel.
        self._figure = Figure(figsize=(theme.WIDTH / 72, theme.HEIGHT / 72), dpi=72, facecolor=theme.GROUND)
        self._canvas = FigureCanvasAgg(self._figure)
        self.words: list[Box] = []
        self.speech = ENGLISH
        self._strokes: dict[bool, list[Any]] = {False: [], True: []}  # of the ground, and of the data
        self._solid: dict[bool, list[Box]] = {False: [], True: []}

    def wipe(self, speech: ChartSpeech = ENGLISH) -> None:
        """Empty the sheet; numbers are written on it as in `speech` from now on."""
        self._figure.clear()
        self.words = []
        self.speech = speech
        self._strokes = {False: [], True: []}
        self._solid = {False: [], True: []}

    def number(self, value: float, unit: str, step: float | None = None) -> str:
        """A number in the sheet's language; see `ticks.format_tick`."""
        return ticks.format_tick(value, unit, step, self.speech)

    @property
    def _renderer(self) -> RendererAgg:
        renderer: RendererAgg = self._canvas.get_renderer()  # type: ignore[no-untyped-call]
        return renderer

    def price(self, value: float) -> str:
        """A price in full, as far as it has no more than six digits before the mark: $60,150."""
        if not 1_000.0 <= abs(value) < 1e6:
            return self.number(value, "USD")
        shown = self.speech.dollars.format(f"{abs(value):,.0f}".replace(",", self.speech.thousands))
        return f"{ticks.MINUS}{shown}" if value < 0 else shown

    def png(self, *, light: bool = False) -> bytes:
        """What is on it, as PNG."""
        self._canvas.draw()  # type: ignore[no-untyped-call]
        return encode(np.asarray(self._canvas.buffer_rgba()), light=light)  # type: ignore[no-untyped-call]

    def line(
        self,
        x: Sequence[float],
        y: Sequence[float],
        ink: str,
        *,
        width: float = 3.5,
        dash: Any = "-",
        over: int = 3,
    ) -> None:
        """A line through points; a nan breaks it."""
        from matplotlib.lines import Line2D

        self._strokes[over >= DATA].append(_steps(x, y, width / 2))
        self._figure.add_artist(
            Line2D(
                x,
                y,
                color=ink,
                linewidth=width,
                linestyle=dash,
                transform=None,
                zorder=over,
                solid_joinstyle="round",
                solid_capstyle="round",
            )
        )

    def dots(
        self,
        x: Sequence[float],
        y: Sequence[float],
        ink: str,
        *,
        marker: str = "o",
        size: float = 13,
        over: int = 4,
    ) -> None:
        """Markers at points, with an edge of the ground's color."""
        from matplotlib.lines import Line2D

        half = size / 2
        self._keep_solid([(a - half, b - half, a + half, b + half) for a, b in zip(x, y, strict=True)], over)
        self._figure.add_artist(
            Line2D(
                x,
                y,
                color=ink,
                linestyle="",
                marker=marker,
                markersize=size,
                markeredgecolor=theme.GROUND,
                markeredgewidth=2,
                transform=None,
                zorder=over,
            )
        )

    def bars(
        self,
        corners: Sequence[tuple[float, float, float, float]],
        ink: str,
        *,
        strength: float = 1.0,
        hatch: str = "",
        outline: bool = False,
        over: int = 2,
    ) -> None:
        """Rectangles (left, low, right, high), filled in the ink's strength, hatched or outlined."""
        from matplotlib.collections import PolyCollection

        self._keep_solid(corners, over)
        shapes = [((x0, y0), (x1, y0), (x1, y1), (x0, y1)) for x0, y0, x1, y1 in corners]
        fill = blend(ink, strength)
        edge = ink if hatch or outline else "none"
        drawn = PolyCollection(
            shapes,
            facecolors=fill,
            edgecolors=edge,
            linewidths=2 if outline else 0,
            hatch=hatch or None,
            zorder=over,
        )
        drawn.set_transform(None)
        self._figure.add_artist(drawn)

    def field(
        self, rim: Sequence[tuple[float, float]], ink: str, *, strength: float = 1.0, over: int = 0
    ) -> None:
        """A field inside a rim of points, filled in the ink's strength."""
        from matplotlib.collections import PolyCollection

        drawn = PolyCollection([rim], facecolors=blend(ink, strength), edgecolors="none", zorder=over)
        drawn.set_transform(None)
        self._figure.add_artist(drawn)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = theme.LABEL,
        ink: str = theme.TEXT,
        across: Across = "left",
        upright: Upright = "baseline",
        bold: bool = False,
        over: int = 6,
        rim: bool = False,
    ) -> Box:
        """Words at a place, moved inwards where they would leave the sheet; with a rim of the ground, so that they are
        read over lines. Says where they stand."""
        from matplotlib.patheffects import withStroke
        from matplotlib.text import Text

        shown = Text(
            x,
            y,
            text,
            color=ink,
            fontsize=size,
            horizontalalignment=across,
            verticalalignment=upright,
            fontweight="bold" if bold else "normal",
            parse_math=False,
            zorder=over,
            fontfamily="DejaVu Sans",
            path_effects=[withStroke(linewidth=RIM, foreground=theme.GROUND)] if rim else None,
        )
        shown.set_transform(None)
        self._figure.add_artist(shown)
        shown.set_figure(self._figure)
        extent = shown.get_window_extent(self._renderer)
        aside = max(4.0 - extent.x0, min(0.0, theme.WIDTH - 4.0 - extent.x1))
        if aside:
            shown.set_x(x + aside)
        box = Box(text=text, left=extent.x0 + aside, low=extent.y0, right=extent.x1 + aside, high=extent.y1)
        self.words.append(box)
        return box

    def width_of(self, text: str, *, size: float = theme.LABEL, bold: bool = False) -> float:
        """How wide the words would be."""
        return self.size_of(text, size=size, bold=bold)[0]

    def size_of(self, text: str, *, size: float = theme.LABEL, bold: bool = False) -> tuple[float, float]:
        """How wide and how high the words would be."""
        from matplotlib.text import Text

        shown = Text(
            0,
            0,
            text,
            fontsize=size,
            fontweight="bold" if bold else "normal",
            parse_math=False,
            fontfamily="DejaVu Sans",
            figure=self._figure,
        )
        extent = shown.get_window_extent(self._renderer)
        return float(extent.width), float(extent.height)

    def fitting(self, text: str, room: float, *, size: float, bold: bool = False) -> str:
        """The words, cut with an ellipsis where they are wider than the room."""
        if self.width_of(text, size=size, bold=bold) <= room:
            return text
        while text and self.width_of(f"{text.rstrip()}…", size=size, bold=bold) > room:
            text = text[:-1]
        return f"{text.rstrip(' ,;·')}…"

    def free(self, box: Box, room: float = BETWEEN) -> bool:
        """Whether no word stands there."""
        return not any(box.meets(other, room) for other in self.words)

    def clear(self, box: Box, room: float = 0.0, *, ground: bool = False) -> bool:
        """Whether no line, marker or bar of the data lies there or nearer than `room`; or none of the `ground`: grids and the
        like, but for wide fields and bands."""
        if any(box.meets(other, room) for other in self._solid[not ground]):
            return False
        return not any(_meets(steps, box, room) for steps in self._strokes[not ground])

    def _keep_solid(self, corners: Sequence[tuple[float, float, float, float]], over: int) -> None:
        if over > BACK:
            self._solid[over >= DATA] += [
                Box(text="", left=left, low=low, right=right, high=high) for left, low, right, high in corners
            ]


def _steps(x: Sequence[float], y: Sequence[float], half: float) -> tuple[Any, float]:
    """A line's steps, a row each (x and y of its beginning, of its end), and half its width. What a nan breaks is none."""
    points = np.column_stack([np.asarray(x, float), np.asarray(y, float)])
    steps = np.hstack([points[:-1], points[1:]])
    return steps[~np.isnan(steps).any(axis=1)], half


def _meets(line: tuple[Any, float], box: Box, room: float) -> bool:
    """Whether a line comes into a box or nearer to it than `room`: no axis and no normal of a step parts the two."""
    steps, half = line
    room += half
    left, low, right, high = box.left - room, box.low - room, box.right + room, box.high + room
    x0, y0, x1, y1 = steps.T
    near = (np.minimum(x0, x1) < right) & (np.maximum(x0, x1) > left)
    near &= (np.minimum(y0, y1) < high) & (np.maximum(y0, y1) > low)
    if not near.any():
        return False
    x0, y0, x1, y1 = steps[near].T
    sides = [
        (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
        for x, y in ((left, low), (right, low), (right, high), (left, high))
    ]
    return bool(((np.min(sides, axis=0) <= 0) & (np.max(sides, axis=0) >= 0)).any())


def blend(ink: str, strength: float) -> tuple[float, float, float]:
    """The ink laid over the ground: 0 is the ground, 1 the ink. Solid, so that it stays within the
    palette."""
    over, under = (
        tuple(int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)) for color in (ink, theme.GROUND)
    )
    red, green, blue = (low + (high - low) * strength for high, low in zip(over, under, strict=True))
    return red, green, blue

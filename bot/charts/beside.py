"""Where a label stands beside its point: as near as may be, and on no line, bar, marker or word that is drawn by then.
Grid lines are ground, which it keeps off where that costs little."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from bot.charts import theme
from bot.charts.sheet import Box, Sheet

GAP = 7.0  # from a point to its label
REACH = 42.0  # further off a reader would not know whose label it is
STEP = 6.0
SLIDES = (0.0, 0.25, -0.25, 0.5, -0.5)  # along the point, as a share of the label's width
WORDS_APART, LINES_APART = 4.0, 2.0
SLID, OVER_GRID, SIDEWAYS, OPPOSITE = 0.15, 8.0, 20.0, 30.0
"""What a place costs, in pixels of distance: for each pixel along the point, over a grid line, at its side, on the other
side of it than is wanted."""


class Label(Struct, frozen=True, kw_only=True):
    """Words for a point (`x`, `y`, in pixels), wanted above it (`up`) or below, at least `away` from it; `lean` -1 wants
    their end at the point, 1 their beginning. With a `rim` they are read over a field."""

    text: str
    x: float
    y: float
    ink: str
    size: float = theme.LABEL
    bold: bool = True
    up: bool = True
    lean: float = 0.0
    away: float = GAP
    rim: bool = False


def put(sheet: Sheet, label: Label, field: Box, *, must: bool = False) -> Box | None:
    """Write a label inside a field, once what it has to keep off is drawn, and say where it stands; None where everything
    near its point is taken. One that `must` stand is then written over lines, which break off around it."""
    width, height = sheet.size_of(label.text, size=label.size, bold=label.bold)
    places = [
        (cost + OVER_GRID * (not sheet.clear(box, ground=True)), box)
        for cost, box in _places(label, width, height, field)
        if field.holds(box) and sheet.free(box, WORDS_APART)
    ]
    places.sort(key=lambda place: place[0])
    for _, box in places:
        if sheet.clear(box, LINES_APART):
            return _write(sheet, label, box, rim=label.rim)
    return _write(sheet, label, places[0][1], rim=True) if must and places else None


def _write(sheet: Sheet, label: Label, box: Box, *, rim: bool) -> Box:
    return sheet.text(
        box.left,
        box.low,
        label.text,
        size=label.size,
        ink=label.ink,
        upright="bottom",
        bold=label.bold,
        rim=rim,
    )


def _places(label: Label, width: float, height: float, field: Box) -> Iterator[tuple[float, Box]]:
    """Boxes beside a point, each with what it costs."""
    way = 1.0 if label.up else -1.0
    for step in range(int(REACH / STEP) + 1):
        off = step * STEP
        gap = label.away + off
        over = {1.0: label.y + gap, -1.0: label.y - gap - height}
        for share in SLIDES:
            wanted = label.x + (label.lean - 1.0) * width / 2
            left = min(max(wanted + share * width, field.left), field.right - width)
            cost = off + SLID * abs(left - wanted)
            yield cost, _box(label.text, left, over[way], width, height)
            yield cost + OPPOSITE, _box(label.text, left, over[-way], width, height)
        for left in (label.x - gap - width, label.x + gap):
            for share in (0.0, way / 2):
                low = label.y + (share - 0.5) * height
                yield off + SIDEWAYS + abs(share), _box(label.text, left, low, width, height)


def _box(text: str, left: float, low: float, width: float, height: float) -> Box:
    return Box(text=text, left=left, low=low, right=left + width, high=low + height)

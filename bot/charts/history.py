"""A metric over time: each series' `at` and `y`; `band` is the usual range; `marks` with `at` are changes of the verdict."""

from bot.charts import frame, theme, ticks
from bot.charts.frame import Key, Plot
from bot.charts.sheet import BETWEEN, Box, Sheet
from bot.domain.posts import ChartSpec, Column, Mark

MARKS_ROOM = frame.ROW + 26


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """The lines, the band behind them, the verdict's changes above them, the last values beside them."""
    shown = [column for column in spec.series if frame.known(column)][: len(theme.INKS)]
    several = len(shown) > 1
    labels = [frame.last_words(column, spec.unit, named=several) for column in shown]
    high = frame.PLOT_HIGH - (MARKS_ROOM if spec.marks else 0)
    y_ends = ticks.room_around([y for column in shown for _, y in frame.known(column)] + list(spec.band or ()))
    left = frame.room_for_levels(sheet, y_ends, spec.unit)
    widest = max(sheet.width_of(label, bold=True) for label in labels)
    plot = Plot(
        left=left, right=theme.WIDTH - theme.EDGE - widest - 8, high=high, x_ends=frame.time_ends(shown), y_ends=y_ends,
    )  # fmt: skip
    _band(sheet, plot, spec)
    frame.levels(sheet, plot, spec.unit)
    frame.times(sheet, plot)
    for place, column in enumerate(shown):
        frame.line(sheet, plot, frame.points(column), theme.INKS[place], dash=theme.DASHES[place])
    _ends(sheet, plot, shown, labels)
    _changes(sheet, plot, spec.marks)
    # Lines are named at their ends: the key needs the band alone.
    band = [Key(label=spec.band_label, ink=theme.GREEN, filled=True)] if spec.band and spec.band_label else []
    frame.key(sheet, spec.unit, band)


def _band(sheet: Sheet, plot: Plot, spec: ChartSpec) -> None:
    if spec.band is None:
        return
    low, high = (plot.y(end) for end in spec.band)
    sheet.bars([(plot.left, low, plot.right, high)], theme.GREEN, strength=0.25, over=0)
    for end in (low, high):
        sheet.line([plot.left, plot.right], [end, end], theme.GREEN, width=2, dash=(0, (4, 4)), over=1)


def _ends(sheet: Sheet, plot: Plot, shown: list[Column], labels: list[str]) -> None:
    """The last value of each line, with a thread from the point to its words where they had to move."""
    lasts = [frame.known(column)[-1] for column in shown]
    places = frame.spread([plot.y(y) for _, y in lasts], theme.LABEL + 8, plot.low + 10, plot.high - 10)
    for place, ((x, y), label, at) in enumerate(zip(lasts, labels, places, strict=True)):
        ink = theme.INKS[place]
        sheet.dots([plot.x(x)], [plot.y(y)], ink, marker=theme.MARKERS[place])
        if abs(at - plot.y(y)) > 4 or plot.x(x) < plot.right - 20:
            sheet.line([plot.x(x) + 8, plot.right + 10], [plot.y(y), at], ink, width=1.5, over=2)
        sheet.text(plot.right + 14, at, label, ink=ink, upright="center", bold=True)


def _changes(sheet: Sheet, plot: Plot, marks: tuple[Mark, ...]) -> None:
    """Where the verdict changed: a dashed line with the new stance's sign on top, and its word where there is room, newest
    first."""
    start, end = plot.x_ends
    for mark in sorted((mark for mark in marks if mark.at is not None), key=lambda mark: mark.at or 0, reverse=True):
        at = mark.at.timestamp() if mark.at else start
        if not start <= at <= end:
            continue
        x, top = plot.x(at), plot.high + 10
        sheet.line([x, x], [plot.low, top], theme.MUTED, width=2, dash=(0, (5, 4)), over=2)
        ink, sign = theme.STANCE_INKS.get(mark.kind, theme.MUTED), theme.STANCE_MARKERS.get(mark.kind, "o")
        sheet.dots([x], [top + 4], ink, marker=sign, size=16)
        half = sheet.width_of(mark.label, size=theme.SMALL) / 2
        middle = min(max(x, half + theme.EDGE), theme.WIDTH - theme.EDGE - half)
        box = Box(text=mark.label, left=middle - half, low=top + 14, right=middle + half, high=top + 20 + theme.SMALL)
        if sheet.free(box, BETWEEN):
            sheet.text(middle, top + 20, mark.label, size=theme.SMALL, across="center")

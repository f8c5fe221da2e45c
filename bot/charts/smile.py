"""The smile of one expiry: implied volatility (`y`, % a year) by strike (`x`, USD).

`marks` with `x` and `y` are points on it (25-delta put, at the money, 25-delta call); one with `x` alone is the forward.
"""

from bot.charts import frame, theme, ticks
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

POINT_MARKERS = ("v", "s", "^", "D")


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """The smile's lines, its marked points with their words."""
    shown = [column for column in spec.series if frame.known(column)][: len(theme.INKS)]
    placed = [(mark.x, mark.y) for mark in spec.marks if mark.x is not None and mark.y is not None]
    along = [x for column in shown for x, _ in frame.known(column)] + [x for x, _ in placed]
    y_ends = ticks.room_around([y for column in shown for _, y in frame.known(column)] + [y for _, y in placed], 0.2)
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit), right=theme.WIDTH - theme.EDGE - 8,
        x_ends=ticks.room_around(along, 0.02), y_ends=y_ends,
    )  # fmt: skip
    frame.levels(sheet, plot, spec.unit)
    step = ticks.step_for(*plot.x_ends, 5)
    for strike in ticks.numbers(*plot.x_ends, 5):
        frame.foot(sheet, plot, plot.x(strike), ticks.written(strike, "USD", step))
    for place, column in enumerate(shown):
        frame.line(sheet, plot, frame.points(column), theme.INKS[place], dash=theme.DASHES[place])
    _marks(sheet, plot, spec)
    lines = [
        Key(label=column.label, ink=theme.INKS[place], dash=theme.DASHES[place]) for place, column in enumerate(shown)
    ]
    frame.key(sheet, spec.unit, lines if len(lines) > 1 else ())  # one alone is named in the title


def _marks(sheet: Sheet, plot: Plot, spec: ChartSpec) -> None:
    """Points with their words below them, the outer ones' words outwards: a smile bends away from there."""
    placed = sorted((mark.x, mark.y, mark.label) for mark in spec.marks if mark.x is not None and mark.y is not None)
    for place, (x, y, label) in enumerate(placed):
        lean = 0.0 if 0 < place < len(placed) - 1 else -0.9 if place == 0 else 0.9
        sheet.dots([plot.x(x)], [plot.y(y)], theme.ORANGE, marker=POINT_MARKERS[place % len(POINT_MARKERS)], size=17)
        frame.near(sheet, plot.x(x), plot.y(y), label, theme.TEXT, ways=(-1, -2, -3, 1, 2), away=20, lean=lean)
    for mark in spec.marks:
        if mark.x is None or mark.y is not None:
            continue
        x = plot.x(mark.x)
        foot = max((plot.y(y) + 20 for at, y, _ in placed if abs(plot.x(at) - x) < 40), default=plot.low)
        sheet.line([x, x], [foot, plot.high], theme.MUTED, width=2, dash=(0, (5, 4)), over=2)
        sheet.text(x + 8, plot.high - 6, mark.label, ink=theme.MUTED, size=theme.SMALL, upright="top")

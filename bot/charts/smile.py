"""The smile of one expiry: implied volatility (`y`, % a year) by strike (`x`, USD).

A series that is `past` is the same expiry's smile as it was before. `marks` with `x` and `y` are points on it (25-delta
put, at the money, 25-delta call); one with `x` alone is the forward."""

from bot.charts import frame, theme, ticks
from bot.charts.beside import Label
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSeries, ChartSpec

PAST = (0, (5, 3))
POINT_MARKERS = ("v", "s", "^", "D")


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """The smile's lines, its marked points with their words."""
    shown = [column for column in spec.series if frame.points_of(column)][: len(theme.INKS)]
    placed = [(mark.x, mark.y) for mark in spec.marks if mark.x is not None and mark.y is not None]
    now = [column for column in shown if not column.past] or shown
    along = [x for column in now for x, _ in frame.points_of(column)] + [x for x, _ in placed]
    y_ends = ticks.room_around(
        [y for column in shown for _, y in _inside(column, along)] + [y for _, y in placed], 0.2
    )
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit),
        right=theme.WIDTH - theme.EDGE - 8,
        x_ends=ticks.room_around(along, 0.02),
        y_ends=y_ends,
    )
    frame.levels(sheet, plot, spec.unit)
    step = ticks.step_for(*plot.x_ends, 5)
    for strike in ticks.numbers(*plot.x_ends, 5):
        frame.foot(sheet, plot, plot.x(strike), sheet.number(strike, "USD", step))
    lines: list[Key] = []
    for place, column in enumerate(shown):
        ink, dash = (theme.MUTED, PAST) if column.past else (theme.INKS[place], theme.DASHES[place])
        frame.line(sheet, plot, _inside(column, along), ink, dash=dash, width=2.5 if column.past else 3.5)
        lines.append(Key(label=column.label, ink=ink, dash=dash))
    _marks(sheet, plot, spec)
    frame.key(sheet, spec.unit, lines if len(lines) > 1 else ())  # one alone is named in the title


def _inside(column: ChartSeries, along: list[float]) -> list[tuple[float, float]]:
    """The points between the strikes of now: what lay beyond them is no comparison."""
    return [(x, y) for x, y in frame.points(column) if min(along) <= x <= max(along)]


def _marks(sheet: Sheet, plot: Plot, spec: ChartSpec) -> None:
    """Points with their words below them, the outer ones' words outwards: a smile bends away from there."""
    placed = sorted(
        (mark.x, mark.y, mark.label) for mark in spec.marks if mark.x is not None and mark.y is not None
    )
    for place, (x, y, _) in enumerate(placed):
        sheet.dots(
            [plot.x(x)], [plot.y(y)], theme.ORANGE, marker=POINT_MARKERS[place % len(POINT_MARKERS)], size=17
        )
    for mark in spec.marks:
        if mark.x is None or mark.y is not None:
            continue
        x = plot.x(mark.x)
        foot = max((plot.y(y) + 20 for at, y, _ in placed if abs(plot.x(at) - x) < 40), default=plot.low)
        sheet.line([x, x], [foot, plot.high], theme.MUTED, width=2, dash=(0, (5, 4)), over=2)
        sheet.text(x + 8, plot.high - 6, mark.label, ink=theme.MUTED, size=theme.SMALL, upright="top")
    for place, (x, y, text) in enumerate(placed):
        lean = 0.0 if 0 < place < len(placed) - 1 else -0.9 if place == 0 else 0.9
        label = Label(text=text, x=plot.x(x), y=plot.y(y), ink=theme.TEXT, up=False, lean=lean, away=14)
        frame.near(sheet, plot, label, must=True)

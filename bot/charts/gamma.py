"""An amount by strike: the first series is calls (drawn up), the second puts (drawn down), `x` the strikes in USD, `y` in
USD and never negative, `band_label` what they are dollars of; a mark with `x` is the price."""

from itertools import pairwise

from bot.charts import frame, theme, ticks
from bot.charts.beside import Label
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

LEVELS = 6


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """Bars up and down from zero, the price as a line through them, the largest of each side in words."""
    calls, puts = spec.series[0], spec.series[1]
    strikes = calls.x
    width = min((b - a for a, b in pairwise(strikes)), default=strikes[0] * 0.02)
    most = [max((y for y in column.y if y is not None), default=0.0) for column in (calls, puts)]
    scale = max(*most) or 1.0
    # Over the bars stand the largest one in words and the price; both keep off the key, however low the bars are.
    y_ends = (-max(most[1], 0.15 * scale) - 0.25 * scale, max(most[0], 0.15 * scale) + 0.5 * scale)
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit, LEVELS),
        right=theme.WIDTH - theme.EDGE - 8,
        low=frame.PLOT_LOW + frame.ROW - 4,
        x_ends=(strikes[0] - width, strikes[-1] + width),
        y_ends=y_ends,
    )
    frame.levels(sheet, plot, spec.unit, LEVELS, sign=False)
    step = ticks.step_for(*plot.x_ends, 6)
    for strike in ticks.numbers(*plot.x_ends, 6):
        frame.foot(sheet, plot, plot.x(strike), sheet.number(strike, "USD", step))
    middle = (plot.left + plot.right) / 2
    sheet.text(
        middle, plot.low - 44, spec.x_label, ink=theme.MUTED, size=theme.SMALL, across="center", upright="top"
    )
    for column, ink, way in ((calls, theme.SKY, 1.0), (puts, theme.ORANGE, -1.0)):
        boxes = []
        for x, y in zip(column.x, column.y, strict=True):
            low, high = sorted((plot.y(0.0), plot.y(way * (y or 0.0))))
            boxes.append((plot.x(x - width * 0.38), low, plot.x(x + width * 0.38), high))
        sheet.bars(boxes, ink, strength=1.0 if way > 0 else 0.6, hatch="" if way > 0 else "//")
    sheet.line([plot.left, plot.right], [plot.y(0.0)] * 2, theme.MUTED, width=2, over=3)
    for mark in spec.marks:
        if mark.x is not None:
            x = plot.x(mark.x)
            sheet.line([x, x], [plot.low, plot.high - 26], theme.TEXT, width=2.5, dash=(0, (5, 4)), over=4)
            label = f"{mark.label} {sheet.number(mark.x, 'USD')}"
            sheet.text(x, plot.high - 18, label, size=theme.SMALL, across="center", bold=True)
    for column, way in ((calls, 1.0), (puts, -1.0)):
        x, y = max(zip(column.x, column.y, strict=True), key=lambda one: one[1] or 0.0)
        if y:
            words = sheet.number(y, spec.unit)
            beside = Label(text=words, x=plot.x(x), y=plot.y(way * y), ink=theme.TEXT, up=way > 0)
            frame.near(sheet, plot, beside)
    frame.key(
        sheet,
        spec.band_label,
        [
            Key(label=f"▲ {calls.label}", ink=theme.SKY, filled=True, strength=1.0),
            Key(label=f"▼ {puts.label}", ink=theme.ORANGE, filled=True, strength=0.6, hatch="//"),
        ],
    )

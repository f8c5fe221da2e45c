"""How past verdicts did: one row a stance. Each row is a mark (its label names the stance and counts the
verdicts); the series, all as long as there are rows, are in this order: hit rate, low and high end of its
interval, base rate. Rows without a hit rate say so in their mark."""

from bot.charts import frame, theme, ticks
from bot.charts.beside import Label
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

ROW = 130.0  # a row is as high as that at most: two or three stand together
ROOMY = 90.0  # a row this high has room for whole strokes


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """A dot on its interval a row, beside the base rate's stroke."""
    rate, low, high, base = spec.series
    rows = len(spec.marks)
    plot = Plot(
        left=theme.EDGE + 14,
        right=theme.WIDTH - theme.EDGE - 40,
        low=max(float(frame.PLOT_LOW), frame.PLOT_HIGH - rows * ROW),
        x_ends=(0.0, 100.0),
        y_ends=(float(rows), 0.0),
    )
    reach = min(1.0, (plot.high - plot.low) / rows / ROOMY)
    for value in ticks.numbers(0.0, 100.0, 4):
        for row in range(rows):
            y = plot.y(row + 0.7)
            sheet.line([plot.x(value)] * 2, [y - 26 * reach, y + 26 * reach], theme.GRID, width=1.5, over=1)
        frame.foot(sheet, plot, plot.x(value), sheet.number(value, spec.unit))
    for row, mark in enumerate(spec.marks):
        sheet.text(plot.left - 14, plot.y(row + 0.06), mark.label, size=theme.LABEL, upright="top")
        y = plot.y(row + 0.7)
        usual, hit = base.y[row], rate.y[row]
        if usual is not None:
            sheet.line([plot.x(usual)] * 2, [y - 20 * reach, y + 20 * reach], theme.ORANGE, width=5, over=3)
        ends = (low.y[row], high.y[row])
        if hit is None:
            continue
        if ends[0] is not None and ends[1] is not None:
            sheet.line([plot.x(ends[0]), plot.x(ends[1])], [y, y], theme.SKY, width=6, over=2)
        sheet.dots([plot.x(hit)], [y], theme.SKY, size=22)
        text = sheet.number(round(hit), spec.unit)
        frame.near(sheet, plot, Label(text=text, x=plot.x(hit), y=y, ink=theme.SKY, away=17), must=True)
    keys = [
        Key(label=rate.label, ink=theme.SKY, text="●"),
        Key(label=low.label, ink=theme.SKY),
        Key(label=base.label, ink=theme.ORANGE, upright=True),
    ]
    frame.key(sheet, "", keys)

"""How far the price is expected to go: `price` is its past, the series are the edges ahead, in pairs of an upper and a
lower one, the nearest pair first, all from the same point; marks are places on the edges that are told in words."""

from bot.charts import frame, theme, ticks
from bot.charts.beside import Label
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

STRENGTHS = (0.42, 0.2)


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """The past as a line, what is ahead as a fan, with the edges of the nearest pair in words at each tenor."""
    edges = [column for column in spec.series if frame.points_of(column)]
    past = [spec.price] if spec.price and frame.points_of(spec.price) else []
    y_ends = ticks.room_around([y for column in (*edges, *past) for _, y in frame.points_of(column)], 0.06)
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit),
        right=theme.WIDTH - theme.EDGE - 66,
        high=frame.PLOT_HIGH,
        x_ends=frame.time_ends([*past, *edges]),
        y_ends=y_ends,
    )
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    for (upper, lower), strength in reversed(list(zip(pairs, STRENGTHS, strict=False))):
        rim = [*frame.points_of(upper), *reversed(frame.points_of(lower))]
        sheet.field([(plot.x(x), plot.y(y)) for x, y in rim], theme.SKY, strength=strength)
    frame.levels(sheet, plot, spec.unit)
    frame.times(sheet, plot)
    for column in past:
        frame.line(sheet, plot, frame.points(column), theme.TEXT, width=3)
    start = frame.points_of(edges[0])[0]
    sheet.line([plot.x(start[0])] * 2, [plot.low, plot.high], theme.MUTED, width=2, dash=(0, (5, 4)), over=2)
    sheet.dots([plot.x(start[0])], [plot.y(start[1])], theme.TEXT, size=11)
    sheet.text(plot.x(start[0]) + 10, plot.high - 4, sheet.price(start[1]), bold=True, upright="top")
    for mark in sorted(spec.marks, key=lambda one: one.at.timestamp() if one.at else 0.0, reverse=True):
        if mark.at is None or mark.y is None:
            continue
        x, y = plot.x(mark.at.timestamp()), plot.y(mark.y)
        sheet.dots([x], [y], theme.SKY, size=11)
        text, up = sheet.number(mark.y, spec.unit), mark.y > start[1]
        frame.near(sheet, plot, Label(text=text, x=x, y=y, ink=theme.SKY, up=up, away=13))
    for column in past:
        frame.extremes(sheet, plot, column, "price", theme.TEXT)
    keys = [
        Key(label=upper.label, ink=theme.SKY, filled=True, strength=strength)
        for (upper, _), strength in zip(pairs, STRENGTHS, strict=False)
    ]
    frame.key(sheet, "", keys)

"""The balance over time, −100 (all caution) … +100 (all bullish), always on its whole scale; `marks` are the stances, and
each stretch of the line stands in the color of the stance of its time."""

import itertools
from math import isnan

from bot.charts import frame, history, theme
from bot.charts.frame import Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

ENDS = (-105.0, 105.0)


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """The line with its field down to zero, below the ribbon of stances and the price."""
    column = spec.series[0]
    label = frame.last_words(sheet, column, spec.unit)
    floors = history.floors_of(spec)
    left = frame.room_for_levels(sheet, ENDS, spec.unit)
    price_ends = history.price_ends_of(spec)
    words = [label, *([frame.last_words(sheet, spec.price, "price")] if spec.price else [])]
    if price_ends:
        left = max(left, frame.room_for_levels(sheet, price_ends, "USD", 2))
    plot = Plot(
        left=left,
        right=theme.WIDTH - theme.EDGE - max(sheet.width_of(word, bold=True) for word in words) - 8,
        low=floors.low,
        high=floors.high,
        x_ends=frame.time_ends([column, *([spec.price] if spec.price else [])]),
        y_ends=ENDS,
    )
    frame.levels(sheet, plot, spec.unit, 4)
    frame.times(sheet, plot)
    drawn = frame.points(column)
    for run in frame.runs(plot, spec.marks):
        ink = theme.STANCE_INKS.get(run.mark.kind, theme.MUTED)
        boxes = [
            (plot.x(start), *sorted((plot.y(0.0), plot.y(y))), plot.x(end))
            for (start, y), (end, _) in itertools.pairwise(drawn)
            if not isnan(y) and run.left <= plot.x(start) < run.right
        ]
        if boxes:
            sheet.bars([(a, low, b, high) for a, low, high, b in boxes], ink, strength=0.35, over=0)
    frame.line(sheet, plot, drawn, theme.TEXT)
    history.ends(sheet, plot, [column], [label], (theme.TEXT,))
    keys = frame.band(sheet, plot, spec.band, spec.band_label)
    keys += history.draw_above(sheet, plot, spec, floors)
    history.label_extremes(sheet, plot, spec, floors, spec.unit, theme.TEXT)
    frame.key(sheet, spec.unit, keys)

"""Liquidations by hour: the first series is shorts (drawn up), the second longs (drawn down), `at` the hours' starts, `y` in
USD and never negative. An hour that nobody tallied is hatched: it is not an hour without liquidations.
"""

from bot.charts import frame, theme, ticks
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec, Column

HOUR_S = 3600.0
LEVELS = 7


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """Bars up and down from zero; the largest hour in words."""
    up, down = spec.series[0], spec.series[1]
    start, end = frame.time_ends(spec.series)
    tallest = max((y for _, y in frame.known(up)), default=0.0)
    deepest = max((y for _, y in frame.known(down)), default=0.0)
    scale = max(tallest, deepest) or 1.0
    y_ends = (-max(deepest, 0.12 * scale) * 1.28, max(tallest, 0.12 * scale) * 1.28)
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit, LEVELS), right=theme.WIDTH - theme.EDGE,
        x_ends=(start, end + HOUR_S), y_ends=y_ends,
    )  # fmt: skip
    untold = [at for at, above, below in zip(up.at, up.y, down.y, strict=True) if above is None and below is None]
    if untold:
        boxes = [(plot.x(at.timestamp()), plot.low, plot.x(at.timestamp() + HOUR_S), plot.high) for at in untold]
        sheet.bars(boxes, theme.AXIS, strength=0.12, hatch="..", over=0)
    frame.levels(sheet, plot, spec.unit, LEVELS, sign=False)
    frame.times(sheet, plot)
    _bars(sheet, plot, up, theme.SKY, 1.0)
    _bars(sheet, plot, down, theme.ORANGE, -1.0)
    sheet.line([plot.left, plot.right], [plot.y(0.0)] * 2, theme.MUTED, width=2, over=3)
    _largest(sheet, plot, up, spec.unit, 1.0)
    _largest(sheet, plot, down, spec.unit, -1.0)
    keys = [
        Key(label=f"▲ {up.label}", ink=theme.SKY, filled=True, strength=1.0),
        Key(label=f"▼ {down.label}", ink=theme.ORANGE, filled=True, strength=0.6, hatch="//"),
    ]
    gap = (
        [Key(label=spec.band_label, ink=theme.AXIS, filled=True, strength=0.12, hatch="..")]
        if untold and spec.band_label
        else []
    )
    frame.key(sheet, spec.unit, keys + gap)


def _bars(sheet: Sheet, plot: Plot, column: Column, ink: str, way: float) -> None:
    thin = 0.12 * HOUR_S
    boxes = []
    for x, y in frame.known(column):
        low, high = sorted((plot.y(0.0), plot.y(way * y)))
        boxes.append((plot.x(x + thin), low, plot.x(x + HOUR_S - thin), high))
    if boxes:
        sheet.bars(boxes, ink, strength=1.0 if way > 0 else 0.6, hatch="" if way > 0 else "//")


def _largest(sheet: Sheet, plot: Plot, column: Column, unit: str, way: float) -> None:
    found = frame.known(column)
    if not found:
        return
    x, y = max(found, key=lambda point: point[1])
    if y <= 0.0:
        return
    low = plot.y(way * y) + (8 if way > 0 else -10 - theme.LABEL)
    label = ticks.written(y, unit)
    half = sheet.width_of(label, bold=True) / 2
    middle = min(max(plot.x(x + HOUR_S / 2), plot.left + half + 6), plot.right - half)
    sheet.text(middle, low, label, across="center", bold=True)

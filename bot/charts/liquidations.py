"""Liquidations by hour: the first series is shorts (drawn up), the second longs (drawn down), `at` the hours'
starts, `y` in USD and never negative. An hour that nobody tallied is hatched along zero: it is not an hour without
liquidations. `price` stands over the bars, on the same time."""

from bot.charts import beside, frame, history, theme
from bot.charts.beside import Label
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSeries, ChartSpec

HOUR_S = 3600.0
LEVELS = 6
STRIP = 9.0  # of an hour that nobody tallied, above zero and below


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """Bars up and down from zero; the largest hour in words."""
    up, down = spec.series[0], spec.series[1]
    start, end = frame.time_ends(spec.series)
    tallest = max((y for _, y in frame.points_of(up)), default=0.0)
    deepest = max((y for _, y in frame.points_of(down)), default=0.0)
    scale = max(tallest, deepest) or 1.0
    y_ends = (-max(deepest, 0.12 * scale) * 1.42, max(tallest, 0.12 * scale) * 1.42)
    floors, price_ends = history.floors_of(spec), history.price_ends_of(spec)
    left, right = frame.room_for_levels(sheet, y_ends, spec.unit, LEVELS), theme.WIDTH - theme.EDGE
    if spec.price and price_ends:
        left = max(left, frame.room_for_levels(sheet, price_ends, "USD", 2))
        right -= int(sheet.width_of(frame.last_words(sheet, spec.price, "price"), bold=True)) + 14
    plot = Plot(
        left=left, right=right, low=floors.low, high=floors.high, x_ends=(start, end + HOUR_S), y_ends=y_ends
    )
    untold = [
        at for at, above, below in zip(up.at, up.y, down.y, strict=True) if above is None and below is None
    ]
    if untold:
        boxes = [
            (
                plot.x(at.timestamp()),
                plot.y(0.0) - STRIP,
                plot.x(at.timestamp() + HOUR_S),
                plot.y(0.0) + STRIP,
            )
            for at in untold
        ]
        sheet.bars(boxes, theme.AXIS, strength=0.3, hatch="...", over=1)
    frame.levels(sheet, plot, spec.unit, LEVELS, sign=False)
    frame.times(sheet, plot)
    _bars(sheet, plot, up, theme.SKY, 1.0)
    _bars(sheet, plot, down, theme.ORANGE, -1.0)
    sheet.line([plot.left, plot.right], [plot.y(0.0)] * 2, theme.MUTED, width=2, over=3)
    keys = [
        Key(label=f"▲ {up.label}", ink=theme.SKY, filled=True, strength=1.0),
        Key(label=f"▼ {down.label}", ink=theme.ORANGE, filled=True, strength=0.6, hatch="//"),
    ]
    gap = (
        [Key(label=spec.band_label, ink=theme.AXIS, filled=True, strength=0.3, hatch="...")]
        if untold and spec.band_label
        else []
    )
    keys += gap + history.draw_above(sheet, plot, spec, floors)
    history.label_price(sheet, plot, spec, floors)
    _largest(sheet, plot, up, spec.unit, 1.0)
    _largest(sheet, plot, down, spec.unit, -1.0)
    frame.key(sheet, spec.unit, keys)


def _bars(sheet: Sheet, plot: Plot, column: ChartSeries, ink: str, way: float) -> None:
    thin = 0.12 * HOUR_S
    boxes = []
    for x, y in frame.points_of(column):
        low, high = sorted((plot.y(0.0), plot.y(way * y)))
        boxes.append((plot.x(x + thin), low, plot.x(x + HOUR_S - thin), high))
    if boxes:
        sheet.bars(boxes, ink, strength=1.0 if way > 0 else 0.6, hatch="" if way > 0 else "//")


def _largest(sheet: Sheet, plot: Plot, column: ChartSeries, unit: str, way: float) -> None:
    found = frame.points_of(column)
    if not found:
        return
    x, y = max(found, key=lambda point: point[1])
    if y <= 0.0:
        return
    text = sheet.number(y, unit)
    middle, edge = plot.x(x + HOUR_S / 2), plot.y(way * y)
    label = Label(text=text, x=middle, y=edge, ink=theme.TEXT, up=way > 0, away=4.0)
    beside.put(sheet, label, plot.box, must=True)

"""A metric over time: each series' `at` and `y`; `band` is the usual range; `marks` with `at` say from when on which
stance stood, and become a ribbon; `price` is drawn above it, on the same time. What was only `estimated` is a thin line, and where
the readings begin stands an upright one."""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from bot.charts import frame, theme, ticks
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSeries, ChartSpec

RIBBON = 30.0
BETWEEN = 12.0
PRICE_SHARE = 0.38  # of the height that price and metric share
THIN = 1.6


class Floors(Struct, frozen=True, kw_only=True):
    """Where the parts of a chart over time stand, from above: price, ribbon, the metric itself."""

    price: tuple[float, float] | None
    ribbon: tuple[float, float] | None
    low: float
    high: float


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """The lines, the band behind them, the stances above them, above these the price; last values beside all."""
    shown = [column for column in spec.series if frame.points_of(column)][: len(theme.INKS)]
    several = len(shown) > 1
    named = several or spec.kind == "funding"
    unit = "price" if spec.unit == "USD" and not spec.price else spec.unit
    labels = [frame.last_words(sheet, column, unit, named=named) for column in shown]
    floors = floors_of(spec)
    guessed = [spec.estimated] if spec.estimated and frame.points_of(spec.estimated) else []
    y_ends = y_ends_of([*shown, *guessed], spec.band)
    if not several:
        y_ends = frame.room_for_extremes(y_ends, frame.points_of(shown[0]), floors.high - floors.low)
    price_ends = price_ends_of(spec)
    left = frame.room_for_levels(sheet, y_ends, spec.unit)
    if price_ends:
        left = max(left, frame.room_for_levels(sheet, price_ends, "USD", 2))
    said = [*labels, frame.last_words(sheet, spec.price, "price")] if spec.price else labels
    widest = max(sheet.width_of(label, bold=True) for label in said)
    plot = Plot(
        left=left,
        right=theme.WIDTH - theme.EDGE - widest - 8,
        low=floors.low,
        high=floors.high,
        x_ends=frame.time_ends([*shown, *guessed, *([spec.price] if spec.price else [])]),
        y_ends=y_ends,
    )
    keys = frame.band(sheet, plot, spec.band, spec.band_label)
    frame.levels(sheet, plot, spec.unit, 5 if floors.price is None else 4)
    frame.times(sheet, plot)
    if guessed:
        draw_estimated(sheet, plot, guessed[0], shown[0])
    for place, column in enumerate(shown):
        frame.line(sheet, plot, frame.points(column), theme.INKS[place], dash=theme.DASHES[place])
    ends(sheet, plot, shown, labels)
    keys += draw_above(sheet, plot, spec, floors)
    if several:
        label_price(sheet, plot, spec, floors)
    else:
        label_extremes(sheet, plot, spec, floors, unit, theme.INKS[0])
    # Lines are named at their ends: the key needs what has no other name alone.
    frame.key(sheet, spec.unit, keys)


def draw_estimated(sheet: Sheet, plot: Plot, guessed: ChartSeries, read: ChartSeries) -> None:
    """What was estimated, thin, and an upright line where the readings begin."""
    frame.line(sheet, plot, frame.points(guessed), theme.INKS[0], width=THIN)
    x, _ = frame.points_of(read)[0]
    sheet.line([plot.x(x), plot.x(x)], [plot.low, plot.high], theme.MUTED, width=1.2)


def draw_above(sheet: Sheet, plot: Plot, spec: ChartSpec, floors: Floors) -> list[Key]:
    """What stands above the metric, on its time: the stances' ribbon, then the price. Gives what the key has to say."""
    keys = []
    if floors.ribbon:
        low, high = floors.ribbon
        keys += frame.ribbon(sheet, replace(plot, low=low, high=high), spec.marks)
    field = _price_field(plot, spec, floors)
    if spec.price and field:
        draw_price(sheet, field, spec.price)
    return keys


def label_extremes(sheet: Sheet, plot: Plot, spec: ChartSpec, floors: Floors, unit: str, ink: str) -> None:
    """The extremes of the price and of the chart's own line, once all else stands."""
    label_price(sheet, plot, spec, floors)
    frame.extremes(sheet, plot, next(one for one in spec.series if frame.points_of(one)), unit, ink)


def label_price(sheet: Sheet, plot: Plot, spec: ChartSpec, floors: Floors) -> None:
    """The extremes of the price that stands above a chart, if one does."""
    field = _price_field(plot, spec, floors)
    if spec.price and field:
        frame.extremes(sheet, field, spec.price, "price", theme.TEXT)


def _price_field(plot: Plot, spec: ChartSpec, floors: Floors) -> Plot | None:
    price_ends = price_ends_of(spec)
    if price_ends is None or floors.price is None:
        return None
    low, high = floors.price
    return replace(plot, low=low, high=high, y_ends=price_ends)


def price_ends_of(spec: ChartSpec) -> tuple[float, float] | None:
    """The ends of the price's axis; None without a price."""
    found = frame.points_of(spec.price) if spec.price else []
    if not found:
        return None
    floor = floors_of(spec).price
    height = floor[1] - floor[0] if floor else 0.0
    return frame.room_for_extremes(ticks.room_around([y for _, y in found]), found, height)


def floors_of(spec: ChartSpec) -> Floors:
    """The floors of a chart over time: as many as it has something for."""
    high = float(frame.PLOT_HIGH)
    price = ribbon = None
    if spec.price:
        foot = high - (high - frame.PLOT_LOW - RIBBON) * PRICE_SHARE
        price, high = (foot, high), foot - BETWEEN
    if any(mark.at is not None and mark.kind for mark in spec.marks):
        ribbon, high = (high - RIBBON, high), high - RIBBON - BETWEEN
    return Floors(price=price, ribbon=ribbon, low=frame.PLOT_LOW, high=high)


def y_ends_of(shown: Sequence[ChartSeries], band: tuple[float, float] | None) -> tuple[float, float]:
    """The ends of an axis that shows the values and the band."""
    return ticks.room_around([y for column in shown for _, y in frame.points_of(column)] + list(band or ()))


def draw_price(sheet: Sheet, plot: Plot, price: ChartSeries) -> None:
    """The price with its last value."""
    frame.levels(sheet, plot, "USD", 2)
    frame.line(sheet, plot, frame.points(price), theme.TEXT, width=3)
    x, y = frame.points_of(price)[-1]
    sheet.dots([plot.x(x)], [plot.y(y)], theme.TEXT, size=11)
    label = frame.last_words(sheet, price, "price")
    sheet.text(plot.right + 14, plot.y(y), label, ink=theme.TEXT, upright="center", bold=True)


def ends(
    sheet: Sheet, plot: Plot, shown: list[ChartSeries], labels: list[str], inks: Sequence[str] = theme.INKS
) -> None:
    """The last value of each line, with a thread from the point to its words where they had to move."""
    lasts = [frame.points_of(column)[-1] for column in shown]
    places = frame.spread_labels(
        [plot.y(y) for _, y in lasts], theme.LABEL + 8, plot.low + 10, plot.high - 10
    )
    for place, ((x, y), label, at) in enumerate(zip(lasts, labels, places, strict=True)):
        ink = inks[place]
        sheet.dots([plot.x(x)], [plot.y(y)], ink, marker=theme.MARKERS[place])
        if abs(at - plot.y(y)) > 4 or plot.x(x) < plot.right - 20:
            sheet.line([plot.x(x) + 8, plot.right + 10], [plot.y(y), at], ink, width=1.5, over=2)
        sheet.text(plot.right + 14, at, label, ink=ink, upright="center", bold=True)


def key_of_lines(columns: Sequence[ChartSeries]) -> list[Key]:
    """An entry of the key for each line, in its ink, dash and marker."""
    return [
        Key(label=column.label, ink=theme.INKS[place], dash=theme.DASHES[place], marker=theme.MARKERS[place])
        for place, column in enumerate(columns)
    ]

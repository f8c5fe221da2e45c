"""Why an amount moved: the first series is where it was, the last where it is, those between what each part
made of it (one value each). Series with `at` are drawn beside that, each as its change in % since its first
value: coins against dollars. A mark is a remark on the parts, in words."""

from bot.charts import frame, theme, ticks
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Box, Sheet
from bot.domain.posts import ChartSeries, ChartSpec

BARS_SHARE = 0.58
REMARK_AT = 84.0
LIFT = 26
"""By so much a bar's label stands higher where it would touch its neighbor's."""
GAP = 0.28  # between two bars, as a share of their distance


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """The waterfall, and the lines beside it where there are some."""
    bars = [column for column in spec.series if not column.at]
    lines = [column for column in spec.series if column.at and frame.points_of(column)]
    right = theme.WIDTH * BARS_SHARE if lines else theme.WIDTH - theme.EDGE
    low = frame.PLOT_LOW + 4 + (frame.ROW if spec.marks else 0)
    _waterfall(sheet, bars, spec.unit, (right, low))
    for mark in spec.marks:
        said = sheet.fitting(mark.label, theme.WIDTH - 2 * theme.EDGE, size=theme.SMALL)
        sheet.text(theme.EDGE, REMARK_AT, said, size=theme.SMALL, ink=theme.TEXT)
    if lines:
        _beside(sheet, lines, right + 16, low)


def _waterfall(sheet: Sheet, bars: list[ChartSeries], unit: str, corner: tuple[float, float]) -> None:
    values = [column.y[0] or 0.0 for column in bars]
    levels = [values[0]]
    for part in values[1:-1]:
        levels.append(levels[-1] + part)
    edges = [*levels, values[-1]]
    # A waterfall's bars stand on zero: cutting the foot off would make a small move look like a crash.
    plot = Plot(
        left=theme.EDGE,
        right=corner[0],
        low=corner[1],
        x_ends=(0.0, float(len(bars))),
        y_ends=(min(0.0, *edges), max(0.0, *edges) * 1.16),
    )
    sheet.line([plot.left, plot.right], [plot.y(0.0)] * 2, theme.AXIS, width=2, over=1)
    for place, (column, value) in enumerate(zip(bars, values, strict=True)):
        whole = place in (0, len(bars) - 1)
        start, end = (0.0, value) if whole else (levels[place - 1], levels[place])
        _bar(sheet, plot, place, (start, end), column, unit=unit, whole=whole)
        if place < len(bars) - 1:
            level = plot.y(value if whole else end)
            sheet.line(
                [plot.x(place + GAP / 2), plot.x(place + 2 - GAP / 2)],
                [level] * 2,
                theme.AXIS,
                width=2,
                over=3,
            )


def _bar(
    sheet: Sheet,
    plot: Plot,
    place: int,
    ends: tuple[float, float],
    column: ChartSeries,
    *,
    unit: str,
    whole: bool,
) -> None:
    start, end = ends
    left, right = plot.x(place + GAP / 2), plot.x(place + 1 - GAP / 2)
    ink = theme.SKY if whole else theme.GREEN if end >= start else theme.VERMILION
    low, high = sorted((plot.y(start), plot.y(end)))
    box = (left, low, right, max(high, low + 3))
    sheet.bars(
        [box],
        ink,
        strength=1.0 if whole else 0.45,
        hatch="" if whole else "//" if end < start else "\\\\",
        outline=not whole,
    )
    value = column.text or sheet.number(end - start, unit)
    label = value if whole or column.text or end < start else f"+{value}"
    middle = (left + right) / 2
    narrow = sheet.width_of(label, bold=True) > plot.x(1) - plot.x(0) - 4
    size = theme.SMALL if narrow else theme.LABEL
    wide, tall = sheet.size_of(label, size=size, bold=not narrow)
    foot = max(high, low + 3) + 5
    beside = Box(text=label, left=middle - wide / 2, low=foot, right=middle + wide / 2, high=foot + tall)
    lift = 0 if sheet.free(beside) else LIFT
    sheet.text(
        middle,
        foot + lift,
        label,
        across="center",
        upright="bottom",
        bold=not narrow,
        size=size,
        ink=theme.TEXT,
    )
    name = sheet.fitting(column.label, plot.x(1) - plot.x(0) - 4, size=theme.SMALL)
    sheet.text(middle, plot.low - 10, name, across="center", upright="top", size=theme.SMALL, ink=theme.MUTED)


def _beside(sheet: Sheet, lines: list[ChartSeries], left: float, low: float) -> None:
    changes = [_change(column) for column in lines]
    y_ends = ticks.room_around([0.0, *(y for column in changes for _, y in frame.points_of(column))], 0.12)
    # Numbers of this field stand left of it, so it begins where they end.
    start = left + frame.room_for_levels(sheet, y_ends, "%", 4) - theme.EDGE
    labels = [frame.last_words(sheet, column, "%") for column in changes]
    widest = max(sheet.width_of(label, bold=True) for label in labels)
    plot = Plot(
        left=start,
        right=theme.WIDTH - theme.EDGE - widest - 12,
        low=low,
        x_ends=frame.time_ends(changes),
        y_ends=y_ends,
    )
    frame.levels(sheet, plot, "%", 4)
    frame.times(sheet, plot, 3)
    places = frame.spread_labels(
        [plot.y(frame.points_of(column)[-1][1]) for column in changes], theme.LABEL + 8, plot.low, plot.high
    )
    for place, (column, label, at) in enumerate(zip(changes, labels, places, strict=True)):
        ink = theme.INKS[place]
        frame.line(sheet, plot, frame.points(column), ink, dash=theme.DASHES[place])
        x, y = frame.points_of(column)[-1]
        sheet.dots([plot.x(x)], [plot.y(y)], ink, marker=theme.MARKERS[place])
        sheet.text(plot.right + 14, at, label, ink=ink, upright="center", bold=True)
    frame.key(
        sheet,
        "",
        [
            Key(
                label=column.label,
                ink=theme.INKS[place],
                dash=theme.DASHES[place],
                marker=theme.MARKERS[place],
            )
            for place, column in enumerate(lines)
        ],
        left,
    )


def _change(column: ChartSeries) -> ChartSeries:
    """The column as its change in % since its first value."""
    first = frame.points_of(column)[0][1]
    return ChartSeries(
        label=column.label,
        at=column.at,
        y=tuple(None if y is None else (y / first - 1.0) * 100.0 for y in column.y),
    )

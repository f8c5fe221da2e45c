"""A reading along its tenors: one series a time, `x` in days to expiry, the one of now first and earlier ones `past`;
marks with `x` and `y` are the ends of the usual range of that tenor, two for each."""

from bot.charts import frame, theme, ticks
from bot.charts.beside import Label
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

BAR = 26.0  # the width of a tenor's usual range, in pixels


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """Now as a line with its values, before behind it, the usual range of each tenor that has one as a bar."""
    shown = [column for column in spec.series if frame.points_of(column)]
    found = [point for column in shown for point in frame.points_of(column)]
    ranges = _ranges(spec)
    y_ends = ticks.room_around(
        [y for _, y in found] + [end for ends in ranges.values() for end in ends], 0.14
    )
    furthest = max(x for x, _ in found)
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit),
        right=theme.WIDTH - theme.EDGE - 24,
        low=frame.PLOT_LOW + frame.ROW - 4,
        x_ends=(-furthest * 0.06, furthest * 1.1),  # room for the nearest tenor's own figure
        y_ends=y_ends,
    )
    for days, (low, high) in ranges.items():
        middle = plot.x(days)
        box = (middle - BAR / 2, plot.y(low), middle + BAR / 2, plot.y(high))
        sheet.bars([box], theme.BAND, strength=theme.BAND_STRENGTH, outline=True, over=1)
    frame.levels(sheet, plot, spec.unit)
    for days in sorted({x for x, _ in found}):
        frame.foot(sheet, plot, plot.x(days), sheet.number(days, "days"))
    middle = (plot.left + plot.right) / 2
    sheet.text(
        middle, plot.low - 44, spec.x_label, ink=theme.MUTED, size=theme.SMALL, across="center", upright="top"
    )
    keys: list[Key] = []
    for column in sorted(shown, key=lambda one: not one.past):
        ink, dash = (theme.MUTED, (0, (4, 3))) if column.past else (theme.SKY, "-")
        drawn = frame.points(column)
        frame.line(sheet, plot, drawn, ink, dash=dash, width=3 if column.past else 4)
        sheet.dots(
            [plot.x(x) for x, _ in drawn], [plot.y(y) for _, y in drawn], ink, size=11 if column.past else 15
        )
        keys.insert(0, Key(label=column.label, ink=ink, dash=dash, marker="o"))
    for column in shown:
        for x, y in frame.points_of(column):
            ink = theme.MUTED if column.past else theme.SKY
            others = [
                frame_y
                for one in shown
                if one is not column
                for at, frame_y in frame.points_of(one)
                if at == x
            ]
            up = column.past or not others or y >= max(others)
            text = sheet.number(y, spec.unit)
            frame.near(sheet, plot, Label(text=text, x=plot.x(x), y=plot.y(y), ink=ink, up=up, away=11))
    if ranges:
        keys.append(Key(label=spec.band_label, ink=theme.BAND, filled=True, strength=theme.BAND_STRENGTH))
    frame.key(sheet, spec.unit, keys)


def _ranges(spec: ChartSpec) -> dict[float, tuple[float, float]]:
    """The usual range of each tenor that has one."""
    ends: dict[float, list[float]] = {}
    for mark in spec.marks:
        if mark.x is not None and mark.y is not None:
            ends.setdefault(mark.x, []).append(mark.y)
    return {days: (min(both), max(both)) for days, both in ends.items()}

"""A curve by distance: one series a venue, `x` in days to expiry, `y` the rate there; `x_label` says what the
foot counts."""

from math import isnan

from bot.charts import frame, theme, ticks
from bot.charts.beside import Label
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

AWAY = 11.0  # from a marker to its value


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """A line with markers a venue; the usual range behind; each value in words where there is room."""
    shown = [column for column in spec.series if frame.points_of(column)]
    found = [point for column in shown for point in frame.points_of(column)]
    y_ends = ticks.room_around([y for _, y in found] + list(spec.band or (0.0,)), 0.14)
    furthest = max(x for x, _ in found)
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit),
        right=theme.WIDTH - theme.EDGE - 24,
        low=frame.PLOT_LOW + frame.ROW - 4,
        x_ends=(0.0, furthest * 1.06),
        y_ends=y_ends,
    )
    banded = frame.band(sheet, plot, spec.band, spec.band_label)
    frame.levels(sheet, plot, spec.unit)
    step = ticks.step_for(*plot.x_ends, 6)
    for days in ticks.numbers(*plot.x_ends, 6):
        frame.foot(sheet, plot, plot.x(days), sheet.number(days, "days", step))
    middle = (plot.left + plot.right) / 2
    sheet.text(
        middle, plot.low - 44, spec.x_label, ink=theme.MUTED, size=theme.SMALL, across="center", upright="top"
    )
    _lines(sheet, plot, spec)
    keys = [
        Key(label=column.label, ink=theme.INKS[place], dash=theme.DASHES[place], marker=theme.MARKERS[place])
        for place, column in enumerate(shown[: len(theme.INKS)])
    ]
    frame.key(sheet, spec.unit, [*keys, *banded])


def _lines(sheet: Sheet, plot: Plot, spec: ChartSpec) -> None:
    shown = [column for column in spec.series if frame.points_of(column)][: len(theme.INKS)]
    for place, column in enumerate(shown):
        ink, drawn = theme.INKS[place], frame.points(column)
        frame.line(sheet, plot, drawn, ink, dash=theme.DASHES[place])
        there = [(plot.x(x), plot.y(y)) for x, y in drawn if not isnan(y)]
        sheet.dots([x for x, _ in there], [y for _, y in there], ink, marker=theme.MARKERS[place], size=15)
    found = [
        (days, rate, theme.INKS[place])
        for place, column in enumerate(shown)
        for days, rate in frame.points_of(column)
    ]
    _values(sheet, plot, found, spec.unit)


def _values(sheet: Sheet, plot: Plot, found: list[tuple[float, float, str]], unit: str) -> None:
    """At each distance the highest rate in words above its point, the lowest below: what lies between can be
    read off."""
    for days in sorted({days for days, _, _ in found}, reverse=True):
        here = sorted((rate, ink) for other, rate, ink in found if other == days)
        told = [(*here[-1], True), *([(*here[0], False)] if len(here) > 1 else [])]
        for rate, ink, up in told:
            text = sheet.number(rate, unit)
            frame.near(
                sheet, plot, Label(text=text, x=plot.x(days), y=plot.y(rate), ink=ink, up=up, away=AWAY)
            )

"""Volatility that was expected beside what came: the first series is implied, the second (where there is one) realized,
both with `at`, in % a year. The field between them says which was larger."""

import itertools
from bisect import bisect_left

from bot.charts import frame, history, theme
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

NEAR_S = 2 * 86_400.0  # two values that are further apart are not compared


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """Both lines with their last values; between them the premium (implied above) or the shortfall."""
    shown = [column for column in spec.series if frame.points_of(column)]
    labels = [frame.last_words(sheet, column, spec.unit) for column in shown]
    y_ends = frame.room_for_extremes(
        history.y_ends_of(shown, None), frame.points_of(shown[0]), frame.PLOT_HIGH - frame.PLOT_LOW
    )
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit),
        right=theme.WIDTH - theme.EDGE - max(sheet.width_of(label, bold=True) for label in labels) - 8,
        high=frame.PLOT_HIGH,
        x_ends=frame.time_ends(shown),
        y_ends=y_ends,
    )
    if len(shown) > 1:
        _between(sheet, plot, frame.points_of(shown[0]), frame.points_of(shown[1]))
    frame.levels(sheet, plot, spec.unit)
    frame.times(sheet, plot)
    for place, column in enumerate(shown):
        frame.line(sheet, plot, frame.points(column), theme.INKS[place], dash=theme.DASHES[place])
    history.ends(sheet, plot, shown, labels)
    frame.extremes(sheet, plot, shown[0], spec.unit, theme.INKS[0])
    keys = [
        Key(label=column.label, ink=theme.INKS[place], dash=theme.DASHES[place])
        for place, column in enumerate(shown)
    ]
    frame.key(sheet, spec.unit, keys)


def _between(
    sheet: Sheet, plot: Plot, implied: list[tuple[float, float]], came: list[tuple[float, float]]
) -> None:
    """A strip for each step of what came, from it to the implied value nearest in time."""
    times = [x for x, _ in implied]
    sides: dict[str, list[tuple[float, float, float, float]]] = {theme.SKY: [], theme.ORANGE: []}
    for (start, low), (end, high) in itertools.pairwise(came):
        middle = (start + end) / 2
        place = min(bisect_left(times, middle), len(times) - 1)
        near = min((place, max(place - 1, 0)), key=lambda one: abs(times[one] - middle))
        if abs(times[near] - middle) > NEAR_S:
            continue
        here, there = (low + high) / 2, implied[near][1]
        floor, top = sorted((plot.y(here), plot.y(there)))
        sides[theme.SKY if there >= here else theme.ORANGE].append((plot.x(start), floor, plot.x(end), top))
    for ink, boxes in sides.items():
        if boxes:
            sheet.bars(boxes, ink, strength=0.22, over=0)

"""One post at a glance: the first mark is the stance (`label`, its id in `kind`), further marks are said beside it; each series is
a number (`label`, `text`) with its past (`at`, `y`) as a spark line. Four at most.
"""

from bot.charts import frame, theme
from bot.charts.frame import Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec, Column

CELLS = 4


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """The stance large, with its sign; below it the numbers, two by two."""
    stance = spec.marks[0]
    ink = theme.STANCE_INKS.get(stance.kind, theme.MUTED)
    y = theme.HEIGHT - 136
    sheet.bars([(0, 0, 12, theme.HEIGHT)], ink)
    if stance.kind in theme.STANCE_MARKERS:
        sheet.dots([theme.EDGE + 26], [y + 19], ink, marker=theme.STANCE_MARKERS[stance.kind], size=38)
    word = sheet.text(theme.EDGE + 62, y, stance.label, size=theme.BIG, bold=True, ink=ink)
    x = word.right + 28
    for mark in spec.marks[1:]:
        label = sheet.fitting(mark.label, theme.WIDTH - theme.EDGE - x, size=theme.LABEL)
        x = sheet.text(x, y + 2, label, size=theme.LABEL, ink=theme.MUTED).right + 28
    for place, column in enumerate(spec.series[:CELLS]):
        _cell(sheet, column, place, ink=theme.INKS[place])


def _cell(sheet: Sheet, column: Column, place: int, *, ink: str) -> None:
    """One number: its name, its value, its past."""
    width, height = (theme.WIDTH - 3 * theme.EDGE) / 2, 170.0
    left = theme.EDGE + (place % 2) * (width + theme.EDGE)
    top = theme.HEIGHT - 168 - (place // 2) * (height + 12)
    sheet.bars([(left, top - height, left + width, top)], theme.GRID, strength=0.45, over=0)
    label = sheet.fitting(column.label, width - 36, size=theme.SMALL)
    sheet.text(left + 18, top - 16, label, size=theme.SMALL, ink=theme.MUTED, upright="top")
    value = sheet.fitting(column.text, width - 36, size=36, bold=True)
    sheet.text(left + 18, top - 54, value, size=36, bold=True, upright="top")
    found = frame.known(column)
    if len(found) < 2:
        return
    values = [y for _, y in found]
    spare = (max(values) - min(values)) * 0.06 or 1.0
    plot = Plot(
        left=left + 18, right=left + width - 26, low=top - height + 16, high=top - 108, x_ends=frame.time_ends([column]),
        y_ends=(min(values) - spare, max(values) + spare),
    )  # fmt: skip
    frame.line(sheet, plot, frame.points(column), ink, width=3)
    x, y = found[-1]
    sheet.dots([plot.x(x)], [plot.y(y)], ink, size=12)

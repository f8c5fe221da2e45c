"""One post at a glance. The first mark is the stance (`label`, its id in `kind`), further marks without a place are said
beside it. `price` is the price with its words in `text` and its change in `note`. A series with `x` is the balance: its
ends at the left and the right of the scale in `y`, `band` where it stood in its year, `text` and `note` in words. Series
with `at` are readings (`label`, `text`, `note`, `band` the usual range) with their past; three at most."""

from collections.abc import Sequence

from bot.charts import frame, theme, ticks
from bot.charts.frame import Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSeries, ChartSpec

CELLS = 3
BETWEEN = 14.0
ENDS = (-100.0, 100.0)


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """From above: the price, the stance, the balance, the readings."""
    stance = spec.marks[0]
    ink = theme.STANCE_INKS.get(stance.kind, theme.MUTED)
    sheet.bars([(0, 0, 12, theme.HEIGHT)], ink)
    _price(sheet, spec.price)
    balance = next((column for column in spec.series if column.x), None)
    cells = [column for column in spec.series if column.at][:CELLS]
    _stance(sheet, spec, ink, theme.HEIGHT - (128 if balance else 148))
    if balance:
        _balance(sheet, balance, ink, spec.marks)
    top = theme.HEIGHT - (240 if balance else 196)
    low = 88.0
    width = (theme.WIDTH - 2 * theme.EDGE - (len(cells) - 1) * BETWEEN) / max(len(cells), 1)
    for place, column in enumerate(cells):
        left = theme.EDGE + place * (width + BETWEEN)
        _cell(sheet, column, (left, low, left + width, top))


def _price(sheet: Sheet, price: ChartSeries | None) -> None:
    """The price and its change, at the right of the title."""
    if price is None:
        return
    y = frame.TITLE_AT
    right = float(theme.WIDTH - theme.EDGE)
    if price.note:
        note = sheet.text(right, y, price.note, size=theme.LABEL, ink=theme.MUTED, across="right")
        right = note.left - 20
    sheet.text(right, y, price.text, size=theme.TITLE + 6, bold=True, across="right")


def _stance(sheet: Sheet, spec: ChartSpec, ink: str, y: float) -> None:
    stance = spec.marks[0]
    if stance.kind in theme.STANCE_MARKERS:
        sheet.dots([theme.EDGE + 22], [y + 19], ink, marker=theme.STANCE_MARKERS[stance.kind], size=36)
    beside = " · ".join(mark.label for mark in spec.marks[1:] if mark.x is None)
    room = theme.WIDTH - 2 * theme.EDGE - 56 - 24 - sheet.width_of(beside, size=theme.LABEL)
    size = theme.BIG
    while size > theme.TITLE and sheet.width_of(stance.label, size=size, bold=True) > room:
        size -= 1  # a long word gives way to what is said beside it
    word = sheet.text(theme.EDGE + 56, y, stance.label, size=size, bold=True, ink=ink)
    if beside:
        room = theme.WIDTH - theme.EDGE - word.right - 24
        label = sheet.fitting(beside, room, size=theme.LABEL)
        sheet.text(word.right + 24, y + 2, label, size=theme.LABEL, ink=theme.TEXT)


def _balance(sheet: Sheet, column: ChartSeries, ink: str, marks: Sequence[object]) -> None:
    """A scale from all caution to all bullish: where the balance stood in its year, where it stands."""
    y = theme.HEIGHT - 192.0
    label = f"{column.label} {column.text}"
    named = sheet.text(theme.EDGE, y, label, size=theme.LABEL, bold=True, ink=theme.TEXT, upright="center")
    note = (
        sheet.text(
            theme.WIDTH - theme.EDGE,
            y,
            column.note,
            size=theme.SMALL,
            ink=theme.MUTED,
            across="right",
            upright="center",
        )
        if column.note
        else None
    )
    plot = Plot(
        left=named.right + 22,
        right=(note.left if note else theme.WIDTH - theme.EDGE) - 22,
        low=y - 9,
        high=y + 9,
        x_ends=ENDS,
        y_ends=(0.0, 1.0),
    )
    sheet.bars([(plot.left, y - 3, plot.right, y + 3)], theme.GRID, over=0)
    if column.band:
        low, high = (plot.x(min(max(end, ENDS[0]), ENDS[1])) for end in column.band)
        sheet.bars([(low, y - 9, high, y + 9)], theme.MUTED, strength=0.4, over=1)
    middle = plot.x(0.0)
    sheet.line([middle, middle], [y - 15, y + 15], theme.AXIS, width=2, over=2)
    ends = [value for value in column.y if value is not None]
    low, high = plot.x(min(ends)), plot.x(max(ends))
    if high - low > 8:
        sheet.bars([(low, y - 6, high, y + 6)], ink, over=3)
    for x in {low, high}:
        sheet.dots([x], [y], ink, size=20)


def _cell(sheet: Sheet, column: ChartSeries, box: tuple[float, float, float, float]) -> None:
    """One reading: its name, its value, its usual range, its past with the time along the foot."""
    left, low, right, top = box
    width, found = right - left, frame.points_of(column)
    sheet.bars([box], theme.GRID, strength=0.45, over=0)
    y = top - 12.0
    for line in _wrapped(sheet, column.label, width - 28):
        sheet.text(left + 14, y, line, size=theme.SMALL, ink=theme.MUTED, upright="top")
        y -= 28
    y = top - 74.0
    value = column.text
    bare = not value[:1].isalpha()  # "at least" before a number is not to be lost
    if found and bare and column.unit and sheet.width_of(value, size=34, bold=True) > width - 28:
        value = sheet.number(found[-1][1], column.unit)
    value = sheet.fitting(value, width - 28, size=34, bold=True)
    sheet.text(left + 14, y, value, size=34, bold=True, upright="top")
    if column.note:
        note = sheet.fitting(column.note, width - 28, size=theme.SMALL)
        sheet.text(left + 14, y - 44, note, size=theme.SMALL, ink=theme.MUTED, upright="top")
    if len(found) < 2:
        return
    plot = Plot(
        left=left + 14,
        right=right - 22,
        low=low + 40,
        high=y - 82,
        x_ends=frame.time_ends([column]),
        y_ends=_ends(column, found),
    )
    frame.band(sheet, plot, column.band)
    frame.line(sheet, plot, frame.points(column), theme.SKY, width=3)
    x, value_there = found[-1]
    sheet.dots([plot.x(x)], [plot.y(value_there)], theme.SKY, size=12)
    sheet.line([plot.left, plot.right], [plot.low, plot.low], theme.AXIS, width=1.5, over=1)
    for at, across, place in ((column.at[0], "left", plot.left), (column.at[-1], "right", plot.right)):
        day = ticks.day(at, sheet.speech)
        sheet.text(
            place,
            plot.low - 6,
            day,
            size=theme.SMALL,
            ink=theme.MUTED,
            across="left" if across == "left" else "right",
            upright="top",
        )


def _ends(column: ChartSeries, found: list[tuple[float, float]]) -> tuple[float, float]:
    """The values, and as much of the usual range as does not make them small."""
    values = [y for _, y in found]
    low, high = min(values), max(values)
    if column.band:
        reach = max((high - low) * 2.0, abs(high) * 0.05, 1e-9)
        near, far = column.band
        low, high = min(low, max(near, low - reach)), max(high, min(far, high + reach))
    return ticks.room_around([low, high], 0.08)


def _wrapped(sheet: Sheet, text: str, room: float) -> list[str]:
    """The words on at most two lines."""
    parts = text.split(" ")
    fitting = len(parts)
    while fitting > 1 and sheet.width_of(" ".join(parts[:fitting]), size=theme.SMALL) > room:
        fitting -= 1
    first, rest = " ".join(parts[:fitting]), " ".join(parts[fitting:])
    lines = [sheet.fitting(first, room, size=theme.SMALL)]
    return [*lines, sheet.fitting(rest, room, size=theme.SMALL)] if rest else lines

"""What every chart has around its data: title, key, caption, axes; and where a label goes so that none lies
on another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import pairwise
from math import isnan, nan

from msgspec import Struct
from msgspec.structs import replace

from bot.charts import beside, theme, ticks
from bot.charts.beside import Label
from bot.charts.sheet import Box, Sheet
from bot.domain.posts import ChartSeries, ChartSpec, Mark

TITLE_AT = theme.HEIGHT - 52
KEY_AT = theme.HEIGHT - 94
PLOT_HIGH = theme.HEIGHT - 118
PLOT_LOW = 116
CAPTION_AT = 18
CAPTION_ROW = 27  # a caption has two lines at most
ROW = 32  # from one line of small words to the next
SAMPLE = 44  # the width of a sample in the key
OVER, UNDER = 12.0, 6.0
"""By so much words at a point may stand over a field's upper edge and under its lower one, in pixels."""
WORDS = beside.GAP + theme.SMALL + 2.0  # what words at a point need over it or under it
ROUNDS = 12
SAME = 6.0  # pixels: a height that is nearer to a line's end than that is told there

Points = Sequence[tuple[float, float]]


class Key(Struct, frozen=True, kw_only=True):
    """One entry of the key: a line as it is drawn (`upright`: a stroke), a field as it is filled, or a sign in
    words (`text`)."""

    label: str
    ink: str
    dash: object = "-"
    marker: str = ""
    filled: bool = False
    upright: bool = False
    strength: float = 0.3
    hatch: str = ""
    text: str = ""


class Plot(Struct, frozen=True, kw_only=True):
    """A field of the sheet and the numbers at its edges."""

    left: float
    right: float
    low: float = PLOT_LOW
    high: float = PLOT_HIGH
    x_ends: tuple[float, float]
    y_ends: tuple[float, float]

    def x(self, value: float) -> float:
        """The pixel of a number along the field."""
        start, end = self.x_ends
        return self.left + (value - start) / (end - start) * (self.right - self.left)

    def y(self, value: float) -> float:
        """The pixel of a number up the field."""
        start, end = self.y_ends
        return self.low + (value - start) / (end - start) * (self.high - self.low)

    @property
    def box(self) -> Box:
        """Where the words at its points may stand: inside it, and a little over its edges."""
        return Box(
            text="", left=self.left + 4, low=self.low - UNDER, right=self.right - 4, high=self.high + OVER
        )


def heading(sheet: Sheet, spec: ChartSpec) -> None:
    """Title above, caption below: every chart says what it shows, of whom and when."""
    room = theme.WIDTH - 2 * theme.EDGE
    title = sheet.fitting(spec.title, room, size=theme.TITLE, bold=True)
    sheet.text(theme.EDGE, TITLE_AT, title, size=theme.TITLE, bold=True)
    first, rest = _two_lines(sheet, spec.caption, room)
    sheet.text(
        theme.EDGE, CAPTION_AT + (CAPTION_ROW if rest else 8), first, size=theme.SMALL, ink=theme.MUTED
    )
    if rest:
        rest = sheet.fitting(rest, room, size=theme.SMALL)
        sheet.text(theme.EDGE, CAPTION_AT, rest, size=theme.SMALL, ink=theme.MUTED)


def _two_lines(sheet: Sheet, text: str, room: float) -> tuple[str, str]:
    """The words that fit on one line, and those that are left."""
    parts = text.split(" ")
    fitting = len(parts)
    while fitting > 1 and sheet.width_of(" ".join(parts[:fitting]), size=theme.SMALL) > room:
        fitting -= 1
    return " ".join(parts[:fitting]), " ".join(parts[fitting:])


def key(sheet: Sheet, unit: str, entries: Sequence[Key], left: float = theme.EDGE) -> None:
    """The unit, then what each ink stands for, on one line; what does not fit is cut."""
    x = left
    if unit and unit != "USD":
        x = sheet.text(x, KEY_AT, sheet.speech.unit(unit), ink=theme.MUTED, size=theme.SMALL).right + 30
    for entry in entries:
        room = theme.WIDTH - theme.EDGE - x - SAMPLE - 12
        label = sheet.fitting(entry.label, room, size=theme.SMALL) if room > SAMPLE else ""
        if len(label) < 2:
            return
        _sample(sheet, x, entry)
        x = sheet.text(x + SAMPLE + 12, KEY_AT, label, size=theme.SMALL, ink=theme.TEXT).right + 26


def _sample(sheet: Sheet, x: float, entry: Key) -> None:
    middle = KEY_AT + 8
    if entry.filled:
        box = (x, middle - 10, x + SAMPLE, middle + 10)
        sheet.bars([box], entry.ink, strength=entry.strength, hatch=entry.hatch, outline=True)
        return
    if entry.text:
        sheet.text(
            x + SAMPLE / 2, KEY_AT, entry.text, size=theme.SMALL, ink=entry.ink, across="center", bold=True
        )
        return
    if entry.upright:
        sheet.line([x + SAMPLE - 12] * 2, [middle - 13, middle + 13], entry.ink, width=5)
        return
    sheet.line([x, x + SAMPLE], [middle, middle], entry.ink, dash=entry.dash)
    if entry.marker:
        sheet.dots([x + SAMPLE / 2], [middle], entry.ink, marker=entry.marker)


def levels(sheet: Sheet, plot: Plot, unit: str, most: int = 5, *, sign: bool = True) -> None:
    """Grid lines at round numbers, each with its number left of the field. Without `sign` numbers below zero
    lose theirs."""
    start, end = plot.y_ends
    step = ticks.step_for(start, end, most)
    for value in ticks.numbers(start, end, most):
        y = plot.y(value)
        nought = abs(value) < step * 1e-6
        sheet.line(
            [plot.left, plot.right],
            [y, y],
            theme.AXIS if nought else theme.GRID,
            width=2 if nought else 1.5,
            over=1,
        )
        label = sheet.number(0.0 if nought else value if sign else abs(value), unit, step)
        width = sheet.width_of(label, size=theme.SMALL)
        right, half = plot.left - 12, theme.SMALL / 2
        if sheet.free(Box(text=label, left=right - width, low=y - half, right=right, high=y + half), 0.0):
            sheet.text(right, y, label, ink=theme.MUTED, across="right", upright="center", size=theme.SMALL)


def room_for_levels(sheet: Sheet, y_ends: tuple[float, float], unit: str, most: int = 5) -> float:
    """Where a field begins so that its numbers have room left of it."""
    step = ticks.step_for(*y_ends, most)
    shown = [sheet.number(value, unit, step) for value in ticks.numbers(*y_ends, most)]
    return theme.EDGE + max((sheet.width_of(text, size=theme.SMALL) for text in shown), default=0.0) + 12


def times(sheet: Sheet, plot: Plot, most: int = 5) -> None:
    """Round UTC times below the field, each with a small stroke."""
    since, until = (datetime.fromtimestamp(end, UTC) for end in plot.x_ends)
    found, step = ticks.times(since, until, most)
    for at in found:
        foot(sheet, plot, plot.x(at.timestamp()), ticks.moment(at, step, sheet.speech))


def foot(sheet: Sheet, plot: Plot, x: float, label: str) -> None:
    """One label below the field with its stroke; left out where it would lie on another."""
    half = sheet.width_of(label, size=theme.SMALL) / 2
    y = plot.low - 12
    if x + half > theme.WIDTH - 6:
        return
    wanted = Box(text=label, left=x - half, low=y - 24, right=x + half, high=y)
    # Words of its own row are kept further away than a level's number, which stands higher up.
    row = Box(text=label, left=x - half - 14, low=y - 24, right=x + half + 14, high=y - 16)
    sheet.line([x, x], [plot.low, plot.low - 7], theme.AXIS, width=2, over=1)
    if sheet.free(wanted, 0.0) and sheet.free(row, 0.0):
        sheet.text(x, y, label, ink=theme.MUTED, across="center", upright="top", size=theme.SMALL)


def points(column: ChartSeries) -> list[tuple[float, float]]:
    """A column's points, in seconds since 1970 where it is over time; a gap is nan."""
    along = [at.timestamp() for at in column.at] if column.at else list(column.x)
    return [(x, nan if y is None else y) for x, y in zip(along, column.y, strict=True)]


def points_of(column: ChartSeries) -> list[tuple[float, float]]:
    """A column's points that are there."""
    return [(x, y) for x, y in points(column) if not isnan(y)]


def time_ends(columns: Sequence[ChartSeries]) -> tuple[float, float]:
    """From the first time to the last, an hour at least."""
    found = [at.timestamp() for column in columns for at in column.at]
    return min(found), max(*found, min(found) + 3600.0)


def line(
    sheet: Sheet, plot: Plot, drawn: Points, ink: str, *, dash: object = "-", width: float = 3.5
) -> None:
    """A line with its gaps; a value alone between two gaps is a dot."""
    sheet.line([plot.x(x) for x, _ in drawn], [plot.y(y) for _, y in drawn], ink, dash=dash, width=width)
    padded = [nan, *(y for _, y in drawn), nan]
    lonely = [
        point
        for place, point in enumerate(drawn)
        if not isnan(point[1]) and isnan(padded[place]) and isnan(padded[place + 2])
    ]
    if lonely:
        sheet.dots([plot.x(x) for x, _ in lonely], [plot.y(y) for _, y in lonely], ink, size=9)


def last_words(sheet: Sheet, column: ChartSeries, unit: str, *, named: bool = False) -> str:
    """A column's last value in words, its own where it has some; behind its name where it is one of
    several."""
    last = points_of(column)[-1][1]
    value = column.text or (sheet.price(last) if unit == "price" else sheet.number(last, unit))
    return f"{column.label} {value}" if named else value


def extremes(sheet: Sheet, plot: Plot, column: ChartSeries, unit: str, ink: str) -> None:
    """A line's highest and lowest value in words where they are not its ends, which the axis or the last value tell; to be
    called when all of the chart is drawn. The unit "price" writes them in full."""
    found = points_of(column)
    told = [(1, max(found, key=_height)), (-1, min(found, key=_height))]
    shown = [
        (way, plot.x(x), plot.y(y), sheet.price(y) if unit == "price" else sheet.number(y, unit))
        for way, (x, y) in told
        if (x, y) not in (found[0], found[-1]) and abs(plot.y(y) - plot.y(found[-1][1])) >= SAME
    ]
    for _, x, y, _ in shown:
        sheet.dots([x], [y], ink, size=10)
    for way, x, y, text in shown:
        label = Label(text=text, x=x, y=y, ink=ink, size=theme.SMALL, bold=False, up=way > 0)
        beside.put(sheet, label, plot.box)


def room_for_extremes(y_ends: tuple[float, float], found: Points, height: float) -> tuple[float, float]:
    """The ends of an axis of so many pixels, with room over a line's highest point and under its lowest for their
    words."""
    low, high = y_ends
    top, foot = max(y for _, y in found), min(y for _, y in found)
    above = WORDS - OVER if top not in (found[0][1], found[-1][1]) else 0.0
    below = WORDS - UNDER if foot not in (found[0][1], found[-1][1]) else 0.0
    if height <= above + below:
        return y_ends
    for _ in range(ROUNDS):  # more room makes each pixel worth more
        per_pixel = (high - low) / height
        low, high = min(y_ends[0], foot - below * per_pixel), max(y_ends[1], top + above * per_pixel)
    return low, high


def _height(point: tuple[float, float]) -> float:
    return point[1]


def band(sheet: Sheet, plot: Plot, ends: tuple[float, float] | None, label: str = "") -> list[Key]:
    """A usual range behind the data, and its entry of the key."""
    if ends is None:
        return []
    low, high = (min(max(plot.y(end), plot.low), plot.high) for end in ends)
    sheet.bars([(plot.left, low, plot.right, high)], theme.BAND, strength=theme.BAND_STRENGTH, over=0)
    for end in ends:
        if plot.low <= plot.y(end) <= plot.high:
            y = plot.y(end)
            sheet.line([plot.left, plot.right], [y, y], theme.BAND, width=1.5, dash=(0, (4, 4)), over=1)
    return [Key(label=label, ink=theme.BAND, filled=True, strength=theme.BAND_STRENGTH)] if label else []


class Run(Struct, frozen=True, kw_only=True):
    """A time through which one stance stood, in pixels."""

    mark: Mark
    left: float
    right: float


def runs(plot: Plot, marks: Sequence[Mark]) -> list[Run]:
    """The stances of a chart's time, oldest first; the last one stands to its end. One that began before reaches in."""
    start, end = plot.x_ends
    told = sorted((mark for mark in marks if mark.at is not None and mark.kind), key=_began)
    found = []
    for place, mark in enumerate(told):
        since = max(_began(mark), start)
        until = min(_began(told[place + 1]), end) if place + 1 < len(told) else end
        if until > since:
            found.append(Run(mark=mark, left=plot.x(since), right=plot.x(until)))
    return found


def _began(mark: Mark) -> float:
    return mark.at.timestamp() if mark.at else 0.0


def ribbon(sheet: Sheet, plot: Plot, marks: Sequence[Mark]) -> list[Key]:
    """The stances as a strip between `plot.low` and `plot.high`: each with its word, or its sign where that has no
    room; those without either are told in the key, which is given back. Times before the first one are left open."""
    middle = (plot.low + plot.high) / 2
    missing: dict[str, Key] = {}
    worded: set[str] = set()
    for run in runs(plot, marks):
        ink = theme.STANCE_INKS.get(run.mark.kind, theme.MUTED)
        gap = 1.5 if run.right - run.left > 6 else 0.0
        sheet.bars([(run.left, plot.low, max(run.right - gap, run.left + 1), plot.high)], ink, over=2)
        room = run.right - run.left
        center = (run.left + run.right) / 2
        if sheet.width_of(run.mark.label, size=theme.SMALL) + 14 <= room:
            sheet.text(
                center,
                middle,
                run.mark.label,
                size=theme.SMALL,
                ink=theme.GROUND,
                across="center",
                upright="center",
            )
            worded.add(run.mark.kind)
            continue
        if room >= 20:
            sign = theme.STANCE_MARKERS.get(run.mark.kind, "o")
            sheet.dots([center], [middle], theme.GROUND, marker=sign, size=13)
        missing[run.mark.kind] = Key(label=run.mark.label, ink=ink, filled=True, strength=1.0)
    return [entry for kind, entry in missing.items() if kind not in worded]


def spread_labels(wanted: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """Places for labels as near as may be to where they are wanted, at least `apart` from each other and
    inside the ends."""
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    found = [min(max(y, low), high) for y in wanted]
    for before, after in pairwise(order):
        found[after] = max(found[after], found[before] + apart)
    ceiling = high
    for place in reversed(order):
        found[place] = min(found[place], ceiling)
        ceiling = found[place] - apart
    return found


def near(sheet: Sheet, plot: Plot, label: Label, *, must: bool = False) -> Box | None:
    """Words beside a point of a chart that has none at its sides, with a rim, so that they are read over its fields; see
    `beside.put`."""
    field = replace(plot.box, left=6.0, right=theme.WIDTH - 6.0)
    return beside.put(sheet, replace(label, rim=True), field, must=must)

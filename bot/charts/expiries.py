"""What is open by expiry: series of calls, of puts (USD, puts upon calls) and of a strike in words; `at` the expiries."""

from collections.abc import Sequence

from msgspec.structs import replace

from bot.charts import frame, theme, ticks
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

APART = 12.0  # between the words of two neighbors


def draw(sheet: Sheet, spec: ChartSpec) -> None:
    """A bar an expiry, calls below and puts upon them, as high as the sum above it; the day and the strike below."""
    calls, puts, strikes = spec.series
    sums = [(one or 0.0) + (other or 0.0) for one, other in zip(calls.y, puts.y, strict=True)]
    most = max(*sums, 1.0)
    y_ends = (0.0, most * 1.2)
    plot = Plot(
        left=frame.room_for_levels(sheet, y_ends, spec.unit),
        right=theme.WIDTH - theme.EDGE,
        low=frame.PLOT_LOW + frame.ROW + 8,
        x_ends=(0.0, float(len(sums))),
        y_ends=y_ends,
    )
    frame.levels(sheet, plot, spec.unit)
    bases = [0.0] * len(sums)
    for column, ink, hatch in ((calls, theme.SKY, ""), (puts, theme.ORANGE, "//")):
        tops = [base + (value or 0.0) for base, value in zip(bases, column.y, strict=True)]
        boxes = [
            (plot.x(place + 0.24), plot.y(base), plot.x(place + 0.76), plot.y(top))
            for place, (base, top) in enumerate(zip(bases, tops, strict=True))
        ]
        sheet.bars(boxes, ink, strength=0.6 if hatch else 1.0, hatch=hatch)
        bases = tops
    room = plot.x(1.0) - plot.x(0.0) - APART
    totals, pains = _amounts(sheet, sums, room), _amounts(sheet, strikes.y, room)
    bold = _widest(sheet, totals, bold=True) <= room
    for place, at in enumerate(calls.at):
        middle, top = plot.x(place + 0.5), plot.y(sums[place])
        sheet.text(middle, top + 8, totals[place], across="center", bold=bold, size=theme.SMALL)
        day = ticks.day(at, sheet.speech)
        sheet.text(
            middle, plot.low - 10, day, across="center", upright="top", size=theme.SMALL, ink=theme.TEXT
        )
        y = plot.low - 42
        sheet.text(middle, y, pains[place], across="center", upright="top", size=theme.SMALL, ink=theme.MUTED)
    keys = [
        Key(label=calls.label, ink=theme.SKY, filled=True, strength=1.0),
        Key(label=puts.label, ink=theme.ORANGE, filled=True, strength=0.6, hatch="//"),
        Key(label=strikes.label, ink=theme.MUTED, text="$"),
    ]
    frame.key(sheet, "", keys)


def _amounts(sheet: Sheet, values: Sequence[float | None], room: float) -> list[str]:
    """Dollars in words for a row of places, all without the sign, which the key has, where one does not fit with it; nothing
    for what is not known."""
    full, bare = (
        ["" if one is None else ticks.format_tick(one, "USD", None, speech) for one in values]
        for speech in (sheet.speech, replace(sheet.speech, dollars="{}"))
    )
    return full if _widest(sheet, full) <= room else bare


def _widest(sheet: Sheet, texts: Sequence[str], *, bold: bool = False) -> float:
    return max((sheet.width_of(text, size=theme.SMALL, bold=bold) for text in texts), default=0.0)

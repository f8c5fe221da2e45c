"""What is open by expiry: series of calls, of puts (USD, puts upon calls) and of a strike in words; `at` the expiries."""

from bot.charts import frame, theme, ticks
from bot.charts.frame import Key, Plot
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec


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
    for place, (at, total) in enumerate(zip(calls.at, sums, strict=True)):
        middle, top = plot.x(place + 0.5), plot.y(total)
        sheet.text(
            middle, top + 8, sheet.number(total, spec.unit), across="center", bold=True, size=theme.SMALL
        )
        day = ticks.day(at, sheet.speech)
        sheet.text(
            middle, plot.low - 10, day, across="center", upright="top", size=theme.SMALL, ink=theme.TEXT
        )
        strike = strikes.y[place]
        if strike is not None:
            words = sheet.number(strike, "USD")
            sheet.text(
                middle,
                plot.low - 42,
                words,
                across="center",
                upright="top",
                size=theme.SMALL,
                ink=theme.MUTED,
            )
    keys = [
        Key(label=calls.label, ink=theme.SKY, filled=True, strength=1.0),
        Key(label=puts.label, ink=theme.ORANGE, filled=True, strength=0.6, hatch="//"),
        Key(label=strikes.label, ink=theme.MUTED, text="$"),
    ]
    frame.key(sheet, "", keys)

"""A spec to PNG: which file draws which kind."""

from collections.abc import Callable, Mapping

from bot.charts import curve, frame, funding, history, liquidations, record, smile, split, summary
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

KINDS: Mapping[str, Callable[[Sheet, ChartSpec], None]] = {
    "history": history.draw,
    "smile": smile.draw,
    "curve": curve.draw,
    "split": split.draw,
    "liquidations": liquidations.draw,
    "funding": funding.draw,
    "record": record.draw,
    "summary": summary.draw,
}


def render(spec: ChartSpec, sheet: Sheet | None = None) -> bytes:
    """PNG bytes, the same for the same spec. A sheet that is given is wiped and used: one thread at a time."""
    sheet = sheet or Sheet()
    sheet.wipe()
    frame.heading(sheet, spec)
    KINDS[spec.kind](sheet, spec)
    return sheet.png()

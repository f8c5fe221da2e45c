"""A spec to PNG: which file draws which kind."""

from collections.abc import Callable, Mapping

from bot.charts import (
    balance,
    curve,
    expiries,
    frame,
    funding,
    gamma,
    history,
    liquidations,
    move,
    record,
    smile,
    split,
    summary,
    term,
    volatility,
)
from bot.charts.sheet import Sheet
from bot.domain.posts import ChartSpec

KINDS: Mapping[str, Callable[[Sheet, ChartSpec], None]] = {
    "history": history.draw,
    "balance": balance.draw,
    "smile": smile.draw,
    "curve": curve.draw,
    "split": split.draw,
    "liquidations": liquidations.draw,
    "funding": funding.draw,
    "record": record.draw,
    "summary": summary.draw,
    "term": term.draw,
    "volatility": volatility.draw,
    "move": move.draw,
    "gamma": gamma.draw,
    "expiries": expiries.draw,
}


def render(spec: ChartSpec, sheet: Sheet | None = None, *, light: bool = False) -> bytes:
    """PNG bytes, the same for the same spec, on a dark ground or on a `light` one. A sheet that is given is wiped and
    used: one thread at a time."""
    sheet = sheet or Sheet()
    lay_out(spec, sheet)
    return sheet.png(light=light)


def lay_out(spec: ChartSpec, sheet: Sheet) -> None:
    """Wipe a sheet and put on it all that a picture of the spec has; where things stand is the same on either ground."""
    sheet.wipe(spec.speech)
    frame.heading(sheet, spec)
    KINDS[spec.kind](sheet, spec)

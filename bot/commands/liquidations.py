"""`/liquidations`: positions closed by force, longs and shorts, over one window, and how large that is."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.commands import Command, Option, Request
from bot.commands._charts import WINDOWS, liquidations_chart
from bot.commands._telling import ASSET, about_metric, go_on, title
from bot.desk import Desk
from bot.domain.posts import Answer
from bot.errors import InputError

LARGEST_DAY = "liquidations_max_day_1y_usd"


def windows(desk: Desk) -> Mapping[str, str]:
    """The windows that are measured ("24h") and the metric of each."""
    pattern = re.compile(r"liquidations_(\d+[hd])_usd")
    return {match[1]: name for name in desk.playbook.catalog.metrics if (match := pattern.fullmatch(name))}


def suggest(desk: Desk, typed: str) -> Sequence[str]:
    """The windows that begin with what was typed."""
    return [window for window in windows(desk) if window.startswith(typed.strip())]


async def answer(desk: Desk, request: Request) -> Answer:
    """Liquidations of the window as last stored; at least so much, where no vendor counted all. Raises InputError."""
    asset = desk.asset(request.options.get("asset"))
    known = windows(desk)
    window = (request.options.get("window") or _usual(known)).strip().lower().replace(" ", "")
    if window not in known:
        raise InputError(f"unknown window {request.options.get('window')!r}: one of {', '.join(known)}")
    stem = known[window].removesuffix("_usd")
    shown = [f"{stem}_usd", f"{stem}_long_usd", f"{stem}_short_usd", f"{stem}_pct_of_oi", LARGEST_DAY]
    buttons = tuple(
        go_on(title(desk, name, request.profile), "liquidations", {"asset": asset, "window": other})
        for other, name in known.items()
        if other != window
    )
    said = await about_metric(desk, request, about="liquidations", lead=known[window], shown=shown, buttons=buttons)
    drawn = window if window in WINDOWS else "7d"
    return replace(said, chart=liquidations_chart(desk, await desk.history(asset), request.profile, window=drawn))


def _usual(known: Mapping[str, str]) -> str:
    """A day where that is measured, else the first there is."""
    return "24h" if "24h" in known else next(iter(known), "")


COMMAND = Command(
    name="liquidations", options=(ASSET, Option(name="window", suggest=suggest)), answer=answer, shared=True
)

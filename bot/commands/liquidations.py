"""`/liquidations`: positions closed by force, longs and shorts, over one window, and how large that is."""

import re
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from bot.commands import Command, CommandOption, Request
from bot.commands._charts import WINDOWS, liquidations_chart
from bot.commands._tables import grid, missing_note
from bot.commands._telling import ASSET, about_metric, go_on, title
from bot.commentary import NO_VALUE, cell
from bot.desk.market import Market
from bot.domain.catalog import RANK
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile, Table
from bot.errors import InputError
from bot.reasons import reason

LARGEST_DAY = "liquidations_max_day_1y_usd"


def windows(market: Market) -> Mapping[str, str]:
    """The windows that are measured ("24h") and the metric of each."""
    pattern = re.compile(r"liquidations_(\d+[hd])_usd")
    return {match[1]: name for name in market.playbook.catalog.metrics if (match := pattern.fullmatch(name))}


def suggest(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """The windows that begin with what was typed."""
    return [window for window in windows(market) if window.startswith(typed.strip())]


async def answer(market: Market, request: Request) -> Answer:
    """Liquidations of the window as last stored; at least so much, where no vendor counted all. Raises
    InputError."""
    asset = market.asset(request.options.get("asset"))
    known = windows(market)
    window = (request.options.get("window") or _usual(known)).strip().lower().replace(" ", "")
    if window not in known:
        raise InputError(
            reason("unknown_window", typed=request.options.get("window") or "", known=", ".join(known))
        )
    stem = known[window].removesuffix("_usd")
    buttons = tuple(
        go_on(title(market, name, request.profile), "liquidations", {"asset": asset, "window": other})
        for other, name in known.items()
        if other != window
    )
    names = (f"{stem}_usd", f"{stem}_long_usd", f"{stem}_short_usd", f"{stem}_pct_of_oi")

    def more_tables(market: Market, facts: Facts, profile: Profile) -> tuple[Table, ...]:
        words = ("all", "longs", "shorts", "of_oi")
        rows = [(word, (name, f"{name}.before_24h")) for word, name in zip(words, names, strict=True)]
        return grid(market, rows, facts, profile, ("", "before_24h"))

    def notes(market: Market, facts: Facts, profile: Profile) -> tuple[Figure, ...]:
        largest = cell(LARGEST_DAY, facts, market.playbook.catalog, market.bank(profile))
        year = () if largest.text == NO_VALUE else (largest,)
        return (*year, *missing_note(market, names, facts, profile))

    said = await about_metric(
        market,
        request,
        about="liquidations",
        lead=known[window],
        past=(RANK,),
        more_tables=more_tables,
        notes=notes,
        buttons=buttons,
    )
    history = await market.history(asset)
    drawn = window if window in WINDOWS else "24h"  # one hour makes one bar
    return replace(said, chart=liquidations_chart(market, history, request.profile, window=drawn))


def _usual(known: Mapping[str, str]) -> str:
    """A day where that is measured, else the first there is."""
    return "24h" if "24h" in known else next(iter(known), "")


COMMAND = Command(
    name="liquidations",
    options=(ASSET, CommandOption(name="window", suggest=suggest)),
    answer=answer,
    shared=True,
)

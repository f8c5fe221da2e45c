"""`/history`: how a metric went, its usual range as a band, gaps as gaps."""

import re
from collections.abc import Sequence
from datetime import timedelta

from bot.commands import Command, Option, Request
from bot.commands._charts import history_chart, stance_changes, stretch
from bot.commands._naming import metric_named, suggest_metrics
from bot.commands._telling import ASSET, figures, go_on, joined, meaning, title, told
from bot.desk import Desk
from bot.domain.posts import Answer, Button
from bot.errors import InputError

WINDOWS = ("24h", "7d", "30d", "90d")
USUAL = "30d"
LONGEST = timedelta(days=366)


async def answer(desk: Desk, request: Request) -> Answer:
    """The metric over the window as it is stored, with a chart. Raises InputError."""
    profile = request.profile
    asset = desk.asset(request.options.get("asset"))
    name = metric_named(desk, request.options["metric"], profile)
    window = (request.options.get("window") or USUAL).strip().lower()
    since = desk.now() - _length(window)
    facts = await desk.facts(asset)
    past = stretch(await desk.history(asset), name, since, desk.now(), desk.playbook.catalog)
    said = told(desk, "history", name, facts, profile)
    body, spans = joined(said, meaning(desk, name, profile))
    heading = f"{asset}: {title(desk, name, profile)}"
    return Answer(
        title=heading,
        body=body,
        body_spans=spans,
        figures=figures(desk, _views(name), facts, profile),
        chart=history_chart(
            desk,
            name,
            past,
            facts,
            profile,
            heading=heading,
            alt=f"{heading}. {said.text}",
            marks=stance_changes(await desk.archive.posts(asset=asset), desk, profile),
        ),
        buttons=_others(asset, name, window),
        footer=desk.footer(facts, profile),
    )


def _views(name: str) -> Sequence[str]:
    return [name, *(f"{name}.{view}" for view in ("change_24h", "change_7d", "percentile_90d"))]


def _length(window: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,4})(h|d)", window)
    length = timedelta(hours=int(match[1]) * (24 if match[2] == "d" else 1)) if match else timedelta(0)
    if not timedelta(hours=1) <= length <= LONGEST:
        raise InputError(f"unknown window {window!r}: such as {', '.join(WINDOWS)}")
    return length


def _others(asset: str, name: str, window: str) -> tuple[Button, ...]:
    return tuple(
        go_on(other, "history", {"metric": name, "window": other, "asset": asset})
        for other in WINDOWS
        if other != window
    )


COMMAND = Command(
    name="history",
    options=(
        Option(name="metric", required=True, suggest=suggest_metrics),
        Option(name="window", suggest=lambda desk, typed: [one for one in WINDOWS if one.startswith(typed)]),
        ASSET,
    ),
    answer=answer,
    slow=True,
    shared=True,
)

"""`/skew`: what puts cost beside matching calls, at one tenor and along the others; its history, or the smile of now."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from bot.commands import Command, Option, Request
from bot.commands._charts import history_chart, stance_changes, stretch
from bot.commands._heard import smile_now
from bot.commands._telling import ASSET, about_metric, go_on, noted, title
from bot.commands._tenors import metric_of, suggest_tenors, tenors
from bot.desk import Desk
from bot.domain.posts import Answer, Button, ChartSpec
from bot.errors import InputError

VIEWS = ("change_24h", "change_7d", "percentile_90d")
HISTORY, SMILE = "history", "smile"
CHARTS = (HISTORY, SMILE)
LOOK_BACK = timedelta(days=30)


async def answer(desk: Desk, request: Request) -> Answer:
    """The skew of the tenor as last stored; an old reading says its age. Raises InputError."""
    asset = desk.asset(request.options.get("asset"))
    name = metric_of(desk, "skew", request.options.get("tenor"))
    known = tenors(desk, "skew")
    days = next(days for days, other in known.items() if other == name)
    others = {days: other for days, other in known.items() if other != name}
    wanted = _chart(request.options.get("chart"))
    buttons = _buttons(desk, request, {"asset": asset}, days, wanted)
    shown = [name, *(f"{name}.{view}" for view in VIEWS), name.replace("_pct", "_points"), *others.values()]
    said = await about_metric(desk, request, about="skew", lead=name, shown=shown, buttons=buttons)
    if wanted == SMILE:
        smile = smile_now(desk, asset, float(days), request.profile)
        if smile is not None:
            return replace(said, chart=smile)
        said = noted(said, desk.say("answer", "smile-none", await desk.facts(asset), request.profile))
    return replace(said, chart=await _history(desk, request, asset, name, said))


async def _history(desk: Desk, request: Request, asset: str, name: str, said: Answer) -> ChartSpec | None:
    past = stretch(await desk.history(asset), name, desk.now() - LOOK_BACK, desk.now(), desk.playbook.catalog)
    return history_chart(
        desk, name, past, await desk.facts(asset), request.profile, heading=said.title, alt=f"{said.title}. {said.body}",
        marks=stance_changes(await desk.archive.posts(asset=asset), desk, request.profile),
    )  # fmt: skip


def _chart(typed: str | None) -> str:
    wanted = (typed or HISTORY).strip().lower()
    if wanted not in CHARTS:
        raise InputError(f"unknown chart {typed!r}: one of {', '.join(CHARTS)}")
    return wanted


def _buttons(desk: Desk, request: Request, asked: Mapping[str, str], days: str, wanted: str) -> tuple[Button, ...]:
    """The other tenors with the same chart, and the other chart of the same tenor."""
    kept = {**asked, "chart": wanted} if wanted != HISTORY else asked
    other = SMILE if wanted == HISTORY else HISTORY
    word = desk.bank(request.profile).words.get(f"button.{other}", other)
    return (
        *(
            go_on(title(desk, name, request.profile), "skew", {**kept, "tenor": tenor})
            for tenor, name in tenors(desk, "skew").items()
            if tenor != days
        ),
        go_on(word, "skew", {**asked, "tenor": days, "chart": other}),
    )


COMMAND = Command(
    name="skew",
    options=(ASSET, Option(name="tenor", suggest=suggest_tenors("skew")), Option(name="chart", choices=CHARTS)),
    answer=answer,
    shared=True,
)

"""`/watch`: a personal alert by direct message when a metric crosses a line."""

from bot.commands import Command, Option, Request
from bot.commands._naming import metric_named, suggest_metrics
from bot.commands._telling import ASSET, go_on, joined, told
from bot.commentary import exact
from bot.desk import Desk
from bot.domain.catalog import VIEWS
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Profile, Watch
from bot.domain.story import Origin, Text
from bot.errors import InputError
from bot.watches import Side, line_of, made

SIDES: tuple[Side, ...] = ("above", "below")
NO_WATCH = "watch-nowhere"


async def answer(desk: Desk, request: Request) -> Answer:
    """The watch as it was set, and where the metric stands. Raises InputError, also where the reader has too many."""
    profile = request.profile
    if request.direct is None or request.user_id is None:
        return nowhere(desk, profile, "title.watch")
    asset = desk.asset(request.options.get("asset"))
    fact = fact_named(desk, request.options["metric"], profile)
    typed = request.options["side"].strip().lower()
    side = next((one for one in SIDES if one == typed), None)
    if side is None:
        raise InputError(f"side {typed!r}: above or below")
    facts = await desk.facts(asset)
    watch = made(
        reader=reader_of(request), channel=request.direct, asset=asset, fact=fact, side=side,
        line=line_of(request.options["value"], fact, desk.playbook.catalog), facts=facts, at=desk.now(),
        locale=desk.bank(profile).locale, manner=desk.watching,
    )  # fmt: skip
    await desk.archive.watch(watch, most=desk.watching.most)
    said = _said(desk, f"watch-{side}", watch, facts, profile)
    there = () if watch.armed else (_said(desk, "watch-there", watch, facts, profile),)
    body, spans = joined(said, told(desk, "explain", fact, facts, profile), *there)
    return Answer(
        title=f"{asset}: {named(desk, fact, profile)}",
        body=body,
        body_spans=spans,
        buttons=(go_on(desk.bank(profile).words["button.watches"], "watches", {}),),
        footer=desk.footer(facts, profile),
        private=True,
        direct=said.text,
    )


def fact_named(desk: Desk, typed: str, profile: Profile) -> str:
    """The fact that is meant: a metric as everywhere, or one of its views by its own name. Raises InputError."""
    stem, _, view = typed.strip().lower().partition(".")
    if view in VIEWS:
        return desk.playbook.catalog.resolve(f"{stem}.{view}").name
    return metric_named(desk, typed, profile)


def named(desk: Desk, fact: str, profile: Profile) -> str:
    """A fact's name for a reader, a view's too."""
    return desk.figure(fact, Facts(asset=desk.assets[0], at=desk.now(), known={}), profile).label


def nowhere(desk: Desk, profile: Profile, heading: str) -> Answer:
    """What is answered where there are no direct messages."""
    said = desk.say("answer", NO_WATCH, Facts(asset=desk.assets[0], at=desk.now(), known={}), profile)
    return Answer(title=desk.bank(profile).words[heading], body=said.text, body_spans=said.spans, private=True)


def reader_of(request: Request) -> str:
    """Who asks, with the surface that knows them."""
    return f"{request.surface}:{request.user_id}"


def _said(desk: Desk, about: str, watch: Watch, facts: Facts, profile: Profile) -> Text:
    bank = desk.bank(profile)
    names = {
        "metric": Origin(kind="name", ref=watch.fact, value=named(desk, watch.fact, profile)),
        "value": Origin(kind="setting", ref="line", value=exact(watch.fact, watch.line, bank)),
        "other": Origin(kind="setting", ref="clears", value=exact(watch.fact, watch.clears, bank)),
    }
    return desk.say("answer", about, facts, profile, names)


COMMAND = Command(
    name="watch",
    options=(
        Option(name="metric", required=True, suggest=suggest_metrics),
        Option(name="side", required=True, choices=SIDES),
        Option(name="value", required=True),
        ASSET,
    ),
    answer=answer,
    private=True,
)

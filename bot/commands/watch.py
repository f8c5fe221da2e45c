"""`/watch`: a personal alert by direct message when a metric crosses a line."""

from bot.commands import Command, CommandOption, Request
from bot.commands._naming import metric_named, suggest_metrics
from bot.commands._telling import ASSET, go_on, join_texts, tell_fact
from bot.commentary import exact
from bot.desk.market import Market
from bot.domain.catalog import VIEWS
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Profile, Watch
from bot.domain.story import Origin, Text
from bot.errors import InputError
from bot.notices.watches import Side, line_of, make_watch
from bot.reasons import reason

SIDES: tuple[Side, ...] = ("above", "below")
NO_WATCH = "watch-nowhere"


async def answer(market: Market, request: Request) -> Answer:
    """The watch as it was set, and where the metric stands. Raises InputError, also where the reader has too
    many."""
    profile = request.profile
    if request.direct is None or request.user_id is None:
        return nowhere(market, profile, "title.watch")
    asset = market.asset(request.options.get("asset"))
    fact = fact_named(market, request.options["metric"], profile)
    side = side_named(market, request.options["side"], profile)
    facts = await market.facts(asset)
    watch = make_watch(
        reader=reader_of(request),
        channel=request.direct,
        asset=asset,
        fact=fact,
        side=side,
        line=line_of(request.options["value"], fact, market.playbook.catalog),
        facts=facts,
        at=market.now(),
        locale=market.bank(profile).locale,
        manner=market.watching,
    )
    await market.archive.watches.add(watch, most=market.watching.most)
    said = _said(market, f"watch-{side}", watch, facts, profile)
    there = () if watch.armed else (_said(market, "watch-there", watch, facts, profile),)
    body, spans = join_texts(said, tell_fact(market, "explain", fact, facts, profile), *there)
    return Answer(
        title=f"{asset}: {name_fact(market, fact, profile)}",
        body=body,
        body_spans=spans,
        buttons=(go_on(market.bank(profile).words["button.watches"], "watches", {}),),
        footer=market.footer(facts, profile, [fact]),
        private=True,
        direct=said.text,
    )


def fact_named(market: Market, typed: str, profile: Profile) -> str:
    """The fact that is meant: a metric as everywhere, or one of its views by its own name. Raises
    InputError."""
    stem, _, view = typed.strip().lower().partition(".")
    if view in VIEWS:
        return market.playbook.catalog.resolve(f"{stem}.{view}").name
    return metric_named(market, typed, profile)


def side_named(market: Market, typed: str, profile: Profile) -> Side:
    """The side that is meant, as it is spelled or in the reader's words. Raises InputError."""
    wanted, words = " ".join(typed.lower().split()), market.bank(profile).words
    for side in SIDES:
        if wanted == side or wanted in words[f"watch.{side}.typed"].split("|"):
            return side
    raise InputError(reason("unknown_side", typed=typed))


def name_fact(market: Market, fact: str, profile: Profile) -> str:
    """A fact's name for a reader, a view's too."""
    return market.figure(fact, Facts(asset=market.assets[0], at=market.now(), known={}), profile).label


def nowhere(market: Market, profile: Profile, heading: str) -> Answer:
    """What is answered where there are no direct messages."""
    said = market.say("answer", NO_WATCH, Facts(asset=market.assets[0], at=market.now(), known={}), profile)
    return Answer(
        title=market.bank(profile).words[heading], body=said.text, body_spans=said.spans, private=True
    )


def reader_of(request: Request) -> str:
    """Who asks, with the surface that knows them."""
    return f"{request.surface}:{request.user_id}"


def _said(market: Market, about: str, watch: Watch, facts: Facts, profile: Profile) -> Text:
    bank = market.bank(profile)
    names = {
        "metric": Origin(kind="name", ref=watch.fact, value=name_fact(market, watch.fact, profile)),
        "value": Origin(kind="setting", ref="line", value=exact(watch.fact, watch.line, bank)),
        "other": Origin(kind="setting", ref="clears", value=exact(watch.fact, watch.clears, bank)),
    }
    return market.say("answer", about, facts, profile, names)


COMMAND = Command(
    name="watch",
    options=(
        CommandOption(name="metric", required=True, suggest=suggest_metrics),
        CommandOption(name="side", required=True, choices=SIDES),
        CommandOption(name="value", required=True),
        ASSET,
    ),
    answer=answer,
    private=True,
)

"""`/status`: the sources and their ages, the hosts' budgets, the last and the next post, the last audit, the
edition of rules and phrases."""

import math
from collections.abc import Mapping, Sequence

from bot import __version__
from bot.commands import Command, Request
from bot.commands._beginning import tell_beginning
from bot.commands._telling import join_texts
from bot.commentary import in_words, venue_name
from bot.desk.market import Market
from bot.desk.memory import SourceState
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile
from bot.domain.story import Origin, Text
from bot.ports import Usage

PUBLISHED = "discord"  # where a post may have arrived without our state of it


async def answer(market: Market, request: Request) -> Answer:
    """How the bot does now. Raises nothing."""
    profile = request.profile
    words = market.bank(profile).words
    nothing = Facts(asset=market.assets[0], at=market.now(), known={})
    known = await market.facts(market.assets[0])
    posts = await market.archive.posts.find(limit=1)
    names = {
        "value": Origin(kind="identifier", ref="version", value=__version__),
        "text": Origin(kind="identifier", ref="edition", value=market.playbook.hash),
    }
    said = [market.say("answer", "status", nothing, profile, names), *tell_beginning(market, known, profile)]
    if posts:
        last = {
            "post": Origin(kind="identifier", ref="post", value=posts[0].id),
            "last_at": Origin(kind="date", ref="last post", value=posts[0].intended_at.isoformat()),
        }
        said.append(market.say("answer", "status-post", nothing, profile, last))
    next_at = await market.upcoming(request.channel, market.now()) if request.channel else None
    if next_at is not None:
        due = {"last_at": Origin(kind="date", ref="next post", value=next_at.isoformat())}
        said.append(market.say("answer", "status-next", nothing, profile, due))
    doubtful = await market.archive.outbox.find_uncertain(PUBLISHED)
    if doubtful:
        of = {
            "hits": Origin(kind="count", ref="uncertain posts", value=float(len(doubtful))),
            "post": Origin(kind="identifier", ref="post", value=doubtful[-1].id),
            "last_at": Origin(kind="date", ref="uncertain post", value=doubtful[-1].intended_at.isoformat()),
        }
        said.append(market.say("answer", "status-uncertain", nothing, profile, of))
    audited = await market.last_audit()
    if audited is not None:
        made = {
            "total": Origin(kind="count", ref="values compared", value=float(audited.compared)),
            "hits": Origin(kind="count", ref="beyond tolerance", value=float(audited.beyond)),
            "last_at": Origin(kind="date", ref="last audit", value=audited.at.isoformat()),
        }
        said.append(market.say("answer", "status-audit", nothing, profile, made))
    body, spans = join_texts(*said)
    states = market.source_states()
    heard = tuple(_figure(market, state, nothing, profile) for state in states)
    return Answer(
        title=words.get("title.status", "status"),
        body=body,
        body_spans=spans,
        figures=_lights(market, states, nothing, profile) + heard + _budgets(market, nothing, profile),
    )


def _lights(
    market: Market, states: Sequence[SourceState], nothing: Facts, profile: Profile
) -> tuple[Figure, ...]:
    """How each source does, in one word each."""
    words = market.bank(profile).words
    said = [
        market.say(
            "answer",
            "status-light",
            nothing,
            profile,
            {
                "name": Origin(kind="identifier", ref=state.source, value=_named(state, words)),
                "value": Origin(kind="identifier", ref="light", value=words[f"light.{state.light}"]),
            },
        )
        for state in states
    ]
    text, spans = join_texts(*said, between=" · ")
    return (Figure(label=words["title.lights"], text=text, spans=spans),) if said else ()


def _named(state: SourceState, words: Mapping[str, str]) -> str:
    return venue_name(state.source, words)


def _figure(market: Market, state: SourceState, nothing: Facts, profile: Profile) -> Figure:
    label = _named(state, market.bank(profile).words)
    said: list[Text] = []
    if state.heard_at is not None:
        heard = Origin(kind="date", ref=state.source, value=state.heard_at.isoformat())
        said.append(market.say("answer", "status-heard", nothing, profile, {"last_at": heard}))
    else:
        said.append(market.say("answer", "status-quiet", nothing, profile))
    for gap in state.gaps:
        reason = Origin(kind="input", ref=gap.who, value=in_words(gap.reason, market.bank(profile).words))
        said.append(market.say("answer", "status-gap", nothing, profile, {"reason": reason}))
    text, spans = join_texts(*said)
    return Figure(label=label, text=text, spans=spans)


def _budgets(market: Market, nothing: Facts, profile: Profile) -> tuple[Figure, ...]:
    """What is in use of each host's budget, a line a host; nothing before the first request."""
    said = [_budget(market, usage, nothing, profile) for usage in market.budgets()]
    text, spans = join_texts(*said, between="\n")
    return (
        (Figure(label=market.bank(profile).words["title.budgets"], text=text, spans=spans),) if said else ()
    )


def _budget(market: Market, usage: Usage, nothing: Facts, profile: Profile) -> Text:
    names = {
        "name": Origin(kind="identifier", ref="host", value=usage.host),
        "hits": Origin(kind="count", ref="in use", value=float(math.ceil(usage.used))),
        "total": Origin(kind="count", ref="limit", value=float(usage.limit)),
        "value": Origin(kind="count", ref="requests", value=float(usage.requests)),
    }
    if usage.resting_until is None:
        return market.say("answer", "status-budget", nothing, profile, names)
    names["until"] = Origin(kind="date", ref="until", value=usage.resting_until.isoformat())
    return market.say("answer", "status-resting", nothing, profile, names)


COMMAND = Command(name="status", options=(), answer=answer, private=True)

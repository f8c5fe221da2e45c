"""`/why`: each number of a post back to its reading, and each rule that was on with its conditions."""

import math
from collections.abc import Iterator, Sequence

from bot.commands import Command, CommandOption, Request
from bot.commands._telling import join_texts
from bot.commands.evidence import facts_of
from bot.commentary import number
from bot.desk.market import Market
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Post, Profile
from bot.domain.story import Origin, Text
from bot.errors import InputError
from bot.reasons import reason
from bot.rules import ExplainedCondition, explain

LOOKED_BACK = 200
MOST_FIGURES = 25  # as many fields as Discord shows


async def answer(market: Market, request: Request) -> Answer:
    """Where the numbers of a post come from: of the named one, else of the last one in this channel. Raises
    InputError."""
    profile = request.profile
    post = await _post(market, request)
    evidence = await market.archive.posts.evidence(post.id, (post.channel,))
    facts = facts_of(post.asset, post.story.at, evidence)
    names = {
        "post": Origin(kind="identifier", ref="post", value=post.id),
        "last_at": Origin(kind="date", ref="post", value=post.story.at.isoformat()),
    }
    body, spans = join_texts(
        market.say("answer", "why", facts, profile, names), *_rules(market, evidence, facts, profile)
    )
    return Answer(
        title=post.story.headline.text if post.story.headline else post.asset,
        title_spans=post.story.headline.spans if post.story.headline else (),
        body=body,
        body_spans=spans,
        figures=tuple(_figures(market, post, facts, profile))[:MOST_FIGURES],
        footer=market.footer(facts, profile),
    )


async def _post(market: Market, request: Request) -> Post:
    wanted = (request.options.get("post") or "").strip().lower()
    if wanted:
        mine = [channel for channel in (request.channel, request.direct) if channel is not None]
        post = await market.archive.posts.get(wanted, mine)
        if post is None or (
            post.reason == "watch" and post.channel != request.direct
        ):  # somebody else's is not shown
            raise InputError(reason("unknown_post", typed=wanted))
        return post
    posts = await market.archive.posts.find(limit=LOOKED_BACK)
    here = [post for post in posts if post.channel == request.channel] or list(posts)
    if not here:
        raise InputError(reason("no_post_yet"))
    return here[0]


def _figures(market: Market, post: Post, facts: Facts, profile: Profile) -> Iterator[Figure]:
    """Each fact that the post shows, once: its value, its time, its venues, how it is worked out."""
    shown = dict.fromkeys(span.origin.ref for span in post.story.spans if span.origin.kind == "fact")
    for name in shown:
        if name not in market.playbook.catalog:
            continue  # the post is older than this edition of the catalog
        fact = facts.get(name) or facts.stale.get(name)
        figure = market.figure(name, facts, profile)
        if fact is None:
            yield figure
            continue
        names = {
            "it": Origin(kind="fact", ref=name, value=fact.value),
            "last_at": Origin(kind="date", ref=name, value=fact.at.isoformat()),
            "text": Origin(
                kind="input",
                ref=f"{name} formula",
                value=market.playbook.catalog.resolve(name).metric.formula,
            ),
        }
        if fact.venues:
            names["sources"] = Origin(kind="input", ref=f"{name} venues", value=", ".join(fact.venues))
        said = market.say("answer", "why-fact", facts, profile, names)
        yield Figure(label=figure.label, text=said.text, spans=said.spans)


def _rules(market: Market, evidence: object, facts: Facts, profile: Profile) -> Sequence[Text]:
    """Each rule that voted, with its conditions and the values that they met."""
    signals = evidence.get("signals") if isinstance(evidence, dict) else None
    if not isinstance(signals, dict):
        return ()
    said: list[Text] = []
    for rule, signal in signals.items():
        if rule in market.playbook.rules.rules and signal.get("phase") in ("on", "recovering"):
            parts = explain(market.playbook.rules, rule, facts, facts.at, profile.ranges).parts
            label = market.bank(profile).words.get(f"rule.{rule}", rule)
            told = [_part(market, rule, part, facts, profile) for part in parts if not _is_of_own_past(part)]
            if len(told) < len(parts):
                told.append(market.say("answer", "why-own-past", facts, profile, {}))
            text, spans = join_texts(f"{label[:1].upper()}{label[1:]}:", *told, between=" ")
            said.append(Text(slot="answer", about=rule, text=text, spans=spans))
    return said


def _is_of_own_past(part: ExplainedCondition) -> bool:
    """Whether a condition stands on the fact's own past of that day, which is not kept with a post: its rank, or a
    range that nobody published."""
    bounds = (part.threshold, part.clears)
    return "@" in part.asks or any(bound is not None and not math.isfinite(bound) for bound in bounds)


def _part(market: Market, rule: str, part: ExplainedCondition, facts: Facts, profile: Profile) -> Text:
    if part.kind == "rule":
        label = market.bank(profile).words.get(f"rule.{part.asks}", part.asks)
        names = {"other": Origin(kind="name", ref=part.asks, value=label)}
        return market.say("answer", f"why-rule-{part.wanted}", facts, profile, names)
    names = {"it": Origin(kind="fact", ref=part.asks, value="" if part.value is None else part.value)}
    side = "above" if part.above else "below"
    for name, bound, what in (("low", part.threshold, side), ("high", part.clears, "clears")):
        if bound is not None:
            shown = number(part.asks, bound, market.bank(profile))
            names[name] = Origin(kind="threshold", ref=f"{rule}:{part.asks} {what}", value=shown)
    return market.say("answer", f"why-{side}", facts, profile, names)


COMMAND = Command(name="why", options=(CommandOption(name="post"),), answer=answer, private=True)

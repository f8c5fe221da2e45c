"""`/why`: each number of a post back to its reading, and each rule that was on with its conditions."""

from collections.abc import Iterator, Sequence

from bot.commands import Command, Option, Request
from bot.commands._telling import joined
from bot.commands.evidence import facts_of
from bot.commentary import number
from bot.desk import Desk
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Post, Profile
from bot.domain.story import Origin, Text
from bot.errors import InputError
from bot.rules import Part, explain

LOOKED_BACK = 200
MOST_FIGURES = 25  # as many fields as Discord shows


async def answer(desk: Desk, request: Request) -> Answer:
    """Where the numbers of a post come from: of the named one, else of the last one in this channel. Raises InputError."""
    profile = request.profile
    post = await _post(desk, request)
    evidence = await desk.archive.evidence(post.id)
    facts = facts_of(post.asset, post.story.at, evidence)
    names = {
        "post": Origin(kind="identifier", ref="post", value=post.id),
        "last_at": Origin(kind="date", ref="post", value=post.story.at.isoformat()),
    }
    body, spans = joined(desk.say("answer", "why", facts, profile, names), *_rules(desk, evidence, facts, profile))
    return Answer(
        title=post.story.headline.text if post.story.headline else post.asset,
        title_spans=post.story.headline.spans if post.story.headline else (),
        body=body,
        body_spans=spans,
        figures=tuple(_figures(desk, post, facts, profile))[:MOST_FIGURES],
        footer=desk.footer(facts, profile),
    )


async def _post(desk: Desk, request: Request) -> Post:
    wanted = (request.options.get("post") or "").strip().lower()
    if wanted:
        post = await desk.archive.post(wanted)
        if post is None or (post.reason == "watch" and post.channel != request.direct):  # somebody else's is not shown
            raise InputError(f"unknown post {wanted!r}: its id is the last word under a post")
        return post
    posts = await desk.archive.posts(limit=LOOKED_BACK)
    here = [post for post in posts if post.channel == request.channel] or list(posts)
    if not here:
        raise InputError("there is no post yet: ask again after the first one, or type /brief")
    return here[0]


def _figures(desk: Desk, post: Post, facts: Facts, profile: Profile) -> Iterator[Figure]:
    """Each fact that the post shows, once: its value, its time, its venues, how it is worked out."""
    shown = dict.fromkeys(span.origin.ref for span in post.story.spans if span.origin.kind == "fact")
    for name in shown:
        if name not in desk.playbook.catalog:
            continue  # the post is older than this edition of the catalog
        fact = facts.get(name) or facts.stale.get(name)
        figure = desk.figure(name, facts, profile)
        if fact is None:
            yield figure
            continue
        names = {
            "it": Origin(kind="fact", ref=name, value=fact.value),
            "last_at": Origin(kind="date", ref=name, value=fact.at.isoformat()),
            "text": Origin(
                kind="input", ref=f"{name} formula", value=desk.playbook.catalog.resolve(name).metric.formula
            ),
        }
        if fact.venues:
            names["sources"] = Origin(kind="input", ref=f"{name} venues", value=", ".join(fact.venues))
        said = desk.say("answer", "why-fact", facts, profile, names)
        yield Figure(label=figure.label, text=said.text, spans=said.spans)


def _rules(desk: Desk, evidence: object, facts: Facts, profile: Profile) -> Sequence[Text]:
    """Each rule that voted, with its conditions and the values that they met."""
    signals = evidence.get("signals") if isinstance(evidence, dict) else None
    if not isinstance(signals, dict):
        return ()
    said: list[Text] = []
    for rule, signal in signals.items():
        if rule in desk.playbook.rules.rules and signal.get("phase") in ("on", "recovering"):
            parts = explain(desk.playbook.rules, rule, facts, facts.at, profile.ranges).parts
            label = desk.bank(profile).words.get(f"rule.{rule}", rule)
            told = [_part(desk, rule, part, facts, profile) for part in parts]
            text, spans = joined(f"{label[:1].upper()}{label[1:]}:", *told, between=" ")
            said.append(Text(slot="answer", about=rule, text=text, spans=spans))
    return said


def _part(desk: Desk, rule: str, part: Part, facts: Facts, profile: Profile) -> Text:
    if part.kind == "rule":
        label = desk.bank(profile).words.get(f"rule.{part.asks}", part.asks)
        names = {"other": Origin(kind="name", ref=part.asks, value=label)}
        return desk.say("answer", f"why-rule-{part.wanted}", facts, profile, names)
    names = {"it": Origin(kind="fact", ref=part.asks, value="" if part.value is None else part.value)}
    side = "above" if part.above else "below"
    for name, bound, what in (("low", part.threshold, side), ("high", part.clears, "clears")):
        if bound is not None:
            shown = number(part.asks, bound, desk.bank(profile))
            names[name] = Origin(kind="threshold", ref=f"{rule}:{part.asks} {what}", value=shown)
    return desk.say("answer", f"why-{side}", facts, profile, names)


COMMAND = Command(name="why", options=(Option(name="post"),), answer=answer)

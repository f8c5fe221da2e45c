"""`/status`: the sources and their ages, the hosts' budgets, the last and the next post, the edition of rules and phrases."""

import math

from bot import __version__
from bot.commands import Command, Request
from bot.commands._telling import joined
from bot.commentary import in_words
from bot.desk import Desk, Hearing
from bot.domain.facts import Facts
from bot.domain.posts import Answer, Figure, Profile
from bot.domain.story import Origin, Text
from bot.ports import Usage

PUBLISHED = "discord"  # where a post may have arrived without our hearing of it


async def answer(desk: Desk, request: Request) -> Answer:
    """How the bot does now. Raises nothing."""
    profile = request.profile
    words = desk.bank(profile).words
    nothing = Facts(asset=desk.assets[0], at=desk.now(), known={})
    posts = await desk.archive.posts(limit=1)
    names = {
        "value": Origin(kind="identifier", ref="version", value=__version__),
        "text": Origin(kind="identifier", ref="edition", value=desk.playbook.hash),
    }
    said = [desk.say("answer", "status", nothing, profile, names)]
    if posts:
        last = {
            "post": Origin(kind="identifier", ref="post", value=posts[0].id),
            "last_at": Origin(kind="date", ref="last post", value=posts[0].intended_at.isoformat()),
        }
        said.append(desk.say("answer", "status-post", nothing, profile, last))
    next_at = await desk.upcoming(request.channel, desk.now()) if desk.upcoming and request.channel else None
    if next_at is not None:
        due = {"last_at": Origin(kind="date", ref="next post", value=next_at.isoformat())}
        said.append(desk.say("answer", "status-next", nothing, profile, due))
    doubtful = await desk.archive.uncertain(PUBLISHED)
    if doubtful:
        of = {
            "hits": Origin(kind="count", ref="uncertain posts", value=float(len(doubtful))),
            "post": Origin(kind="identifier", ref="post", value=doubtful[-1].id),
            "last_at": Origin(kind="date", ref="uncertain post", value=doubtful[-1].intended_at.isoformat()),
        }
        said.append(desk.say("answer", "status-uncertain", nothing, profile, of))
    body, spans = joined(*said)
    heard = tuple(_figure(desk, hearing, nothing, profile) for hearing in desk.hearings())
    return Answer(
        title=words.get("title.status", "status"),
        body=body,
        body_spans=spans,
        figures=heard + _budgets(desk, nothing, profile),
    )


def _figure(desk: Desk, hearing: Hearing, nothing: Facts, profile: Profile) -> Figure:
    label = desk.bank(profile).words.get(f"venue.{hearing.source}", hearing.source.capitalize())
    said: list[Text] = []
    if hearing.heard_at is not None:
        heard = Origin(kind="date", ref=hearing.source, value=hearing.heard_at.isoformat())
        said.append(desk.say("answer", "status-heard", nothing, profile, {"last_at": heard}))
    else:
        said.append(desk.say("answer", "status-quiet", nothing, profile))
    for gap in hearing.gaps:
        reason = Origin(kind="input", ref=gap.who, value=in_words(gap.reason, desk.bank(profile).words))
        said.append(desk.say("answer", "status-gap", nothing, profile, {"reason": reason}))
    text, spans = joined(*said)
    return Figure(label=label, text=text, spans=spans)


def _budgets(desk: Desk, nothing: Facts, profile: Profile) -> tuple[Figure, ...]:
    """What is in use of each host's budget, a line a host; nothing before the first request."""
    said = [_budget(desk, usage, nothing, profile) for usage in desk.budgets()]
    text, spans = joined(*said, between="\n")
    return (Figure(label=desk.bank(profile).words["title.budgets"], text=text, spans=spans),) if said else ()


def _budget(desk: Desk, usage: Usage, nothing: Facts, profile: Profile) -> Text:
    names = {
        "name": Origin(kind="identifier", ref="host", value=usage.host),
        "hits": Origin(kind="count", ref="in use", value=float(math.ceil(usage.used))),
        "total": Origin(kind="count", ref="limit", value=float(usage.limit)),
        "value": Origin(kind="count", ref="requests", value=float(usage.requests)),
    }
    if usage.resting_until is None:
        return desk.say("answer", "status-budget", nothing, profile, names)
    names["until"] = Origin(kind="date", ref="until", value=usage.resting_until.isoformat())
    return desk.say("answer", "status-resting", nothing, profile, names)


COMMAND = Command(name="status", options=(), answer=answer)

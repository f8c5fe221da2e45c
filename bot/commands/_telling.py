"""What the commands about a metric share: its sentence, its figures, the buttons to go on with."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from bot.commands import Option, Request
from bot.commentary import in_words
from bot.desk import Desk
from bot.domain.facts import Fact, Facts
from bot.domain.posts import Answer, Button, Figure, Profile
from bot.domain.story import Origin, Span, Text

LONGEST_LABEL = 80  # Discord's limit for a button's label


def suggest_assets(desk: Desk, typed: str) -> Sequence[str]:
    """The followed assets that begin with what was typed."""
    return [asset for asset in desk.assets if asset.startswith(typed.strip().upper())]


ASSET = Option(name="asset", suggest=suggest_assets)


def told(desk: Desk, about: str, name: str, facts: Facts, profile: Profile) -> Text:
    """The sentence on a fact: as it is now; the last reading with its age; or why it is not known."""
    fact = facts.get(name) or facts.stale.get(name)
    names = {"it": Origin(kind="fact", ref=name, value=fact.value if fact else "")}
    if fact is not None and name not in facts.known:
        names["last_at"] = Origin(kind="date", ref=name, value=fact.at.isoformat())
    if fact is None:
        reason = readable(desk, facts.why_unknown(name), profile)
        names["metric"] = Origin(kind="name", ref=name, value=title(desk, name, profile))
        names["reason"] = Origin(kind="input", ref="reason", value=reason)
    return desk.say("answer", about, facts, profile, names)


def readable(desk: Desk, reason: str, profile: Profile) -> str:
    """A reason with the metrics in it called as readers know them."""
    said = in_words(reason, desk.bank(profile).words)
    return re.sub(r"[a-z]+(_[a-z0-9]+)+", lambda found: title(desk, found[0], profile), said)


def title(desk: Desk, name: str, profile: Profile) -> str:
    """A metric's name for a reader; its own name where the language has no words for it."""
    words = desk.bank(profile).metrics.get(name)
    return words.title if words else name


def meaning(desk: Desk, name: str, profile: Profile) -> str:
    """What the metric means, in one sentence; nothing where the language has no words for it."""
    words = desk.bank(profile).metrics.get(name)
    return words.meaning if words else ""


def joined(*texts: Text | str, between: str = "\n\n") -> tuple[str, tuple[Span, ...]]:
    """The texts that are there as one, and their spans at their new places."""
    body = ""
    spans: list[Span] = []
    for part in texts:
        text, own = (part, ()) if isinstance(part, str) else (part.text, part.spans)
        if text:
            start = len(body) + len(between) if body else 0
            body = f"{body}{between}{text}" if body else text
            spans += [replace(span, start=span.start + start, end=span.end + start) for span in own]
    return body, tuple(spans)


def figures(desk: Desk, names: Iterable[str], facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    """The facts that exist in this catalog as labeled values, in the given order, old ones with their time; last, by their
    titles, those that are not known."""
    asked = [name for name in dict.fromkeys(names) if name in desk.playbook.catalog]
    heard = [name for name in asked if name in facts.known or name in facts.stale]
    shown = tuple(desk.figure(name, facts, profile) for name in heard)
    missing = [desk.figure(name, facts, profile).label for name in asked if name not in heard]
    if not missing:
        return shown
    return (*shown, Figure(label=desk.bank(profile).words.get("answer.missing", ""), text="; ".join(missing)))


async def venues(desk: Desk, asset: str, name: str, profile: Profile) -> tuple[Figure, ...]:
    """Each venue's own last value of a metric, with its age where it is old; nothing where only one venue gives it."""
    history = await desk.history(asset)
    found: list[Figure] = []
    for venue in history.venues(name):
        column = history.column(name, venue)
        at = datetime.fromtimestamp(float(column.known_ms[-1]) / 1000, UTC)
        fact = Fact(name=name, value=float(column.value[-1]), at=at, venues=(venue,), of_venues=1)
        fresh = desk.playbook.catalog.fresh(fact, desk.now())
        alone = Facts(
            asset=asset, at=desk.now(), known={name: fact} if fresh else {}, stale={} if fresh else {name: fact}
        )
        label = desk.bank(profile).words.get(f"venue.{venue}", venue.capitalize())
        found.append(replace(desk.figure(name, alone, profile), label=label))
    return tuple(found) if len(found) > 1 else ()


async def about_metric(
    desk: Desk, request: Request, *, about: str, lead: str, shown: Iterable[str], buttons: tuple[Button, ...] = ()
) -> Answer:
    """An answer on one leading metric: its sentence, its meaning, the figures `shown`, each venue's own. Raises InputError."""
    profile = request.profile
    asset = desk.asset(request.options.get("asset"))
    facts = await desk.facts(asset)
    body, spans = joined(told(desk, about, lead, facts, profile), meaning(desk, lead, profile))
    return Answer(
        title=f"{asset}: {desk.bank(profile).words.get(f'title.{about}') or title(desk, lead, profile)}",
        body=body,
        body_spans=spans,
        figures=(*await venues(desk, asset, lead, profile), *figures(desk, shown, facts, profile)),
        buttons=buttons,
        footer=desk.footer(facts, profile),
    )


def noted(said: Answer, note: Text) -> Answer:
    """The answer with one more paragraph at its end."""
    body, spans = joined(Text(slot="answer", about="", text=said.body, spans=said.body_spans), note)
    return replace(said, body=body, body_spans=spans)


def go_on(label: str, command: str, arguments: Mapping[str, str]) -> Button:
    """A button that goes on with a command."""
    return Button(label=label[:LONGEST_LABEL], command=command, arguments=arguments)

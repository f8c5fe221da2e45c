"""What the commands about a metric share: its sentence, its figures, the buttons to go on with."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from bot.desk import Desk
from bot.domain.facts import Facts
from bot.domain.posts import Button, Figure, Profile
from bot.domain.story import Origin, Span, Text

LONGEST_LABEL = 80  # Discord's limit for a button's label


def suggest_assets(desk: Desk, typed: str) -> Sequence[str]:
    """The followed assets that begin with what was typed."""
    return [asset for asset in desk.assets if asset.startswith(typed.strip().upper())]


def told(desk: Desk, about: str, name: str, facts: Facts, profile: Profile) -> Text:
    """The sentence on a fact: as it is now; the last reading with its age; or why it is not known."""
    fact = facts.get(name) or facts.stale.get(name)
    names = {"it": Origin(kind="fact", ref=name, value=fact.value if fact else "")}
    if fact is not None and name not in facts.known:
        names["last_at"] = Origin(kind="date", ref=name, value=fact.at.isoformat())
    return desk.say("answer", about, facts, profile, names)


def title(desk: Desk, name: str, profile: Profile) -> str:
    """A metric's name for a reader; its own name where the language has no words for it."""
    words = desk.bank(profile).metrics.get(name)
    return words.title if words else name


def meaning(desk: Desk, name: str, profile: Profile) -> str:
    """What the metric means, in one sentence; nothing where the language has no words for it."""
    words = desk.bank(profile).metrics.get(name)
    return words.meaning if words else ""


def joined(*texts: Text | str) -> tuple[str, tuple[Span, ...]]:
    """The texts that are there as one, a blank line between them, and their spans at their new places."""
    body = ""
    spans: list[Span] = []
    for part in texts:
        text, own = (part, ()) if isinstance(part, str) else (part.text, part.spans)
        if text:
            start = len(body) + 2 if body else 0
            body = f"{body}\n\n{text}" if body else text
            spans += [replace(span, start=span.start + start, end=span.end + start) for span in own]
    return body, tuple(spans)


def figures(desk: Desk, names: Iterable[str], facts: Facts, profile: Profile) -> tuple[Figure, ...]:
    """The facts that exist in this catalog as labeled values, in the given order."""
    return tuple(desk.figure(name, facts, profile) for name in names if name in desk.playbook.catalog)


def go_on(label: str, command: str, arguments: Mapping[str, str]) -> Button:
    """A button that goes on with a command."""
    return Button(label=label[:LONGEST_LABEL], command=command, arguments=arguments)

"""Which metric is meant by what a reader types."""

import difflib
from collections.abc import Mapping, Sequence

from bot.commands._telling import title
from bot.desk import Desk
from bot.domain.posts import Profile
from bot.errors import InputError

MOST_SUGGESTIONS = 25


def terms(desk: Desk, profile: Profile) -> Mapping[str, str]:
    """Every word that can be explained, in small letters, and its metric."""
    named = {title(desk, name, profile).lower(): name for name in desk.playbook.catalog.metrics}
    return named | {name: name for name in desk.playbook.catalog.metrics}


def suggest_metrics(desk: Desk, typed: str) -> Sequence[str]:
    """Titles of metrics that hold what was typed, in whatever language."""
    wanted = typed.strip().lower()
    titles = [
        title(desk, name, Profile(locale=locale))
        for locale in sorted(desk.playbook.banks, key=lambda locale: locale != "en")
        for name in desk.playbook.catalog.metrics
    ]
    return [name for name in dict.fromkeys(titles) if wanted in name.lower()][:MOST_SUGGESTIONS]


def metric_named(desk: Desk, typed: str, profile: Profile) -> str:
    """The metric that is meant: by its name, its title, or words of its title; of several the one that rules judge by first.
    Titles in the reader's own language come first, then those of the others."""
    others = [locale for locale in desk.playbook.banks if locale != profile.locale]
    for one in (profile, *(Profile(locale=locale) for locale in others)):
        if found := _named(desk, typed, one):
            return found
    near = difflib.get_close_matches(_plain(typed), [_plain(term) for term in terms(desk, profile)], n=3)
    hint = f"the nearest are {', '.join(near)}" if near else "type a few letters, and pick one that is offered"
    raise InputError(f"unknown term {typed!r}: {hint}")


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").replace("-", " ").split())


def _named(desk: Desk, typed: str, profile: Profile) -> str | None:
    wanted = _plain(typed)
    plain = {_plain(term): name for term, name in terms(desk, profile).items()}
    if wanted in plain:
        return plain[wanted]
    judged = list(dict.fromkeys(ladder.fact.partition(".")[0] for ladder in desk.playbook.rules.ladders.values()))
    rank = {name: place for place, name in enumerate(judged)}
    fitting = [
        (rank.get(name, len(rank)), len(term), name)
        for term, name in plain.items()
        if set(wanted.split()) <= set(term.split())
    ]
    return min(fitting)[2] if fitting and wanted else None

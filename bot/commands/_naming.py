"""Which metric is meant by what a reader types: its title, words of it, or what the trade calls it (`alias.*` of
config/phrases/<locale>/tables.toml)."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence

from bot.commands._telling import title
from bot.desk.market import Market
from bot.domain.posts import Profile
from bot.errors import InputError
from bot.reasons import reason

MOST_SUGGESTIONS = 25
MOST_NEAR = 3
BETWEEN = " · "  # titles may hold commas
TOLD_AS = ("called", "short")
ARTICLE = re.compile(r"^(the|a|el|la|los|las|un|una) ")


def terms(market: Market, profile: Profile) -> Mapping[str, str]:
    """Every word that can be explained, in small letters, and its metric: what the trade calls it wins over words of
    titles, and these over what posts and their tables call it."""
    titles = {title(market, name, profile).lower(): name for name in market.playbook.catalog.metrics}
    aliases = {
        alias: name for name in market.playbook.catalog.metrics for alias in _aliases(market, name, profile)
    }
    told = dict(_told_as(market, profile))
    return told | titles | {name: name for name in market.playbook.catalog.metrics} | aliases


def _told_as(market: Market, profile: Profile) -> Iterator[tuple[str, str]]:
    """What sentences ("the 60-day basis") and tables ("60d basis") of posts call metrics; a view leads to its metric."""
    for key, text in market.bank(profile).words.items():
        kind, _, fact = key.partition(".")
        name = fact.partition(".")[0]
        if kind in TOLD_AS and name in market.playbook.catalog.metrics:
            yield ARTICLE.sub("", text.lower()), name


def suggest_metrics(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """Titles of metrics in the reader's language for which every typed word begins a word of the title or of what the
    trade calls it; those that it is called outright first, then those that rules judge by."""
    wanted, rank = _plain(typed).split(), _ranks(market)
    fitting = [
        (_distance(market, name, profile, wanted), rank.get(name, len(rank)), place, name)
        for place, name in enumerate(market.playbook.catalog.metrics)
        if _begins(market, name, profile, wanted)
    ]
    titles = dict.fromkeys(title(market, name, profile) for _, _, _, name in sorted(fitting))
    return list(titles)[:MOST_SUGGESTIONS]


def word_named(market: Market, typed: str, profile: Profile) -> str | None:
    """The word of the posts that is meant and is no metric ("caution", "contango"), by any of its spellings in the
    reader's language, then in the others; None where there is none, or where the trade calls a metric so."""
    if any(_plain(typed) == _plain(term) for term in terms(market, profile)):
        return None
    others = [Profile(locale=locale) for locale in market.playbook.banks if locale != profile.locale]
    for one in (profile, *others):
        for key, spelled in market.bank(one).words.items():
            if key.startswith("term.") and _plain(typed) in [_plain(name) for name in spelled.split("|")]:
                return key.removeprefix("term.")
    return None


def suggest_terms(market: Market, profile: Profile, typed: str) -> Sequence[str]:
    """Metrics and words of the posts for what was typed so far."""
    wanted = _plain(typed)
    spelled = [
        text.split("|")[0] for key, text in market.bank(profile).words.items() if key.startswith("term.")
    ]
    words = [name for name in spelled if _plain(name).startswith(wanted)] if wanted else []
    return [*words, *suggest_metrics(market, profile, typed)][:MOST_SUGGESTIONS]


def metric_named(market: Market, typed: str, profile: Profile) -> str:
    """The metric that is meant: by its name, its title, what the trade calls it, or words of its title; of several the
    one that rules judge by first. Titles in the reader's own language come first, then those of the others."""
    others = [Profile(locale=locale) for locale in market.playbook.banks if locale != profile.locale]
    for named in (_called_so, _of_those_words):
        for one in (profile, *others):
            if found := named(market, typed, one):
                return found
    known = {_plain(term): name for term, name in terms(market, profile).items()}
    near = difflib.get_close_matches(_plain(typed), known, n=MOST_NEAR)
    if near:
        titles = dict.fromkeys(title(market, known[one], profile) for one in near)
        raise InputError(reason("unknown_term_near", typed=typed, near=BETWEEN.join(titles)))
    raise InputError(reason("unknown_term", typed=typed))


def _aliases(market: Market, name: str, profile: Profile) -> Sequence[str]:
    known = market.bank(profile).words.get(f"alias.{name}", "")
    return [alias.lower() for alias in known.split("|") if alias]


def _plain(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").replace("-", " ").replace("/", " ").split())


def _called(market: Market, name: str, profile: Profile) -> Iterator[str]:
    """All that a metric is called."""
    yield _plain(title(market, name, profile))
    yield _plain(name)
    yield from (_plain(alias) for alias in _aliases(market, name, profile))


def _begins(market: Market, name: str, profile: Profile, wanted: Sequence[str]) -> bool:
    words = [word for term in _called(market, name, profile) for word in term.split()]
    return all(any(word.startswith(begun) for word in words) for begun in wanted)


def _distance(market: Market, name: str, profile: Profile, wanted: Sequence[str]) -> int:
    """0 where it is called just that, 1 where one of its names begins so, 2 otherwise."""
    typed, called = " ".join(wanted), list(_called(market, name, profile))
    if typed in called:
        return 0
    return 1 if any(term.startswith(typed) for term in called) else 2


def _ranks(market: Market) -> Mapping[str, int]:
    """Metrics that rules judge by, in their order."""
    judged = dict.fromkeys(ladder.fact.partition(".")[0] for ladder in market.playbook.rules.ladders.values())
    return {name: place for place, name in enumerate(judged)}


def _called_so(market: Market, typed: str, profile: Profile) -> str | None:
    plain = {_plain(term): name for term, name in terms(market, profile).items()}
    return plain.get(_plain(typed))


def _of_those_words(market: Market, typed: str, profile: Profile) -> str | None:
    wanted = _plain(typed)
    plain = {_plain(term): name for term, name in terms(market, profile).items()}
    rank = _ranks(market)
    fitting = [
        (rank.get(name, len(rank)), len(term), name)
        for term, name in plain.items()
        if set(wanted.split()) <= set(term.split())
    ]
    return min(fitting)[2] if fitting and wanted else None

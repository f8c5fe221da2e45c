"""What was said, said again; and what would have been said at a past time, from what was known then. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.commentary import footer, no_article, speak, spoken_together
from bot.decide import carried, tell
from bot.domain.facts import Facts, Series
from bot.domain.judgement import Signal, Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Occasion, Profile
from bot.domain.story import Memory, Story, Text
from bot.metrics import History, by_hour, facts_at, polled
from bot.rules import Replay, evaluate, flips

LEAD_IN = timedelta(days=14)
"""Rules wait, linger and hold for hours: so long before a time they are followed from, what they were before makes no
difference."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """A verdict of a past time, its words, and what it was judged on."""

    verdict: Verdict
    story: Story
    facts: Facts


def retell(occasion: Occasion, playbook: Playbook) -> Brief:
    """The evaluation behind a post, made again from its facts by the playbook of the time."""
    facts, profile = occasion.facts, occasion.profile
    verdict = _verdict(facts, carried(occasion.state, playbook), playbook, profile)
    return Brief(
        verdict=verdict, facts=facts, story=tell(verdict, facts, playbook, profile, occasion.state.memory, facts.at)
    )


def said_again(story: Story, occasion: Occasion, playbook: Playbook) -> Story:
    """A story whose texts were said one by one, as those of a notice or a review are, said again from the same facts and names
    by the playbook of the time."""
    bank = playbook.banks[story.locale]

    def again(text: Text) -> Text:
        if text.parts:
            return spoken_together([again(part) for part in text.parts])
        said = speak(
            slot=text.slot, about=text.about, facts=occasion.facts, catalog=playbook.catalog, book=playbook.rules, bank=bank,
            names=dict(text.given), ranges=occasion.profile.ranges, at=story.at,
        )  # fmt: skip
        return replace(said, given=text.given)

    return replace(
        story, headline=again(story.headline) if story.headline else None, footer=footer(occasion.facts, bank),
        paragraphs=tuple(again(text) for text in story.paragraphs),
    )  # fmt: skip


def brief_at(past: Sequence[Series], playbook: Playbook, asset: str, at: datetime, profile: Profile) -> Brief:
    """What `/brief` would have said at a time: of the past only what was known by then is looked at, and the rules are
    followed hour by hour up to it. An article that could not be written then is an embed."""
    known = History.of(asset, past).at(at)
    facts = facts_at(known, playbook.catalog, asset, at)
    verdict = _verdict(facts, signals_at(known, playbook, at, profile), playbook, profile)
    if profile.length == "article" and no_article(verdict, playbook.banks[profile.locale]) is not None:
        profile = replace(profile, length="embed")
    return Brief(verdict=verdict, facts=facts, story=tell(verdict, facts, playbook, profile, Memory(), at))


def signals_at(known: History, playbook: Playbook, at: datetime, profile: Profile) -> Mapping[str, Signal]:
    """Every rule's state just before a time, from the hours that led to it and had a poll."""
    heard = polled(known, at - LEAD_IN, at)
    hours = by_hour(known, playbook.catalog, playbook.rules.asks, at - LEAD_IN, at)
    following = Replay(playbook.rules, profile.ranges)
    for hour, values, bounds in hours.rows():
        if hour < at and hour in heard:
            following.judge(values, hour, bounds)
    return following.signals()


def _verdict(facts: Facts, signals: Mapping[str, Signal], playbook: Playbook, profile: Profile) -> Verdict:
    judgement = evaluate(playbook.rules, facts, signals, facts.at, profile.ranges)
    found = flips(playbook.rules, facts, judgement.signals, judgement.verdict, profile.ranges)
    return replace(judgement.verdict, flips=found)

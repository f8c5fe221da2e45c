"""What was said, said again; and what would have been said at a past time, from what was known then. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary import (
    OF_NOTICE,
    footer,
    no_article,
    notice_footer,
    speak,
    spoken_together,
    week_story,
    write_plainly,
)
from bot.decide import follow_past, signals_still_valid, tell
from bot.domain.facts import Facts, Series
from bot.domain.judgement import Course, Signal, Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import PostInputs, Profile
from bot.domain.story import WEEK, Memory, Story, Text
from bot.metrics import History, facts_at, own_pasts
from bot.rules import Replay, evaluate, with_exits


class Brief(Struct, frozen=True, kw_only=True):
    """A verdict of a past time, its words, and what it was judged on."""

    verdict: Verdict
    story: Story
    facts: Facts


def retell(occasion: PostInputs, playbook: Playbook, reason: str = "", plain: Story | None = None) -> Brief:
    """The evaluation behind a post that went out for `reason`, made again from its facts by the playbook of the
    time. One that went out as a `plain` card is told as one: what the gate refused then, nobody read."""
    facts, profile = occasion.facts, occasion.profile
    state = occasion.state
    verdict = _verdict(facts, signals_still_valid(state, playbook), state.course, playbook, profile)
    if plain is None:
        story = tell(verdict, facts, playbook, profile, occasion.state.memory, facts.at, reason=reason)
    else:
        story = write_plainly(
            verdict=verdict,
            facts=facts,
            book=playbook.rules,
            bank=playbook.banks[profile.locale],
            length=plain.length,
            at=facts.at,
            ranges=profile.ranges,
            failures=plain.failures,
        )
    return Brief(verdict=verdict, facts=facts, story=story)


def said_again(story: Story, occasion: PostInputs, playbook: Playbook) -> Story:
    """A story whose texts were said one by one, as those of a notice or a review are, said again from the
    same facts and names by the playbook of the time."""
    bank = playbook.banks[story.locale]

    def again(text: Text) -> Text:
        if text.parts:
            return spoken_together([again(part) for part in text.parts])
        said = speak(
            slot=text.slot,
            about=text.about,
            facts=occasion.facts,
            catalog=playbook.catalog,
            book=playbook.rules,
            bank=bank,
            names=dict(text.given),
            ranges=occasion.profile.ranges,
            at=story.at,
        )
        return replace(said, given=text.given)

    told = replace(
        story,
        headline=again(story.headline) if story.headline else None,
        footer=notice_footer(occasion.facts.at, bank, [venue for venue, _ in story.footer.given])
        if story.footer is not None and story.footer.about == OF_NOTICE
        else footer(occasion.facts, bank),
        paragraphs=tuple(again(text) for text in story.paragraphs),
    )
    if story.kind != WEEK:
        return told
    return week_story(
        told, facts=occasion.facts, book=playbook.rules, bank=bank, ranges=occasion.profile.ranges
    )


def brief_at(past: Sequence[Series], playbook: Playbook, asset: str, at: datetime, profile: Profile) -> Brief:
    """What `/brief` would have said at a time: of the past only what was known by then is looked at, and the
    rules are followed hour by hour up to it. An article that could not be written then is an embed."""
    known = History.of(asset, past).at(at)
    facts = facts_with_pasts(known, playbook, asset, at)
    followed = signals_at(known, playbook, facts, profile)
    verdict = _verdict(facts, followed.signals(), followed.course, playbook, profile)
    if profile.length == "article" and no_article(verdict, playbook.banks[profile.locale]) is not None:
        profile = replace(profile, length="embed")
    return Brief(verdict=verdict, facts=facts, story=tell(verdict, facts, playbook, profile, Memory(), at))


def facts_with_pasts(known: History, playbook: Playbook, asset: str, at: datetime) -> Facts:
    """The facts of a past time, beside their own pasts of then."""
    pasts = own_pasts(known, playbook.catalog, playbook.rules, asset, at)
    return replace(facts_at(known, playbook.catalog, asset, at), pasts=pasts)


def signals_at(known: History, playbook: Playbook, facts: Facts, profile: Profile) -> Replay:
    """Every rule's state and the course of the balance just before some facts, from the hours that led to them and had a
    poll."""
    return follow_past(known, playbook, facts, profile.ranges)


def _verdict(
    facts: Facts, signals: Mapping[str, Signal], course: Course | None, playbook: Playbook, profile: Profile
) -> Verdict:
    judgement = evaluate(playbook.rules, facts, signals, facts.at, profile.ranges, course=course)
    return with_exits(playbook.rules, facts, judgement, profile.ranges)

"""What is kept of a post, for phrase choice, for "what changed" and for the overlap limits."""

from collections.abc import Collection, Iterator, Mapping

from msgspec.structs import replace

from bot.commentary.fewer import is_total
from bot.commentary.masks import story_masked
from bot.commentary.points import TOPICS
from bot.commentary.storygate import lead_and_second, told_metrics
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.story import Memory, RememberedPost, Story, exit_key

KEPT = 21


def forget_venues(memory: Memory, anew: Mapping[str, Collection[str]]) -> Memory:
    """The memory as if the last post's figures had not stood on some venues, by metric: on what is counted there anew, no
    figure of then is compared with."""
    last = memory.last
    if last is None or not any(anew.values()):
        return memory
    venues = {
        name: tuple(venue for venue in some if venue not in anew.get(name, ()))
        for name, some in last.venues.items()
    }
    return replace(memory, told=(*memory.told[:-1], replace(last, venues=venues)))


def remember(memory: Memory, story: Story, verdict: Verdict, facts: Facts) -> Memory:
    """The memory after a post: its last posts, this one included, as far back as a sentence may not return."""
    named = {span.origin.ref for span in story.spans if span.origin.kind == "fact"}
    leading = {name for finding in verdict.findings for name in finding.facts}
    of_topics = {name for topic in TOPICS for name in topic.facts}
    kept = {
        name: fact
        for name in sorted(named | leading | of_topics | {"spot_usd"})
        if (fact := facts.get(name)) is not None
    }
    totals = {name: fact for name, fact in facts.of_metrics().items() if is_total(name)}
    told = RememberedPost(
        at=story.at,
        stance=verdict.stance,
        phrase_ids=story.phrase_ids,
        masked=story_masked(story),
        findings=tuple(finding.rule for finding in verdict.findings),
        figures={name: fact.value for name, fact in kept.items()},
        venues={name: fact.venues for name, fact in {**totals, **kept}.items()},
        image=story.image,
        length=story.length,
        told=told_metrics(story),
        sentences=lead_and_second(story),
        kind=story.kind,
        exits=tuple(_exits(story)),
    )
    # Only with the last post is compared on which venues a figure stands.
    before = (replace(post, venues={}) for post in memory.told)
    return replace(memory, told=(*before, told)[-KEPT:])


def _exits(story: Story) -> Iterator[str]:
    """The moves that a story names as changing the verdict."""
    for span in story.spans:
        rule_and_fact, _, what = span.origin.ref.rpartition(" ")
        if span.origin.kind == "threshold" and what == "end" and not isinstance(span.origin.value, str):
            rule, _, fact = rule_and_fact.partition(":")
            yield exit_key(rule, fact, span.origin.value)

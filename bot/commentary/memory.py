"""What is kept of a post, for phrase choice, for "what changed" and for the overlap limits."""

from dataclasses import replace

from bot.commentary.masks import story_masked
from bot.commentary.points import TOPICS
from bot.commentary.storygate import lead_and_second, told_metrics
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.story import Memory, RememberedPost, Story

KEPT = 21


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
    told = RememberedPost(
        at=story.at,
        stance=verdict.stance,
        phrase_ids=story.phrase_ids,
        masked=story_masked(story),
        findings=tuple(finding.rule for finding in verdict.findings),
        figures={name: fact.value for name, fact in kept.items()},
        venues={name: fact.venues for name, fact in kept.items()},
        image=story.image,
        length=story.length,
        told=told_metrics(story),
        sentences=lead_and_second(story),
        kind=story.kind,
    )
    return replace(memory, told=(*memory.told, told)[-KEPT:])

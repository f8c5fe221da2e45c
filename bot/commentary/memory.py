"""What is kept of a post, for phrase choice, for "what changed" and for the overlap limits."""

from dataclasses import replace

from bot.commentary.gate import story_masked
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.story import Memory, Story, Told

KEPT = 14


def remember(memory: Memory, story: Story, verdict: Verdict, facts: Facts) -> Memory:
    """The memory after a post: its last fourteen posts, this one included."""
    named = {span.origin.ref for span in story.spans if span.origin.kind == "fact"}
    leading = {name for finding in verdict.findings for name in finding.facts}
    figures = {
        name: fact.value for name in sorted(named | leading | {"spot_usd"}) if (fact := facts.get(name)) is not None
    }
    told = Told(
        at=story.at,
        stance=verdict.stance,
        phrase_ids=story.phrase_ids,
        masked=story_masked(story),
        findings=tuple(finding.rule for finding in verdict.findings),
        figures=figures,
        image=story.image,
        length=story.length,
    )
    return replace(memory, told=(*memory.told, told)[-KEPT:])

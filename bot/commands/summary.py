"""A post at a glance: its stance, and four of the numbers that it stands on, each with its last week."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.commands._charts import caption, stretch, words
from bot.commands._telling import title
from bot.desk import Desk
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.posts import ChartSpec, Mark, Post, Profile
from bot.domain.story import Story
from bot.metrics import History

SPARK = timedelta(days=7)
SPARKS = 4
LEAST = 2  # a card with one number says no more than its headline
KEPT = 200
NO_VERDICT = frozenset({"outage", "back", "watch"})  # about sources, or about one reader's number: not about the market

Key = tuple[str, datetime, str, str, str]


class Summaries:
    """What the picture of a post shows. Posts that tell the same story to many channels share one."""

    def __init__(self) -> None:
        self._made: OrderedDict[Key, ChartSpec | None] = OrderedDict()
        self._making = asyncio.Lock()

    async def __call__(self, desk: Desk, post: Post) -> ChartSpec | None:
        """The picture of a post; None where it has none, or what it stood on is not kept any more. Raises ArchiveError."""
        if post.reason in NO_VERDICT:
            return None
        story = post.story
        key = (story.asset, story.at, story.locale, story.stance, story.body)
        async with self._making:
            if key not in self._made:
                self._made[key] = await _of_post(desk, post)
                while len(self._made) > KEPT:
                    self._made.popitem(last=False)
            self._made.move_to_end(key)
            return self._made[key]


async def _of_post(desk: Desk, post: Post) -> ChartSpec | None:
    occasion = await desk.archive.occasion(post.id)
    if occasion is None:
        return None
    return summary_chart(desk, post.story, occasion.verdict, await desk.history(post.asset), occasion.facts)


def summary_chart(desk: Desk, story: Story, verdict: Verdict, history: History, facts: Facts) -> ChartSpec | None:
    """The stance, how sure, and the first four numbers that are known; None where there are fewer than two."""
    profile = Profile(locale=story.locale)
    known = desk.bank(profile).words
    stance = known.get(f"stance.{story.stance}", story.stance)
    confidence = known.get(f"confidence.{verdict.confidence}", verdict.confidence)
    heading = known.get(f"asset.{story.asset}", story.asset)
    names = [name for name in leading(desk, story, verdict) if facts.get(name) is not None][:SPARKS]
    if len(names) < LEAST:
        return None
    series = tuple(
        replace(
            stretch(history, name, story.at - SPARK, story.at, desk.playbook.catalog),
            label=title(desk, name, profile), text=desk.figure(name, facts, profile).text,
        )
        for name in names
    )  # fmt: skip
    venues = [venue for name in names for venue in facts.known[name].venues]
    values = "; ".join(f"{column.label} {column.text}" for column in series)
    return ChartSpec(
        kind="summary", title=heading, series=series, unit="", caption=caption(desk, profile, venues, story.at),
        alt=words(desk, profile, "alt.summary", title=heading, stance=stance, values=values),
        marks=(
            Mark(label=stance, kind=story.stance), Mark(label=words(desk, profile, "confidence", confidence=confidence)),
        ),
    )  # fmt: skip


def leading(desk: Desk, story: Story, verdict: Verdict) -> Sequence[str]:
    """The metrics of a post by weight: of each family's first finding, of the further ones, those that the text tells, those
    that a usual range judges. A change or a rank of a metric stands for the metric."""
    families = {finding.family: finding for finding in reversed(verdict.findings)}
    first = [families[family] for family in dict.fromkeys(finding.family for finding in verdict.findings)]
    found = [finding.facts[0] for finding in (*first, *verdict.findings) if finding.facts]
    told = [span.origin.ref for span in story.spans if span.origin.kind == "fact"]
    judged = [ladder.fact for ladder in desk.playbook.rules.ladders.values()]
    return _metrics(desk, (*found, *told, *judged))


def _metrics(desk: Desk, names: Iterable[str]) -> Sequence[str]:
    metrics = dict.fromkeys(name.partition(".")[0] for name in names)
    return [name for name in metrics if name in desk.playbook.catalog.metrics]

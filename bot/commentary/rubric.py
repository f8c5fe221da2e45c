"""What a run of posts is like, in counts: how long, how full of figures, how much of it returns, whether its exits hold.

The goals are those that the posts are written to. Glosses, exits, labels and the table are fixed
wording by nature and are left out where sentences are counted."""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from msgspec import Struct

from bot.commentary.masks import figures_in
from bot.commentary.names import SpokenMarket
from bot.commentary.points import DERIVATIVES, TOPICS, is_price, unit_of_move
from bot.commentary.storygate import (
    figures_twice,
    has_figure,
    lead_and_second,
    prose,
    told_metrics,
    unchanged_wrongly,
    word_count,
)
from bot.commentary.teller import SENTENCE_WINDOW
from bot.domain.facts import Facts
from bot.domain.judgement import Verdict
from bot.domain.rulebook import RuleBook
from bot.domain.story import Memory, PhraseBank, Story, Text


class ToldPost(Struct, frozen=True, kw_only=True):
    """A post with what it was told from: the facts, the verdict, and what was remembered before it."""

    story: Story
    facts: Facts
    verdict: Verdict
    memory: Memory


class RubricRow(Struct, frozen=True, kw_only=True):
    """One count, its goal in words, and whether it is met. `value` is a share in percent, a number of posts or of words
    (None: there was nothing to count)."""

    count: str
    value: float | None
    goal: str
    met: bool


def rubric(posts: Sequence[ToldPost], book: RuleBook, bank: PhraseBank) -> tuple[RubricRow, ...]:
    """The counts of a run of posts, oldest first. Shorts are left out."""
    told = [post for post in posts if post.story.length != "short" and not post.story.plain]
    daily = [post for post in told if not post.story.alert and post.story.length == "embed"]
    alerts = [post for post in told if post.story.alert]
    articles = [post for post in told if post.story.length == "article" and not post.story.alert]
    brief = [*daily, *alerts]
    lines = [one for post in brief for one in prose(post.story)]
    headlines = [post for post in brief if post.story.headline is not None]
    named = [post for post in brief if any(_ends(post.story))]

    def market(post: ToldPost) -> SpokenMarket:
        return SpokenMarket(
            facts=post.facts,
            book=book,
            bank=bank,
            at=post.story.at,
            findings=post.verdict.findings,
            verdict=post.verdict,
        )

    return (
        _most("words of a daily post, at most", [word_count(post.story.paragraphs) for post in daily], 120),
        _most("words of an alert, at most", [word_count(post.story.paragraphs) for post in alerts], 70),
        _most("words of an article, at most", [word_count(post.story.paragraphs) for post in articles], 400),
        _share("sentences without a figure", [not has_figure(one) for one in lines], 15, at_most=True),
        _none("posts that tell a figure twice", [any(figures_twice(post.story)) for post in brief]),
        _share("sentences joining two figures", [_joins(one) for one in lines], 30),
        _share("headlines with a derivatives fact", [_of_derivatives(post.story) for post in headlines], 80),
        _most(
            "word at which what changed begins, at most", [_change_begins(post.story) for post in daily], 40
        ),
        _share("posts that name what would end or deepen it", [post in named for post in brief], 50),
        _none("exits outside their own 90 days", [not _within(post) for post in named]),
        _none(
            "posts with unchanged over different figures",
            [any(unchanged_wrongly(post.story, market(post), post.memory)) for post in brief],
        ),
        _none("posts that repeat an unmoved reading of the post before", list(_repeats(daily, market))),
        _none("sentences that return within twenty posts", list(_returns([post.story for post in daily]))),
        _none("plain cards", [post.story.plain for post in posts]),
    )


def _most(count: str, values: Sequence[int], goal: int) -> RubricRow:
    most = max(values, default=None)
    return RubricRow(
        count=count,
        value=None if most is None else float(most),
        goal=f"≤ {goal}",
        met=most is None or most <= goal,
    )


def _share(count: str, hits: Sequence[bool], goal: float, *, at_most: bool = False) -> RubricRow:
    share = 100 * sum(hits) / len(hits) if hits else None
    met = share is None or (share <= goal if at_most else share >= goal)
    return RubricRow(count=count, value=share, goal=f"{'≤' if at_most else '≥'} {goal:g}%", met=met)


def _none(count: str, hits: Sequence[bool]) -> RubricRow:
    return RubricRow(count=count, value=float(sum(hits)), goal="0", met=not any(hits))


def _joins(sentence: Text) -> bool:
    return len({(span.origin.ref, span.text) for span in figures_in(sentence)}) >= 2


def _of_derivatives(story: Story) -> bool:
    """Whether the headline tells a reading of derivatives, by its figure or in words."""
    topics = {topic.id for topic in TOPICS if topic.family in DERIVATIVES}
    if story.headline is None:
        return False
    facts = {name for topic in TOPICS if topic.id in topics for name in topic.facts}
    told = {name.partition(".")[0] for name in story.headline.phrase_ids}
    return bool(told & topics) or any(span.origin.ref in facts for span in story.headline.spans)


def _change_begins(story: Story) -> int:
    """The word of the body at which the first figure of a change stands."""
    words = 0
    for text in story.paragraphs:
        for span in sorted(text.spans, key=lambda span: span.start):
            ref = span.origin.ref
            if (
                ref.startswith(("rebound_", "drawdown_", "alarm "))
                or "change" in ref
                or "@last post" in ref
                or ".before_" in ref
            ):
                return words + len(text.text[: span.start].split())
        words += len(text.text.split())
    return 0


def _within(post: ToldPost) -> bool:
    """Whether every move that the post names ends inside the fact's own last ninety days, as far as they are known."""
    for name, end in _ends(post.story):
        past, now = (post.facts.pasts or {}).get(name), post.facts.value(name)
        if past is None or past.low_90d is None or past.high_90d is None or now is None:
            continue
        low, high = min(past.low_90d, now), max(past.high_90d, now)
        if not low - 1e-6 <= end <= high + 1e-6:
            return False
    return True


def _ends(story: Story) -> Iterator[tuple[str, float]]:
    """The facts of which a post names where they would end, deepen or weaken its verdict, and that value."""
    for text in story.paragraphs:
        for span in text.spans:
            rule_and_fact, _, what = span.origin.ref.rpartition(" ")
            if span.origin.kind == "threshold" and what == "end" and not isinstance(span.origin.value, str):
                yield rule_and_fact.partition(":")[2], span.origin.value


def _repeats(posts: Sequence[ToldPost], market: Callable[[ToldPost], SpokenMarket]) -> Iterator[bool]:
    """For each post after the first whether it tells a reading that the one before told and that has not moved since."""
    for before, post in pairwise(posts):
        told = set(told_metrics(before.story))
        yield any(
            name in told
            and not is_price(name)
            and (now := post.facts.get(name)) is not None
            and (then := before.facts.get(name)) is not None
            and abs(now.value - then.value) < unit_of_move(name, now.value, market(post)) * (1 - 1e-9)
            for name in told_metrics(post.story)
        )


def _returns(stories: Sequence[Story]) -> Iterator[bool]:
    """For each sentence of lead and second finding whether it stood in one of the posts just before."""
    told = [lead_and_second(story) for story in stories]
    for number, lines in enumerate(told):
        recent = {line for earlier in told[max(0, number - SENTENCE_WINDOW) : number] for line in earlier}
        yield from (line in recent for line in lines)

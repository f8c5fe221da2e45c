"""Corrections: where a venue restates what a post rests on, the post is edited and says so.

A shown figure is corrected where the archive, as it was known when the post was made, gives the figure as it
was shown, and as it is known now gives one that reads otherwise. Where the archive does not vouch for the
figure (a bar that was still running then) nothing is said; nor where a total changed because another venue
told late, and nobody restated anything. Only posts younger than an age that is set are looked at."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import isclose
from typing import Protocol

import structlog
from msgspec import Struct
from msgspec.structs import replace

from bot.commentary import list_in_words, reads_alike, speak, venue_name
from bot.decide import signals_still_valid
from bot.domain.facts import Facts, Restatement, Series
from bot.domain.playbook import Playbook
from bot.domain.posts import Post, PostInputs
from bot.domain.story import Origin, PhraseBank, Span, Text
from bot.metrics import History, facts_at
from bot.rules import evaluate

log = structlog.get_logger()

MOST_FIGURES = 4  # of one restatement: the others follow from the same


class RestatementStore(Protocol):
    """What venues told otherwise. Raises ArchiveError."""

    async def find_open(self, asset: str) -> Sequence[Restatement]:
        """What venues told otherwise, and nobody has looked yet which posts rest on it; the earliest
        first."""
        ...


class CorrectablePosts(Protocol):
    """Posts that may be corrected. Every method raises ArchiveError."""

    async def find_since(self, asset: str, since: datetime) -> Sequence[Post]:
        """The posts on an asset since a time that went out or will, one of each id, oldest first."""
        ...

    async def inputs(self, post_id: str, channels: Sequence[str] = ()) -> PostInputs | None:
        """What a post stood on; None where it is not known any more."""
        ...


class SeriesStore(Protocol):
    """What was measured. Raises ArchiveError."""

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        """Every metric's past of one asset between two times, as known at the later one."""
        ...


class CorrectionStore(Protocol):
    """Corrections made. Raises ArchiveError."""

    async def add(
        self, added: Mapping[str, Sequence[Text]], restatements: Sequence[int], at: datetime
    ) -> None:
        """Add words to posts, by their ids, and let them be edited where they went out; and settle
        restatements."""
        ...


class Corrections(Struct, frozen=True, kw_only=True):
    """Looks after each poll what was restated. `corrected_within` is how old a post may be, `history` how far back
    facts look."""

    restatements: RestatementStore
    posts: CorrectablePosts
    points: SeriesStore
    added: CorrectionStore
    corrected_within: timedelta
    history: timedelta

    async def run(self, asset: str, at: datetime, playbook: Playbook) -> int:
        """Correct the posts that rest on what was restated: how many. Each restatement is looked at once."""
        restated = await self.restatements.find_open(asset)
        if not restated:
            return 0
        made: dict[str, Sequence[Text]] = {}
        for post in await self.posts.find_since(asset, at - self.corrected_within):
            earlier = [
                one for one in restated if one.at < post.story.at < one.heard_at and one.venue is not None
            ]
            if earlier and (texts := await self._of_post(post, earlier, at, playbook)):
                made[post.id] = texts
                log.info("post.corrected", post=post.id, asset=asset, figures=len(texts))
        await self.added.add(made, [one.id for one in restated], at)
        return len(made)

    async def _of_post(
        self, post: Post, restated: Sequence[Restatement], at: datetime, playbook: Playbook
    ) -> Sequence[Text]:
        then = post.story.at
        since = then - self.history
        as_known = History.of(post.asset, await self.points.series(post.asset, since, then))
        as_is = History.of(post.asset, await self.points.series(post.asset, since)).at(then)
        before, after = (facts_at(past, playbook.catalog, post.asset, then) for past in (as_known, as_is))
        bank = playbook.banks.get(post.story.locale, playbook.banks["en"])
        changes = list(_changes(post, before, after, bank))[:MOST_FIGURES]
        if not changes:
            return ()
        names = {
            "sources": Origin(
                kind="name", ref="sources", value=list_in_words(_tellers(restated, bank), bank.words)
            ),
            "until": Origin(
                kind="date", ref="restated", value=max(one.heard_at for one in restated).isoformat()
            ),
        }
        texts = [
            _say("any" if number == 0 else "also", after, at, playbook, bank, names | change)
            for number, change in enumerate(changes)
        ]
        occasion = await self.posts.inputs(post.id, (post.channel,))
        other = stance_on_restated(occasion, before, after, playbook) if occasion else None
        if occasion is not None and other is not None:
            words = bank.words
            stances = {"was": occasion.verdict.stance, "then": other}
            told = {
                key: Origin(kind="name", ref="stance", value=words[f"stance.{one}"])
                for key, one in stances.items()
            }
            texts.append(_say("verdict", after, at, playbook, bank, told))
        return texts


def _changes(post: Post, before: Facts, after: Facts, bank: PhraseBank) -> Iterator[dict[str, Origin]]:
    """Each figure that the post shows and that reads otherwise now: what it is, what was said last, what it
    is now."""
    seen: set[str] = set()
    for span in post.story.spans:
        name = span.origin.ref
        if span.origin.kind != "fact" or name in seen or "@" in name:
            continue
        seen.add(name)
        old, new, said = before.value(name), after.value(name), _said_last(post, span)
        if old is None or new is None or said is None:
            continue
        # Vouched for as it was shown, or corrected before: then that is what it must differ from.
        vouched = reads_alike(span, old, float(span.origin.value), bank)
        if vouched and not reads_alike(span, new, said, bank):
            yield {
                "it": Origin(kind="fact", ref=name, value=new),
                "before": Origin(kind="fact", ref=f"{name}@stated", value=said),
                "after": Origin(kind="fact", ref=f"{name}@restated", value=new),
            }


def _said_last(post: Post, span: Span) -> float | None:
    """What readers were told last of a figure: by the post, or by a correction since."""
    told = [
        one.origin.value for text in post.corrections for one in text.spans if _restates(one, span.origin.ref)
    ]
    value = told[-1] if told else span.origin.value
    return None if isinstance(value, str) else value


def _restates(span: Span, name: str) -> bool:
    return span.origin.kind == "fact" and span.origin.ref == f"{name}@restated"


def _tellers(restated: Sequence[Restatement], bank: PhraseBank) -> list[str]:
    """The venues that told otherwise."""
    venues = dict.fromkeys(str(one.venue) for one in restated)
    return [venue_name(venue, bank.words) for venue in venues]


def stance_on_restated(occasion: PostInputs, before: Facts, after: Facts, playbook: Playbook) -> str | None:
    """The stance that the post would have had on the restated facts, by the rules of now; None where it is
    the same, or where the rules of now would have called it otherwise anyway."""
    known = dict(occasion.facts.known)
    for name, fact in occasion.facts.known.items():
        old, new = before.value(name), after.value(name)
        if old is not None and new is not None and old != new and isclose(old, fact.value, rel_tol=1e-9):
            known[name] = replace(fact, value=new)
    as_said, as_is = (
        evaluate(
            playbook.rules,
            facts,
            signals_still_valid(occasion.state, playbook),
            facts.at,
            occasion.profile.ranges,
            course=occasion.state.course,
        ).verdict.stance
        for facts in (occasion.facts, replace(occasion.facts, known=known, measured=None))
    )
    return as_is if as_said == occasion.verdict.stance != as_is else None


def _say(
    about: str, facts: Facts, at: datetime, playbook: Playbook, bank: PhraseBank, names: Mapping[str, Origin]
) -> Text:
    said = speak(
        slot="correction",
        about=about,
        facts=facts,
        catalog=playbook.catalog,
        book=playbook.rules,
        bank=bank,
        names=names,
        at=at,
    )
    return replace(said, given=tuple(names.items()))

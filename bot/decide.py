"""The brain, pure: what was heard, what was known, how it is judged → what to store and what to say.

It does no I/O and takes the time from the snapshot. The same arguments give the same Decision, byte for byte.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from bot.commentary import remember, write
from bot.domain.facts import Facts
from bot.domain.judgement import Signal, Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Decision, Post, Profile, Reason, Route, State
from bot.domain.readings import Snapshot
from bot.domain.story import Length, Memory, Story
from bot.metrics import History, Observed, observe
from bot.rules import Judgement, alert, evaluate, flips


def decide(
    snapshot: Snapshot,
    history: History,
    state: State,
    playbook: Playbook,
    profile: Profile,
    *,
    observed: Observed | None = None,
) -> Decision:
    """One evaluation of one asset for one profile.

    `history` is the asset's past up to the snapshot. `observed` spares measuring again where several profiles share one
    snapshot; it must come from the same snapshot and history. A route of the state with a `due_at` gets its scheduled
    post; the others get an alert where the verdict changed in a way that `playbook.rules.notify` lets through.
    """
    at = snapshot.taken_at
    observed = observed or observe(snapshot, history, playbook.catalog, playbook.holdings)
    judgement = evaluate(playbook.rules, observed.facts, carried(state, playbook), at, profile.ranges)
    venues = tuple(sorted({reading.source for reading in snapshot.readings}))
    lost = bool(set(state.venues) - set(venues))
    routes, reasons = _reasons(state, judgement, playbook, at, lost=lost)
    stories: dict[Length, Story] = {}
    posts: list[Post] = []
    memory, verdict = state.memory, judgement.verdict
    if reasons:
        verdict = replace(
            verdict, flips=flips(playbook.rules, observed.facts, judgement.signals, verdict, profile.ranges)
        )
        story = tell(verdict, observed.facts, playbook, profile, memory, at)
        stories[story.length] = story
        posts = [post_for(story, route, reason, profile, at) for route, reason in reasons]
        memory = remember(memory, story, verdict, observed.facts)
    changed = verdict.stance != state.stance
    after = State(
        signals=judgement.signals,
        memory=memory,
        routes=routes,
        stance=verdict.stance,
        stance_since=at if changed else state.stance_since,
        venues=venues,
        editions=playbook.editions,
    )
    return Decision(
        points=observed.points, facts=observed.facts, state=after, verdict=verdict, stories=stories, posts=tuple(posts),
        playbook_hash=playbook.hash,
    )  # fmt: skip


def carried(state: State, playbook: Playbook) -> Mapping[str, Signal]:
    """The signals that still hold: one of a rule that has changed since does not, so that the rule starts at unknown."""
    now = playbook.editions
    return {rule: signal for rule, signal in state.signals.items() if _same(state.editions.get(rule), now.get(rule))}


def _same(then: str | None, now: str | None) -> bool:
    return then is None or now is None or then == now


def tell(verdict: Verdict, facts: Facts, playbook: Playbook, profile: Profile, memory: Memory, at: datetime) -> Story:
    """The verdict in words, in the profile's language and length."""
    return write(
        verdict=verdict,
        facts=facts,
        book=playbook.rules,
        bank=playbook.banks[profile.locale],
        memory=memory,
        length=profile.length,
        ranges=profile.ranges,
        at=at,
    )


def _reasons(
    state: State, judgement: Judgement, playbook: Playbook, at: datetime, *, lost: bool
) -> tuple[tuple[Route, ...], list[tuple[Route, Reason]]]:
    """Each route after this evaluation, and which of them are told something now, and why."""
    routes: list[Route] = []
    reasons: list[tuple[Route, Reason]] = []
    for route in state.routes:
        after, reason = alert(route, judgement, playbook.rules, at, lost=lost)
        said: Reason | None = "scheduled" if route.due_at is not None else reason
        routes.append(replace(after, due_at=None))
        if said is not None:
            reasons.append((route, said))
    return tuple(routes), reasons


def post_for(story: Story, route: Route, reason: Reason, profile: Profile, at: datetime) -> Post:
    """The story as a post to one channel. Posts of one story share its id."""
    intended_at = route.due_at or at
    # Each channel has its own nonce (at most 25 characters: Discord's limit).
    name = post_id(story.asset, profile, intended_at, reason)
    nonce = _digest("nonce", name, route.channel)[:24]
    return Post(
        id=name, channel=route.channel, asset=story.asset, reason=reason, story=story, nonce=nonce,
        intended_at=intended_at, late=route.late,
    )  # fmt: skip


def post_id(asset: str, profile: Profile, intended_at: datetime, reason: Reason) -> str:
    """The short name of a post: the same for the same occasion."""
    return _digest("post", asset, profile.id, intended_at.isoformat(), reason)[:8]


def _digest(*parts: str) -> str:
    return base64.b32encode(hashlib.sha256("\0".join(parts).encode()).digest()).decode().lower()

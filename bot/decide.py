"""The brain, pure: what was heard, what was known, how it is judged → what to store and what to say.

It does no I/O and takes the time from the snapshot. The same arguments give the same Decision, byte for byte.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import get_args

from msgspec import Struct
from msgspec.structs import replace

from bot.commentary import forget_venues, remember, write
from bot.domain.facts import Facts
from bot.domain.judgement import Course, Signal, Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Decision, Post, Profile, Reason, Route, State
from bot.domain.readings import Snapshot
from bot.domain.rulebook import Ranges, Severity
from bot.domain.story import Memory, Story
from bot.metrics import (
    DailyPasts,
    History,
    Observed,
    balance_points,
    by_hour,
    facts_at,
    first_polled,
    hours_polled,
    observe,
    own_pasts,
    with_balance,
)
from bot.rules import Judgement, Replay, alert, balance_shares, evaluate, families_without, with_exits

LEAD_IN = timedelta(days=30)
"""Rules wait and linger for hours, the stance follows days: so long before a time the past is followed, what was before
that makes no difference to most verdicts."""


BACKFILLED_EVERY_H = 4
"""How often a past without polls is judged."""


def decide(
    snapshot: Snapshot,
    history: History,
    state: State,
    playbook: Playbook,
    profile: Profile,
    *,
    observed: Observed | None = None,
    judged: "PollJudgements | None" = None,
) -> Decision:
    """One evaluation of one asset for one profile.

    `history` is the asset's past up to the snapshot. `observed` spares measuring again where several profiles
    share one snapshot; it must come from the same snapshot and history, and its facts have their own pasts; `judged`
    judging again where they have the same ranges and remember the same. A
    route of the state with a `due_at` gets its scheduled post; the others get an alert where the verdict changed in
    a way that `playbook.rules.notify` lets through."""
    at = snapshot.taken_at
    observed, judged = observed or observe_with_pasts(snapshot, history, playbook), judged or PollJudgements()
    signals, course = recall_state(state, playbook, history, observed.facts, profile.ranges)
    known = judged.judge(playbook, observed, signals, course, profile.ranges)
    judgement, observed = known.judgement, known.observed
    venues = tuple(sorted({reading.source for reading in snapshot.readings}))
    lost = bool(set(state.venues) - set(venues))
    routes, reasons = _reasons(state, judgement, playbook, at, lost=lost)
    posts: list[Post] = []
    anew = _counted_anew(state.memory, observed.history or history, playbook, at)
    told_by = memory = forget_venues(state.memory, anew)
    verdict = judgement.verdict
    if reasons:
        verdict = judged.solve_exits(playbook, known, profile.ranges)
        stories = {
            reason: tell(verdict, observed.facts, playbook, profile, told_by, at, reason=reason)
            for reason in dict.fromkeys(reason for _, reason, _ in reasons)
        }
        posts = [
            replace(post_for(stories[reason], route, reason, profile, at), severity=severity)
            for route, reason, severity in reasons
        ]
        for story in dict.fromkeys(stories.values()):
            memory = remember(memory, story, verdict, observed.facts)
    changed = verdict.stance != state.stance
    after = State(
        signals=dict(judgement.signals),
        memory=memory,
        routes=routes,
        stance=verdict.stance,
        stance_since=at if changed else state.stance_since,
        venues=venues,
        editions=playbook.editions,
        course=judgement.course,
    )
    return Decision(
        points=observed.points,
        facts=observed.facts,
        state=after,
        verdict=verdict,
        posts=tuple(posts),
        playbook_hash=playbook.hash,
        told_by=told_by,
    )


class _JudgedMarket(Struct, frozen=True, kw_only=True):
    """A judgement, and what was observed with the balance that it came to."""

    judgement: Judgement
    observed: Observed


class PollJudgements:
    """What the profiles of one poll of one asset come to: those in another language or length, with the same ranges and
    from the same signals and course, come to the same."""

    def __init__(self) -> None:
        self._made: list[tuple[tuple[object, ...], _JudgedMarket]] = []
        self._solved: dict[int, Verdict] = {}

    def judge(
        self,
        playbook: Playbook,
        observed: Observed,
        signals: Mapping[str, Signal],
        course: Course | None,
        ranges: Ranges,
    ) -> _JudgedMarket:
        """The judgement from these signals and this course. By the usual ranges the balance is observed with the rest."""
        stands_on = ranges, course, signals
        known = next((made for of, made in self._made if of == stands_on), None)
        if known is None:
            facts = observed.facts
            judgement = evaluate(playbook.rules, facts, signals, facts.at, ranges, course=course)
            if not ranges:
                shares = balance_shares(playbook.rules, judgement.verdict)
                points = balance_points(facts.asset, facts.at, shares, len(judgement.verdict.votes))
                observed = with_balance(observed, points, playbook.catalog)
            known = _JudgedMarket(judgement=judgement, observed=observed)
            self._made.append((stands_on, known))
        return known

    def solve_exits(self, playbook: Playbook, known: _JudgedMarket, ranges: Ranges) -> Verdict:
        """The verdict of a judgement made here, with what would change it."""
        found = self._solved.get(id(known))
        if found is None:
            facts, judgement = known.observed.facts, known.judgement
            found = self._solved[id(known)] = with_exits(playbook.rules, facts, judgement, ranges)
        return found


def _counted_anew(
    memory: Memory, history: History, playbook: Playbook, at: datetime
) -> Mapping[str, tuple[str, ...]]:
    """By metric the venues whose sums began to stand on other contracts since the last post."""
    last = memory.last
    if last is None or not history.tellings.breaks:
        return {}
    counted = {name: metric.counts for name, metric in playbook.catalog.metrics.items() if metric.counts}
    return {
        name: tuple(
            venue for venue in last.venues.get(name, ()) if history.began_anew(venue, kind, last.at, at)
        )
        for name, kind in counted.items()
    }


def observe_with_pasts(snapshot: Snapshot, history: History, playbook: Playbook) -> Observed:
    """What a snapshot comes to, its facts beside their own pasts."""
    observed = observe(snapshot, history, playbook.catalog, playbook.holdings)
    pasts = own_pasts(
        observed.history or history, playbook.catalog, playbook.rules, snapshot.asset, snapshot.taken_at
    )
    return replace(observed, facts=replace(observed.facts, pasts=pasts))


def recall_state(
    state: State, playbook: Playbook, history: History, facts: Facts, ranges: Ranges
) -> tuple[Mapping[str, Signal], Course | None]:
    """The signals and the course that an evaluation goes on from. Where nothing is remembered of the balance yet, the
    past is followed up to now: the verdict is the market's, not that of the day on which the bot was installed."""
    signals = signals_still_valid(state, playbook)
    if state.course is not None or playbook.rules.balance is None:
        return signals, state.course
    followed = follow_past(history, playbook, facts, ranges)
    return signals or followed.signals(), followed.course


def follow_past(history: History, playbook: Playbook, facts: Facts, ranges: Ranges) -> Replay:
    """The rules after each hour of the last weeks before some facts, from what was known in each; before the first poll
    every few hours, from what venues told afterwards and what is estimated from it."""
    *_, followed = iterate_past(history, playbook, facts, ranges)
    return followed


def iterate_past(history: History, playbook: Playbook, facts: Facts, ranges: Ranges) -> Iterator[Replay]:
    """The same, a step at a time: the one replay before its first hour and after each. The whole takes a second or
    two."""
    since, book = facts.at - LEAD_IN, playbook.rules
    following = Replay(book, ranges, asset=facts.asset, without=families_without(book, facts))
    yield following
    heard = hours_polled(history, since, facts.at)
    hours = by_hour(history, playbook.catalog, book.asks, since, facts.at)
    pasts = DailyPasts(history, playbook.catalog, book, facts.asset)
    began = first_polled(history) or facts.at
    metrics = {name.partition(".")[0] for name in book.asks}
    for hour, values, bounds in hours.rows():
        if hour >= facts.at or hour not in heard:
            continue
        if (
            hour < began
        ):  # what polls would have measured follows from what was told: windows, extremes, comparisons
            if hour.hour % BACKFILLED_EVERY_H:
                continue
            then = facts_at(history, playbook.catalog, facts.asset, hour, metrics=metrics)
            known = [fact for name in book.asks if (fact := then.known.get(name)) is not None]
            values = {**{fact.name: fact.value for fact in known}, **values}  # noqa: PLW2901
            bounds |= {fact.name for fact in known if fact.lower_bound and fact.name in values}
        following.judge(values, hour, bounds, pasts.on(hour))
        yield following


def signals_still_valid(state: State, playbook: Playbook) -> Mapping[str, Signal]:
    """The signals that still hold: one of a rule that has changed since does not, so that the rule starts at
    unknown."""
    now = playbook.editions
    return {
        rule: signal
        for rule, signal in state.signals.items()
        if _same(state.editions.get(rule), now.get(rule))
    }


def _same(then: str | None, now: str | None) -> bool:
    return then is None or now is None or then == now


def tell(
    verdict: Verdict,
    facts: Facts,
    playbook: Playbook,
    profile: Profile,
    memory: Memory,
    at: datetime,
    *,
    reason: str = "",
) -> Story:
    """The verdict in words, in the profile's language and length; `reason` is what a post goes out for, an alert has a
    form of its own."""
    return write(
        verdict=verdict,
        facts=facts,
        book=playbook.rules,
        bank=playbook.banks[profile.locale],
        memory=memory,
        length=profile.length,
        ranges=profile.ranges,
        at=at,
        reason=reason,
    )


def _reasons(
    state: State, judgement: Judgement, playbook: Playbook, at: datetime, *, lost: bool
) -> tuple[tuple[Route, ...], list[tuple[Route, Reason, Severity | None]]]:
    """Each route after this evaluation, and which of them are told something now, why, and how grave it is where
    it is news."""
    routes: list[Route] = []
    reasons: list[tuple[Route, Reason, Severity | None]] = []
    for route in state.routes:
        after, reason = alert(route, judgement, playbook.rules, at, lost=lost)
        said: Reason | None = "scheduled" if route.due_at is not None else reason
        routes.append(replace(after, due_at=None))
        if said is not None:
            reasons.append((route, said, _severity(after.last_severity) if reason is not None else None))
    return tuple(routes), reasons


def _severity(name: str | None) -> Severity | None:
    return next((severity for severity in get_args(Severity) if severity == name), None)


def post_for(story: Story, route: Route, reason: Reason, profile: Profile, at: datetime) -> Post:
    """The story as a post to one channel. Posts of one story share its id."""
    intended_at = route.due_at or at
    # Each channel has its own nonce (at most 25 characters: Discord's limit).
    name = post_id(story.asset, profile, intended_at, reason)
    nonce = digest_of("nonce", name, route.channel)[:24]
    return Post(
        id=name,
        channel=route.channel,
        asset=story.asset,
        reason=reason,
        story=story,
        nonce=nonce,
        intended_at=intended_at,
        late=route.late,
    )


def post_id(asset: str, profile: Profile, intended_at: datetime, reason: Reason) -> str:
    """The short name of a post: the same for the same occasion."""
    return digest_of("post", asset, profile.id, intended_at.isoformat(), reason)[:8]


def digest_of(*parts: str) -> str:
    """A short name of some texts, in lowercase letters and digits: the same for the same."""
    return base64.b32encode(hashlib.sha256("\0".join(parts).encode()).digest()).decode().lower()

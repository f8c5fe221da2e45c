"""What a change of the rules would have posted: a history judged by the rules before and after."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from bot.domain.facts import Facts
from bot.domain.judgement import Signal
from bot.domain.posts import Reason, Route
from bot.domain.rulebook import Ranges, RuleBook
from bot.rules.alerts import alert
from bot.rules.evaluate import evaluate


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One alert that a channel would have had."""

    at: datetime
    reason: Reason
    stance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """The alerts under both rule books, and the hours in which their stance differs."""

    before: tuple[Told, ...]
    after: tuple[Told, ...]
    hours: int
    other_stance: int

    @property
    def gone(self) -> tuple[Told, ...]:
        """The alerts that there would no longer be."""
        return tuple(told for told in self.before if told not in self.after)

    @property
    def new(self) -> tuple[Told, ...]:
        """The alerts that there would be now."""
        return tuple(told for told in self.after if told not in self.before)


@dataclass(slots=True)
class _Follower:
    """A channel that follows the history under one rule book, with a scheduled post a day."""

    book: RuleBook
    ranges: Ranges
    route: Route
    post_at: time

    def follow(self, history: Iterable[Facts]) -> tuple[list[Told], list[str]]:
        """The alerts, and the stance at each time."""
        told: list[Told] = []
        stances: list[str] = []
        signals: dict[str, Signal] = {}
        posted = None
        for facts in history:
            judgement = evaluate(self.book, facts, signals, facts.at, self.ranges)
            signals = dict(judgement.signals)
            stances.append(judgement.verdict.stance)
            local = facts.at.astimezone(ZoneInfo(self.route.zone))
            due = local.time() >= self.post_at and local.date() != posted
            posted = local.date() if due else posted
            route = replace(self.route, due_at=facts.at if due else None)
            self.route, reason = alert(route, judgement, self.book, facts.at)
            if reason:
                told.append(Told(at=facts.at, reason=reason, stance=judgement.verdict.stance))
        return told, stances


def impact(
    before: RuleBook,
    after: RuleBook,
    history: Iterable[Facts],
    ranges: Ranges = {},  # noqa: B006
    *,
    post_at: time = time(12),
    zone: str = "UTC",
) -> Impact:
    """The alerts of a channel with one scheduled post a day, over a history of facts in the order of time, under the rules
    before and after a change."""
    known = list(history)
    one, two = (
        _Follower(book, ranges, Route(channel="impact:", zone=zone), post_at).follow(known) for book in (before, after)
    )
    return Impact(
        before=tuple(one[0]),
        after=tuple(two[0]),
        hours=len(known),
        other_stance=sum(old != new for old, new in zip(one[1], two[1], strict=True)),
    )

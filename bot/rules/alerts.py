"""Whether a channel is told, and why: an edge makes an alert, never a level. A move is told whatever the stance."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from bot.domain.judgement import MoveAlarm, Verdict
from bot.domain.playbook import EventRow
from bot.domain.posts import Reason, Route
from bot.domain.rulebook import Notify, RuleBook, Severity
from bot.rules.evaluate import Judgement

SEVERITIES: tuple[Severity, ...] = ("info", "watch", "caution", "alarm")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REMEMBERED = timedelta(days=2)
EVENT = "event/"  # how the subject of an event begins


def alert(
    route: Route,
    judgement: Judgement,
    book: RuleBook,
    at: datetime,
    *,
    lost: bool = False,
    hold: timedelta = HOUR,
) -> tuple[Route, Reason | None]:
    """The route after this evaluation, and the reason to tell it something now, if there is one.

    `lost` says that a venue dropped out in this very evaluation: a stance that changes with it is held back
    for `hold`. Into `unclear` and out of it is no change of stance. A route with a `due_at` gets its scheduled post
    anyway: it is told all by that."""
    verdict = judgement.verdict
    severity = _severity(judgement)
    if route.due_at is not None:
        return _after(route, judgement, severity, at), None
    reason = _edge(route, judgement, severity, book.notify, at)
    moves = [
        alarm.severity
        for alarm in verdict.alarms
        if alarm.new and alarm.rule not in route.muted_moves and not _was_told(route, alarm, book.notify, at)
    ]
    if moves and (reason is None or reason == "all clear"):
        reason, severity = "move", max(moves, key=SEVERITIES.index)
    if reason is None:
        return _silent(route, verdict, severity), None
    if lost and route.held_until is None and reason not in ("escalated", "move"):
        return replace(route, held_until=at + hold), None
    if route.held_until is not None and at < route.held_until:
        return route, None
    slight = reason != "all clear" and _rank(severity) < _rank(route.severity)
    if not route.alerts or slight:
        return replace(route, held_until=None), None
    if _suppressed(route, reason, severity, verdict.stance, book.notify, at, grave="alarm" in moves):
        subject = f"{reason} {verdict.stance}"
        new = subject != route.waiting
        return replace(route, waiting=subject, suppressed=route.suppressed + new, held_until=None), None
    return _after(route, judgement, severity, at, alert=True), reason


def _severity(judgement: Judgement) -> Severity:
    """The gravest finding that is not muted, no background and not ordinary for its own past."""
    signals = judgement.signals
    told = [
        finding.severity
        for finding in judgement.verdict.findings
        if not finding.background and not finding.ordinary and not signals[finding.rule].muted
    ]
    return max(told, key=SEVERITIES.index, default="info")


def _edge(
    route: Route, judgement: Judgement, severity: Severity, notify: Notify, at: datetime
) -> Reason | None:
    """What is new for this channel, whether or not it may be told."""
    stance = judgement.verdict.stance
    calm = stance in ("neutral", "no-call", "unclear")
    if route.last_stance in (None, "no-call"):
        return None if calm else "first"
    if stance in ("no-call", "unclear") or (stance == "neutral" and not _is_clear(judgement.verdict)):
        return None  # less data is not an all clear
    if stance != route.last_stance:
        return "all clear" if stance == "neutral" else "changed stance"
    if calm:
        return None
    if _rank(severity) > _rank(route.last_severity):
        return "escalated" if severity != "alarm" or _untold(route, _alarms(judgement), notify, at) else None
    new = [
        change.rule
        for change in judgement.changed
        if change.told == "on" and change.rule in _alarms(judgement)
    ]
    if not _untold(route, new, notify, at):
        return None
    return "repeat" if all(rule in _told_at(route) for rule in new) else "escalated"


def _untold(route: Route, alarms: list[str], notify: Notify, at: datetime) -> bool:
    """Whether some of these alarms was not told to the channel, or not for long."""
    told = _told_at(route)
    return any(rule not in told or at - told[rule] >= notify.repeat for rule in alarms)


def _was_told(route: Route, move: MoveAlarm, notify: Notify, at: datetime) -> bool:
    """Whether the channel was told of the same move, of this size or a larger one, not long ago: one that comes back and
    goes on again is one."""
    told = _told_at(route)
    sizes = [told.get(_move_word(move.rule, lines)) for lines in range(move.lines, MOST_LINES)]
    return any(when is not None and at - when < notify.repeat for when in sizes)


MOST_LINES = 10


def _move_word(rule: str, lines: int) -> str:
    return f"{rule}/{lines}"


def _told_at(route: Route) -> dict[str, datetime]:
    """When each alarm that is remembered was told last."""
    return {rule: told_at for told_at, subject in _told(route) for rule in subject.split()}


def _is_clear(verdict: Verdict) -> bool:
    """Neutral because all that is known says so, not because too little is known."""
    return verdict.confidence == "high"


def _alarms(judgement: Judgement) -> list[str]:
    return [
        finding.rule
        for finding in judgement.verdict.findings
        if finding.severity == "alarm" and not finding.background and not finding.ordinary
    ]


def _rank(severity: str | None) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _suppressed(
    route: Route, reason: Reason, severity: str, stance: str, notify: Notify, at: datetime, *, grave: bool
) -> bool:
    """Whether a channel is not told for now. A grave move that it was not told of goes over the day's number: alerts of
    the fall's first hours leave its worst one untold otherwise. Each size of a move is told once, which bounds it."""
    if route.snoozed_until is not None and at < route.snoozed_until:
        return True
    if is_quiet(route, at):
        return True
    alerted = [told for told, about in _told(route) if not about.startswith(EVENT)]
    if is_hour_spent(alerted, notify, at) if grave else is_spent(alerted, notify, at):
        return True
    if reason == "move" or (severity == "alarm" and stance != "neutral"):
        return False
    of_stance = [told_at for told_at, subject in _told(route) if subject.startswith(f"{stance} ")]
    return bool(of_stance) and at - max(of_stance) < notify.cooldown


def is_spent(times: Sequence[datetime], notify: Notify, at: datetime) -> bool:
    """Whether a channel that was told at these times was told as much as it may be in an hour or in a day. Events count
    for events alone: a note on a date takes no alert's place."""
    return is_hour_spent(times, notify, at) or sum(at - told < DAY for told in times) >= notify.per_day


def is_hour_spent(times: Sequence[datetime], notify: Notify, at: datetime) -> bool:
    """Whether a channel that was told at these times was told as much as it may be in an hour."""
    return sum(at - told < HOUR for told in times) >= notify.per_hour


def wants_event(route: Route, row: EventRow, stamp: str, notify: Notify, at: datetime) -> bool:
    """Whether a channel is told of an event now: it takes alerts of that severity and of that kind, it is not quiet, its budget
    is not spent, and it was not told of the same (`stamp`: which one of its kind)."""
    if not route.alerts or row.kind in route.muted_moves or _rank(row.severity) < _rank(route.severity):
        return False
    is_snoozed = route.snoozed_until is not None and at < route.snoozed_until
    if is_snoozed or is_quiet(route, at) or is_spent(route.alerted_at, notify, at):
        return False
    return _event_word(row, stamp) not in _told_at(route)


def after_event(route: Route, row: EventRow, stamp: str, at: datetime) -> Route:
    """The route once it was told of an event."""
    kept = [(told, about) for told, about in _told(route) if at - told < REMEMBERED]
    kept.append((at, _event_word(row, stamp)))
    return replace(
        route, alerted_at=tuple(told for told, _ in kept), subjects=tuple(about for _, about in kept)
    )


def _event_word(row: EventRow, stamp: str) -> str:
    return f"{EVENT}{row.kind}/{stamp}"


def is_quiet(route: Route, at: datetime) -> bool:
    """Whether it is between the two hours of day in which the channel wants no alert, in its own zone."""
    if route.quiet is None:
        return False
    first, last = route.quiet
    hour = at.astimezone(ZoneInfo(route.zone)).hour
    return first <= hour < last if first <= last else hour >= first or hour < last


def _subject(judgement: Judgement, *, alert: bool) -> str:
    """What a post told: the stance where it was an alert, every alarm, and every move with its size."""
    moves = [_move_word(move.rule, move.lines) for move in judgement.verdict.alarms]
    return " ".join([f"{judgement.verdict.stance} " if alert else "", *_alarms(judgement), *moves])


def _silent(route: Route, verdict: Verdict, severity: Severity) -> Route:
    """Nothing to tell. A channel that was told nothing yet takes a calm market as known; a danger that passed
    without a change of stance may come back as an escalation."""
    known = route.last_stance
    if known in (None, "no-call") and verdict.stance == "neutral":
        known = "neutral"
    return replace(
        route,
        last_stance=known,
        last_severity=severity if known == verdict.stance else route.last_severity,
        waiting=None,
        held_until=None,
    )


def _after(
    route: Route, judgement: Judgement, severity: Severity, at: datetime, *, alert: bool = False
) -> Route:
    """The route once it was told: the edge is past, and what was suppressed is told with it."""
    kept = [(told, about) for told, about in _told(route) if at - told < REMEMBERED]
    kept.append((at, _subject(judgement, alert=alert)))
    stance = judgement.verdict.stance
    return replace(
        route,
        last_stance=route.last_stance if stance == "unclear" else stance,
        last_severity=severity,
        alerted_at=tuple(told for told, _ in kept),
        subjects=tuple(about for _, about in kept),
        suppressed=0,
        waiting=None,
        held_until=None,
    )


def _told(route: Route) -> list[tuple[datetime, str]]:
    padded = route.subjects + ("",) * (len(route.alerted_at) - len(route.subjects))
    return list(zip(route.alerted_at, padded, strict=False))

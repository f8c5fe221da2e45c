"""Alarms on moves: told while they happen, whatever the stance. A move is measured in its asset's own ordinary move;
each size is told once an episode."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.judgement import AlarmEpisode, Course, MoveAlarm
from bot.domain.rulebook import AlarmLine, AlarmRule
from bot.rules.course import moved_since, sample_before
from bot.rules.plan import RulePlan, family_of
from bot.rules.run import FALSE, TRUE
from bot.rules.states import OPEN, UNTOLD
from bot.rules.truth import Values

BALANCE = "balance"


class _Move(Struct, frozen=True):
    """A move now: its size to the alarm's side (positive), as it is told, where it came from and stands."""

    amount: float
    told: float
    start: float
    level: float


def with_alarms(
    ready: RulePlan, course: Course, at: datetime, values: Values, gone: frozenset[str]
) -> tuple[Course, tuple[MoveAlarm, ...], Mapping[str, tuple[int, int]]]:
    """The course with its episodes, the alarms that are being told, and of each alarm that may turn the stance its
    grade (false, untold, open, true) and the sign of its side."""
    episodes: dict[str, AlarmEpisode] = {}
    told: list[MoveAlarm] = []
    grades: dict[str, tuple[int, int]] = {}
    balances: dict[timedelta, _Move | None] = {}
    for rule in ready.book.alarms.values():
        sign = -1 if rule.falls else 1
        unit = 1.0 if rule.unit is None else values.get(rule.unit)
        change = values.get(rule.fact)
        before = course.alarms.get(rule.id)
        if change is not None and unit is not None and before is None:
            first = _size(rule.lines[0], unit, ready.asset)
            if first is None or sign * change < first:
                if rule.turns is not None:
                    grades[rule.id] = FALSE, sign
                continue
        waits = before is None and _waits(rule, course.alarms, episodes)
        if waits and rule.turns is None:
            continue
        if rule.fact == BALANCE:
            if rule.within not in balances:
                balances[rule.within] = _balance_moved(ready, course, at, rule)
            move = _to_side(sign, balances[rule.within])
        else:
            move = None if change is None else _move(rule, change, values)
        lines = [_size(line, unit, ready.asset) for line in rule.lines]
        if rule.turns is not None:
            grades[rule.id] = (_grade(ready, rule, move, lines, gone, whole=unit is not None), sign)
        if waits:
            continue
        after = before if move is None else _episode(rule, before, move, lines, at)
        if after is None:
            continue
        episodes[rule.id] = after
        if move is None or after.over:
            continue
        told.append(_alarm(rule, after, move, lines, unit, at, new=_is_new(before, after)))
    kept = course if episodes == course.alarms else replace(course, alarms=episodes)
    return kept, tuple(told), grades


def _waits(rule: AlarmRule, *running: Mapping[str, AlarmEpisode]) -> bool:
    """Whether it is told in another one's time alone, and that is not now."""
    return rule.after is not None and not any(rule.after in episodes for episodes in running)


def _balance_moved(ready: RulePlan, course: Course, at: datetime, rule: AlarmRule) -> _Move | None:
    """How the balance moved, over the families known at both ends."""
    before = sample_before(course, at, rule.within)
    ends = None if before is None else moved_since(course, before, ready.weights, free=False)
    return None if ends is None else _Move(0.0, ends[1] - ends[0], *ends)


def _to_side(sign: int, move: _Move | None) -> _Move | None:
    return None if move is None else _Move(sign * move.told, move.told, move.start, move.level)


def _move(rule: AlarmRule, change: float, values: Values) -> _Move:
    sign = -1.0 if rule.falls else 1.0
    level = None if rule.level is None else values.get(rule.level)
    if level is None:
        return _Move(sign * change, change, 0.0, change)
    start = level / (1.0 + change / 100.0) if rule.fact.endswith("_pct") else level - change
    return _Move(sign * change, change, start, level)


def _size(line: AlarmLine, unit: float | None, asset: str) -> float | None:
    """The size of one line in the alarm's own fact; None where neither its unit nor a latest size is known."""
    measured = None if unit is None else line.size * unit
    if not line.no_later:
        return measured
    for name, latest in line.no_later:
        if name == asset:
            return latest if measured is None else min(measured, latest)
    return measured


def _episode(
    rule: AlarmRule, before: AlarmEpisode | None, move: _Move, lines: list[float | None], at: datetime
) -> AlarmEpisode | None:
    crossed = 0
    for line in lines:
        crossed += line is not None and move.amount >= line
    first = lines[0]
    faded = first is None or move.amount < first * rule.retraced
    if before is None or (before.over and (faded or crossed > before.lines)):
        if not crossed:
            return None
        return AlarmEpisode(
            since=at, started_at=at - rule.within, start=move.start, level=move.level, lines=crossed
        )
    if before.over:
        return None if at - before.since >= rule.lasts else before
    level = min(before.level, move.level) if rule.falls else max(before.level, move.level)
    way = level - before.start
    back = (move.level - level) / -way if way else 0.0
    over, most = back >= rule.retraced or at - before.since >= rule.lasts, max(before.lines, crossed)
    if level == before.level and most == before.lines and not over:
        return before
    return replace(before, level=level, lines=most, over=over)


def _is_new(before: AlarmEpisode | None, after: AlarmEpisode) -> bool:
    """Whether a line was crossed in this very evaluation."""
    return before is None or before.since != after.since or after.lines > before.lines


def _alarm(
    rule: AlarmRule,
    episode: AlarmEpisode,
    move: _Move,
    lines: list[float | None],
    unit: float | None,
    at: datetime,
    *,
    new: bool,
) -> MoveAlarm:
    line = lines[episode.lines - 1]
    sign = -1.0 if rule.falls else 1.0
    return MoveAlarm(
        rule=rule.id,
        fact=rule.fact,
        severity=rule.lines[episode.lines - 1].severity,
        move=move.told,
        line=sign * (line if line is not None else move.amount),
        start=move.start,
        end=move.level,
        started_at=at - rule.within,
        at=at,
        since=episode.since,
        size=None if rule.unit is None or not unit else move.amount / unit,
        new=new,
        lines=episode.lines,
    )


def _grade(
    ready: RulePlan,
    rule: AlarmRule,
    move: _Move | None,
    lines: list[float | None],
    gone: frozenset[str],
    *,
    whole: bool,
) -> int:
    """Whether the move is as large as one that may turn the stance. A line that is known only by its latest size can
    be told to be crossed, and not to be uncrossed."""
    if move is None:
        return OPEN if family_of(ready.book, rule.fact) in gone else UNTOLD
    number = next(number for number, line in enumerate(rule.lines) if line.size == rule.turns)
    line = lines[number]
    if line is not None and move.amount >= line:
        return TRUE
    if whole or rule.unit is None:
        return FALSE
    return OPEN if family_of(ready.book, rule.unit) in gone else UNTOLD

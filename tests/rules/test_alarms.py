"""Alarms on moves, by hand: what is told of an episode from its first line to its end, and what may turn the stance."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from bot.domain.judgement import AlarmEpisode, Course, MoveAlarm
from bot.domain.rulebook import AlarmLine, AlarmRule
from bot.rules.alarms import with_alarms
from bot.rules.evaluate import evaluate
from bot.rules.run import FALSE, TRUE
from bot.rules.states import OPEN, UNTOLD
from tests.rules.make import HOUR, NOON, book, facts

CHANGE, ORDINARY = "spot_usd.change_1h_pct", "ordinary_day_pct"
FALLS = AlarmRule(
    id="falls",
    family="price",
    fact=CHANGE,
    falls=True,
    lines=(
        AlarmLine(size=2.0, severity="watch", no_later=(("BTC", 5.0), ("ETH", 7.0))),
        AlarmLine(size=3.0, severity="alarm"),
    ),
    unit=ORDINARY,
    level="spot_usd",
    after=None,
    within=HOUR,
    retraced=0.5,
    lasts=timedelta(hours=72),
    why="",
    source="",
    mistakes="",
    file="",
    turns=3.0,
)


EPISODE = AlarmEpisode(since=NOON - HOUR, started_at=NOON - 2 * HOUR, start=100.0, level=90.0, lines=1)


class Ready:
    """As much of a plan as an alarm is worked out from."""

    def __init__(self, *rules: AlarmRule, asset: str) -> None:
        self.book = replace(book(), alarms={rule.id: rule for rule in rules})
        self.asset = asset
        self.weights: dict[str, float] = {}


def run(
    values: dict[str, float],
    course: Course | None = None,
    at: datetime = NOON,
    *,
    rules: tuple[AlarmRule, ...] = (FALLS,),
    asset: str = "SOL",
    gone: frozenset[str] = frozenset(),
) -> tuple[Course, tuple[MoveAlarm, ...], Any]:
    ready: Any = Ready(*rules, asset=asset)
    return with_alarms(ready, course or Course(), at, values, gone)


def fallen(by: float, unit: float = 2.0, level: float = 90.0) -> dict[str, float]:
    return {CHANGE: -by, ORDINARY: unit, "spot_usd": level}


def test_a_fall_is_told_with_where_it_came_from_its_line_and_its_size() -> None:
    course, [told], grades = run(fallen(10.0))
    assert told == MoveAlarm(
        rule="falls",
        fact=CHANGE,
        severity="alarm",
        move=-10.0,
        line=-6.0,
        start=pytest.approx(100.0),  # type: ignore[arg-type]
        end=90.0,
        started_at=NOON - HOUR,
        at=NOON,
        since=NOON,
        size=5.0,
        new=True,
        lines=2,
    )
    assert grades == {"falls": (TRUE, -1)}
    assert course.alarms["falls"].level == 90.0
    rises = replace(FALLS, id="rises", falls=False, level=None)
    _, [up], grades = run({CHANGE: 5.0, ORDINARY: 2.0}, rules=(rises,))
    assert (up.move, up.line, up.start, up.end, up.severity, up.size) == (5.0, 4.0, 0.0, 5.0, "watch", 2.5)
    assert grades == {"rises": (FALSE, 1)}


@pytest.mark.parametrize(
    ("asset", "unit", "by", "lines"),
    [
        ("SOL", 2.0, 3.9, None),
        ("SOL", 2.0, 4.0, 1),
        ("SOL", 4.0, 7.9, None),
        ("BTC", 4.0, 5.0, 1),  # no later than 5%
        ("ETH", 4.0, 5.0, None),
        ("ETH", 4.0, 7.0, 1),
        ("BTC", 1.0, 2.0, 1),
        ("SOL", 2.0, 5.9, 1),
        ("SOL", 2.0, 6.0, 2),
    ],
)
def test_a_line_is_so_many_ordinary_moves_and_for_some_assets_no_later_than_a_size(
    asset: str, unit: float, by: float, lines: int | None
) -> None:
    course, told, _ = run(fallen(by, unit), asset=asset)
    assert [one.lines for one in told] == ([] if lines is None else [lines])
    assert bool(course.alarms) is (lines is not None)


def test_without_an_ordinary_move_only_a_latest_size_is_crossed() -> None:
    values = {CHANGE: -5.0, "spot_usd": 95.0}
    _, [told], grades = run(values, asset="BTC")
    assert (told.line, told.size) == (-5.0, None)
    assert grades["falls"][0] == UNTOLD
    assert run(values, asset="BTC", gone=frozenset({"price"}))[2]["falls"][0] == OPEN
    assert run(values)[1] == ()
    _, [own], grades = run({CHANGE: -3.0, "spot_usd": 97.0}, rules=(replace(FALLS, unit=None),))
    assert (own.line, own.size) == (-3.0, None)
    assert grades["falls"][0] == TRUE
    assert run({CHANGE: -2.0, "spot_usd": 97.0}, rules=(replace(FALLS, unit=None),))[2]["falls"][0] == FALSE


def test_a_move_that_is_not_known_turns_nothing_and_ends_nothing() -> None:
    assert run({ORDINARY: 2.0})[2] == {"falls": (UNTOLD, -1)}
    assert run({ORDINARY: 2.0}, gone=frozenset({"price"}))[2] == {"falls": (OPEN, -1)}
    before, _, _ = run(fallen(10.0))
    after, told, _ = run({ORDINARY: 2.0}, before, NOON + HOUR)
    assert (after, told) == (before, ())


def test_an_episode_keeps_its_furthest_point_and_each_of_its_lines_is_new_once() -> None:
    course, [first], _ = run(fallen(4.0, level=96.0))
    course, [again], _ = run(fallen(3.0, level=95.0), course, NOON + HOUR)
    assert [first.new, again.new] == [True, False]
    assert (again.lines, again.since, course.alarms["falls"].level) == (1, NOON, 95.0)
    course, [second], _ = run(fallen(6.0, level=97.0), course, NOON + 2 * HOUR)
    assert (second.new, second.lines, second.since) == (True, 2, NOON)
    assert course.alarms["falls"].level == 95.0
    assert course.alarms["falls"].start == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("level", "hours", "over"), [(94.9, 1, False), (95.0, 1, True), (90.0, 71, False), (90.0, 72, True)]
)
def test_an_episode_is_over_when_half_is_taken_back_or_its_time_is_up(
    level: float, hours: int, over: bool
) -> None:
    episode = AlarmEpisode(since=NOON, started_at=NOON - HOUR, start=100.0, level=90.0, lines=2)
    course = Course(alarms={"falls": episode})
    after, told, _ = run(fallen(1.0, level=level), course, NOON + hours * HOUR)
    assert after.alarms["falls"].over is over
    assert bool(told) is not over


def test_one_that_is_over_begins_anew_by_a_further_line_or_once_the_move_has_faded() -> None:
    episode = AlarmEpisode(since=NOON, started_at=NOON - HOUR, start=100.0, level=90.0, lines=1, over=True)
    course = Course(alarms={"falls": episode})

    def after(by: float, hours: int = 2) -> AlarmEpisode | None:
        return run(fallen(by), course, NOON + hours * HOUR)[0].alarms.get("falls")

    assert after(4.0) == episode  # the same line again
    assert after(2.0) == episode
    assert after(1.9) is None  # under half of the first line: faded
    assert after(4.0, hours=72) is None
    again = after(6.0)
    assert again is not None
    assert (again.since, again.over, again.lines) == (NOON + 2 * HOUR, False, 2)


def test_an_alarm_of_anothers_time_is_told_in_it_alone() -> None:
    second = replace(FALLS, id="later", after="falls", turns=None)
    assert [one.rule for one in run(fallen(4.0), rules=(FALLS, second))[1]] == ["falls", "later"]
    assert [one.rule for one in run(fallen(4.0), rules=(second,))[1]] == []
    episode = AlarmEpisode(since=NOON - HOUR, started_at=NOON - HOUR, start=100.0, level=90.0, lines=1)
    within = Course(alarms={"falls": episode})
    assert [one.rule for one in run(fallen(4.0), within, rules=(second,))[1]] == ["later"]


@pytest.mark.parametrize(
    "rule", [one for one in book().alarms.values() if one.fact != "balance"], ids=lambda one: one.id
)
def test_each_alarm_of_the_book_is_told_by_one_evaluation_of_the_facts_that_it_asks_for(
    rule: AlarmRule,
) -> None:
    """An evaluation looks at what is asked for alone, the measure of a move and the level behind it too."""
    unit = 1.0 if rule.unit is None else 2.0
    move = rule.lines[-1].size * unit * (-1.01 if rule.falls else 1.01)
    known = {
        name: value for name, value in ((rule.level, 90.0), (rule.unit, unit), (rule.fact, move)) if name
    }
    began = () if rule.after is None else ((rule.after, EPISODE),)
    judgement = evaluate(book(), facts(known), {}, NOON, course=Course(alarms=dict(began)))
    told = {alarm.rule: alarm for alarm in judgement.verdict.alarms}[rule.id]
    assert told.move == pytest.approx(move)
    assert told.end == (move if rule.level == rule.fact or rule.level is None else 90.0)
    assert told.size == (None if rule.unit is None else pytest.approx(abs(move) / unit))
    assert told.lines == len(rule.lines)

"""What would change the view, solved on the balance: the nearest single moves that end the stance, each toward its
usual range and inside its own last ninety days, then pairs of them; what would take it a step further; and for each
finding the move at which it clears. Every one was tried: the market was judged anew at the moved facts, and the days
that a stance needs to follow were counted by taking it on each of the days to come."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import combinations

from msgspec import Struct
from msgspec.structs import replace

from bot.domain.facts import Facts, OwnPast
from bot.domain.judgement import BalanceSample, Course, Exit, Flip, Move, Verdict
from bot.domain.rulebook import BalanceTable, Confidence, Ranges, RuleBook, Stance
from bot.rules.balance import Sum, speaking
from bot.rules.bench import Bench, Moved
from bot.rules.course import HOUR_S, hour_of, middle_of
from bot.rules.evaluate import plan_for
from bot.rules.judged import tellable
from bot.rules.judgement import Judgement
from bot.rules.plan import RulePlan, stands_on
from bot.rules.score import flips_by_score
from bot.rules.stance import AlarmCall, confidence_of, slot_of, stance_by
from bot.rules.states import cells_of
from bot.rules.truth import values_of
from bot.rules.yardstick import Yardstick

TOLD_AT_MOST = 3
PAIRED_AT_MOST = 4
"""Of the single moves, so many of those with the largest effect are combined to pairs."""
HALVINGS = 7
"""How often the way to a move's end is halved to find its nearest point."""
DAYS_AHEAD = 6
"""No stance needs longer to follow: the median is one of three days."""

Wanted = Callable[[Sum], bool]


class _Way(Struct, frozen=True):
    """One fact's way: from where it is to where it has no more effect of its kind. `steady`: what it weighs moves with
    every step of it. `effort` is the whole way in units of interest."""

    fact: str
    start: float
    end: float
    unit: float
    steady: bool

    @property
    def effort(self) -> float:
        return abs(self.end - self.start) / self.unit

    def at(self, share: float) -> float:
        return self.start + share * (self.end - self.start)


class _Search(Struct, frozen=True):
    """What the search for moves goes by."""

    bench: Bench
    ready: RulePlan
    table: BalanceTable
    verdict: Verdict
    course: Course | None
    pasts: Mapping[str, OwnPast]


def with_exits(
    book: RuleBook,
    facts: Facts,
    judgement: Judgement,
    ranges: Ranges = {},  # noqa: B006 (never written to)
    *,
    settled: bool = False,
) -> Verdict:
    """The judgement's verdict with what would change it. `settled`: it was judged as if every value had held long
    enough, so no stance needs days to follow. An edition that judges by score has flips alone."""
    verdict = judgement.verdict
    if book.balance is None:
        return replace(verdict, flips=flips_by_score(book, facts, judgement.signals, verdict, ranges))
    ready = plan_for(book, facts, verdict.at, ranges)
    values, bounds = values_of(facts, ready.asked)
    cells = cells_of(judgement.signals, ready.by_rule)
    search = _Search(
        Bench(ready, cells, values, bounds, verdict.at.timestamp()),
        ready,
        book.balance,
        verdict,
        None if settled else judgement.course,
        facts.pasts or {},
    )
    exits = tuple(_exits(search))
    deepeners = tuple(_deepeners(search))
    flips = tuple(Flip(moves=one.moves, stance=one.stance) for one in exits)
    return replace(verdict, exits=exits, deepeners=deepeners, flips=(*flips, *_clearings(search, verdict)))


# ── out of the stance, and deeper into it ───────────────────────────────────────────────────────────────────


def _exits(search: _Search) -> Iterator[Exit]:
    stance = search.verdict.stance
    if stance in ("no-call", "unclear"):
        return
    sides = {"bearish": (1,), "bullish": (-1,), "overheated": (-1,)}.get(stance, (-1, 1))

    def is_out(total: Sum) -> bool:
        return _stance_then(search, total) != stance

    if is_out(search.bench.now.total):
        return  # the balance of now has left it already: the median follows by itself
    for side in sides:
        yield from _solved(search, list(_ways(search, side, home=stance != "neutral")), is_out)


def _deepeners(search: _Search) -> Iterator[Exit]:
    """What would make a lean a step surer. A neutral day's way into a lean is an exit."""
    book, verdict = search.ready.book, search.verdict
    side = {"bearish": -1, "bullish": 1}.get(verdict.stance)
    if side is None or verdict.confidence == "high":
        return
    least = book.confidence.high if verdict.confidence == "medium" else book.confidence.medium

    def is_deeper(total: Sum) -> bool:
        size = -total.balance[1] if side < 0 else total.balance[0]
        return size >= least

    if is_deeper(search.bench.now.total):
        return
    yield from _solved(search, list(_ways(search, side, home=False)), is_deeper)


def _solved(search: _Search, ways: list[_Way], wanted: Wanted) -> Iterator[Exit]:
    """The nearest single moves that do it; where there is none, the nearest pairs."""
    sets: list[tuple[_Way, ...]] = [(way,) for way in ways if _does(search, (way,), wanted)]
    if not sets:
        pairs = [some for some in combinations(_effective(search, ways), 2) if some[0].fact != some[1].fact]
        sets = [some for some in pairs if _does(search, some, wanted)]
    sets.sort(key=lambda some: math.fsum(way.effort for way in some))
    found = [_nearest(search, some, wanted) for some in sets[:TOLD_AT_MOST]]
    for _, moves in sorted(found, key=lambda one: one[0]):
        yield _exit(search, moves)


def _does(search: _Search, ways: tuple[_Way, ...], wanted: Wanted) -> bool:
    """Whether these ways, gone to their ends, do it."""
    return wanted(search.bench.judge_moved({way.fact: way.end for way in ways}).total)


def _effective(search: _Search, ways: list[_Way]) -> list[_Way]:
    """The ways with the largest effect on the balance."""
    before = sum(search.bench.now.total.balance)
    effect = {
        way: abs(sum(search.bench.judge_moved({way.fact: way.end}).total.balance) - before) for way in ways
    }
    return sorted((way for way in ways if effect[way]), key=lambda way: -effect[way])[:PAIRED_AT_MOST]


def _nearest(search: _Search, ways: tuple[_Way, ...], wanted: Wanted) -> tuple[float, dict[str, float]]:
    """Of ways that do it together the shortest part of the last one that still does, the ways before it gone to their
    ends; with the effort, in units of interest."""
    *whole, last = sorted(ways, key=lambda way: way.steady)
    fixed = _shortened(search, {way.fact: way.end for way in whole}, ways, wanted)
    low, high = 0.0, 1.0
    if last.steady:
        for _ in range(HALVINGS):
            half = (low + high) / 2.0
            works = wanted(search.bench.judge_moved({**fixed, last.fact: last.at(half)}).total)
            low, high = (low, half) if works else (half, high)
    moves = {**fixed, last.fact: _rounded_outward(last.start, last.at(high), last.unit)}
    if abs(moves[last.fact] - last.start) > abs(last.end - last.start) or not wanted(
        search.bench.judge_moved(moves).total
    ):
        moves = _shortened(search, {**fixed, last.fact: last.end}, ways, wanted)
    effort = math.fsum(way.effort for way in whole) + abs(moves[last.fact] - last.start) / last.unit
    return effort, moves


def _shortened(
    search: _Search, ends: dict[str, float], ways: tuple[_Way, ...], wanted: Wanted
) -> dict[str, float]:
    """Ends of ways written short, rounded toward the start, where they still do it together with the other ways."""
    made = dict(ends)
    for way in ways:
        if way.fact not in made:
            continue
        for digits in (_digits(way.unit), _digits(way.unit) + 1):
            scale = 10.0**digits
            towards = math.floor if way.end > way.start else math.ceil
            short = towards(made[way.fact] * scale + math.copysign(1e-9, way.end - way.start)) / scale
            tried = {one.fact: one.end for one in ways} | made | {way.fact: short}
            if short != way.start and wanted(search.bench.judge_moved(tried).total):
                made[way.fact] = short
                break
    return made


def _digits(unit: float) -> int:
    """The decimals of a tenth of a unit of interest."""
    return max(0, 1 - math.floor(math.log10(unit)))


def _rounded_outward(start: float, end: float, unit: float) -> float:
    """A move's end, rounded to a tenth of a unit of interest away from its start."""
    scale = 10.0 ** _digits(unit)
    value = end * scale
    return (math.ceil(value - 1e-9) if end > start else math.floor(value + 1e-9)) / scale


def _stance_then(search: _Search, total: Sum) -> Stance:
    return stance_by(search.verdict.stance, *total.balance, total.hot, search.table)


def _exit(search: _Search, moves: Mapping[str, float]) -> Exit:
    then = search.bench.judge_moved(moves)
    stance = _stance_then(search, then.total)
    return Exit(
        moves=tuple(_move(search, fact, end, then) for fact, end in moves.items()),
        stance=stance,
        confidence=_confidence_then(search, stance, then.total),
        balance=then.total.balance,
        ends=_ended(search, then, moves),
        held_days=_held_days(search, then.total),
    )


def _confidence_then(search: _Search, stance: Stance, total: Sum) -> Confidence:
    return confidence_of(search.ready, stance, total.balance, total.coverage, AlarmCall(), total.balance)


def _held_days(search: _Search, total: Sum) -> float:
    """How long the reading must stay there before the stance is another, by taking it on each of the days to come; 0
    where it follows at once."""
    course, stance, at = search.course, search.verdict.stance, search.verdict.at
    if course is None or _stance_then(search, total) == stance:
        return 0.0
    first = slot_of(at, search.table) + 1
    for number in range(DAYS_AHEAD):
        when = _start_of_slot(first + number, search.table, at)
        low, high = middle_of(_continued(course, at, when, total), when, search.table.days)
        if stance_by(stance, low, high, total.hot, search.table) != stance:
            return round((when - at) / timedelta(days=1), 2)
    return float(DAYS_AHEAD)


def _start_of_slot(slot: int, table: BalanceTable, at: datetime) -> datetime:
    shift = table.taken_at.hour * 3600 + table.taken_at.minute * 60
    return datetime.fromtimestamp(slot * 86_400 + shift, at.tzinfo)


def _continued(course: Course, at: datetime, until: datetime, total: Sum) -> Course:
    """The course if the balance stood there from the next hour on."""
    low, high = total.balance
    hours = range(hour_of(at) + 1, int(until.timestamp() // HOUR_S) + 1)
    more = [BalanceSample(hour, low, high, 0.5, (), ()) for hour in hours]
    return replace(course, samples=(*course.samples, *more))


# ── the ways that facts may go ──────────────────────────────────────────────────────────────────────────────


def _ways(search: _Search, side: int, *, home: bool) -> Iterator[_Way]:
    """The ways that move the balance to a side (−1 down, +1 up). `home`: those alone that lead back to the usual, a
    reading that weighs against the side to where it weighs nothing. Never beyond the last ninety days."""
    for group in search.ready.groups:
        found = speaking(group, search.bench.now.ran.weighed)
        one = next((one for one in group if search.bench.now.ran.weighed.get(one.ladder) is found), None)
        if found is None or one is None or one.family not in search.ready.weights:
            continue
        if home and found.points * side >= 0.0:
            continue
        way = _of_ladder(search, one, side, home=home)
        if way is not None:
            yield way
    if home:
        yield from _of_rules(search, side)


def _of_ladder(search: _Search, one: Yardstick, side: int, *, home: bool) -> _Way | None:
    """A ladder's way: home to where it weighs nothing, or out to where it weighs its most."""
    start = search.bench.values[one.fact]
    past = search.pasts.get(one.fact)
    upward = _leads_up(one, start, side)
    if upward is None:
        return None
    if home:
        end = _home(one, start, upward=upward)
    else:
        reach = 4.0 * one.unit
        far = one.high.outer if upward else one.low.outer
        edge = one.high.edge if upward else one.low.edge
        end = far if far is not None else edge + reach if upward else edge - reach
    if past is not None and past.low_90d is not None and past.high_90d is not None:
        end = min(max(end, past.low_90d), past.high_90d)
    if not math.isfinite(end) or (end - start) * (1 if upward else -1) <= 0.0:
        return None
    return _Way(one.fact, start, end, one.unit, steady=True)


def _leads_up(one: Yardstick, start: float, side: int) -> bool | None:
    """Whether the fact must rise for the balance to go to the side; None where neither way does it."""
    signs = {one.high.sign or one.high.pull: True, one.low.sign or one.low.pull: False}
    if one.high.hot is not None and start > one.high.hot:
        return side > 0 if not one.high.sign else False  # down from a level that is called overheated
    return signs.get(side)


def _home(one: Yardstick, start: float, *, upward: bool) -> float:
    """Where a level weighs nothing any more: back in its range, or no longer extreme for its past."""
    ends = [one.low.edge if upward else one.high.edge]
    if one.scale is not None:
        ends.append(one.scale.value(50.0))
    known = [end for end in ends if math.isfinite(end) and (end > start if upward else end < start)]
    if not known:
        return start
    nothing = [end for end in known if not one.weigh(end).points]
    return min(nothing or known, key=lambda end: abs(end - start))


def _of_rules(search: _Search, side: int) -> Iterator[_Way]:
    """The ways at whose end a rule clears that votes against the side."""
    for family in search.ready.weights:
        for job in search.ready.voting[family]:
            if not search.bench.now.cells[job.id].must or job.side == side:
                continue
            for fact, _, _, way_out in job.numbers:
                start = search.bench.values.get(fact)
                past = search.pasts.get(fact)
                if start is None or way_out == start or not math.isfinite(way_out):
                    continue
                if not _is_within(past, way_out):
                    continue
                unit = job.rule.interest or abs(way_out - start)
                yield _Way(fact, start, way_out, unit, steady=False)
                break


def _is_within(past: OwnPast | None, value: float) -> bool:
    """Whether the last ninety days have seen a value, as far as they are known."""
    if past is None or past.low_90d is None or past.high_90d is None:
        return True
    return past.low_90d <= value <= past.high_90d


# ── what is told of them ────────────────────────────────────────────────────────────────────────────────────


def _move(search: _Search, fact: str, end: float, then: Moved) -> Move:
    start = search.bench.values[fact]
    made, of = moves_made(search.pasts.get(fact), end - start)
    rule, comes_on = _turned(search, fact, then)
    return Move(fact=fact, start=start, end=end, rule=rule, comes_on=comes_on, made=made, of=of)


def moves_made(past: OwnPast | None, move: float) -> tuple[int | None, int | None]:
    """How many of the last weeks made a move of at least that size in that direction, and how many weeks are known."""
    if past is None or not past.weekly_moves:
        return None, None
    made = sum(one >= move if move > 0 else one <= move for one in past.weekly_moves)
    return made, len(past.weekly_moves)


def _told(search: _Search, moved: Moved) -> dict[str, float]:
    return {one.rule: one.points for one in tellable(search.ready, moved.cells, moved.ran)}


def _turned(search: _Search, fact: str, then: Moved) -> tuple[str, bool]:
    """The rule by which the move is told: of those that ask for the fact one that comes on, else one that clears."""
    before, after = _told(search, search.bench.now), _told(search, then)
    jobs = search.ready.by_rule
    changed = [name for name in (*before, *after) if (name in before) != (name in after)]
    about = [name for name in changed if fact in jobs[name].facts]
    if not about:
        return "", False
    rule = max(about, key=lambda name: (name in after, abs(jobs[name].rule.vote), -search.ready.order[name]))
    return rule, rule in after


def _ended(search: _Search, then: Moved, moves: Iterable[str]) -> str | None:
    """The finding of the moved facts that is told no more; the weightiest one."""
    before, after = _told(search, search.bench.now), _told(search, then)
    jobs, moved = search.ready.by_rule, set(moves)
    gone = [name for name in before if name not in after and not moved.isdisjoint(jobs[name].facts)]
    return max(gone, key=lambda name: abs(before[name])) if gone else None


def _clearings(search: _Search, verdict: Verdict) -> Iterator[Flip]:
    """For each finding the nearest move at which it clears."""
    for finding in verdict.findings:
        if not search.bench.now.cells[finding.rule].votes:
            continue
        leading = search.ready.by_rule[finding.rule].facts[:1]
        ends = sorted(
            _ends(search, finding.rule), key=lambda one: (one[0] not in leading, not one[2], one[3])
        )
        for fact, exact, _, _ in ends:
            start = search.bench.values[fact]
            unit = search.ready.by_rule[finding.rule].rule.interest
            end = _rounded_outward(start, exact, unit or abs(exact - start))
            then = search.bench.judge_moved({fact: end})
            if not then.cells[finding.rule].votes:
                made, of = moves_made(search.pasts.get(fact), end - start)
                move = Move(fact=fact, start=start, end=end, rule=finding.rule, made=made, of=of)
                yield Flip(moves=(move,), stance=None)
                break


def _ends(search: _Search, rule: str) -> Iterator[tuple[str, float, bool, float]]:
    """The values at which a condition clears on which a rule stands, its own and those of the rules that it asks for;
    with whether it is its own and how far it is."""
    ready, values = search.ready, search.bench.values
    job = ready.by_rule[rule]
    about = set(stands_on(ready.book, rule))
    others = (one for one in ready.jobs if one.id != rule and not about.isdisjoint(one.facts))
    for other in (job, *others):
        for fact, _, _, way_out in other.numbers:
            plain, _, ranked = fact.partition("@")
            if plain not in values or plain not in about:
                continue
            end = way_out
            if ranked:
                scale = next((one.scale for one in ready.yardsticks_of.get(plain, ()) if one.scale), None)
                if scale is None:
                    continue
                end = scale.value(way_out)
            if end != values[plain] and math.isfinite(end):
                yield plain, end, other is job, abs(end - values[plain])
    for one in ready.yardsticks.values():
        if one.fact in about and one.fact in values and one.fact not in job.facts:
            found = one.weigh(values[one.fact])
            if found.book:
                upward = values[one.fact] < one.low.edge
                end = _home(one, values[one.fact], upward=upward)
                yield one.fact, end, False, abs(end - values[one.fact])

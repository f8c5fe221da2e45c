"""A rule book made ready for one day: every threshold a plain number, every question answered once for all
evaluations."""

import math
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from bot.domain.facts import OwnPast
from bot.domain.rulebook import (
    Condition,
    Confidence,
    Lean,
    Ranges,
    Rule,
    RuleBook,
    RuleIs,
    Stance,
    UsualRange,
)
from bot.rules.yardstick import RANK, Yardstick, scale_in, scale_of, yardstick

FAMILY_UNKNOWN_VOTE = 2
"""A vote lies between minus this and plus this, so an unknown family may vote anything in between."""


class CompiledCondition(Struct, frozen=True):
    """One condition in numbers. `foreign`: the fact belongs to another family than the rule. A fact's rank in its own
    past is asked for as "fact@rank"; `family` is the fact's, `ladder` the one whose usual range its thresholds may stand
    on."""

    fact: str
    above: bool
    entry: float
    clear: float
    foreign: bool
    family: str = ""
    ladder: str | None = None


class Ask(Struct, frozen=True):
    """A question for another rule's state; `counting`: whether its ladder weighs enough on the side of its vote
    (`sign`)."""

    rule: str
    on: bool
    foreign: bool
    counting: bool = False
    family: str = ""
    ladder: str | None = None
    sign: int = 0


Edges = tuple[tuple[str, bool, float], ...]


class Job(Struct, frozen=True):
    """One rule with all that its evaluation needs. `covered_by` are the more extreme steps on its side of its
    ladder, `opposite` the steps on the other side, `replaced_by` the rules without a ladder that sum it up;
    `numbers` are its tests as plain (fact, above, entry, clear), quick to walk, `edges` as (fact, above, edge): up to the
    edge the rule does not come on. `followed`: it votes, replaces others
    or another rule asks for it, so that what is certain and what is possible of it is followed too; `side` the sign
    of its vote, `facts` what it asks for itself."""

    id: str
    rule: Rule
    tests: tuple[CompiledCondition, ...]
    numbers: tuple[tuple[str, bool, float, float], ...]
    edges: Edges
    asks: tuple[Ask, ...]
    wait: float
    keep: float
    covered_by: tuple[str, ...] = ()
    opposite: tuple[str, ...] = ()
    replaced_by: tuple[str, ...] = ()
    followed: bool = False
    side: int = 0
    facts: tuple[str, ...] = ()


class ScoreSum(Struct, frozen=True, kw_only=True):
    """A verdict by score, in numbers. `votes` is each family's range, `leans` the lean of each known family by the
    rules that are on, `counts` the rules that count."""

    stance: Stance
    confidence: Confidence
    score: tuple[float, float]
    coverage: float
    votes: Mapping[str, tuple[int, int]]
    leans: Mapping[str, Lean]
    counts: frozenset[str]


class RulePlan(Struct, frozen=True):
    """All jobs in an order in which they can be done, and each family's own. `votes` and `sums` keep what was
    added up before: the same rules on, on the same knowledge, give the same verdict (editions that judge by score).
    `asked` names every fact that it looks at.

    Editions with a balance have `yardsticks` by ladder, in groups of ladders that stand in for each other (the first
    one whose fact is known speaks), the families that count (`counting`, their weights in `weights`) and those that
    this installation does not have (`without`). `by_pasts` are the rules whose thresholds lie where the facts' own
    pasts put them: the others are the same every day. `hot` are the groups with a level that is called overheated,
    `lineup` the jobs each with its name, its first edge and the others, quick to walk;
    `course_kept` is for how long samples of the balance are kept."""

    book: RuleBook
    jobs: tuple[Job, ...]
    by_rule: dict[str, Job]
    of_family: dict[str, tuple[Job, ...]]
    overheating: tuple[str, ...]
    hold: float
    total_weight: float
    asked: tuple[str, ...]
    asset: str = ""
    without: tuple[str, ...] = ()
    yardsticks: dict[str, Yardstick] = field(default_factory=dict)
    groups: tuple[tuple[Yardstick, ...], ...] = ()
    group_of: dict[str, tuple[Yardstick, ...]] = field(default_factory=dict)
    ranked: tuple[Yardstick, ...] = ()
    yardsticks_of: dict[str, tuple[Yardstick, ...]] = field(default_factory=dict)
    groups_of_family: dict[str, tuple[tuple[Yardstick, ...], ...]] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    voting: dict[str, tuple[Job, ...]] = field(default_factory=dict)
    anchors: tuple[tuple[str, tuple[str, ...]], ...] = ()
    order: dict[str, int] = field(default_factory=dict)
    reach: dict[str, tuple[str, ...]] = field(default_factory=dict)
    own_days: int | None = None
    seasoned: bool = True
    by_pasts: frozenset[str] = frozenset()
    hot: tuple[tuple[Yardstick, ...], ...] = ()
    lineup: tuple[tuple[Job, str, str, bool, float, Edges], ...] = ()
    course_kept: timedelta = timedelta(0)
    counts_from: float = 0.0
    votes: dict[tuple[str, frozenset[str]], tuple[int, frozenset[str]]] = field(default_factory=dict)
    sums: dict[tuple[frozenset[str], tuple[str, ...], frozenset[str]], ScoreSum] = field(default_factory=dict)


def family_of(book: RuleBook, fact: str) -> str | None:
    """The family to which a fact's metric belongs."""
    for family in book.families.values():
        if fact.startswith(family.prefixes):
            return family.id
    return None


_MADE: dict[tuple[object, ...], dict[object, RulePlan]] = {}
_KEPT = 128
_PASTS_KEPT = 4  # of each: own pasts are other ones each day, and nobody asks for a plan of last week's


def plan(
    book: RuleBook,
    day: date,
    ranges: Ranges,
    asset: str = "",
    without: tuple[str, ...] = (),
    pasts: Mapping[str, OwnPast] | None = None,
) -> RulePlan:
    """The book under the usual ranges in force on a day, a server's own first, for an asset, the families that are not
    there, and the facts' own pasts. Made once for all days with the same of these: a plan holds its book, so the
    book's identity stays its own while the plan is kept. What nobody asked for the longest goes."""
    in_force = tuple([ranges.get(ladder.id) or ladder.usual_on(day) for ladder in book.ladders.values()])
    stands = None
    if pasts is not None:
        stands = tuple([(name, past.quantiles, past.days, past.source) for name, past in pasts.items()])
    by_pasts = _MADE.pop((id(book), in_force, asset, without), {})
    made = by_pasts.pop(stands, None)
    if made is None:
        like = next(iter(by_pasts.values()), None)
        made = (
            _plan(book, day, ranges, asset, without, pasts)
            if like is None
            else _with_pasts(like, day, ranges, pasts)
        )
    _keep(by_pasts, stands, made, _PASTS_KEPT)
    _keep(_MADE, (id(book), in_force, asset, without), by_pasts, _KEPT)
    return made


def _keep(kept: dict[Any, Any], name: object, made: object, most: int) -> None:
    """Put it last; the ones that nobody asked for the longest go."""
    while len(kept) >= most:
        del kept[next(iter(kept))]
    kept[name] = made


def _plan(
    book: RuleBook,
    day: date,
    ranges: Ranges,
    asset: str,
    without: tuple[str, ...],
    pasts: Mapping[str, OwnPast] | None,
) -> RulePlan:
    yardsticks = {}
    told = pasts or {}
    if book.past is not None:
        yardsticks = {
            name: yardstick(book, ladder, day, ranges.get(name), asset, told)
            for name, ladder in book.ladders.items()
        }
    shared = _SharedParts(_asked_for(book), _replaced_by(book))
    standing = _standing(book, day, ranges, asset, told)
    jobs = {name: _job(book, book.rules[name], standing, shared) for name in book.order}
    of_family = _of_family(book, jobs)
    hot = [job.rule.family for job in jobs.values() if job.rule.stance == "overheated"]
    return RulePlan(
        book=book,
        jobs=tuple(jobs.values()),
        lineup=_lineup(jobs),
        by_rule=jobs,
        of_family=of_family,
        overheating=tuple(dict.fromkeys(hot)),
        hold=book.hold.total_seconds(),
        total_weight=math.fsum(
            family.weight for family in book.families.values() if family.id not in without
        ),
        asked=_asked(book, jobs.values()),
        asset=asset,
        without=without,
        yardsticks=yardsticks,
        groups=(groups := _groups(book, yardsticks)),
        group_of={one.ladder: group for group in groups for one in group},
        groups_of_family=_groups_of_family(book, groups),
        hot=_hot(groups),
        yardsticks_of=_by_fact(yardsticks.values()),
        ranked=tuple(one for one in yardsticks.values() if one.scale is not None),
        weights={
            family.id: family.weight
            for family in book.families.values()
            if family.weight > 0 and family.id not in without
        },
        voting=_voting(of_family),
        anchors=tuple((family.id, family.anchor) for family in book.families.values()),
        order={name: place for place, name in enumerate(book.rules)},
        own_days=_own_days(book, groups, without, pasts),
        counts_from=0.0 if book.balance is None else book.balance.counts_from,
        course_kept=_course_kept(book),
        seasoned=_is_seasoned(book, groups, without, pasts),
        reach=_reach_of(book),
        by_pasts=frozenset(name for name in jobs if _is_by_pasts(book, book.rules[name], ranges, asset)),
    )


def _reach_of(book: RuleBook) -> dict[str, tuple[str, ...]]:
    """What is known of which rules a fact can reach: one for all plans of a book, whatever its thresholds are."""
    plans = (made for by_pasts in _MADE.values() for made in by_pasts.values())
    return next((made.reach for made in plans if made.book is book), {})


def _with_pasts(like: RulePlan, day: date, ranges: Ranges, pasts: Mapping[str, OwnPast] | None) -> RulePlan:
    """A plan under other pasts, as `_plan` makes it: what stands on no past is that of the one plan that there is."""
    book, told = like.book, pasts or {}
    standing = _standing(book, day, ranges, like.asset, told)
    yardsticks = {
        name: replace(one, scale=scale_in(book, book.ladders[name], told))
        for name, one in like.yardsticks.items()
    }
    jobs = {
        name: _moved(standing, job) if name in like.by_pasts else job for name, job in like.by_rule.items()
    }
    of_family = _of_family(book, jobs)
    groups = tuple(tuple([yardsticks[one.ladder] for one in group]) for group in like.groups)
    return replace(
        like,
        jobs=tuple(jobs.values()),
        lineup=_lineup(jobs),
        by_rule=jobs,
        of_family=of_family,
        yardsticks=yardsticks,
        groups=groups,
        group_of={one.ladder: group for group in groups for one in group},
        groups_of_family=_groups_of_family(book, groups),
        hot=tuple([tuple([yardsticks[one.ladder] for one in group]) for group in like.hot]),
        yardsticks_of=_by_fact(yardsticks.values()),
        ranked=tuple([one for one in yardsticks.values() if one.scale is not None]),
        voting=_voting(of_family),
        own_days=_own_days(book, groups, like.without, pasts),
        seasoned=_is_seasoned(book, groups, like.without, pasts),
        votes={},
        sums={},
    )


def _lineup(jobs: Mapping[str, Job]) -> tuple[tuple[Job, str, str, bool, float, Edges], ...]:
    """A job that asks for other rules alone has an edge that no fact reaches."""
    none = ("", False, 0.0)
    return tuple(
        [(job, name, *(job.edges[0] if job.edges else none), job.edges[1:]) for name, job in jobs.items()]
    )


def _of_family(book: RuleBook, jobs: Mapping[str, Job]) -> dict[str, tuple[Job, ...]]:
    found: dict[str, list[Job]] = {family: [] for family in book.families}
    for job in jobs.values():
        if job.rule.family in found:
            found[job.rule.family].append(job)
    return {family: tuple(own) for family, own in found.items()}


def _voting(of_family: Mapping[str, tuple[Job, ...]]) -> dict[str, tuple[Job, ...]]:
    return {
        family: tuple([job for job in own if job.rule.ladder is None and job.rule.vote])
        for family, own in of_family.items()
    }


def _groups_of_family(
    book: RuleBook, groups: Iterable[tuple[Yardstick, ...]]
) -> dict[str, tuple[tuple[Yardstick, ...], ...]]:
    found: dict[str, list[tuple[Yardstick, ...]]] = {family: [] for family in book.families}
    for group in groups:
        if group[0].family in found:
            found[group[0].family].append(group)
    return {family: tuple(own) for family, own in found.items()}


def _hot(groups: Iterable[tuple[Yardstick, ...]]) -> tuple[tuple[Yardstick, ...], ...]:
    return tuple(
        [
            group
            for group in groups
            if any(side.hot is not None for one in group for side in (one.low, one.high))
        ]
    )


def _course_kept(book: RuleBook) -> timedelta:
    """As long as the median, the direction and the alarms on the balance look back, and a little more."""
    if book.balance is None or book.direction is None:
        return timedelta(0)
    within = [alarm.within for alarm in book.alarms.values() if alarm.fact == "balance"]
    return max(timedelta(days=book.balance.days), book.direction.window, *within) + timedelta(hours=6)


def _groups(book: RuleBook, yardsticks: Mapping[str, Yardstick]) -> tuple[tuple[Yardstick, ...], ...]:
    """The ladders that stand in for each other: the one that speaks first, then its stand-ins in file order."""
    found: dict[str, list[Yardstick]] = {}
    for name, one in yardsticks.items():
        found.setdefault(book.ladders[name].stands_in_for or name, []).append(one)
    return tuple(
        tuple(sorted(group, key=lambda one, head=head: one.ladder != head))  # type: ignore[misc]
        for head, group in found.items()
    )


def _by_fact(yardsticks: Iterable[Yardstick]) -> dict[str, tuple[Yardstick, ...]]:
    found: dict[str, list[Yardstick]] = {}
    for one in yardsticks:
        found.setdefault(one.fact, []).append(one)
    return {fact: tuple(mine) for fact, mine in found.items()}


def _days(groups: Iterable[tuple[Yardstick, ...]], pasts: Mapping[str, OwnPast]) -> Iterator[tuple[str, int]]:
    """For each group that is judged by its own past its family, and the days of the best known of its pasts."""
    for group in groups:
        known = [pasts[one.fact].days if one.fact in pasts else 0 for one in group if one.judged_by_past]
        if known:
            yield group[0].family, max(known)


def _is_stated(pasts: Mapping[str, OwnPast]) -> bool:
    return any(past.source == "stated" for past in pasts.values())


def _own_days(
    book: RuleBook,
    groups: Iterable[tuple[Yardstick, ...]],
    without: tuple[str, ...],
    pasts: Mapping[str, OwnPast] | None,
) -> int | None:
    """The days of own past of the weightiest family whose past is shortest; None where all weigh in full, or where
    none was stated."""
    if book.past is None or pasts is None or _is_stated(pasts):
        return None
    days = [count for family, count in _days(groups, pasts) if family not in without]
    return min(days) if days and min(days) < book.past.full_days else None


def _is_seasoned(
    book: RuleBook,
    groups: Iterable[tuple[Yardstick, ...]],
    without: tuple[str, ...],
    pasts: Mapping[str, OwnPast] | None,
) -> bool:
    """Whether the families with enough days of own past hold at least half of the weight of those that are judged by
    one; so too where facts were stated by somebody: they have no days."""
    if book.past is None or pasts is None or _is_stated(pasts):
        return True
    most: dict[str, int] = {}
    for family, count in _days(groups, pasts):
        if family not in without:
            most[family] = max(count, most[family]) if family in most else count
    whole = math.fsum(book.families[family].weight for family in most)
    enough = math.fsum(
        book.families[family].weight for family, count in most.items() if count >= book.past.least_days
    )
    return 2.0 * enough >= whole


def _asked(book: RuleBook, jobs: Iterable[Job]) -> tuple[str, ...]:
    """Every fact that a condition, an alarm or a family's anchor asks for, each once."""
    return tuple(dict.fromkeys([*(test.fact for job in jobs for test in job.tests), *book.asks]))


class _SharedParts(Struct, frozen=True):
    """What every job of a book is made with: the rules for whose state another one asks, and which replace a rule."""

    asked_for: frozenset[str]
    replaced_by: Mapping[str, tuple[str, ...]]


class _Standing(Struct, frozen=True):
    """What thresholds stand on: for each ladder the usual range in force (None for an asset without a published one until
    it has a past of its own: nobody else's numbers stand in), and the facts' own pasts."""

    book: RuleBook
    asset: str
    usual: Mapping[str, UsualRange | None]
    booked: bool
    pasts: Mapping[str, OwnPast]


def _standing(
    book: RuleBook, day: date, ranges: Ranges, asset: str, pasts: Mapping[str, OwnPast]
) -> _Standing:
    usual = {name: book.usual(ladder, day, ranges, asset, pasts) for name, ladder in book.ladders.items()}
    return _Standing(book, asset, usual, book.has_published_ranges(asset), pasts)


def _is_by_pasts(book: RuleBook, rule: Rule, ranges: Ranges, asset: str) -> bool:
    """Whether a threshold of the rule lies where a past puts it: beyond a percent of it, or on a usual range that is
    taken from it."""
    for part in rule.when:
        if not isinstance(part, Condition):
            continue
        if part.beyond is not None:
            return True
        ladder = book.ladder_of(rule, part)
        is_own = ladder is not None and ladder.id not in ranges and not book.has_published_ranges(asset)
        if is_own and any(end and end.side for end in (part.above, part.below, part.clears)):
            return True
    return False


def _job(book: RuleBook, rule: Rule, standing: _Standing, shared: _SharedParts) -> Job:
    tests = tuple([_compiled(standing, rule, part) for part in rule.when if isinstance(part, Condition)])
    steps = _steps(book, rule)
    return Job(
        id=rule.id,
        rule=rule,
        tests=tests,
        numbers=_numbers(tests),
        edges=_edges(tests),
        asks=tuple([_ask(book, rule, part) for part in rule.when if isinstance(part, RuleIs)]),
        wait=rule.wait.total_seconds(),
        keep=rule.keep.total_seconds(),
        covered_by=steps[0],
        opposite=steps[1],
        replaced_by=shared.replaced_by.get(rule.id, ()),
        side=(rule.vote > 0) - (rule.vote < 0),
        facts=rule.facts,
        followed=bool((rule.vote or rule.replaces) and rule.ladder is None) or rule.id in shared.asked_for,
    )


def _moved(standing: _Standing, job: Job) -> Job:
    """The job with its thresholds where they stand now: the same one where none moved."""
    parts = [part for part in job.rule.when if isinstance(part, Condition)]
    moved = [_thresholds(standing, part, test.ladder) for part, test in zip(parts, job.tests, strict=True)]
    if all(one == (test.entry, test.clear) for one, test in zip(moved, job.tests, strict=True)):
        return job
    tests = tuple(
        [
            CompiledCondition(test.fact, test.above, *one, test.foreign, test.family, test.ladder)
            for one, test in zip(moved, job.tests, strict=True)
        ]
    )
    return replace(job, tests=tests, numbers=_numbers(tests), edges=_edges(tests))


def _numbers(tests: Iterable[CompiledCondition]) -> tuple[tuple[str, bool, float, float], ...]:
    return tuple([(test.fact, test.above, test.entry, test.clear) for test in tests])


def _edges(tests: Iterable[CompiledCondition]) -> Edges:
    return tuple(
        [(test.fact, test.above, (max if test.above else min)(test.entry, test.clear)) for test in tests]
    )


def _ask(book: RuleBook, rule: Rule, part: RuleIs) -> Ask:
    other = book.rules[part.rule]
    return Ask(
        part.rule,
        part.on,
        other.family != rule.family,
        part.counting,
        other.family,
        other.ladder,
        (other.vote > 0) - (other.vote < 0),
    )


def _compiled(standing: _Standing, rule: Rule, part: Condition) -> CompiledCondition:
    family = family_of(standing.book, part.fact) or ""
    ladder = standing.book.ladder_of(rule, part)
    name = None if ladder is None else ladder.id
    return CompiledCondition(
        f"{part.fact}{RANK}" if part.ranked else part.fact,
        part.above is not None,
        *_thresholds(standing, part, name),
        family != rule.family,
        family,
        name,
    )


def _thresholds(standing: _Standing, part: Condition, ladder: str | None) -> tuple[float, float]:
    """The way in and the way out of a condition."""
    asset, usual = standing.asset, None if ladder is None else standing.usual[ladder]
    entry = part.above or part.below
    if entry is None:
        raise ValueError(f"{part.fact}: a condition without a threshold")
    if entry.side is not None and usual is None and not standing.booked:
        number = clear = math.inf if part.above is not None else -math.inf  # nothing is beyond it
    else:
        number = entry.at(usual, asset)
        clear = number if part.clears is None else part.clears.at(usual, asset)
    moved = _beyond(standing, part, number) if math.isfinite(number) else 0.0
    return number + moved, clear + moved


def _asked_for(book: RuleBook) -> frozenset[str]:
    """The rules for whose state another one asks."""
    parts = [part for rule in book.rules.values() for part in rule.when if isinstance(part, RuleIs)]
    return frozenset(part.rule for part in parts if not part.counting)


def _replaced_by(book: RuleBook) -> Mapping[str, tuple[str, ...]]:
    """For each rule that others replace, these, in the order of the rule files."""
    found: dict[str, list[str]] = {}
    for other in book.rules.values():
        for part in dict.fromkeys(other.replaces) if other.ladder is None else ():
            found.setdefault(part, []).append(other.id)
    return {part: tuple(others) for part, others in found.items()}


def _beyond(standing: _Standing, part: Condition, number: float) -> float:
    """How far a threshold moves outward, to where the fact is also beyond some percent of its own past."""
    if part.beyond is None:
        return 0.0
    past, table = standing.pasts.get(part.fact), standing.book.past
    if past is None or table is None or past.days < table.least_days:
        return 0.0
    own = scale_of(past, 0.0, table).value(part.beyond)
    return max(own - number, 0.0) if part.above is not None else min(own - number, 0.0)


def _steps(book: RuleBook, rule: Rule) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps of the rule's ladder that are more extreme on its own side, and those on the other side.
    Steps stand in the order of their thresholds: below-steps from the most extreme to the mildest, then
    above-steps."""
    if rule.ladder is None:
        return (), ()
    ladder = book.ladders[rule.ladder]
    steps = ladder.steps
    if rule.id not in steps:
        # An extreme of its own past is told where no step on its side is.
        low_side = rule.id == ladder.extremes[0]
        return tuple(name for name in steps if _is_below(book.rules[name]) == low_side), ()
    place = steps.index(rule.id)
    low = [name for name in steps if _is_below(book.rules[name])]
    if rule.id in low:
        return tuple(steps[:place]), tuple(name for name in steps if name not in low)
    return tuple(steps[place + 1 :]), tuple(low)


def _is_below(rule: Rule) -> bool:
    part = rule.when[0]
    return isinstance(part, Condition) and part.below is not None


def stands_on(book: RuleBook, name: str) -> tuple[str, ...]:
    """The facts that a rule asks for, its own first, then those of the rules that it asks for, each once."""
    rule = book.rules[name]
    found = list(rule.facts)
    for part in rule.when:
        if isinstance(part, RuleIs):
            found += stands_on(book, part.rule)
    return tuple(dict.fromkeys(found))

"""A rule book made ready for one day: every threshold a plain number, every question answered once for all evaluations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from bot.domain.rulebook import Condition, Confidence, Lean, Ranges, Rule, RuleBook, RuleIs, Stance, UsualRange

FAMILY_UNKNOWN_VOTE = 2
"""A vote lies between minus this and plus this, so an unknown family may vote anything in between."""


@dataclass(frozen=True, slots=True)
class Test:
    """One condition in numbers. `foreign`: the fact belongs to another family than the rule."""

    fact: str
    above: bool
    entry: float
    clear: float
    foreign: bool


@dataclass(frozen=True, slots=True)
class Ask:
    """A question for another rule's state."""

    rule: str
    on: bool
    foreign: bool


@dataclass(frozen=True, slots=True)
class Job:
    """One rule with all that its evaluation needs. `covered_by` are the more extreme steps on its side of its ladder,
    `opposite` the steps on the other side; `numbers` are its tests as plain (fact, above, entry, clear), quick to walk."""

    id: str
    rule: Rule
    tests: tuple[Test, ...]
    numbers: tuple[tuple[str, bool, float, float], ...]
    asks: tuple[Ask, ...]
    wait: float
    keep: float
    covered_by: tuple[str, ...] = ()
    opposite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A verdict in numbers. `votes` is each family's range, `leans` the lean of each known family by the rules that are
    on, `counts` the rules that count."""

    stance: Stance
    confidence: Confidence
    score: tuple[float, float]
    coverage: float
    votes: Mapping[str, tuple[int, int]]
    leans: Mapping[str, Lean]
    counts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """All jobs in an order in which they can be done, and each family's own. `votes` and `sums` keep what was added up
    before: the same rules on, on the same knowledge, give the same verdict. `asked` names every fact that it looks at."""

    book: RuleBook
    jobs: tuple[Job, ...]
    by_rule: dict[str, Job]
    of_family: dict[str, tuple[Job, ...]]
    overheating: tuple[str, ...]
    hold: float
    total_weight: float
    asked: tuple[str, ...]
    votes: dict[tuple[str, frozenset[str]], tuple[int, frozenset[str]]] = field(default_factory=dict)
    sums: dict[tuple[frozenset[str], tuple[str, ...], frozenset[str]], Sum] = field(default_factory=dict)


def family_of(book: RuleBook, fact: str) -> str | None:
    """The family to which a fact's metric belongs."""
    for family in book.families.values():
        if fact.startswith(family.prefixes):
            return family.id
    return None


_MADE: dict[tuple[int, tuple[UsualRange | None, ...]], Plan] = {}
_KEPT = 128


def plan(book: RuleBook, day: date, ranges: Ranges) -> Plan:
    """The book under the usual ranges in force on a day, a server's own first. Made once for all days with the same
    ranges: a plan holds its book, so the book's identity stays its own while the plan is kept."""
    in_force = tuple(ranges.get(ladder.id) or ladder.usual_on(day) for ladder in book.ladders.values())
    made = _MADE.get((id(book), in_force))
    if made is None:
        while len(_MADE) >= _KEPT:
            del _MADE[next(iter(_MADE))]
        made = _MADE[id(book), in_force] = _plan(book, day, ranges)
    return made


def _plan(book: RuleBook, day: date, ranges: Ranges) -> Plan:
    jobs = {name: _job(book, book.rules[name], day, ranges) for name in book.order}
    of_family = {family: tuple(job for job in jobs.values() if job.rule.family == family) for family in book.families}
    hot = [job.rule.family for job in jobs.values() if job.rule.stance == "overheated"]
    return Plan(
        book=book,
        jobs=tuple(jobs.values()),
        by_rule=jobs,
        of_family=of_family,
        overheating=tuple(dict.fromkeys(hot)),
        hold=book.hold.total_seconds(),
        total_weight=sum(family.weight for family in book.families.values()),
        asked=_asked(book, jobs.values()),
    )


def _asked(book: RuleBook, jobs: Iterable[Job]) -> tuple[str, ...]:
    """Every fact that a condition or a family's anchor asks for, each once."""
    anchors = [fact for family in book.families.values() for fact in family.anchor]
    return tuple(dict.fromkeys([*(test.fact for job in jobs for test in job.tests), *anchors]))


def _job(book: RuleBook, rule: Rule, day: date, ranges: Ranges) -> Job:
    usual = book.usual(rule, day, ranges)
    tests: list[Test] = []
    asks: list[Ask] = []
    for part in rule.when:
        if isinstance(part, RuleIs):
            asks.append(Ask(part.rule, part.on, book.rules[part.rule].family != rule.family))
        else:
            entry = part.above or part.below
            if entry is None:
                raise ValueError(f"{rule.id}: a condition without a threshold")
            number = entry.at(usual)
            clear = number if part.clears is None else part.clears.at(usual)
            tests.append(
                Test(part.fact, part.above is not None, number, clear, family_of(book, part.fact) != rule.family)
            )
    steps = _steps(book, rule)
    return Job(
        id=rule.id,
        rule=rule,
        tests=tuple(tests),
        numbers=tuple((test.fact, test.above, test.entry, test.clear) for test in tests),
        asks=tuple(asks),
        wait=rule.wait.total_seconds(),
        keep=rule.keep.total_seconds(),
        covered_by=steps[0],
        opposite=steps[1],
    )


def _steps(book: RuleBook, rule: Rule) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The steps of the rule's ladder that are more extreme on its own side, and those on the other side. Steps stand in
    the order of their thresholds: below-steps from the most extreme to the mildest, then above-steps."""
    if rule.ladder is None:
        return (), ()
    steps = book.ladders[rule.ladder].steps
    place = steps.index(rule.id)
    low = [name for name in steps if _is_below(book.rules[name])]
    if rule.id in low:
        return tuple(steps[:place]), tuple(name for name in steps if name not in low)
    return tuple(steps[place + 1 :]), tuple(low)


def _is_below(rule: Rule) -> bool:
    part = rule.when[0]
    return isinstance(part, Condition) and part.below is not None

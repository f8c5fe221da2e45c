"""Rule cases: markets in words and numbers, and what the rules must say of them. Data in
`tests/rules/*.toml`.

A case begins with every rule off. Its samples are `interval` apart; `settled` cases judge each sample as if
it had held long enough. A fact is a series, or one number that holds throughout. An expectation's `on` is
complete: exactly these rules count then; `off`, `pending`, `recovering` and `unknown` name some that are in
that phase."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from msgspec import Struct
from pydantic import Field, ValidationError

from bot.domain.catalog import Catalog
from bot.domain.facts import OwnPast
from bot.domain.files import FileShape, problems_in, read_tables
from bot.domain.judgement import Direction
from bot.domain.rulebook import Confidence, Lean, Ranges, RuleBook, Stance, UsualRange
from bot.errors import ConfigError, InputError, Problem
from bot.rules.replay import JudgedMoment, Replay
from bot.rules.series import samples
from bot.rules.shape import Id, Prose, Span, read_span
from bot.rules.states import Cell

PHASES: tuple[Literal["off", "pending", "recovering", "unknown"], ...] = (
    "off",
    "pending",
    "recovering",
    "unknown",
)


class ExpectShape(FileShape):
    """What must hold at one time of a case."""

    after: Span
    on: tuple[Id, ...] | None = None
    off: tuple[Id, ...] = ()
    pending: tuple[Id, ...] = ()
    recovering: tuple[Id, ...] = ()
    unknown: tuple[Id, ...] = ()
    verdict: Stance | None = None
    confidence: Confidence | None = None
    families: dict[str, Lean] = Field(default_factory=dict)
    score: tuple[float, float] | None = None
    balance: tuple[float, float] | None = None
    direction: Direction | None = None
    leaning: Lean | None = None
    alarms: tuple[Id, ...] | None = None
    ordinary: tuple[Id, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """The rules that it names."""
        named = (*(self.on or ()), *self.off, *self.pending, *self.recovering, *self.unknown, *self.ordinary)
        return frozenset(named)


class RangeShape(FileShape):
    """A server's own usual range of one ladder."""

    low: float
    high: float


class PastShape(FileShape):
    """A fact's own past: its values at 5, 20, 50, 80 and 95%, and its days."""

    quantiles: tuple[float, float, float, float, float]
    days: int = 365


class CaseShape(FileShape):
    """One market."""

    market: Prose
    id: Id
    at: datetime
    interval: Span = "1h"
    settled: bool = False
    asset: str = "BTC"
    facts: dict[str, float | str]
    past: dict[str, PastShape] = Field(default_factory=dict)
    without: tuple[Id, ...] = ()
    lower_bounds: tuple[str, ...] = ()
    ranges: dict[str, RangeShape] = Field(default_factory=dict)
    expect: Annotated[tuple[ExpectShape, ...], Field(min_length=1)]


class Expectation(Struct, frozen=True, kw_only=True):
    """What must hold at the sample `index` of a case."""

    index: int
    shape: ExpectShape


class Case(Struct, frozen=True, kw_only=True):
    """One market, ready to be judged: `values` holds the known facts of each sample, `facts` the names of all
    that it tells."""

    id: str
    file: str
    market: str
    at: datetime
    interval: timedelta
    settled: bool
    values: tuple[Mapping[str, float], ...]
    bounds: frozenset[str]
    ranges: Ranges
    pasts: Mapping[str, OwnPast] | None
    asset: str
    without: tuple[str, ...]
    expect: tuple[Expectation, ...]
    facts: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        """The rules that its expectations name."""
        return frozenset(rule for one in self.expect for rule in one.shape.names)


class Seen(Struct, frozen=True, kw_only=True):
    """One expectation's moment: every rule's phase, which were told to be false, the verdict in numbers."""

    case: Case
    expectation: Expectation
    phases: Mapping[str, str]
    refuted: frozenset[str]
    moment: JudgedMoment


class JudgedCase(Struct, frozen=True, kw_only=True):
    """One case that was judged: what was seen at each moment at which it was looked at, and each difference, in words."""

    case: Case
    seen: tuple[Seen, ...]
    failures: tuple[str, ...]


class CasesReport(Struct, frozen=True, kw_only=True):
    """All cases that were judged."""

    ran: tuple[JudgedCase, ...]

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return len(self.ran)

    @property
    def moments(self) -> int:
        """At how many moments they were looked at."""
        return sum(len(one.seen) for one in self.ran)

    @property
    def failures(self) -> tuple[str, ...]:
        """Everything that was not as expected, in words."""
        return tuple(failure for one in self.ran for failure in one.failures)


def parse_cases(files: Mapping[str, str], book: RuleBook, catalog: Catalog) -> tuple[Case, ...]:
    """The cases of some files (name → TOML text). Raises ConfigError with every problem."""
    problems: list[Problem] = []
    cases: list[Case] = []
    for file in sorted(files):
        try:
            tables = read_tables(files[file], file)
        except ConfigError as error:
            problems += error.problems
            continue
        unknown = sorted(set(tables) - {"case"})
        problems += [
            Problem(file=file, id=name, reason="unknown table; known here: case") for name in unknown
        ]
        for number, table in enumerate(tables.get("case", ()), 1):
            about = str(table.get("id", f"case {number}"))
            try:
                case = _case(file, CaseShape.model_validate(_tupled(table)))
            except ValidationError as error:
                problems += problems_in(error, file, about)
            except ValueError as error:
                problems.append(Problem(file=file, id=about, reason=str(error)))
            else:
                problems += _problems(case, book, catalog)
                cases.append(case)
    twice = {case.id for case in cases if sum(other.id == case.id for other in cases) > 1}
    problems += [
        Problem(file=case.file, id=case.id, reason="is there twice") for case in cases if case.id in twice
    ]
    if problems:
        raise ConfigError(problems)
    return tuple(cases)


def run_cases(cases: Iterable[Case], book: RuleBook) -> CasesReport:
    """Judge every case and compare it with what is expected."""
    return CasesReport(ran=tuple(run_case(case, book) for case in cases))


def run_case(case: Case, book: RuleBook) -> JudgedCase:
    """Judge one case and compare it with what is expected."""
    seen = tuple(watch(case, book))
    return JudgedCase(case=case, seen=seen, failures=tuple(line for one in seen for line in differences(one)))


def watch(case: Case, book: RuleBook) -> Iterator[Seen]:
    """The moments of a case for which something is expected, as the rules judge them."""
    cells = {name: Cell(phase="off", evaluated=case.at.timestamp()) for name in book.order}
    following = Replay(book, case.ranges, asset=case.asset, without=case.without, cells=cells)
    wanted: dict[int, list[Expectation]] = {}
    for expectation in case.expect:
        wanted.setdefault(expectation.index, []).append(expectation)
    for index, values in enumerate(case.values):
        at = case.at + index * case.interval
        moment = following.judge(values, at, case.bounds, case.pasts, settled=case.settled)
        for expectation in wanted.get(index, ()):
            phases = {name: cell.phase for name, cell in following.cells.items()}
            refuted = frozenset(name for name, cell in following.cells.items() if cell.truth == "false")
            yield Seen(case=case, expectation=expectation, phases=phases, refuted=refuted, moment=moment)


def differences(seen: Seen) -> list[str]:
    """Each way in which a moment is not as expected, in words."""
    wanted, moment = seen.expectation.shape, seen.moment
    found: list[str] = []
    if wanted.on is not None and set(wanted.on) != moment.counts:
        found += [f"{rule} is on" for rule in sorted(moment.counts - set(wanted.on))]
        found += [f"{rule} is not on" for rule in sorted(set(wanted.on) - moment.counts)]
    for rule in wanted.ordinary:
        if rule not in moment.ordinary:
            found.append(f"{rule} is not on and ordinary")
    for phase in PHASES:
        for rule in getattr(wanted, phase):
            effective = (
                "covered or replaced"
                if rule not in moment.counts and seen.phases[rule] == "on"
                else seen.phases[rule]
            )
            if effective != phase and not (phase == "off" and effective == "covered or replaced"):
                found.append(f"{rule} is {effective}, not {phase}")
    pairs: Sequence[tuple[str, object, object]] = (
        ("verdict", wanted.verdict, moment.stance),
        ("confidence", wanted.confidence, moment.confidence),
        ("score", wanted.score, tuple(round(bound, 4) for bound in moment.score)),
        ("balance", wanted.balance, tuple(round(bound, 1) for bound in moment.balance or ())),
        ("direction", wanted.direction, moment.direction),
        ("leaning", wanted.leaning, moment.leaning),
        (
            "alarms",
            wanted.alarms if wanted.alarms is None else tuple(sorted(wanted.alarms)),
            tuple(sorted(alarm.rule for alarm in moment.alarms)),
        ),
        *(
            (f"family {name}", lean, moment.families.get(name, "unknown"))
            for name, lean in wanted.families.items()
        ),
    )
    found += [
        f"{what} is {is_}, not {should}"
        for what, should, is_ in pairs
        if should is not None and should != is_
    ]
    return [f"{seen.case.file}: {seen.case.id} after {wanted.after}: {difference}" for difference in found]


def coverage(report: CasesReport, book: RuleBook) -> Mapping[str, tuple[str, ...]]:
    """For each rule, which of "on", "off" and "unknown" no judged case asserts of it. Empty: every rule is covered.

    A complete `on` asserts every rule that it leaves out as off, but only where the rule was told enough to
    be false."""
    asserted: dict[str, set[str]] = {rule: set() for rule in book.rules}
    for judged in report.ran:
        for seen in judged.seen:
            shape = seen.expectation.shape
            for rule in shape.on or ():
                asserted[rule].add("on")
            for rule in shape.unknown:
                asserted[rule].add("unknown")
            silent = set(shape.off) if shape.on is None else set(book.rules) - set(shape.on)
            for rule in silent & seen.refuted:
                asserted[rule].add("off")
    lacking = {rule: tuple(sorted({"on", "off", "unknown"} - said)) for rule, said in asserted.items()}
    return {rule: said for rule, said in lacking.items() if said}


def _case(file: str, shape: CaseShape) -> Case:
    series = {
        name: samples(given) if isinstance(given, str) else float(given)
        for name, given in shape.facts.items()
    }
    interval = read_span(shape.interval)
    indices = [read_span(expect.after) / interval for expect in shape.expect]
    if any(index != int(index) for index in indices):
        raise ValueError(f"every `after` is a multiple of the interval {shape.interval}")
    length = max(
        [int(max(indices)) + 1, *(len(given) for given in series.values() if isinstance(given, list))]
    )
    values = tuple(dict(_at(series, index)) for index in range(length))
    return Case(
        id=shape.id,
        file=file,
        market=shape.market,
        at=shape.at.astimezone(UTC),
        interval=interval,
        settled=shape.settled,
        values=values,
        facts=frozenset(name for sample in values for name in sample),
        bounds=frozenset(shape.lower_bounds),
        pasts=_pasts(shape),
        asset=shape.asset,
        without=shape.without,
        ranges={
            ladder: UsualRange(since=date.min, low=own.low, high=own.high, source="the case")
            for ladder, own in shape.ranges.items()
        },
        expect=tuple(
            Expectation(index=int(index), shape=expect)
            for index, expect in zip(indices, shape.expect, strict=True)
        ),
    )


def _pasts(shape: CaseShape) -> Mapping[str, OwnPast] | None:
    """The pasts that a case tells; None where it tells none."""
    if not shape.past:
        return None
    return {
        fact: OwnPast(fact=fact, quantiles=past.quantiles, days=past.days, source="stated")
        for fact, past in shape.past.items()
    }


def _at(series: Mapping[str, list[float | None] | float], index: int) -> Iterator[tuple[str, float]]:
    """The known facts of one sample; what a series does not reach is missing."""
    for name, given in series.items():
        value = given if isinstance(given, float) else given[index] if index < len(given) else None
        if value is not None:
            yield name, value


def _problems(case: Case, book: RuleBook, catalog: Catalog) -> Iterator[Problem]:
    for name in sorted(case.facts | case.bounds):
        try:
            for values in case.values:
                if name in values:
                    catalog.check(name, values[name])
            catalog.resolve(name)
        except InputError as error:
            yield Problem(file=case.file, id=case.id, reason=str(error))
    for rule in sorted(case.names - set(book.rules)):
        yield Problem(file=case.file, id=case.id, reason=f"unknown rule {rule!r}")
    for ladder in sorted(set(case.ranges) - set(book.ladders)):
        yield Problem(file=case.file, id=case.id, reason=f"unknown ladder {ladder!r}")


def _tupled(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _tupled(value) for name, value in content.items()}
    return tuple(_tupled(value) for value in content) if isinstance(content, list) else content

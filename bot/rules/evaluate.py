"""One evaluation of all rules: conditions, states, votes, verdict."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.facts import Facts
from bot.domain.judgement import Phase, Signal, Verdict
from bot.domain.rulebook import Ranges, RuleBook
from bot.rules.plan import Plan, plan
from bot.rules.states import Cell, advance, cell_of, remembers, settle, signal_of
from bot.rules.truth import Bounds, Values, judge, plainly, values_of
from bot.rules.verdict import add_up, put_in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A rule that went from one phase to another in this evaluation. `told` is what is announced of it: "on", "cleared",
    "unsettled", or "" for nothing (muted, told lately, or not worth it)."""

    rule: str
    before: Phase
    after: Phase
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one evaluation found: every rule's signal, the verdict, what changed, and which rules `count`: they vote, no
    more extreme step covers them, and no sum of parts replaces them."""

    signals: Mapping[str, Signal]
    verdict: Verdict
    changed: tuple[Change, ...] = ()
    counts: frozenset[str] = field(default=frozenset())


def evaluate(
    book: RuleBook,
    facts: Facts,
    signals: Mapping[str, Signal],
    at: datetime,
    ranges: Ranges = {},  # noqa: B006 (never written to)
    *,
    settled: bool = False,
) -> Judgement:
    """Judge the facts at a time, from the signals that the last evaluation left.

    `settled` evaluates as if every value had held long enough: nothing waits and nothing lingers; rules that are on in
    `signals` are still judged by their way out. `ranges` are a server's own usual ranges.
    """
    ready = plan(book, at.date(), ranges)
    cells = {name: cell_of(signals.get(name)) for name in book.order}
    values, bounds = values_of(facts, ready.asked)
    ran = run(ready, cells, values, bounds, at.timestamp(), settled=settled)
    total = add_up(ready, cells, values, ran.shaky)
    after = {name: signal_of(name, cell) for name, cell in cells.items()}
    verdict = put_in_words(ready, total, facts, after, at)
    return Judgement(signals=after, verdict=verdict, changed=changes(ran, cells), counts=total.counts)


@dataclass(frozen=True, slots=True)
class Ran:
    """What one evaluation left beside the cells: the rules that facts of other families could still turn, the phase before
    of each rule that changed it, and what is to be announced of which rule."""

    shaky: set[str] = field(default_factory=set)
    before: dict[str, Phase] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)


def run(
    ready: Plan, cells: MutableMapping[str, Cell], values: Values, bounds: Bounds, at: float, *, settled: bool
) -> Ran:
    """Advance every cell by one evaluation."""
    ran = Ran()
    for job in ready.jobs:
        cell = cells[job.id]
        phase = cell.phase
        remembered = phase == "on" or (phase == "unknown" and remembers(cell, at))
        truth = plainly(job, values, bounds, remembered)
        outcome = None
        if truth is None:
            outcome = judge(job, values, bounds, remembered, cells, ran.shaky)
            truth = outcome.truth
        if settled:
            settle(cell, truth, at)
        elif truth == cell.steady:
            cell.evaluated = at
            if phase == "on":
                cell.was_on = at
        elif said := advance(cell, truth, at, wait=job.wait, keep=job.keep, hold=ready.hold):
            ran.told[job.id] = said
        if outcome is not None and outcome.may_turn_off and (outcome.may_turn_on or cell.votes):
            ran.shaky.add(job.id)
        if cell.phase != phase:
            ran.before.setdefault(job.id, phase)
            if job.opposite and cell.phase == "on":
                _drop(job.opposite, cells, at, ran.before)
    return ran


def changes(ran: Ran, cells: Mapping[str, Cell]) -> tuple[Change, ...]:
    """The rules that changed their phase, or are announced."""
    names = {**ran.before, **ran.told}
    return tuple(
        Change(
            rule=name,
            before=ran.before.get(name, cells[name].phase),
            after=cells[name].phase,
            told=ran.told.get(name, ""),
        )
        for name in names
    )


def _drop(names: tuple[str, ...], cells: Mapping[str, Cell], at: float, before: dict[str, Phase]) -> None:
    """A step on the other side of a ladder has taken over: these have nothing left to wait for."""
    for name in names:
        cell = cells[name]
        if cell.phase == "recovering":
            before.setdefault(name, cell.phase)
            cell.phase = "off"
            cell.since = at
            cell.steady = None

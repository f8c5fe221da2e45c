"""One evaluation of all rules: conditions, states, votes, verdict."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.facts import Facts
from bot.domain.judgement import Phase, Signal, Verdict
from bot.domain.rulebook import Ranges, RuleBook
from bot.rules.plan import Plan, plan
from bot.rules.states import Cell, advance, cell_of, remembers, settle, signal_of
from bot.rules.truth import Bounds, Values, judge, values_of
from bot.rules.verdict import Sum, add_up, put_in_words


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
    before = {name: cell.phase for name, cell in cells.items()}
    values, bounds = values_of(facts)
    shaky, told = run(ready, cells, values, bounds, at.timestamp(), settled=settled)
    total = add_up(ready, cells, values, shaky)
    after = {name: signal_of(name, cell) for name, cell in cells.items()}
    changed = tuple(
        Change(rule=name, before=before[name], after=cell.phase, told=told.get(name, ""))
        for name, cell in cells.items()
        if cell.phase != before[name] or name in told
    )
    verdict = put_in_words(ready, total, facts, after, at)
    return Judgement(signals=after, verdict=verdict, changed=changed, counts=total.counts)


def run(
    ready: Plan, cells: MutableMapping[str, Cell], values: Values, bounds: Bounds, at: float, *, settled: bool
) -> tuple[set[str], dict[str, str]]:
    """Advance every cell by one evaluation. Returns the rules that facts of other families could still turn, and what is
    to be announced of which rule."""
    shaky: set[str] = set()
    told: dict[str, str] = {}
    for job in ready.jobs:
        name = job.rule.id
        cell = cells[name]
        remembered = cell.phase == "on" or (cell.phase == "unknown" and remembers(cell, at))
        outcome = judge(job, values, bounds, remembered, cells, shaky)
        if settled:
            settle(cell, outcome.truth, at)
        else:
            said = advance(cell, outcome.truth, at, wait=job.wait, keep=job.keep, hold=ready.hold)
            if said:
                told[name] = said
        if outcome.may_turn_off and (outcome.may_turn_on or cell.votes):
            shaky.add(name)
        if job.opposite and cell.phase == "on":
            _drop(job.opposite, cells, at)
    return shaky, told


def _drop(names: tuple[str, ...], cells: Mapping[str, Cell], at: float) -> None:
    """A step on the other side of a ladder has taken over: these have nothing left to wait for."""
    for name in names:
        cell = cells[name]
        if cell.phase == "recovering":
            cell.phase = "off"
            cell.since = at


__all__ = ["Change", "Judgement", "Sum", "evaluate", "run"]

"""One evaluation of all rules of an edition that judges by score, and what a fuller set of facts could still make of
each rule."""

from collections.abc import Mapping, MutableMapping

from msgspec import Struct

from bot.domain.judgement import Truth
from bot.rules.plan import Job, RulePlan
from bot.rules.run import EvaluationTrace, drop_opposite
from bot.rules.states import Cell, advance, remembers, settle
from bot.rules.truth import Bounds, Values, holds, plainly


class RuleTruth(Struct, frozen=True):
    """A rule's truth now. `may_turn_on` and `may_turn_off`: what facts of other families, if they were known,
    could still make of it."""

    truth: Truth
    may_turn_on: bool = False
    may_turn_off: bool = False


TRUE = RuleTruth("true")
FALSE = RuleTruth("false")


def judge(
    job: Job,
    values: Values,
    bounds: Bounds,
    remembered: bool,
    cells: Mapping[str, Cell],
    shaky: frozenset[str] | set[str],
) -> RuleTruth:
    """The conjunction of a rule's conditions. Any false → false; else any unknown → unknown; else true.

    `cells` holds the rules that it may ask for, evaluated already; `shaky` those among them that facts of
    other families could still turn."""
    own_unknown = foreign_unknown = False
    for test in job.tests:
        met = holds(test, values, bounds, remembered)
        if met is False:
            return FALSE
        if met is None:
            if test.foreign and test.fact not in values:
                foreign_unknown = True
            else:
                own_unknown = True
    unsure = held = False
    for ask in job.asks:
        cell = cells[ask.rule]
        unknown = cell.phase == "unknown"
        turnable = ask.rule in shaky or (ask.foreign and cell.truth == "unknown")
        if not turnable and not unknown and cell.votes != ask.on:
            return FALSE
        unsure = unsure or turnable
        held = held or (turnable and not unknown and cell.votes != ask.on)
        own_unknown = own_unknown or (unknown and not turnable)
        foreign_unknown = foreign_unknown or (unknown and turnable)
    if not (own_unknown or foreign_unknown or unsure):
        return TRUE
    truth: Truth = "false" if held else "unknown" if own_unknown or foreign_unknown else "true"
    open_ = foreign_unknown or unsure
    return RuleTruth(truth, may_turn_on=open_ and not own_unknown, may_turn_off=open_)


def run(
    ready: RulePlan,
    cells: MutableMapping[str, Cell],
    values: Values,
    bounds: Bounds,
    at: float,
    *,
    settled: bool,
) -> EvaluationTrace:
    """Advance every cell by one evaluation."""
    ran = EvaluationTrace()
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
                drop_opposite(job.opposite, cells, at, ran.before)
    return ran

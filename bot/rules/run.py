"""One evaluation of all rules: what each ladder weighs, the state of each rule, and, for the sum, what is certain and
what is possible of those that vote.

A condition on a fact that is not known is *open* where its whole family is unheard (with more heard it could be
anything) and *untold* where the family is heard and this one fact is not: nobody fills it in, so it turns nothing on
and clears nothing."""

from collections.abc import Mapping, MutableMapping

from msgspec import Struct, field

from bot.domain.judgement import Phase, Truth
from bot.rules.plan import Ask, Edges, Job, RulePlan
from bot.rules.states import OPEN, UNTOLD, Cell, advance, follow, remembers, settle, settle_followed
from bot.rules.truth import Bounds, Values
from bot.rules.yardstick import Weighed

FALSE, TRUE = 0, 3
"""With UNTOLD and OPEN between them: a conjunction is the least of its parts."""


class EvaluationTrace(Struct, frozen=True):
    """What one evaluation left beside the cells: what each ladder weighs whose fact is known, the families that are
    unheard, the phase before of each rule that changed it, what is to be announced of which rule, and of each rule
    that may turn the stance the truth by its way in. `awake` has the rules that are not known to be off as before:
    every one that is on is among them. `shaky` names the rules that facts of other families could still
    turn (editions that judge by score)."""

    weighed: dict[str, Weighed] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    before: dict[str, Phase] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    turning: dict[str, int] = field(default_factory=dict)
    awake: list[Job] = field(default_factory=list)
    shaky: set[str] = field(default_factory=set)


def run(
    ready: RulePlan,
    cells: MutableMapping[str, Cell],
    values: Values,
    bounds: Bounds,
    at: float,
    *,
    settled: bool,
    held: bool = False,
) -> EvaluationTrace:
    """Advance every cell by one evaluation: `settled` as if each value had held long enough, `held` so that what is
    unknown has been so for long as well."""
    ran = EvaluationTrace(weighed=weigh(ready, values), gone=unheard(ready, values))
    seen = with_ranks(ready, values, ran.weighed)
    scene = EvaluationScene(seen, bounds, at, settled or held, held)
    settling, awake = settled or held, ran.awake
    for job, name, first, wants_more, edge, others in ready.lineup:
        cell = cells[name]
        steady = None if settling else cell.steady
        if steady == "false" and cell.possible == "off":
            # Most rules are off and stay so: one of their numbers is short of its way in, and nothing else matters.
            value = seen.get(first)
            is_short = value is not None and (value <= edge if wants_more else value >= edge)
            if (
                (is_short and not (bounds and wants_more and first in bounds))
                or (others and _is_short(others, seen, bounds))
                or (job.asks and _is_asked_in_vain(job, cells))
            ):
                cell.evaluated = at
                if job.rule.turns:
                    ran.turning[name] = FALSE
                continue
        awake.append(job)
        if steady == "true" and not job.asks and not job.rule.turns:
            # And of those that are on most stay so: every number is known and inside its way out.
            for fact, above, _, way_out in job.numbers:
                value = seen.get(fact)
                if value is None or fact in bounds or (value <= way_out if above else value >= way_out):
                    break
            else:
                if not job.followed or cell.certain == "on":
                    cell.evaluated = cell.was_on = at
                    continue
        advance_rule(ready, job, cells, scene, ran)
    return ran


def _is_short(edges: Edges, values: Values, bounds: Bounds) -> bool:
    """Whether one of some numbers is short of its way in, beyond doubt."""
    for fact, above, edge in edges:
        value = values.get(fact)
        is_short = value is not None and (value <= edge if above else value >= edge)
        if is_short and (not above or fact not in bounds):
            return True
    return False


def stays_off(job: Job, cell: Cell, values: Values, bounds: Bounds) -> bool:
    """Whether a rule that is off, as it was settled, stays off at some values, beyond doubt: one of its numbers is short of
    its way in. One that may turn the stance is looked at all the same."""
    is_off = cell.phase == "off" and cell.certain == "off" and cell.possible == "off"
    return is_off and not job.rule.turns and _is_short(job.edges, values, bounds)


def _is_asked_in_vain(job: Job, cells: Mapping[str, Cell]) -> bool:
    """Whether a rule that it asks for is, beyond doubt, not as it is asked for. What must be may be."""
    for ask in job.asks:
        if ask.counting and ask.ladder is not None:
            continue
        cell = cells[ask.rule]
        if ask.on:
            is_off = cell.phase == "off" or cell.phase == "pending"  # noqa: PLR1714
            if is_off and not cell.may:
                return True
        elif cell.votes and cell.must:
            return True
    return False


class EvaluationScene(Struct, frozen=True):
    """What every rule of one evaluation looks at: the known values and their ranks, which of them are lower bounds, the
    time in seconds, and how it is judged (as `run` takes it)."""

    values: Values
    bounds: Bounds
    at: float
    settled: bool
    held: bool


def weigh(ready: RulePlan, values: Values) -> dict[str, Weighed]:
    """What each ladder whose fact is known weighs."""
    return {
        one.ladder: one.weigh(value)
        for one in ready.yardsticks.values()
        if (value := values.get(one.fact)) is not None
    }


def unheard(ready: RulePlan, values: Values) -> frozenset[str]:
    """The families of which no anchor is known, those left out that this installation does not have."""
    return frozenset(
        [
            family
            for family, anchors in ready.anchors
            if family not in ready.without and values.keys().isdisjoint(anchors)
        ]
    )


def with_ranks(ready: RulePlan, values: Values, weighed: Mapping[str, Weighed]) -> Values:
    """The values, and beside them the rank of each fact that is judged by its own past."""
    ranks = {
        one.rank_name: found.rank
        for one in ready.ranked
        if (found := weighed.get(one.ladder)) is not None and found.rank is not None
    }
    return {**values, **ranks} if ranks else values


def advance_rule(
    ready: RulePlan, job: Job, cells: MutableMapping[str, Cell], scene: EvaluationScene, ran: EvaluationTrace
) -> None:
    """One rule by one evaluation; the rules that it asks for were evaluated before."""
    cell, at = cells[job.id], scene.at
    phase = cell.phase
    remembered = phase == "on" or (phase == "unknown" and remembers(cell, at))
    entry, stays = _grades(job, scene.values, scene.bounds, ran.gone)
    told = stays if remembered else entry
    for ask in job.asks:
        told = min(told, _asked_by_phase(ready, ask, cells, ran))
        part = _asked(ready, ask, cells, ran)
        entry, stays = min(entry, part), min(stays, part)
    if job.rule.turns:
        ran.turning[job.id] = entry
    truth: Truth = "true" if told == TRUE else "false" if told == FALSE else "unknown"
    if scene.settled:
        if job.followed:
            settle_followed(cell, entry, stays, forgets=scene.held)
        settle(cell, truth, at, forgets=scene.held)
    else:
        if job.followed:
            follow(cell, entry, stays, at, wait=job.wait, keep=job.keep, hold=ready.hold)
        if truth == cell.steady:
            cell.evaluated = at
            if phase == "on":
                cell.was_on = at
        elif said := advance(cell, truth, at, wait=job.wait, keep=job.keep, hold=ready.hold):
            ran.told[job.id] = said
    if cell.phase != phase:
        ran.before.setdefault(job.id, phase)
        if job.opposite and cell.phase == "on":
            drop_opposite(job.opposite, cells, at, ran.before)


def _grades(job: Job, values: Values, bounds: Bounds, gone: frozenset[str]) -> tuple[int, int]:
    """The conjunction of a rule's own conditions, by the ways in and by the ways out. A lower bound can make `above`
    true and never false, `below` false and never true."""
    entry = stays = TRUE
    for number, (fact, above, way_in, way_out) in enumerate(job.numbers):
        value = values.get(fact)
        if value is None:
            grade = OPEN if job.tests[number].family in gone else UNTOLD
            entry, stays = min(entry, grade), min(stays, grade)
        elif above:
            short = UNTOLD if fact in bounds else FALSE
            if value <= way_in:
                entry = min(entry, short)
            if value <= way_out:
                stays = min(stays, short)
        else:
            if value >= way_in:
                entry = FALSE
            elif fact in bounds:
                entry = min(entry, UNTOLD)
            if value >= way_out:
                stays = FALSE
            elif fact in bounds:
                stays = min(stays, UNTOLD)
        if stays == FALSE:
            return FALSE, FALSE
    return entry, stays


def _asked_by_phase(ready: RulePlan, ask: Ask, cells: Mapping[str, Cell], ran: EvaluationTrace) -> int:
    if ask.counting and ask.ladder is not None:
        grade = _counting(ready, ask, ran)
        return UNTOLD if grade == OPEN else grade
    cell = cells[ask.rule]
    if cell.phase == "unknown":
        # What was never told and could not be on is as good as off.
        return TRUE if not ask.on and not cell.may else UNTOLD
    return TRUE if cell.votes == ask.on else FALSE


def _asked(ready: RulePlan, ask: Ask, cells: Mapping[str, Cell], ran: EvaluationTrace) -> int:
    if ask.counting and ask.ladder is not None:
        return _counting(ready, ask, ran)
    cell = cells[ask.rule]
    sure = cell.must if ask.on else not cell.may
    never = not cell.may if ask.on else cell.must
    return TRUE if sure else FALSE if never else OPEN


def _counting(ready: RulePlan, ask: Ask, ran: EvaluationTrace) -> int:
    """Whether a ladder weighs enough on the side of the step that is asked for."""
    for one in ready.group_of[ask.ladder or ""]:
        found = ran.weighed.get(one.ladder)
        if found is not None:
            return TRUE if ask.sign * found.book >= ready.counts_from else FALSE
    return OPEN if ask.family in ran.gone else UNTOLD


def drop_opposite(
    names: tuple[str, ...], cells: Mapping[str, Cell], at: float, before: dict[str, Phase]
) -> None:
    """A step on the other side of a ladder has taken over: these have nothing left to wait for."""
    for name in names:
        cell = cells[name]
        if cell.phase == "recovering":
            before.setdefault(name, cell.phase)
            cell.phase = "off"
            cell.since = at
            cell.steady = None

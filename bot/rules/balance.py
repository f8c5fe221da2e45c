"""The balance: what all families come to, −100 (all caution) … +100 (all bullish), a range where something is unknown.

A family's steps are the strongest on each side, added: max(0, the highest) + min(0, the lowest) of what its ladders
weigh and its rules vote, a rule that another one sums up left out. So they move continuously with each fact, and a
rule that comes on or goes off moves them by its vote at most. balance = 100 · Σ w·p / (2 Σ w) over the families that
count; one that is unheard may stand anywhere in [−2, 2], a rule that is possible and not certain may be on or
off."""

from collections.abc import Mapping

from msgspec import Struct

from bot.domain.rulebook import Lean
from bot.rules.plan import RulePlan
from bot.rules.run import EvaluationTrace
from bot.rules.states import Cell
from bot.rules.yardstick import STEPS, Weighed, Yardstick


class FamilySteps(Struct, frozen=True, kw_only=True):
    """What one family comes to: the lowest and the highest, `reach`, its middle without the cap, and `told`, what it
    comes to by the rules that are on."""

    low: float
    high: float
    reach: float
    told: float = 0.0

    @property
    def middle(self) -> float:
        """Half way between the lowest and the highest."""
        return (self.low + self.high) / 2.0


class Sum(Struct, frozen=True, kw_only=True):
    """All families in numbers. `balance` is the range of the balance, `coverage` the known share of the weight, `hot`
    whether a level called overheated counts (None: it cannot be told), `hot_in` the families in which it does;
    `counts_from` so many steps a family leans."""

    balance: tuple[float, float]
    coverage: float
    families: Mapping[str, FamilySteps]
    hot: bool | None
    hot_in: frozenset[str]
    counts_from: float

    @property
    def leans(self) -> Mapping[str, Lean]:
        """The lean of each known family."""
        return {
            family: _lean(steps, self.counts_from, hot=family in self.hot_in)
            for family, steps in self.families.items()
        }


def add_up(ready: RulePlan, cells: Mapping[str, Cell], ran: EvaluationTrace) -> Sum:
    """The sum after an evaluation."""
    families = {
        family: steps_of(ready, family, cells, ran.weighed)
        for family in ready.of_family
        if family not in ready.without and family not in ran.gone
    }
    return sum_of(ready, families, hot_families(ready, ran.weighed), ran.gone)


def sum_of(
    ready: RulePlan, families: Mapping[str, FamilySteps], hot: frozenset[str], gone: frozenset[str]
) -> Sum:
    """The sum of what the known families come to."""
    low = high = known = 0.0
    for family, weight in ready.weights.items():
        steps = families.get(family, _UNHEARD)
        low += weight * steps.low
        high += weight * steps.high
        known += weight if family in families else 0.0
    whole = STEPS * ready.total_weight / 100.0
    untold = any(family in gone for family in ready.overheating if family in ready.weights)
    return Sum(
        balance=(low / whole, high / whole),
        coverage=known / ready.total_weight,
        families=families,
        hot=True if hot else None if untold else False,
        hot_in=hot,
        counts_from=ready.counts_from,
    )


_UNHEARD = FamilySteps(low=-STEPS, high=STEPS, reach=0.0)


def steps_of(
    ready: RulePlan, family: str, cells: Mapping[str, Cell], weighed: Mapping[str, Weighed]
) -> FamilySteps:
    """What a known family comes to."""
    top = bottom = free_top = free_bottom = 0.0
    for group in ready.groups_of_family.get(family, ()):
        found = speaking(group, weighed)
        if found is not None:
            points, reach = found.points, found.reach
            top, bottom = points if points > top else top, points if points < bottom else bottom
            free_top = reach if reach > free_top else free_top
            free_bottom = reach if reach < free_bottom else free_bottom
    most_top, most_bottom, told_top, told_bottom = top, bottom, top, bottom
    for job in ready.voting[family]:
        cell = cells[job.id]
        if cell.phase == "off" and cell.possible == "off":
            continue  # most are
        if cell.votes and not any(cells[sum_of_it].votes for sum_of_it in job.replaced_by):
            vote = float(job.rule.vote)
            told_top, told_bottom = max(told_top, vote), min(told_bottom, vote)
        if cell.may and not any(cells[sum_of_it].must for sum_of_it in job.replaced_by):
            vote = float(job.rule.vote)
            most_top, most_bottom = max(most_top, vote), min(most_bottom, vote)
            if cell.must and not any(cells[sum_of_it].may for sum_of_it in job.replaced_by):
                top, bottom = max(top, vote), min(bottom, vote)
                free_top, free_bottom = max(free_top, vote), min(free_bottom, vote)
    return FamilySteps(
        low=top + most_bottom,
        high=most_top + bottom,
        reach=free_top + free_bottom,
        told=told_top + told_bottom,
    )


def speaking(group: tuple[Yardstick, ...], weighed: Mapping[str, Weighed]) -> Weighed | None:
    """What the first ladder of a group whose fact is known weighs."""
    for one in group:
        found = weighed.get(one.ladder)
        if found is not None:
            return found
    return None


def _lean(steps: FamilySteps, counts_from: float, *, hot: bool) -> Lean:
    """A family leans by the rules that are on, unless what is unheard could make it lean to the other side; it is neutral
    where it can lean to none."""
    if hot:
        return "overheated"
    may_fall, may_rise = steps.low <= -counts_from, steps.high >= counts_from
    if steps.told <= -counts_from and not may_rise:
        return "bearish"
    if steps.told >= counts_from and not may_fall:
        return "bullish"
    return "unclear" if may_fall or may_rise else "neutral"


def hot_families(ready: RulePlan, weighed: Mapping[str, Weighed]) -> frozenset[str]:
    """The families in which a level counts that is called overheated."""
    return frozenset(
        [
            group[0].family
            for group in ready.hot
            if (found := speaking(group, weighed)) is not None and found.hot
        ]
    )

"""A replay: the same verdicts as one evaluation after another, faster; and what an evaluation does not look at changes
nothing."""

import math
from collections.abc import Mapping
from datetime import timedelta
from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.domain.facts import OwnPast
from bot.domain.rulebook import RuleBook
from bot.metrics import CATALOG
from bot.rules import evaluate, parse, replay
from bot.rules.plan import RulePlan, plan
from bot.rules.run import EvaluationScene, EvaluationTrace, advance_rule, run, unheard, weigh, with_ranks
from bot.rules.states import Cell
from tests.rules.make import ARTICLE, CALM, HOUR, NOON, STRONG, book, facts, few_or_many, files, markets, play


@given(samples=st.lists(markets(), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_replay_gives_the_verdicts_of_single_evaluations(samples: list[dict[str, float]]) -> None:
    one_by_one = [judgement.verdict for judgement in play(samples)]
    names = {name for sample in samples for name in sample}
    columns = {name: [sample.get(name) for sample in samples] for name in names}
    moments = list(
        replay(book(), [NOON + number * HOUR for number in range(len(samples))], columns, asset="BTC")
    )
    for moment, verdict in zip(moments, one_by_one, strict=True):
        assert (moment.stance, moment.confidence, moment.score) == (
            verdict.stance,
            verdict.confidence,
            verdict.score,
        )
        assert moment.families == verdict.families
        assert moment.counts == {finding.rule for finding in verdict.findings}


def test_nan_and_none_are_unknown() -> None:
    times = [NOON, NOON + HOUR, NOON + 2 * HOUR]
    first, second, third = replay(book(), times, {"basis_60d_pct": [4.0, math.nan, None]})
    assert first.families == {"basis": "bearish"}
    assert second.families == third.families == {}
    assert third.counts == {"basis-weak"}


def test_a_replay_goes_on_from_what_was_remembered() -> None:
    signals = play([{"basis_60d_pct": 7.0}, {"basis_60d_pct": 4.0}])[-1].signals
    (moment,) = replay(book(), [NOON + 2 * HOUR], {"basis_60d_pct": [4.0]}, signals=signals)
    assert moment.counts == {"basis-weak"}
    assert [(change.before, change.after, change.told) for change in moment.changed] == [
        ("pending", "on", "on")
    ]


def test_a_year_of_steady_hours_remembers_as_much_as_a_day() -> None:
    day = play([{"basis_60d_pct": 7.0}] * 24)[-1]
    at = NOON + 24 * HOUR
    late = evaluate(book(), facts({"basis_60d_pct": 7.0}, at), day.signals, at).signals["basis-weak"]
    assert late.changes == "0" * 20
    assert late.evaluated_at - day.signals["basis-weak"].evaluated_at == timedelta(hours=1)


def advance_all(
    ready: RulePlan, cells: dict[str, Cell], values: Mapping[str, float], bounds: frozenset[str], at: float
) -> EvaluationTrace:
    """An evaluation that looks at every part of every rule, whatever it knows of it."""
    ran = EvaluationTrace(weighed=weigh(ready, values), gone=unheard(ready, values))
    seen = with_ranks(ready, values, ran.weighed)
    for job in ready.jobs:
        scene = EvaluationScene(seen, bounds, at, settled=False, held=False)
        advance_rule(ready, job, cells, scene, ran)
    return ran


@cache
def book_asking(phase: str) -> RuleBook:
    """The rule book, or one in which whoever asks for a rule that is on asks for one that is off."""
    return parse(
        {name: text.replace('is = "on"', f'is = "{phase}"') for name, text in files().items()}, CATALOG
    )


OF_PRICE = ["rebound_pct", "hours_since_low", "drawdown_pct", "spot_usd.change_7d_pct"]
CONFIRMED = {"basis_60d_pct": 12.0, "rebound_pct": 12.0, "hours_since_low": 24.0, "drawdown_pct": -3.0}
FALLEN = {"open_interest_usd.change_7d_pct": -20.0}
DEEP = {"funding_annual_pct": -17.0}
BETWEEN = {"open_interest_usd.change_7d_pct": -12.0}


@few_or_many
def test_what_an_evaluation_does_not_look_at_would_change_nothing(examples: int) -> None:
    """Rules that were off, or on, for a day are no longer looked at in full: so a market holds for two days, and then some
    facts move at a time, or are lost, or become lower bounds."""
    asked = sorted(book().asks)

    @settings(max_examples=max(25, examples // 5), deadline=None)
    @given(
        first=markets(),
        moves=st.lists(
            st.tuples(
                markets(),
                st.lists(st.sampled_from(asked), max_size=12),
                st.lists(st.sampled_from(asked), max_size=12),
                st.sampled_from([1, 3, 26]),
            ),
            min_size=1,
            max_size=6,
        ),
        asset=st.sampled_from(["BTC", "SOL"]),
        days=st.sampled_from([None, 20, 365]),
        phase=st.sampled_from(["on", "off"]),
    )
    @example(
        first=CALM,
        moves=[(one, asked, [], 26) for one in (ARTICLE, STRONG, CALM, ARTICLE)],
        asset="BTC",
        days=365,
        phase="on",
    )
    @example(  # what was on is lost for an hour, comes back short of its way in, and goes beyond it: now it is certain
        first=CALM | FALLEN,
        moves=[({}, [*FALLEN], [], 1), (BETWEEN, [*FALLEN], [], 3), (FALLEN, [*FALLEN], [], 26)],
        asset="BTC",
        days=None,
        phase="on",
    )
    @example(  # what is asked for is off, then nothing is heard of its family: it may be on
        first=CALM | CONFIRMED | {"rebound_pct": 2.0},
        moves=[({}, OF_PRICE, [], 5)],
        asset="BTC",
        days=None,
        phase="on",
    )
    @example(  # what is asked to be off is on, then nothing is heard of its family: it may be off
        first=CALM | CONFIRMED, moves=[({}, OF_PRICE, [], 5)], asset="BTC", days=None, phase="off"
    )
    @example(  # what is asked to be off is certain while it still waits, for an hour of its wait was not told
        first=CALM | CONFIRMED | {"rebound_pct": 2.0},
        moves=[
            (CONFIRMED, ["rebound_pct"], [], 1),
            ({}, ["hours_since_low"], [], 1),
            (CONFIRMED | {"basis_60d_pct": 2.0}, ["hours_since_low", "basis_60d_pct"], [], 2),
        ],
        asset="BTC",
        days=None,
        phase="off",
    )
    @example(  # what is bounded from one side is untold, and after some hours neither possible nor waiting to be certain
        first=CALM | DEEP,
        moves=[({}, [], [*DEEP], 1), ({}, [], [], 1), ({}, [], [*DEEP], 26), ({}, [], [], 2)],
        asset="BTC",
        days=None,
        phase="on",
    )
    def holds(
        first: dict[str, float],
        moves: list[tuple[dict[str, float], list[str], list[str], int]],
        asset: str,
        days: int | None,
        phase: str,
    ) -> None:
        asking = book_asking(phase)
        pasts = days and {
            name: OwnPast(fact=name, quantiles=(-4.0, -1.0, 2.0, 5.0, 9.0), days=days)
            for name in asking.with_past
        }
        ready = plan(asking, NOON.date(), {}, asset, (), pasts or None)
        quick, whole = ({name: Cell() for name in book().order} for _ in range(2))
        values, at = dict(first), NOON.timestamp()
        for other, moved, lower, hours in [({}, [], [], 48), *moves]:
            values |= {name: other[name] for name in moved if name in other}
            for name in set(moved) - other.keys():
                values.pop(name, None)
            bounds = frozenset(name for name in lower if name in values)
            for _ in range(hours):
                at += HOUR.total_seconds()
                one = run(ready, quick, values, bounds, at, settled=False)
                full = advance_all(ready, whole, values, bounds, at)
                assert quick == whole
                assert all(cell.may or not cell.must for cell in quick.values())
                assert all(cell.possible == "on" or cell.certain != "on" for cell in quick.values())
                assert all(cell.certain == "off" or cell.possible != "off" for cell in quick.values())
                assert (one.before, one.told, one.turning) == (full.before, full.told, full.turning)
                on = {job.id for job in ready.jobs if quick[job.id].votes}
                assert on <= {job.id for job in one.awake}

    holds()

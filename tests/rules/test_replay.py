"""A replay: the same verdicts as one evaluation after another, faster."""

import math
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.rules import evaluate, replay
from tests.rules.make import HOUR, NOON, book, facts, markets, play


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

"""The life of one rule: waiting, lingering, silence, and what is said aloud."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.rulebook import Condition
from bot.rules import Judgement, Replay, evaluate, replay
from bot.rules.states import Cell, advance, cell_of, remembers, signal_of
from tests.rules.make import HOUR, NOON, book, facts, few_or_many, markets, on, play, settled, turning_points

WEAK, FIRM, CALM = {"basis_60d_pct": 4.0}, {"basis_60d_pct": 12.0}, {"basis_60d_pct": 7.0}
HELD = {"wait": 3600.0, "keep": 3 * 3600.0, "hold": 6 * 3600.0}


def phases(judgements: list[Judgement], rule: str = "basis-weak") -> list[str]:
    return [judgement.signals[rule].phase for judgement in judgements]


def announcements(judgements: list[Judgement], rule: str) -> list[tuple[int, str]]:
    return [
        (number, change.told)
        for number, judgement in enumerate(judgements)
        for change in judgement.changed
        if change.rule == rule and change.told
    ]


def test_the_first_truth_ever_is_taken_at_once() -> None:
    assert phases(play([WEAK])) == ["on"]
    assert phases(play([CALM])) == ["off"]
    assert phases(play([{}])) == ["unknown"]
    assert play([{}])[0].signals["basis-weak"].since == NOON


def test_a_rule_comes_on_after_an_hour_and_goes_off_after_three() -> None:
    told = play([CALM, WEAK, WEAK, CALM, CALM, CALM, CALM])
    assert phases(told) == ["off", "pending", "on", "recovering", "recovering", "recovering", "off"]


def test_on_held_and_recovering_vote() -> None:
    told = play([CALM, WEAK, WEAK, {}, CALM])
    assert ["basis-weak" in on(judgement) for judgement in told] == [False, False, True, True, True]
    assert told[3].signals["basis-weak"].held
    assert [missing.fact for missing in told[3].verdict.missing if missing.fact] == ["basis_60d_pct"]


def test_a_rule_that_is_on_is_judged_by_its_way_out() -> None:
    between = {"basis_60d_pct": 5.5}
    assert phases(play([CALM, between, between]))[-1] == "off"
    assert phases(play([WEAK, between, between]))[-1] == "on"


def test_time_in_which_the_bot_was_down_does_not_count() -> None:
    first = play([CALM, {"basis_60d_pct": 7.0}, WEAK])[-1]
    pending = evaluate(book(), facts(WEAK, NOON + 2.5 * HOUR), first.signals, NOON + 2.5 * HOUR)
    assert pending.signals["basis-weak"].phase == "pending"
    recovering = play([WEAK, CALM])[-1]
    late = NOON + 12 * HOUR
    back = evaluate(book(), facts(CALM, late), recovering.signals, late)
    assert back.signals["basis-weak"].phase == "recovering"
    assert back.signals["basis-weak"].observed_s == 3600


def test_an_episode_that_silence_interrupts_is_announced_once() -> None:
    told = play([CALM, WEAK, WEAK, *[{}] * 9, WEAK, WEAK])
    assert phases(told)[-2:] == ["on", "on"]
    assert announcements(told, "basis-weak") == [(2, "on")]


def test_a_rule_that_silence_swallowed_is_cleared_when_the_calm_is_heard() -> None:
    told = play([WEAK, *[{}] * 25, CALM])
    assert announcements(told, "basis-weak") == [(0, "on"), (26, "cleared")]


def test_an_unsettled_rule_is_muted_until_it_has_been_still_for_ten() -> None:
    restless = [CALM, WEAK] * 4
    told = play([*restless, *[CALM] * 12])
    muted = [judgement.signals["basis-weak"].muted for judgement in told]
    assert muted[4] or muted[5]
    assert not muted[-1]
    assert len(announcements(told, "basis-weak")) <= 1


@few_or_many
def test_around_a_threshold_there_is_at_most_one_announcement_in_twenty_evaluations(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(noise=st.lists(st.floats(min_value=2, max_value=9), min_size=20, max_size=20))
    def holds(noise: list[float]) -> None:
        times = [NOON + number * HOUR for number in range(21)]
        told = replay(book(), times, {"basis_60d_pct": [7.0, *noise]})
        assert (
            sum(change.rule == "basis-weak" and bool(change.told) for one in told for change in one.changed)
            <= 1
        )

    holds()


@few_or_many
def test_a_restart_at_any_step_changes_nothing(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(samples=st.lists(markets(), min_size=2, max_size=3))
    def holds(samples: list[dict[str, float]]) -> None:
        through = restarted = Replay(book())
        for number, sample in enumerate(samples):
            at = NOON + number * HOUR
            restarted = Replay(book(), signals=through.signals(), course=through.course)
            assert restarted.judge(sample, at) == through.judge(sample, at)
        assert restarted.signals() == through.signals()

    holds()


@few_or_many
@pytest.mark.parametrize("ladder", sorted(book().ladders))
def test_no_ladder_steps_back_as_its_fact_moves_on(ladder: str, examples: int) -> None:
    steps = book().ladders[ladder].steps
    fact = book().ladders[ladder].fact
    low = [name for name in steps if isinstance(part := book().rules[name].when[0], Condition) and part.below]
    order = [*low, "", *(name for name in steps if name not in low)]

    @settings(max_examples=max(10, examples // 10), deadline=None)
    @given(values=st.lists(st.sampled_from(turning_points()[fact]), min_size=2, max_size=6))
    def holds(values: list[float]) -> None:
        places = [
            order.index(next(iter(on(settled({fact: value})) & set(steps)), "")) for value in sorted(values)
        ]
        assert places == sorted(places)

    holds()


def test_escalation_goes_from_weak_to_backwardation() -> None:
    told = play([{"basis_60d_pct": value} for value in (4, 2, -1, -8)])
    assert [on(judgement) for judgement in told] == [
        {"basis-weak"},
        {"basis-weak"},
        {"basis-backwardation"},
        {"basis-backwardation"},
    ]


def test_the_other_side_of_a_ladder_ends_the_lingering() -> None:
    told = play([WEAK, FIRM, FIRM])
    assert on(told[1]) == {"basis-weak"}
    assert on(told[2]) == {"basis-firm"}
    assert told[2].signals["basis-weak"].phase == "off"


def test_a_rule_without_a_wait_comes_on_and_goes_off_at_once() -> None:
    cell = Cell(phase="off", evaluated=0.0)
    seen = []
    for minute, truth in enumerate((True, False), 1):
        advance(cell, "true" if truth else "false", 60.0 * minute, wait=0.0, keep=0.0, hold=60.0)
        seen.append(cell.phase)
    assert seen == ["on", "off"]


def test_a_day_of_silence_begins_a_new_episode() -> None:
    cell = Cell(phase="unknown", evaluated=0.0, was_on=0.0, announced=True, told_ago=20)
    advance(cell, "true", 25 * 3600.0, **HELD)
    assert (cell.phase, cell.announced) == ("pending", False)
    fresh = Cell(phase="unknown", evaluated=0.0, was_on=0.0, announced=True, told_ago=20)
    advance(fresh, "true", 23 * 3600.0, **HELD)
    assert (fresh.phase, fresh.announced) == ("on", True)


def test_a_signal_survives_the_way_to_a_cell_and_back() -> None:
    signal = play([CALM, WEAK, {}])[-1].signals["basis-weak"]
    odd = replace(signal, changes="0101", muted=True, told_ago=3, announced=True)
    assert signal_of("basis-weak", cell_of(odd)) == odd


# ── ends, to the second ─────────────────────────────────────────────────────────────────────────────────────

DAY_S = 24 * 3600.0


@pytest.mark.parametrize(("silent_s", "same"), [(DAY_S, True), (DAY_S + 1.0, False)])
def test_an_episode_goes_on_after_a_day_of_silence_and_no_longer(silent_s: float, same: bool) -> None:
    """Judged by its way out, as a rule that is on, or by its way in, as one that is not."""
    cell = Cell(phase="unknown", evaluated=0.0, was_on=0.0)
    assert remembers(cell, silent_s) is same
    advance(cell, "true", silent_s, **HELD)
    assert cell.phase == ("on" if same else "pending")


def test_a_rule_that_was_never_on_remembers_nothing() -> None:
    assert not remembers(Cell(phase="unknown", evaluated=0.0), 0.0)
    assert not remembers(Cell(phase="off", evaluated=0.0, was_on=0.0), 0.0)
    assert remembers(Cell(phase="on", evaluated=0.0, was_on=0.0), 9 * DAY_S)


@pytest.mark.parametrize(
    ("truth", "phase", "held_s", "after"),
    [("true", "pending", 3600.0, "on"), ("false", "recovering", 3 * 3600.0, "off")],
)
def test_waiting_and_lingering_end_with_the_second(truth: str, phase: str, held_s: float, after: str) -> None:
    def phase_after(seconds: float) -> str:
        cell = Cell(phase=phase, evaluated=0.0, observed=held_s - 600.0)  # type: ignore[arg-type]
        advance(cell, truth, seconds, **HELD)  # type: ignore[arg-type]
        return cell.phase

    assert [phase_after(seconds) for seconds in (599.0, 600.0)] == [phase, after]


@pytest.mark.parametrize(("silent_s", "phase"), [(6 * 3600.0 - 1.0, "on"), (6 * 3600.0, "unknown")])
def test_a_rule_is_held_through_silence_to_the_second(silent_s: float, phase: str) -> None:
    cell = Cell(phase="on", evaluated=0.0, was_on=0.0)
    advance(cell, "unknown", 60.0, **HELD)
    advance(cell, "unknown", 60.0 + silent_s, **HELD)
    assert cell.phase == phase


def test_of_two_evaluations_far_apart_an_hour_counts_as_observed() -> None:
    cell = Cell(phase="pending", evaluated=0.0)
    advance(cell, "true", 5 * 3600.0, wait=7200.0, keep=0.0, hold=0.0)
    assert (cell.phase, cell.observed) == ("pending", 3600.0)

"""The balance: continuous and monotone in each fact, a range that only widens with less heard, a stance that turns once a day
and remembers what a restart would take away."""

import gc
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.facts import OwnPast
from bot.domain.judgement import Course, Signal
from bot.domain.readings import Quantity
from bot.domain.rulebook import UsualRange
from bot.rules import JudgedMoment, Replay, evaluate
from bot.rules.plan import RulePlan, family_of, plan
from bot.rules.yardstick import Yardstick, yardstick
from tests.rules.make import ARTICLE, CALM, HOUR, NOON, book, facts, families, few_or_many, markets, without

DAY = timedelta(days=1)
SURE = {"low": 0, "medium": 1, "high": 2}
LEANS = {"bearish", "bullish", "overheated"}
THOUSANDTH = 0.001
PASTS = {
    "skew_60d_pct": (9.5, 11.4, 14.1, 17.3, 18.8),
    "skew_30d_pct": (9.2, 11.4, 14.0, 18.1, 20.6),
    "basis_60d_pct": (1.1, 1.7, 2.5, 4.0, 4.4),
    "funding_annual_pct": (-6.1, -1.6, 1.6, 5.6, 8.9),
    "spot_usd.change_7d_pct": (-9.0, -3.5, 0.4, 4.0, 8.0),
}


def own_pasts(days: int = 365) -> Mapping[str, OwnPast]:
    return {name: OwnPast(fact=name, quantiles=marks, days=days) for name, marks in PASTS.items()}


def yardsticks(days: int = 365) -> list[Yardstick]:
    return [
        yardstick(book(), ladder, date(2026, 5, 1), None, asset, own_pasts(days))
        for ladder in book().ladders.values()
        for asset in ("BTC", "SOL")
    ]


# ── one level ───────────────────────────────────────────────────────────────────────────────────────────────


@given(number=st.integers(0, 10_000), days=st.sampled_from([0, 1, 20, 45, 365]), place=st.floats(-40, 40))
@settings(max_examples=300, deadline=None)
def test_what_a_level_weighs_moves_by_less_than_a_hundredth_for_a_thousandth_of_interest(
    number: int, days: int, place: float
) -> None:
    """In points of the balance that is less than 0.1: the heaviest family weighs 12 points a step."""
    all_of_them = yardsticks(days)
    one = all_of_them[number % len(all_of_them)]
    value = place * one.unit
    moved = one.weigh(value + THOUSANDTH * one.unit).points - one.weigh(value).points
    assert abs(moved) * 12.0 < 0.1


@given(number=st.integers(0, 10_000), low=st.floats(-40, 40), way=st.floats(0, 20))
@settings(max_examples=300, deadline=None)
def test_what_a_level_weighs_goes_one_way_up_to_where_it_is_called_overheated(
    number: int, low: float, way: float
) -> None:
    all_of_them = yardsticks()
    one = all_of_them[number % len(all_of_them)]
    first, second = low * one.unit, (low + way) * one.unit
    if one.high.hot is not None:
        first, second = min(first, one.high.hot), min(second, one.high.hot)
    before, after = one.weigh(first).points, one.weigh(second).points
    rising = (one.high.sign or one.high.pull or -one.low.sign) >= 0
    assert after - before >= -1e-9 if rising else after - before <= 1e-9


def test_a_level_outside_the_book_counts_as_far_as_it_is_high_for_its_own_past() -> None:
    skew = next(one for one in yardsticks() if one.ladder == "skew-60d" and one.book)
    young = next(one for one in yardsticks(0) if one.ladder == "skew-60d" and one.book)
    assert skew.weigh(12.0).points == 0.0  # two steps by the book, rank 25 of its year
    assert young.weigh(12.0).points == -2.0  # nothing is known of its year: the book alone
    assert skew.weigh(14.1).points == pytest.approx(-1.0)  # rank 50: half
    assert skew.weigh(19.3).points == pytest.approx(-2.0)
    assert skew.weigh(19.3).rank == pytest.approx(95.0)  # the marks stand a unit of interest apart
    half = next(one for one in yardsticks(22) if one.ladder == "skew-60d" and one.book)
    assert -2.0 < half.weigh(12.0).points < 0.0


def test_an_absolute_step_needs_no_yardstick() -> None:
    calm_year = {"basis_60d_pct": OwnPast(fact="basis_60d_pct", quantiles=(-9, -8, -7, -6, -5), days=365)}
    one = yardstick(book(), book().ladders["basis"], date(2026, 5, 1), None, "BTC", calm_year)
    assert one.weigh(-2.0).points == -2.0


LEVELS = [
    (one.fact, one.unit, one)
    for one in (
        yardstick(book(), ladder, date(2026, 5, 1), None, "BTC", own_pasts())
        for ladder in book().ladders.values()
    )
]
"""Each level that weighs, with its unit of interest."""


# ── the sum ─────────────────────────────────────────────────────────────────────────────────────────────────


@few_or_many
def test_the_balance_is_continuous_and_a_state_moves_it_by_its_vote_and_no_more(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(market=markets(), number=st.integers(0, 100), place=st.floats(-3, 3))
    def holds(market: dict[str, float], number: int, place: float) -> None:
        fact, unit, _ = LEVELS[number % len(LEVELS)]
        value = market.get(fact, 0.0) + place * unit
        here, there = judged({**market, fact: value}), judged({**market, fact: value + THOUSANDTH * unit})
        assert here[1].balance is not None
        assert there[1].balance is not None
        allowed = 0.1 + by_votes(changed(here, there))
        for mine, theirs in zip(here[1].balance, there[1].balance, strict=True):
            assert abs(mine - theirs) <= allowed

    holds()


@few_or_many
def test_while_no_state_changes_the_balance_goes_one_way_with_each_level(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(market=markets(), number=st.integers(0, 100), place=st.floats(-3, 3), way=st.floats(0, 3))
    def holds(market: dict[str, float], number: int, place: float, way: float) -> None:
        fact, unit, one = LEVELS[number % len(LEVELS)]
        low = market.get(fact, 0.0) + place * unit
        low, high = (min(value, one.high.hot or value) for value in (low, low + way * unit))
        here, there = judged({**market, fact: low}), judged({**market, fact: high})
        assert here[1].balance is not None
        assert there[1].balance is not None
        rising = 1.0 if (one.high.sign or one.high.pull or -one.low.sign) >= 0 else -1.0
        voted = by_votes(changed(here, there))
        for mine, theirs in zip(here[1].balance, there[1].balance, strict=True):
            assert rising * (theirs - mine) >= -1e-9 - voted

    holds()


def changed(here: tuple[Replay, JudgedMoment], there: tuple[Replay, JudgedMoment]) -> list[str]:
    """The rules that are in another state, apart from the steps of ladders: their votes are what the level weighs."""
    before, after = phases(here), phases(there)
    return [name for name in before if before[name] != after[name] and book().rules[name].ladder is None]


def by_votes(names: list[str]) -> float:
    """How far the states of some rules may move the balance: by their votes, and those of the parts that they sum up."""
    total = sum(family.weight for family in book().families.values())
    rules = [book().rules[name] for name in names]
    moved = 0.0
    for rule in rules:
        parts = [book().rules[part] for part in rule.replaces]
        votes = abs(rule.vote) + max((abs(part.vote) for part in parts), default=0)
        moved += 100.0 * book().families[rule.family].weight * votes / (2.0 * total)
    return moved


def judged(market: Mapping[str, float]) -> tuple[Replay, JudgedMoment]:
    following = Replay(book(), asset="BTC")
    return following, following.judge(market, NOON, pasts=own_pasts(), settled=True)


def phases(told: tuple[Replay, JudgedMoment]) -> dict[str, tuple[str, str]]:
    return {name: (cell.certain, cell.possible) for name, cell in told[0].cells.items()}


# ── less heard, over days ───────────────────────────────────────────────────────────────────────────────────


@few_or_many
def test_less_heard_over_days_never_turns_a_lean_and_never_raises_confidence(examples: int) -> None:
    @settings(max_examples=examples if examples > 100 else 10, deadline=None)
    @given(days=st.lists(markets(), min_size=1, max_size=6), removed=families(), first=st.integers(0, 5))
    def holds(days: list[dict[str, float]], removed: set[str], first: int) -> None:
        whole, less = Replay(book(), asset="BTC"), Replay(book(), asset="BTC")
        for number, market in enumerate(days):
            heard = without(market, removed) if number >= first else market
            for part in range(4):
                at = NOON + number * DAY + part * 6 * HOUR
                mine, theirs = (
                    whole.judge(market, at, pasts=own_pasts()),
                    less.judge(heard, at, pasts=own_pasts()),
                )
                never_stronger(mine, theirs)

    holds()


def never_stronger(more: JudgedMoment, less: JudgedMoment) -> None:
    assert more.balance is not None
    assert less.balance is not None
    assert less.balance[0] <= more.balance[0] + 1e-9
    assert less.balance[1] >= more.balance[1] - 1e-9
    if less.stance in LEANS:
        assert less.stance == more.stance
    if less.stance == more.stance:
        assert SURE[less.confidence] <= SURE[more.confidence]


# ── the stance in time ──────────────────────────────────────────────────────────────────────────────────────


@given(days=st.lists(markets(), min_size=2, max_size=8))
@settings(max_examples=25, deadline=None)
def test_a_stance_turns_at_most_once_a_day_but_by_an_alarm(days: list[dict[str, float]]) -> None:
    following = Replay(book(), asset="BTC")
    turned: list[datetime] = []
    before = None
    for number in range(len(days) * 8):
        at = NOON + number * 3 * HOUR
        moment = following.judge(days[number // 8], at)
        if before is not None and moment.stance != before and "no-call" not in (moment.stance, before):
            by_alarm = following.course.turned_by is not None or "unclear" in (moment.stance, before)
            if not by_alarm:
                turned.append(at)
        before = moment.stance
    assert all(later - earlier >= DAY for earlier, later in pairwise(turned))


def test_a_restart_changes_nothing() -> None:
    hours = [CALM] * 60 + [ARTICLE] * 60
    one_by_one: list[tuple[str, object]] = []
    signals: Mapping[str, Signal] = {}
    course: Course | None = None
    following = Replay(book(), asset="BTC")
    for number, market in enumerate(hours):
        at = NOON + number * HOUR
        told = evaluate(book(), facts(market, at), signals, at, course=course)
        signals, course = dict(told.signals), told.course
        moment = following.judge(market, at)
        one_by_one.append((told.verdict.stance, told.verdict.balance))
        assert one_by_one[-1] == (moment.stance, moment.balance)
    assert one_by_one[-1][0] == "bearish"


def test_a_lean_needs_most_of_three_days_and_less_to_stay() -> None:
    following = Replay(book(), asset="BTC")
    stances = [
        following.judge(market, NOON + number * HOUR).stance
        for number, market in enumerate([CALM] * 72 + [ARTICLE] * 48 + [CALM] * 60)
    ]
    assert stances[71] == "neutral"
    assert stances[72 + 24] == "neutral"  # one day of three
    assert stances[72 + 47] == "neutral"
    assert stances[72 + 48] == "bearish"  # the hour at which it is taken
    assert stances[-1] == "neutral"


def test_days_without_data_may_have_been_anything() -> None:
    following = Replay(book(), asset="BTC")
    known = [following.judge(CALM, NOON + number * HOUR).stance for number in range(72)]
    assert known[-1] == "neutral"
    assert following.judge(CALM, NOON + 72 * HOUR + 6 * DAY).stance == "unclear"


# ── by configuration ────────────────────────────────────────────────────────────────────────────────────────


def test_a_family_that_no_source_brings_is_no_part_of_the_sum_and_a_silent_one_is_unknown() -> None:
    market = {fact: value for fact, value in CALM.items() if family_of(book(), fact) != "options"}
    known = facts(market)
    silent = evaluate(book(), known, {}, NOON, settled=True).verdict
    sought: tuple[Quantity, ...] = ("futures", "perpetuals", "funding", "index", "liquidations", "gold")
    never = evaluate(book(), replace(known, sought=sought), {}, NOON, settled=True).verdict
    assert (silent.stance, silent.balance, silent.confidence) == ("neutral", (-24.0, 24.0), "medium")
    assert [one.family for one in silent.missing] == ["options"]
    assert (never.stance, never.balance, never.without) == ("neutral", (0.0, 0.0), ("options",))
    assert [one.family for one in never.missing] == []


def test_liquidations_and_the_price_are_always_part_of_the_sum() -> None:
    verdict = evaluate(book(), replace(facts({}), sought=()), {}, NOON, settled=True).verdict
    assert set(verdict.without) == {"options", "basis", "leverage", "funding", "cross-asset"}


def confident(days: int) -> str:
    """The confidence of the article's market where every own past has so many days."""
    known: Sequence[str] = [
        *PASTS,
        "skew_90d_pct",
        "skew_7d_pct",
        "basis_90d_pct",
        "basis_30d_pct",
        "vs_gold_30d_pct",
        "vs_nasdaq_30d_pct",
    ]
    pasts = {
        name: OwnPast(
            fact=name, quantiles=(3, 5, 7, 9, 11) if "basis" in name else (-8, -4, 0, 4, 8), days=days
        )
        for name in known
    }
    return evaluate(book(), replace(facts(ARTICLE), pasts=pasts), {}, NOON, settled=True).verdict.confidence


def test_below_thirty_days_of_own_past_confidence_is_at_most_medium() -> None:
    assert [confident(29), confident(30)] == ["medium", "high"]


def test_plans_of_days_that_are_over_are_let_go_of_and_todays_is_kept() -> None:
    def made() -> int:
        gc.collect()
        return sum(isinstance(one, RulePlan) for one in gc.get_objects())

    today = {"basis_60d_pct": OwnPast(fact="basis_60d_pct", quantiles=(1, 2, 3, 4, 5), days=365)}
    kept, before = plan(book(), NOON.date(), {}, "BTC", (), today), made()
    for day in range(40):
        other = {"basis_60d_pct": OwnPast(fact="basis_60d_pct", quantiles=(1, 2, 3, 4, 5 + day), days=300)}
        plan(book(), NOON.date(), {}, "BTC", (), other)
        assert plan(book(), NOON.date(), {}, "BTC", (), today) is kept
    assert made() - before < 5


@pytest.mark.parametrize("asset", ["BTC", "SOL"])
def test_a_plan_is_the_same_whatever_pasts_the_one_before_it_stood_on(asset: str) -> None:
    own = UsualRange(since=date(2026, 1, 1), low=1.0, high=9.0, source="a server")
    ranges = {next(iter(book().ladders)): own}
    shipped = dict(list(own_pasts(45).items())[::2])
    for pasts in (None, {}, own_pasts(10), shipped, own_pasts(365)):
        after = plan(book(), NOON.date(), ranges, asset, ("options",), pasts)
        first = plan(replace(book()), NOON.date(), ranges, asset, ("options",), pasts)
        assert replace(after, reach={}) == replace(first, reach={})  # which a book's plans share

"""Symmetry: reflecting every fact about the middle of its usual range swaps a rule and its mirror."""

from collections.abc import Mapping
from functools import cache

import pytest
from hypothesis import example, given, settings

from bot.rules.plan import plan
from tests.rules.make import NOON, book, few_or_many, markets, settled

PAIRS = sorted({tuple(sorted((rule.id, rule.mirror))) for rule in book().rules.values() if rule.mirror})
OPPOSITE = {
    "rebound_pct": "drawdown_pct",
    "hours_since_low": "hours_since_high",
    "liquidations_5d_long_usd": "liquidations_5d_short_usd",
    "liquidations_24h_long_usd": "liquidations_24h_short_usd",
    "liquidations_5d_long_pct_of_oi": "liquidations_5d_short_pct_of_oi",
}
OPPOSITE |= {
    f"{ours}.times_median_90d": f"{theirs}.times_median_90d"
    for ours, theirs in OPPOSITE.items()
    if ours.startswith("liquidations_") and ours.endswith("_usd")
}
OPPOSITE |= {theirs: ours for ours, theirs in OPPOSITE.items()}
SIZES = ("liquidations_", "hours_since_")


@cache
def overheated_from() -> Mapping[str, float]:
    """Each level from which on a ladder is called overheated; there is no such thing on the other side."""
    jobs = plan(book(), NOON.date(), {}, "BTC").jobs
    return {job.tests[0].fact: job.tests[0].entry for job in jobs if job.rule.ladder and job.rule.stance}


def middle(fact: str) -> float:
    """The middle of a fact's usual range: 50 for a rank, that of its ladder where it has one, else no change:
    0."""
    if "percentile" in fact:
        return 50.0
    fact = fact.removesuffix(".before_7d")
    for ladder in book().ladders.values():
        usual = ladder.usual_on(NOON.date())
        if ladder.fact == fact and usual:
            return (usual.low + usual.high) / 2
    return 0.0


def reflected(market: Mapping[str, float]) -> dict[str, float]:
    """The market seen in a mirror: sizes keep their size and change their side."""
    return {
        OPPOSITE.get(fact, fact): value if fact.startswith(SIZES) else 2 * middle(fact) - value
        for fact, value in market.items()
    }


def test_four_directional_rules_in_five_have_a_mirror() -> None:
    directional = [rule for rule in book().rules.values() if rule.vote]
    assert sum(rule.mirror is not None for rule in directional) / len(directional) >= 0.8


@few_or_many
def test_reflecting_the_market_swaps_the_pairs(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @example(market={"basis_90d_pct": 21.0})
    @example(market={"funding_annual_pct": 45.0})
    @given(market=markets())
    def holds(market: dict[str, float]) -> None:
        for fact, most in overheated_from().items():
            if fact in market:
                market[fact] = min(market[fact], most)
        here, there = settled(market).signals, settled(reflected(market)).signals
        for one, other in PAIRS:
            assert here[one].phase == there[other].phase, (one, other)
            assert here[other].phase == there[one].phase, (one, other)

    holds()


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_a_pair_asks_for_the_same_number_of_things(one: str, other: str) -> None:
    assert len(book().rules[one].when) == len(book().rules[other].when)

"""The sum: a range where something is unknown, and less data never makes a stronger verdict."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.domain.facts import OwnPast
from bot.domain.judgement import Verdict
from bot.rules import Judgement, Replay, evaluate, with_exits
from tests.rules.make import (
    ARTICLE,
    CALM,
    HOUR,
    NOON,
    STRONG,
    book,
    facts,
    families,
    few_or_many,
    markets,
    on,
    play,
    settled,
    without,
)

LEANS = {"bearish", "bullish", "overheated"}
SURE = {"low": 0, "medium": 1, "high": 2}


def voting(judgement: Judgement) -> set[str]:
    return {name for name, signal in judgement.signals.items() if signal.votes}


def never_stronger(more: Verdict, less: Verdict) -> None:
    """What must hold between a market and the same market with whole families unheard."""
    assert less.coverage <= more.coverage
    assert less.score[0] <= more.score[0]
    assert less.score[1] >= more.score[1]
    if less.stance in LEANS:
        assert less.stance == more.stance
    if less.stance == more.stance:
        assert SURE[less.confidence] <= SURE[more.confidence]


def test_the_articles_market_calls_for_caution_with_high_confidence() -> None:
    verdict = settled(ARTICLE, lower=["liquidations_5d_long_pct_of_oi"]).verdict
    assert (verdict.stance, verdict.confidence) == ("bearish", "high")
    assert verdict.score == pytest.approx((-0.66, -0.42))
    assert {finding.rule: finding.vote for finding in verdict.findings} == {
        "skew-fear": -2,
        "basis-weak": -1,
        "oi-value-shrinks-coins-hold": 0,
        "liquidation-wave": -1,
        "rebound-unconfirmed": -1,
    }
    assert {missing.family for missing in verdict.missing} == {"funding", "cross-asset"}
    assert set(verdict.families) == {"options", "basis", "leverage", "liquidations", "price"}


def test_a_sum_of_parts_stands_on_the_facts_of_its_parts() -> None:
    found = {finding.rule: finding.facts for finding in settled(ARTICLE).verdict.findings}
    assert found["rebound-unconfirmed"] == ("rebound_pct", "hours_since_low", "basis_60d_pct")


def test_a_calm_day_is_neutral_and_a_strong_one_bullish() -> None:
    assert (settled(CALM).verdict.stance, settled(CALM).verdict.confidence) == ("neutral", "high")
    assert (settled(STRONG).verdict.stance, settled(STRONG).verdict.confidence) == ("bullish", "high")


def test_an_overheated_step_makes_its_family_and_the_market_overheated() -> None:
    verdict = settled({**STRONG, "basis_60d_pct": 22, "funding_annual_pct": 40}).verdict
    assert verdict.stance == "overheated"
    assert (verdict.families["basis"], verdict.families["funding"]) == ("overheated", "overheated")


def test_bullish_is_not_called_while_overheated_cannot_be_ruled_out() -> None:
    verdict = settled(without({**STRONG, "skew_60d_pct": -13}, ["funding"])).verdict
    assert (verdict.stance, verdict.confidence, verdict.leaning) == ("unclear", "low", "bullish")


def test_nothing_known_is_no_call_and_every_weighty_family_is_missing() -> None:
    verdict = settled({}).verdict
    assert (verdict.stance, verdict.confidence, verdict.score, verdict.coverage) == (
        "no-call",
        "low",
        (-1.0, 1.0),
        0.0,
    )
    assert len(verdict.missing) == 7
    assert verdict.families == {}


def test_volatility_weighs_nothing() -> None:
    stormy = settled({**CALM, "dvol": 90.0, "dvol.percentile_90d": 99.0, "dvol.change_24h": 20.0})
    assert "volatility-jump" in on(stormy)
    assert stormy.verdict.score == settled(CALM).verdict.score


def test_equal_and_opposite_votes_of_a_family_are_none() -> None:
    verdict = settled({"basis_60d_pct": 4, "basis_60d_pct.change_7d": 3}).verdict
    assert list(verdict.votes["basis"]) == [0, 0]
    assert verdict.families["basis"] == "neutral"


def test_a_rule_that_another_familys_fact_could_turn_makes_its_family_a_range() -> None:
    known = {"rebound_pct": 15.0, "hours_since_low": 24.0}
    assert settled(known).verdict.votes["price"] == (-1, 2)
    assert settled({**known, "basis_60d_pct": 3.0}).verdict.votes["price"] == (-1, -1)
    assert settled({**known, "basis_60d_pct": 7.0}).verdict.votes["price"] == (1, 1)
    assert settled({**known, "basis_60d_pct": 12.0}).verdict.votes["price"] == (2, 2)


def test_mixed_is_told_from_calm() -> None:
    torn = settled({**CALM, "skew_60d_pct": 8, "basis_60d_pct": 11}).verdict
    assert [torn.mixed, settled(CALM).verdict.mixed] == [True, False]


@few_or_many
def test_less_data_never_makes_a_stronger_verdict(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(market=markets(), removed=families())
    def holds(market: Mapping[str, float], removed: set[str]) -> None:
        never_stronger(settled(market).verdict, settled(without(market, removed)).verdict)

    holds()


@few_or_many
def test_less_data_never_makes_a_stronger_verdict_in_the_midst_of_time(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(past=st.lists(markets(), max_size=4), market=markets(), removed=families())
    def holds(past: list[Mapping[str, float]], market: Mapping[str, float], removed: set[str]) -> None:
        remembered = Replay(book())
        for number, sample in enumerate(past):
            remembered.judge(sample, NOON + number * HOUR)
        signals, at = remembered.signals(), NOON + len(past) * HOUR
        more = evaluate(book(), facts(market, at), signals, at)
        less = evaluate(book(), facts(without(market, removed), at), signals, at)
        never_stronger(more.verdict, less.verdict)

    holds()


@few_or_many
def test_a_missing_fact_never_turns_a_rule_on_and_never_clears_one(examples: int) -> None:
    @settings(max_examples=examples, deadline=None)
    @given(market=markets(), number=st.integers(min_value=0))
    def holds(market: dict[str, float], number: int) -> None:
        before = play([market, market])[-1]
        gone = sorted(market)[number % len(market)] if market else ""
        at = NOON + 2 * HOUR
        after = evaluate(
            book(), facts({name: market[name] for name in market if name != gone}, at), before.signals, at
        )
        assert voting(after) == voting(before)

    holds()


def solana(
    values: Mapping[str, float], past: tuple[float, float, float, float, float] | None = None
) -> Judgement:
    pasts = {} if past is None else {"basis_60d_pct": OwnPast(fact="basis_60d_pct", quantiles=past, days=200)}
    return evaluate(book(), replace(facts(values), asset="SOL", pasts=pasts), {}, NOON, settled=True)


def test_an_asset_without_a_book_is_judged_by_nobody_elses_numbers() -> None:
    bitcoin = {"skew_60d_pct": 13.0, "skew_30d_pct": 9.0, "basis_60d_pct": 2.0, "basis_90d_pct": 12.0}
    judged = solana(bitcoin)
    assert on(judged) == set()
    assert judged.verdict.balance is not None
    assert dict(judged.verdict.votes)["options"] == (0.0, 0.0)
    # What needs no yardstick stands.
    assert on(solana({"skew_60d_pct": 26.0, "basis_60d_pct": -2.0})) == {"skew-panic", "basis-backwardation"}


def test_its_own_past_is_its_range_to_a_tenth_of_interest_and_what_would_change_the_view_stays_in_it() -> (
    None
):
    past = (2.6, 3.374340, 4.2, 5.131909, 5.8)
    judged = solana({"basis_60d_pct": 2.0}, past)
    assert on(judged) == {"basis-weak"}
    usual = book().usual_in_own_past(
        book().ladders["basis"], {"basis_60d_pct": OwnPast(fact="basis_60d_pct", quantiles=past, days=200)}
    )
    assert usual is not None
    assert (usual.low, usual.high) == (3.4, 5.1)
    known = replace(
        facts({"basis_60d_pct": 2.0}),
        asset="SOL",
        pasts={
            "basis_60d_pct": OwnPast(
                fact="basis_60d_pct", quantiles=past, days=200, low_90d=2.0, high_90d=6.0
            )
        },
    )
    told = with_exits(book(), known, judged, settled=True)
    assert {move.end for flip in told.flips for move in flip.moves} == {4.4}  # one beyond its own range's end

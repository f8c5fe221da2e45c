"""Rules of an edition from before the balance: they judge by a score still, where an operator's own files are as old."""

import re
from collections.abc import Mapping
from functools import cache

import pytest
from msgspec.structs import replace

from bot.domain.judgement import Signal
from bot.domain.rulebook import RuleBook, StanceRow
from bot.metrics import CATALOG
from bot.rules import Judgement, Replay, evaluate, parse, with_exits
from tests.rules.make import ARTICLE, CALM, HOUR, NOON, STRONG, facts, files

STANCES = """
[[stance]]
id = "no-call"
when = [{ coverage = "below", value = 0.5 }]
[[stance]]
id = "bearish"
when = [{ score = "at_most", value = -0.3 }]
[[stance]]
id = "overheated"
when = [{ rule_stance = "overheated" }]
[[stance]]
id = "bullish"
when = [{ score = "at_least", value = 0.2 }]
[[stance]]
id = "neutral"
"""
HOT = {**CALM, "basis_60d_pct": 22.0, "funding_annual_pct": 40.0}


@cache
def old_book() -> RuleBook:
    """Today's rules under a table of stances instead of a balance."""
    text = re.sub(r"(?ms)^\[(balance|own_past|direction)\].*?(?=^\[)", "", files()["verdict.toml"])
    text = text.replace("high = 35\nmedium = 25\n", "high = 0.35\nmedium = 0.23\nneutral_band = 0.1\n")
    return parse({**files(), "verdict.toml": text + STANCES}, CATALOG)


def judged(values: Mapping[str, float]) -> Judgement:
    return evaluate(old_book(), facts(values), {}, NOON, {}, settled=True)


def test_a_table_of_stances_is_read_as_it_stands() -> None:
    book = old_book()
    assert (book.balance, book.past, book.direction) == (None, None, None)
    assert book.stances == (
        StanceRow(id="no-call", coverage_below=0.5),
        StanceRow(id="bearish", score_at_most=-0.3),
        StanceRow(id="overheated", rule_stance="overheated"),
        StanceRow(id="bullish", score_at_least=0.2),
        StanceRow(id="neutral"),
    )


@pytest.mark.parametrize(
    ("values", "score", "coverage", "stance", "confidence"),
    [
        # Weights 3, 3, 2, 2, 1, 1 and 0.5: −(3·2 + 3 + 2 + 1) of 25; funding and other markets may be anything.
        (ARTICLE, (-15 / 25, -9 / 25), 11 / 12.5, "bearish", "high"),
        (CALM, (0.0, 0.0), 1.0, "neutral", "high"),
        (STRONG, (9 / 25, 9 / 25), 1.0, "bullish", "high"),
        ({**STRONG, "basis_60d_pct": 7.0}, (6 / 25, 6 / 25), 1.0, "bullish", "medium"),
        (HOT, None, 1.0, "overheated", "high"),
        ({"spot_usd": 70_000.0}, (-1.0, 1.0), 0.0, "no-call", "low"),
    ],
)
def test_the_score_is_the_sum_of_votes_and_the_stance_its_first_row_that_is_true(
    values: Mapping[str, float],
    score: tuple[float, float] | None,
    coverage: float,
    stance: str,
    confidence: str,
) -> None:
    verdict = judged(values).verdict
    if score is not None:
        assert verdict.score == pytest.approx(score)
    assert verdict.coverage == pytest.approx(coverage)
    assert (verdict.stance, verdict.confidence) == (stance, confidence)
    assert (verdict.at, verdict.asset, verdict.balance) == (NOON, "BTC", None)


def test_a_family_without_its_anchor_may_vote_anything_and_is_missing() -> None:
    verdict = judged(ARTICLE).verdict
    assert [one.family for one in verdict.missing] == ["funding", "cross-asset"]
    assert verdict.votes["funding"] == verdict.votes["volatility"] == (-2.0, 2.0)
    assert set(verdict.families) == {"options", "basis", "leverage", "liquidations", "price"}
    assert (verdict.families["options"], verdict.families["leverage"]) == ("bearish", "neutral")
    assert judged(HOT).verdict.families["basis"] == "overheated"
    assert judged(STRONG).verdict.families["options"] == "bullish"


def test_an_assets_own_thresholds_hold_for_it() -> None:
    """A day of 150 million dollars closed by force is a storm for a small market, and none for Bitcoin."""
    small = evaluate(old_book(), replace(facts(STRONG), asset="SOL"), {}, NOON, {}, settled=True)
    assert ("liquidation-storm" in small.counts, "liquidation-storm" in judged(STRONG).counts) == (
        True,
        False,
    )


def test_each_rule_keeps_its_own_state_and_a_replay_gives_the_same_verdicts() -> None:
    signals: Mapping[str, Signal] = {}
    following = Replay(old_book(), asset="BTC")
    for hour in range(48):
        values, at = (ARTICLE if 12 <= hour < 36 else CALM), NOON + hour * HOUR
        judgement = evaluate(old_book(), facts(values, at), signals, at, {})
        signals = judgement.signals
        moment = following.judge(values, at)
        verdict = judgement.verdict
        assert (moment.stance, moment.score, moment.coverage) == (
            verdict.stance,
            verdict.score,
            verdict.coverage,
        )
        assert moment.counts == judgement.counts == {finding.rule for finding in verdict.findings}
    assert {name for name, signal in signals.items() if signal.rule != name} == set()
    assert signals.keys() == old_book().rules.keys()
    assert following.signals() == signals


@pytest.mark.parametrize("values", [ARTICLE, STRONG])
def test_each_flip_that_is_told_is_one(values: Mapping[str, float]) -> None:
    judgement = judged(values)
    told = with_exits(old_book(), facts(values), judgement, settled=True).flips
    changing = [flip for flip in told if flip.stance is not None]
    assert changing
    for flip in changing:
        moved = {**values, **{move.fact: move.end for move in flip.moves}}
        assert judged(moved).verdict.stance == flip.stance != judgement.verdict.stance

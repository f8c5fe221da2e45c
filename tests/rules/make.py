"""Small values for these tests: the real rule book, facts, markets to draw from."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from hypothesis import strategies as st

from bot.domain.facts import Fact, Facts
from bot.domain.judgement import Signal
from bot.domain.rulebook import RuleBook
from bot.metrics import CATALOG
from bot.rules import Judgement, evaluate, parse
from bot.rules.plan import family_of, plan

ROOT = Path(__file__).resolve().parents[2]
NOON = datetime(2026, 2, 6, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

ARTICLE = {
    "spot_usd": 71_500.0,
    "low_30d_usd": 60_150.0,
    "rebound_pct": 18.87,
    "hours_since_low": 24.0,
    "skew_60d_pct": 20.0,
    "basis_60d_pct": 2.0,
    "open_interest_usd": 35.8e9,
    "open_interest_usd.change_7d_pct": -19.19,
    "open_interest_coin": 527_850.0,
    "open_interest_coin.change_7d_pct": 0.0,
    "liquidations_5d_long_usd": 1.8e9,
    "liquidations_5d_long_pct_of_oi": 5.03,
    "liquidations_max_day_1y_usd": 4.65e9,
}
STRONG = {
    "skew_60d_pct": -8.0,
    "skew_30d_pct": -8.0,
    "basis_60d_pct": 11.0,
    "open_interest_usd.change_7d_pct": 14.0,
    "open_interest_coin.change_7d_pct": 6.0,
    "liquidations_24h_usd": 1.5e8,
    "funding_annual_pct": 12.0,
    "spot_usd.change_7d_pct": 9.0,
    "vs_gold_30d_pct": 5.0,
}
CALM = {
    "skew_60d_pct": 5.5,
    "basis_60d_pct": 5.5,
    "open_interest_usd.change_7d_pct": -1.0,
    "open_interest_coin.change_7d_pct": 1.0,
    "liquidations_24h_usd": 1.2e8,
    "funding_annual_pct": 8.0,
    "spot_usd.change_7d_pct": -1.0,
    "vs_gold_30d_pct": -8.0,
}


@cache
def files() -> Mapping[str, str]:
    """The rule files as they are."""
    return {path.name: path.read_text("utf-8") for path in sorted((ROOT / "config" / "rules").glob("*.toml"))}


@cache
def book() -> RuleBook:
    """The rule book as it is."""
    return parse(files(), CATALOG)


def facts(values: Mapping[str, float], at: datetime = NOON, lower: Iterable[str] = ()) -> Facts:
    """Facts with these values, all observed now; those in `lower` are lower bounds."""
    known = {
        name: Fact(name=name, value=value, at=at, lower_bound=name in lower) for name, value in values.items()
    }
    return Facts(asset="BTC", at=at, known=known)


def settled(values: Mapping[str, float], lower: Iterable[str] = (), at: datetime = NOON) -> Judgement:
    """The judgement on values that have held long enough."""
    return evaluate(book(), facts(values, at, lower), {}, at, settled=True)


def on(judgement: Judgement) -> set[str]:
    """The rules that count."""
    return {finding.rule for finding in judgement.verdict.findings}


def play(
    samples: Iterable[Mapping[str, float]], signals: Mapping[str, Signal] | None = None
) -> list[Judgement]:
    """One evaluation an hour, each from the signals and the course of the one before."""
    found: list[Judgement] = []
    at, kept, course = NOON, signals or {}, None
    for sample in samples:
        found.append(evaluate(book(), facts(sample, at), kept, at, course=course))
        kept, course = found[-1].signals, found[-1].course
        at += HOUR
    return found


@cache
def turning_points() -> Mapping[str, tuple[float, ...]]:
    """For each fact that a rule or an anchor asks for, values on and around each of its thresholds."""
    ready = plan(book(), NOON.date(), {}, "BTC")
    points: dict[str, set[float]] = {
        fact: {0.0} for family in book().families.values() for fact in family.anchor
    }
    for job in ready.jobs:
        for test in job.tests:
            if "@" in test.fact:
                continue  # a rank, not a fact
            band = abs(test.entry - test.clear) or 1.0
            for number in (test.entry, test.clear):
                points.setdefault(test.fact, {0.0}).update({number, number - band / 3, number + band / 3})
    return {fact: tuple(sorted(values)) for fact, values in sorted(points.items())}


def markets() -> st.SearchStrategy[dict[str, float]]:
    """Any market: each fact unknown or at one of its turning points. Drawn as one byte a fact: a draw for each of forty
    facts takes longer than what is tried on them."""
    choices = {fact: (None, *values, *values) for fact, values in turning_points().items()}
    assert max(map(len, choices.values())) <= 256

    def read(drawn: bytes) -> dict[str, float]:
        picked = (
            (fact, some[byte % len(some)]) for byte, (fact, some) in zip(drawn, choices.items(), strict=True)
        )
        return {fact: value for fact, value in picked if value is not None}

    return st.binary(min_size=len(choices), max_size=len(choices)).map(read)


def families() -> st.SearchStrategy[set[str]]:
    """Any set of families."""
    return st.sets(st.sampled_from(sorted(book().families)), min_size=1)


def without(values: Mapping[str, float], removed: Iterable[str]) -> dict[str, float]:
    """The market with no fact of some families."""
    gone = set(removed)
    return {fact: value for fact, value in values.items() if family_of(book(), fact) not in gone}


few_or_many = pytest.mark.parametrize(
    "examples", [30, pytest.param(2000, marks=[pytest.mark.slow, pytest.mark.timeout(1200)], id="many")]
)
"""A property: a few examples at every run, two thousand under --all."""
